//! Picks of rows in shared batches, sorted by rank and gathered once, in chunks that depend on the rows alone.

use crate::vocab::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{SortOptions, interleave, take};
use std::cmp::Ordering;
use std::sync::Arc;

/// Rows of a chunk, about: a chunk ends with the person at whom it reaches this.
pub(super) const CHUNK_ROWS: usize = 64 * 1024;

/// One row of one batch, and its person's rank.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pick {
    /// The person's rank in the project.
    pub rank: u32,
    /// The batch, by index.
    pub batch: u32,
    /// The row in it.
    pub row: u32,
}

/// Rows of one table: picks into batches whose columns are shared with other tables.
#[derive(Debug, Default, Clone)]
pub struct RowSet {
    batches: Vec<Vec<ArrayRef>>,
    picks: Vec<Pick>,
}

impl RowSet {
    /// Adds a batch and returns its index.
    pub fn batch(&mut self, columns: Vec<ArrayRef>) -> u32 {
        self.batches.push(columns);
        u32::try_from(self.batches.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds rows of a batch.
    pub fn extend(&mut self, picks: impl IntoIterator<Item = Pick>) {
        self.picks.extend(picks);
    }

    /// Takes in another set.
    pub fn append(&mut self, other: Self) {
        let offset = u32::try_from(self.batches.len()).unwrap_or(u32::MAX);
        self.batches.extend(other.batches);
        self.picks.extend(other.picks.into_iter().map(|p| Pick { batch: p.batch + offset, ..p }));
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

    /// Only the rows of ranks in a range, over the same batches.
    #[must_use]
    pub(super) fn within(&self, ranks: &std::ops::Range<u32>) -> Self {
        let picks = self.picks.iter().copied().filter(|p| ranks.contains(&p.rank)).collect();
        Self { batches: self.batches.clone(), picks }
    }

    /// Sorts the picks by rank: a radix sort, stable, two or three passes over 12-byte rows.
    pub(super) fn sort_by_rank(&mut self) {
        let top = self.picks.iter().map(|p| p.rank).max().unwrap_or(0);
        let mut from = std::mem::take(&mut self.picks);
        let mut to = vec![Pick::default(); from.len()];
        let mut shift = 0;
        while shift < 32 && (top >> shift) > 0 {
            let digit = |p: &Pick| ((p.rank >> shift) & 0x7ff) as usize;
            let mut starts = [0_usize; 0x800];
            for pick in &from {
                starts[digit(pick)] += 1;
            }
            let mut sum = 0;
            for start in &mut starts {
                sum += std::mem::replace(start, sum);
            }
            for pick in &from {
                let place = &mut starts[digit(pick)];
                to[*place] = *pick;
                *place += 1;
            }
            std::mem::swap(&mut from, &mut to);
            shift += 11;
        }
        self.picks = from;
    }

    /// Sorts all rows and gives them away in chunks: by rank, then by all columns, missing first. Unless this is the last
    /// of the table, the rows behind the last full chunk come back, to be taken in by the next set.
    pub(super) fn into_chunks(
        mut self,
        last: bool,
        mut emit: impl FnMut(&[u32], Vec<ArrayRef>) -> Result<()>,
    ) -> Result<Self> {
        self.sort_by_rank();
        let mut start = 0;
        while start < self.picks.len() {
            let mut end = start + CHUNK_ROWS;
            if end >= self.picks.len() {
                // The last person's rows may go on in the next set, so a chunk that just fills is not yet full.
                if !last {
                    break;
                }
                end = self.picks.len();
            } else {
                let rank = self.picks[end - 1].rank;
                while end < self.picks.len() && self.picks[end].rank == rank {
                    end += 1;
                }
                if end == self.picks.len() && !last {
                    break;
                }
            }
            let chunk = &self.picks[start..end];
            let ranks: Vec<u32> = chunk.iter().map(|p| p.rank).collect();
            let columns = self.gather(chunk)?;
            emit(&ranks, order_ties(&ranks, columns)?)?;
            start = end;
        }
        self.rest(start)
    }

    /// The rows from a pick on, as a set of their own that keeps nothing else alive.
    fn rest(&self, start: usize) -> Result<Self> {
        let mut rest = Self::default();
        let picks = self.picks.get(start..).unwrap_or_default();
        if !picks.is_empty() {
            let batch = rest.batch(self.gather(picks)?.into_iter().map(compact).collect());
            rest.extend(picks.iter().zip(0..).map(|(pick, row)| Pick { rank: pick.rank, batch, row }));
        }
        Ok(rest)
    }

    /// The columns of some picks, in their order.
    pub(super) fn gather(&self, picks: &[Pick]) -> Result<Vec<ArrayRef>> {
        let width = self.batches.first().map_or(0, Vec::len);
        let places: Vec<(usize, usize)> = picks.iter().map(|p| (p.batch as usize, p.row as usize)).collect();
        (0..width)
            .map(|column| {
                let arrays: Vec<&dyn Array> = self
                    .batches
                    .iter()
                    .map(|batch| batch.get(column).map(AsRef::as_ref).ok_or_else(fault))
                    .collect::<Result<_>>()?;
                interleave(&arrays, &places).map_err(|_| fault())
            })
            .collect()
    }
}

/// A column whose texts keep no more alive than themselves.
pub(super) fn compact(column: ArrayRef) -> ArrayRef {
    match column.as_string_view_opt() {
        Some(view) if !view.data_buffers().is_empty() => Arc::new(view.gc()),
        _ => column,
    }
}

fn fault() -> Error {
    Error::Internal("rows cannot be gathered".to_owned())
}

/// Orders the rows of each person by all columns, missing first. Columns are in rank order already.
pub(super) fn order_ties(ranks: &[u32], columns: Vec<ArrayRef>) -> Result<Vec<ArrayRef>> {
    let tied = ranks.windows(2).any(|pair| pair[0] == pair[1]);
    if !tied || columns.is_empty() {
        return Ok(columns);
    }
    let options = SortOptions { descending: false, nulls_first: true };
    let comparators = columns
        .iter()
        .map(|c| arrow::array::make_comparator(c, c, options).map_err(|_| fault()))
        .collect::<Result<Vec<_>>>()?;
    let compare = |a: u32, b: u32| {
        comparators.iter().map(|c| c(a as usize, b as usize)).find(|o| *o != Ordering::Equal).unwrap_or(Ordering::Equal)
    };
    let count = u32::try_from(ranks.len()).map_err(|_| fault())?;
    let mut order: Vec<u32> = (0..count).collect();
    let mut moved = false;
    let mut start = 0;
    for run in ranks.chunk_by(|a, b| a == b) {
        let end = start + run.len();
        if run.len() > 1 {
            let rows = &mut order[start..end];
            if !rows.is_sorted_by(|a, b| compare(*a, *b) != Ordering::Greater) {
                rows.sort_by(|a, b| compare(*a, *b));
                moved = true;
            }
        }
        start = end;
    }
    drop(comparators);
    if !moved {
        return Ok(columns);
    }
    let order = UInt32Array::from(order);
    columns.iter().map(|c| take(c, &order, None).map_err(|_| fault())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;
    use arrow::datatypes::Int32Type;

    fn set(rows: &[(u32, Option<i32>)]) -> RowSet {
        let mut set = RowSet::default();
        let values: ArrayRef = Arc::new(Int32Array::from(rows.iter().map(|r| r.1).collect::<Vec<_>>()));
        let batch = set.batch(vec![values]);
        set.extend(rows.iter().zip(0..).map(|(r, row)| Pick { rank: r.0, batch, row }));
        set
    }

    fn sorted(set: RowSet) -> Vec<(u32, Option<i32>)> {
        let mut out = Vec::new();
        let rest = set
            .into_chunks(true, |ranks, columns| {
                out.extend(ranks.iter().copied().zip(columns[0].as_primitive::<Int32Type>().iter()));
                Ok(())
            })
            .unwrap();
        assert!(rest.is_empty());
        out
    }

    #[test]
    fn rows_come_by_rank_then_value_missing_first() {
        let found = sorted(set(&[(5_000_000, Some(1)), (7, Some(3)), (7, None), (0, Some(9)), (7, Some(-3))]));
        assert_eq!(found, [(0, Some(9)), (7, None), (7, Some(-3)), (7, Some(3)), (5_000_000, Some(1))]);
    }

    #[test]
    fn chunks_are_the_same_whole_or_in_buckets() {
        let rows: Vec<(u32, Option<i32>)> =
            (0..300_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) % 90_000, i32::try_from(i % 11).ok())).collect();
        let mut whole = Vec::new();
        set(&rows)
            .into_chunks(true, |ranks, _| {
                whole.push(ranks.len());
                Ok(())
            })
            .unwrap();
        let mut parts = Vec::new();
        let mut rest = RowSet::default();
        for bucket in 0..7_u32 {
            let mut part = set(&rows).within(&(bucket * 13_000..(bucket + 1) * 13_000));
            part.append(rest);
            rest = part
                .into_chunks(bucket == 6, |ranks, _| {
                    parts.push(ranks.len());
                    Ok(())
                })
                .unwrap();
        }
        assert_eq!(whole, parts);
    }
}
