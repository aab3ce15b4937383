//! A sink: where the rows of one table wait, in memory or spilled, until all have come.

use super::gather::RowSet;
use super::records::FROM_ROWS;
use super::spill::Spill;
use super::store::Store;
use crate::vocab::{Error, Result, Slice};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Which table the rows of a sink are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SinkKey {
    /// The want, by index.
    pub want: usize,
    /// The slice, for elements cut by year.
    pub slice: Option<Slice>,
}

/// Rows of one table, from any number of workers.
#[derive(Debug)]
pub struct Sink {
    state: Mutex<State>,
    file: PathBuf,
    buckets: u32,
    people: u32,
}

/// Makes the stores behind rows that wait in some sinks one, where there are several or many rows, and `room` for that many
/// bytes more.
/// Returns the bytes that it took.
///
/// # Errors
/// More than four thousand million rows wait for one table.
pub fn unite(sinks: &[&Sink], room: impl FnOnce(u64) -> bool) -> Result<u64> {
    let mut stores = Vec::new();
    sinks.iter().for_each(|sink| sink.stores(&mut stores));
    let bytes: usize = stores.iter().map(|store| store.bytes()).sum();
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    // Rows are counted in 32 bits.
    let rows = stores.iter().map(|store| store.rows).sum::<usize>();
    if (stores.len() < 2 && rows < FROM_ROWS) || u32::try_from(rows).is_err() || !room(bytes) {
        return Ok(0);
    }
    let parts: Vec<&Store> = stores.iter().map(AsRef::as_ref).collect();
    // Stores of different columns stay as they are: tables of several parts are written as well, only slower.
    if let Some(all) = Store::united(&parts).map(Arc::new) {
        for sink in sinks {
            if let Ok(mut state) = sink.state.lock() {
                let mut rows = RowSet::default();
                for set in std::mem::take(&mut state.memory) {
                    rows.append(set.within_one(&stores, &all))?;
                }
                state.memory.push(rows);
            }
        }
    }
    Ok(bytes)
}

#[derive(Debug, Default)]
struct State {
    memory: Vec<RowSet>,
    spill: Option<Spill>,
}

impl Sink {
    /// A sink that spills to `file`, in `buckets` of ranks below `people`.
    #[must_use]
    pub fn new(file: PathBuf, buckets: u32, people: usize) -> Self {
        Self { state: Mutex::default(), file, buckets, people: u32::try_from(people).unwrap_or(u32::MAX) }
    }

    fn state(&self) -> Result<std::sync::MutexGuard<'_, State>> {
        self.state.lock().map_err(|_| Error::Internal("a worker failed while it held rows".to_owned()))
    }

    /// Takes rows in, to be kept in memory.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn keep(&self, set: RowSet) -> Result<()> {
        if !set.is_empty() {
            self.state()?.memory.push(set);
        }
        Ok(())
    }

    /// Takes rows in, and spills them.
    ///
    /// # Errors
    /// Where scratch cannot be written.
    pub fn spill(&self, set: RowSet) -> Result<()> {
        if set.is_empty() {
            return Ok(());
        }
        let mut state = self.state()?;
        let spill = state.spill.get_or_insert_with(|| Spill::new(self.file.clone(), self.buckets, self.people));
        spill.write(set)
    }

    /// The stores that rows in memory stand in, each once.
    fn stores(&self, into: &mut Vec<Arc<Store>>) {
        let Ok(state) = self.state.lock() else { return };
        for store in state.memory.iter().flat_map(RowSet::stores) {
            if !into.iter().any(|known| Arc::ptr_eq(known, store)) {
                into.push(Arc::clone(store));
            }
        }
    }

    /// Gives all rows away, a bucket at a time, each with whether it is the last.
    pub(super) fn drain(self, mut each: impl FnMut(RowSet, bool) -> Result<()>) -> Result<()> {
        let state =
            self.state.into_inner().map_err(|_| Error::Internal("a worker failed while it held rows".to_owned()))?;
        let Some(spill) = state.spill else {
            let mut all = RowSet::default();
            for set in state.memory {
                all.append(set)?;
            }
            return each(all, true);
        };
        for bucket in 0..spill.buckets() {
            let mut set = spill.read(bucket)?;
            for kept in &state.memory {
                set.append(kept.within(&spill.ranks(bucket)))?;
            }
            each(set, bucket + 1 == spill.buckets())?;
        }
        Ok(())
    }
}
