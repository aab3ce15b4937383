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
use std::collections::{BTreeMap, BTreeSet};
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
/// A finding where nothing is there (exit 66), or (exit 65) where a link leads out of the root or nowhere, a file would be
/// read twice, or a folder cannot be read: rows must neither be lacking nor counted twice in silence.
pub fn files_at(root: &Path, location: &str) -> Result<Vec<(PathBuf, String)>, Box<Finding>> {
    let missing = || {
        Finding::error("source-missing", Place::file(location), format!("there is no file or folder {location}"))
            .help("put the source there, or correct `location` in the catalogue")
            .exit(ExitCode::Missing)
    };
    let at = root.join(location);
    let mut walk = Walk { root, real: BTreeSet::new(), found: Vec::new() };
    if at.is_dir() {
        walk.folder(&at, 0)?;
        walk.found.sort();
    } else if at.exists() {
        walk.found.push(at.clone());
    }
    if walk.found.is_empty() {
        let mut finding = missing();
        if at.is_dir() {
            finding.message = format!("the folder {location} holds no *.parquet file");
        }
        return Err(Box::new(finding));
    }
    let real_root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let mut files = Vec::with_capacity(walk.found.len());
    for path in std::mem::take(&mut walk.found) {
        let shown = walk.shown(&path);
        if path.to_str().is_none_or(|name| name.chars().any(char::is_control)) {
            return Err(walk.unreadable(&path, "its name holds characters that cannot be printed"));
        }
        if !walk.real(&path)?.starts_with(&real_root) {
            return Err(Box::new(
                Finding::error("source-outside-root", Place::file(shown), "the file lies outside the sources folder")
                    .help("copy it below the sources folder; links that lead out of it are not followed"),
            ));
        }
        files.push((path, shown));
    }
    Ok(files)
}

/// A walk through the folder of a location.
struct Walk<'a> {
    root: &'a Path,
    /// Where all that was met really lies.
    real: BTreeSet<PathBuf>,
    found: Vec<PathBuf>,
}

impl Walk<'_> {
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn unreadable(&self, path: &Path, message: &str) -> Box<Finding> {
        let help = "check its permissions and the file system, or take it away";
        Box::new(Finding::error("source-unreadable", Place::file(self.shown(path)), message).help(help))
    }

    /// Where a file or folder really lies, each place once: else links would multiply rows, or never end.
    fn real(&mut self, path: &Path) -> Result<PathBuf, Box<Finding>> {
        let real = path.canonicalize().map_err(|_| self.unreadable(path, "the link leads nowhere"))?;
        if !self.real.insert(real.clone()) {
            let message = "a link leads to what the location holds already: its rows would be read twice";
            let finding = Finding::error("source-twice", Place::file(self.shown(path)), message);
            return Err(Box::new(finding.help("take the link away")));
        }
        Ok(real)
    }

    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Box<Finding>> {
        const DEEPEST: usize = 16;
        if depth > DEEPEST {
            return Err(self.unreadable(folder, "the folder lies too deep below the location"));
        }
        self.real(folder)?;
        let entries: std::io::Result<Vec<_>> = operation::entries(folder).and_then(Iterator::collect);
        let mut entries = entries.map_err(|_| self.unreadable(folder, "the folder cannot be read"))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                self.folder(&path, depth + 1)?;
            } else if name.ends_with(".parquet") {
                self.found.push(path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::{After, Fault, below};
    use std::os::unix::fs::symlink;

    #[test]
    fn links_neither_multiply_rows_nor_lead_round_in_circles() {
        let root = tempfile::tempdir().unwrap();
        let at = root.path().join("npd/x");
        std::fs::create_dir_all(at.join("year=2011")).unwrap();
        std::fs::write(at.join("year=2011/a.parquet"), "").unwrap();
        std::fs::write(at.join("b.parquet"), "").unwrap();
        let code = || files_at(root.path(), "npd/x").map_err(|f| f.code);
        assert_eq!(code().unwrap().len(), 2);
        for (target, link, wanted) in [
            (at.clone(), "round", "source-twice"),
            (at.join("year=2011"), "year=2012", "source-twice"),
            (at.join("b.parquet"), "c.parquet", "source-twice"),
            (at.join("c.parquet"), "c.parquet", "source-unreadable"),
            (at.join("none"), "c.parquet", "source-unreadable"),
            (std::env::temp_dir(), "out.d", "source-outside-root"),
        ] {
            if target == std::env::temp_dir() {
                let outside = tempfile::tempdir().unwrap();
                std::fs::write(outside.path().join("z.parquet"), "").unwrap();
                symlink(outside.path(), at.join(link)).unwrap();
                assert_eq!(code().unwrap_err(), wanted);
            } else {
                symlink(&target, at.join(link)).unwrap();
                assert_eq!(code().unwrap_err(), wanted, "{link}");
            }
            std::fs::remove_file(at.join(link)).unwrap();
        }
        assert_eq!(code().unwrap().len(), 2);
        let deep = at.join("d/".repeat(18));
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(code().unwrap_err(), "source-unreadable");
    }

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
        symlink(root.path().join("npd"), inner.join("again")).unwrap();
        assert_eq!(files_at(root.path(), "npd").unwrap_err().code, "source-twice");
    }
}
