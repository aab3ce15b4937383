//! Reading one unit: each batch fans out to the wants of all projects, and every row's fate is counted.

use super::group::Shared;
use super::ledger::Ledger;
use crate::cohort::{Ranked, Ranks};
use crate::engine::Fault;
use crate::link::{AMBIGUOUS, Joined, NOBODY, PersonSet, Rows, UnitFault};
use crate::plan::{Purpose, Want, term_rank};
use crate::vocab::{Fates, Result, Slice, YearPlaces, Years};
use crate::write::{Part, Pick, RowSet, Sink, SinkKey, StoreBuilder};
use arrow::array::{Array, ArrayRef, Int8Array, Int16Array};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one want has of the unit so far.
pub(crate) struct Held<'a> {
    index: usize,
    want: &'a Want,
    project: usize,
    years: Option<YearPlaces>,
    bases: Vec<Arc<Sink>>,
    join: Option<Arc<Sink>>,
    fates: Fates,
    sets: BTreeMap<Option<Slice>, Vec<Pick>>,
    by_year: Vec<Vec<Pick>>,
    base: Vec<Pick>,
    /// The rows of the project's people that pass all that the want asks, where it asks anything.
    passed: Vec<Ranked>,
}

/// What is held of the unit so far: rows that anybody wants, and who wants which.
pub(crate) struct Holding<'a> {
    slice: Option<Slice>,
    store: StoreBuilder,
    wants: Vec<Held<'a>>,
    ranks: Arc<Ranks>,
    /// The projects of the wants, and for each the rows of its people in the batch.
    projects: Vec<usize>,
    picked: Vec<Vec<Ranked>>,
    picks: usize,
    wanted: Vec<bool>,
    places: Vec<u32>,
}

/// Reads a unit to its end; its rows are in the sinks when this returns.
pub(super) async fn read(
    shared: &Shared,
    joined: &Joined,
    ledger: &Ledger,
    unit: usize,
) -> std::result::Result<(), UnitFault> {
    let Some(facts) = joined.scan().units.get(unit) else { return Ok(()) };
    let slice = facts.slice;
    let wants = joined.wants(facts).filter_map(|(i, w)| hold(shared, i, w)).collect();
    let room = usize::try_from(facts.rows).unwrap_or(0);
    let mut holding = Holding::new(slice, room, wants, Arc::clone(shared.ranks()));
    let mut ambiguous = 0;
    let mut linked = 0;
    let lost: std::sync::Mutex<Option<crate::vocab::Error>> = std::sync::Mutex::new(None);
    let counts = joined
        .read(unit, |rows| {
            linked += count(rows.persons().values().iter().filter(|p| **p != NOBODY).count());
            ambiguous += count(rows.persons().values().iter().filter(|p| **p == AMBIGUOUS).count());
            holding.fan_out(&rows, shared.members().excluded()).ok_or(Fault::Unexpected)?;
            if holding.bytes() > shared.budget().share()
                && let Err(error) = holding.hand_over(ledger, Sink::spill)
            {
                if let Ok(mut lost) = lost.lock() {
                    *lost = Some(error);
                }
                return Err(Fault::Unexpected);
            }
            Ok(())
        })
        .await;
    let failed = |error| {
        shared.fail(error);
        UnitFault {
            element: joined.scan().element.name.clone(),
            file: facts.facts.shown.clone(),
            fault: Fault::Interrupted,
        }
    };
    if let Some(error) = lost.into_inner().ok().flatten() {
        return Err(failed(error));
    }
    let counts = counts?;
    let met = counts.identifiers();
    for one in &mut holding.wants {
        one.fates.rows_read = counts.rows();
        one.fates.missing = met.missing;
        one.fates.malformed = met.malformed;
        one.fates.unlinked = counts.rows().saturating_sub(met.missing + met.malformed + linked);
        one.fates.ambiguous = ambiguous;
        if joined.scan().element.identifier.kind == shared.plan().person {
            // Here every identifier is a person; whether the run met it elsewhere too says nothing.
            one.fates.out_of_cohort += std::mem::take(&mut one.fates.unlinked);
        }
        ledger.account(one.index, slice, &one.fates);
    }
    // What may wait in memory is given back when the tables are written; what may not goes to scratch.
    let bytes = holding.bytes();
    if shared.budget().take(bytes) {
        shared.waiting(ledger.scan, facts.group, bytes);
        holding.hand_over(ledger, Sink::keep).map_err(failed)?;
    } else {
        holding.hand_over(ledger, Sink::spill).map_err(failed)?;
    }
    Ok(())
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn hold<'a>(shared: &'a Shared, index: usize, want: &'a Want) -> Option<Held<'a>> {
    let (project, bases, join) = match &want.purpose {
        Purpose::Table { project, bases } => {
            let bases = bases.iter().filter_map(|linked| shared.linked(*project, *linked, None)).collect();
            (*project, bases, None)
        }
        Purpose::Join { project, linked, join } => {
            (*project, Vec::new(), Some(shared.linked(*project, *linked, Some(*join))?))
        }
        Purpose::Set(_) => return None,
    };
    shared.cohort(project)?;
    Some(Held { bases, join, ..Held::of(index, want, project) })
}

/// What a batch says of its rows, whoever wants them.
#[derive(Clone, Copy)]
struct Met {
    /// Rows that lead to one person.
    known: u64,
    /// Those of people never to be released. No cohort holds them.
    excluded: u64,
}

impl Met {
    fn of(rows: &Rows, excluded: &PersonSet) -> Self {
        let persons = rows.persons().values();
        let none = excluded.is_empty();
        Self {
            known: count(persons.iter().filter(|p| **p < NOBODY).count()),
            excluded: if none { 0 } else { count(persons.iter().filter(|p| excluded.contains(**p)).count()) },
        }
    }
}

/// Tells which rows of the project's people a want takes, and counts the fates of the others.
fn pass(rows: &Rows, met: Met, picked: &[Ranked], held: &mut Held<'_>) {
    let narrows = held.narrows();
    let Held { want, years: asked, fates, passed, .. } = held;
    fates.excluded += met.excluded;
    fates.out_of_cohort += met.known.saturating_sub(met.excluded + count(picked.len()));
    if !narrows {
        fates.kept += count(picked.len());
        return;
    }
    passed.clear();
    passed.extend_from_slice(picked);
    if let (Some(years), Some(asked)) = (rows.years(), asked) {
        passed.retain(|(row, _)| {
            let row = *row as usize;
            let (readable, of_asked) = (years.is_valid(row), asked.place(years.value(row)).is_some());
            fates.unreadable_period += u64::from(!readable);
            fates.other_period += u64::from(readable && !of_asked);
            readable && of_asked
        });
    }
    if let Some(spell) = want.spell.map(|i| rows.flag(i)) {
        passed.retain(|(row, _)| {
            let row = *row as usize;
            let (readable, counts) = (spell.is_valid(row), spell.value(row));
            fates.unreadable_period += u64::from(!readable);
            fates.other_period += u64::from(readable && !counts);
            readable && counts
        });
    }
    if let Some(condition) = want.condition.map(|i| rows.flag(i)) {
        passed.retain(|(row, _)| {
            let holds = condition.is_valid(*row as usize) && condition.value(*row as usize);
            fates.filtered += u64::from(!holds);
            holds
        });
    }
    fates.kept += count(passed.len());
}

impl<'a> Held<'a> {
    /// Nothing yet, of a want that feeds a table alone.
    pub(crate) fn of(index: usize, want: &'a Want, project: usize) -> Self {
        Self {
            index,
            want,
            project,
            years: want.years.as_ref().map(YearPlaces::of),
            bases: Vec::new(),
            join: None,
            fates: Fates::default(),
            sets: BTreeMap::new(),
            by_year: Vec::new(),
            base: Vec::new(),
            passed: Vec::new(),
        }
    }

    /// Whether it asks anything of the rows of its people.
    fn narrows(&self) -> bool {
        self.years.is_some() || self.want.spell.is_some() || self.want.condition.is_some()
    }

    /// Takes rows of a batch, each at its place in the store. `None` by a fault of ours.
    fn take(&mut self, rows: &[Ranked], places: &[u32], years: Option<&Int16Array>, slice: Option<Slice>) -> Option<()> {
        let pick = |(row, rank): &Ranked| Pick { rank: *rank, row: places[*row as usize] };
        if !self.bases.is_empty() {
            self.base.extend(rows.iter().map(pick));
        }
        match (years, &self.years) {
            // Each year is a table of its own.
            (Some(years), Some(asked)) if self.join.is_none() => {
                self.by_year.resize_with(self.want.years.iter().flat_map(Years::iter).count(), Vec::new);
                for taken in rows {
                    let place = asked.place(years.value(taken.0 as usize))?;
                    self.by_year.get_mut(place)?.push(pick(taken));
                }
            }
            _ if rows.is_empty() => {}
            _ => {
                let slice = if self.join.is_some() { None } else { slice };
                self.sets.entry(slice).or_default().extend(rows.iter().map(pick));
            }
        }
        Some(())
    }

    /// The fates of the rows so far.
    pub(crate) fn fates(&self) -> &Fates {
        &self.fates
    }
}

impl<'a> Holding<'a> {
    /// Nothing yet, with room for so many rows.
    pub(crate) fn new(slice: Option<Slice>, room: usize, wants: Vec<Held<'a>>, ranks: Arc<Ranks>) -> Self {
        let store = StoreBuilder::with_room(room);
        let projects: BTreeSet<usize> = wants.iter().map(|one| one.project).collect();
        let (projects, picked) = (projects.iter().copied().collect(), projects.iter().map(|_| Vec::new()).collect());
        Self { slice, store, wants, ranks, projects, picked, picks: 0, wanted: Vec::new(), places: Vec::new() }
    }

    /// Who holds what.
    pub(crate) fn wants(&self) -> &[Held<'a>] {
        &self.wants
    }

    /// The bytes that are held.
    fn bytes(&self) -> u64 {
        count(self.store.bytes() + self.picks * size_of::<Pick>())
    }

    /// Fans a batch out: rows that anybody wants are stored, once for all, and each want picks its own. `None` by a fault of
    /// ours.
    pub(crate) fn fan_out(&mut self, rows: &Rows, excluded: &PersonSet) -> Option<()> {
        self.wanted.clear();
        self.wanted.resize(rows.len(), false);
        let met = Met::of(rows, excluded);
        self.ranks.pick(rows.persons().values(), &self.projects, &mut self.picked);
        for one in &mut self.wants {
            let picked = self.picked.get(self.projects.binary_search(&one.project).ok()?)?;
            pass(rows, met, picked, one);
            for (row, _) in if one.narrows() { &one.passed } else { picked } {
                self.wanted[*row as usize] = true;
            }
        }
        // Where each row will stand in the store, if it is wanted.
        let mut next = u32::try_from(self.store.rows()).ok()?;
        self.places.clear();
        self.places.extend(self.wanted.iter().map(|wanted| {
            let place = next;
            next += u32::from(*wanted);
            place
        }));
        let kept: Vec<u32> = (0..).zip(&self.wanted).filter(|(_, wanted)| **wanted).map(|(row, _)| row).collect();
        if kept.is_empty() {
            return Some(());
        }
        let mut columns = rows.columns().to_vec();
        if self.wants.iter().any(|one| !one.bases.is_empty()) {
            columns.extend(slice_arrays(self.slice, rows.years(), rows.len()));
        }
        self.store.append(rows.len(), &columns, (kept.len() < rows.len()).then_some(&kept))?;
        for one in &mut self.wants {
            let passed = std::mem::take(&mut one.passed);
            let of_project = self.picked.get(self.projects.binary_search(&one.project).ok()?)?;
            let taken = if one.narrows() { &passed } else { of_project };
            self.picks += taken.len() * if one.bases.is_empty() { 1 } else { 2 };
            one.take(taken, &self.places, rows.years(), self.slice)?;
            one.passed = passed;
        }
        Some(())
    }

    /// Hands all rows held over to their sinks, to be kept or spilled.
    fn hand_over(&mut self, ledger: &Ledger, how: fn(&Sink, RowSet) -> Result<()>) -> Result<()> {
        let store = Arc::new(std::mem::take(&mut self.store).finish());
        self.picks = 0;
        for one in &mut self.wants {
            let own = Part { store: Arc::clone(&store), columns: one.want.columns.as_slice().into() };
            let years = one.want.years.iter().flat_map(Years::iter);
            let of_years = years.map(|year| Some(Slice { year, term: None })).zip(std::mem::take(&mut one.by_year));
            for (slice, picks) in std::mem::take(&mut one.sets).into_iter().chain(of_years) {
                let set = RowSet::of(own.clone(), picks);
                match &one.join {
                    Some(sink) => how(sink, set)?,
                    None => {
                        if let Some(sink) = ledger.sink(SinkKey { want: one.index, slice }) {
                            how(&sink, set)?;
                        }
                    }
                }
            }
            let base = std::mem::take(&mut one.base);
            if base.is_empty() {
                continue;
            }
            // The year and the term stand behind the columns of the view.
            let slice = store.width() - 2..store.width();
            let part = Part { store: Arc::clone(&store), columns: slice.chain(own.columns.iter().copied()).collect() };
            for sink in &one.bases {
                how(sink, RowSet::of(part.clone(), base.clone()))?;
            }
        }
        Ok(())
    }
}

/// The year and term of each row, as a linked base sorts them.
fn slice_arrays(slice: Option<Slice>, years: Option<&Int16Array>, rows: usize) -> [ArrayRef; 2] {
    let year: ArrayRef = match (years, slice) {
        (Some(years), _) => Arc::new(years.clone()),
        (None, Some(slice)) => Arc::new(Int16Array::from(vec![slice.year.0; rows])),
        (None, None) => Arc::new(Int16Array::new_null(rows)),
    };
    [year, Arc::new(Int8Array::from(vec![term_rank(slice.and_then(|s| s.term)); rows]))]
}
