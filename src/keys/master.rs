//! A master key, and the keys derived from it, each for one purpose: HKDF-SHA-256 (RFC 5869) with 32 bytes of output.

use super::page::scrub;
use super::{Mac, Secret};
use crate::vocab::{KeyId, Kind, ProjectId};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use zeroize::{Zeroize, Zeroizing};

/// The salt of `prk = HKDF-Extract(salt, secret)`.
const SALT: &[u8] = b"leo-extract/v1";

/// A key of the keyring. It derives; it never shows. What it keeps is wiped on drop.
///
/// It cannot be printed, copied or written:
/// ```compile_fail
/// fn needs<T: std::fmt::Debug>() {}
/// needs::<leo_extract::keys::MasterKey>();
/// ```
/// ```compile_fail
/// fn needs<T: std::fmt::Display>() {}
/// needs::<leo_extract::keys::MasterKey>();
/// ```
/// ```compile_fail
/// fn needs<T: Clone>() {}
/// needs::<leo_extract::keys::MasterKey>();
/// ```
/// ```compile_fail
/// fn needs<T: serde::Serialize>() {}
/// needs::<leo_extract::keys::MasterKey>();
/// ```
/// while it may be shared (so that the examples above fail for their reason, and not for a misspelt path):
/// ```
/// fn needs<T: Send + Sync>() {}
/// needs::<leo_extract::keys::MasterKey>();
/// ```
pub struct MasterKey {
    id: KeyId,
    fingerprint: String,
    /// HMAC under `prk`; HKDF's expand step needs nothing else of the secret.
    prk: Mac,
    /// What was derived: one page a purpose, however many slices ask for it.
    derived: Mutex<BTreeMap<String, Mac>>,
}

impl MasterKey {
    /// The key that stands for a secret.
    pub(super) fn new(id: KeyId, secret: &Secret) -> Self {
        let (fingerprint, prk) = (secret.fingerprint(), extract(SALT, secret.bytes()));
        scrub();
        Self { id, fingerprint, prk, derived: Mutex::default() }
    }

    /// The key's name in the keyring.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Eight hex digits that tell keys apart and tell nothing about them.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The hash that turns identifiers of a kind into de-identified keys ([`Mac::key16`]).
    #[must_use]
    pub fn link(&self, kind: &Kind) -> Mac {
        self.derive(&format!("link|{kind}"))
    }

    /// The hash behind a project's pseudonyms. `domain` is `person`, or the kind of a pseudonymised variable.
    #[must_use]
    pub fn project(&self, project: &ProjectId, epoch: u32, domain: &str) -> Mac {
        self.derive(&format!("project|{project}|{epoch}|{domain}"))
    }

    /// The hash that seals entries of the ledger.
    #[must_use]
    pub fn ledger(&self) -> Mac {
        self.derive("ledger")
    }

    fn derive(&self, info: &str) -> Mac {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let mut key = expand(&self.prk, info.as_bytes());
            let mac = Mac::new(&key);
            key.zeroize();
            scrub();
            mac
        };
        derived.entry(info.to_owned()).or_insert_with(make).clone()
    }
}

/// HKDF-Extract, kept as the HMAC under its result.
fn extract(salt: &[u8], secret: &[u8]) -> Mac {
    let prk = Zeroizing::new(Mac::new(salt).tag(secret));
    Mac::new(prk.as_slice())
}

/// The first 32 bytes of HKDF-Expand.
fn expand(prk: &Mac, info: &[u8]) -> [u8; 32] {
    let mut message = Vec::with_capacity(info.len() + 1);
    message.extend_from_slice(info);
    message.push(1);
    prk.tag(&message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    /// RFC 5869, appendix A: cases 1 and 3, of which we need the first 32 bytes.
    #[test]
    fn hkdf_of_the_rfc() {
        let secret = [0x0b; 22];
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let okm = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(expand(&extract(&salt, &secret), &info).to_vec(), bytes(okm));
        let prk = "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5";
        assert_eq!(Mac::new(&salt).tag(&secret).to_vec(), bytes(prk));
        let okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(expand(&extract(b"", &secret), b"").to_vec(), bytes(okm));
    }

    #[test]
    fn keys_of_different_purposes_differ() {
        let key = MasterKey::new(KeyId::new("k").unwrap(), &Secret::published_test());
        let (a, b) = (ProjectId::new("AAA-1").unwrap(), ProjectId::new("AAA-2").unwrap());
        let macs = [
            key.project(&a, 1, "person"),
            key.project(&b, 1, "person"),
            key.project(&a, 2, "person"),
            key.project(&a, 1, "laestab"),
            key.link(&Kind::new("person").unwrap()),
            key.ledger(),
        ];
        let mut tags: Vec<_> = macs.iter().map(|mac| mac.tag(b"x")).collect();
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), macs.len());
    }
}
