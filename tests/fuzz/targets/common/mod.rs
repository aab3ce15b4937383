//! What the targets share: a folder in memory, panics that count, and what may never be shown.

use leo_extract::vocab::{Error, Findings};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder of this process, in memory where the system has such a place.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let folder = parent.join(format!("leo-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the fuzzer");
        folder
    })
}

/// Only a panic of ours is a crash at once: one of a decoder is caught by the product and becomes a finding. One that is
/// not caught ends the process all the same, since it cannot leave the fuzzer's entry point.
#[allow(dead_code, reason = "not every target reads what others decode")]
pub fn judge_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let file = panic.location().map_or("", |l| l.file());
        let library = file.contains("/registry/src/") || file.contains("/rustc/") || file.contains("/library/");
        if !library {
            eprintln!("panic at {:?}: {panic}", panic.location());
            std::process::abort();
        }
    }));
}

/// What a run would tell of these findings obeys no escape and turns no text around.
pub fn told(findings: &Findings, folder: &Path) -> String {
    let (text, json) = leo_extract::cli::rendered(findings, folder);
    for shown in [&text, &json] {
        let bad = shown.chars().find(|c| {
            (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert!(bad.is_none(), "{bad:?} would be shown");
    }
    for finding in findings {
        assert!(finding.message.len() < 4096, "a message of {} bytes", finding.message.len());
        assert!(!finding.message.is_empty());
    }
    text + &json
}

/// The findings of a result. Any other error than one about a file is a fault of the tool.
#[allow(dead_code, reason = "not every target meets errors")]
pub fn found<T>(result: Result<T, Error>) -> (Option<T>, Findings) {
    match result {
        Ok(value) => (Some(value), Findings::new()),
        Err(Error::Findings(findings)) => {
            assert!(!findings.is_empty(), "an error without a finding");
            (None, findings)
        }
        Err(Error::Internal(what)) => panic!("a fault of the tool: {what}"),
        Err(_) => (None, Findings::new()),
    }
}
