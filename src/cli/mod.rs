//! The command line: arguments, progress, findings, tables. The only room that prints.

mod args;
mod commands;
mod progress;
mod show;
mod signal;
mod tables;

use args::Arguments;
use clap::Parser as _;
use std::process::ExitCode;

/// Runs the command of this process and says how it ended.
#[must_use]
pub fn run() -> ExitCode {
    quiet_panics();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // clap prints help to standard output and mistakes to standard error; a closed pipe is no fault of ours.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let code = std::panic::catch_unwind(|| commands::run(&arguments));
    ExitCode::from(code.map_or(crate::vocab::ExitCode::Internal as u8, |c| c as u8))
}

/// A panic's text could quote a cell: one line of our own stands in for it.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        // A decoder that gives up on a corrupt page is caught and told as a finding; only our own panics are told here.
        let ours = panic.location().is_some_and(|l| l.file().starts_with("src/"));
        if ours {
            let place = panic.location().map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
            show::to_stderr(&format!("error: internal fault{place}; please report it"));
        }
    }));
}
