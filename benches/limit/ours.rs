//! For comparison: the same tables through our own encoders, of rows held as a build holds them.

use super::pool::{Fallible, Spent, over};
use super::settings::Texts;
use super::tables::{Table, Tables};
use arrow::array::{ArrayRef, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use leo_extract::kernels::{Chunks, rows_in};
use leo_extract::write::RowSet;
use std::sync::{Mutex, PoisonError};

/// A row group that waits to be encoded.
struct Waiting {
    chunks: Mutex<Chunks>,
    ids: Vec<[u8; 16]>,
    ranks: Vec<u32>,
    at: Vec<u32>,
    rows: RowSet,
    columns: usize,
}

/// Encodes all row groups: the seconds, and the bytes of their chunks. That rows are numbered beforehand is not timed: a
/// build does it once for all projects, when rows come.
pub(crate) fn encode(tables: &Tables, threads: usize) -> Fallible<(Spent, u64)> {
    let (mut spent, mut bytes) = (Spent::default(), 0);
    for share in tables.shares() {
        let groups: Vec<(&Table, usize)> =
            share.iter().flat_map(|table| (0..table.groups()).map(move |group| (table, group))).collect();
        let (waiting, _) = over(threads, &groups, |(table, group)| wait(table, *group))?;
        let (written, took) = over(threads, &waiting, one)?;
        spent.add(took);
        bytes += written.iter().sum::<u64>();
    }
    Ok((spent, bytes))
}

fn wait(table: &Table, group: usize) -> Fallible<Waiting> {
    let fault = || "a table's rows do not fit our encoders";
    let batches = table.read(Texts::Views, Some(group))?;
    let schema: SchemaRef = batches.first().ok_or_else(fault)?.schema();
    let batch = concat_batches(&schema, &batches).map_err(|_| fault())?;
    drop(batches);
    let (first, columns): (&ArrayRef, &[ArrayRef]) = batch.columns().split_first().ok_or_else(fault)?;
    let (mut ids, mut ranks): (Vec<[u8; 16]>, Vec<u32>) = (Vec::new(), Vec::with_capacity(batch.num_rows()));
    for id in first.as_string_view_opt().ok_or_else(fault)?.iter() {
        let id: [u8; 16] = id.and_then(|id| id.as_bytes().try_into().ok()).ok_or_else(fault)?;
        if ids.last() != Some(&id) {
            ids.push(id);
        }
        ranks.push(u32::try_from(ids.len() - 1)?);
    }
    let rows = rows_in(&ranks, columns)?;
    let at = rows.picks().iter().map(|pick| pick.row).collect();
    let chunks = Mutex::new(Chunks::new(&schema)?);
    Ok(Waiting { chunks, ids, ranks, at, rows, columns: columns.len() })
}

fn one(waiting: &Waiting) -> Fallible<u64> {
    let mut chunks = waiting.chunks.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bytes = chunks.ids(&waiting.ranks, &waiting.ids)?;
    for column in 0..waiting.columns {
        bytes += chunks.column(&waiting.rows, &waiting.at, column)?;
    }
    Ok(u64::try_from(bytes)?)
}
