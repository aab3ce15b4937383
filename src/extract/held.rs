//! What one want takes of a unit, and what became of the other rows.

use crate::link::{NOBODY, PersonSet, Rows};
use crate::plan::Want;
use crate::vocab::{Fates, Marks, YearPlaces};
use crate::write::Sink;
use arrow::array::Array;
use arrow::buffer::NullBuffer;
use std::sync::Arc;

/// One want of a unit.
pub(crate) struct Held<'a> {
    index: usize,
    want: &'a Want,
    project: usize,
    years: Option<YearPlaces>,
    bases: Vec<Arc<Sink>>,
    join: Option<Arc<Sink>>,
    fates: Fates,
    /// Which rows of a batch it takes.
    passed: Vec<bool>,
}

/// What a batch says of its rows, whoever wants them.
#[derive(Clone, Copy)]
pub(super) struct Met {
    /// Rows that lead to one person.
    known: u64,
    /// Those of people never to be released. No cohort holds them.
    excluded: u64,
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// How many rows are taken.
fn takers(rows: &[bool]) -> u64 {
    count(rows.iter().filter(|takes| **takes).count())
}

/// Keeps of the rows that are taken those whose period can be read and counts; the fates tell the others.
fn keep_counted(passed: &mut [bool], nulls: Option<&NullBuffer>, counts: impl Fn(usize) -> bool, fates: &mut Fates) {
    let before = takers(passed);
    if let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) {
        passed.iter_mut().zip(nulls).for_each(|(takes, readable)| *takes &= readable);
    }
    let readable = takers(passed);
    passed.iter_mut().enumerate().for_each(|(row, takes)| *takes &= counts(row));
    fates.unreadable_period += before - readable;
    fates.other_period += readable - takers(passed);
}

impl Met {
    pub(super) fn of(rows: &Rows, excluded: &PersonSet) -> Self {
        let persons = rows.persons().values();
        let none = excluded.is_empty();
        Self {
            known: count(persons.iter().filter(|p| **p < NOBODY).count()),
            excluded: if none { 0 } else { count(persons.iter().filter(|p| excluded.contains(**p)).count()) },
        }
    }
}

impl<'a> Held<'a> {
    /// A want of a project by its index, with the linked tables that it feeds: as their base, or as a join.
    pub(crate) fn new(
        index: usize,
        want: &'a Want,
        project: usize,
        bases: Vec<Arc<Sink>>,
        join: Option<Arc<Sink>>,
    ) -> Self {
        let years = want.years.as_ref().map(YearPlaces::of);
        Self { index, want, project, years, bases, join, fates: Fates::default(), passed: Vec::new() }
    }

    /// Which rows of a batch it takes, of those whose people are members of its project; counts the fates of the others.
    pub(super) fn pass(&mut self, rows: &Rows, met: Met, members: &Marks) -> &[bool] {
        let Self { want, project, years: asked, fates, passed, .. } = self;
        passed.clear();
        passed.extend(members.each(*project));
        let mine = takers(passed);
        fates.excluded += met.excluded;
        fates.out_of_cohort += met.known.saturating_sub(met.excluded + mine);
        // Nobody can foretell which rows are taken: so none of what follows has a branch for each.
        if let (Some(years), Some(asked)) = (rows.years(), asked) {
            let counts = |row: usize| asked.place(years.value(row)).is_some();
            keep_counted(passed, years.nulls(), counts, fates);
        }
        if let Some(spell) = want.spell.map(|i| rows.flag(i)) {
            keep_counted(passed, spell.nulls(), |row| spell.value(row), fates);
        }
        let mut left = takers(passed);
        if let Some(condition) = want.condition.map(|i| rows.flag(i)) {
            let is = |row: usize| condition.value(row) & condition.is_valid(row);
            passed.iter_mut().enumerate().for_each(|(row, takes)| *takes &= is(row));
            let kept = takers(passed);
            fates.filtered += left - kept;
            left = kept;
        }
        fates.kept += left;
        passed
    }

    /// The want, by its index in the scan.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Its columns of the view.
    pub(super) fn columns(&self) -> &[usize] {
        &self.want.columns
    }

    /// Whether each year is a table of its own, where the year stands in a column.
    pub(super) fn is_by_year(&self) -> bool {
        self.years.is_some()
    }

    /// The linked tables of which it is the base.
    pub(super) fn bases(&self) -> &[Arc<Sink>] {
        &self.bases
    }

    /// Whether there are any.
    pub(super) fn feeds_bases(&self) -> bool {
        !self.bases.is_empty()
    }

    /// The linked table's side that it feeds instead of a table.
    pub(super) fn join(&self) -> Option<&Arc<Sink>> {
        self.join.as_ref()
    }

    /// The fates of the rows so far.
    pub(crate) fn fates(&self) -> &Fates {
        &self.fates
    }

    pub(super) fn fates_mut(&mut self) -> &mut Fates {
        &mut self.fates
    }
}
