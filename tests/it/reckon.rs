//! The pseudonyms of the contract, reckoned anew with the `hmac` crate: for tests that must know who is whom.

use crate::support::World;
use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::os::unix::fs::PermissionsExt;

/// Tells a figure, where `LEO_FIGURES` asks for it.
pub(crate) fn figure(text: &str) {
    use std::io::Write as _;
    if std::env::var_os("LEO_FIGURES").is_some() {
        std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
    }
}

/// The first ten bytes of a hash: a pseudonym before it is text.
pub(crate) type Ten = [u8; 10];

/// HMAC-SHA-256.
pub(crate) fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).unwrap()
}

pub(crate) fn tag(mac: &Hmac<Sha256>, message: &[u8]) -> [u8; 32] {
    mac.clone().chain_update(message).finalize().into_bytes().into()
}

pub(crate) fn ten(bytes: &[u8]) -> Ten {
    bytes[..10].try_into().unwrap()
}

/// The bytes of a pseudonym's sixteen characters; `None` where it is no pseudonym.
pub(crate) fn bytes_of(text: &str) -> Option<Ten> {
    const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";
    let value = text.chars().try_fold(0_u128, |value, c| Some(value << 5 | ALPHABET.find(c)? as u128))?;
    (text.len() == 16).then(|| value.to_be_bytes()[6..].try_into().unwrap())
}

/// A secret that a test may know.
pub(crate) fn secret(name: &str) -> [u8; 32] {
    Sha256::digest(format!("a key of the privacy tests: {name}")).into()
}

/// A master key, by its secret.
pub(crate) struct Reckoner {
    prk: [u8; 32],
}

impl Reckoner {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self { prk: tag(&hmac(b"leo-extract/v1"), secret) }
    }

    fn derive(&self, info: &str) -> Hmac<Sha256> {
        hmac(&tag(&hmac(&self.prk), &[info.as_bytes(), &[1]].concat()))
    }

    /// The HMAC of what only the key's holder may write: the ledger, and what is noted of sources.
    pub(crate) fn ledger(&self, message: &[u8]) -> [u8; 32] {
        tag(&self.derive("ledger"), message)
    }

    /// From a person's identifier to a `person_id`.
    pub(crate) fn person(&self, project: &str, epoch: u32) -> impl Fn(&[u8]) -> Ten + Sync + use<> {
        let (link, own) = (self.derive("link|ae_id"), self.derive(&format!("project|{project}|{epoch}|person")));
        move |identifier| ten(&tag(&own, &tag(&link, identifier)[..16]))
    }

    /// From a body's identifier to its pseudonym.
    pub(crate) fn body(&self, project: &str, epoch: u32, kind: &str) -> impl Fn(&[u8]) -> Ten + Sync + use<> {
        let own = self.derive(&format!("project|{project}|{epoch}|{kind}"));
        move |identifier| ten(&tag(&own, identifier))
    }
}

/// Gives a world a keyring of secrets that the test knows, by name; the first is the current one.
pub(crate) fn give_keyring(world: &World, names: &[&str]) {
    let path = world.path("leo.keyring");
    let mut text = format!("keyring: 1\ncurrent: {}\nkeys:\n", names[0]);
    for name in names {
        let secret = base64::engine::general_purpose::STANDARD.encode(secret(name));
        text.push_str(&format!("  - {{id: {name}, secret: \"{secret}\"}}\n"));
    }
    crate::support::replace(&path, text.as_bytes());
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}
