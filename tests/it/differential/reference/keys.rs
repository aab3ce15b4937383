//! Keys and pseudonyms as DESIGN section 4.4 has them, from HMAC-SHA-256 alone.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// What is derived from a secret.
pub(super) struct Keys {
    prk: [u8; 32],
}

impl Keys {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self { prk: mac(b"leo-extract/v1", secret) }
    }

    /// HKDF-Expand to 32 bytes: one block.
    fn derive(&self, info: &str) -> [u8; 32] {
        let mut message = info.as_bytes().to_vec();
        message.push(1);
        mac(&self.prk, &message)
    }

    /// The de-identified key of an identifier.
    pub(super) fn key(&self, kind: &str, canonical: &str) -> [u8; 16] {
        mac(&self.derive(&format!("link|{kind}")), canonical.as_bytes())[..16].try_into().unwrap()
    }

    /// The HMAC behind a pseudonym of a project.
    pub(super) fn project(&self, id: &str, epoch: u32, domain: &str, message: &[u8]) -> [u8; 32] {
        mac(&self.derive(&format!("project|{id}|{epoch}|{domain}")), message)
    }
}

/// The first ten bytes in Crockford's base32, lower case, most significant bits first.
pub(super) fn base32(bytes: &[u8; 32]) -> String {
    let mut number: u128 = 0;
    for byte in &bytes[..10] {
        number = number * 256 + u128::from(*byte);
    }
    let mut text = String::new();
    for place in (0..16).rev() {
        let digit = usize::try_from(number / 32_u128.pow(place) % 32).unwrap();
        text.push(char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[digit]));
    }
    text
}

/// The canonical text of an identifier whatever its shape. `None` where it is missing.
pub(super) fn canonical(kind: &str, text: &str) -> Option<String> {
    let mut text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).to_owned();
    if ["nino", "upn", "uln", "husid"].contains(&kind) {
        text = text.to_uppercase().chars().filter(|c| *c != ' ').collect();
    }
    if kind == "nino" {
        text = text.chars().take(8).collect();
    }
    if text.is_empty() { None } else { Some(text) }
}

/// Whether a canonical text has the shape of its kind.
pub(super) fn is_shaped(kind: &str, text: &str) -> bool {
    // L a letter, D a digit, E either.
    let shape = match kind {
        "nino" => "LLDDDDDD",
        "upn" => "LDDDDDDDDDDDE",
        "uln" => "DDDDDDDDDD",
        "husid" => "DDDDDDDDDDDDD",
        _ => return true,
    };
    text.chars().count() == shape.len()
        && text.chars().zip(shape.chars()).all(|(c, s)| match s {
            'L' => c.is_ascii_uppercase(),
            'D' => c.is_ascii_digit(),
            _ => c.is_ascii_uppercase() || c.is_ascii_digit(),
        })
}

#[test]
fn the_reference_makes_the_vectors_that_another_program_made() {
    // Lines of `testdata/vectors.yaml`, which Python reckoned.
    let secret = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        "FSVvPD9gn0IpEM8fbbIRymfIJfyzco8TwZXQUgq/zW0=",
    );
    let keys = Keys::new(&secret.unwrap());
    let canonical = canonical("nino", " ab 12 34 56 c ").unwrap();
    assert_eq!(crate::support::hex(&keys.key("nino", &canonical)), "d3e222a17b3454e03a4794e1fc9bc24a");
    let person = keys.key("ae_id", "1000001");
    let bytes = keys.project("LEO-2019-003", 1, "person", &person);
    assert_eq!(base32(&bytes), "3g80mycebt866x5a");
    assert_eq!(u64::from_be_bytes(bytes[..8].try_into().unwrap()), 2_022_127_749_885_235_299);
    assert_eq!(base32(&keys.project("LEO-2021-117", 1, "laestab", b"2024567")), "988enm6vtqq99xm8");
}
