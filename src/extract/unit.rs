//! Reading one unit: each batch fans out to the wants of all projects, and every row's fate is counted.

use super::group::Shared;
use super::ledger::Ledger;
use super::weight::Weight;
use crate::cohort::Cohort;
use crate::engine::Fault;
use crate::link::{AMBIGUOUS, Joined, NOBODY, Rows, UnitFault};
use crate::plan::{Purpose, Want, term_rank};
use crate::vocab::{Fates, Result, Slice, Year};
use crate::write::{Pick, RowSet, Sink, SinkKey};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int8Array, Int16Array};
use arrow::compute::filter;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Below this share of rows that anybody wants, a batch is cut down before it is kept.
const DENSE: f64 = 0.6;

/// What one want has of the unit so far.
struct Held<'a> {
    index: usize,
    want: &'a Want,
    cohort: &'a Cohort,
    years: Option<Vec<i16>>,
    bases: Vec<Arc<Sink>>,
    join: Option<Arc<Sink>>,
    fates: Fates,
    sets: BTreeMap<Option<Slice>, RowSet>,
    base: RowSet,
    picked: Vec<(u32, u32)>,
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
    let mut held: Vec<Held<'_>> = joined.wants(facts).filter_map(|(i, w)| hold(shared, i, w)).collect();
    let mut ambiguous = 0;
    let mut linked = 0;
    let mut bytes = 0;
    let mut weight = Weight::default();
    let lost: std::sync::Mutex<Option<crate::vocab::Error>> = std::sync::Mutex::new(None);
    let counts = joined
        .read(unit, |rows| {
            linked += count(rows.persons().values().iter().filter(|p| **p != NOBODY).count());
            ambiguous += count(rows.persons().values().iter().filter(|p| **p == AMBIGUOUS).count());
            bytes += fan_out(&rows, slice, &mut held, &mut weight, shared);
            if bytes > shared.budget().share() {
                if let Err(error) = hand_over(ledger, &mut held, Sink::spill) {
                    if let Ok(mut lost) = lost.lock() {
                        *lost = Some(error);
                    }
                    return Err(Fault::Unexpected);
                }
                weight.clear();
                bytes = 0;
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
    for one in &mut held {
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
    if shared.budget().take(bytes) {
        shared.waiting(ledger.scan, facts.group, bytes);
        hand_over(ledger, &mut held, Sink::keep).map_err(failed)?;
    } else {
        hand_over(ledger, &mut held, Sink::spill).map_err(failed)?;
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
    Some(Held {
        index,
        want,
        cohort: shared.cohort(project)?,
        years: want.years.as_ref().map(|y| y.iter().map(|y| y.0).collect()),
        bases,
        join,
        fates: Fates::default(),
        sets: BTreeMap::new(),
        base: RowSet::default(),
        picked: Vec::new(),
    })
}

/// Picks the rows of one batch for one want, and counts the fates of the others.
fn pick(shared: &Shared, rows: &Rows, held: &mut Held<'_>) {
    held.picked.clear();
    let years = rows.years();
    let spell = held.want.spell.map(|i| rows.flag(i));
    let condition = held.want.condition.map(|i| rows.flag(i));
    let truth = |flags: &BooleanArray, row: usize| flags.is_valid(row) && flags.value(row);
    for (row, person) in rows.persons().values().iter().enumerate() {
        if *person >= NOBODY {
            continue;
        }
        let Some(rank) = held.cohort.rank(*person) else {
            if shared.members().excluded().contains(*person) {
                held.fates.excluded += 1;
            } else {
                held.fates.out_of_cohort += 1;
            }
            continue;
        };
        if let (Some(column), Some(asked)) = (years, &held.years) {
            if column.is_null(row) {
                held.fates.unreadable_period += 1;
                continue;
            }
            if asked.binary_search(&column.value(row)).is_err() {
                held.fates.other_period += 1;
                continue;
            }
        }
        if let Some(spell) = spell {
            if spell.is_null(row) {
                held.fates.unreadable_period += 1;
                continue;
            }
            if !spell.value(row) {
                held.fates.other_period += 1;
                continue;
            }
        }
        if condition.is_some_and(|flags| !truth(flags, row)) {
            held.fates.filtered += 1;
            continue;
        }
        held.fates.kept += 1;
        held.picked.push((u32::try_from(row).unwrap_or(u32::MAX), rank));
    }
}

/// Fans a batch out. Returns the bytes that are held from now on and were not before.
fn fan_out(rows: &Rows, slice: Option<Slice>, held: &mut [Held<'_>], weight: &mut Weight, shared: &Shared) -> u64 {
    let mut wanted = vec![false; rows.len()];
    for one in held.iter_mut() {
        pick(shared, rows, one);
        for (row, _) in &one.picked {
            if let Some(wanted) = wanted.get_mut(*row as usize) {
                *wanted = true;
            }
        }
    }
    let kept = wanted.iter().filter(|w| **w).count();
    if kept == 0 {
        return 0;
    }
    let (columns, years, moved) = keep(rows, &wanted, kept);
    let mut bytes = weight.add(&columns);
    for one in held.iter_mut().filter(|h| !h.picked.is_empty()) {
        bytes += count(one.picked.len() * size_of::<Pick>());
        let mine: Vec<ArrayRef> = one.want.columns.iter().filter_map(|i| columns.get(*i)).map(Arc::clone).collect();
        let place = |row: u32| moved.as_ref().and_then(|m| m.get(row as usize).copied()).unwrap_or(row);
        if !one.bases.is_empty() {
            let mut base: Vec<ArrayRef> = slice_arrays(slice, years.as_ref(), kept, rows.len(), moved.is_some());
            base.extend(mine.iter().map(Arc::clone));
            let batch = one.base.batch(base);
            one.base.extend(one.picked.iter().map(|(row, rank)| Pick { rank: *rank, batch, row: place(*row) }));
        }
        match (&years, &one.years) {
            // Each year is a table of its own.
            (Some(years), Some(_)) if one.join.is_none() => {
                let mut of_year: BTreeMap<i16, u32> = BTreeMap::new();
                for (row, rank) in &one.picked {
                    let row = place(*row);
                    let year = years.value(row as usize);
                    let set = one.sets.entry(Some(Slice { year: Year(year), term: None })).or_default();
                    let batch =
                        *of_year.entry(year).or_insert_with(|| set.batch(mine.iter().map(Arc::clone).collect()));
                    set.extend([Pick { rank: *rank, batch, row }]);
                }
            }
            _ => {
                let set = one.sets.entry(if one.join.is_some() { None } else { slice }).or_default();
                let batch = set.batch(mine);
                set.extend(one.picked.iter().map(|(row, rank)| Pick { rank: *rank, batch, row: place(*row) }));
            }
        }
    }
    bytes
}

/// The columns to be kept, cut down where few rows are wanted, with each row's new place.
fn keep(rows: &Rows, wanted: &[bool], kept: usize) -> (Vec<ArrayRef>, Option<Int16Array>, Option<Vec<u32>>) {
    #[expect(clippy::cast_precision_loss, reason = "a share of a batch")]
    let dense = kept as f64 >= wanted.len() as f64 * DENSE;
    if dense {
        return (rows.columns().to_vec(), rows.years().cloned(), None);
    }
    let mask = BooleanArray::from(wanted.to_vec());
    let cut = |column: &ArrayRef| -> Option<ArrayRef> {
        let cut = filter(column, &mask).ok()?;
        // A view keeps the pages of all rows alive; compacted, it keeps those of the rows that stay.
        Some(match cut.as_string_view_opt() {
            Some(view) if !view.data_buffers().is_empty() => Arc::new(view.gc()),
            _ => cut,
        })
    };
    let columns: Option<Vec<ArrayRef>> = rows.columns().iter().map(cut).collect();
    let years = rows.years().map(|y| filter(y, &mask).ok());
    let (Some(columns), true) = (columns, years.as_ref().is_none_or(Option::is_some)) else {
        return (rows.columns().to_vec(), rows.years().cloned(), None);
    };
    let mut next = 0;
    let moved = wanted
        .iter()
        .map(|w| {
            let place = next;
            next += u32::from(*w);
            place
        })
        .collect();
    let years = years.flatten().and_then(|y| y.as_primitive_opt::<arrow::datatypes::Int16Type>().cloned());
    (columns, years, Some(moved))
}

/// The year and term of each row, as a linked base sorts them.
fn slice_arrays(
    slice: Option<Slice>,
    years: Option<&Int16Array>,
    kept: usize,
    all: usize,
    moved: bool,
) -> Vec<ArrayRef> {
    let rows = if moved { kept } else { all };
    let year: ArrayRef = match (years, slice) {
        (Some(years), _) => Arc::new(years.clone()),
        (None, Some(slice)) => Arc::new(Int16Array::from(vec![slice.year.0; rows])),
        (None, None) => Arc::new(Int16Array::new_null(rows)),
    };
    vec![year, Arc::new(Int8Array::from(vec![term_rank(slice.and_then(|s| s.term)); rows]))]
}

/// Hands all rows held over to their sinks, to be kept or spilled.
fn hand_over(ledger: &Ledger, held: &mut [Held<'_>], how: fn(&Sink, RowSet) -> Result<()>) -> Result<()> {
    for one in held {
        for (slice, set) in std::mem::take(&mut one.sets) {
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
        for sink in &one.bases {
            how(sink, base.clone())?;
        }
    }
    Ok(())
}
