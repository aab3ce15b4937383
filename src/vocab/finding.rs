//! Findings: what is wrong in what a person wrote or supplied, where, and what to do. Many at once, never a cell value.

use serde::Serialize;
use std::cmp::Ordering;

/// Where a finding lies: a file and, where known, a line and column (from 1) and a length in characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The file as the user knows it.
    pub file: String,
    /// The line, from 1; 0 where no line applies.
    pub line: u32,
    /// The column, from 1; 0 where no column applies.
    pub column: u32,
    /// How many characters to underline.
    pub length: u32,
}

impl Place {
    /// A whole file.
    #[must_use]
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }
}

/// Whether a finding stops the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Kebab-case code, listed in `specs/README.md`.
    pub code: &'static str,
    /// Whether it stops the build.
    pub severity: Severity,
    /// The exit code that it alone would cause.
    #[serde(skip)]
    pub exit: super::ExitCode,
    /// Where it lies.
    pub at: Place,
    /// What is wrong, one lower-case line.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The project that it concerns alone; `None` where it concerns all (catalogue, links, keys).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

impl Finding {
    /// An error in a document or source (exit code 65).
    #[must_use]
    pub fn error(code: &'static str, at: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            exit: super::ExitCode::Invalid,
            at,
            message: message.into(),
            help: None,
            project: None,
        }
    }

    /// Something to know that stops nothing.
    #[must_use]
    pub fn warning(code: &'static str, at: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, at, message) }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Ends with another exit code than 65.
    #[must_use]
    pub fn exit(mut self, exit: super::ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// Concerns this project alone.
    #[must_use]
    pub fn project(mut self, project: impl Into<String>) -> Self {
        self.project = Some(project.into());
        self
    }

    /// The order in which findings are shown: by place, then code.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        (&self.at, self.code, &self.message).cmp(&(&other.at, other.code, &other.message))
    }
}

/// All findings of a run.
pub type Findings = Vec<Finding>;

/// The names nearest to one that is not known, best first, at most three: for `did you mean`.
#[must_use]
pub fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(&wanted, &k.to_lowercase()), k))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, k)| k).collect()
}
