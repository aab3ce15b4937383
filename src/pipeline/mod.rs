//! The story of a build, one call per room.

mod account;
mod apart;
mod audit;
mod changed;
mod cut;
mod digests;
mod ending;
mod expect;
mod inputs;
mod kept;
mod people;
mod proof;
mod recipe;
mod standing;
mod unchanged;

pub use audit::{AuditView, Audited, State, audit};
pub use proof::{VerifyView, exit_of, verify};

use crate::config::Config;
use crate::engine::Engine;
use crate::files::{Disk, Lock, Staging};
use crate::keys::Keyring;
use crate::plan::{as_json, as_text};
use crate::publish;
use crate::verify::Verdict;
use crate::vocab::{Error, Event, ExitCode, Findings, Observer, ProjectId, Result};
use cut::{Before, Cut};
use inputs::Inputs;
use jiff::Timestamp;
use jiff::civil::Date;
use standing::All;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::Instant;
use unchanged::unchanged;

/// What a run works with: the config, and what flags and environment say over it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The config.
    pub config: Config,
    /// The keyring.
    pub keyring: PathBuf,
    /// Threads.
    pub threads: usize,
    /// Bytes of memory.
    pub memory: u64,
    /// The day on which approvals must be in force.
    pub as_of: Date,
    /// Whether that is today.
    pub as_of_is_today: bool,
    /// Whether everything is cut anew, whatever stands.
    pub anew: bool,
}

/// What a build came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The extracts published.
    pub built: Vec<Built>,
    /// The projects for which nothing was to be done.
    pub unchanged: Vec<Unchanged>,
    /// Findings of the projects refused, and warnings.
    pub findings: Findings,
}

/// One published extract.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Built {
    pub project: ProjectId,
    pub version: u32,
    pub path: PathBuf,
    pub report: PathBuf,
    pub persons: u64,
    pub tables: u64,
    /// Tables that were kept from the version before.
    pub kept: u64,
    pub rows: u64,
    pub bytes: u64,
    pub seconds: f64,
}

/// A project whose newest extract is what a build would make.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Unchanged {
    pub project: ProjectId,
    pub version: u32,
    pub path: PathBuf,
}

/// Cuts the named projects (all where none is named), verifies and publishes them.
///
/// # Errors
/// Where the run as a whole cannot go on. Projects that are refused are findings of the outcome.
pub fn build(settings: &Settings, specs: &[String], observer: &Arc<dyn Observer>) -> Result<Outcome> {
    let started = (Timestamp::now(), Instant::now());
    observer.on(Event::Step("survey"));
    let inputs = inputs::read(settings, specs).map_err(|error| inputs::with_key(error, settings))?;
    let (plan, mut findings) = inputs.plan(settings);
    let (plan, keyring) = match (plan, inputs::keyring(settings)) {
        (Some(plan), Ok(keyring)) => (plan, keyring),
        // A key that cannot be used stops all; what else was found is told beside it.
        (_, Err(Error::Findings(key))) => {
            findings.extend(key);
            return Ok(Outcome { findings, ..Outcome::default() });
        }
        (_, Err(error)) => return Err(error),
        (None, Ok(_)) => return Ok(Outcome { findings, ..Outcome::default() }),
    };

    if !crate::keys::kept_from_swap() {
        observer.on(Event::Note(
            "the system does not let keys be kept out of swap: raise the limit on locked memory".into(),
        ));
    }
    let _lock = Lock::take(&settings.config.extracts)?;
    let key = keyring.current();
    let mac = key.ledger();
    findings.extend(publish::recover(&settings.config.extracts, &|message| mac.tag(message))?);
    let extracts = &settings.config.extracts;
    let mut before = if settings.anew { Before::default() } else { Before::of(extracts, &plan, &keyring) };
    let staging = Staging::begin(extracts, settings.config.scratch.as_deref())?;
    let unchanged = unchanged(&plan, &inputs, &mut before, (settings, &keyring), observer.as_ref())?;
    let Some(plan) = inputs.plan_without(settings, plan, &unchanged) else {
        before.digests.note(extracts, &staging, &|message| mac.tag(message))?;
        return Ok(Outcome { unchanged, findings, ..Outcome::default() });
    };
    let engine = Engine::new(settings.threads, settings.memory, Arc::clone(observer))?;

    let first = |error| first_lost(staging.disk(), error);
    let cut = cut::cut(&engine, key, &inputs.catalogue, plan, &staging, &mut before).map_err(first)?;
    before.digests.note(extracts, &staging, &|message| mac.tag(message))?;
    findings.extend(cut.findings.iter().cloned());
    let with = (settings, &keyring, &before.standing);
    let (built, found) = prove_and_publish(&cut, &inputs, with, &engine, started).map_err(first)?;
    findings.extend(found);
    Ok(Outcome { built, unchanged, findings })
}

/// What is told of an error: that the disk did not take a table, where it did not, since what cannot be read now may follow
/// from that.
fn first_lost(disk: &Disk, error: Error) -> Error {
    match error.exit_code() {
        ExitCode::Output | ExitCode::Interrupted => error,
        _ => disk.wait().err().unwrap_or(error),
    }
}

/// Proves and publishes one project after the other: what was published, and what was found. While one is published, which
/// waits for the disk, the next is verified.
fn prove_and_publish(
    cut: &Cut,
    inputs: &Inputs,
    with: (&Settings, &Keyring, &All),
    engine: &Engine,
    started: (Timestamp, Instant),
) -> Result<(Vec<Built>, Findings)> {
    let (settings, keyring, _) = with;
    let peoples = cut.peoples(&settings.config.extracts)?;
    let observer = engine.observer();
    std::thread::scope(|scope| {
        let (mut built, mut findings) = (Vec::new(), Findings::new());
        let mut last = None::<ScopedJoinHandle<'_, Result<Built>>>;
        for project in cut.ready() {
            let proved = prove(cut, project, inputs, with, (engine, &peoples));
            let (done, (verdict, found)) = both(last.take().map(published).transpose(), proved)?;
            built.extend(done);
            findings.extend(found);
            let Some(verdict) = verdict else { continue };
            observer.go_on()?;
            observer.on(Event::Step("publish"));
            let publish = move || cut.publish(project, &inputs.catalogue, &verdict, settings, keyring, started);
            last = Some(scope.spawn(publish));
            if settings.threads == 1 {
                built.extend(last.take().map(published).transpose()?);
            }
        }
        built.extend(last.take().map(published).transpose()?);
        // Where a project was refused, or its sources could not be read, a table that the disk lost may be why.
        cut.wait_for_disk()?;
        Ok((built, findings))
    })
}

/// Has the verifier look at a staged project and at what is written beside its tables: its verdict, where nothing refuses it,
/// and what was found.
fn prove(
    cut: &Cut,
    project: usize,
    inputs: &Inputs,
    (settings, keyring, standing): (&Settings, &Keyring, &All),
    (engine, peoples): (&Engine, &apart::Peoples),
) -> Result<(Option<Verdict>, Findings)> {
    let observer = engine.observer();
    observer.go_on()?;
    observer.on(Event::Step("verify"));
    let mut verdict = cut.verify(project, &inputs.catalogue, standing, engine)?;
    verdict.findings.extend(cut.apart(project, peoples)?);
    verdict.findings.extend(cut.changed(project, &settings.config.extracts)?);
    if !verdict.passes() {
        return Ok((None, verdict.findings));
    }
    cut.prepare(project, &inputs.catalogue, &verdict, settings, keyring)?;
    let beside = cut.verify_record(project, &inputs.catalogue)?;
    let refused = !beside.is_empty();
    verdict.findings.extend(beside);
    let found = std::mem::take(&mut verdict.findings);
    Ok(((!refused).then_some(verdict), found))
}

fn published(publishing: ScopedJoinHandle<'_, Result<Built>>) -> Result<Built> {
    publishing.join().map_err(|_| Error::Internal("a publication was lost".to_owned()))?
}

/// What came of a publication and of what was done beside it. Of two errors that is told which the other may only follow from:
/// where nothing can be written any more, soon nothing can be read; else the publication's, which began before.
fn both<A, B>(publication: Result<A>, beside: Result<B>) -> Result<(A, B)> {
    match (publication, beside) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(_), Err(error)) if error.exit_code() == ExitCode::Output => Err(error),
        (Err(error), _) | (Ok(_), Err(error)) => Err(error),
    }
}

/// Every finding on specs, catalogue, approvals, keyring and sources. Reads no row.
///
/// # Errors
/// Where even that cannot be read.
pub fn check(settings: &Settings, specs: &[String], observer: &Arc<dyn Observer>) -> Result<Findings> {
    observer.on(Event::Step("survey"));
    let inputs = inputs::read(settings, specs).map_err(|error| inputs::with_key(error, settings))?;
    let key = match inputs::keyring(settings) {
        Err(Error::Findings(findings)) => findings,
        Err(error) => return Err(error),
        Ok(_) => Findings::new(),
    };
    let (_, mut findings) = inputs.plan(settings);
    findings.extend(key);
    Ok(findings)
}

/// A plan to be shown.
#[derive(Debug)]
pub struct PlanView {
    /// For a person.
    pub text: String,
    /// For a program.
    pub json: serde_json::Value,
    /// Findings of the projects refused, and warnings.
    pub findings: Findings,
}

/// What a build would read and write.
///
/// # Errors
/// Where the documents cannot be read.
pub fn plan(settings: &Settings, specs: &[String], observer: &Arc<dyn Observer>) -> Result<PlanView> {
    observer.on(Event::Step("survey"));
    let inputs = inputs::read(settings, specs)?;
    let (plan, findings) = inputs.plan(settings);
    let (text, json) = match &plan {
        Some(plan) => (as_text(plan, settings.threads), as_json(plan, settings.threads)),
        None => ("nothing can be built: see the findings\n".to_owned(), serde_json::Value::Null),
    };
    Ok(PlanView { text, json, findings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::faults::{After, Fault, below};
    use crate::files::operation::{self, Kind};

    #[test]
    fn a_table_that_the_disk_lost_is_told_before_what_follows_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let lost = || Error::reading("read", "npd.ks4", std::io::ErrorKind::NotFound.into());
        for at in [0, 1] {
            let fault = Fault { at, of: Some(Kind::Sync), after: After::Works, half: false };
            below(folder.path(), Some(fault), || {
                let (disk, path) = (Disk::begin().unwrap(), folder.path().join(at.to_string()));
                disk.sync(operation::create_new(&path).unwrap(), path);
                let told = |error| first_lost(&disk, error).exit_code();
                assert_eq!(told(lost()), if at == 0 { ExitCode::Output } else { ExitCode::Missing });
                assert_eq!(told(Error::Interrupted), ExitCode::Interrupted);
            });
        }
    }

    #[test]
    fn a_full_disk_is_told_before_what_follows_from_it() {
        let full = || Error::writing("write", "codebook.csv", std::io::ErrorKind::StorageFull.into());
        let lost = || Error::reading("list", "npd.ks4", std::io::ErrorKind::NotFound.into());
        let told = |a: Result<()>, b: Result<()>| both(a, b).err().map(|error| error.exit_code());
        assert_eq!(told(Err(lost()), Err(full())), Some(ExitCode::Output));
        assert_eq!(told(Err(full()), Err(lost())), Some(ExitCode::Output));
        assert_eq!(told(Err(lost()), Err(Error::Interrupted)), Some(ExitCode::Missing));
        assert_eq!(told(Ok(()), Err(lost())), Some(ExitCode::Missing));
        assert_eq!(told(Err(full()), Ok(())), Some(ExitCode::Output));
        assert_eq!(told(Ok(()), Ok(())), None);
    }
}
