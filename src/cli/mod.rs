//! The command line: arguments, progress, findings, tables. The only room that prints.

mod args;
mod commands;
mod progress;
mod quote;
mod show;
mod signal;
mod tables;

use crate::vocab::ExitCode as Code;
use args::Arguments;
use clap::Parser as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a panic was told.
static TOLD: AtomicBool = AtomicBool::new(false);

/// Runs the command of this process and says how it ended.
#[must_use]
pub fn run() -> ExitCode {
    crate::keys::harden_process();
    quiet_panics();
    let code = match Arguments::try_parse() {
        Ok(arguments) => std::panic::catch_unwind(|| commands::run(&arguments)).unwrap_or_else(|_| {
            if !TOLD.load(Ordering::Relaxed) {
                show::to_stderr("error: internal fault in a library; please report it");
            }
            Code::Internal
        }),
        Err(error) => {
            // clap prints help to standard output and mistakes to standard error.
            // What it says may hold an argument as it was given, which a terminal should not obey.
            let plain = error.render().to_string();
            if plain == show::harmless_lines(&plain) {
                show::note_loss(error.print());
            } else {
                show::to_stderr(&show::harmless_lines(&plain));
            }
            if error.use_stderr() { Code::Usage } else { Code::Done }
        }
    };
    if code == Code::Done && show::lost() {
        show::to_stderr("error: the result could not be written to standard output");
        return ExitCode::from(Code::Output as u8);
    }
    ExitCode::from(code as u8)
}

/// Findings as they would be told to people and to programs, with lines quoted from the documents below `folder`: for
/// `tests/fuzz` alone.
#[doc(hidden)]
#[must_use]
pub fn rendered(findings: &crate::vocab::Findings, folder: &std::path::Path) -> (String, String) {
    let json = serde_json::json!({ "findings": show::sorted(findings) });
    (show::render(findings, &quote::Quotable::below(folder), false), show::as_json(&json))
}

/// A panic's text could quote a cell: one line of our own stands in for it.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // A decoder that gives up on a corrupt page is caught and told as a finding; only our own panics are told here.
        // One of a library that nobody caught is told by `run`.
        let ours = panic.location().filter(|l| l.file().starts_with("src/"));
        if let Some(place) = ours {
            show::to_stderr(&format!("error: internal fault at {}:{}; please report it", place.file(), place.line()));
            TOLD.store(true, Ordering::Relaxed);
        }
    }));
}
