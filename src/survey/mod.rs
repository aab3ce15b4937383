//! The survey: Parquet footers, and what they say the sources really hold. Never a row.
//!
//! It resolves locations to files below the sources folder and reads their footers, each once, many at a time.
//! What a plan may then need of a file stands in its [`FileFacts`].

mod footer;
mod types;

pub use footer::{ColumnFacts, FileFacts, RowGroupFacts, arrow_type};
pub use types::{Conversion, conversion};

use crate::files::operation;
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
        let unread = |folder: PathBuf| {
            let shown = folder.strip_prefix(root).unwrap_or(&folder).to_string_lossy().into_owned();
            Finding::error("source-unreadable", Place::file(shown), "the folder cannot be read, or lies too deep")
                .help("check its permissions and the file system; folders are read down to sixteen below the location")
        };
        collect(&at, &mut found, 0).map_err(|folder| Box::new(unread(folder)))?;
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

/// All files of a folder and those below it. A folder that cannot be read to its end is the error: to pass over it would
/// leave rows out that nobody misses.
fn collect(folder: &Path, found: &mut Vec<PathBuf>, depth: usize) -> Result<(), PathBuf> {
    let unread = || folder.to_path_buf();
    let entries = operation::entries(folder).ok().filter(|_| depth <= 16).ok_or_else(unread)?;
    for entry in entries {
        let entry = entry.map_err(|_| unread())?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found, depth + 1)?;
        } else if name.ends_with(".parquet") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::{After, Fault, below};

    #[test]
    fn a_folder_that_cannot_be_read_is_a_finding_and_is_never_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("npd/year=2011");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(root.path().join("npd/a.parquet"), "").unwrap();
        std::fs::write(inner.join("b.parquet"), "").unwrap();
        let names = |found: Vec<(PathBuf, String)>| found.into_iter().map(|(_, shown)| shown).collect::<Vec<_>>();
        let all = ["npd/a.parquet", "npd/year=2011/b.parquet"];
        assert_eq!(names(files_at(root.path(), "npd").unwrap()), all);
        for (at, folder) in [(0, "npd"), (1, "npd/year=2011")] {
            let fault = Fault { at, of: Some(operation::Kind::List), after: After::Works, half: false };
            let (found, _) = below(root.path(), Some(fault), || files_at(root.path(), "npd"));
            let finding = found.unwrap_err();
            assert_eq!((finding.code, finding.at.file.as_str()), ("source-unreadable", folder));
        }
        // A folder that leads into itself has no end.
        std::os::unix::fs::symlink(root.path().join("npd"), inner.join("again")).unwrap();
        assert_eq!(files_at(root.path(), "npd").unwrap_err().code, "source-unreadable");
    }
}
