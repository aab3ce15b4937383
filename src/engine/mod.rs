//! The DataFusion session: memory, threads, Parquet scans, joins; and engine errors turned into ours without their text.

mod fault;
mod join;
mod scan;
#[cfg(test)]
mod tests_store;

pub use fault::{Fault, ValueFault};
pub use join::{AllKnown, Known, Partners, join};
pub use scan::{scan, sound};

use crate::vocab::{Error, Observer, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::{Arc, Mutex};

/// Rows of a batch: large enough that work by the batch is cheap by the row, small enough for the caches.
pub const BATCH_ROWS: usize = 16 * 1024;

/// The engine of one run.
pub struct Engine {
    runtime: tokio::runtime::Runtime,
    session: SessionContext,
    threads: usize,
    memory: u64,
    observer: Arc<dyn Observer>,
}

impl Engine {
    /// An engine of `threads` threads that holds at most about `memory` bytes. It writes nothing to the disk: what has no room
    /// is spilled by `write`.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn new(threads: usize, memory: u64, observer: Arc<dyn Observer>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .max_blocking_threads(threads.max(1) * 2)
            .thread_name("leo")
            .enable_all()
            .build()
            .map_err(|_| Error::Internal("the system gives no threads".to_owned()))?;
        let pool = usize::try_from(memory).unwrap_or(usize::MAX);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(pool)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .build_arc()
            .map_err(|_| Error::Internal("the engine's environment cannot be set up".to_owned()))?;
        #[cfg(test)]
        environment.register_object_store(
            datafusion::execution::object_store::ObjectStoreUrl::local_filesystem().as_ref(),
            Arc::new(tests_store::FaultyStore::new()),
        );
        let mut config = SessionConfig::new().with_batch_size(BATCH_ROWS).with_target_partitions(threads.max(1));
        let options = config.options_mut();
        // One partition a unit, read by one worker from first row to last; nothing may move rows between them.
        options.optimizer.repartition_file_scans = false;
        options.optimizer.repartition_joins = false;
        options.optimizer.enable_round_robin_repartition = false;
        // Join dynamic filters wait for every partition to report: with fewer polled than there are, they hang.
        options.optimizer.enable_dynamic_filter_pushdown = false;
        let session = SessionContext::new_with_config_rt(config, environment);
        Ok(Self { runtime, session, threads: threads.max(1), memory, observer })
    }

    /// How many threads work.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The bytes that all rooms together may hold.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory
    }

    /// The context in which plans run.
    #[must_use]
    pub fn task(&self) -> Arc<TaskContext> {
        self.session.task_ctx()
    }

    /// Runs a future to its end on the engine's threads.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// A handle to start tasks with.
    #[must_use]
    pub fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }

    /// Who is told what happens.
    #[must_use]
    pub fn observer(&self) -> &Arc<dyn Observer> {
        &self.observer
    }

    /// The budget for rows that are held in memory: of what is allowed beyond `taken`, the bytes that are held through the whole
    /// run, all but what workers need for decoding and encoding, and at least half; at least an eighth of what is allowed.
    #[must_use]
    pub fn budget(&self, taken: u64) -> Budget {
        let threads = u64::try_from(self.threads).unwrap_or(1);
        Budget::of(for_rows(self.memory, taken, threads), threads)
    }
}

/// The bytes that a worker needs beside the rows that are held: batches and pages on their way in and out, and what the allocator
/// keeps of those that were. Measured over the tables of the race.
const WORK: u64 = 384 << 20;

/// What of the memory is for rows ([`Engine::budget`]).
fn for_rows(memory: u64, taken: u64, threads: u64) -> u64 {
    let left = memory.saturating_sub(taken);
    left.saturating_sub(threads.saturating_mul(WORK)).max(left / 2).max(memory / 8)
}

/// The bytes that retained rows may take: a third of them for rows that wait to be written; those, where nothing waits, and half
/// beside for rows that are back from scratch; and a sixth for rows that are being read.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    share: u64,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    waiting: u64,
    back: u64,
}

impl Budget {
    /// A budget of so many bytes, of which so many workers read rows.
    #[must_use]
    pub fn of(limit: u64, workers: u64) -> Self {
        Self { limit, share: limit / 6 / workers.max(1), used: Mutex::default() }
    }

    /// The bytes that one worker may hold while it reads.
    #[must_use]
    pub fn share(&self) -> u64 {
        self.share
    }

    /// Counts bytes in that are to wait, if there is room for them.
    #[must_use]
    pub fn take(&self, bytes: u64) -> bool {
        self.change(|used, limit| {
            used.waiting = used.waiting.checked_add(bytes)?;
            (used.waiting <= limit / 3).then_some(())
        })
    }

    /// Counts bytes in that come back from scratch, if there is room for them.
    #[must_use]
    pub fn take_back(&self, bytes: u64) -> bool {
        self.change(|used, _| {
            used.back = used.back.checked_add(bytes)?;
            Some(())
        })
    }

    /// Counts bytes in as if they came back from scratch: so many, or half of what there is room for beside all that may wait.
    /// Returns how many.
    #[must_use]
    pub fn take_some_back(&self, most: u64) -> u64 {
        let Ok(mut used) = self.used.lock() else { return 0 };
        let room = self.most().saturating_sub(used.waiting.max(self.limit / 3)).saturating_sub(used.back);
        let some = most.min(room / 2);
        used.back += some;
        some
    }

    /// The bytes that may wait and be back together: all but what is for rows that are being read.
    fn most(&self) -> u64 {
        self.limit / 6 * 5
    }

    /// Changes what is used, if all of it has room then.
    fn change(&self, change: impl FnOnce(&mut Used, u64) -> Option<()>) -> bool {
        let Ok(mut used) = self.used.lock() else { return false };
        let mut then = Used { ..*used };
        let fits = change(&mut then, self.limit).is_some()
            && then.waiting.checked_add(then.back).is_some_and(|all| all <= self.most());
        if fits {
            *used = then;
        }
        fits
    }

    /// Counts bytes out that waited.
    pub fn give(&self, bytes: u64) {
        if let Ok(mut used) = self.used.lock() {
            used.waiting = used.waiting.saturating_sub(bytes);
        }
    }

    /// Counts bytes out that were back from scratch.
    pub fn give_back(&self, bytes: u64) {
        if let Ok(mut used) = self.used.lock() {
            used.back = used.back.saturating_sub(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, WORK, for_rows};

    #[test]
    fn workers_keep_what_they_need_and_rows_at_least_half() {
        assert_eq!(for_rows(10 * WORK, 2 * WORK, 2), 6 * WORK);
        assert_eq!(for_rows(10 * WORK, 2 * WORK, 6), 4 * WORK);
        assert_eq!(for_rows(8 * WORK, 7 * WORK, 2), WORK);
        assert_eq!(for_rows(8 * WORK, 9 * WORK, u64::MAX), WORK);
        assert_eq!(for_rows(u64::MAX, 0, 0), u64::MAX);
    }

    #[test]
    fn what_waits_leaves_room_for_what_comes_back() {
        let budget = Budget::of(600, 2);
        assert_eq!(budget.share(), 50);
        assert!(budget.take(200) && !budget.take(1) && !budget.take(u64::MAX));
        assert!(budget.take_back(300) && !budget.take_back(1) && !budget.take_back(u64::MAX));
        budget.give(200);
        assert!(budget.take_back(200) && !budget.take(1));
        budget.give_back(500);
        // What may wait has its third, whether it waits yet or not.
        assert!(budget.take_back(100));
        assert_eq!([30, 1_000, 1_000].map(|most| budget.take_some_back(most)), [30, 85, 42]);
        assert!(budget.take(200) && !budget.take(1));
        budget.give(200);
        budget.give_back(157);
        assert!(budget.take_back(400) && !budget.take_back(1));
    }
}
