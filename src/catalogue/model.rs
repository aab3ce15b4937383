//! The catalogue as the rest of the house sees it: parsed and true.

use crate::vocab::{
    Calendar, ElementName, Encoding, Findings, Kind, Owner, Place, Release, Slice, Term, Type, YearKind, Years,
};
use serde::Serialize;

/// The data dictionary: elements, links, rules.
#[derive(Debug, Clone, Serialize)]
pub struct Catalogue {
    /// By name, in order.
    pub elements: Vec<Element>,
    /// The person kind and the link tables.
    pub links: Links,
    /// Combinations that must not be released together.
    pub rules: Vec<Rule>,
    /// SHA-256, hex, over the names and bytes of all catalogue files, in name order.
    pub digest: String,
    /// The files that it was read from, in name order: a published extract carries those it depends on.
    #[serde(skip)]
    pub documents: Vec<Document>,
    /// What is odd in it and stops nothing.
    #[serde(skip)]
    pub warnings: Findings,
}

/// One file of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The file's name, without folders: `npd.ks4.yaml`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Catalogue {
    /// The element of that name.
    #[must_use]
    pub fn element(&self, name: &ElementName) -> Option<&Element> {
        self.elements.binary_search_by(|e| e.name.cmp(name)).ok().map(|i| &self.elements[i])
    }

    /// The link kinds in the order of `links.yaml`, each once.
    #[must_use]
    pub fn link_kinds(&self) -> Vec<&Kind> {
        let mut kinds: Vec<&Kind> = Vec::new();
        for table in &self.links.tables {
            if !kinds.contains(&&table.identifier.kind) {
                kinds.push(&table.identifier.kind);
            }
        }
        kinds
    }
}

/// A column that identifies, and the kind of identifier in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identifier {
    /// The column's name (without suffix).
    pub column: String,
    /// Its kind.
    pub kind: Kind,
}

/// When a row counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// One file group a year (and term): the year comes from the location.
    Slice {
        /// Academic or tax year.
        kind: YearKind,
    },
    /// The year stands in a column.
    Column {
        /// Academic or tax year.
        kind: YearKind,
        /// The column.
        column: String,
        /// How it writes the year.
        encoding: Encoding,
    },
    /// A spell with a start and an end date.
    Spell {
        /// The column of the first day.
        start: String,
        /// The column of the last day; missing is open.
        end: String,
        /// Which years count.
        calendar: Calendar,
    },
    /// No period.
    None,
}

impl Period {
    /// The kind of year that a released table carries, if any.
    #[must_use]
    pub fn year_kind(&self) -> Option<YearKind> {
        match self {
            Self::Slice { kind } | Self::Column { kind, .. } => Some(*kind),
            Self::Spell { .. } | Self::None => None,
        }
    }
}

/// Slices that were never collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absent {
    /// The years.
    pub years: Years,
    /// The terms; empty for all.
    pub terms: Vec<Term>,
    /// Why.
    pub why: String,
}

/// A location or suffix with placeholders; every placeholder is known and fits the element (checked when parsed).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Template(pub(super) String);

impl Template {
    /// A template that nobody checked, for the tests of other rooms.
    #[cfg(test)]
    pub(crate) fn for_tests(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text with its placeholders.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text for one slice; without a slice the text as it stands.
    #[must_use]
    pub fn fill(&self, slice: Option<Slice>) -> String {
        let Some(Slice { year, term }) = slice else {
            return self.0.clone();
        };
        let (start, end) = (i32::from(year.0), i32::from(year.0) + 1);
        let mut text = self
            .0
            .replace("{yyyy}", &end.to_string())
            .replace("{yy}", &format!("{:02}", end % 100))
            .replace("{start_yyyy}", &start.to_string())
            .replace("{start_yy}", &format!("{:02}", start % 100))
            .replace("{tax}", &format!("{start}{:02}", end % 100));
        if let Some(term) = term {
            let calendar = if term == Term::Autumn { start } else { end };
            text = text
                .replace("{term}", term.short())
                .replace("{Term}", term.long())
                .replace("{term_yyyy}", &calendar.to_string())
                .replace("{term_yy}", &format!("{:02}", calendar % 100));
        }
        text
    }
}

/// One source table as researchers know it.
#[derive(Debug, Clone, Serialize)]
pub struct Element {
    /// `dataset.name`.
    pub name: ElementName,
    /// For people.
    pub title: String,
    /// The controller.
    pub owner: Owner,
    /// The column that identifies the person. Never released.
    pub identifier: Identifier,
    /// When a row counts.
    pub period: Period,
    /// A file, a folder, or a template, below the sources folder.
    pub location: Template,
    /// The terms, in the order of a school year; empty where the element has none.
    pub terms: Vec<Term>,
    /// How physical column names end.
    pub suffix: Option<Template>,
    /// The years collected; empty for elements without a year.
    pub coverage: Years,
    /// Slices never collected within the coverage.
    pub absent: Vec<Absent>,
    /// The declared grain.
    pub grain: Vec<String>,
    /// The variables in the catalogue's order.
    pub variables: Vec<Variable>,
    /// Where the element is defined.
    #[serde(skip)]
    pub at: Place,
}

impl Element {
    /// The variable of that name, matched exactly.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }

    /// Why a slice has no file, where the catalogue says that it was never collected.
    #[must_use]
    pub fn absent(&self, slice: Slice) -> Option<&str> {
        self.absent
            .iter()
            .find(|a| {
                a.years.contains(slice.year) && (a.terms.is_empty() || slice.term.is_some_and(|t| a.terms.contains(&t)))
            })
            .map(|a| a.why.as_str())
    }

    /// The slices that years and terms name, absent ones left out. `terms` empty means all. For elements cut by year
    /// (from slice or column); none for spells and elements without a period.
    #[must_use]
    pub fn slices(&self, years: &Years, terms: &[Term]) -> Vec<Slice> {
        if self.period.year_kind().is_none() {
            return Vec::new();
        }
        let mut slices = Vec::new();
        for year in years.iter() {
            if self.terms.is_empty() {
                slices.push(Slice { year, term: None });
            }
            for term in self.terms.iter().filter(|t| terms.is_empty() || terms.contains(t)) {
                slices.push(Slice { year, term: Some(*term) });
            }
        }
        slices.retain(|s| self.absent(*s).is_none());
        slices
    }
}

/// An earlier name of a variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Was {
    /// The name then.
    pub name: String,
    /// When.
    pub years: Years,
}

/// One variable of an element.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variable {
    /// The name researchers know; output uses this spelling.
    pub name: String,
    /// For people.
    pub label: String,
    /// The type delivered when released as it is.
    #[serde(rename = "type")]
    pub kind: Type,
    /// The years in which it was collected; `None` for all of the element's.
    pub years: Option<Years>,
    /// NPD identifiability, 1 to 5.
    pub identifiability: u8,
    /// NPD sensitivity, `A` to `E`.
    pub sensitivity: char,
    /// Whether a request must name it.
    pub by_request: bool,
    /// Known values as text, in the catalogue's order; empty where not listed.
    pub codes: Vec<String>,
    /// Tags that rules use.
    pub tags: Vec<String>,
    /// The finest release allowed.
    pub release: Release,
    /// Earlier names.
    pub was: Vec<Was>,
}

impl Variable {
    /// The name the variable had in a slice or column year: the last matching entry of `was`, else today's.
    #[must_use]
    pub fn name_in(&self, year: Option<crate::vocab::Year>) -> &str {
        year.and_then(|y| self.was.iter().rev().find(|w| w.years.contains(y))).map_or(&self.name, |w| &w.name)
    }

    /// Whether the variable was collected in a year; without a year always.
    #[must_use]
    pub fn collected_in(&self, year: Option<crate::vocab::Year>) -> bool {
        match (year, &self.years) {
            (Some(year), Some(years)) => years.contains(year),
            _ => true,
        }
    }
}

/// The person kind and the link tables.
#[derive(Debug, Clone, Serialize)]
pub struct Links {
    /// The kind of the person identifier.
    pub person: Kind,
    /// The version of the link tables.
    pub version: String,
    /// The tables in order.
    pub tables: Vec<LinkTable>,
}

/// A table that maps the person identifier to another kind.
#[derive(Debug, Clone, Serialize)]
pub struct LinkTable {
    /// For people.
    pub name: String,
    /// A file or folder below the sources folder.
    pub location: String,
    /// The column of the person identifier.
    pub person: String,
    /// The other identifier.
    pub identifier: Identifier,
    /// Where it is defined.
    #[serde(skip)]
    pub at: Place,
}

/// A combination that must not be released together.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    /// Kebab-case code, shown with the refusal.
    pub code: String,
    /// The element that brings the rule into force.
    pub element: ElementName,
    /// The years of that element that do; `None` for any.
    pub years: Option<Years>,
    /// The variables of that element that do; empty for any.
    pub variables: Vec<String>,
    /// No released variable of any element may carry this tag, unless it is pseudonymised and `allows_pseudonyms`.
    pub forbids_tag: Option<String>,
    /// None of these variables (`element.variable`) may be released beside it.
    pub forbids_variables: Vec<String>,
    /// Whether a pseudonymised variable with the forbidden tag may pass.
    pub allows_pseudonyms: bool,
    /// The purpose that the project must hold.
    pub needs_purpose: Option<String>,
    /// Why, for people.
    pub why: String,
    /// Where it is defined.
    #[serde(skip)]
    pub at: Place,
}
