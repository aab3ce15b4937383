//! The survey: Parquet footers, and what they say the sources really hold. Never a row.
//!
//! It resolves locations to files below the sources folder and reads their footers, each once, many at a time.
//! What a plan may then need of a file stands in its [`FileFacts`].

mod footer;
mod types;

pub use footer::{ColumnFacts, FileFacts, RowGroupFacts, arrow_type};
pub use types::{Conversion, conversion};

use crate::vocab::{ExitCode, Finding, Place};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The footers of all files asked for so far, by path.
#[derive(Debug, Default)]
pub struct Survey {
    files: BTreeMap<PathBuf, Arc<FileFacts>>,
}

impl Survey {
    /// Reads the footers of many files on `threads` threads. Each problem is returned beside its path.
    pub fn read(&mut self, wanted: &[(PathBuf, String)], threads: usize) -> BTreeMap<PathBuf, Finding> {
        let todo: Vec<&(PathBuf, String)> = wanted.iter().filter(|(path, _)| !self.files.contains_key(path)).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        let done = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..threads.clamp(1, 16).min(todo.len().max(1)) {
                scope.spawn(|| {
                    loop {
                        let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        let Some((path, shown)) = todo.get(i) else { break };
                        let facts = footer::read(path, shown);
                        if let Ok(mut done) = done.lock() {
                            done.push((path.clone(), facts));
                        }
                    }
                });
            }
        });
        let mut problems = BTreeMap::new();
        for (path, facts) in done.into_inner().unwrap_or_default() {
            match facts {
                Ok(facts) => {
                    self.files.insert(path, Arc::new(facts));
                }
                Err(finding) => {
                    problems.insert(path, *finding);
                }
            }
        }
        problems
    }

    /// The facts of a file whose footer was read.
    #[must_use]
    pub fn facts(&self, path: &Path) -> Option<&Arc<FileFacts>> {
        self.files.get(path)
    }
}

/// The files at a location below `root`: the file itself, or all `*.parquet` below the folder, in path order, each with
/// its path below the root. Hidden files and folders are passed over.
///
/// # Errors
/// A finding where nothing is there (exit 66), or where a link leads out of the root (exit 65).
pub fn files_at(root: &Path, location: &str) -> Result<Vec<(PathBuf, String)>, Box<Finding>> {
    let missing = || {
        Finding::error("source-missing", Place::file(location), format!("there is no file or folder {location}"))
            .help("put the source there, or correct `location` in the catalogue")
            .exit(ExitCode::Missing)
    };
    let at = root.join(location);
    let mut found = Vec::new();
    if at.is_file() {
        found.push(at.clone());
    } else if at.is_dir() {
        collect(&at, &mut found, 0);
        found.sort();
    }
    if found.is_empty() {
        let mut finding = missing();
        if at.is_dir() {
            finding.message = format!("the folder {location} holds no *.parquet file");
        }
        return Err(Box::new(finding));
    }
    let real_root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let mut files = Vec::with_capacity(found.len());
    for path in found {
        let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if !path.canonicalize().is_ok_and(|real| real.starts_with(&real_root)) {
            return Err(Box::new(
                Finding::error("source-outside-root", Place::file(shown), "the file lies outside the sources folder")
                    .help("copy it below the sources folder; links that lead out of it are not followed"),
            ));
        }
        files.push((path, shown));
    }
    Ok(files)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>, depth: usize) {
    if depth > 16 {
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found, depth + 1);
        } else if name.ends_with(".parquet") {
            found.push(path);
        }
    }
}
