//! Groups of units that feed the same tables; what all workers share; and the linked tables, which are written last.

use super::Request;
use super::buckets::{buckets, rows};
use crate::cohort::{Cohort, Ranks};
use crate::engine::Budget;
use crate::files::{Disk, ScratchFile};
use crate::link::{Members, UnitFault};
use crate::plan::{ElementScan, Plan, Purpose};
use crate::vocab::{Error, ExitCode, Finding, Findings, Observer, Result, Slice, SliceAccount, TableRecord, safe_text};
use crate::write::{Encoders, FansOut, LinkedJob, Room, Sink, linked};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What was extracted: for each project of the plan its tables and accounts, and who is out and why.
#[derive(Debug, Default)]
pub struct Extracted {
    /// Tables, by project.
    pub tables: Vec<Vec<TableRecord>>,
    /// Accounts, by project.
    pub slices: Vec<Vec<SliceAccount>>,
    /// Projects that cannot be published.
    pub out: BTreeSet<usize>,
    /// Why.
    pub findings: Findings,
}

/// The sinks of a linked table.
struct LinkedSinks {
    base: Arc<Sink>,
    joins: Vec<Arc<Sink>>,
}

/// What all workers share.
pub(super) struct Shared {
    request: Request,
    ranks: Arc<Ranks>,
    budget: Budget,
    memory: u64,
    observer: Arc<dyn Observer>,
    linked: BTreeMap<(usize, usize), LinkedSinks>,
    encoders: Encoders,
    turn: tokio::sync::Mutex<()>,
    extracted: Mutex<Extracted>,
    lost: Mutex<Option<Error>>,
}

impl Shared {
    pub(super) fn new(request: Request, engine: &crate::engine::Engine) -> Self {
        let mut sinks = BTreeMap::new();
        let cohorts = request.cohorts.iter().flatten();
        let ranks = Arc::new(Ranks::of(request.cohorts.iter().map(Option::as_ref), request.members.len()));
        let held = request.members.bytes() + ranks.bytes() + cohorts.map(Cohort::bytes).sum::<u64>();
        for (project, planned) in request.plan.projects.iter().enumerate() {
            for (index, of) in planned.linked.iter().enumerate() {
                let sink = |role: String, feeds: &dyn Fn(&Purpose) -> bool| {
                    let wants = request.plan.release.iter().flat_map(|s| s.wants.iter().map(move |w| (s, w)));
                    let rows: u64 = wants.filter(|(_, w)| feeds(&w.purpose)).map(|(s, w)| rows(s, w, None)).sum();
                    let file = request.scratch.join(format!("linked-{project}-{index}-{role}.arrow"));
                    Arc::new(Sink::new(file, buckets(rows, &of.layout.columns, engine), Arc::clone(&ranks), project))
                };
                let base = sink("base".to_owned(), &|purpose| match purpose {
                    Purpose::Table { project: of, bases } => *of == project && bases.contains(&index),
                    _ => false,
                });
                let join = |number| {
                    let mine = Purpose::Join { project, linked: index, join: number };
                    sink(format!("join{number}"), &|purpose| *purpose == mine)
                };
                let joins = (0..of.join_columns.len()).map(join).collect();
                sinks.insert((project, index), LinkedSinks { base, joins });
            }
        }
        let projects = request.plan.projects.len();
        let extracted = Extracted {
            tables: vec![Vec::new(); projects],
            slices: vec![Vec::new(); projects],
            ..Extracted::default()
        };
        Self {
            request,
            ranks,
            budget: engine.budget(held),
            memory: engine.memory(),
            observer: Arc::clone(engine.observer()),
            linked: sinks,
            encoders: Encoders::default(),
            turn: tokio::sync::Mutex::default(),
            extracted: Mutex::new(extracted),
            lost: Mutex::default(),
        }
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.request.plan
    }

    pub(super) fn members(&self) -> &Members {
        &self.request.members
    }

    pub(super) fn ranks(&self) -> &Arc<Ranks> {
        &self.ranks
    }

    pub(super) fn cohort(&self, project: usize) -> Option<&Cohort> {
        self.request.cohorts.get(project)?.as_ref()
    }

    pub(super) fn scratch(&self) -> &Path {
        &self.request.scratch
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn observer(&self) -> &dyn Observer {
        self.observer.as_ref()
    }

    /// The sink of a linked table's base (`None`) or of one of its joins.
    pub(super) fn linked(&self, project: usize, index: usize, join: Option<usize>) -> Option<Arc<Sink>> {
        let sinks = self.linked.get(&(project, index))?;
        match join {
            None => Some(Arc::clone(&sinks.base)),
            Some(join) => sinks.joins.get(join).map(Arc::clone),
        }
    }

    /// Remembers an error that ends the run: the first counts.
    pub(super) fn fail(&self, error: Error) {
        if let Ok(mut lost) = self.lost.lock() {
            lost.get_or_insert(error);
        }
    }

    /// Whose turn it is to bring rows back from scratch.
    pub(super) fn turn(&self) -> &tokio::sync::Mutex<()> {
        &self.turn
    }

    /// Whether the run ends with an error.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.lock().is_ok_and(|lost| lost.is_some())
    }

    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    /// A project's `data/` folder.
    pub(super) fn data(&self, project: usize) -> Option<&PathBuf> {
        self.request.data.get(project)
    }

    /// The recipe digest of a project's table.
    pub(super) fn recipe(&self, project: usize, path: &str) -> String {
        (self.request.recipe)(project, path)
    }

    pub(super) fn encoders(&self) -> &Encoders {
        &self.encoders
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.request.disk
    }

    /// Changes what was extracted.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Extracted) -> T) -> Result<T> {
        let mut extracted =
            self.extracted.lock().map_err(|_| Error::Internal("a worker failed while it held results".to_owned()))?;
        Ok(change(&mut extracted))
    }

    /// Writes the linked tables, and gives everything away.
    pub(super) fn conclude(self) -> Result<Extracted> {
        if let Some(error) = self.lost.into_inner().ok().flatten() {
            return Err(error);
        }
        let mut extracted = self
            .extracted
            .into_inner()
            .map_err(|_| Error::Internal("a worker failed while it held results".to_owned()))?;
        let alone =
            |sink: Arc<Sink>| Arc::into_inner(sink).ok_or_else(|| Error::Internal("a sink is still in use".to_owned()));
        for ((project, index), sinks) in self.linked {
            let Some(planned) = self.request.plan.projects.get(project) else { continue };
            let (Some(of), Some(cohort), Some(data)) = (
                planned.linked.get(index),
                self.request.cohorts.get(project).and_then(Option::as_ref),
                self.request.data.get(project),
            ) else {
                continue;
            };
            if extracted.out.contains(&project) {
                continue;
            }
            let recipe = (self.request.recipe)(project, &of.path());
            let observer = self.observer.as_ref();
            let job = LinkedJob {
                plan: of,
                data: data.clone(),
                ids: cohort.ids(),
                recipe,
                encoders: &self.encoders,
                disk: &self.request.disk,
                // All others are written.
                room: Room { budget: &self.budget, turn: true },
                observer,
            };
            let joins = sinks.joins.into_iter().map(alone).collect::<Result<_>>()?;
            match linked(&job, alone(sinks.base)?, joins)? {
                Ok(record) => {
                    if let Some(tables) = extracted.tables.get_mut(project) {
                        tables.push(record);
                    }
                }
                Err(fans_out) => {
                    extracted.out.insert(project);
                    extracted.findings.push(fans_out_finding(planned.approved.spec(), index, fans_out));
                }
            }
        }
        Ok(extracted)
    }
}

fn fans_out_finding(spec: &crate::spec::Spec, index: usize, fans_out: FansOut) -> Finding {
    let linked = spec.linked.get(index);
    let name = linked.map_or("", |l| l.name.as_str());
    let element =
        linked.and_then(|l| l.joins.get(fans_out.join)).map_or_else(String::new, |j| j.rows.element.to_string());
    Finding::error(
        "join-fans-out",
        spec.at.clone(),
        format!(
            "the linked table {name} joins {element}, which has more than one row for {} people",
            safe_text(fans_out.people)
        ),
    )
    .help("narrow the join by years, terms or `where` until at most one row a person is left")
    .exit(ExitCode::Refused)
    .project(spec.project.id.as_str())
}

/// Units that feed the same tables.
pub(super) struct Group {
    number: usize,
    slice: Option<Slice>,
    units: Vec<usize>,
    left: AtomicUsize,
    waiting: AtomicU64,
    faults: Mutex<Vec<UnitFault>>,
    file: Arc<ScratchFile>,
}

impl Group {
    /// The groups of a scan, by its index, in the order of its units.
    pub(super) fn of(shared: &Shared, index: usize, scan: &ElementScan) -> Vec<Self> {
        let file = |group| ScratchFile::new(shared.scratch().join(format!("{index}-{group}.rows")));
        let mut groups: Vec<Self> = Vec::new();
        for (number, unit) in scan.units.iter().enumerate() {
            match groups.last_mut() {
                Some(group) if group.number == unit.group => group.units.push(number),
                _ => groups.push(Self {
                    number: unit.group,
                    slice: unit.slice,
                    units: vec![number],
                    left: AtomicUsize::new(0),
                    waiting: AtomicU64::new(0),
                    faults: Mutex::default(),
                    file: file(unit.group),
                }),
            }
        }
        for group in &groups {
            group.left.store(group.units.len(), Ordering::Relaxed);
        }
        groups
    }

    /// Counts bytes in that wait in memory until its tables are written.
    pub(super) fn wait(&self, bytes: u64) {
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The bytes that wait.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn slice(&self) -> Option<Slice> {
        self.slice
    }

    /// Where rows of it wait that have no room in memory.
    pub(super) fn file(&self) -> &Arc<ScratchFile> {
        &self.file
    }

    /// Why units failed.
    pub(super) fn faults(&self) -> Vec<UnitFault> {
        self.faults.lock().map(|faults| faults.clone()).unwrap_or_default()
    }

    /// Its first unit.
    pub(super) fn first(&self) -> usize {
        self.units.first().copied().unwrap_or(0)
    }

    /// Its units.
    pub(super) fn units(&self) -> Vec<usize> {
        self.units.clone()
    }

    /// Remembers why a unit failed.
    pub(super) fn fail(&self, fault: UnitFault) {
        if let Ok(mut faults) = self.faults.lock() {
            faults.push(fault);
        }
    }

    /// Counts a unit off; true for the last.
    pub(super) fn done(&self) -> bool {
        self.left.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
