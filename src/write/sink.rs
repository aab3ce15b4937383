//! A sink: where the rows of one table wait, in memory or spilled, until all have come.

use super::gather::{Part, RowSet, Taken};
use super::records::FROM_ROWS;
use super::spill::Spill;
use super::store::Store;
use super::unite::Numbering;
use crate::cohort::Ranks;
use crate::engine::Budget;
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

/// Makes the stores behind rows that wait in the sinks of a slice one, for each of some slices, where there are several stores
/// or many rows, and room in the budget for that many bytes more. They are given back at once where nobody else holds the
/// stores; else, if they are `held`, it returns how many they are.
///
/// # Errors
/// A fault of ours.
pub fn unite(slices: &[Vec<&Sink>], budget: &Budget, held: bool) -> Result<u64> {
    let mut united = Vec::with_capacity(slices.len());
    for sinks in slices {
        let mut stores = Vec::new();
        for sink in sinks {
            sink.stores(&mut stores)?;
        }
        let rows = stores.iter().map(|store| store.rows).sum::<usize>();
        // Rows are counted in 32 bits.
        if (stores.len() > 1 || rows >= FROM_ROWS) && u32::try_from(rows).is_ok() {
            united.push((sinks, stores));
        }
    }
    let all: Vec<&Store> = united.iter().flat_map(|(_, stores)| stores).map(AsRef::as_ref).collect();
    let numbering = Numbering::of(&all).ok_or_else(differ)?;
    let mut taken = 0;
    for (sinks, stores) in united {
        let bytes: usize = stores.iter().map(|store| store.bytes()).sum();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if !budget.take(bytes) {
            // Tables of several parts are written as well, only slower.
            continue;
        }
        unite_slice(sinks, stores, &numbering)?;
        if held { taken += bytes } else { budget.give(bytes) }
    }
    Ok(taken)
}

fn differ() -> Error {
    Error::Internal("units of one group have different columns".to_owned())
}

fn unite_slice(sinks: &[&Sink], stores: Vec<Arc<Store>>, numbering: &Numbering) -> Result<()> {
    // All stores are of units that feed the same tables: who takes rows, and which columns, is the same in each. Nobody but
    // this holds them meanwhile, so that each can be let go early.
    let mut waiting = Vec::with_capacity(sinks.len());
    for sink in sinks {
        let first = std::mem::take(&mut sink.state()?.memory).into_iter().next();
        waiting.extend(first.map(|taken| (sink, taken.part.columns, taken.taker)));
    }
    let store = Arc::new(Store::united(stores, numbering, FROM_ROWS).ok_or_else(differ)?);
    for (sink, columns, taker) in waiting {
        sink.keep(Taken { part: Part { store: Arc::clone(&store), columns }, taker })?;
    }
    Ok(())
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
