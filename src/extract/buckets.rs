//! Into how many buckets of rank a table is cut where it must be spilled.

use crate::engine::Engine;
use crate::plan::{ElementScan, OutColumn, Want};
use crate::vocab::{Slice, Type};

/// Rows of a bucket at least: smaller ones would be written in pieces of a few rows.
const LEAST_ROWS: u64 = 64 * 1024;
/// Buckets at most.
const MOST: u64 = 512;

/// The buckets of a table of so many rows, so that one fits a small share of the memory.
pub(super) fn buckets(rows: u64, columns: &[OutColumn], engine: &Engine) -> u32 {
    let threads = u64::try_from(engine.threads().max(1)).unwrap_or(1);
    let share = (engine.memory() / 16 / threads).max(4 << 20);
    let needed = rows.saturating_mul(row_bytes(columns)).div_ceil(share);
    u32::try_from(needed.min(rows / LEAST_ROWS).clamp(1, MOST)).unwrap_or(1)
}

/// Bytes that a row takes while it waits, about: its rank and place, and its columns.
fn row_bytes(columns: &[OutColumn]) -> u64 {
    let of = |column: &OutColumn| match column.kind {
        Type::Text => 32,
        Type::Decimal { .. } => 16,
        _ => 8,
    };
    16 + columns.iter().map(of).sum::<u64>()
}

/// The rows of a scan that can come to a table of this want and slice, about.
pub(super) fn rows(scan: &ElementScan, want: &Want, slice: Option<Slice>) -> u64 {
    let mine = |unit: Option<Slice>| unit.is_none() || slice.is_none() || unit == slice;
    let all: u64 = scan.units.iter().filter(|u| mine(u.slice)).map(|u| u.rows).sum();
    match (&want.years, slice) {
        // Years in a column: a table has its share, and twice that where the years are uneven.
        (Some(years), Some(_)) => all.saturating_mul(2) / u64::try_from(years.iter().count()).unwrap_or(1).max(1),
        _ => all,
    }
}
