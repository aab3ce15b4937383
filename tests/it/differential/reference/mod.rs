//! A naive second reading of DESIGN sections 4 and 5 in Rust: plain rows, plain loops, no engine, nothing of the library.
//! It reckons what an extract must hold from the world's data, and notes what it met on the way.

mod condition;
mod keys;
mod release;
mod rows;
mod tables;

use super::coverage::{Feature, Seen};
use super::model::Cell;
use super::spec::{Pick, Project, Selection, Settings, Step, World};
use keys::{Keys, base32, canonical, is_shaped};
use rows::{Row, Standing};
pub(super) use rows::{fill, slices};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
pub(super) use tables::{Expected, Table};

/// A matching row and the person it is of, by canonical identifier.
type Match<'w> = (String, Row<'w>);

/// Why an identifier leads to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nobody {
    Missing,
    Malformed,
    Unlinked,
    Ambiguous,
}

/// One step of a cohort: people before it, people its rows match, people after it.
pub(super) type Attrition = Vec<(usize, usize, usize)>;

/// What a link table holds: rows, distinct identifiers of its kind, ambiguous ones of these, people with one.
pub(super) type LinkCount = (usize, usize, usize, usize);

/// How many rows met each fate.
pub(super) type Fates = BTreeMap<&'static str, usize>;

/// `2010/2011`, `2010/2011 spring`, or nothing where an element is not cut by slice.
fn slice_name(year: Option<i32>, term: Option<super::model::Term>) -> String {
    let year = year.map(|y| format!("{y}/{}", y + 1));
    year.into_iter().chain(term.map(|t| t.name())).collect::<Vec<_>>().join(" ")
}

/// The world as its links and exclusions have it.
pub(super) struct Reference<'w> {
    world: &'w World,
    keys: Keys,
    /// By kind and canonical identifier: the people it leads to.
    map: BTreeMap<&'w str, BTreeMap<String, BTreeSet<String>>>,
    excluded: BTreeSet<String>,
    seen: RefCell<Seen>,
}

impl<'w> Reference<'w> {
    /// Reads link tables and exclusions.
    pub(super) fn new(world: &'w World) -> Self {
        let mut all = Self {
            world,
            keys: Keys::new(&world.secret()),
            map: BTreeMap::new(),
            excluded: BTreeSet::new(),
            seen: RefCell::default(),
        };
        all.read_links();
        all.read_exclusions();
        all.note_settings(&world.settings);
        all
    }

    fn note(&self, feature: Feature) {
        self.seen.borrow_mut().note(feature);
    }

    /// What was met so far.
    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    fn note_settings(&self, settings: &Settings) {
        if settings.memory.is_some() {
            self.note(Feature::LowMemory);
        }
        match settings.threads {
            None => {}
            Some(1) => self.note(Feature::OneThread),
            Some(_) => self.note(Feature::SeveralThreads),
        }
        if self.world.projects.len() > 1 {
            self.note(Feature::SeveralProjects);
        }
    }

    /// The files of a link table or of exclusions, each with two of its columns.
    fn columns(&self, root: &str, location: &str, names: [&str; 2]) -> Vec<[Vec<Cell>; 2]> {
        let files = rows::files_at(self.world, root, location, &mut self.seen.borrow_mut());
        let of = |file: &super::model::File, name: &str| {
            let found = file.columns.iter().find(|c| c.name.to_lowercase() == name.to_lowercase()).unwrap();
            if file.rows() > 0 {
                rows::note_column(found, &mut self.seen.borrow_mut());
            }
            found.cells.clone()
        };
        files.into_iter().map(|f| names.map(|name| of(f, name))).collect()
    }

    fn read_links(&mut self) {
        let mut tables_of: BTreeMap<&str, usize> = BTreeMap::new();
        for table in &self.world.links {
            let of_kind = tables_of.entry(&table.kind).or_default();
            *of_kind += 1;
            if *of_kind > 1 {
                self.note(Feature::LinkTwoTables);
            }
            let mut pairs = Vec::new();
            for [people, identifiers] in self.columns("sources/", &table.location, [&table.person, &table.column]) {
                for (person, identifier) in people.iter().zip(&identifiers) {
                    self.note_link(&table.kind, person, identifier);
                    let person = read(&self.world.person, person);
                    if let (Ok(person), Ok(identifier)) = (person, read(&table.kind, identifier)) {
                        pairs.push((person, identifier));
                    }
                }
            }
            let of_kind = self.map.entry(&table.kind).or_default();
            for (person, identifier) in pairs {
                let again = !of_kind.entry(identifier).or_default().insert(person);
                if again {
                    self.seen.borrow_mut().note(Feature::LinkTwice);
                }
            }
        }
        for identifiers in self.map.values() {
            if identifiers.is_empty() {
                self.note(Feature::LinksEmpty);
            }
            let mut of_person: BTreeMap<&String, usize> = BTreeMap::new();
            for people in identifiers.values() {
                if people.len() > 1 {
                    self.note(Feature::LinkAmbiguous);
                } else {
                    *of_person.entry(people.first().unwrap()).or_default() += 1;
                }
            }
            if of_person.values().any(|n| *n > 1) {
                self.note(Feature::LinkSeveral);
            }
        }
    }

    fn note_link(&self, kind: &str, person: &Cell, identifier: &Cell) {
        self.note(if matches!(person, Cell::Int(_)) { Feature::PersonInteger } else { Feature::PersonText });
        if person.is_null() {
            self.note(Feature::LinkNullPerson);
        }
        match identifier {
            Cell::Null => self.note(Feature::LinkNull),
            Cell::Int(_) => self.note(Feature::LinkInteger),
            Cell::Text(text) => {
                self.note(Feature::LinkText);
                let trimmed = text.trim();
                if trimmed.is_empty() {
                    self.note(Feature::LinkBlank);
                } else if read(kind, identifier).is_err() {
                    self.note(Feature::LinkMalformed);
                } else {
                    let notes = [
                        (trimmed.len() < text.len(), Feature::LinkOuterBlanks),
                        (trimmed.contains(' '), Feature::LinkInnerBlanks),
                        (trimmed.chars().any(|c| c.is_ascii_lowercase()), Feature::LinkLowerCase),
                    ];
                    notes.iter().filter(|(met, _)| *met).for_each(|(_, feature)| self.note(*feature));
                }
            }
            other => panic!("{other:?} is no identifier"),
        }
    }

    fn read_exclusions(&mut self) {
        for exclusion in &self.world.exclusions {
            for [cells, _] in self.columns("", &exclusion.location, [&exclusion.column, &exclusion.column]) {
                for cell in &cells {
                    let Ok(identifier) = read(&exclusion.kind, cell) else { continue };
                    if exclusion.kind == self.world.person {
                        self.note(Feature::ExcludedByPerson);
                        self.excluded.insert(identifier);
                    } else if let Some(people) =
                        self.map.get(exclusion.kind.as_str()).and_then(|of_kind| of_kind.get(&identifier))
                    {
                        let people = people.clone();
                        self.note(Feature::ExcludedByKind);
                        self.excluded.extend(people);
                    }
                }
            }
        }
    }

    /// Whom an identifier leads to.
    fn person(&self, kind: &str, cell: &Cell) -> Result<String, Nobody> {
        let identifier = read(kind, cell)?;
        if kind == self.world.person {
            self.note(Feature::PersonKindElement);
            return Ok(identifier);
        }
        let people = self.map.get(kind).and_then(|of_kind| of_kind.get(&identifier)).ok_or(Nobody::Unlinked)?;
        if people.len() > 1 { Err(Nobody::Ambiguous) } else { Ok(people.first().unwrap().clone()) }
    }

    /// The rows that a selection matches, with the variables of some picks.
    fn select(&self, selection: &Selection, picks: &[Pick]) -> Vec<Match<'w>> {
        let element = self.world.element(&selection.element);
        let mut wanted: Vec<&str> = picks.iter().map(|(name, _)| name.as_str()).collect();
        wanted.extend(selection.condition.iter().flat_map(|c| c.variables()));
        let mut matches = Vec::new();
        let rows = rows::read(self.world, selection, &wanted, &mut self.seen.borrow_mut());
        for row in rows.into_iter().filter(|row| row.standing == Standing::Asked) {
            let person = match self.person_noted(&element.id_kind, &row.identifier) {
                Some(person) if self.excluded.contains(&person) => {
                    self.note(Feature::RowExcluded);
                    continue;
                }
                Some(person) => person,
                None => continue,
            };
            let passes = selection.condition.as_ref().is_none_or(|c| {
                condition::truth(c, element, &row.values, 0, &mut self.seen.borrow_mut()) == Some(true)
            });
            if passes {
                matches.push((person, row));
            }
        }
        matches
    }

    fn person_noted(&self, kind: &str, cell: &Cell) -> Option<String> {
        let person = self.person(kind, cell);
        match person {
            Ok(_) => {}
            Err(Nobody::Missing) if cell.is_null() => self.note(Feature::RowMissing),
            Err(Nobody::Missing) => self.note(Feature::RowBlank),
            Err(Nobody::Malformed) => self.note(Feature::RowMalformed),
            Err(Nobody::Unlinked) => self.note(Feature::RowUnlinked),
            Err(Nobody::Ambiguous) => self.note(Feature::RowAmbiguous),
        }
        person.ok()
    }

    /// What became of every row that a project's request reads, by slice: the first reason that applies counts.
    fn fates(&self, selection: &Selection, cohort: &BTreeSet<String>) -> BTreeMap<String, Fates> {
        let element = self.world.element(&selection.element);
        let wanted: Vec<&str> = selection.condition.iter().flat_map(|c| c.variables()).collect();
        let mut fates: BTreeMap<String, Fates> = BTreeMap::new();
        let by_slice = matches!(element.period, super::model::Period::Slice { .. });
        if by_slice {
            for (year, term) in slices(element, &selection.years, &selection.terms) {
                fates.insert(slice_name(Some(year), term), Fates::default());
            }
        } else {
            fates.insert(slice_name(None, None), Fates::default());
        }
        for row in rows::read(self.world, selection, &wanted, &mut Seen::default()) {
            let name = slice_name(row.year.filter(|_| by_slice), row.term);
            let of = fates.get_mut(&name).unwrap();
            let passes = |c| condition::truth(c, element, &row.values, 0, &mut Seen::default()) == Some(true);
            let fate = match self.person(&element.id_kind, &row.identifier) {
                Err(Nobody::Missing) => "missing",
                Err(Nobody::Malformed) => "malformed",
                Err(Nobody::Unlinked) => "unlinked",
                Err(Nobody::Ambiguous) => "ambiguous",
                Ok(person) if self.excluded.contains(&person) => "excluded",
                Ok(person) if !cohort.contains(&person) => "out_of_cohort",
                Ok(_) if row.standing == Standing::Unreadable => "unreadable_period",
                Ok(_) if row.standing == Standing::Other => "other_period",
                Ok(_) if !selection.condition.as_ref().is_none_or(passes) => "filtered",
                Ok(_) => "kept",
            };
            *of.entry(fate).or_default() += 1;
            *of.entry("rows_read").or_default() += 1;
        }
        fates
    }

    /// People with at least one unambiguous identifier of a kind.
    fn linked_people(&self, kind: &str) -> BTreeSet<String> {
        let of_kind = &self.map[kind];
        of_kind.values().filter(|people| people.len() == 1).flatten().cloned().collect()
    }

    fn pseudonym(&self, project: &Project, person: &str) -> [u8; 32] {
        let key = self.keys.key(&self.world.person, person);
        self.keys.project(&project.id, project.epoch, "person", &key)
    }

    fn person_id(&self, project: &Project, person: &str) -> String {
        base32(&self.pseudonym(project, person))
    }

    /// The people whom a project's steps select.
    fn cohort(&self, project: &Project) -> (BTreeSet<String>, Attrition) {
        let mut cohort: BTreeSet<String> = BTreeSet::new();
        let mut attrition = Vec::new();
        let people = |s: &Selection| -> BTreeSet<String> { self.select(s, &[]).into_iter().map(|(p, _)| p).collect() };
        for (i, step) in project.steps.iter().enumerate() {
            let before = cohort.clone();
            let (feature, matched) = match step {
                Step::Include(s) if i == 0 => (Feature::StepInclude, people(s)),
                Step::Include(s) => (Feature::StepSecondInclude, people(s)),
                Step::Require(s) => (Feature::StepRequire, people(s)),
                Step::Exclude(s) => (Feature::StepExclude, people(s)),
                Step::RequireLink(kind) => {
                    // Who must never be released is counted nowhere.
                    let all = self.linked_people(kind);
                    (Feature::StepRequireLink, all.difference(&self.excluded).cloned().collect())
                }
                Step::Sample(share) => {
                    let below = |person: &String| {
                        let first: [u8; 8] = self.pseudonym(project, person)[..8].try_into().unwrap();
                        is_below(u64::from_be_bytes(first), share)
                    };
                    (Feature::StepSample, before.iter().filter(|p| below(p)).cloned().collect())
                }
            };
            match step {
                Step::Include(_) => cohort.extend(matched.iter().cloned()),
                Step::Exclude(_) => cohort.retain(|p| !matched.contains(p)),
                _ => cohort.retain(|p| matched.contains(p)),
            }
            // A step that finds nobody to look at, or changes nothing, tells little: it is not counted.
            if cohort != before {
                self.note(feature);
                if let Step::Include(s) | Step::Require(s) | Step::Exclude(s) = step
                    && s.condition.is_some()
                {
                    self.note(Feature::ConditionInStep);
                }
            }
            attrition.push((before.len(), matched.len(), cohort.len()));
        }
        if cohort.is_empty() {
            self.note(Feature::CohortEmpty);
        }
        (cohort, attrition)
    }
}

/// Whether a number is below a share of two to the sixty-fourth, exactly: the share is a decimal of three places at most.
fn is_below(number: u64, share: &str) -> bool {
    let (digits, places) = release::digits(share);
    // number / 2^64 < digits / 10^places
    i128::from(number) * 10_i128.pow(places) < digits << 64
}

/// The canonical text of an identifier with the shape of its kind.
fn read(kind: &str, cell: &Cell) -> Result<String, Nobody> {
    let text = match cell {
        Cell::Null => return Err(Nobody::Missing),
        Cell::Int(v) => v.to_string(),
        Cell::Text(text) => text.clone(),
        other => panic!("{other:?} is no identifier"),
    };
    let text = canonical(kind, &text).ok_or(Nobody::Missing)?;
    if is_shaped(kind, &text) { Ok(text) } else { Err(Nobody::Malformed) }
}
