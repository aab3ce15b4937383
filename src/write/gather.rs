//! Picks of rows in shared stores, sorted by rank, then by all columns.

use super::arrays::array_of;
use super::fill::StoreBuilder;
use super::store::{Column, People, Store, Value};
use crate::cohort::OUTSIDE;
use crate::vocab::{Error, Result};
use arrow::array::ArrayRef;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// One row, and its person's rank.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pick {
    /// The person's rank in the project.
    pub rank: u32,
    /// The row, counted through all parts of the set.
    pub row: u32,
}

/// A store that rows are picked from, and which of its columns they have.
#[derive(Debug, Clone)]
pub struct Part {
    /// The store, shared by all tables that pick from it.
    pub store: Arc<Store>,
    /// The columns, by index, in the table's order.
    pub columns: Arc<[usize]>,
}

/// Rows of a store that somebody takes.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The store and the columns.
    pub part: Part,
    /// Which of those for whom the store's rows are marked.
    pub taker: usize,
}

impl Taken {
    /// How many rows are taken.
    pub(super) fn rows(&self) -> usize {
        self.part.store.people.takers.count(self.taker)
    }

    /// The rows, each with its person's rank: all of them, or those whose rank is in a range. About so many are expected.
    pub(super) fn ranked(&self, ranks: &[u32], range: Option<&Range<u32>>, about: usize) -> RowSet {
        let People { persons, takers } = &self.part.store.people;
        let mut people =
            (0..u32::try_from(persons.len()).unwrap_or(u32::MAX)).zip(persons.iter().zip(takers.each(self.taker)));
        let (mut some, mut picks) = (vec![Pick::default(); AT_A_TIME + 1], Vec::with_capacity(about));
        while people.len() > 0 {
            let mut next = 0;
            for (row, (person, taken)) in people.by_ref().take(AT_A_TIME) {
                // Without a branch: who takes what is not to be foreseen.
                some[next] = Pick { rank: *person, row };
                next += usize::from(taken);
            }
            let some = &mut some[..next];
            // Nothing but this, so that the memory is asked for many ranks at a time.
            some.iter_mut().for_each(|pick| pick.rank = ranks.get(pick.rank as usize).copied().unwrap_or(OUTSIDE));
            match range {
                None => picks.extend_from_slice(some),
                Some(range) => picks.extend(some.iter().filter(|pick| range.contains(&pick.rank))),
            }
        }
        RowSet::of(self.part.clone(), picks)
    }
}

/// The bits of a rank that rows are sorted by at a time, at most.
const MOST_BITS: u32 = 12;

/// Rows of a store that are looked through at a time: they stay near.
const AT_A_TIME: usize = 16 * 1024;

/// Rows of one table: picks into parts whose columns are shared with other tables.
#[derive(Debug, Default, Clone)]
pub struct RowSet {
    parts: Vec<Part>,
    /// Behind the last row of each part, counted through all.
    ends: Vec<u32>,
    picks: Vec<Pick>,
}

impl RowSet {
    /// Rows of one part.
    #[must_use]
    pub fn of(part: Part, picks: Vec<Pick>) -> Self {
        let end = u32::try_from(part.store.rows).unwrap_or(u32::MAX);
        Self { parts: vec![part], ends: vec![end], picks }
    }

    /// Rows that stand in arrays, with their ranks.
    pub(crate) fn of_arrays(ranks: &[u32], columns: &[ArrayRef]) -> Result<Self> {
        let mut builder = StoreBuilder::default();
        builder.append(ranks.len(), columns, None).ok_or_else(fault)?;
        let part = Part { store: Arc::new(builder.finish()), columns: (0..columns.len()).collect() };
        let picks = ranks.iter().zip(0..).map(|(rank, row)| Pick { rank: *rank, row }).collect();
        Ok(Self::of(part, picks))
    }

    /// The part of a row, and the row in it.
    #[inline]
    pub(super) fn locate(&self, row: u32) -> (usize, usize) {
        let part = if self.ends.len() < 2 { 0 } else { self.ends.partition_point(|end| *end <= row) };
        let start = part.checked_sub(1).map_or(0, |before| self.ends[before]);
        (part, (row - start) as usize)
    }

    /// Takes in another set.
    ///
    /// # Errors
    /// More than four thousand million rows wait at a time.
    pub fn append(&mut self, other: Self) -> Result<()> {
        if self.parts.is_empty() {
            *self = other;
        } else if self.has_parts_of(&other) {
            self.picks.extend(other.picks);
        } else {
            let start = self.ends.last().copied().unwrap_or(0);
            for end in other.ends {
                self.ends.push(start.checked_add(end).filter(|end| *end < u32::MAX).ok_or_else(fault)?);
            }
            self.parts.extend(other.parts);
            self.picks.extend(other.picks.into_iter().map(|p| Pick { row: p.row + start, ..p }));
        }
        Ok(())
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.picks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.picks.is_empty()
    }

    /// The picks.
    #[must_use]
    pub fn picks(&self) -> &[Pick] {
        &self.picks
    }

    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How many columns each row has.
    pub(super) fn width(&self) -> usize {
        self.parts.first().map_or(0, |part| part.columns.len())
    }

    /// A column of the table in each part; `None` where a part lacks it.
    pub(super) fn columns(&self, column: usize) -> Option<Vec<&Column>> {
        let of = |part: &'_ Part| part.columns.get(column).copied();
        self.parts.iter().map(|part| part.store.columns.get(of(part)?)).collect()
    }

    /// Whether the rows stand side by side in one store.
    pub(super) fn is_beside(&self) -> bool {
        matches!(self.parts.as_slice(), [part] if part.store.is_beside())
    }

    /// Whether the rows stand in the same stores as others, in the same columns.
    pub(super) fn has_parts_of(&self, others: &Self) -> bool {
        let same = |(a, b): (&Part, &Part)| Arc::ptr_eq(&a.store, &b.store) && a.columns == b.columns;
        self.parts.len() == others.parts.len() && self.parts.iter().zip(&others.parts).all(same)
    }

    /// Some of rows that are sorted by rank, in a store of their own and sorted by all columns; none where they do not stand
    /// side by side. Where the last person's rows go on behind them, the first of all these come.
    pub(super) fn gathered(&mut self, range: Range<usize>) -> Option<Self> {
        let [part] = self.parts.as_slice() else { return None };
        let last = self.picks.get(range.clone())?.last()?.rank;
        let behind = self.picks.get(range.end..)?.iter().take_while(|pick| pick.rank == last).count();
        let here = self.picks.get_mut(range.start..range.end + behind)?;
        let store = Arc::new(part.store.gathered(&part.columns, here)?);
        let mut picks: Vec<Pick> = here.iter().zip(0..).map(|(pick, row)| Pick { rank: pick.rank, row }).collect();
        let columns: Vec<Vec<&Column>> = store.columns.iter().map(|column| vec![column]).collect();
        order_ties(&mut picks, &columns, |pick| (0, pick.row as usize));
        let left: Vec<Pick> = picks[range.len()..].iter().map(|pick| here[pick.row as usize]).collect();
        here[range.len()..].copy_from_slice(&left);
        picks.truncate(range.len());
        Some(Self::of(Part { columns: (0..store.width()).collect(), store }, picks))
    }

    /// Only the rows of ranks in a range, over the same parts.
    #[must_use]
    pub(super) fn within(&self, ranks: &Range<u32>) -> Self {
        let picks = self.picks.iter().copied().filter(|p| ranks.contains(&p.rank)).collect();
        Self { parts: self.parts.clone(), ends: self.ends.clone(), picks }
    }

    /// Without the first rows; parts that only they needed are let go.
    pub(super) fn behind(self, rows: usize) -> Result<Self> {
        let left = self.picks.get(rows..).unwrap_or_default();
        let mut needed = vec![false; self.parts.len()];
        left.iter().for_each(|pick| needed[self.locate(pick.row).0] = true);
        let mut rest = Self::default();
        let mut starts = vec![0; self.parts.len()];
        for (index, part) in self.parts.iter().enumerate().filter(|(index, _)| needed[*index]) {
            starts[index] = rest.ends.last().copied().unwrap_or(0);
            rest.append(Self::of(part.clone(), Vec::new()))?;
        }
        let moved = |pick: &Pick| {
            let (part, row) = self.locate(pick.row);
            Some(Pick { rank: pick.rank, row: starts[part] + u32::try_from(row).ok()? })
        };
        rest.picks = left.iter().map(|pick| moved(pick).ok_or_else(fault)).collect::<Result<_>>()?;
        Ok(rest)
    }

    /// Sorts the rows: by rank, then by all columns, missing first.
    pub(crate) fn sort(&mut self) -> Result<()> {
        self.sort_by_rank();
        let mut picks = std::mem::take(&mut self.picks);
        let columns: Vec<Vec<&Column>> =
            (0..self.width()).map(|i| self.columns(i).ok_or_else(fault)).collect::<Result<_>>()?;
        order_ties(&mut picks, &columns, |pick| self.locate(pick.row));
        self.picks = picks;
        Ok(())
    }

    /// Sorts the picks by rank: a radix sort, stable, one or two passes over rows of 8 bytes for ranks below 16 million.
    pub(super) fn sort_by_rank(&mut self) {
        let top = self.picks.iter().map(|p| p.rank).max().unwrap_or(0);
        let bits = u32::BITS - top.leading_zeros();
        let passes = bits.div_ceil(MOST_BITS);
        // No more bits than it takes, so that fewer places are written to at a time.
        let width = bits.div_ceil(passes.max(1));
        let digit = |pick: &Pick, pass: u32| ((pick.rank >> (pass * width)) & ((1 << width) - 1)) as usize;
        let mut starts = vec![vec![0_u32; 1 << width]; passes as usize];
        for pick in &self.picks {
            (0..).zip(&mut starts).for_each(|(pass, starts)| starts[digit(pick, pass)] += 1);
        }
        let mut from = std::mem::take(&mut self.picks);
        let mut to = vec![Pick::default(); from.len()];
        for (pass, mut starts) in (0..).zip(starts) {
            let mut sum = 0;
            for start in &mut starts {
                sum += std::mem::replace(start, sum);
            }
            for pick in &from {
                let place = &mut starts[digit(pick, pass)];
                to[*place as usize] = *pick;
                *place += 1;
            }
            std::mem::swap(&mut from, &mut to);
        }
        self.picks = from;
    }

    /// The columns of some picks, in their order, as arrays.
    pub(crate) fn gather(&self, picks: &[Pick]) -> Result<Vec<ArrayRef>> {
        (0..self.width())
            .map(|column| {
                let parts = self.columns(column).ok_or_else(fault)?;
                let Some(first) = parts.first() else { return Err(fault()) };
                let value = |pick: &Pick| {
                    let (part, row) = self.locate(pick.row);
                    parts.get(part).map_or(Value::Missing, |column| column.value(row))
                };
                let values = picks.iter().map(value);
                array_of(&first.kind, values).ok_or_else(fault)
            })
            .collect()
    }
}

fn fault() -> Error {
    Error::Internal("rows cannot be gathered".to_owned())
}

/// Orders the rows of each person by all columns, missing first. Picks are in rank order already.
fn order_ties(picks: &mut [Pick], columns: &[Vec<&Column>], locate: impl Fn(&Pick) -> (usize, usize)) {
    let compare = |a: &Pick, b: &Pick| {
        let ((part, row), (other_part, other_row)) = (locate(a), locate(b));
        let of = |parts: &Vec<&Column>| parts[part].compare(row, parts[other_part], other_row);
        columns.iter().map(of).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    };
    for run in picks.chunk_by_mut(|a, b| a.rank == b.rank) {
        if run.len() > 1 {
            run.sort_by(compare);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;

    fn set(rows: &[(u32, Option<i32>)]) -> RowSet {
        let values: ArrayRef = Arc::new(Int32Array::from(rows.iter().map(|r| r.1).collect::<Vec<_>>()));
        RowSet::of_arrays(&rows.iter().map(|r| r.0).collect::<Vec<_>>(), &[values]).unwrap()
    }

    fn sorted(mut set: RowSet) -> Vec<(u32, Option<i64>)> {
        set.sort().unwrap();
        let column = |pick: &Pick| {
            let (part, row) = set.locate(pick.row);
            match set.columns(0).unwrap()[part].value(row) {
                Value::Word(word) => Some(word.cast_signed()),
                _ => None,
            }
        };
        set.picks().iter().map(|pick| (pick.rank, column(pick))).collect()
    }

    #[test]
    fn rows_come_by_rank_then_value_missing_first() {
        let mut both = set(&[(5_000_000, Some(1)), (7, Some(3)), (7, None)]);
        both.append(set(&[(0, Some(9)), (7, Some(-3))])).unwrap();
        assert_eq!(sorted(both), [(0, Some(9)), (7, None), (7, Some(-3)), (7, Some(3)), (5_000_000, Some(1))]);
    }

    #[test]
    fn what_is_behind_keeps_only_the_parts_that_it_needs() {
        let mut all = set(&[(1, Some(10)), (2, Some(20))]);
        all.append(set(&[(3, Some(30)), (4, None)])).unwrap();
        all.sort().unwrap();
        let rest = all.clone().behind(3).unwrap();
        assert_eq!((rest.parts.len(), sorted(rest)), (1, vec![(4, None)]));
        // What is left keeps its order, from whichever part it comes.
        let mut mixed = set(&[(1, Some(10)), (3, Some(30)), (5, Some(50))]);
        mixed.append(set(&[(2, Some(20)), (4, Some(40))])).unwrap();
        mixed.sort().unwrap();
        let ranks: Vec<u32> = mixed.behind(1).unwrap().picks().iter().map(|pick| pick.rank).collect();
        assert_eq!(ranks, [2, 3, 4, 5]);
    }
}
