//! One scan an element, shared by all projects: rows fan out to each project's tables, which are written as soon as
//! their last rows have come.
//!
//! As many units are read at a time as there are threads. The units of a group feed the same tables; whoever reads the
//! last of them starts the writing, each table a task of its own, so that no core idles.

mod buckets;
mod group;
mod held;
mod ledger;
mod tables;
mod unit;

pub use group::Extracted;
pub(crate) use held::Held;
pub(crate) use unit::Holding;

use crate::cohort::Cohort;
use crate::engine::Engine;
use crate::files::Disk;
use crate::keys::MasterKey;
use crate::link::{Joined, Members};
use crate::plan::Plan;
use crate::vocab::{Error, Event, Result};
use group::{Group, Shared};
use ledger::Ledger;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Gives the recipe digest of a table: by project and path below `data/`.
pub type RecipeOf = Arc<dyn Fn(usize, &str) -> String + Send + Sync>;

/// What is extracted, from what, to where.
pub struct Request {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Who is whom.
    pub members: Arc<Members>,
    /// Each project's cohort; `None` for projects that are out.
    pub cohorts: Arc<Vec<Option<Cohort>>>,
    /// Each project's `data/` folder.
    pub data: Vec<PathBuf>,
    /// Scratch space.
    pub scratch: PathBuf,
    /// What brings tables to the disk.
    pub disk: Arc<Disk>,
    /// Each table's recipe digest, by project and path.
    pub recipe: RecipeOf,
}

/// Extracts all tables of all projects.
///
/// # Errors
/// Where the run as a whole cannot go on; faults of single sources are findings of the projects that read them.
pub fn extract(engine: &Engine, key: &MasterKey, request: Request) -> Result<Extracted> {
    let plan = Arc::clone(&request.plan);
    let shared = Arc::new(Shared::new(request, engine));
    let gate = Arc::new(Semaphore::new(engine.threads()));
    let outcome: Result<()> = engine.block_on(async {
        let mut work = tokio::task::JoinSet::new();
        for (index, scan) in plan.release.iter().enumerate() {
            let joined = Arc::new(Joined::new(engine, key, shared.members(), scan)?);
            let ledger = Arc::new(Ledger::new(&shared, index, engine));
            for group in Group::of(&shared, index, scan) {
                let group = Arc::new(group);
                for unit in group.units() {
                    let (gate, shared, joined) = (Arc::clone(&gate), Arc::clone(&shared), Arc::clone(&joined));
                    let (ledger, group) = (Arc::clone(&ledger), Arc::clone(&group));
                    work.spawn(async move {
                        let permit = gate.acquire().await;
                        ledger.begin(shared.observer(), joined.scan());
                        let guarded = std::panic::AssertUnwindSafe(unit::read(&shared, &joined, &ledger, &group, unit));
                        let read = futures::FutureExt::catch_unwind(guarded).await;
                        // A decoder may panic on a corrupt page: that is a fault of the source.
                        let read = read.unwrap_or_else(|_| Err(joined.corrupt(unit)));
                        if let Err(fault) = read {
                            group.fail(fault);
                        }
                        if group.done() {
                            tables::finish(&shared, &joined, &ledger, &group, permit).await?;
                        }
                        ledger.end(shared.observer(), joined.scan());
                        Ok::<(), Error>(())
                    });
                }
            }
        }
        while let Some(done) = work.join_next().await {
            done.map_err(|_| Error::Internal("a worker was lost".to_owned()))??;
        }
        Ok(())
    });
    if engine.observer().interrupted() {
        return Err(Error::Interrupted);
    }
    outcome?;
    engine.observer().on(Event::Step("linked tables"));
    let shared = Arc::into_inner(shared).ok_or_else(|| Error::Internal("a worker still runs".to_owned()))?;
    shared.conclude()
}
