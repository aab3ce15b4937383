//! Keys: keyring, derivation, HMAC. The only place where a secret lives; unprintable, uncopyable, wiped on drop.
//!
//! DESIGN section 4.4 fixes every byte: another program must be able to recompute what this room computes.
//! `testdata/vectors.yaml` holds such a program's results.

mod document;
mod mac;
mod master;
mod pseudonym;
mod ring;
mod secret;

pub use mac::Mac;
pub use master::MasterKey;
pub use pseudonym::pseudonym_text;
pub use ring::{Keyring, write_keyring};
pub use secret::Secret;

#[cfg(test)]
mod vectors;
