//! The choke point: every change of a file system, and every read that publication depends on, is one of these.
//!
//! Each function names the path in its error, so that a full disk or a missing right is told as such (exit code 73 for
//! what we write). Tests make the n-th of these fail, or fail with all that follow, as a kill does: see `faults`.
//! Reads whose errors have other names elsewhere (a finding about a source, a refusal of the verifier) begin with `open`
//! or `entries`, so that tests reach them too.

use crate::vocab::{Error, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// What an operation does: tests count, and fail, each kind apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A file is made, or opened to be changed.
    Create,
    /// Bytes are written.
    Write,
    /// A file is cut.
    Truncate,
    /// Bytes or entries are brought to the disk.
    Sync,
    /// A file, link or folder gets another name.
    Rename,
    /// A second name or a symbolic link is made.
    Link,
    /// Something is removed.
    Remove,
    /// A folder is made.
    Folder,
    /// A file is opened to be read, or a range of it is read.
    Read,
    /// A folder's entries are read.
    List,
}

/// Creates a file to write, or empties the one that is there.
///
/// # Errors
/// The path cannot be written.
pub fn create(path: &Path) -> Result<File> {
    step(Kind::Create, path).and_then(|()| File::create(path)).map_err(|e| Error::writing("create", path, e))
}

/// Creates a file that must not be there yet.
///
/// # Errors
/// The path cannot be written, or is taken.
pub fn create_new(path: &Path) -> Result<File> {
    let open = || OpenOptions::new().write(true).create_new(true).open(path);
    step(Kind::Create, path).and_then(|()| open()).map_err(|e| Error::writing("create", path, e))
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
    step(Kind::Create, path).and_then(|()| open()).map_err(|e| Error::writing("open", path, e))
}

/// Writes all bytes.
///
/// # Errors
/// The disk is full or fails.
pub fn write_all(file: &mut File, path: &Path, bytes: &[u8]) -> Result<()> {
    write_raw(file, path, bytes).map_err(|e| Error::writing("write", path, e))
}

/// Writes all bytes for an `io::Write`, whose error has no path yet.
///
/// A system call that writes fewer bytes than it was given, or none because a signal came, is no error: `write_all` of the
/// standard library goes on where it stopped.
pub(super) fn write_raw(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    if let Some(stop) = super::faults::stop(Kind::Write, path) {
        // A write that fails may have been half done.
        if stop.half {
            file.write_all(bytes.get(..bytes.len() / 2).unwrap_or_default())?;
        }
        return Err(stop.error);
    }
    #[cfg(not(test))]
    let _ = path;
    file.write_all(bytes)
}

/// Cuts a file to a length.
///
/// # Errors
/// The disk fails.
pub fn truncate(file: &File, path: &Path, length: u64) -> Result<()> {
    step(Kind::Truncate, path).and_then(|()| file.set_len(length)).map_err(|e| Error::writing("truncate", path, e))
}

/// Waits until a file's bytes are on the disk.
///
/// # Errors
/// The disk is full or fails.
pub fn sync(file: &File, path: &Path) -> Result<()> {
    step(Kind::Sync, path).and_then(|()| file.sync_all()).map_err(|e| Error::writing("sync", path, e))
}

/// Renames a file or folder, atomically within one file system. A file at `to` is replaced.
///
/// # Errors
/// The file system refuses.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    step(Kind::Rename, to).and_then(|()| fs::rename(from, to)).map_err(|e| Error::writing("rename to", to, e))
}

/// Gives a file a second name, which must not be taken.
///
/// # Errors
/// The file system refuses, or has no hard links.
pub fn hard_link(from: &Path, to: &Path) -> Result<()> {
    step(Kind::Link, to).and_then(|()| fs::hard_link(from, to)).map_err(|e| Error::writing("link", to, e))
}

/// Makes a symbolic link, whose name must not be taken.
///
/// # Errors
/// The file system refuses, or has no symbolic links.
pub fn symlink(target: &Path, link: &Path) -> Result<()> {
    let make = || std::os::unix::fs::symlink(target, link);
    step(Kind::Link, link).and_then(|()| make()).map_err(|e| Error::writing("link", link, e))
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
    match step(Kind::Remove, path).and_then(|()| remove()) {
        // Where the path leads through a file there can be nothing either.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
        other => other.map_err(|e| Error::writing("remove", path, e)),
    }
}

/// Makes a folder and those above it. A folder that is there is no error.
///
/// # Errors
/// The path cannot be written, or is a file.
pub fn make_folder(path: &Path) -> Result<()> {
    step(Kind::Folder, path)
        .and_then(|()| fs::create_dir_all(path))
        .map_err(|e| Error::writing("create the folder", path, e))
}

/// Makes a folder that only its owner may enter. The folder above it must exist.
///
/// # Errors
/// The path cannot be written, or is taken.
pub fn make_private_folder(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let make = || fs::DirBuilder::new().mode(0o700).create(path);
    step(Kind::Folder, path).and_then(|()| make()).map_err(|e| Error::writing("create the folder", path, e))
}

/// Opens a file to read, for callers whose error is no error of ours: a finding about a source, a refusal. A pipe or a
/// device is refused.
///
/// # Errors
/// What the system says.
pub fn open(path: &Path) -> io::Result<File> {
    step(Kind::Read, path)?;
    no_pipe(path)?;
    File::open(path)
}

/// The entries of a folder in the system's order, for the same callers.
///
/// # Errors
/// What the system says.
pub fn entries(folder: &Path) -> io::Result<fs::ReadDir> {
    step(Kind::List, folder)?;
    fs::read_dir(folder)
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
    step(Kind::Read, path)
        .and_then(|()| no_pipe(path))
        .and_then(|()| fs::read(path))
        .map_err(|e| Error::reading("read", path, e))
}

/// Reads a whole file, `None` where there is none.
///
/// # Errors
/// The path cannot be read.
pub fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match step(Kind::Read, path).and_then(|()| no_pipe(path)).and_then(|()| fs::read(path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::reading("read", path, e)),
    }
}

/// Hands a file's bytes on, in pieces, until `take` has enough.
///
/// # Errors
/// The path cannot be read, or what `take` says.
pub fn read_through(path: &Path, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let failed = |e| Error::reading("read", path, e);
    let mut file = open(path).map_err(failed)?;
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = match file.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(failed)?,
        };
        match buffer.get(..n) {
            Some(piece) if n > 0 => take(piece)?,
            _ => return Ok(()),
        }
    }
}

/// What a folder holds, in name order; nothing where there is no folder.
///
/// # Errors
/// The folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> io::Result<Vec<PathBuf>> { entries(folder)?.map(|entry| entry.map(|e| e.path())).collect() };
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
fn step(_: Kind, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) fn step(kind: Kind, path: &Path) -> io::Result<()> {
    super::faults::stop(kind, path).map_or(Ok(()), |stop| Err(stop.error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults;
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
        fs::write(&kept, "").unwrap();
        remove(&kept.join("beyond")).unwrap();
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
