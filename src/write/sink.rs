//! A sink: where the rows of one table wait, in memory or spilled, until all have come.

use super::gather::{Part, RowSet, Taken};
use super::records::FROM_ROWS;
use super::spill::Spill;
use super::store::Store;
use crate::cohort::Ranks;
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
    ranks: Arc<Ranks>,
    project: usize,
}

/// Makes the stores behind rows that wait in some sinks one, where there are several or many rows, and `room` for that many
/// bytes more, which are free again afterwards if nobody else holds the stores. Returns how many that were.
///
/// # Errors
/// A fault of ours.
pub fn unite(sinks: &[&Sink], room: impl FnOnce(u64) -> bool) -> Result<u64> {
    let mut stores = Vec::new();
    for sink in sinks {
        sink.stores(&mut stores)?;
    }
    let bytes: usize = stores.iter().map(|store| store.bytes()).sum();
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    // Rows are counted in 32 bits.
    let rows = stores.iter().map(|store| store.rows).sum::<usize>();
    if (stores.len() < 2 && rows < FROM_ROWS) || u32::try_from(rows).is_err() || !room(bytes) {
        return Ok(0);
    }
    // All stores are of units that feed the same tables: who takes rows, and which columns, is the same in each. Nobody but
    // this holds them meanwhile, so that each can be let go early.
    let mut waiting = Vec::with_capacity(sinks.len());
    for sink in sinks {
        let first = std::mem::take(&mut sink.state()?.memory).into_iter().next();
        waiting.extend(first.map(|taken| (sink, taken.part.columns, taken.taker)));
    }
    let differ = || Error::Internal("units of one group have different columns".to_owned());
    let store = Arc::new(Store::united(stores).ok_or_else(differ)?);
    for (sink, columns, taker) in waiting {
        sink.keep(Taken { part: Part { store: Arc::clone(&store), columns }, taker })?;
    }
    Ok(bytes)
}

#[derive(Debug, Default)]
struct State {
    memory: Vec<Taken>,
    spill: Option<Spill>,
}

impl Sink {
    /// A sink of a project's table that spills to `file`, in `buckets` of ranks.
    #[must_use]
    pub fn new(file: PathBuf, buckets: u32, ranks: Arc<Ranks>, project: usize) -> Self {
        Self { state: Mutex::default(), file, buckets, ranks, project }
    }

    fn state(&self) -> Result<std::sync::MutexGuard<'_, State>> {
        self.state.lock().map_err(|_| Error::Internal("a worker failed while it held rows".to_owned()))
    }

    /// Takes rows in, to be kept in memory.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn keep(&self, taken: Taken) -> Result<()> {
        self.state()?.memory.push(taken);
        Ok(())
    }

    /// Takes rows in, and spills them.
    ///
    /// # Errors
    /// Where scratch cannot be written.
    pub fn spill(&self, taken: Taken) -> Result<()> {
        let set = taken.rows(self.ranks.of_project(self.project));
        if set.is_empty() {
            return Ok(());
        }
        let people = self.ranks.people(self.project);
        let mut state = self.state()?;
        let spill = state.spill.get_or_insert_with(|| Spill::new(self.file.clone(), self.buckets, people));
        spill.write(set)
    }

    /// The stores that rows in memory stand in, each once.
    fn stores(&self, into: &mut Vec<Arc<Store>>) -> Result<()> {
        for taken in &self.state()?.memory {
            if !into.iter().any(|known| Arc::ptr_eq(known, &taken.part.store)) {
                into.push(Arc::clone(&taken.part.store));
            }
        }
        Ok(())
    }

    /// Gives all rows away, a bucket at a time, each with whether it is the last.
    pub(super) fn drain(self, mut each: impl FnMut(RowSet, bool) -> Result<()>) -> Result<()> {
        let state =
            self.state.into_inner().map_err(|_| Error::Internal("a worker failed while it held rows".to_owned()))?;
        let mut kept = RowSet::default();
        for taken in state.memory {
            kept.append(taken.rows(self.ranks.of_project(self.project)))?;
        }
        let Some(spill) = state.spill else { return each(kept, true) };
        for bucket in 0..spill.buckets() {
            let mut set = spill.read(bucket)?;
            set.append(kept.within(&spill.ranks(bucket)))?;
            each(set, bucket + 1 == spill.buckets())?;
        }
        Ok(())
    }
}
