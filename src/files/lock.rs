//! The lock of an extracts folder: one build at a time.
//!
//! It is the system's lock on an open file, so a run that is killed leaves none behind.

use super::atomic::make_lasting_folder;
use super::operation;
use crate::vocab::{Error, Result};
use std::fs::{File, TryLockError};
use std::path::Path;

/// Held while a run may write into an extracts folder; given back on drop.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of an extracts folder, and makes the folder where it is missing. Does not wait.
    ///
    /// # Errors
    /// `Locked` (exit code 75) where another run holds it; else the folder cannot be written.
    pub fn take(extracts: &Path) -> Result<Self> {
        make_lasting_folder(extracts)?;
        let path = extracts.join(".lock");
        let file = operation::open_kept(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked(extracts.to_owned())),
            Err(TryLockError::Error(e)) => Err(Error::writing("lock", path, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::ExitCode;

    #[test]
    fn a_second_run_is_told_to_try_again() {
        let folder = tempfile::tempdir().unwrap();
        let extracts = folder.path().join("deep/extracts");
        let held = Lock::take(&extracts).unwrap();
        assert_eq!(Lock::take(&extracts).unwrap_err().exit_code(), ExitCode::Locked);
        drop(held);
        Lock::take(&extracts).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_ends_with_73() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(Lock::take(&file.join("extracts")).unwrap_err().exit_code(), ExitCode::Output);
    }
}
