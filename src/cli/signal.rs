//! Signals: the first asks the run to stop as soon as it can, the second ends it at once.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);
static WATCHING: AtomicBool = AtomicBool::new(false);

/// Whether the run was asked to stop.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Watches for SIGINT and SIGTERM on a thread of its own, from now on.
pub(super) fn watch() {
    if WATCHING.swap(true, Ordering::SeqCst) {
        return;
    }
    let watcher = || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if ASKED.swap(true, Ordering::SeqCst) {
                    #[expect(clippy::exit, reason = "asked twice: whoever asks does not want to wait")]
                    std::process::exit(crate::vocab::ExitCode::Interrupted as i32);
                }
            }
        });
    };
    // Without a watcher a signal ends the process as it always does; nothing is lost by that.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(watcher);
}
