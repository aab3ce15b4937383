//! Engine errors quote cells, so their text is dropped here: what remains is one of a few kinds, in our words.

use crate::vocab::{Error, ExitCode, Finding, Place, WriteFault};
use datafusion::error::DataFusionError;
use std::fmt;

/// A value that does not convert: the column and why, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueFault {
    /// The physical column.
    pub column: String,
    /// The type that was wanted.
    pub wanted: String,
}

impl fmt::Display for ValueFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of {} does not convert to {}", self.column, self.wanted)
    }
}

impl std::error::Error for ValueFault {}

/// What went wrong in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A value that does not convert without loss.
    Value(ValueFault),
    /// A page, a level, a dictionary that cannot be read.
    Corrupt,
    /// The system could not read the file.
    Unreadable,
    /// Scratch failed.
    Scratch(WriteFault),
    /// More memory than allowed is needed.
    Memory,
    /// The run was stopped.
    Interrupted,
    /// A fault of ours or of the engine's.
    Unexpected,
}

impl Fault {
    /// Classifies an engine error; nothing of its text is kept.
    #[must_use]
    pub fn of(error: &DataFusionError) -> Self {
        match error {
            DataFusionError::External(inner) => match inner.downcast_ref::<ValueFault>() {
                Some(fault) => Self::Value(fault.clone()),
                None => match inner.downcast_ref::<DataFusionError>() {
                    Some(inner) => Self::of(inner),
                    None => inner.downcast_ref().map_or(Self::Unexpected, Self::of_ours),
                },
            },
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => Self::of(inner),
            DataFusionError::Shared(inner) => Self::of(inner),
            DataFusionError::Collection(all) => all.first().map_or(Self::Unexpected, Self::of),
            DataFusionError::ArrowError(inner, _) => Self::of_arrow(inner),
            DataFusionError::ParquetError(_) => Self::Corrupt,
            DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => Self::Unreadable,
            DataFusionError::ResourcesExhausted(_) => Self::Memory,
            DataFusionError::ExecutionJoin(join) if join.is_panic() => Self::Corrupt,
            _ => Self::Unexpected,
        }
    }

    /// Classifies an error of our own that came while a unit was read.
    #[must_use]
    pub fn of_ours(error: &Error) -> Self {
        match error {
            Error::Interrupted => Self::Interrupted,
            _ => WriteFault::of(error).map_or(Self::Unexpected, Self::Scratch),
        }
    }

    fn of_arrow(error: &arrow::error::ArrowError) -> Self {
        use arrow::error::ArrowError;
        match error {
            ArrowError::ExternalError(inner) => match inner.downcast_ref::<ValueFault>() {
                Some(fault) => Self::Value(fault.clone()),
                None => match inner.downcast_ref::<DataFusionError>() {
                    Some(inner) => Self::of(inner),
                    None if inner.is::<parquet::errors::ParquetError>() => Self::Corrupt,
                    None => Self::Unexpected,
                },
            },
            ArrowError::ParquetError(_) => Self::Corrupt,
            ArrowError::IoError(_, _) => Self::Unreadable,
            ArrowError::MemoryError(_) => Self::Memory,
            // While a file is read, what cannot be cast, parsed or decoded lies in the file.
            _ => Self::Corrupt,
        }
    }

    /// The fault as an error of the run: about the source file, where it is one.
    #[must_use]
    pub fn at(&self, file: &str, step: &str, memory: u64) -> Error {
        match self {
            Self::Value(fault) => Error::finding(
                Finding::error(
                    "value-does-not-convert",
                    Place::file(file),
                    format!("a value of {} does not convert to {} without loss", fault.column, fault.wanted),
                )
                .help("correct the source, or the variable's type in the catalogue; the value itself is not shown"),
            ),
            Self::Corrupt => Error::finding(
                Finding::error("source-corrupt", Place::file(file), "a part of the file cannot be read: it is corrupt")
                    .help("copy the file from its origin again"),
            ),
            Self::Unreadable => Error::finding(
                Finding::error("source-unreadable", Place::file(file), "the file can no longer be read")
                    .help("check the file system; was the file moved or changed during the run?")
                    .exit(ExitCode::Missing),
            ),
            Self::Scratch(fault) => fault.error(),
            Self::Memory => Error::Memory { step: step.to_owned(), limit_mib: memory >> 20 },
            Self::Interrupted => Error::Interrupted,
            Self::Unexpected => Error::Engine { step: step.to_owned(), what: "an unexpected fault of the engine" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_engine_text_survives() {
        let canary = "QQ123456C";
        let cast = arrow::error::ArrowError::CastError(format!("Cannot cast string '{canary}' to value of Int32 type"));
        let fault = Fault::of(&DataFusionError::ArrowError(Box::new(cast), None));
        assert_eq!(fault, Fault::Corrupt);
        let Error::Findings(findings) = fault.at("npd/ks4.parquet", "extract npd.ks4", 0) else { panic!("a finding") };
        assert!(!format!("{findings:?}").contains(canary));
        let plan = DataFusionError::Execution(canary.to_owned());
        assert!(!Fault::of(&plan).at("f", "s", 0).to_string().contains(canary));
        let stopped = DataFusionError::External(Box::new(Error::Interrupted));
        assert_eq!(Fault::of(&DataFusionError::Context(canary.to_owned(), Box::new(stopped))), Fault::Interrupted);
        let full = Error::writing("read back from", "scratch/rows", std::io::ErrorKind::StorageFull.into());
        let full = Fault::of(&DataFusionError::External(Box::new(full))).at("npd/ks4.parquet", "reading npd.ks4", 0);
        assert_eq!(full.exit_code(), ExitCode::Output);
        assert!(full.to_string().contains("scratch/rows") && !full.to_string().contains("ks4"));
    }
}
