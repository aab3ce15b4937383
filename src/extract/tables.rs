//! The tables of a group whose last unit was read.

use super::group::{Group, Shared};
use super::ledger::Ledger;
use crate::link::Joined;
use crate::plan::{Purpose, Want};
use crate::vocab::{ElementName, Error, Findings, Result, Slice, SliceAccount};
use crate::write::{Room, Sink, SinkKey, TableJob, read_back, spilled, table, unite};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// A project's table, whose rows have all come.
struct Ready {
    key: SinkKey,
    project: usize,
    sink: Sink,
}

/// Accounts for a group's rows and writes its tables. What waits in scratch comes back a slice at a time, for one group after
/// the other; who waits for its turn gives its `place` among the workers to whoever reads on, and needs none later.
pub(super) async fn finish<P>(
    shared: &Arc<Shared>,
    joined: &Joined,
    ledger: &Ledger,
    group: &Group,
    place: P,
) -> Result<()> {
    if shared.is_lost() {
        return Ok(());
    }
    let projects = account(shared, joined, ledger, group)?;
    // Where the year stands in a column, the rows of each year are apart.
    let mut slices: BTreeMap<Option<Slice>, Vec<Ready>> = BTreeMap::new();
    for key in ledger.keys(group.slice()) {
        if let (Some(sink), Some(project)) = (ledger.take(key), projects.get(&key.want)) {
            slices.entry(key.slice).or_default().push(Ready { key, project: *project, sink });
        }
    }
    let in_scratch = group.file().is_begun();
    let mut writing = Writing::of(shared, joined, in_scratch);
    if in_scratch {
        let (_turn, _place) = match shared.turn().try_lock() {
            Ok(turn) => (turn, Some(place)),
            Err(_) => {
                drop(place);
                (shared.turn().lock().await, None)
            }
        };
        for slice in slices.into_values() {
            writing.begin(vec![slice]).await?;
        }
        writing.end().await?;
    } else {
        writing.begin(slices.into_values().collect()).await?;
        writing.end().await?;
    }
    // What waited for them waits no more.
    shared.budget().give(group.waiting());
    Ok(())
}

/// Accounts for the rows of a group, or for the faults that were met: the project of each want that is to have a table.
fn account(shared: &Shared, joined: &Joined, ledger: &Ledger, group: &Group) -> Result<BTreeMap<usize, usize>> {
    let scan = joined.scan();
    let mut findings = Findings::new();
    for fault in group.faults() {
        let finding = fault.into_finding(shared.memory())?;
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    let mut projects = BTreeMap::new();
    shared.with(|all| {
        for (index, want) in scan.units.get(group.first()).into_iter().flat_map(|unit| joined.wants(unit)) {
            let (project, is_table) = match want.purpose {
                Purpose::Table { project, .. } => (project, true),
                Purpose::Join { project, .. } => (project, false),
                Purpose::Set(_) => continue,
            };
            if !findings.is_empty() {
                all.out.insert(project);
                let id = shared.plan().projects.get(project).map(|p| p.id().to_string()).unwrap_or_default();
                all.findings.extend(findings.iter().map(|f| f.clone().project(id.clone())));
            } else if is_table && shared.cohort(project).is_some() {
                let fates = ledger.fates(index, group.slice());
                let element = scan.element.name.clone();
                if let Some(slices) = all.slices.get_mut(project) {
                    slices.push(SliceAccount { element, slice: group.slice(), fates });
                }
                projects.insert(index, project);
            }
        }
    })?;
    Ok(projects)
}

/// Tables of one element that are being written, each by a task of its own.
struct Writing<'a> {
    shared: &'a Arc<Shared>,
    element: &'a ElementName,
    /// Whether linked tables hold what is united as it was.
    held: bool,
    /// Whether it is the group's turn to bring rows back from scratch.
    turn: bool,
    work: JoinSet<Result<()>>,
    /// Bytes to be given back when all are written: of rows that came back from scratch, and of what was united.
    back: u64,
    united: u64,
}

impl<'a> Writing<'a> {
    fn of(shared: &'a Arc<Shared>, joined: &'a Joined, turn: bool) -> Self {
        let held = |want: &Want| matches!(&want.purpose, Purpose::Table { bases, .. } if !bases.is_empty());
        let held = joined.scan().wants.iter().any(held);
        Self { shared, element: &joined.scan().element.name, held, turn, work: JoinSet::new(), back: 0, united: 0 }
    }

    /// Begins to write the tables of some slices. What of them is in scratch comes back to memory; where there is no room, when
    /// the tables before are written; else in buckets of rank.
    async fn begin(&mut self, slices: Vec<Vec<Ready>>) -> Result<()> {
        let budget = self.shared.budget();
        let sinks: Vec<Vec<&Sink>> =
            slices.iter().map(|slice| slice.iter().map(|ready| &ready.sink).collect()).collect();
        for sinks in &sinks {
            let stores = spilled(sinks)?;
            let bytes = stores.iter().map(|store| store.bytes()).sum();
            let mut room = budget.take_back(bytes);
            if !room {
                self.end().await?;
                room = budget.take_back(bytes);
            }
            self.back += if room { bytes } else { 0 };
            read_back(sinks, &stores, room, self.shared.observer())?;
        }
        self.united += unite(&sinks, budget, self.held, self.shared.observer())?;
        for ready in slices.into_iter().flatten() {
            let (shared, element, turn) = (Arc::clone(self.shared), self.element.clone(), self.turn);
            self.work.spawn(async move { write(&shared, &element, ready, turn) });
        }
        Ok(())
    }

    /// Waits until all are written.
    async fn end(&mut self) -> Result<()> {
        while let Some(done) = self.work.join_next().await {
            done.map_err(|_| Error::Internal("a writer was lost".to_owned()))??;
        }
        self.shared.budget().give_back(std::mem::take(&mut self.back));
        self.shared.budget().give(std::mem::take(&mut self.united));
        Ok(())
    }
}

/// Writes a table, whose group may have the `turn` to bring rows back from scratch.
fn write(shared: &Shared, element: &ElementName, Ready { key, project, sink }: Ready, turn: bool) -> Result<()> {
    let (Some(planned), Some(cohort), Some(data)) =
        (shared.plan().projects.get(project), shared.cohort(project), shared.data(project))
    else {
        return Ok(());
    };
    let Some(plan) = planned.tables.iter().find(|t| t.element == *element && t.slice == key.slice) else {
        return Ok(());
    };
    let job = TableJob {
        plan,
        data: data.clone(),
        ids: cohort.ids(),
        recipe: shared.recipe(project, &plan.path()),
        encoders: shared.encoders(),
        disk: shared.disk(),
        room: Room { budget: shared.budget(), turn },
        observer: shared.observer(),
    };
    let record = table(&job, sink)?;
    shared.with(|all| {
        if let Some(tables) = all.tables.get_mut(project) {
            tables.push(record);
        }
    })
}
