//! What stands: the newest extract of a project, where the ledger vouches for its record.

use super::account;
use super::apart::newest;
use crate::files::{operation, sha256_bytes};
use crate::keys::Keyring;
use crate::publish::ledger::{self, Entry, PUBLISHED};
use crate::publish::{LATEST, MANIFEST, Manifest, version_name};
use crate::vocab::{KeyId, LinkAccount, ProjectAccount, ProjectId, SourceRecord};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What stands in every extract beside its tables and its record.
const BESIDE: [&str; 9] = [
    "bag-info.txt",
    "bagit.txt",
    "data/codebook.csv",
    "data/datapackage.json",
    "manifest-sha256.txt",
    "manifest-sha512.txt",
    "report.html",
    "ro-crate-metadata.json",
    "run.json",
];

/// The newest extract of a project: published, whole by its sizes, with the record that the ledger names.
#[derive(Debug)]
pub(super) struct Standing {
    /// Its version.
    pub(super) version: u32,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Its record.
    pub(super) record: Manifest,
    /// The SHA-256 of its record, which the ledger names.
    pub(super) record_sha256: String,
    /// What was counted for it.
    pub(super) account: ProjectAccount,
}

/// What stands of each project.
pub(super) type All = BTreeMap<ProjectId, Standing>;

/// Finds what stands of some projects. A version that cannot be vouched for counts for nothing: it is never reason for an
/// error, since the project is then cut whole.
pub(super) fn all<'a>(extracts: &Path, keyring: &Keyring, projects: impl Iterator<Item = &'a ProjectId>) -> All {
    let Ok(ledger) = ledger::read(extracts) else { return All::new() };
    let tag = |id: &str, message: &[u8]| Some(keyring.key(&KeyId::new(id)?)?.ledger().tag(message));
    let mut entered: BTreeMap<&str, &Entry> = BTreeMap::new();
    for (_, entry, signed) in ledger.signatures(&tag) {
        if entry.kind == PUBLISHED && signed == Some(true) {
            entered.insert(&entry.project, entry);
        }
    }
    let find = |project: &ProjectId| Some((project.clone(), one(extracts, project, entered.get(project.as_str())?)?));
    projects.filter_map(find).collect()
}

fn one(extracts: &Path, project: &ProjectId, entry: &Entry) -> Option<Standing> {
    let home = extracts.join(project.as_str());
    let (version, folder) = newest(&home)?;
    let latest = std::fs::read_link(home.join(LATEST)).ok()?;
    let read = |path: &str| operation::read_if_there(&folder.join(path)).ok()?;
    let (bytes, tags) = (read(MANIFEST)?, read("tagmanifest-sha256.txt")?);
    let (record_sha256, tags) = (sha256_bytes(&bytes), sha256_bytes(&tags));
    if entry.version != Some(version)
        || latest.as_os_str() != version_name(version).as_str()
        || entry.manifest_sha256.as_ref() != Some(&record_sha256)
        || entry.bag_sha256.as_ref() != Some(&tags)
    {
        return None;
    }
    let record: Manifest = serde_json::from_slice(&bytes).ok()?;
    let account = account::of(&record)?;
    (account.project == *project).then_some(Standing { version, folder, record, record_sha256, account })
}

impl Standing {
    /// The source files of its record.
    pub(super) fn sources(&self) -> Vec<SourceRecord> {
        account::sources(&self.record)
    }

    /// Whether every file is there, and every table has the length that the record names.
    pub(super) fn is_there(&self) -> bool {
        let csv = self.record.csv.iter().map(|file| (&file.path, file.bytes));
        let parquet = self.record.tables.iter().map(|table| (&table.path, table.bytes));
        let tables = csv.chain(parquet.filter(|_| self.publishes_parquet()));
        let length = |path: PathBuf| std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file);
        tables.into_iter().all(|(path, bytes)| length(self.data().join(path)).is_some_and(|facts| facts.len() == bytes))
            && BESIDE.iter().all(|path| length(self.folder.join(path)).is_some())
    }

    /// Whether its tables were published as Parquet. The record describes the Parquet files where only CSV was, too.
    pub(super) fn publishes_parquet(&self) -> bool {
        self.record.spec.parsed.pointer("/output/parquet").and_then(serde_json::Value::as_bool) == Some(true)
    }

    /// What the link tables held.
    pub(super) fn links(&self) -> Vec<LinkAccount> {
        account::links(&self.record)
    }

    /// Its data folder.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}
