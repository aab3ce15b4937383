//! Digests, atomic writes, staging, locks: whatever the tool writes to a disk goes through this room.
//!
//! `operation` is the one place that changes a file system: a small set of functions that name the path in every error.
//! The rest is built on it: `digest` hashes while it writes, `sha512` what was written, `atomic` replaces files whole, `lock`
//! lets one build at a time into an extracts folder, `staging` holds what is not yet published and sweeps what dead runs left
//! behind. `footer` tells, for all who read Parquet, whether a footer may be given to a reader. `known` remembers the digests
//! of sources. `disk` brings tables to the disk while others are written; `scratch` holds what has no room in memory.

mod atomic;
mod digest;
mod disk;
#[cfg(test)]
pub(crate) mod faults;
mod footer;
mod known;
mod lock;
pub mod operation;
mod scratch;
mod sha512;
mod staging;

pub use atomic::{link_or_copy, make_lasting_folder, replace, replace_symlink, sync_dir, sync_tree, write_new};
pub use digest::{
    Digests, HashingWriter, Written, digest_bytes, digest_file, hex, sha256_bytes, sha256_file, sha256_file_while,
};
pub use disk::Disk;
pub use footer::{dictionary_is_sound, footer_is_sound, thrift_is_sound};
pub use known::{Known, Stamp};
pub use lock::Lock;
pub use scratch::{ScratchFile, ScratchReader, ScratchWriter, Stretch};
pub use sha512::sha512_files;
pub use staging::{STAGING, Staging};
