//! The tables that an extract must hold, row by row in the contract's order, and the counts that its record must tell.

use super::super::coverage::Feature;
use super::super::model::{Cell, Element, Kind, Period, Release, Term};
use super::super::spec::{Linked, Output, Pick, Project, Request};
use super::release::{coarsen, delivered};
use super::rows::{Row, slices};
use super::{Attrition, Fates, LinkCount, Reference};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A column of a table.
#[derive(Debug, Clone)]
pub(in super::super) struct Heading {
    pub(in super::super) name: String,
    pub(in super::super) kind: Kind,
    /// What its values should be among; empty where no codes are listed, or the values do not leave as they are.
    pub(in super::super) codes: Vec<Cell>,
}

impl Heading {
    fn new(name: &str, kind: Kind) -> Self {
        Self { name: name.to_owned(), kind, codes: Vec::new() }
    }
}

/// The rows of a request, each with its person: what joins stand beside.
type Base = (Vec<Heading>, Vec<(String, Vec<Cell>)>);

/// A table: columns with their types, and rows in order.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Table {
    pub(in super::super) columns: Vec<Heading>,
    pub(in super::super) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// By person, then period, then all columns, missing first. The leading columns are those already.
    fn sort(&mut self) {
        self.rows.sort_by(|a, b| {
            let unequal = a.iter().zip(b).map(|(a, b)| a.order(b)).find(|o| *o != Ordering::Equal);
            unequal.unwrap_or(Ordering::Equal)
        });
    }
}

/// What a project's extract must hold.
pub(in super::super) struct Expected {
    /// By path below `data/`, without extension.
    pub(in super::super) tables: BTreeMap<String, Table>,
    pub(in super::super) attrition: Attrition,
    pub(in super::super) persons: usize,
    /// By kind, in the order of `links.yaml`: people of the cohort with an unambiguous identifier.
    pub(in super::super) linked: Vec<(String, usize)>,
    pub(in super::super) links: Vec<LinkCount>,
    /// By element and slice: what became of each row.
    pub(in super::super) fates: BTreeMap<(String, String), Fates>,
    /// Whether a join matches several rows of one person: then nothing may be published.
    pub(in super::super) fans_out: bool,
}

impl Reference<'_> {
    /// Reckons everything that a project's extract must hold.
    pub(in super::super) fn expected(&self, project: &Project) -> Expected {
        let (cohort, attrition) = self.cohort(project);
        let mut tables = BTreeMap::new();
        let kinds: Vec<&str> = self.world.links.iter().fold(Vec::new(), |mut kinds, table| {
            if !kinds.contains(&table.kind.as_str()) {
                kinds.push(&table.kind);
            }
            kinds
        });
        let by_kind: Vec<BTreeSet<String>> = kinds.iter().map(|kind| self.linked_people(kind)).collect();
        let mut persons = Table { columns: vec![Heading::new("person_id", Kind::Text)], rows: Vec::new() };
        persons.columns.extend(kinds.iter().map(|kind| Heading::new(&format!("linked_{kind}"), Kind::Bool)));
        for person in &cohort {
            let mut row = vec![Cell::Text(self.person_id(project, person))];
            row.extend(by_kind.iter().map(|people| Cell::Bool(people.contains(person))));
            persons.rows.push(row);
        }
        persons.sort();
        tables.insert("persons".to_owned(), persons);
        let mut bases = BTreeMap::new();
        for request in &project.requests {
            let base = self.request(project, request, &cohort, &mut tables);
            bases.insert(request.rows.element.as_str(), base);
        }
        let mut fates = BTreeMap::new();
        for request in &project.requests {
            for (slice, of) in self.fates(&request.rows, &cohort) {
                fates.insert((request.rows.element.clone(), slice), of);
            }
        }
        let mut fans_out = false;
        for linked in &project.linked {
            match self.linked(project, linked, &cohort, bases[linked.from.as_str()].clone()) {
                Some(table) => drop(tables.insert(format!("linked/{}", linked.name), table)),
                None => fans_out = true,
            }
        }
        self.note_project(project);
        let count = |people: &BTreeSet<String>| people.intersection(&cohort).count();
        Expected {
            tables,
            attrition,
            persons: cohort.len(),
            linked: kinds.iter().zip(&by_kind).map(|(kind, people)| ((*kind).to_owned(), count(people))).collect(),
            links: self.world.links.iter().map(|table| self.link_count(table)).collect(),
            fates,
            fans_out,
        }
    }

    fn link_count(&self, table: &super::super::model::LinkTable) -> LinkCount {
        let files = self.columns("sources/", &table.location, [&table.person, &table.column]);
        let identifiers = &self.map[table.kind.as_str()];
        let ambiguous = identifiers.values().filter(|people| people.len() > 1).count();
        let rows = files.iter().map(|[people, _]| people.len()).sum();
        (rows, identifiers.len(), ambiguous, self.linked_people(&table.kind).len())
    }

    fn note_project(&self, project: &Project) {
        self.note(match project.output {
            Output::Parquet => Feature::OutputParquet,
            Output::Csv => Feature::OutputCsv,
            Output::Both => Feature::OutputBoth,
        });
        if project.epoch > 1 {
            self.note(Feature::SecondEpoch);
        }
    }

    /// The released values of a row.
    fn released(&self, project: &Project, element: &Element, picks: &[Pick], row: &Row<'_>) -> Vec<Cell> {
        let one = |(name, own): &Pick| {
            let variable = element.variable(name);
            let release = own.as_ref().unwrap_or(&variable.release);
            let value = &row.values[name.as_str()];
            let released = coarsen(value, release, &self.keys, &project.id, project.epoch);
            self.note_value(value, &released);
            let mut seen = self.seen.borrow_mut();
            if !value.is_null() {
                seen.note(variable.kind.feature());
                if ["Yr", "St", "En"].contains(&name.as_str()) {
                    seen.note(Feature::PeriodColumnReleased);
                }
            }
            // A release counts where it changed the value or its form.
            if !value.is_null() && released != *value {
                seen.release(release, variable.kind);
                seen.note(match own {
                    None => Feature::ReleaseByCatalogue,
                    Some(_) if variable.release == Release::AsIs => Feature::ReleaseBySpec,
                    Some(_) => Feature::ReleaseCoarserBySpec,
                });
            }
            released
        };
        picks.iter().map(one).collect()
    }

    fn note_value(&self, value: &Cell, released: &Cell) {
        let feature = match value {
            Cell::Null => Feature::MissingValue,
            Cell::Float(v) if v.is_nan() => Feature::NotANumber,
            Cell::Float(v) if v.is_infinite() => Feature::Infinite,
            Cell::Float(v) if *v == 0.0 && v.is_sign_negative() && value == released => Feature::NegativeZero,
            Cell::Text(text) if text.is_empty() => Feature::EmptyText,
            Cell::Text(text) if text.len() > 12 => Feature::LongText,
            Cell::Text(text) if !text.is_ascii() => Feature::TextNotAscii,
            Cell::Date(days) if *days > 2_900_000 => Feature::LastDay,
            Cell::Int(v) if v.unsigned_abs() > 1 << 53 => Feature::LargeInteger,
            Cell::Decimal(v, _) if v.unsigned_abs() > 1 << 64 => Feature::LongDecimal,
            _ => return,
        };
        self.note(feature);
    }

    fn columns_of(element: &Element, picks: &[Pick], prefix: &str) -> Vec<Heading> {
        let one = |(name, own): &Pick| {
            let variable = element.variable(name);
            let release = own.as_ref().unwrap_or(&variable.release);
            let codes = if *release == Release::AsIs { variable.codes.clone() } else { Vec::new() };
            Heading { name: format!("{prefix}{name}"), kind: delivered(variable.kind, release), codes }
        };
        picks.iter().map(one).collect()
    }

    /// Adds a request's tables, and returns all its rows, each with its person: a base for joins.
    fn request(
        &self,
        project: &Project,
        request: &Request,
        cohort: &BTreeSet<String>,
        tables: &mut BTreeMap<String, Table>,
    ) -> Base {
        let element = self.world.element(&request.rows.element);
        let mut columns = vec![Heading::new("person_id", Kind::Text)];
        match element.period {
            Period::Slice { tax: true } | Period::Column { tax: true, .. } => {
                columns.push(Heading::new("tax_year", Kind::Text));
            }
            Period::Slice { .. } | Period::Column { .. } => columns.push(Heading::new("academic_year", Kind::Text)),
            _ => {}
        }
        if !element.terms.is_empty() {
            columns.push(Heading::new("term", Kind::Text));
        }
        columns.extend(Self::columns_of(element, &request.picks, ""));
        let empty = || Table { columns: columns.clone(), rows: Vec::new() };
        let path = |year: Option<i32>, term: Option<Term>| {
            let term = term.map(|t| format!("-{}", t.name())).unwrap_or_default();
            let period = year.map_or("all".to_owned(), |y| format!("{y}-{}{term}", y + 1));
            format!("{}/{period}", element.name)
        };
        if element.has_years() {
            for (year, term) in slices(element, &request.rows.years, &request.rows.terms) {
                tables.insert(path(Some(year), term), empty());
            }
        } else {
            tables.insert(path(None, None), empty());
        }
        let mut all = Vec::new();
        for (person, row) in self.select(&request.rows, &request.picks) {
            if !cohort.contains(&person) {
                self.note(Feature::RowOutside);
                continue;
            }
            self.note(Feature::RowKept);
            if request.rows.condition.is_some() {
                self.note(Feature::ConditionInRequest);
            }
            let mut cells = vec![Cell::Text(self.person_id(project, &person))];
            cells.extend(row.year.map(|y| Cell::Text(format!("{y}/{}", y + 1))));
            cells.extend(row.term.map(|t| Cell::Text(t.name())));
            cells.extend(self.released(project, element, &request.picks, &row));
            tables.get_mut(&path(row.year, row.term)).unwrap().rows.push(cells.clone());
            all.push((person, cells));
        }
        for table in tables.range_mut(format!("{}/", element.name)..format!("{}0", element.name)) {
            table.1.sort();
            if table.1.rows.is_empty() {
                self.note(Feature::TableEmpty);
            }
            if table.1.rows.windows(2).any(|pair| pair[0][0] == pair[1][0]) {
                self.note(Feature::PersonTwice);
            }
        }
        (columns, all)
    }

    /// A linked table. `None` where a join fans out.
    fn linked(
        &self,
        project: &Project,
        linked: &Linked,
        cohort: &BTreeSet<String>,
        (mut columns, mut rows): Base,
    ) -> Option<Table> {
        for join in &linked.joins {
            let element = self.world.element(&join.rows.element);
            let mut found: BTreeMap<String, Vec<Cell>> = BTreeMap::new();
            for (person, row) in self.select(&join.rows, &join.picks) {
                if !cohort.contains(&person) {
                    continue;
                }
                if join.rows.condition.is_some() {
                    self.note(Feature::ConditionInJoin);
                }
                if found.insert(person, self.released(project, element, &join.picks, &row)).is_some() {
                    self.note(Feature::LinkedFansOut);
                    return None;
                }
            }
            columns.extend(Self::columns_of(element, &join.picks, &join.prefix));
            for (person, cells) in &mut rows {
                let missing = || {
                    self.note(Feature::LinkedMissing);
                    vec![Cell::Null; join.picks.len()]
                };
                cells.extend(found.get(person).cloned().unwrap_or_else(missing));
            }
        }
        let mut table = Table { columns, rows: rows.into_iter().map(|(_, cells)| cells).collect() };
        table.sort();
        if !table.rows.is_empty() {
            self.note(Feature::LinkedTable);
            if project.linked.len() > 1 {
                self.note(Feature::LinkedTwoTables);
            }
            if linked.joins.len() > 1 {
                self.note(Feature::LinkedTwoJoins);
            }
            match self.world.element(&linked.from).period {
                Period::Spell { .. } => self.note(Feature::LinkedFromSpell),
                Period::None => self.note(Feature::LinkedFromNone),
                Period::Column { .. } => self.note(Feature::LinkedFromColumn),
                Period::Slice { .. } => {}
            }
        }
        Some(table)
    }
}
