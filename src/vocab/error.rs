//! Errors: why a run cannot go on. One, with its step and place, never with a value.

use super::{Finding, Findings};
use std::path::PathBuf;

/// How the process ends. Published: schedulers act on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or nothing to do.
    Done = 0,
    /// The command line is wrong.
    Usage = 2,
    /// A spec, catalogue or source is invalid; or `verify` or `audit` found a fault.
    Invalid = 65,
    /// An input is missing.
    Missing = 66,
    /// A fault of ours.
    Internal = 70,
    /// The output cannot be written.
    Output = 73,
    /// Locked by another run: try again.
    Locked = 75,
    /// Refused by an approval or a rule.
    Refused = 77,
    /// Configuration or key.
    Config = 78,
    /// Stopped by a signal.
    Interrupted = 130,
}

impl ExitCode {
    /// The one code for a run to which several apply: 78, 66, 65, 77, in this order.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let errors = || findings.iter().filter(|f| f.severity == super::Severity::Error);
        for code in [Self::Config, Self::Missing, Self::Invalid, Self::Refused] {
            if errors().any(|f| f.exit == code) {
                return code;
            }
        }
        errors().map(|f| f.exit).next().unwrap_or(Self::Done)
    }
}

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What a person wrote or supplied is wrong; all findings at once.
    #[error("{} finding(s)", .0.len())]
    Findings(Findings),
    /// A file operation failed. `writing` tells inputs from outputs.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// What was tried: `read`, `write`, `rename`…
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Whether the path is one that we write.
        writing: bool,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another build holds the extracts folder.
    #[error("another run holds {}", .0.display())]
    Locked(PathBuf),
    /// The engine failed; its own text is dropped, because it may quote cells.
    #[error("{step} failed: {what}")]
    Engine {
        /// The room and the table it was at.
        step: String,
        /// What kind of failure, in our words.
        what: &'static str,
    },
    /// The memory allowed is too small for the work.
    #[error("{step} needs more memory than {limit_mib} MiB: raise --memory")]
    Memory {
        /// The room and the table it was at.
        step: String,
        /// The limit, in MiB.
        limit_mib: u64,
    },
    /// Stopped by a signal.
    #[error("interrupted")]
    Interrupted,
    /// A fault of ours: something that must always hold did not.
    #[error("internal fault: {0}")]
    Internal(String),
}

/// A failed file operation on an output, kept so that it can be told more than once: of what the system said, the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteFault {
    action: &'static str,
    path: PathBuf,
    kind: std::io::ErrorKind,
    code: Option<i32>,
}

impl WriteFault {
    /// Of what was done to a file, and what the system said.
    #[must_use]
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: &std::io::Error) -> Self {
        Self { action, path: path.into(), kind: source.kind(), code: source.raw_os_error() }
    }

    /// Of an error, if it is such a one.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::File { action, path, writing: true, source } => Some(Self::new(action, path, source)),
            _ => None,
        }
    }

    /// The error.
    #[must_use]
    pub fn error(&self) -> Error {
        let source = self.code.map_or_else(|| self.kind.into(), std::io::Error::from_raw_os_error);
        Error::writing(self.action, self.path.clone(), source)
    }
}

/// A result that may end the run.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// One finding that ends the run.
    #[must_use]
    pub fn finding(finding: Finding) -> Self {
        Self::Findings(vec![finding])
    }

    /// A failed file operation on an input.
    #[must_use]
    pub fn reading(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { action, path: path.into(), writing: false, source }
    }

    /// A failed file operation on an output.
    #[must_use]
    pub fn writing(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { action, path: path.into(), writing: true, source }
    }

    /// How the process ends on it.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Findings(findings) => match ExitCode::of(findings) {
                ExitCode::Done => ExitCode::Internal,
                code => code,
            },
            Self::File { writing: true, .. } => ExitCode::Output,
            Self::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ExitCode::Missing,
            Self::File { .. } => ExitCode::Invalid,
            Self::Locked(_) => ExitCode::Locked,
            Self::Engine { .. } | Self::Internal(_) => ExitCode::Internal,
            Self::Memory { .. } => ExitCode::Config,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }
}
