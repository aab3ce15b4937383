//! Bytes on their way to the disk: whoever wrote a file goes on at once, and whoever publishes waits for all of them.

use super::operation;
use crate::vocab::{Error, Result, WriteFault};
use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// Files that wait at most; whoever brings one more syncs it himself. Each holds a file descriptor.
const WAITING: usize = 32;

/// A thread that does nothing but wait for the disk. What still waits when it is dropped is given up, not synced.
#[derive(Debug)]
pub struct Disk {
    files: Option<SyncSender<(File, PathBuf)>>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    under_way: Mutex<UnderWay>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct UnderWay {
    files: usize,
    /// The first file that the disk did not take. It stays: what was lost once is lost for all who wait.
    lost: Option<WriteFault>,
    given_up: bool,
}

impl Disk {
    /// Begins the thread.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn begin() -> Result<Self> {
        let (files, waiting) = sync_channel(WAITING);
        let state = Arc::new(State::default());
        let of_thread = Arc::clone(&state);
        let thread = Builder::new().name("disk".to_owned()).spawn(move || of_thread.sync_all(&waiting));
        let thread = thread.map_err(|_| Error::Internal("the system gives no threads".to_owned()))?;
        Ok(Self { files: Some(files), state, thread: Some(thread) })
    }

    /// Has a file brought to the disk. Whether it was, `wait` tells.
    pub fn sync(&self, file: File, path: PathBuf) {
        self.state.with().files += 1;
        let Some(files) = &self.files else { return };
        if let Err(TrySendError::Full(one) | TrySendError::Disconnected(one)) = files.try_send((file, path)) {
            self.state.sync(one);
        }
    }

    /// Waits until all files that were given before are on the disk.
    ///
    /// # Errors
    /// The disk did not take one of them, or one that was given earlier.
    pub fn wait(&self) -> Result<()> {
        let mut under_way = self.state.with();
        while under_way.files > 0 && under_way.lost.is_none() {
            under_way = self.state.changed.wait(under_way).unwrap_or_else(PoisonError::into_inner);
        }
        match &under_way.lost {
            None => Ok(()),
            Some(lost) => Err(lost.error()),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.state.with().given_up = true;
        self.files = None;
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl State {
    fn with(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sync_all(&self, waiting: &Receiver<(File, PathBuf)>) {
        for one in waiting {
            if !self.with().given_up {
                self.sync(one);
            }
        }
    }

    fn sync(&self, (file, path): (File, PathBuf)) {
        let synced = operation::sync(&file, &path);
        let mut under_way = self.with();
        under_way.files -= 1;
        let lost = synced.err().as_ref().and_then(WriteFault::of);
        under_way.lost = under_way.lost.take().or(lost);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::{After, Fault, below};
    use crate::files::operation::Kind;
    use crate::vocab::ExitCode;

    fn file(folder: &tempfile::TempDir, name: usize) -> (File, PathBuf) {
        let path = folder.path().join(name.to_string());
        (operation::create_new(&path).unwrap(), path)
    }

    #[test]
    fn whoever_waits_has_all_files_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (files, told) = below(folder.path(), None, || {
            let disk = Disk::begin().unwrap();
            for n in 0..3 * WAITING {
                let (file, path) = file(&folder, n);
                disk.sync(file, path);
            }
            disk.wait().unwrap();
            disk.wait().unwrap();
            // Another begins after the first has been waited for.
            let (file, path) = file(&folder, 3 * WAITING);
            disk.sync(file, path);
            disk.wait().unwrap();
            3 * WAITING + 1
        });
        assert_eq!(told.log.iter().filter(|(kind, _)| *kind == Kind::Sync).count(), files);
    }

    #[test]
    fn a_file_that_was_lost_is_told_to_all_who_wait() {
        let folder = tempfile::tempdir().unwrap();
        let fault = Fault { at: 1, of: Some(Kind::Sync), after: After::Works, half: false };
        below(folder.path(), Some(fault), || {
            let disk = Disk::begin().unwrap();
            for n in 0..3 {
                let (file, path) = file(&folder, n);
                disk.sync(file, path);
            }
            for _ in 0..2 {
                let error = disk.wait().unwrap_err();
                assert_eq!(error.exit_code(), ExitCode::Output);
                assert!(
                    error.to_string().contains("sync") && error.to_string().contains(&*folder.path().to_string_lossy())
                );
            }
        });
    }
}
