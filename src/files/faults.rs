//! Faults for tests: of the file operations of a thread, or of all threads below a folder, the n-th fails, alone or with
//! all that follow.
//!
//! [`with`] plants a fault in the thread that calls; [`below`] in whatever any thread does to paths below a folder, so
//! that a whole build can be made to fail while other tests run beside it. `below` also keeps a log of all operations, by
//! which a test knows how many there are to fail, and in which order things reached the disk.

use super::operation::Kind;
use std::cell::Cell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What comes after an operation that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// One operation fails; what tidies up behind it works.
    Works,
    /// Nothing works any more, as if the process had been killed.
    Dead,
}

/// One fault: the `at`-th operation (from 0), of all or of one kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) of: Option<Kind>,
    pub(crate) after: After,
    /// Whether a write that fails is half done before.
    pub(crate) half: bool,
}

/// Why an operation does not happen.
pub(super) struct Stop {
    pub(super) error: io::Error,
    pub(super) half: bool,
}

/// As a system says it: no room where we write, a bad disk where we read.
fn error_of(kind: Kind) -> io::Error {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;
    io::Error::from_raw_os_error(if matches!(kind, Kind::Read | Kind::List) { EIO } else { ENOSPC })
}

thread_local! {
    static PLAN: Cell<Option<(u32, After)>> = const { Cell::new(None) };
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work` with this thread's n-th operation (from 0) failing; tells whether that was reached.
pub(crate) fn with<T>(n: u32, after: After, work: impl FnOnce() -> T) -> (T, bool) {
    COUNT.set(0);
    PLAN.set(Some((n, after)));
    let result = work();
    PLAN.set(None);
    (result, COUNT.get() > n)
}

/// A folder that is watched, and what happened below it.
struct Watch {
    root: PathBuf,
    fault: Option<Fault>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    log: Vec<(Kind, PathBuf)>,
    counted: usize,
    failed: Option<(Kind, PathBuf)>,
}

/// What happened below a folder while it was watched.
#[derive(Debug)]
pub(crate) struct Told {
    /// Every operation in order, those that failed too.
    pub(crate) log: Vec<(Kind, PathBuf)>,
    /// The first operation that was made to fail.
    pub(crate) failed: Option<(Kind, PathBuf)>,
}

static WATCHES: Mutex<Vec<Arc<Watch>>> = Mutex::new(Vec::new());

fn watches() -> std::sync::MutexGuard<'static, Vec<Arc<Watch>>> {
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` while the operations of all threads on paths below `root` are logged, and made to fail as `fault` says.
pub(crate) fn below<T>(root: &Path, fault: Option<Fault>, work: impl FnOnce() -> T) -> (T, Told) {
    struct Unwatch(Arc<Watch>);
    impl Drop for Unwatch {
        fn drop(&mut self) {
            watches().retain(|watch| !Arc::ptr_eq(watch, &self.0));
        }
    }
    let watch = Arc::new(Watch { root: root.to_owned(), fault, seen: Mutex::default() });
    watches().push(Arc::clone(&watch));
    let watching = Unwatch(Arc::clone(&watch));
    let result = work();
    drop(watching);
    let seen = std::mem::take(&mut *watch.seen.lock().unwrap_or_else(PoisonError::into_inner));
    (result, Told { log: seen.log, failed: seen.failed })
}

/// Whether an operation is to fail, and how.
pub(super) fn stop(kind: Kind, path: &Path) -> Option<Stop> {
    if let Some((n, after)) = PLAN.get() {
        let at = COUNT.get();
        COUNT.set(at + 1);
        if at == n || (at > n && after == After::Dead) {
            return Some(Stop { error: error_of(kind), half: true });
        }
    }
    let watch = watches().iter().find(|watch| path.starts_with(&watch.root)).map(Arc::clone)?;
    watch.stop(kind, path)
}

impl Watch {
    fn stop(&self, kind: Kind, path: &Path) -> Option<Stop> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.log.push((kind, path.to_owned()));
        let fault = self.fault?;
        let counts = fault.of.is_none_or(|of| of == kind);
        let hit = counts && seen.counted == fault.at;
        seen.counted += usize::from(counts);
        if hit {
            seen.failed = Some((kind, path.to_owned()));
        }
        let dead = fault.after == After::Dead && seen.failed.is_some();
        (hit || dead).then(|| Stop { error: error_of(kind), half: fault.half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{operation, write_new};

    #[test]
    fn a_fault_reaches_all_threads_below_its_folder_and_none_beside_it() {
        use Kind::{Create, Remove, Sync, Write};
        let (here, beside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |folder: &Path, name: &str| write_new(&folder.join(name), b"abcd").is_ok();
        let both = || {
            let inside = std::thread::scope(|s| s.spawn(|| write(here.path(), "thread")).join().unwrap());
            (inside, write(beside.path(), "beside"), write(here.path(), "later"))
        };
        let fault = |after| Some(Fault { at: 0, of: Some(Write), after, half: true });
        let (results, told) = below(here.path(), fault(After::Works), both);
        assert_eq!(results, (false, true, true));
        assert_eq!(told.failed, Some((Write, here.path().join("thread"))));
        let kinds: Vec<Kind> = told.log.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [Create, Write, Remove, Create, Write, Sync]);
        std::fs::remove_file(beside.path().join("beside")).unwrap();
        std::fs::remove_file(here.path().join("later")).unwrap();
        let (results, _) = below(here.path(), fault(After::Dead), both);
        assert_eq!(results, (false, true, false), "dead is dead");
        assert_eq!(operation::read(&here.path().join("thread")).unwrap(), b"ab", "half was written, nothing removed");
        let (_, told) = below(here.path(), None, || write(here.path(), "whole"));
        assert_eq!((told.log.len(), told.failed), (3, None));
    }
}
