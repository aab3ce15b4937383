//! The digests of source files: read in this run, or remembered of one before.
//!
//! A file whose rows are read is digested in the same run, so that the record names what was read: remembered digests only
//! tell that a file need not be read at all.

use super::recipe::exclusion_name;
use crate::files::{Known, Staging, Stamp, sha256_file_while};
use crate::plan::{ElementScan, Linking, Plan};
use crate::survey::FileFacts;
use crate::vocab::{Error, Observer, Result, SourceRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What is remembered, in the extracts folder.
const NOTE: &str = ".sources.json";

/// A source file of a plan.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SourceFile {
    /// Its name in the records.
    pub(super) name: String,
    path: PathBuf,
    bytes: u64,
    rows: u64,
}

impl SourceFile {
    fn new(name: String, facts: &FileFacts) -> Self {
        Self { name, path: facts.path.clone(), bytes: facts.bytes, rows: facts.rows }
    }

    fn record(&self, bytes: u64, sha256: String) -> SourceRecord {
        SourceRecord { path: self.name.clone(), bytes, rows: self.rows, sha256 }
    }

    /// Whether it may be one of the files of a record: it has the name, the length and the rows.
    pub(super) fn may_be_one_of(&self, recorded: &[SourceRecord]) -> bool {
        recorded.iter().any(|r| r.path == self.name && (r.bytes, r.rows) == (self.bytes, self.rows))
    }
}

/// The digests that a run has so far.
#[derive(Debug, Default)]
pub(super) struct Digests {
    known: Known,
    records: BTreeMap<String, SourceRecord>,
    fresh: BTreeSet<String>,
}

impl Digests {
    /// What an earlier run noted in the extracts folder.
    pub(super) fn remembered(extracts: &Path, mac: &dyn Fn(&[u8]) -> [u8; 32]) -> Self {
        Self { known: Known::read(&extracts.join(NOTE), mac), ..Self::default() }
    }

    /// Takes what is remembered of files that are as they were.
    pub(super) fn recall(&mut self, files: &[SourceFile]) {
        for file in files {
            if let Some(sha256) = self.known.digest_of(&file.name, &file.path) {
                self.records.insert(file.name.clone(), file.record(file.bytes, sha256.to_owned()));
            }
        }
    }

    /// Reads the files that this run has not read yet, each once, on all threads.
    ///
    /// # Errors
    /// A file cannot be read, or the run is interrupted.
    pub(super) fn read(&mut self, files: &[SourceFile], threads: usize, observer: &dyn Observer) -> Result<()> {
        // Many files are named twice: cohorts are selected from them, and rows released.
        let files: BTreeSet<&SourceFile> = files.iter().filter(|file| !self.fresh.contains(&file.name)).collect();
        let files: Vec<&SourceFile> = files.into_iter().collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(files.len())));
        std::thread::scope(|scope| {
            for _ in 0..threads.min(files.len()) {
                scope.spawn(|| {
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let stamp = Stamp::of(&file.path);
                        let read = sha256_file_while(&file.path, observer);
                        if let Ok(mut done) = done.lock() {
                            done.push((*file, stamp, read));
                        }
                    }
                });
            }
        });
        let done = done.into_inner().map_err(|_| Error::Internal("a digest was lost".to_owned()))?;
        for (file, stamp, read) in done {
            let (bytes, sha256) = read?;
            self.known.remember(&file.name, &file.path, stamp, &sha256);
            self.fresh.insert(file.name.clone());
            self.records.insert(file.name.clone(), file.record(bytes, sha256));
        }
        Ok(())
    }

    /// The records, by name.
    pub(super) fn records(&self) -> &BTreeMap<String, SourceRecord> {
        &self.records
    }

    /// The files whose digests are remembered and not read.
    pub(super) fn not_read(&self, files: Vec<SourceFile>) -> Vec<SourceFile> {
        files.into_iter().filter(|file| !self.fresh.contains(&file.name)).collect()
    }

    /// The files of which nothing is known.
    pub(super) fn unknown(&self, files: Vec<SourceFile>) -> Vec<SourceFile> {
        files.into_iter().filter(|file| !self.records.contains_key(&file.name)).collect()
    }

    /// Notes what is known for the next run.
    ///
    /// # Errors
    /// The note cannot be written.
    pub(super) fn note(&self, extracts: &Path, staging: &Staging, mac: &dyn Fn(&[u8]) -> [u8; 32]) -> Result<()> {
        self.known.write(&extracts.join(NOTE), &staging.passing(NOTE), mac)
    }
}

/// The files that are read to tell who is whom and who must never be released, and those that cohorts are selected from.
pub(super) fn of_people(plan: &Plan, linking: &Linking<'_>, selection: &[Arc<ElementScan>]) -> Vec<SourceFile> {
    let links = linking.tables.iter().flat_map(|link| &link.files);
    let links = links.map(|(facts, _, _)| (facts.shown.clone(), facts));
    let exclusions = plan.exclusions.iter().flat_map(|exclusion| {
        exclusion.files.iter().map(|(facts, _)| (exclusion_name(exclusion, &facts.shown), facts))
    });
    let named = links.chain(exclusions);
    let named = named.map(|(name, facts)| SourceFile::new(name, facts));
    distinct(named.chain(of_scans(linking.carriers.iter().copied())).chain(of_scans(selection)))
}

/// The files whose rows are released.
pub(super) fn of_rows(release: &[Arc<ElementScan>]) -> Vec<SourceFile> {
    distinct(of_scans(release))
}

/// All files of a plan.
pub(super) fn files_of(plan: &Plan) -> Vec<SourceFile> {
    distinct(of_people(plan, &plan.linking(), &plan.selection).into_iter().chain(of_scans(&plan.release)))
}

/// The names of the source files that a project depends on: its own, the link tables, the exclusions.
pub(super) fn of_project(plan: &Plan, project: usize) -> Vec<String> {
    let own = plan.projects.get(project).into_iter().flat_map(|p| p.sources.iter().cloned());
    let links = plan.links.iter().flat_map(|l| &l.files).map(|(facts, _, _)| facts.shown.clone());
    let exclusions = plan.exclusions.iter();
    let exclusions = exclusions.flat_map(|e| e.files.iter().map(|(facts, _)| exclusion_name(e, &facts.shown)));
    own.chain(links).chain(exclusions).collect::<BTreeSet<_>>().into_iter().collect()
}

fn of_scans<'a>(scans: impl IntoIterator<Item = &'a Arc<ElementScan>>) -> impl Iterator<Item = SourceFile> {
    let facts = scans.into_iter().flat_map(|scan| &scan.units).map(|unit| &unit.facts);
    facts.map(|facts| SourceFile::new(facts.shown.clone(), facts))
}

fn distinct(files: impl Iterator<Item = SourceFile>) -> Vec<SourceFile> {
    files.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::below;
    use crate::vocab::Silent;

    #[test]
    fn a_file_that_is_named_twice_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        std::fs::write(&path, "bytes").unwrap();
        let file = SourceFile { name: "a".to_owned(), path, bytes: 5, rows: 1 };
        let reads = |files: &[SourceFile]| {
            let mut digests = Digests::default();
            let (read, told) = below(folder.path(), None, || digests.read(files, 1, &Silent));
            read.unwrap();
            assert_eq!(digests.records()["a"].bytes, 5);
            told.log.len()
        };
        let once = reads(std::slice::from_ref(&file));
        assert!(once > 0);
        assert_eq!(reads(&[file.clone(), file]), once);
    }
}
