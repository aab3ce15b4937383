//! From a plan to staged, verified, published extracts: who, which rows, which files.

use super::recipe::Recipes;
use super::{Built, Settings};
use crate::catalogue::Catalogue;
use crate::cohort::{self, Cohort};
use crate::engine::Engine;
use crate::extract::{Request, extract};
use crate::files::{Staging, operation, sha256_file_while};
use crate::keys::{Keyring, MasterKey};
use crate::link::{self, Members};
use crate::plan::{Plan, of_project};
use crate::publish::{Manifest, Publication, RunFacts, prepare, seal, write_twins};
use crate::spec::Spec;
use crate::verify::{self, Against, Verdict};
use crate::vocab::{
    CheckCount, Error, Event, ExitCode, Finding, Findings, Kind, LinkAccount, Place, ProjectAccount, Result,
    SourceRecord, safe_text,
};
use crate::write::persons;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Everything staged, with all that was counted.
pub(super) struct Cut {
    plan: Arc<Plan>,
    staged: Vec<PathBuf>,
    accounts: Vec<Option<ProjectAccount>>,
    links: Vec<LinkAccount>,
    sources: BTreeMap<String, SourceRecord>,
    exclusions: u64,
    timings: Vec<(String, f64)>,
    /// Why projects are out.
    pub(super) findings: Findings,
}

/// Cuts all projects of a plan into the staging folder.
pub(super) fn cut(
    engine: &Engine,
    key: &MasterKey,
    catalogue: &Catalogue,
    plan: Plan,
    staging: &Staging,
) -> Result<Cut> {
    let plan = Arc::new(plan);
    let mut clock = Clock::new();
    // Linking leaves cores idle, which digests can use; of two errors that of the digests is told, whichever came first.
    engine.observer().on(Event::Step("digest and link"));
    let (sources, members) = std::thread::scope(|scope| {
        let sources = scope.spawn(|| digests(&plan, engine));
        let members = link::build(engine, key, &plan);
        (sources.join(), members)
    });
    let sources = sources.map_err(|_| Error::Internal("a digest was lost".to_owned()))??;
    let members = Arc::new(members?);
    clock.tick("digest and link");

    engine.observer().on(Event::Step("cohort"));
    let (mut cohorts, mut findings) = cohort::select(engine, key, &plan, &members)?;
    for (project, cohort) in plan.projects.iter().zip(&mut cohorts) {
        let unmet = cohort.as_ref().map(|c| unmet(project.approved.spec(), c, &members, &plan.kinds));
        if let Some(unmet) = unmet.filter(|u| !u.is_empty()) {
            findings.extend(unmet);
            *cohort = None;
        }
    }
    clock.tick("cohort");

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
    let recipes = Arc::new(Recipes::new(&plan, catalogue, key, &cohorts, &sources));
    let cohorts = Arc::new(cohorts);
    let of = Arc::clone(&recipes);
    let request = Request {
        plan: Arc::clone(&plan),
        members: Arc::clone(&members),
        cohorts: Arc::clone(&cohorts),
        data: staged.iter().map(|s| s.join("data")).collect(),
        scratch: staging.scratch().to_path_buf(),
        recipe: Arc::new(move |project, path: &str| of.of(project, path)),
    };
    let extracted = extract(engine, key, request)?;
    clock.tick("extract");
    findings.extend(extracted.findings);

    let mut accounts = Vec::with_capacity(plan.projects.len());
    let mut rest = extracted.tables.into_iter().zip(extracted.slices);
    for (index, project) in plan.projects.iter().enumerate() {
        let (mut tables, mut slices) = rest.next().unwrap_or_default();
        let cohort = cohorts.get(index).and_then(Option::as_ref).filter(|_| !extracted.out.contains(&index));
        let (Some(cohort), Some(folder)) = (cohort, staged.get(index)) else {
            accounts.push(None);
            continue;
        };
        let flags = flags(cohort, &members, &plan.kinds);
        let recipe = recipes.of(index, "persons.parquet");
        tables.push(persons(&folder.join("data"), cohort.ids(), &flags, recipe, engine.observer().as_ref())?);
        tables.sort_by(|a, b| a.path.cmp(&b.path));
        write_twins(&folder.join("data"), project.approved.spec().output, &tables, engine.observer().as_ref())?;
        slices.sort_by(|a, b| (&a.element, a.slice).cmp(&(&b.element, b.slice)));
        let linked = flags
            .into_iter()
            .map(|(kind, flags)| (kind, u64::try_from(flags.iter().filter(|f| **f).count()).unwrap_or(0)))
            .collect();
        accounts.push(Some(ProjectAccount {
            project: project.id().clone(),
            attrition: cohort.attrition().clone(),
            linked,
            slices,
            tables,
        }));
    }
    let exclusions = members.excluded().len();
    let links = members.accounts().to_vec();
    Ok(Cut { plan, staged, accounts, links, sources, exclusions, timings: clock.ticks, findings })
}

/// For each link kind, by rank: whether the person has an unambiguous identifier.
fn flags(cohort: &Cohort, members: &Members, kinds: &[Kind]) -> Vec<(Kind, Vec<bool>)> {
    kinds
        .iter()
        .map(|kind| {
            let linked = members.linked(kind);
            let flags = cohort.persons().iter().map(|p| linked.is_some_and(|l| l.contains(*p))).collect();
            (kind.clone(), flags)
        })
        .collect()
}

/// What the spec expects of the counts and does not find.
fn unmet(spec: &Spec, cohort: &Cohort, members: &Members, kinds: &[Kind]) -> Findings {
    let mut findings = Findings::new();
    let persons = cohort.attrition().persons;
    let finding = |message: String| {
        Finding::error("expectation-not-met", spec.at.clone(), message)
            .help(
                "find out why the count changed; then correct the sources, or have the spec amended and approved again",
            )
            .exit(ExitCode::Refused)
            .project(spec.project.id.as_str())
    };
    if let Some((low, high)) = spec.expect.persons
        && !(low..=high).contains(&persons)
    {
        let persons = safe_text(persons);
        findings.push(finding(format!("the cohort holds {persons} people; the spec expects {low} to {high}")));
    }
    for (kind, low, high) in &spec.expect.linked {
        let linked = flags(cohort, members, std::slice::from_ref(kind))
            .first()
            .map_or(0, |(_, flags)| flags.iter().filter(|f| **f).count());
        #[expect(clippy::cast_precision_loss, reason = "a share of people")]
        let share = if persons == 0 { 0.0 } else { linked as f64 / persons as f64 };
        if !kinds.contains(kind) || share < *low || share > *high {
            findings.push(finding(format!(
                "{:.0} per cent of the cohort have an identifier of kind {kind}; the spec expects {low} to {high}",
                share * 100.0
            )));
        }
    }
    findings
}

/// The digests of all source files of a plan, read on all threads.
fn digests(plan: &Plan, engine: &Engine) -> Result<BTreeMap<String, SourceRecord>> {
    let mut files: BTreeMap<&str, (&Path, u64)> = BTreeMap::new();
    for unit in plan.selection.iter().chain(&plan.release).flat_map(|s| &s.units) {
        files.insert(&unit.facts.shown, (&unit.facts.path, unit.facts.rows));
    }
    for (facts, _, _) in plan.links.iter().flat_map(|l| &l.files) {
        files.insert(&facts.shown, (&facts.path, facts.rows));
    }
    let files: Vec<(&str, (&Path, u64))> = files.into_iter().collect();
    let exclusions = plan.exclusions.iter().flat_map(|e| e.files.iter().map(|(facts, _)| (e.location.as_str(), facts)));
    let mut files: Vec<(&str, &Path, u64)> = files.into_iter().map(|(n, (p, r))| (n, p, r)).collect();
    files.extend(exclusions.map(|(name, facts)| (name, facts.path.as_path(), facts.rows)));
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::Mutex::new(Vec::with_capacity(files.len()));
    std::thread::scope(|scope| {
        for _ in 0..engine.threads().min(files.len().max(1)) {
            scope.spawn(|| {
                while let Some((name, path, rows)) = files.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    let record = sha256_file_while(path, engine.observer().as_ref())
                        .map(|(bytes, sha256)| SourceRecord { path: (*name).to_owned(), bytes, rows: *rows, sha256 });
                    if let Ok(mut done) = done.lock() {
                        done.push(record);
                    }
                }
            });
        }
    });
    let done = done.into_inner().map_err(|_| Error::Internal("a digest was lost".to_owned()))?;
    done.into_iter().map(|record| record.map(|r| (r.path.clone(), r))).collect()
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
    pub(super) fn verify(&self, project: usize, catalogue: &Catalogue, engine: &Engine) -> Result<Verdict> {
        let spec = self.spec(project)?;
        let sources = self.sources_of(project);
        let against = Against { spec, catalogue, account: Some(self.account(project)?), sources: Some(&sources) };
        let mut verdict = verify::tables_while(
            &self.staged(project)?.join("data"),
            &against,
            engine.threads(),
            engine.observer().as_ref(),
        )?;
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
        checks: &[CheckCount],
        settings: &Settings,
        keyring: &Keyring,
    ) -> Result<()> {
        let run = self.run(settings, Timestamp::now());
        self.with_publication(project, catalogue, (checks, settings, keyring), &run, prepare)
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
        checks: &[CheckCount],
        settings: &Settings,
        keyring: &Keyring,
        started: (Timestamp, Instant),
    ) -> Result<Built> {
        let account = self.account(project)?;
        let mac = keyring.current().ledger();
        let run = self.run(settings, started.0);
        let published =
            self.with_publication(project, catalogue, (checks, settings, keyring), &run, |publication| {
                seal(publication, &|message| mac.tag(message))
            })?;
        Ok(Built {
            project: account.project.clone(),
            version: published.version,
            path: published.path,
            report: published.report,
            persons: account.attrition.persons,
            tables: u64::try_from(account.tables.len()).unwrap_or(0),
            rows: account.tables.iter().map(|t| t.rows).sum(),
            bytes: account.tables.iter().map(|t| t.bytes).sum(),
            seconds: started.1.elapsed().as_secs_f64(),
        })
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
            estimates: crate::plan::as_json(&self.plan, settings.threads).get("estimate").cloned().unwrap_or_default(),
        }
    }

    /// Puts a publication together for a call.
    fn with_publication<T>(
        &self,
        project: usize,
        catalogue: &Catalogue,
        (checks, settings, keyring): (&[CheckCount], &Settings, &Keyring),
        run: &RunFacts,
        call: impl FnOnce(&Publication<'_>) -> Result<T>,
    ) -> Result<T> {
        let of = self.plan.projects.get(project).ok_or_else(|| Error::Internal("no such project".to_owned()))?;
        let (plan, key) = (of_project(of), keyring.current());
        call(&Publication {
            staged: self.staged(project)?,
            extracts: &settings.config.extracts,
            approved: &of.approved,
            catalogue,
            plan: &plan,
            account: self.account(project)?,
            links: &self.links,
            sources: &self.sources_of(project),
            exclusions: self.exclusions,
            key_id: key.id(),
            key_fingerprint: key.fingerprint(),
            published_test_key: keyring.is_published_test_key(),
            checks,
            run,
        })
    }

    /// The source files that a project depends on: its own, the link tables, the exclusions.
    pub(super) fn sources_of(&self, project: usize) -> Vec<SourceRecord> {
        let own = self.plan.projects.get(project).map(|p| &p.sources);
        let links = self.plan.links.iter().flat_map(|l| &l.files).map(|(facts, _, _)| facts.shown.as_str());
        let exclusions = self.plan.exclusions.iter().map(|e| e.location.as_str());
        let mut names: Vec<&str> =
            own.into_iter().flatten().map(String::as_str).chain(links).chain(exclusions).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|n| self.sources.get(n)).cloned().collect()
    }
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "unknown".to_owned(), |h| h.trim().to_owned())
}

/// Seconds of each step.
struct Clock {
    last: Instant,
    ticks: Vec<(String, f64)>,
}

impl Clock {
    fn new() -> Self {
        Self { last: Instant::now(), ticks: Vec::new() }
    }

    fn tick(&mut self, step: &str) {
        self.ticks.push((step.to_owned(), self.last.elapsed().as_secs_f64()));
        self.last = Instant::now();
    }
}
