//! Staging: where a run builds what is not yet published, and its scratch. Gone with the run, or swept by the next.
//!
//! Staging lies inside the extracts folder, so that publication is a rename within one file system. Scratch may lie
//! elsewhere; where, is noted in staging before the folder is made, so that the next run finds and sweeps it even if the
//! configuration has changed since. Both may be entered by their owner only.

use super::{Disk, atomic, operation};
use crate::vocab::{ProjectId, Result};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The name of the folder inside extracts.
pub const STAGING: &str = ".staging";
/// The note in a run's staging that says where its scratch is.
const SCRATCH_NOTE: &str = ".scratch-at";

/// The staging and scratch of one run. Dropping it removes both.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    scratch: PathBuf,
    disk: Arc<Disk>,
}

impl Staging {
    /// Sweeps what dead runs left, and makes the staging and the scratch of this one. The caller holds the lock of
    /// `extracts`: whatever else lies in staging belongs to nobody alive. `scratch` `None` means inside staging.
    ///
    /// # Errors
    /// A folder cannot be made or swept.
    pub fn begin(extracts: &Path, scratch: Option<&Path>) -> Result<Self> {
        let all = extracts.join(STAGING);
        operation::no_link(&all)?;
        operation::make_folder(&all)?;
        sweep(&all)?;
        let run = Uuid::now_v7().to_string();
        let folder = all.join(&run);
        let disk = Arc::new(Disk::begin()?);
        let staging = match scratch {
            None => Self { scratch: folder.join(".scratch"), folder, disk },
            Some(scratch) => Self { scratch: scratch.join(scratch_name(OsStr::new(&run))), folder, disk },
        };
        operation::make_private_folder(&staging.folder)?;
        if let Some(scratch) = scratch {
            operation::make_folder(scratch)?;
            let place = absolute(&staging.scratch);
            atomic::write_new(&staging.folder.join(SCRATCH_NOTE), place.as_os_str().as_bytes())?;
        }
        operation::make_private_folder(&staging.scratch)?;
        Ok(staging)
    }

    /// The folder in which a project is staged, with its `data` folder; made on the first call.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn project(&self, project: &ProjectId) -> Result<PathBuf> {
        let folder = self.folder.join(project.as_str());
        operation::make_folder(&folder.join("data"))?;
        Ok(folder)
    }

    /// A place for a file that will get its name elsewhere in the extracts folder.
    #[must_use]
    pub fn passing(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Brings staged tables to the disk beside the work. Whoever publishes waits for it.
    #[must_use]
    pub fn disk(&self) -> &Arc<Disk> {
        &self.disk
    }

    /// The folder for spill and other passing files of this run.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is swept by the next run, which finds the scratch by the note in staging.
        if operation::remove(&self.scratch).is_ok() {
            operation::remove(&self.folder).ok();
        }
    }
}

/// Removes what dead runs left: the scratch first, so that its note is never lost before it.
fn sweep(all: &Path) -> Result<()> {
    for dead in operation::list(all)? {
        if let (Some(note), Some(run)) =
            (operation::read_if_there(&dead.join(SCRATCH_NOTE)).ok().flatten(), dead.file_name())
        {
            let scratch = Path::new(OsStr::from_bytes(&note));
            // The note is only trusted as far as the name goes that we alone give.
            if scratch.is_absolute() && scratch.file_name() == Some(scratch_name(run).as_ref()) {
                operation::remove(scratch)?;
            }
        }
        operation::remove(&dead)?;
    }
    Ok(())
}

fn scratch_name(run: &OsStr) -> std::ffi::OsString {
    let mut name = std::ffi::OsString::from("leo-extract-");
    name.push(run);
    name
}

/// The path with its folder made absolute; as it is where that fails.
fn absolute(path: &Path) -> PathBuf {
    match (path.parent().and_then(|p| p.canonicalize().ok()), path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::{After, with};
    use std::os::unix::fs::PermissionsExt as _;

    fn entries(path: &Path) -> usize {
        operation::list(path).unwrap().len()
    }

    #[test]
    fn a_run_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        for scratch in [None, Some(folder.path().join("scratch"))] {
            let extracts = folder.path().join("extracts");
            let staging = Staging::begin(&extracts, scratch.as_deref()).unwrap();
            let project = staging.project(&ProjectId::new("LEO-1").unwrap()).unwrap();
            std::fs::write(project.join("data/table"), "x").unwrap();
            std::fs::write(staging.scratch().join("spill"), "x").unwrap();
            assert_eq!(staging.scratch().metadata().unwrap().permissions().mode() & 0o777, 0o700);
            drop(staging);
            assert_eq!(entries(&extracts.join(STAGING)), 0);
            assert_eq!(scratch.map_or(0, |s| entries(&s)), 0);
        }
    }

    #[test]
    fn the_next_run_sweeps_what_a_dead_one_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (extracts, scratch) = (folder.path().join("extracts"), folder.path().join("scratch"));
        std::fs::create_dir_all(&scratch).unwrap();
        std::fs::create_dir(scratch.join("of another")).unwrap();
        let dead = Staging::begin(&extracts, Some(&scratch)).unwrap();
        dead.project(&ProjectId::new("LEO-1").unwrap()).unwrap();
        std::fs::write(dead.scratch().join("spill"), "x").unwrap();
        std::mem::forget(dead);
        assert_eq!(entries(&scratch), 2);
        // The next run's configuration names no scratch, and still finds it.
        let next = Staging::begin(&extracts, None).unwrap();
        assert_eq!(entries(&extracts.join(STAGING)), 1);
        assert_eq!(entries(&scratch), 1);
        drop(next);
    }

    #[test]
    fn a_forged_note_removes_nothing_outside() {
        let folder = tempfile::tempdir().unwrap();
        let (extracts, kept) = (folder.path().join("extracts"), folder.path().join("kept"));
        std::fs::create_dir(&kept).unwrap();
        let dead = extracts.join(STAGING).join("dead");
        std::fs::create_dir_all(&dead).unwrap();
        std::fs::write(dead.join(SCRATCH_NOTE), kept.as_os_str().as_bytes()).unwrap();
        Staging::begin(&extracts, None).unwrap();
        assert!(kept.is_dir() && !dead.exists());
    }

    #[test]
    fn a_kill_or_a_fault_at_any_step_of_beginning_and_ending_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let (extracts, scratch) = (folder.path().join("extracts"), folder.path().join("scratch"));
        for after in [After::Dead, After::Works] {
            for n in 0.. {
                let (result, reached) = with(n, after, || Staging::begin(&extracts, Some(&scratch)).map(drop));
                drop(Staging::begin(&extracts, None).unwrap());
                assert_eq!(entries(&extracts.join(STAGING)), 0);
                assert_eq!(entries(&scratch), 0, "step {n}");
                if !reached {
                    result.unwrap();
                    break;
                }
            }
        }
    }
}
