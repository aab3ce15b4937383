//! Sources that changed in place since the last version: of the size and rows that its record names, with other bytes.
//!
//! A table that is written anew hardly ever has the same length. A bit that flipped on a disk leaves it as it was, and where a
//! page carries no checksum what it decodes to may be a value like any other: only the digest tells.

use super::account::sources;
use super::apart::newest;
use super::cut::Cut;
use crate::files::operation;
use crate::publish::Manifest;
use crate::vocab::{Finding, Findings, Place, Result, SourceRecord};
use std::path::Path;

/// The sources that the record of a project's newest version names.
fn recorded(home: &Path) -> Option<(u32, Vec<SourceRecord>)> {
    let (version, newest) = newest(home)?;
    let bytes = operation::read_if_there(&newest.join("data/manifest.json")).ok()??;
    let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
    Some((version, sources(&manifest)))
}

impl Cut {
    /// A warning for each source of a project that changed in place since its newest version.
    pub(super) fn changed(&self, project: usize, extracts: &Path) -> Result<Findings> {
        let name = self.account(project)?.project.to_string();
        let Some((version, before)) = recorded(&extracts.join(&name)) else { return Ok(Findings::new()) };
        let in_place = |now: &&SourceRecord| {
            before
                .iter()
                .any(|b| b.path == now.path && (b.bytes, b.rows) == (now.bytes, now.rows) && b.sha256 != now.sha256)
        };
        let now = self.sources_of(project);
        let warn = |source: &SourceRecord| {
            let message = format!("the file has the size and rows that it had for v{version:04}, and other bytes");
            Finding::warning("source-changed-in-place", Place::file(source.path.clone()), message)
                .help("if nobody corrected it since, it is damaged: copy it from its origin again, and build again")
                .project(name.as_str())
        };
        Ok(now.iter().filter(in_place).map(warn).collect())
    }
}
