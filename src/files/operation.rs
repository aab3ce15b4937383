//! The choke point: every change of a file system, and every read that publication depends on, is one of these.
//!
//! Each function names the path in its error, so that a full disk or a missing right is told as such (exit code 73 for
//! what we write). Tests make the n-th of these fail, or fail with all that follow, as a kill does: see `faults`.

use crate::vocab::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Creates a file to write, or empties the one that is there.
///
/// # Errors
/// The path cannot be written.
pub fn create(path: &Path) -> Result<File> {
    step().and_then(|()| File::create(path)).map_err(|e| Error::writing("create", path, e))
}

/// Creates a file that must not be there yet.
///
/// # Errors
/// The path cannot be written, or is taken.
pub fn create_new(path: &Path) -> Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).open(path);
    step().and_then(|()| open()).map_err(|e| Error::writing("create", path, e))
}

/// Refuses a link where something of ours belongs: what we write or sweep must lie below the extracts folder.
///
/// # Errors
/// There is one (exit code 73).
pub fn no_link(path: &Path) -> Result<()> {
    let link = fs::symlink_metadata(path).is_ok_and(|facts| facts.file_type().is_symlink());
    let why = || io::Error::new(io::ErrorKind::InvalidInput, "a link");
    if link { Err(Error::writing("write through the link", path, why())) } else { Ok(()) }
}

/// Opens a file to read and change, and creates it where it is missing; what it holds stays.
///
/// # Errors
/// The path cannot be written.
pub fn open_kept(path: &Path) -> Result<File> {
    no_link(path)?;
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    step().and_then(|()| open()).map_err(|e| Error::writing("open", path, e))
}

/// Writes all bytes.
///
/// # Errors
/// The disk is full or fails.
pub fn write_all(file: &mut File, path: &Path, bytes: &[u8]) -> Result<()> {
    write_raw(file, bytes).map_err(|e| Error::writing("write", path, e))
}

/// Writes all bytes for an `io::Write`, whose error has no path yet.
pub(super) fn write_raw(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    if let Err(stop) = step() {
        // A write that fails may have been half done.
        file.write_all(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
        return Err(stop);
    }
    file.write_all(bytes)
}

/// Cuts a file to a length.
///
/// # Errors
/// The disk fails.
pub fn truncate(file: &File, path: &Path, length: u64) -> Result<()> {
    step().and_then(|()| file.set_len(length)).map_err(|e| Error::writing("truncate", path, e))
}

/// Waits until a file's bytes are on the disk.
///
/// # Errors
/// The disk is full or fails.
pub fn sync(file: &File, path: &Path) -> Result<()> {
    step().and_then(|()| file.sync_all()).map_err(|e| Error::writing("sync", path, e))
}

/// Renames a file or folder, atomically within one file system. A file at `to` is replaced.
///
/// # Errors
/// The file system refuses.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    step().and_then(|()| fs::rename(from, to)).map_err(|e| Error::writing("rename to", to, e))
}

/// Gives a file a second name, which must not be taken.
///
/// # Errors
/// The file system refuses, or has no hard links.
pub fn hard_link(from: &Path, to: &Path) -> Result<()> {
    step().and_then(|()| fs::hard_link(from, to)).map_err(|e| Error::writing("link", to, e))
}

/// Makes a symbolic link, whose name must not be taken.
///
/// # Errors
/// The file system refuses, or has no symbolic links.
pub fn symlink(target: &Path, link: &Path) -> Result<()> {
    step().and_then(|()| std::os::unix::fs::symlink(target, link)).map_err(|e| Error::writing("link", link, e))
}

/// Removes a file, a link (not what it points at) or a folder with all that it holds. Nothing there is no error.
///
/// # Errors
/// The file system refuses.
pub fn remove(path: &Path) -> Result<()> {
    let remove = || match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(gone) => Err(gone),
    };
    match step().and_then(|()| remove()) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(|e| Error::writing("remove", path, e)),
    }
}

/// Makes a folder and those above it. A folder that is there is no error.
///
/// # Errors
/// The path cannot be written, or is a file.
pub fn make_folder(path: &Path) -> Result<()> {
    step().and_then(|()| fs::create_dir_all(path)).map_err(|e| Error::writing("create the folder", path, e))
}

/// Makes a folder that only its owner may enter. The folder above it must exist.
///
/// # Errors
/// The path cannot be written, or is taken.
pub fn make_private_folder(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let make = || fs::DirBuilder::new().mode(0o700).create(path);
    step().and_then(|()| make()).map_err(|e| Error::writing("create the folder", path, e))
}

/// To open a pipe would wait for a writer, for ever; a device may have no end.
fn no_pipe(path: &Path) -> io::Result<()> {
    let facts = fs::metadata(path)?;
    let file = facts.is_file() || facts.is_dir();
    if file { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, "no file but a pipe or a device")) }
}

/// Reads a whole file.
///
/// # Errors
/// The path cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    step().and_then(|()| no_pipe(path)).and_then(|()| fs::read(path)).map_err(|e| Error::reading("read", path, e))
}

/// Reads a whole file, `None` where there is none.
///
/// # Errors
/// The path cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match step().and_then(|()| no_pipe(path)).and_then(|()| fs::read(path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::reading("read", path, e)),
    }
}

/// Hands a file's bytes on, in pieces.
///
/// # Errors
/// The path cannot be read.
pub fn read_through(path: &Path, mut take: impl FnMut(&[u8])) -> Result<()> {
    let mut run = || -> io::Result<()> {
        step()?;
        no_pipe(path)?;
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 1 << 18];
        loop {
            let n = file.read(&mut buffer)?;
            match buffer.get(..n) {
                Some(piece) if n > 0 => take(piece),
                _ => return Ok(()),
            }
        }
    };
    run().map_err(|e| Error::reading("read", path, e))
}

/// What a folder holds, in name order; nothing where there is no folder.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> io::Result<Vec<PathBuf>> {
        step()?;
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect()
    };
    match read() {
        Ok(mut paths) => {
            paths.sort();
            Ok(paths)
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(Error::reading("list", folder, e)),
    }
}

/// Asks whether the next operation may go on: always, but in a test that plants a fault.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "tests plant faults here")]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use faults::step;

#[cfg(test)]
pub(crate) mod faults {
    //! Faults for tests: of this thread's operations, the n-th fails, alone or with all that follow.
    use std::cell::Cell;
    use std::io;

    #[derive(Clone, Copy, PartialEq)]
    pub(crate) enum After {
        /// One operation fails; what tidies up behind it works.
        Works,
        /// Nothing works any more, as if the process had been killed.
        Dead,
    }

    thread_local! {
        static PLAN: Cell<Option<(u32, After)>> = const { Cell::new(None) };
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }

    /// Runs `work` with its n-th operation (from 0) failing; tells whether that was reached.
    pub(crate) fn with<T>(n: u32, after: After, work: impl FnOnce() -> T) -> (T, bool) {
        COUNT.set(0);
        PLAN.set(Some((n, after)));
        let result = work();
        PLAN.set(None);
        (result, COUNT.get() > n)
    }

    pub(super) fn step() -> io::Result<()> {
        let Some((n, after)) = PLAN.get() else { return Ok(()) };
        let at = COUNT.get();
        COUNT.set(at + 1);
        if at == n || (at > n && after == After::Dead) {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "planted"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::ExitCode;

    #[test]
    fn a_full_disk_ends_with_73_and_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut file = create_new(&path).unwrap();
        let (result, reached) = faults::with(0, faults::After::Works, || write_all(&mut file, &path, b"abcd"));
        let error = result.unwrap_err();
        assert!(reached);
        assert_eq!(error.exit_code(), ExitCode::Output);
        assert!(error.to_string().contains("write") && error.to_string().ends_with("/a"));
        assert_eq!(read(&path).unwrap(), b"ab");
    }

    #[test]
    fn removing_takes_files_links_and_folders_and_follows_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (kept, link) = (folder.path().join("kept"), folder.path().join("link"));
        make_folder(&kept.join("inner")).unwrap();
        symlink(&kept, &link).unwrap();
        remove(&link).unwrap();
        assert!(kept.join("inner").is_dir());
        remove(&kept).unwrap();
        remove(&kept).unwrap();
        assert!(list(folder.path()).unwrap().is_empty());
        assert!(list(&kept).unwrap().is_empty());
    }

    #[test]
    fn a_missing_input_ends_with_66() {
        let error = read(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Missing);
        assert!(read_if_there(Path::new("/nowhere/at/all")).unwrap().is_none());
    }
}
