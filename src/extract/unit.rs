//! Reading one unit: each batch fans out to the wants of all projects, and every row's fate is counted.

use super::group::{Group, Shared};
use super::held::{Held, Met};
use super::ledger::Ledger;
use crate::cohort::Ranks;
use crate::engine::Fault;
use crate::files::ScratchFile;
use crate::link::{AMBIGUOUS, Joined, NOBODY, PersonSet, Rows, UnitFault};
use crate::plan::{Purpose, Want, term_rank};
use crate::vocab::{Error, Marks, Result, Slice, Year};
use crate::write::{Part, Sink, SinkKey, Store, StoreBuilder, Taken, spill};
use arrow::array::{Array, ArrayRef, Int8Array, Int16Array};
use std::sync::Arc;

/// What is held of the unit so far: rows that anybody wants, each marked for the wants that take it.
pub(crate) struct Holding<'a> {
    slice: Option<Slice>,
    wants: Vec<Held<'a>>,
    ranks: Arc<Ranks>,
    store: StoreBuilder,
    /// Where the year stands in a column, that of each row of the store.
    years: Vec<Option<i16>>,
    members: Marks,
    takers: Marks,
}

/// Reads a unit to its end; its rows are in the sinks when this returns.
pub(super) async fn read(
    shared: &Shared,
    joined: &Joined,
    ledger: &Ledger,
    group: &Group,
    unit: usize,
) -> std::result::Result<(), UnitFault> {
    let Some(facts) = joined.scan().units.get(unit) else { return Ok(()) };
    let slice = facts.slice;
    let wants = joined.wants(facts).filter_map(|(i, w)| hold(shared, i, w)).collect();
    let room = usize::try_from(facts.rows).unwrap_or(0);
    let mut holding = Holding::new(slice, room, wants, Arc::clone(shared.ranks()));
    let mut ambiguous = 0;
    let mut linked = 0;
    let lost: std::sync::Mutex<Option<Error>> = std::sync::Mutex::new(None);
    let counts = joined
        .read(unit, |rows| {
            linked += count(rows.persons().values().iter().filter(|p| **p != NOBODY).count());
            ambiguous += count(rows.persons().values().iter().filter(|p| **p == AMBIGUOUS).count());
            holding.fan_out(&rows, shared.members().excluded()).ok_or(Fault::Unexpected)?;
            if holding.bytes() > shared.budget().share()
                && let Err(error) = holding.hand_over(ledger, Some(group.file()))
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
        let fates = one.fates_mut();
        fates.rows_read = counts.rows();
        fates.missing = met.missing;
        fates.malformed = met.malformed;
        fates.unlinked = counts.rows().saturating_sub(met.missing + met.malformed + linked);
        fates.ambiguous = ambiguous;
        if joined.scan().element.identifier.kind == shared.plan().person {
            // Here every identifier is a person; whether the run met it elsewhere too says nothing.
            fates.out_of_cohort += std::mem::take(&mut fates.unlinked);
        }
        ledger.account(one.index(), slice, one.fates());
    }
    // What may wait in memory is given back when the tables are written; what may not goes to scratch, and so does all that
    // follows for the same tables: room is better kept for tables that need no scratch at all.
    let bytes = holding.bytes();
    let stays = !group.file().is_begun() && shared.budget().take(bytes);
    if stays {
        group.wait(bytes);
    }
    holding.hand_over(ledger, (!stays).then_some(group.file())).map_err(failed)
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
    Some(Held::new(index, want, project, bases, join))
}

impl<'a> Holding<'a> {
    /// Nothing yet, with room for so many rows.
    pub(crate) fn new(slice: Option<Slice>, room: usize, wants: Vec<Held<'a>>, ranks: Arc<Ranks>) -> Self {
        let (members, takers) = (Marks::default(), Marks::new(0, wants.len()));
        Self { slice, wants, ranks, store: StoreBuilder::with_room(room), years: Vec::new(), members, takers }
    }

    /// Who holds what.
    pub(crate) fn wants(&self) -> &[Held<'a>] {
        &self.wants
    }

    /// The bytes that are held.
    fn bytes(&self) -> u64 {
        count(self.store.bytes() + self.years.len() * size_of::<Option<i16>>())
    }

    /// Fans a batch out: rows that anybody wants are stored, once for all, each marked for the wants that take it. `None` by a
    /// fault of ours.
    pub(crate) fn fan_out(&mut self, rows: &Rows, excluded: &PersonSet) -> Option<()> {
        let persons = rows.persons().values();
        self.ranks.members(persons, &mut self.members);
        self.takers.reset(rows.len());
        let met = Met::of(rows, excluded);
        for (want, one) in self.wants.iter_mut().enumerate() {
            self.takers.mark_all(one.pass(rows, met, &self.members), want);
        }
        let kept: Vec<u32> = self.takers.marked().collect();
        if kept.is_empty() {
            return Some(());
        }
        let mut columns = rows.columns().to_vec();
        if self.wants.iter().any(Held::feeds_bases) {
            columns.extend(slice_arrays(self.slice, rows.years(), rows.len()));
        }
        self.store.append(rows.len(), &columns, (kept.len() < rows.len()).then_some(&kept))?;
        self.store.append_people(persons, &self.takers, &kept);
        if let Some(years) = rows.years() {
            let year = |row: &u32| years.is_valid(*row as usize).then(|| years.value(*row as usize));
            self.years.extend(kept.iter().map(year));
        }
        Some(())
    }

    /// Hands all rows held over to their sinks: in memory, or else spilled to a file. Linked tables, which take rows of many
    /// groups, have buckets of rank in scratch instead.
    fn hand_over(&mut self, ledger: &Ledger, file: Option<&Arc<ScratchFile>>) -> Result<()> {
        let (store, years) = (std::mem::take(&mut self.store).finish(), std::mem::take(&mut self.years));
        let united = || Error::Internal("rows that were united are to be cut into years".to_owned());
        let stores = if years.is_empty() { vec![(None, store)] } else { store.split(&years).ok_or_else(united)? };
        for (year, store) in stores {
            let store = Arc::new(store);
            let mut tables = Vec::new();
            for (taker, one) in self.wants.iter().enumerate().filter(|(taker, _)| store.is_taken(*taker)) {
                let linked = |sink: &Sink, columns| {
                    let taken = Taken { part: Part { store: Arc::clone(&store), columns }, taker };
                    if file.is_some() { sink.spill(&taken) } else { sink.keep(taken) }
                };
                if let Some(join) = one.join() {
                    linked(join, one.columns().into())?;
                    continue;
                }
                // The year and the term stand behind the columns of the view.
                let slice = || store.width() - 2..store.width();
                for base in one.bases() {
                    linked(base, slice().chain(one.columns().iter().copied()).collect())?;
                }
                let of_year = year.filter(|_| one.is_by_year()).map(|year| Slice { year: Year(year), term: None });
                let sink = ledger.sink(SinkKey { want: one.index(), slice: of_year.or(self.slice) });
                tables.extend(sink.map(|sink| (sink, taker, one.columns().into())));
            }
            hand_to(tables, store, file)?;
        }
        Ok(())
    }
}

/// Hands rows to the tables that take them.
fn hand_to(
    tables: Vec<(Arc<Sink>, usize, Arc<[usize]>)>,
    store: Arc<Store>,
    file: Option<&Arc<ScratchFile>>,
) -> Result<()> {
    let Some(file) = file else {
        let keep = |(sink, taker, columns): (Arc<Sink>, usize, Arc<[usize]>)| {
            sink.keep(Taken { part: Part { store: Arc::clone(&store), columns }, taker })
        };
        return tables.into_iter().try_for_each(keep);
    };
    if tables.is_empty() {
        return Ok(());
    }
    let store = Arc::into_inner(store).ok_or_else(|| Error::Internal("rows to be spilled are held".to_owned()))?;
    let spilled = Arc::new(spill(store, file)?);
    tables.into_iter().try_for_each(|(sink, taker, columns)| sink.wait(Arc::clone(&spilled), columns, taker))
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
