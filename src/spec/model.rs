//! A validated spec: every name resolved against the catalogue, every value of its variable's type.

use crate::vocab::{ElementName, Kind, Place, ProjectId, Release, Spells, Term, Value, Years};
use jiff::civil::Date;
use serde::Serialize;

/// The YAML that a project's panel approved, read and true.
#[derive(Debug, Clone, Serialize)]
pub struct Spec {
    /// Who and what for.
    pub project: Project,
    /// When the researchers are here.
    pub secondment: Secondment,
    /// The spec's revision.
    pub revision: u32,
    /// The epoch of the project's pseudonyms.
    pub epoch: u32,
    /// The only link version allowed, where the spec names one.
    pub link_version: Option<String>,
    /// Who is selected.
    pub cohort: Cohort,
    /// What is released.
    pub elements: Vec<Request>,
    /// Linked tables.
    pub linked: Vec<Linked>,
    /// What the counts must be.
    pub expect: Expect,
    /// In what form.
    pub output: Output,
    /// SHA-256 of the file's bytes, hex.
    pub sha256: String,
    /// The file's text: a published extract carries it.
    #[serde(skip)]
    pub text: String,
    /// The file.
    #[serde(skip)]
    pub at: Place,
}

/// Who and what for.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the spec's own")]
pub struct Project {
    pub id: ProjectId,
    pub title: String,
    pub organisation: String,
    pub gateway_act: String,
    pub gateway_section: String,
    pub purposes: Vec<String>,
}

/// When the researchers are here.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the spec's own")]
pub struct Secondment {
    pub starts: Date,
    pub ends: Date,
    pub researchers: u32,
}

/// Who is selected.
#[derive(Debug, Clone, Serialize)]
pub struct Cohort {
    /// In words.
    pub description: String,
    /// In order; the first is an include.
    pub steps: Vec<Step>,
}

/// One step of a cohort.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Adds people with a matching row.
    Include(Selection),
    /// Keeps only people with a matching row.
    Require(Selection),
    /// Drops people with a matching row.
    Exclude(Selection),
    /// Keeps only people with an unambiguous identifier of a kind.
    RequireLink(Kind),
    /// Keeps a stable share of people.
    Sample(f64),
}

impl Step {
    /// The step in words: `include npd.school_census`, `require link edukey`, `sample 0.1`.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Include(s) => format!("include {}", s.element),
            Self::Require(s) => format!("require {}", s.element),
            Self::Exclude(s) => format!("exclude {}", s.element),
            Self::RequireLink(kind) => format!("require link {kind}"),
            Self::Sample(f) => format!("sample {f}"),
        }
    }

    /// The rows that the step looks at, where it looks at rows.
    #[must_use]
    pub fn selection(&self) -> Option<&Selection> {
        match self {
            Self::Include(s) | Self::Require(s) | Self::Exclude(s) => Some(s),
            Self::RequireLink(_) | Self::Sample(_) => None,
        }
    }
}

/// Rows of one element: its slices or periods, and the condition that they must pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Selection {
    /// The element.
    pub element: ElementName,
    /// The years: non-empty for every element with a period (spells too); empty where the element has none.
    pub years: Years,
    /// The terms; empty for all.
    pub terms: Vec<Term>,
    /// When a spell counts.
    pub spells: Spells,
    /// What each row must pass.
    pub condition: Option<Condition>,
}

/// A condition on one row, in three-valued logic.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every one.
    All(Vec<Condition>),
    /// At least one.
    Any(Vec<Condition>),
    /// Not.
    Not(Box<Condition>),
    /// One test of one variable.
    Test {
        /// The variable, as the catalogue spells it.
        variable: String,
        /// The test.
        test: Test,
    },
}

impl Condition {
    /// The variables that the condition looks at, each once, in order of appearance.
    #[must_use]
    pub fn variables(&self) -> Vec<&str> {
        fn walk<'a>(condition: &'a Condition, out: &mut Vec<&'a str>) {
            match condition {
                Condition::All(list) | Condition::Any(list) => {
                    list.iter().for_each(|c| walk(c, out));
                }
                Condition::Not(inner) => walk(inner, out),
                Condition::Test { variable, .. } => {
                    if !out.contains(&variable.as_str()) {
                        out.push(variable);
                    }
                }
            }
        }
        let mut out = Vec::new();
        walk(self, &mut out);
        out
    }
}

/// One test. All but `Missing` are unknown on a missing value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the spec's own")]
pub enum Test {
    Equals(Value),
    NotEquals(Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    LessThan(Value),
    AtMost(Value),
    MoreThan(Value),
    AtLeast(Value),
    Between(Value, Value),
    Missing(bool),
    StartsWith(String),
}

/// What is released of one element.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// The rows.
    pub rows: Selection,
    /// The columns, in the spec's order.
    pub variables: Vec<Pick>,
    /// Why the project needs it.
    pub justification: String,
}

/// One released variable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pick {
    /// As the catalogue spells it.
    pub variable: String,
    /// How it leaves: the spec's wish where it has one, else the catalogue's release.
    pub release: Release,
}

/// One row per base row, columns of other elements beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Linked {
    /// `[a-z][a-z0-9_]*`: the file's name.
    pub name: String,
    /// The base: an element of `elements`.
    pub from: ElementName,
    /// What is put beside it.
    pub joins: Vec<Join>,
}

/// Columns of one element beside the base rows: at most one row a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Join {
    /// The rows.
    pub rows: Selection,
    /// The columns.
    pub variables: Vec<Pick>,
    /// What the columns' names begin with.
    pub prefix: String,
}

/// What the counts must be, or the build refuses to publish.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Expect {
    /// People in the cohort, both ends included.
    pub persons: Option<(u64, u64)>,
    /// Share of the cohort with an unambiguous identifier of a kind, both ends included.
    pub linked: Vec<(Kind, f64, f64)>,
}

/// In what form the tables are written.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Output {
    /// Parquet.
    pub parquet: bool,
    /// CSV beside it.
    pub csv: bool,
}
