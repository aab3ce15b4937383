//! Thirty-two secret bytes, and the one published secret that protects nothing.

use super::page::Kept;
use crate::vocab::{Error, Result};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// SHA-256 of `leo-extract published test key: synthetic data only`. Everyone knows it: it keys the synthetic data
/// under `testdata/` and nothing else.
const PUBLISHED: [u8; 32] = [
    0x15, 0x25, 0x6f, 0x3c, 0x3f, 0x60, 0x9f, 0x42, 0x29, 0x10, 0xcf, 0x1f, 0x6d, 0xb2, 0x11, 0xca, 0x67, 0xc8, 0x25,
    0xfc, 0xb3, 0x72, 0x8f, 0x13, 0xc1, 0x95, 0xd0, 0x52, 0x0a, 0xbf, 0xcd, 0x6d,
];

/// The 32 bytes that every key is derived from. Wiped on drop; cannot be printed or copied.
///
/// ```compile_fail
/// fn needs_debug<T: std::fmt::Debug>() {}
/// needs_debug::<leo_extract::keys::Secret>();
/// ```
/// ```compile_fail
/// fn needs_clone<T: Clone>() {}
/// needs_clone::<leo_extract::keys::Secret>();
/// ```
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret(Kept<[u8; 32]>);

impl Secret {
    /// Takes the bytes over. They lie on a page of their own from here on, so that moving the secret leaves no copy behind.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let secret = Self::copied(&bytes);
        bytes.zeroize();
        secret
    }

    /// A secret of the bytes, which the caller wipes.
    pub(super) fn copied(bytes: &[u8; 32]) -> Self {
        let mut secret = Self(Kept::default());
        secret.0.copy_from_slice(bytes);
        secret
    }

    /// A new random secret from the operating system.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn random() -> Result<Self> {
        let mut secret = Self(Kept::default());
        getrandom::fill(secret.0.as_mut_slice())
            .map_err(|_| Error::Internal("the operating system gives no random bytes".to_owned()))?;
        Ok(secret)
    }

    /// The published test secret: for synthetic data only, since everyone knows it.
    #[must_use]
    pub fn published_test() -> Self {
        Self::new(PUBLISHED)
    }

    /// Whether it is the published test secret.
    #[must_use]
    pub fn is_published_test(&self) -> bool {
        use subtle::ConstantTimeEq;
        self.0.as_slice().ct_eq(&PUBLISHED).into()
    }

    /// The first 8 hex digits of SHA-256(`leo-key-id` and the secret): tells keys apart, tells nothing about them.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::new_with_prefix(b"leo-key-id").chain_update(self.0.as_slice()).finalize();
        digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes, for this room alone.
    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_secret_is_what_its_name_hashes_to() {
        let digest = Sha256::digest(b"leo-extract published test key: synthetic data only");
        assert_eq!(PUBLISHED.as_slice(), digest.as_slice());
        assert!(Secret::published_test().is_published_test());
    }

    #[test]
    fn random_secrets_differ_and_are_not_published() {
        let (a, b) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert!(a.bytes() != b.bytes() && !a.is_published_test());
        assert_ne!(a.fingerprint(), b.fingerprint());
        assert_eq!(a.fingerprint().len(), 8);
    }

    #[test]
    fn a_secret_is_wiped() {
        let mut secret = Secret::published_test();
        secret.zeroize();
        assert_eq!(secret.bytes(), &[0; 32]);
    }
}
