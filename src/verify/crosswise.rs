//! What the tables of an extract say of one person must agree: with the steps of the cohort, with the links that
//! `persons` tells, and with what linked tables repeat of other tables.
//!
//! A step of the cohort can be held against released rows where the extract holds all rows that it looked at (`require`,
//! `include`), or any that it must have met (`exclude`). Nothing is kept of a row but bits and sums.

use super::cells::Cells;
use super::condition::{Known, TRUE, outcomes};
use super::expected::{Part, Table, spell_columns};
use super::people::{Met, NOBODY};
use super::proved::Proved;
use super::spells::Years;
use super::tally::{Check, Tally};
use crate::catalogue::{Catalogue, Element, Period};
use crate::spec::{Request, Selection, Spec, Step};
use crate::vocab::{ElementName, Kind, Slice};
use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// A set of people by rank, filled from all threads.
#[derive(Debug)]
pub(super) struct Bits(Vec<AtomicU64>);

impl Bits {
    fn new(people: usize) -> Self {
        Self((0..people.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Adds a person; tells whether they were there already.
    fn insert(&self, rank: usize) -> bool {
        let (Some(word), bit) = (self.0.get(rank / 64), 1 << (rank % 64)) else { return true };
        word.load(Ordering::Relaxed) & bit != 0 || word.fetch_or(bit, Ordering::Relaxed) & bit != 0
    }

    fn contains(&self, rank: usize) -> bool {
        self.0.get(rank / 64).is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (rank % 64)) != 0)
    }
}

/// What a step says of everybody in the cohort, where released rows can tell.
struct Claim<'a> {
    /// The rows that the step looked at; those of all `include`s together.
    rows: Vec<(&'a Selection, &'a Element)>,
    /// Whether everybody must have such a row, or nobody may.
    must: bool,
    /// Whether all tables that can tell were proved before.
    proved: bool,
    met: Bits,
}

impl Claim<'_> {
    /// The tables whose rows tell.
    fn told_by<'t>(&self, tables: &'t [Table<'_>]) -> Vec<&'t str> {
        let tells = |name: &ElementName| self.rows.iter().any(|(_, element)| element.name == *name);
        stems(tables, |table| table.element.is_some_and(tells))
    }
}

fn stems<'t>(tables: &'t [Table<'_>], some: impl Fn(&Table<'_>) -> bool) -> Vec<&'t str> {
    tables.iter().filter(|table| some(table)).map(|table| table.stem.as_str()).collect()
}

/// The rows of tables whose element is identified by a kind: whoever has one is linked by that kind.
struct Linked<'a> {
    kind: &'a Kind,
    met: Bits,
}

/// A linked table, and the tables whose rows it repeats.
struct Repeat<'a> {
    stem: &'a str,
    base: &'a Element,
    /// Sums over the rows of the base's own tables, and over those of the linked table: of rows, and of their hashes.
    own: [AtomicU64; 2],
    repeated: [AtomicU64; 2],
    people: Bits,
    joins: Vec<Join<'a>>,
    /// Whether all these tables were proved before.
    proved: bool,
}

/// A join whose rows the extract also holds in tables of their own.
struct Join<'a> {
    rows: &'a Selection,
    element: &'a Element,
    slices: BTreeSet<Slice>,
    /// The columns that both have: in the element's own tables, in the linked table.
    shared: Vec<(usize, usize)>,
    /// For each person, the hashes of own rows less that of the linked table's.
    sums: Vec<AtomicU64>,
    met: Bits,
    twice: Bits,
}

/// All that tables say of people beside each other.
pub(super) struct Crosswise<'a> {
    claims: Vec<Claim<'a>>,
    linked: Vec<Linked<'a>>,
    repeats: Vec<Repeat<'a>>,
}

impl<'a> Crosswise<'a> {
    /// What is to be compared in an extract of so many people.
    pub(super) fn new(spec: &'a Spec, catalogue: &'a Catalogue, tables: &'a [Table<'a>], people: usize) -> Self {
        let kinds = catalogue.link_kinds().into_iter();
        let linked = kinds.map(|kind| Linked { kind, met: Bits::new(people) }).collect();
        let repeats = tables.iter().filter(|table| table.stem.starts_with("linked/") && !table.parts.is_empty());
        let repeats = repeats.map(|table| repeat(table, spec, tables, people)).collect();
        Self { claims: claims(spec, catalogue, people), linked, repeats }
    }

    /// Takes for proved what tables say beside each other that were all proved before; of the others, all are to be read again.
    pub(super) fn leave_out(&mut self, proved: &mut Proved, tables: &[Table<'_>]) {
        // Whom a table shows to be wrongly in the cohort it shows alone; that somebody is rightly there, all of them together.
        let claims = self.claims.iter().filter(|claim| claim.must).map(|claim| claim.told_by(tables));
        let groups: Vec<Vec<&str>> = claims.chain(self.repeats.iter().map(|repeat| repeat.told_by(tables))).collect();
        proved.all_or_none(&groups);
        for claim in self.claims.iter_mut().filter(|claim| claim.must) {
            claim.proved = proved.has_all(&claim.told_by(tables));
        }
        for repeat in &mut self.repeats {
            repeat.proved = proved.has_all(&repeat.told_by(tables));
        }
    }

    /// Looks at the rows of one batch of a table, and the people that were met in it.
    pub(super) fn batch<'c>(
        &self,
        table: &Table<'_>,
        cells: &[Cells<'c>],
        met: &Met,
        known: &dyn Fn(&Part<'_>, &str) -> Known<'c>,
    ) {
        let (Some(base), Some(rows)) = (table.parts.first(), cells.first().map(Cells::len)) else { return };
        // Most tables are asked for their people alone.
        let ranks = LazyCell::new(|| met.of_rows(rows));
        if table.element.is_none() {
            if let Some(repeat) = self.repeats.iter().find(|repeat| repeat.stem == table.stem) {
                repeat.linked_rows(cells, &ranks, base.columns.last().map_or(1, |(last, ..)| last + 1));
            }
            return;
        }
        let name = &base.element.name;
        for linked in self.linked.iter().filter(|linked| *linked.kind == base.element.identifier.kind) {
            mark(&linked.met, &met.places, |_| true);
        }
        for claim in &self.claims {
            for (selection, element) in claim.rows.iter().filter(|(_, element)| element.name == *name) {
                let could = may(selection, element, table, base, cells, rows, known);
                let counts = |of: u8| if claim.must { of & TRUE != 0 } else { of == TRUE };
                mark(&claim.met, &ranks, |row| could.as_ref().is_some_and(|of| counts(of[row])));
            }
        }
        for repeat in &self.repeats {
            if repeat.base.name == *name {
                let columns: Vec<usize> = (0..cells.len()).collect();
                add(&repeat.own, rows, (0..rows).map(|row| hash(cells, &columns, row)));
            }
            for join in repeat.joins.iter().filter(|join| join.element.name == *name && join.reads(table)) {
                let columns: Vec<usize> = join.shared.iter().map(|(own, _)| *own).collect();
                for (row, rank) in ranks.iter().enumerate() {
                    if let Some(sum) = join.sums.get(*rank) {
                        sum.fetch_add(hash_unless_missing(cells, &columns, row), Ordering::Relaxed);
                        if join.met.insert(*rank) {
                            join.twice.insert(*rank);
                        }
                    }
                }
            }
        }
    }

    /// Refuses what does not agree. `flags` tell for each link kind, by rank, whether `persons` calls somebody linked.
    pub(super) fn finish(&self, people: usize, flags: &[(&Kind, &[bool])], tally: &mut Tally) {
        let count = |wrong: &dyn Fn(usize) -> bool| (0..people).filter(|rank| wrong(*rank)).count() as u64;
        tally.look(Check::Crosswise, people * (self.claims.len() + self.linked.len()));
        for claim in self.claims.iter().filter(|claim| !claim.proved) {
            let things = if claim.must {
                "people have no released row that a step of the cohort demands of everyone"
            } else {
                "people have a released row for which a step of the cohort drops everyone"
            };
            let wrong = count(&|rank| claim.met.contains(rank) != claim.must);
            tally.refuse_some("cohort-step-contradicted", "persons", wrong, things);
        }
        for linked in &self.linked {
            let Some((_, flags)) = flags.iter().find(|(kind, _)| *kind == linked.kind) else { continue };
            let wrong = count(&|rank| linked.met.contains(rank) && flags.get(rank) == Some(&false));
            let things = format!("people have rows that {} led to, and are said to have none", linked.kind);
            tally.refuse_some("link-contradicted", "persons", wrong, &things);
        }
        for repeat in &self.repeats {
            let read = |sums: &[AtomicU64; 2]| [&sums[0], &sums[1]].map(|sum| sum.load(Ordering::Relaxed));
            tally.look(Check::Crosswise, 2 + people * repeat.joins.len());
            if repeat.proved {
                continue;
            }
            if read(&repeat.own) != read(&repeat.repeated) {
                let what = format!("its rows are not those of the tables of {}, each once", repeat.base.name);
                tally.refuse("linked-differs", repeat.stem, what);
            }
            for join in &repeat.joins {
                let told = |rank: usize| repeat.people.contains(rank);
                let several = count(&|rank| told(rank) && join.twice.contains(rank));
                let things = format!("people have several rows of {} for one that is joined", join.element.name);
                tally.refuse_some("join-not-single", repeat.stem, several, &things);
                let sum = |rank: usize| join.sums.get(rank).map_or(0, |sum| sum.load(Ordering::Relaxed));
                let wrong = count(&|rank| told(rank) && sum(rank) != 0);
                let things = format!("people have other values of {} than in its own tables", join.element.name);
                tally.refuse_some("linked-differs", repeat.stem, wrong, &things);
            }
        }
    }
}

/// Everything that the steps say of everybody in the cohort, and that released rows can tell.
fn claims<'a>(spec: &'a Spec, catalogue: &'a Catalogue, people: usize) -> Vec<Claim<'a>> {
    let steps = &spec.cohort.steps;
    // A later `include` may bring people whom an earlier step never saw.
    let last = steps.iter().rposition(|step| matches!(step, Step::Include(_))).unwrap_or(0);
    let of = |rows: &'a Selection| catalogue.element(&rows.element).map(|element| (rows, element));
    let claim = |rows, must| Claim { rows, must, proved: false, met: Bits::new(people) };
    let all_there = |rows: &Selection| request(spec, rows).is_some_and(|request| holds_all(&request.rows, rows));
    let mut claims = Vec::new();
    let includes: Vec<&Selection> =
        steps.iter().filter(|step| matches!(step, Step::Include(_))).filter_map(Step::selection).collect();
    if includes.iter().all(|rows| all_there(rows)) {
        claims.push(claim(includes.into_iter().filter_map(of).collect(), true));
    }
    for step in steps.iter().skip(last + 1) {
        match step {
            Step::Require(rows) if all_there(rows) => claims.push(claim(of(rows).into_iter().collect(), true)),
            Step::Exclude(rows) if request(spec, rows).is_some() => {
                claims.push(claim(of(rows).into_iter().collect(), false));
            }
            _ => {}
        }
    }
    claims
}

/// The one request of a selection's element.
fn request<'a>(spec: &'a Spec, rows: &Selection) -> Option<&'a Request> {
    let mut of = spec.elements.iter().filter(|request| request.rows.element == rows.element);
    of.next().filter(|_| of.next().is_none())
}

/// Whether all rows of the second selection are among those of the first.
fn holds_all(all: &Selection, some: &Selection) -> bool {
    let years = some.years.difference(&all.years).is_empty();
    let terms = all.terms.is_empty() || (!some.terms.is_empty() && some.terms.iter().all(|t| all.terms.contains(t)));
    let conditions = all.condition.is_none() || all.condition == some.condition;
    years && terms && conditions && all.spells == some.spells
}

/// For each row of a table, whether a step's selection may hold it; `None` where it holds none of the table.
fn may<'c>(
    rows: &Selection,
    element: &Element,
    table: &Table<'_>,
    part: &Part<'_>,
    cells: &[Cells<'c>],
    count: usize,
    known: &dyn Fn(&Part<'_>, &str) -> Known<'c>,
) -> Option<Vec<u8>> {
    if let Some(slice) = table.periods.first()
        && !element.slices(&rows.years, &rows.terms).contains(slice)
    {
        return None;
    }
    let mut of = match &rows.condition {
        Some(condition) => outcomes(condition, &|name| known(part, name), count),
        None => vec![TRUE; count],
    };
    if let (Some(years), Some((start, end))) = (Years::of(&element.period, rows), spell_columns(part)) {
        let certain = [start, end].iter().all(|dates| dates.is_some_and(|dates| dates.slack == 0));
        for (row, outcome) in of.iter_mut().enumerate() {
            if years.is_outside((start, end), cells, row) {
                *outcome = 0;
            } else if !certain {
                // It may lie in the years or not: true is possible, and not certain.
                *outcome |= u8::from(*outcome & TRUE != 0) << 1;
            }
        }
    }
    Some(of)
}

fn mark(set: &Bits, ranks: &[usize], counts: impl Fn(usize) -> bool) {
    for (row, rank) in ranks.iter().enumerate().filter(|(_, rank)| **rank != NOBODY) {
        if counts(row) {
            set.insert(*rank);
        }
    }
}

fn repeat<'a>(table: &'a Table<'a>, spec: &'a Spec, tables: &'a [Table<'a>], people: usize) -> Repeat<'a> {
    let joins = table.parts.iter().filter(|part| part.joined).filter_map(|part| {
        let request = request(spec, part.rows)?;
        // Only where the element's own tables hold these rows and, in the years of the join, no others.
        let spell = matches!(part.element.period, Period::Spell { .. });
        let same = request.rows.condition == part.rows.condition && (!spell || request.rows.years == part.rows.years);
        let own = tables.iter().find(|table| table.element == Some(&part.element.name))?.parts.first()?;
        let shared = own.columns.iter().filter_map(|(column, variable, release)| {
            let mut joined = part.columns.iter();
            let (joined, ..) =
                joined.find(|(_, other, as_release)| other.name == variable.name && as_release == release)?;
            Some((*column, *joined))
        });
        let shared: Vec<(usize, usize)> = shared.collect();
        (same && holds_all(&request.rows, part.rows) && !shared.is_empty()).then(|| Join {
            rows: part.rows,
            element: part.element,
            slices: part.element.slices(&part.rows.years, &part.rows.terms).into_iter().collect(),
            shared,
            sums: (0..people).map(|_| AtomicU64::new(0)).collect(),
            met: Bits::new(people),
            twice: Bits::new(people),
        })
    });
    Repeat {
        stem: &table.stem,
        base: table.parts[0].element,
        own: [const { AtomicU64::new(0) }; 2],
        repeated: [const { AtomicU64::new(0) }; 2],
        people: Bits::new(people),
        joins: joins.collect(),
        proved: false,
    }
}

impl Repeat<'_> {
    /// The tables whose rows tell: the linked one, and those that it repeats.
    fn told_by<'t>(&self, tables: &'t [Table<'_>]) -> Vec<&'t str> {
        let joined = |name: &ElementName| self.joins.iter().any(|join| join.element.name == *name);
        let repeated = |name: &ElementName| self.base.name == *name || joined(name);
        stems(tables, |table| table.stem == self.stem || table.element.is_some_and(repeated))
    }

    fn linked_rows(&self, cells: &[Cells<'_>], ranks: &[usize], width: usize) {
        let base: Vec<usize> = (0..width).collect();
        add(&self.repeated, ranks.len(), (0..ranks.len()).map(|row| hash(cells, &base, row)));
        for (row, rank) in ranks.iter().enumerate().filter(|(_, rank)| **rank != NOBODY) {
            // All rows of a person are the same in the joined columns, or are refused as such.
            if self.people.insert(*rank) {
                continue;
            }
            for join in &self.joins {
                let columns: Vec<usize> = join.shared.iter().map(|(_, joined)| *joined).collect();
                if let Some(sum) = join.sums.get(*rank) {
                    sum.fetch_sub(hash_unless_missing(cells, &columns, row), Ordering::Relaxed);
                }
            }
        }
    }
}

impl Join<'_> {
    /// Whether a table of the element holds rows that are joined.
    fn reads(&self, table: &Table<'_>) -> bool {
        debug_assert_eq!(self.rows.element, self.element.name);
        table.periods.first().is_none_or(|slice| self.slices.contains(slice))
    }
}

fn add(sums: &[AtomicU64; 2], rows: usize, hashes: impl Iterator<Item = u64>) {
    sums[0].fetch_add(rows as u64, Ordering::Relaxed);
    sums[1].fetch_add(hashes.fold(0, u64::wrapping_add), Ordering::Relaxed);
}

fn hash(cells: &[Cells<'_>], columns: &[usize], row: usize) -> u64 {
    columns.iter().filter_map(|column| cells.get(*column)).fold(1, |state, cells| cells.hash(row, state))
}

/// Zero where all cells are missing: as if there were no row.
fn hash_unless_missing(cells: &[Cells<'_>], columns: &[usize], row: usize) -> u64 {
    let missing = columns.iter().filter_map(|column| cells.get(*column)).all(|cells| cells.is_missing(row));
    if missing { 0 } else { hash(cells, columns, row) }
}
