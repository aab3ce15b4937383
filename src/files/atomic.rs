//! Whole or not at all: new files, files that replace others, and folders whose entries are on the disk.

use super::operation;
use crate::vocab::{Error, Result};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Writes a file that must not be there yet, and waits until the disk has it. Where it fails, no file is left.
///
/// # Errors
/// The path cannot be written, or is taken.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = operation::create_new(path)?;
    let written = operation::write_all(&mut file, path, bytes).and_then(|()| operation::sync(&file, path));
    if written.is_err() {
        operation::remove(path).ok();
    }
    written
}

/// Puts a file in the place of another, whole: at any moment a reader sees all of the old one or all of the new one.
/// The caller holds the lock of the folder, so that no two replace the same file at once.
///
/// # Errors
/// The path cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = beside(path)?;
    let write = || {
        let mut file = operation::create(&new)?;
        operation::write_all(&mut file, &new, bytes)?;
        operation::sync(&file, &new)?;
        operation::rename(&new, path)
    };
    finish(path, &new, write())
}

/// Points a symbolic link at a target, whole: at any moment it points at the old one or at the new one. The caller
/// holds the lock of the folder.
///
/// # Errors
/// The path cannot be written.
pub fn replace_symlink(target: &Path, link: &Path) -> Result<()> {
    let new = beside(link)?;
    let write = || {
        operation::remove(&new)?;
        operation::symlink(target, &new)?;
        operation::rename(&new, link)
    };
    finish(link, &new, write())
}

/// Gives a file that is on the disk a second name, which must not be taken; where the file system has no hard links, a copy.
///
/// # Errors
/// The file cannot be read, or the path not be written.
pub fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    if operation::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let mut file = operation::create_new(to)?;
    operation::read_through(from, |piece| operation::write_all(&mut file, to, piece))?;
    operation::sync(&file, to)
}

/// A fixed name, so that what a kill leaves is met and replaced by the next run.
fn beside(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(Error::Internal("a file to be replaced has no name".to_owned()));
    };
    let mut new = OsString::from(".");
    new.push(name);
    new.push(".new");
    Ok(path.with_file_name(new))
}

fn finish(path: &Path, new: &Path, written: Result<()>) -> Result<()> {
    if written.is_err() {
        operation::remove(new).ok();
        return written;
    }
    sync_dir(path.parent().unwrap_or(path))
}

/// Makes a folder and those above it, and waits until the disk has their names: what is then synced in it cannot be lost
/// with it.
///
/// # Errors
/// The path cannot be written, or the disk fails.
pub fn make_lasting_folder(path: &Path) -> Result<()> {
    let missing: Vec<&Path> = path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    operation::make_folder(path)?;
    for made in missing.into_iter().rev() {
        sync_dir(made.parent().unwrap_or(made))?;
    }
    Ok(())
}

/// Waits until a folder's entries are on the disk: files that were made, renamed or removed in it.
///
/// # Errors
/// The folder cannot be opened, or the disk fails.
pub fn sync_dir(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let folder = File::open(path).map_err(|e| Error::writing("sync", path, e))?;
    operation::sync(&folder, path)
}

/// Waits until the entries of a folder and of all folders in it are on the disk. The files' own bytes are synced by
/// whoever wrote them.
///
/// # Errors
/// A folder cannot be read, or the disk fails.
pub fn sync_tree(path: &Path) -> Result<()> {
    for inner in operation::list(path)? {
        if inner.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
            sync_tree(&inner)?;
        }
    }
    sync_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::{After, with};

    #[test]
    fn a_reader_sees_all_of_the_old_or_all_of_the_new() {
        for after in [After::Works, After::Dead] {
            for n in 0.. {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("file");
                replace(&path, b"old").unwrap();
                let (result, reached) = with(n, after, || replace(&path, b"newer"));
                let now = std::fs::read(&path).unwrap();
                if !reached {
                    assert!(result.is_ok() && now == b"newer");
                    break;
                }
                assert!(result.is_err() && (now == b"old" || now == b"newer"));
                replace(&path, b"last").unwrap();
                assert_eq!(std::fs::read(&path).unwrap(), b"last");
                assert_eq!(operation::list(folder.path()).unwrap(), [path]);
            }
        }
    }

    #[test]
    fn what_has_a_second_name_or_a_copy_is_the_same() {
        for n in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let (from, to) = (folder.path().join("from"), folder.path().join("to"));
            std::fs::write(&from, "all of it").unwrap();
            // Without a fault a link; where that fails, a copy.
            let (result, reached) = with(n, After::Works, || link_or_copy(&from, &to));
            if n == 0 {
                assert!(reached);
            }
            if result.is_ok() {
                assert_eq!(std::fs::read(&to).unwrap(), b"all of it");
                assert!(link_or_copy(&from, &to).is_err());
            }
        }
    }

    #[test]
    fn a_link_points_at_the_old_or_the_new() {
        for n in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let link = folder.path().join("latest");
            replace_symlink(Path::new("v0001"), &link).unwrap();
            let (_, reached) = with(n, After::Dead, || replace_symlink(Path::new("v0002"), &link));
            let now = std::fs::read_link(&link).unwrap();
            assert!(now == Path::new("v0001") || now == Path::new("v0002"));
            replace_symlink(Path::new("v0003"), &link).unwrap();
            assert_eq!(operation::list(folder.path()).unwrap(), [link]);
            if !reached {
                break;
            }
        }
    }

    #[test]
    fn a_new_file_is_whole_or_absent_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for n in 0..3 {
            assert!(with(n, After::Works, || write_new(&path, b"all of it")).0.is_err());
            assert!(!path.exists());
        }
        write_new(&path, b"all of it").unwrap();
        assert!(write_new(&path, b"other").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"all of it");
        sync_tree(folder.path()).unwrap();
    }
}
