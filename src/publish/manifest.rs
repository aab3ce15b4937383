//! `data/manifest.json`: the record of an extract. Its types are its JSON Schema, for whoever reads it with other means.
//!
//! It stays with the data, so its counts are exact. It is the same for the same inputs: no clock, host, path, thread
//! count or version number is in it.

use crate::files::{Digests, operation};
use crate::vocab::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the record lies in an extract.
pub const MANIFEST: &str = "data/manifest.json";

/// The record of an extract: who allowed what, what it was made from, what was counted, what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this layout: 1.
    pub manifest: u32,
    /// What made the extract.
    pub tool: Tool,
    /// The project, as its spec has it: `id, title, organisation, gateway_act, gateway_section, purposes`.
    pub project: ProjectRecord,
    /// The spec's revision.
    pub revision: u32,
    /// The spec that the panel approved.
    pub spec: SpecRecord,
    /// The day on which the approvals were found to be in force, `YYYY-MM-DD`.
    pub as_of: Option<String>,
    /// The record of the approval.
    pub approval: ApprovalRecord,
    /// Every element used, released or looked at for selection.
    pub uses: Vec<UseRecord>,
    /// The project's part of the plan.
    pub plan: Value,
    /// The source files that were read, by path.
    pub sources: Vec<Source>,
    /// The catalogue that was in force.
    pub catalogue: CatalogueRecord,
    /// What the link tables held, in the order of `links.yaml`.
    pub links: Vec<Link>,
    /// People on the lists of those never to be released, over all sources.
    pub exclusions: u64,
    /// The key behind the pseudonyms. Never the secret.
    pub key: KeyRecord,
    /// The attrition of the cohort.
    pub attrition: AttritionRecord,
    /// People of the cohort with an unambiguous identifier, per kind, in the order of `links.yaml`.
    pub linked: Vec<Linkage>,
    /// The fate of every row read, by element and slice.
    pub slices: Vec<SliceFates>,
    /// The tables, by path.
    pub tables: Vec<Table>,
    /// The tables once more as CSV, where the spec asks for it. Where it asks for CSV alone, `tables` describes the
    /// Parquet files that were verified, and only these were published.
    pub csv: Vec<FileRecord>,
    /// Approved slices that have no file, with the catalogue's reason.
    pub absent: Vec<AbsentSlice>,
    /// The verifier's checks, and how many things each looked at.
    pub checks: Vec<Check>,
    /// How the tables were proved: a later build that has the same bytes need not look at their rows again.
    #[serde(default)]
    pub proof: ProofRecord,
    /// The recipe of each table, by path: what a later build compares before it keeps the file.
    pub reuse: BTreeMap<String, String>,
    /// The digest of all that `data/` depends on: where it is the same, a later build has nothing to do.
    #[serde(default)]
    pub inputs: String,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the spec's own")]
pub struct ProjectRecord {
    pub id: String,
    pub title: String,
    pub organisation: String,
    pub gateway_act: String,
    pub gateway_section: String,
    pub purposes: Vec<String>,
}

/// A spec: its digest, its text, and what was read in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SpecRecord {
    pub sha256: String,
    pub text: String,
    pub parsed: Value,
}

/// An approval record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the record's own")]
pub struct ApprovalRecord {
    pub file: String,
    pub sha256: String,
    pub revision: u32,
    pub decisions: Vec<DecisionRecord>,
}

/// One body's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the record's own")]
pub struct DecisionRecord {
    pub body: String,
    pub reference: String,
    pub decided: String,
    pub expires: String,
    pub clearances: Vec<String>,
    pub fee_paid: Option<String>,
}

/// Why an element is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct UseRecord {
    pub element: String,
    pub owner: String,
    pub released: Vec<String>,
    pub selection_only: Vec<String>,
}

/// A source file: its path below the sources folder, bytes, rows, digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Source {
    pub path: String,
    pub bytes: u64,
    pub rows: u64,
    pub sha256: String,
}

/// The catalogue: the digest of all of it, and the text of what the extract depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CatalogueRecord {
    pub digest: String,
    pub link_version: String,
    pub documents: Vec<DocumentRecord>,
}

/// One file of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DocumentRecord {
    pub name: String,
    pub text: String,
}

/// What a link table held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see vocab::LinkAccount")]
pub struct Link {
    pub table: String,
    pub kind: String,
    pub rows: u64,
    pub missing: u64,
    pub malformed: u64,
    pub wrong_check: u64,
    pub identifiers: u64,
    pub ambiguous: u64,
    pub persons: u64,
}

/// The key behind the pseudonyms: its name and fingerprint, and whether it is the one published for tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct KeyRecord {
    pub id: String,
    pub fingerprint: String,
    pub published_test_key: bool,
    pub epoch: u32,
}

/// The attrition of a cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see vocab::Attrition")]
pub struct AttritionRecord {
    pub steps: Vec<StepRecord>,
    pub excluded: u64,
    pub persons: u64,
}

/// One cohort step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see vocab::StepCount")]
pub struct StepRecord {
    pub step: String,
    pub people_before: u64,
    pub people_matched: u64,
    pub people_after: u64,
}

/// People with an unambiguous identifier of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Linkage {
    pub kind: String,
    pub persons: u64,
}

/// A year, and a term where the element has terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SliceRecord {
    pub year: String,
    pub term: Option<String>,
}

/// The fates of the rows of one element slice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SliceFates {
    pub element: String,
    pub slice: Option<SliceRecord>,
    pub fates: FatesRecord,
}

/// What became of rows. All but `rows_read` add up to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see vocab::Fates")]
pub struct FatesRecord {
    pub rows_read: u64,
    pub missing: u64,
    pub malformed: u64,
    pub unlinked: u64,
    pub ambiguous: u64,
    pub excluded: u64,
    pub out_of_cohort: u64,
    pub unreadable_period: u64,
    pub other_period: u64,
    pub filtered: u64,
    pub kept: u64,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see vocab::TableRecord")]
pub struct Table {
    /// Below `data/`.
    pub path: String,
    pub element: Option<String>,
    pub slice: Option<SliceRecord>,
    pub rows: u64,
    pub persons: u64,
    pub bytes: u64,
    pub sha256: String,
    pub sha512: String,
    pub columns: Vec<Column>,
    pub recipe: String,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see vocab::ColumnRecord")]
pub struct Column {
    pub name: String,
    pub element: Option<String>,
    pub variable: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    /// As a spec writes it: `as_is`, `{"round": "0.05"}`.
    pub release: Value,
    pub missing: u64,
    pub unknown_codes: u64,
}

/// A file and its digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct FileRecord {
    /// Below `data/`.
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    pub sha512: String,
}

impl FileRecord {
    /// Puts a path to digests.
    #[must_use]
    pub fn new(path: String, digests: Digests) -> Self {
        let Digests { bytes, sha256, sha512 } = digests;
        Self { path, bytes, sha256, sha512 }
    }
}

/// An approved slice that was never collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AbsentSlice {
    pub element: String,
    pub slice: SliceRecord,
    pub why: String,
}

/// One check of the verifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "see vocab::CheckCount")]
pub struct Check {
    pub check: String,
    pub looked_at: u64,
}

/// By which rules tables were proved, and how many things each check looked at in the rows of each, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ProofRecord {
    pub rules: u32,
    pub tables: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Manifest {
    /// Reads the record of an extract.
    ///
    /// # Errors
    /// It cannot be read, or is no such record: a finding (exit code 65).
    pub fn read(extract: &Path) -> Result<Self> {
        let path = extract.join(MANIFEST);
        let bytes = operation::read(&path)?;
        serde_json::from_slice(&bytes).map_err(|e| {
            // serde's text may quote the document; the place is enough.
            let place = crate::vocab::Place {
                file: path.display().to_string(),
                line: u32::try_from(e.line()).unwrap_or(0),
                column: u32::try_from(e.column()).unwrap_or(0),
                length: 1,
            };
            let help =
                "the extract was altered, or made by another version of leo-extract: run `leo-extract verify` on it";
            Error::finding(
                crate::vocab::Finding::error("manifest-unreadable", place, "this is no record of an extract")
                    .help(help),
            )
        })
    }
}

/// The JSON Schema of `data/manifest.json`.
#[must_use]
pub fn manifest_schema() -> Value {
    let mut schema = schemars::schema_for!(Manifest).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".to_owned(), "The record of an extract, data/manifest.json".into());
    }
    schema
}
