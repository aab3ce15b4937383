//! What must hold after a build that was made to fail, and after the next.

use super::{FIRST, World, build_well, files};
use crate::files::operation::Kind as Operation;
use crate::keys::Keyring;
use crate::pipeline::{self, Outcome, Settings};
use crate::publish::{ledger, version_of};
use crate::vocab::{ExitCode, Finding, KeyId, Observer, Result, Severity, Silent};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files by path.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// What is known of a world: each project's version 1 as it was published, and what `data/` of version 2 must be.
pub(super) struct Judge<'a> {
    world: &'a World,
    old: BTreeMap<&'static str, Files>,
    new: BTreeMap<&'static str, Files>,
}

/// What a round came to.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Came {
    /// Projects whose new version was there right after the fault.
    pub(super) new: usize,
    /// Whether anything was left for the next run to sweep or to finish.
    pub(super) repair: bool,
}

/// Which exit codes may follow a fault: what we write ends with 73; what we read may be a source, or staging that the
/// verifier then refuses.
fn may_end_with(kind: Operation) -> &'static [ExitCode] {
    match kind {
        Operation::Read | Operation::List => {
            &[ExitCode::Invalid, ExitCode::Missing, ExitCode::Internal, ExitCode::Output]
        }
        _ => &[ExitCode::Output],
    }
}

impl<'a> Judge<'a> {
    /// Makes version 2 once without a fault, to know it.
    pub(super) fn new(world: &'a World) -> Self {
        let settings = world.next_round("clean");
        let home = |project: &str| settings.config.extracts.join(project);
        let of = |below: &str| -> BTreeMap<&'static str, Files> {
            world.kind.projects.iter().map(|project| (*project, files(&home(project).join(below)))).collect()
        };
        let old = of("v0001");
        build_well(world, &settings, "without a fault");
        let new = of("v0002/data");
        let judge = Self { world, old, new };
        judge.is_tidy(&settings, 2, "without a fault");
        let persons = |files: &Files, path: &str| files[Path::new(path)].clone();
        let table = match (world.kind.keeps, world.kind.output) {
            (true, _) => "manifest.json",
            (false, "csv") => "persons.csv",
            _ => "persons.parquet",
        };
        let old = persons(&judge.old[FIRST], &format!("data/{table}"));
        assert!(old.len() > 100 && old != persons(&judge.new[FIRST], table), "old and new can be told apart");
        judge
    }

    /// Right after the fault: the old version is whole and current, or the new one is; nothing half is in sight.
    pub(super) fn after_fault(
        &self,
        settings: &Settings,
        result: &Result<Outcome>,
        failed: &(Operation, PathBuf),
        when: &str,
    ) -> Came {
        let extracts = &settings.config.extracts;
        let mut came = Came::default();
        for project in self.world.kind.projects {
            let home = extracts.join(project);
            assert_eq!(files(&home.join("v0001")), self.old[project], "{when}: the old version was touched");
            let latest = std::fs::read_link(home.join("latest")).unwrap();
            let is_new = home.join("v0002").exists();
            let current = [Path::new("v0001"), Path::new("v0002")];
            assert!(current[..=usize::from(is_new)].contains(&latest.as_path()), "{when}: latest is {latest:?}");
            if is_new {
                came.new += 1;
                self.is_whole(settings, project, 2, when);
            }
            let mut seen = names(&home);
            seen.retain(|name| !name.starts_with('.'));
            let wanted: &[&str] = if is_new { &["latest", "v0001", "v0002"] } else { &["latest", "v0001"] };
            assert_eq!(seen, wanted, "{when}");
        }
        let mut seen = names(extracts);
        seen.retain(|name| !name.starts_with('.') && !self.world.kind.projects.contains(&name.as_str()));
        assert_eq!(seen, ["ledger.jsonl"], "{when}");
        self.chain(settings, when, &["ledger-torn"]);
        let exit = match result {
            Ok(outcome) => ExitCode::of(&outcome.findings),
            Err(error) => error.exit_code(),
        };
        match exit {
            ExitCode::Done => {
                // A fault that the build could do without: sweeping, which the next run makes good.
                assert_eq!(came.new, self.world.kind.projects.len(), "{when}: said to be done");
                self.entered(settings, &[1, 2], when);
            }
            code => assert!(may_end_with(failed.0).contains(&code), "{when}: ended with {code:?}: {}", told(result)),
        }
        came.repair = self.is_left_over(settings);
        came
    }

    /// The next run succeeds, makes the new version, and leaves nothing behind; and so does the one after it.
    pub(super) fn next_runs(&self, settings: &Settings, runs: u32, when: &str) {
        let newest = |project: &str| {
            let home = settings.config.extracts.join(project);
            names(&home).iter().filter_map(|name| version_of(name)).max().unwrap()
        };
        let before: Vec<u32> = self.world.kind.projects.iter().map(|project| newest(project)).collect();
        // A fault may have stopped one project and not the other.
        let furthest = before.iter().copied().max().unwrap_or(1);
        for run in 1..=runs {
            build_well(self.world, settings, when);
            for (project, before) in self.world.kind.projects.iter().zip(&before) {
                let home = settings.config.extracts.join(project);
                let latest = std::fs::read_link(home.join("latest")).unwrap();
                let version = version_of(latest.to_str().unwrap()).unwrap();
                assert!(version >= *before, "{when}: numbers rise");
                assert_eq!(files(&home.join(&latest).join("data")), self.new[project], "{when}: run {run}");
            }
            self.is_tidy(settings, furthest.min(2) + run, when);
        }
    }

    /// Nothing is left behind, all versions are whole and in the ledger once, and the chain has no fault.
    fn is_tidy(&self, settings: &Settings, at_most: u32, when: &str) {
        assert!(!self.is_left_over(settings), "{when}: something was left behind");
        self.chain(settings, when, &[]);
        for project in self.world.kind.projects {
            let home = settings.config.extracts.join(project);
            let versions: Vec<u32> = names(&home).iter().filter_map(|name| version_of(name)).collect();
            let last = versions.last().copied().unwrap();
            assert!(last <= at_most, "{when}: {versions:?}");
            assert_eq!(versions, (1..=last).collect::<Vec<_>>(), "{when}");
            self.entered_of(settings, project, &versions, when);
            self.is_whole(settings, project, last, when);
            assert_eq!(names(&home).len(), versions.len() + 1, "{when}: {:?}", names(&home));
        }
    }

    /// A version is what it must be, and the verifier says so too.
    fn is_whole(&self, settings: &Settings, project: &str, version: u32, when: &str) {
        let path = settings.config.extracts.join(project).join(format!("v{version:04}"));
        assert_eq!(files(&path.join("data")), self.new[project], "{when}: the new version is not whole");
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        let view = pipeline::verify(settings, &[path], false, &observer).unwrap();
        let errors = |f: &&Finding| f.severity == Severity::Error;
        let wrong: Vec<&Finding> = view.extracts[0].1.iter().filter(errors).collect();
        assert!(wrong.is_empty(), "{when}: the verifier refuses {project} v{version:04}: {wrong:?}");
    }

    /// The ledger's chain and signatures hold.
    fn chain(&self, settings: &Settings, when: &str, allowed: &[&str]) {
        let keyring = Keyring::load(&settings.keyring).unwrap();
        let mac = |id: &str, bytes: &[u8]| Some(keyring.key(&KeyId::new(id)?)?.ledger().tag(bytes));
        let mut findings = ledger::read(&settings.config.extracts).unwrap().check(&mac);
        findings.retain(|finding| !allowed.contains(&finding.code));
        assert!(findings.is_empty(), "{when}: {findings:?}");
        for project in self.world.kind.projects {
            let entered = self.versions_entered(settings, project);
            assert!(entered == [1] || entered.len() > 1, "{when}: {entered:?}");
            assert_eq!(entered, (1..=entered.last().copied().unwrap()).collect::<Vec<_>>(), "{when}: one a version");
        }
    }

    fn versions_entered(&self, settings: &Settings, project: &str) -> Vec<u32> {
        let ledger = ledger::read(&settings.config.extracts).unwrap();
        ledger.entries().filter(|e| e.project == project).filter_map(|e| e.version).collect()
    }

    fn entered(&self, settings: &Settings, versions: &[u32], when: &str) {
        for project in self.world.kind.projects {
            self.entered_of(settings, project, versions, when);
        }
    }

    fn entered_of(&self, settings: &Settings, project: &str, versions: &[u32], when: &str) {
        assert_eq!(self.versions_entered(settings, project), versions, "{when}: the ledger");
    }

    /// Whether anything lies about: staging, scratch, a note, a file on its way, a line cut short.
    fn is_left_over(&self, settings: &Settings) -> bool {
        let extracts = &settings.config.extracts;
        let hidden = |folder: &Path| names(folder).iter().any(|n| n.starts_with('.') && !STAYS.contains(&n.as_str()));
        let homes = self.world.kind.projects.iter().any(|project| hidden(&extracts.join(project)));
        let staging = !names(&extracts.join(".staging")).is_empty();
        let scratch = settings.config.scratch.as_deref().is_some_and(|folder| !names(folder).is_empty());
        homes || staging || scratch || hidden(extracts) || ledger::read(extracts).unwrap().torn()
    }
}

/// What stays in the folder of extracts, and is hidden.
const STAYS: [&str; 3] = [".lock", ".sources.json", ".staging"];

/// The names in a folder, in order; none where there is no folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn told(result: &Result<Outcome>) -> String {
    match result {
        Ok(outcome) => format!("{:?}", outcome.findings),
        Err(error) => format!("{error}"),
    }
}
