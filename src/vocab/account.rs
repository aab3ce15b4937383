//! Accounts: the counts and digests that rooms hand on, for the manifest and the report. Exact; made safe where shown.

use super::{ElementName, Kind, ProjectId, Release, Slice, Type};
use serde::Serialize;

/// What became of every row read of one element slice, for one project. The fields other than `rows_read` add up to it;
/// a row counts under the first that applies, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fates {
    /// All rows.
    pub rows_read: u64,
    /// No identifier: null or blank.
    pub missing: u64,
    /// An identifier without the shape of its kind.
    pub malformed: u64,
    /// An identifier that no link table knows.
    pub unlinked: u64,
    /// An identifier that maps to more than one person.
    pub ambiguous: u64,
    /// A person who must never be released.
    pub excluded: u64,
    /// A person outside the project's cohort.
    pub out_of_cohort: u64,
    /// A period that cannot be read.
    pub unreadable_period: u64,
    /// A period that was not approved.
    pub other_period: u64,
    /// Did not pass `where`.
    pub filtered: u64,
    /// Released.
    pub kept: u64,
}

impl Fates {
    /// Whether the parts add up to the rows read.
    #[must_use]
    pub fn add_up(&self) -> bool {
        self.rows_read
            == self.missing
                + self.malformed
                + self.unlinked
                + self.ambiguous
                + self.excluded
                + self.out_of_cohort
                + self.unreadable_period
                + self.other_period
                + self.filtered
                + self.kept
    }

    /// Adds another account.
    pub fn add(&mut self, other: &Self) {
        self.rows_read += other.rows_read;
        self.missing += other.missing;
        self.malformed += other.malformed;
        self.unlinked += other.unlinked;
        self.ambiguous += other.ambiguous;
        self.excluded += other.excluded;
        self.out_of_cohort += other.out_of_cohort;
        self.unreadable_period += other.unreadable_period;
        self.other_period += other.other_period;
        self.filtered += other.filtered;
        self.kept += other.kept;
    }
}

/// The fates of the rows of one element slice (`None` for elements that are not cut by slice).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SliceAccount {
    /// The element.
    pub element: ElementName,
    /// The slice, where the element has slices.
    pub slice: Option<Slice>,
    /// What became of its rows.
    pub fates: Fates,
}

/// One cohort step: people before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepCount {
    /// The step in words: `include npd.school_census`, `require link edukey`, `sample 0.1`.
    pub step: String,
    /// People in the cohort before the step.
    pub people_before: u64,
    /// People whom the step's own rows match (for `sample` and `require_link`: who pass).
    pub people_matched: u64,
    /// People in the cohort after the step.
    pub people_after: u64,
}

/// The attrition of a cohort. Each step begins with what the one before left; the last leaves the cohort.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attrition {
    /// The steps in order.
    pub steps: Vec<StepCount>,
    /// People of the include steps left out because they must never be released.
    pub excluded: u64,
    /// The cohort.
    pub persons: u64,
}

/// What a link table held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkAccount {
    /// The table's name.
    pub table: String,
    /// The kind it maps.
    pub kind: Kind,
    /// Rows read.
    pub rows: u64,
    /// Rows without an identifier or person.
    pub missing: u64,
    /// Rows whose identifier or person has not the shape of its kind.
    pub malformed: u64,
    /// Well-shaped identifiers with a wrong check digit or an unused prefix. They link.
    pub wrong_check: u64,
    /// Distinct identifiers of the kind, over all tables of the kind.
    pub identifiers: u64,
    /// Of them, those that map to more than one person.
    pub ambiguous: u64,
    /// People with at least one unambiguous identifier of the kind.
    pub persons: u64,
}

/// A source file that was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SourceRecord {
    /// The path below the sources folder (or below the config's folder, for exclusions).
    pub path: String,
    /// Bytes.
    pub bytes: u64,
    /// Rows, from the footer.
    pub rows: u64,
    /// SHA-256 of all its bytes, hex.
    pub sha256: String,
}

/// One column of a written table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnRecord {
    /// The column's name.
    pub name: String,
    /// The element that it comes from; `None` for `person_id`, year and term.
    pub element: Option<ElementName>,
    /// The catalogue's variable; `None` for `person_id`, year and term.
    pub variable: Option<String>,
    /// The type delivered.
    #[serde(rename = "type")]
    pub kind: Type,
    /// How it is released.
    pub release: Release,
    /// Missing values.
    pub missing: u64,
    /// Values that are not among the catalogue's codes, missing ones apart.
    pub unknown_codes: u64,
}

/// One written table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRecord {
    /// The path below `data/`: `npd.ks4/2010-2011.parquet`.
    pub path: String,
    /// The element; `None` for `persons` and linked tables.
    pub element: Option<ElementName>,
    /// The slice, where the table has one.
    pub slice: Option<Slice>,
    /// Rows.
    pub rows: u64,
    /// Distinct people.
    pub persons: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, hex.
    pub sha256: String,
    /// SHA-512 of the bytes, hex; empty until all tables are written, since several files are hashed at a time.
    pub sha512: String,
    /// The columns in order.
    pub columns: Vec<ColumnRecord>,
    /// Digest over everything the bytes depend on, hex.
    pub recipe: String,
}

/// One check of the verifier: how many things it looked at. A check that looked at nothing is shown as such.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckCount {
    /// The check, kebab-case.
    pub check: &'static str,
    /// Things looked at (files, cells, rows…).
    pub looked_at: u64,
}

/// Everything counted for one project: what `publish` records and `verify` compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectAccount {
    /// The project.
    pub project: ProjectId,
    /// Its cohort.
    pub attrition: Attrition,
    /// People in the cohort with at least one unambiguous identifier, per link kind, in the order of `links.yaml`.
    pub linked: Vec<(Kind, u64)>,
    /// The fates of all rows read for it.
    pub slices: Vec<SliceAccount>,
    /// The tables written, in path order.
    pub tables: Vec<TableRecord>,
}
