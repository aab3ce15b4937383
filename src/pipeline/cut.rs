//! From a plan to staged, verified, published extracts: who, which rows, which files.

use super::digests::{self, Digests};
use super::ending::Ending;
use super::people::{People, Settling};
use super::recipe::of_extract;
use super::standing::{self, All};
use super::{Built, Settings};
use crate::catalogue::Catalogue;
use crate::engine::Engine;
use crate::extract::{Request, extract};
use crate::files::{Disk, Staging, operation};
use crate::keys::{Keyring, MasterKey};
use crate::plan::{Plan, ProjectPlan, of_project};
use crate::publish::{MANIFEST, Manifest, Publication, RunFacts, prepare, seal};
use crate::spec::Spec;
use crate::verify::{self, Against, Verdict};
use crate::vocab::{Error, Event, Finding, Findings, LinkAccount, Place, ProjectAccount, Result, SourceRecord};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Everything staged, with all that was counted.
pub(super) struct Cut {
    plan: Arc<Plan>,
    told: Vec<Told>,
    staged: Vec<PathBuf>,
    disk: Arc<Disk>,
    accounts: Vec<Option<ProjectAccount>>,
    links: Vec<LinkAccount>,
    sources: BTreeMap<String, SourceRecord>,
    exclusions: u64,
    timings: Vec<(String, f64)>,
    estimates: serde_json::Value,
    /// Why projects are out.
    pub(super) findings: Findings,
}

/// A project's part of the plan, before anything was taken out of it.
struct Told {
    /// As the record tells it.
    plan: serde_json::Value,
    /// How many of its tables are kept.
    kept: usize,
}

/// What was there before the run.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// What stands of each project.
    pub(super) standing: All,
    /// What is known of the sources.
    pub(super) digests: Digests,
}

impl Before {
    /// What an extracts folder holds of the projects of a plan, as far as the keyring vouches for it.
    pub(super) fn of(extracts: &Path, plan: &Plan, keyring: &Keyring) -> Self {
        let mac = keyring.current().ledger();
        let standing = standing::all(extracts, keyring, plan.projects.iter().map(ProjectPlan::id));
        Self { standing, digests: Digests::remembered(extracts, &|message| mac.tag(message)) }
    }
}

/// Cuts all projects of a plan into the staging folder.
pub(super) fn cut(
    engine: &Engine,
    key: &MasterKey,
    catalogue: &Catalogue,
    mut plan: Plan,
    staging: &Staging,
    before: &mut Before,
) -> Result<Cut> {
    let mut clock = Clock::new();
    let estimates = crate::plan::as_json(&plan, engine.threads()).get("estimate").cloned().unwrap_or_default();
    let settling = Settling { engine, key, catalogue, plan: &plan, staging };
    let (people, kept, recipes) = settling.settle(before, &mut clock)?;
    let People { members, cohorts, links, mut findings } = people;
    let members = Arc::new(members);

    engine.observer().on(Event::Step("extract"));
    let mut staged = Vec::with_capacity(plan.projects.len());
    for project in &plan.projects {
        let folder = staging.project(project.id())?;
        let data = folder.join("data");
        for table in &project.tables {
            operation::make_folder(&data.join(table.element.as_str()))?;
        }
        if !project.linked.is_empty() {
            operation::make_folder(&data.join("linked"))?;
        }
        staged.push(folder);
    }
    findings.extend(kept.findings.iter().cloned());
    let mut taken = Vec::with_capacity(staged.len());
    for (index, folder) in staged.iter().enumerate() {
        taken.push(kept.take_over((&plan, index), &before.standing, &folder.join("data"))?);
    }
    let told = plan.projects.iter().zip(&kept.paths);
    let told = told.map(|(of, kept)| Told { plan: of_project(of), kept: kept.len() }).collect();
    plan.leave_out(&kept.paths);
    let plan = Arc::new(plan);
    let recipes = Arc::new(recipes);
    let cohorts = Arc::new(cohorts);
    let of = Arc::clone(&recipes);
    let request = Request {
        plan: Arc::clone(&plan),
        members: Arc::clone(&members),
        cohorts: Arc::clone(&cohorts),
        data: staged.iter().map(|s| s.join("data")).collect(),
        scratch: staging.scratch().to_path_buf(),
        disk: Arc::clone(staging.disk()),
        recipe: Arc::new(move |project, path: &str| of.of(project, path)),
    };
    let extracted = extract(engine, key, request)?;
    clock.tick("extract");
    findings.extend(extracted.findings.iter().cloned());
    let ending = Ending {
        plan: &plan,
        cohorts: &cohorts,
        members: &members,
        staged: &staged,
        recipes: &recipes,
        engine,
        disk: staging.disk(),
    };
    let accounts = ending.accounts(extracted, taken)?;
    clock.tick("people and digests");
    let exclusions = members.excluded().len();
    let sources = before.digests.records().clone();
    let timings = clock.ticks;
    let disk = Arc::clone(staging.disk());
    Ok(Cut { plan, told, staged, disk, accounts, links, sources, exclusions, timings, estimates, findings })
}

impl Cut {
    /// The projects that are staged whole, by index.
    pub(super) fn ready(&self) -> Vec<usize> {
        (0..self.accounts.len()).filter(|i| self.accounts.get(*i).is_some_and(Option::is_some)).collect()
    }

    pub(super) fn account(&self, project: usize) -> Result<&ProjectAccount> {
        self.accounts
            .get(project)
            .and_then(Option::as_ref)
            .ok_or_else(|| Error::Internal("a project without an account".to_owned()))
    }

    fn spec(&self, project: usize) -> Result<&Spec> {
        self.plan
            .projects
            .get(project)
            .map(|p| p.approved.spec())
            .ok_or_else(|| Error::Internal("no such project".to_owned()))
    }

    /// The staged folder of a project.
    pub(super) fn staged(&self, project: usize) -> Result<&PathBuf> {
        self.staged.get(project).ok_or_else(|| Error::Internal("no such project".to_owned()))
    }

    /// Has the verifier read what was staged.
    pub(super) fn verify(
        &self,
        project: usize,
        catalogue: &Catalogue,
        standing: &All,
        engine: &Engine,
    ) -> Result<Verdict> {
        let spec = self.spec(project)?;
        let sources = self.sources_of(project);
        let against = Against { spec, catalogue, account: Some(self.account(project)?), sources: Some(&sources) };
        let old = standing.get(&spec.project.id).map(|old| (old.folder.join(MANIFEST), &old.record_sha256));
        let before = old.as_ref().map(|(record, sha256)| verify::Before { record, sha256 });
        let beside = (engine.threads(), engine.observer().as_ref());
        let data = self.staged(project)?.join("data");
        let mut verdict = verify::tables_while(&data, &against, before.as_ref(), beside)?;
        for finding in &mut verdict.findings {
            finding.project = Some(spec.project.id.to_string());
        }
        Ok(verdict)
    }

    /// Writes what stands in `data/` beside the tables, as a publication would, and publishes nothing.
    pub(super) fn prepare(
        &self,
        project: usize,
        catalogue: &Catalogue,
        verdict: &Verdict,
        settings: &Settings,
        keyring: &Keyring,
    ) -> Result<()> {
        let run = self.run(settings, Timestamp::now());
        self.with_publication(project, catalogue, (verdict, settings, keyring), &run, prepare)
    }

    /// Has the verifier read what was prepared beside the tables, and holds the record against what was counted.
    pub(super) fn verify_record(&self, project: usize, catalogue: &Catalogue) -> Result<Findings> {
        let (staged, spec, account) = (self.staged(project)?, self.spec(project)?, self.account(project)?);
        let sources = self.sources_of(project);
        let against = Against { spec, catalogue, account: Some(account), sources: Some(&sources) };
        let mut findings = verify::dictionary(&staged.join("data"), &against).findings;
        let record = Manifest::read(staged)?;
        findings.extend(super::account::differs(&record, &against).map(|what| {
            Finding::error("record-differs", Place::file("data/manifest.json"), what)
                .help("the record is not what was counted: build again, and report this as a fault")
                .project(spec.project.id.as_str())
        }));
        Ok(findings)
    }

    /// Publishes a project whose documents are prepared.
    pub(super) fn publish(
        &self,
        project: usize,
        catalogue: &Catalogue,
        verdict: &Verdict,
        settings: &Settings,
        keyring: &Keyring,
        started: (Timestamp, Instant),
    ) -> Result<Built> {
        self.wait_for_disk()?;
        let account = self.account(project)?;
        let mac = keyring.current().ledger();
        let run = self.run(settings, started.0);
        let published =
            self.with_publication(project, catalogue, (verdict, settings, keyring), &run, |publication| {
                seal(publication, &|message| mac.tag(message))
            })?;
        Ok(Built {
            project: account.project.clone(),
            version: published.version,
            path: published.path,
            report: published.report,
            persons: account.attrition.persons,
            tables: u64::try_from(account.tables.len()).unwrap_or(0),
            kept: self.told.get(project).map_or(0, |told| u64::try_from(told.kept).unwrap_or(0)),
            rows: account.tables.iter().map(|t| t.rows).sum(),
            bytes: account.tables.iter().map(|t| t.bytes).sum(),
            seconds: started.1.elapsed().as_secs_f64(),
        })
    }

    /// Waits until all tables are on the disk.
    pub(super) fn wait_for_disk(&self) -> Result<()> {
        self.disk.wait()
    }

    /// What is true of this run only.
    fn run(&self, settings: &Settings, started: Timestamp) -> RunFacts {
        RunFacts {
            started,
            finished: Timestamp::now(),
            host: host(),
            threads: settings.threads,
            memory: settings.memory,
            tool_version: env!("CARGO_PKG_VERSION"),
            as_of: settings.as_of,
            as_of_is_today: settings.as_of_is_today,
            timings: self.timings.clone(),
            estimates: self.estimates.clone(),
        }
    }

    /// Puts a publication together for a call.
    fn with_publication<T>(
        &self,
        project: usize,
        catalogue: &Catalogue,
        (verdict, settings, keyring): (&Verdict, &Settings, &Keyring),
        run: &RunFacts,
        call: impl FnOnce(&Publication<'_>) -> Result<T>,
    ) -> Result<T> {
        let of = self.plan.projects.get(project).ok_or_else(|| Error::Internal("no such project".to_owned()))?;
        let told = self.told.get(project).ok_or_else(|| Error::Internal("no such project".to_owned()))?;
        let (key, sources) = (keyring.current(), self.sources_of(project));
        call(&Publication {
            staged: self.staged(project)?,
            extracts: &settings.config.extracts,
            approved: &of.approved,
            catalogue,
            plan: &told.plan,
            inputs: &of_extract(&of.approved, (&told.plan, &sources), catalogue, settings, keyring),
            account: self.account(project)?,
            links: &self.links,
            sources: &sources,
            exclusions: self.exclusions,
            key_id: key.id(),
            key_fingerprint: key.fingerprint(),
            published_test_key: keyring.is_published_test_key(),
            verdict,
            run,
        })
    }

    /// The source files that a project depends on: its own, the link tables, the exclusions.
    pub(super) fn sources_of(&self, project: usize) -> Vec<SourceRecord> {
        let names = digests::of_project(&self.plan, project);
        names.iter().filter_map(|n| self.sources.get(n)).cloned().collect()
    }
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "unknown".to_owned(), |h| h.trim().to_owned())
}

/// Seconds of each step.
pub(super) struct Clock {
    last: Instant,
    ticks: Vec<(String, f64)>,
}

impl Clock {
    fn new() -> Self {
        Self { last: Instant::now(), ticks: Vec::new() }
    }

    pub(super) fn tick(&mut self, step: &str) {
        self.ticks.push((step.to_owned(), self.last.elapsed().as_secs_f64()));
        self.last = Instant::now();
    }
}
