//! A sink: where the rows of one table wait, in memory or spilled, until all have come.

use super::gather::{Part, Pick, RowSet, Taken};
use super::records::FROM_ROWS;
use super::spill::{Ranges, Spill};
use super::spilled::Spilled;
use super::store::Store;
use super::unite::Numbering;
use crate::cohort::Ranks;
use crate::engine::Budget;
use crate::vocab::{Error, Observer, Result, Slice};
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

/// The least room for the order of rows: with less, they would be looked through too often.
const LEAST_ROOM: u64 = 1 << 20;

/// The room that the order of a table's rows has: what a worker may hold; and, where it is the table's `turn`, half of what is
/// left for rows that come back from scratch, since nobody else brings rows back then.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// Where it is counted.
    pub budget: &'a Budget,
    /// Whether no other table may wait for rows from scratch meanwhile.
    pub turn: bool,
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
/// or many rows, and room in the budget. Where linked tables hold the stores (`held`), they stay beside the united ones: it
/// returns their bytes, which were counted in and are to be given back. Else each is let go when it was taken in.
///
/// # Errors
/// A fault of ours, or the run is interrupted.
pub fn unite(slices: &[Vec<&Sink>], budget: &Budget, held: bool, observer: &dyn Observer) -> Result<u64> {
    let mut united = Vec::with_capacity(slices.len());
    for sinks in slices {
        let mut stores = Vec::new();
        for sink in sinks {
            sink.stores(&mut stores)?;
        }
        let rows = stores.iter().map(|store| store.rows).sum::<usize>();
        // Rows are counted in 32 bits.
        if (stores.len() > 1 || rows >= FROM_ROWS) && u32::try_from(rows).is_ok() {
            united.push((sinks, stores, rows));
        }
    }
    let all: Vec<&Store> = united.iter().flat_map(|(_, stores, _)| stores).map(AsRef::as_ref).collect();
    let numbering = Numbering::of(&all).ok_or_else(differ)?;
    let mut taken = 0;
    for (sinks, stores, rows) in united {
        observer.go_on()?;
        let bytes = || stores.iter().map(|store| u64::try_from(store.bytes()).unwrap_or(u64::MAX));
        // Rows go side by side one store after the other.
        let beyond = if held || rows < FROM_ROWS { bytes().sum() } else { bytes().max().unwrap_or(0) };
        // Whoever unites reads no unit meanwhile, and may hold what a reader may.
        let counted = held || beyond > budget.share();
        if counted && !budget.take(beyond) {
            // Tables of several parts are written as well, only slower.
            continue;
        }
        unite_slice(sinks, stores, &numbering)?;
        match (counted, held) {
            (true, true) => taken += beyond,
            (true, false) => budget.give(beyond),
            (false, _) => {}
        }
    }
    Ok(taken)
}

/// The stores in scratch behind rows that wait in some sinks, each once.
///
/// # Errors
/// A fault of ours.
pub fn spilled(sinks: &[&Sink]) -> Result<Vec<Arc<Spilled>>> {
    let mut all: Vec<Arc<Spilled>> = Vec::new();
    for sink in sinks {
        for behind in &sink.state()?.spilled {
            if !all.iter().any(|known| Arc::ptr_eq(known, &behind.store)) {
                all.push(Arc::clone(&behind.store));
            }
        }
    }
    Ok(all)
}

/// Reads stores back for the rows that wait in some sinks: into memory where there is room for all of them, else one after the
/// other into each sink's buckets of rank.
///
/// # Errors
/// Scratch fails, or the run is interrupted.
pub fn read_back(sinks: &[&Sink], stores: &[Arc<Spilled>], room: bool, observer: &dyn Observer) -> Result<()> {
    for spilled in stores {
        observer.go_on()?;
        let store = Arc::new(spilled.read()?);
        for sink in sinks {
            for taken in sink.back(spilled, &store)? {
                if room { sink.keep(taken)? } else { sink.spill(&taken)? }
            }
        }
    }
    Ok(())
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
    spilled: Vec<Behind>,
    spill: Option<Spill>,
}

/// Rows of a store in scratch that somebody takes.
#[derive(Debug)]
struct Behind {
    store: Arc<Spilled>,
    columns: Arc<[usize]>,
    taker: usize,
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

    /// Takes rows in whose store is in scratch, to be read back before the sink is drained ([`read_back`]).
    ///
    /// # Errors
    /// A fault of ours.
    pub fn wait(&self, store: Arc<Spilled>, columns: Arc<[usize]>, taker: usize) -> Result<()> {
        self.state()?.spilled.push(Behind { store, columns, taker });
        Ok(())
    }

    /// The rows that wait for a store, which is back; they wait no more.
    fn back(&self, spilled: &Arc<Spilled>, store: &Arc<Store>) -> Result<Vec<Taken>> {
        let mut state = self.state()?;
        let back = state.spilled.extract_if(.., |behind| Arc::ptr_eq(&behind.store, spilled));
        let taken = |Behind { columns, taker, .. }| Taken { part: Part { store: Arc::clone(store), columns }, taker };
        Ok(back.map(taken).collect())
    }

    /// Takes rows in, and spills them in buckets of rank.
    ///
    /// # Errors
    /// Where scratch cannot be written.
    pub fn spill(&self, taken: &Taken) -> Result<()> {
        let set = taken.ranked(self.ranks.of_project(self.project), None, taken.rows());
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

    /// Gives all rows away by ranges of rank, which rise, each with whether it is the last: as many ranges as it takes for the
    /// order of the rows to fit its room, or the buckets in scratch.
    pub(super) fn drain(self, room: Room<'_>, mut each: impl FnMut(RowSet, bool) -> Result<()>) -> Result<()> {
        let State { memory, spilled, spill } =
            self.state.into_inner().map_err(|_| Error::Internal("a worker failed while it held rows".to_owned()))?;
        if !spilled.is_empty() {
            return Err(Error::Internal("rows in scratch were not read back".to_owned()));
        }
        let ranks = self.ranks.of_project(self.project);
        let rows: Vec<usize> = memory.iter().map(Taken::rows).collect();
        let Some(spill) = spill else {
            // Two picks a row: sorting takes as much again.
            let bytes = rows.iter().sum::<usize>() * 2 * size_of::<Pick>();
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            let share = room.budget.share().max(LEAST_ROOM);
            let beside = if room.turn { room.budget.take_some_back(bytes.saturating_sub(share)) } else { 0 };
            let count = u32::try_from(bytes.div_ceil(share + beside)).unwrap_or(u32::MAX);
            let ranges = Ranges::of(count, self.ranks.people(self.project));
            for number in 0..ranges.count() {
                let range = Some(ranges.get(number)).filter(|_| ranges.count() > 1);
                let mut set = RowSet::default();
                for (taken, rows) in memory.iter().zip(&rows) {
                    let about = rows / usize::try_from(ranges.count()).unwrap_or(1).max(1);
                    set.append(taken.ranked(ranks, range.as_ref(), about))?;
                }
                each(set, number + 1 == ranges.count())?;
            }
            room.budget.give_back(beside);
            return Ok(());
        };
        let mut kept = RowSet::default();
        let mut all = memory.iter().zip(rows);
        all.try_for_each(|(taken, rows)| kept.append(taken.ranked(ranks, None, rows)))?;
        for bucket in 0..spill.ranges().count() {
            let mut set = spill.read(bucket)?;
            set.append(kept.within(&spill.ranges().get(bucket)))?;
            each(set, bucket + 1 == spill.ranges().count())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fill::StoreBuilder;
    use super::super::spilled::spill;
    use super::super::store::{Column, Value};
    use super::*;
    use crate::cohort::ranked;
    use crate::files::ScratchFile;
    use crate::vocab::{Marks, Silent};
    use arrow::array::{ArrayRef, Int32Array, StringViewArray};

    /// Rows of a few thousand people, three of four of them taken.
    fn store() -> Store {
        let columns: Vec<ArrayRef> = vec![
            Arc::new((0..90_000).map(|row| Some(format!("text {}", row % 700))).collect::<StringViewArray>()),
            Arc::new((0..90_000).map(|row| (row % 5 > 0).then_some(row)).collect::<Int32Array>()),
        ];
        let persons: Vec<u32> = (0..90_000).map(|row| row * 7 % 5_000).collect();
        let mut takers = Marks::new(persons.len(), 9);
        (0..persons.len()).filter(|row| row % 4 != 2).for_each(|row| takers.mark(row, 8));
        let mut builder = StoreBuilder::default();
        builder.append(persons.len(), &columns, None).unwrap();
        builder.append_people(&persons, &takers, &(0..90_000).collect::<Vec<_>>());
        builder.finish()
    }

    #[test]
    fn rows_are_the_same_in_memory_and_in_buckets() {
        let folder = tempfile::tempdir().unwrap();
        let (_, ranks) = ranked(5_000, |rank| rank * 11 % 5_000);
        let rows = |room: bool, of_memory: bool, (budget, turn): (Budget, bool)| {
            let sink = Sink::new(folder.path().join(format!("buckets {room}")), 3, Arc::clone(&ranks), 0);
            let file = ScratchFile::new(folder.path().join(format!("rows {room}")));
            for _ in 0..2 {
                let columns: Arc<[usize]> = Arc::new([1, 0]);
                if of_memory {
                    sink.keep(Taken { part: Part { store: Arc::new(store()), columns }, taker: 8 }).unwrap();
                } else {
                    sink.wait(Arc::new(spill(store(), &file).unwrap()), columns, 8).unwrap();
                }
            }
            let waiting = spilled(&[&sink]).unwrap();
            assert_eq!(waiting.len(), if of_memory { 0 } else { 2 });
            read_back(&[&sink], &waiting, room, &Silent).unwrap();
            assert!(spilled(&[&sink]).unwrap().is_empty());
            let mut cells: Vec<(u32, Vec<Option<Vec<u8>>>)> = Vec::new();
            let mut drained = 0;
            sink.drain(Room { budget: &budget, turn }, |mut set: RowSet, _| {
                drained += 1;
                set.sort()?;
                let columns: Vec<Vec<&Column>> = (0..set.width()).map(|i| set.columns(i).unwrap()).collect();
                for pick in set.picks() {
                    let (part, row) = set.locate(pick.row);
                    let cell = |column: &Vec<&Column>| match column[part].value(row) {
                        Value::Missing => None,
                        Value::Word(word) => Some(word.to_le_bytes().to_vec()),
                        Value::String(text) => Some(text.to_vec()),
                    };
                    cells.push((pick.rank, columns.iter().map(cell).collect()));
                }
                Ok(())
            })
            .unwrap();
            assert_eq!(drained, if room && budget.share() > LEAST_ROOM { 1 } else { 3 });
            cells
        };
        let (wide, narrow) = (|| (Budget::of(u64::MAX, 1), false), || (Budget::of(0, 1), true));
        let all = rows(true, true, wide());
        assert!(all.len() > 90_000 && all.is_sorted_by_key(|(rank, _)| *rank));
        assert!(rows(true, false, wide()) == all);
        assert!(rows(true, false, narrow()) == all);
        assert!(rows(false, false, narrow()) == all);
    }
}
