//! What the pipeline hands over to be published, and what comes of it.

use crate::approval::Approved;
use crate::catalogue::Catalogue;
use crate::verify::Verdict;
use crate::vocab::{KeyId, LinkAccount, ProjectAccount, SourceRecord};
use jiff::Timestamp;
use jiff::civil::Date;
use std::path::{Path, PathBuf};

/// What is true of one run only: it never enters `data/`.
#[derive(Debug, Clone)]
pub struct RunFacts {
    /// When the run began.
    pub started: Timestamp,
    /// When the extract was ready to be published.
    pub finished: Timestamp,
    /// The machine.
    pub host: String,
    /// Threads it might use.
    pub threads: usize,
    /// Bytes of memory it might use.
    pub memory: u64,
    /// The version of the tool.
    pub tool_version: &'static str,
    /// The day on which the approvals had to be in force.
    pub as_of: Date,
    /// Whether that was the day of the run.
    pub as_of_is_today: bool,
    /// Seconds that each step took, in order.
    pub timings: Vec<(String, f64)>,
    /// What the plan expected: rows, bytes, seconds.
    pub estimates: serde_json::Value,
}

/// One project, staged and verified, with all that is to be recorded about it.
#[derive(Clone, Copy)]
pub struct Publication<'a> {
    /// The staged folder; `data/` in it holds the tables and nothing else.
    pub staged: &'a Path,
    /// The root of the published extracts.
    pub extracts: &'a Path,
    /// The spec and who allows it.
    pub approved: &'a Approved,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// The project's part of the plan, the same on every machine.
    pub plan: &'a serde_json::Value,
    /// The digest of all that `data/` depends on.
    pub inputs: &'a str,
    /// All that was counted for the project.
    pub account: &'a ProjectAccount,
    /// What the link tables held.
    pub links: &'a [LinkAccount],
    /// The source files that were read for it.
    pub sources: &'a [SourceRecord],
    /// People on the lists of those never to be released.
    pub exclusions: u64,
    /// The key's name.
    pub key_id: &'a KeyId,
    /// The key's fingerprint.
    pub key_fingerprint: &'a str,
    /// Whether the key is the one published for tests.
    pub published_test_key: bool,
    /// What the verifier said.
    pub verdict: &'a Verdict,
    /// What is true of this run only.
    pub run: &'a RunFacts,
}

/// An extract that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its version: 1 is `v0001`.
    pub version: u32,
    /// Its folder.
    pub path: PathBuf,
    /// Its report.
    pub report: PathBuf,
}

/// The name of a version's folder.
#[must_use]
pub fn version_name(version: u32) -> String {
    format!("v{version:04}")
}

/// The version that a folder's name means.
#[must_use]
pub fn version_of(name: &str) -> Option<u32> {
    let digits = name.strip_prefix('v')?;
    let version: u32 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    (version > 0 && version_name(version) == name).then_some(version)
}

/// A time as all documents of an extract write it: UTC, whole seconds, numeric offset.
pub(super) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_back() {
        for version in [1, 9999, 10_000] {
            assert_eq!(version_of(&version_name(version)), Some(version));
        }
        for bad in ["v1", "v0000", "latest", "v00001", "v+001", "v", "x0001"] {
            assert_eq!(version_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_have_a_numeric_offset() {
        assert_eq!(time_text(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00+00:00");
    }
}
