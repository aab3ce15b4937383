//! Keys: keyring, derivation, HMAC. The only place where a secret lives; unprintable, uncopyable, wiped on drop.
//!
//! Every secret lies on a page of its own (`page`), in a process that others cannot look into (`process`). The text of a
//! keyring's secret is taken out before the parser sees it (`document`).
//!
//! DESIGN section 4.4 fixes every byte: another program must be able to recompute what this room computes.
//! `testdata/vectors.yaml` holds such a program's results.

mod document;
mod mac;
mod master;
mod page;
mod process;
mod pseudonym;
mod ring;
mod secret;

pub use mac::Mac;
pub use master::MasterKey;
pub use page::kept_from_swap;
pub use process::harden_process;
pub use pseudonym::pseudonym_text;
pub use ring::{Keyring, write_keyring};
pub use secret::Secret;

#[cfg(test)]
mod memory_tests;
#[cfg(test)]
mod vectors;
