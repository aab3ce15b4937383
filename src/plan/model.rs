//! The plan: pure data. Every choice is made here; later rooms only obey.

use crate::approval::Approved;
use crate::catalogue::Element;
use crate::spec::{Condition, Selection};
use crate::survey::{ColumnFacts, FileFacts};
use crate::vocab::{
    Calendar, ElementName, Encoding, Kind, ProjectId, Release, Slice, Spells, Term, Type, YearKind, Years,
};
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// What one run reads, joins, keeps and writes.
#[derive(Debug)]
pub struct Plan {
    /// The day on which approvals must be in force.
    pub as_of: Date,
    /// The person kind.
    pub person: Kind,
    /// The link kinds in the order of `links.yaml`.
    pub kinds: Vec<Kind>,
    /// The version of the link tables.
    pub link_version: String,
    /// The link tables.
    pub links: Vec<LinkScan>,
    /// The tables of people never to be released.
    pub exclusions: Vec<ExclusionScan>,
    /// The projects, each at the index that everything else names it by.
    pub projects: Vec<ProjectPlan>,
    /// The distinct selections of all cohort steps; a step names its selection by index.
    pub sets: Vec<Selection>,
    /// What is read to select cohorts: one scan an element.
    pub selection: Vec<Arc<ElementScan>>,
    /// What is read to release rows: one scan an element.
    pub release: Vec<Arc<ElementScan>>,
}

/// The table of people, below `data/`.
pub const PEOPLE: &str = "persons.parquet";

/// One project's part.
#[derive(Debug)]
pub struct ProjectPlan {
    /// The approved spec.
    pub approved: Approved,
    /// Its steps, as indices into [`Plan::sets`] where they look at rows.
    pub steps: Vec<Option<usize>>,
    /// The tables that it gets, in path order (linked ones apart).
    pub tables: Vec<TablePlan>,
    /// Its linked tables.
    pub linked: Vec<LinkedPlan>,
    /// The source files that it depends on, below the sources folder.
    pub sources: BTreeSet<String>,
}

impl ProjectPlan {
    /// The project's identifier.
    #[must_use]
    pub fn id(&self) -> &ProjectId {
        &self.approved.spec().project.id
    }
}

/// One table to be written.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// The element.
    pub element: ElementName,
    /// The slice, for elements cut by year.
    pub slice: Option<Slice>,
    /// The layout.
    pub layout: Layout,
    /// The source files that its rows come from, below the sources folder.
    pub sources: Vec<String>,
}

impl TablePlan {
    /// The path below `data/`.
    #[must_use]
    pub fn path(&self) -> String {
        let stem = self.slice.map_or_else(|| "all".to_owned(), Slice::file_stem);
        format!("{}/{stem}.parquet", self.element)
    }
}

/// The columns of a table: `person_id`, then year and term where it has them, then these.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Which year column stands second, if any.
    pub year: Option<YearKind>,
    /// Whether a term column follows.
    pub term: bool,
    /// The released variables in order.
    pub columns: Vec<OutColumn>,
}

/// One released column.
#[derive(Debug, Clone, PartialEq)]
pub struct OutColumn {
    /// Its name in the table.
    pub name: String,
    /// The element that it comes from.
    pub element: ElementName,
    /// The catalogue's variable.
    pub variable: String,
    /// The type delivered.
    pub kind: Type,
    /// How it is released.
    pub release: Release,
    /// The catalogue's codes, where the values are delivered as they are and codes are listed.
    pub codes: Vec<String>,
}

/// A linked table to be written.
#[derive(Debug, Clone)]
pub struct LinkedPlan {
    /// The file's name.
    pub name: String,
    /// The layout: the base table's columns, then those of each join.
    pub layout: Layout,
    /// How many of the layout's columns come from the base.
    pub base_columns: usize,
    /// How many come from each join, in order.
    pub join_columns: Vec<usize>,
}

impl LinkedPlan {
    /// The path below `data/`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("linked/{}.parquet", self.name)
    }
}

/// One link table to be read.
#[derive(Debug)]
pub struct LinkScan {
    /// Its name.
    pub table: String,
    /// The kind that it maps.
    pub kind: Kind,
    /// The files, each with its person and identifier column.
    pub files: Vec<(Arc<FileFacts>, ColumnFacts, ColumnFacts)>,
}

/// What is read to tell who is whom.
#[derive(Debug)]
pub struct Linking<'a> {
    /// The link tables.
    pub tables: Vec<&'a LinkScan>,
    /// The scans that select cohorts from elements which carry the person kind itself: each of their values is a person,
    /// whether or not a link table knows them.
    pub carriers: Vec<&'a Arc<ElementScan>>,
}

/// One table of people never to be released.
#[derive(Debug)]
pub struct ExclusionScan {
    /// The location as written.
    pub location: String,
    /// The kind of identifier.
    pub kind: Kind,
    /// The files, each with the identifier's column.
    pub files: Vec<(Arc<FileFacts>, ColumnFacts)>,
}

/// One scan of an element, shared by all projects.
#[derive(Debug, Clone)]
pub struct ElementScan {
    /// The element.
    pub element: Arc<Element>,
    /// The pieces, each read by one worker from first row to last.
    pub units: Vec<Unit>,
    /// What the de-identified view shows.
    pub view: View,
    /// Who wants what of it.
    pub wants: Vec<Want>,
}

/// A piece of one file.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The file.
    pub facts: Arc<FileFacts>,
    /// Its row groups.
    pub row_groups: Range<usize>,
    /// Rows in them.
    pub rows: u64,
    /// The slice, for elements cut by location.
    pub slice: Option<Slice>,
    /// Units of one group feed the same tables.
    pub group: usize,
    /// The identifier's column.
    pub key: ColumnFacts,
    /// The period's column, where the year stands in one.
    pub year: Option<ColumnFacts>,
    /// The first and last day's columns, for spells.
    pub spell: Option<(ColumnFacts, ColumnFacts)>,
    /// For each variable of the view's `variables`, in that order: where its values stand.
    pub variables: Vec<Vec<Stand>>,
}

/// Where a variable's values stand in a file: in this column, for rows of these years (all where `None`).
#[derive(Debug, Clone)]
pub struct Stand {
    /// The column.
    pub column: ColumnFacts,
    /// The years, for elements whose year stands in a column.
    pub years: Option<Years>,
}

/// What the de-identified view shows beside the key: nothing but flags and released values.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// How the year column is read, where there is one.
    pub year: Option<Encoding>,
    /// The variables that flags and columns are reckoned from, with their catalogue types.
    pub variables: Vec<(String, Type)>,
    /// Boolean flags: a condition, or whether a spell counts.
    pub flags: Vec<Flag>,
    /// Released columns.
    pub columns: Vec<ViewColumn>,
}

/// A flag of the view.
#[derive(Debug, Clone, PartialEq)]
pub enum Flag {
    /// Whether a row passes a condition: true, false, or missing for unknown.
    Where(Condition),
    /// Whether a spell counts in the years asked for; missing where it has no start.
    Spell {
        /// The years.
        years: Years,
        /// When it counts.
        mode: Spells,
        /// Which calendar.
        calendar: Calendar,
    },
}

/// A released column of the view.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewColumn {
    /// The variable, by index into the view's variables.
    pub variable: usize,
    /// How it is released.
    pub release: Release,
    /// For pseudonyms: the project and epoch.
    pub project: Option<(ProjectId, u32)>,
    /// The type delivered.
    pub kind: Type,
}

/// What one project, or one cohort step, wants of a scan.
#[derive(Debug, Clone)]
pub struct Want {
    /// What for.
    pub purpose: Purpose,
    /// The slices, for elements cut by location; `None` means any.
    pub slices: Option<BTreeSet<Slice>>,
    /// The years, where the year stands in a column.
    pub years: Option<Years>,
    /// The spell flag, by index.
    pub spell: Option<usize>,
    /// The condition flag, by index.
    pub condition: Option<usize>,
    /// The released columns in order, by index.
    pub columns: Vec<usize>,
}

impl Want {
    /// Whether it asks for the rows of a unit of its scan.
    #[must_use]
    pub fn asks_for(&self, unit: &Unit) -> bool {
        self.slices.as_ref().is_none_or(|slices| unit.slice.is_some_and(|slice| slices.contains(&slice)))
    }
}

/// What a want is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The set of that index in [`Plan::sets`].
    Set(usize),
    /// The tables of a project, and the bases of these linked tables of its.
    Table {
        /// The project.
        project: usize,
        /// Indices into its linked tables.
        bases: Vec<usize>,
    },
    /// The columns of one join of a linked table.
    Join {
        /// The project.
        project: usize,
        /// The linked table.
        linked: usize,
        /// The join.
        join: usize,
    },
}

/// Years and terms of a linked base row, as small integers that sort like their texts.
#[must_use]
pub fn term_rank(term: Option<Term>) -> i8 {
    match term {
        None => -1,
        Some(Term::Autumn) => 0,
        Some(Term::Spring) => 1,
        Some(Term::Summer) => 2,
    }
}

/// Where the sources, the exclusions and everything else lie, and how the work may be cut.
#[derive(Debug, Clone)]
pub struct Ground {
    /// The root of the sources.
    pub sources: PathBuf,
    /// Threads.
    pub threads: usize,
}
