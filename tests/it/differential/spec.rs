//! Specs as plain data: cohort steps, selections, conditions, requests, linked tables, and the faults planted in them.

use super::model::{Cell, Element, Exclusion, File, LinkTable, Range, Release, Term};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operator {
    Equals,
    NotEquals,
    In,
    NotIn,
    LessThan,
    AtMost,
    MoreThan,
    AtLeast,
    Between,
    Missing,
    StartsWith,
}

impl Operator {
    pub(super) const ALL: [Self; 11] = [
        Self::Equals,
        Self::NotEquals,
        Self::In,
        Self::NotIn,
        Self::LessThan,
        Self::AtMost,
        Self::MoreThan,
        Self::AtLeast,
        Self::Between,
        Self::Missing,
        Self::StartsWith,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::NotEquals => "not_equals",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::LessThan => "less_than",
            Self::AtMost => "at_most",
            Self::MoreThan => "more_than",
            Self::AtLeast => "at_least",
            Self::Between => "between",
            Self::Missing => "missing",
            Self::StartsWith => "starts_with",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// A group, or, where `bare`, a list.
    All {
        members: Vec<Condition>,
        bare: bool,
    },
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// Values are of the variable's type; dates for timestamps too.
    Test {
        variable: String,
        operator: Operator,
        values: Vec<Cell>,
    },
}

impl Condition {
    pub(super) fn variables(&self) -> Vec<&str> {
        match self {
            Self::All { members, .. } | Self::Any(members) => members.iter().flat_map(Self::variables).collect(),
            Self::Not(inner) => inner.variables(),
            Self::Test { variable, .. } => vec![variable],
        }
    }
}

/// Rows of an element.
#[derive(Debug, Clone)]
pub(super) struct Selection {
    pub(super) element: String,
    /// Ranges; empty where the element has no period.
    pub(super) years: Vec<Range>,
    pub(super) terms: Vec<Term>,
    /// `spells`, where it is written.
    pub(super) starting: Option<bool>,
    pub(super) condition: Option<Condition>,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Include(Selection),
    Require(Selection),
    Exclude(Selection),
    RequireLink(String),
    Sample(&'static str),
}

/// A variable, and the spec's own release of it.
pub(super) type Pick = (String, Option<Release>);

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) rows: Selection,
    pub(super) picks: Vec<Pick>,
}

#[derive(Debug, Clone)]
pub(super) struct Join {
    pub(super) rows: Selection,
    pub(super) picks: Vec<Pick>,
    pub(super) prefix: String,
}

#[derive(Debug, Clone)]
pub(super) struct Linked {
    pub(super) name: String,
    pub(super) from: String,
    pub(super) joins: Vec<Join>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Output {
    Parquet,
    Csv,
    Both,
}

/// What a project is refused for: a fault planted in an otherwise good spec, approval or source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    ReleaseTooFine,
    NeverReleased,
    YearOutside,
    UnknownVariable,
    IdentifierRequested,
    DuplicateElement,
    BaseNotRequested,
    BetweenBackwards,
    SpecChanged,
    ApprovalExpired,
    DecisionMissing,
    ExpectationMissed,
    ColumnMissing,
    ColumnType,
    ValueDoesNotConvert,
    SourceMissing,
}

impl Fault {
    pub(super) const ALL: [Self; 16] = [
        Self::ReleaseTooFine,
        Self::NeverReleased,
        Self::YearOutside,
        Self::UnknownVariable,
        Self::IdentifierRequested,
        Self::DuplicateElement,
        Self::BaseNotRequested,
        Self::BetweenBackwards,
        Self::SpecChanged,
        Self::ApprovalExpired,
        Self::DecisionMissing,
        Self::ExpectationMissed,
        Self::ColumnMissing,
        Self::ColumnType,
        Self::ValueDoesNotConvert,
        Self::SourceMissing,
    ];

    /// The code of the finding that refuses.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::ReleaseTooFine => "release-too-fine",
            Self::NeverReleased => "never-released",
            Self::YearOutside => "year-outside-coverage",
            Self::UnknownVariable => "unknown-variable",
            Self::IdentifierRequested => "identifier-requested",
            Self::DuplicateElement => "duplicate-element",
            Self::BaseNotRequested => "base-not-requested",
            Self::BetweenBackwards => "between-backwards",
            Self::SpecChanged => "spec-changed-since-approval",
            Self::ApprovalExpired => "approval-expired",
            Self::DecisionMissing => "decision-missing",
            Self::ExpectationMissed => "expectation-not-met",
            Self::ColumnMissing => "column-missing",
            Self::ColumnType => "column-type",
            Self::ValueDoesNotConvert => "value-does-not-convert",
            Self::SourceMissing => "source-missing",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) epoch: u32,
    pub(super) steps: Vec<Step>,
    pub(super) requests: Vec<Request>,
    pub(super) linked: Vec<Linked>,
    pub(super) output: Output,
    pub(super) fault: Option<Fault>,
}

/// How the program is run.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) memory: Option<&'static str>,
    pub(super) threads: Option<usize>,
    pub(super) rebuild: bool,
}

/// Everything that a seed decides.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) person: String,
    pub(super) links: Vec<LinkTable>,
    pub(super) elements: Vec<Element>,
    pub(super) exclusions: Vec<Exclusion>,
    pub(super) files: Vec<File>,
    pub(super) projects: Vec<Project>,
    pub(super) settings: Settings,
}

impl World {
    pub(super) fn element(&self, name: &str) -> &Element {
        self.elements.iter().find(|e| e.name == name).unwrap()
    }

    /// The secret behind the pseudonyms: the seed, spelt out.
    pub(super) fn secret(&self) -> [u8; 32] {
        let mut secret = [0x5a; 32];
        secret[..8].copy_from_slice(&self.seed.to_be_bytes());
        secret
    }
}
