//! The DataFusion session: memory, threads, Parquet scans, joins; and engine errors turned into ours without their text.

mod fault;
mod join;
mod scan;
#[cfg(test)]
mod tests_store;

pub use fault::{Fault, ValueFault};
pub use join::{Partners, join};
pub use scan::{scan, sound};

use crate::vocab::{Error, Observer, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

    /// The budget for rows that are held in memory: half of what is allowed beyond `taken`, the bytes that are held
    /// through the whole run; at least an eighth of what is allowed.
    #[must_use]
    pub fn budget(&self, taken: u64) -> Budget {
        let limit = (self.memory.saturating_sub(taken) / 2).max(self.memory / 8);
        let threads = u64::try_from(self.threads).unwrap_or(1);
        Budget { waiting: Room::of(limit / 3), back: Room::of(limit / 2), share: limit / 6 / threads }
    }
}

/// The bytes that retained rows may take: a third for rows that wait to be written, half for those that are read back from
/// scratch, and a sixth for those that are being read.
#[derive(Debug)]
pub struct Budget {
    /// For rows that wait in memory until all of their tables have come.
    pub waiting: Room,
    /// For rows that are back from scratch, of tables that are being written.
    pub back: Room,
    share: u64,
}

impl Budget {
    /// The bytes that one worker may hold while it reads.
    #[must_use]
    pub fn share(&self) -> u64 {
        self.share
    }
}

/// Bytes that may be taken, by any number of workers.
#[derive(Debug)]
pub struct Room {
    limit: u64,
    used: AtomicU64,
}

impl Room {
    /// Room for so many bytes.
    #[must_use]
    pub fn of(limit: u64) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// Counts bytes in, if there is room for them.
    #[must_use]
    pub fn take(&self, bytes: u64) -> bool {
        let room = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    /// Counts bytes out.
    pub fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
