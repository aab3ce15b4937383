//! `leo.yaml`: where everything lies and how much of the machine a run may take.

mod read;
mod schema;

pub use read::parse_size;
pub use schema::schema;

use std::path::PathBuf;

/// The codes of this room's findings, each with its meaning. Those of the room `yaml` may stand beside them.
pub const CODES: &[(&str, &str)] = &[
    ("config-missing", "there is no config file"),
    ("size-malformed", "no size like 8GiB"),
    ("url-not-built", "sources at a URL are not built in"),
    ("folders-overlap", "two folders of the config that must be apart are one"),
];

/// Settings as the config file has them, paths made absolute against its folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The config file itself.
    pub file: PathBuf,
    /// The folder of the catalogue.
    pub catalogue: PathBuf,
    /// The folder of the specs.
    pub specs: PathBuf,
    /// The folder of the approval records.
    pub approvals: PathBuf,
    /// OpenSSH allowed signers, where signatures are required.
    pub allowed_signers: Option<PathBuf>,
    /// The root of the source tables.
    pub sources: PathBuf,
    /// The root of the published extracts.
    pub extracts: PathBuf,
    /// The keyring, where the config names one.
    pub keyring: Option<PathBuf>,
    /// People never to be released.
    pub exclusions: Vec<Exclusion>,
    /// Scratch space; `None` means inside extracts.
    pub scratch: Option<PathBuf>,
    /// Bytes of memory, where the config names them.
    pub memory: Option<u64>,
    /// Threads, where the config names them.
    pub threads: Option<usize>,
}

/// A table of people never to be released.
#[derive(Debug, Clone)]
pub struct Exclusion {
    /// The file or folder, as written (relative to the config file).
    pub location: String,
    /// The same, absolute.
    pub path: PathBuf,
    /// The kind of identifier in it.
    pub kind: crate::vocab::Kind,
    /// The column.
    pub column: String,
    /// Where it is named.
    pub at: crate::vocab::Place,
}
