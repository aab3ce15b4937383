//! Signals: the first asks the run to stop as soon as it can, and ends it if it has not soon; a second ends it at once.
//!
//! A run that stops by itself leaves nothing behind. One that is ended is as one that was killed: what it leaves is swept,
//! and what it had begun to publish is finished, by the next.

use super::show;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

static ASKED: AtomicBool = AtomicBool::new(false);
static WATCHING: AtomicBool = AtomicBool::new(false);

/// How long a run that was asked to stop may take to tidy up. Two seconds are promised in all.
const GRACE: Duration = Duration::from_millis(1600);

/// Whether the run was asked to stop.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Watches for SIGINT and SIGTERM on a thread of its own, from when this returns.
pub(super) fn watch() {
    if WATCHING.swap(true, Ordering::SeqCst) {
        return;
    }
    let (ready, stands) = mpsc::channel();
    let watcher = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            ready.send(()).ok();
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if ASKED.swap(true, Ordering::SeqCst) {
                    end();
                }
                let patience = || {
                    std::thread::sleep(GRACE);
                    show::to_stderr("interrupted; what was left behind is swept by the next run");
                    end();
                };
                let _ = std::thread::Builder::new().name("patience".to_owned()).spawn(patience);
            }
        });
    };
    // Without a watcher a signal ends the process as it always does; nothing is lost by that.
    if std::thread::Builder::new().name("signals".to_owned()).spawn(watcher).is_ok() {
        // Ends too where the watcher gives up.
        stands.recv().ok();
    }
}

#[expect(clippy::exit, reason = "whoever asked does not want to wait longer")]
fn end() {
    std::process::exit(crate::vocab::ExitCode::Interrupted as i32);
}
