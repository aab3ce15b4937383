//! Tests of whole builds in this process, over a small synthetic world: faults at every file operation, and the order in
//! which things reach the disk. They stand here, and not in `pipeline`, because they need both.

mod durable;
mod faults;
mod judge;

use super::options::{Faults, Options};
use super::world::write_world;
use crate::config::Config;
use crate::files::{faults::Fault, faults::Told, faults::below, sha256_bytes};
use crate::pipeline::{self, Outcome, Settings};
use crate::vocab::{ExitCode, Result, Silent};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// The day on which the approvals are in force.
const DAY: &str = "2020-01-06";
/// The one project of a world, or the first.
const FIRST: &str = "LEO-FAULT-1";
/// The second.
const SECOND: &str = "LEO-FAULT-2";
/// No build of these takes so long, on a busy machine either: one that does hangs.
const HANGS: Duration = Duration::from_secs(600);

/// How a world is built.
#[derive(Clone, Copy)]
struct Kind {
    projects: &'static [&'static str],
    output: &'static str,
    threads: usize,
    memory: u64,
    /// Whether scratch lies in a folder of its own.
    scratch: bool,
    /// Whether version 2 keeps the tables of version 1.
    keeps: bool,
}

/// The tiniest build: one project, both formats, one thread.
const TINY: Kind =
    Kind { projects: &[FIRST], output: "both", threads: 1, memory: 1 << 30, scratch: false, keeps: false };
/// The same, where only what stands beside the tables changes, and they are kept.
const KEEPS: Kind = Kind { keeps: true, ..TINY };
/// Two projects in CSV alone on two threads, in so little memory that rows are spilled.
const SPILLS: Kind =
    Kind { projects: &[FIRST, SECOND], output: "csv", threads: 2, memory: 1 << 10, scratch: true, keeps: false };

/// A world, with version 1 of each project published in a folder that is copied for each round, and sources and specs of
/// which version 2 is to be made.
struct World {
    root: tempfile::TempDir,
    kind: Kind,
    settings: Settings,
}

impl World {
    fn new(kind: Kind) -> Self {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("world");
        let options = Options {
            out: out.clone(),
            persons: 150,
            threads: 2,
            years: Some(crate::vocab::Years::parse("2010/2011..2011/2012").unwrap()),
            faults: Faults { heavy_person: 0, duplicate_record: 0.0, second_identifier: 0.0, ..Faults::default() },
            published_key: true,
            ..Options::default()
        };
        write_world(&options, &Silent).unwrap();
        for folder in ["specs", "approvals"] {
            std::fs::remove_dir_all(out.join(folder)).unwrap();
            std::fs::create_dir(out.join(folder)).unwrap();
        }
        let config = Config::read(&out.join("leo.yaml")).unwrap();
        let settings = Settings {
            keyring: config.keyring.clone().unwrap(),
            config,
            threads: kind.threads,
            memory: kind.memory,
            as_of: DAY.parse().unwrap(),
            as_of_is_today: false,
            anew: !kind.keeps,
        };
        let world = Self { root, kind, settings };
        world.approve(1);
        world.build(&world.round("first"), None).0.unwrap();
        world.approve(2);
        world
    }

    /// Writes the specs of a version, and their approvals. Version 2 has another epoch, and so other pseudonyms: no byte of a
    /// table stays the same; or only another title, and all of them do.
    fn approve(&self, version: u32) {
        let (epoch, title) = if self.kind.keeps { (1, version) } else { (version, 1) };
        for project in self.kind.projects {
            let spec = SPEC
                .replace("PROJECT", project)
                .replace("at sixteen", ["at sixteen", "at the age of 16"][usize::from(title > 1)])
                .replace("EPOCH", &epoch.to_string())
                .replace("OUTPUT", self.kind.output);
            let approval = APPROVAL.replace("PROJECT", project).replace("DIGEST", &sha256_bytes(spec.as_bytes()));
            let config = &self.settings.config;
            std::fs::write(config.specs.join(format!("{project}.yaml")), spec).unwrap();
            std::fs::write(config.approvals.join(format!("{project}-r1.yaml")), approval).unwrap();
        }
    }

    /// Settings for a round, whose extracts and scratch lie in a folder of their own.
    fn round(&self, name: &str) -> Settings {
        let mut settings = self.settings.clone();
        let folder = self.root.path().join(name);
        settings.config.extracts = folder.join("extracts");
        settings.config.scratch = self.kind.scratch.then(|| folder.join("scratch"));
        settings
    }

    /// The same, where version 1 is published already.
    fn next_round(&self, name: &str) -> Settings {
        let settings = self.round(name);
        copy(&self.root.path().join("first/extracts"), &settings.config.extracts);
        settings
    }

    /// Builds all projects, with a fault or without; what hangs is a failure.
    fn build(&self, settings: &Settings, fault: Option<Fault>) -> (Result<Outcome>, Told) {
        let (settings, root) = (settings.clone(), self.root.path().to_owned());
        let (tell, told) = mpsc::channel();
        let work = move || {
            let observer: Arc<dyn crate::vocab::Observer> = Arc::new(Silent);
            tell.send(below(&root, fault, || pipeline::build(&settings, &[], &observer))).ok();
        };
        let thread = std::thread::spawn(work);
        let result = told.recv_timeout(HANGS);
        assert!(result.is_ok() || thread.is_finished(), "a build hangs after {fault:?}");
        result.unwrap_or_else(|_| panic!("a build panicked after {fault:?}"))
    }
}

/// Builds without a fault, which must go well.
fn build_well(world: &World, settings: &Settings, when: &str) -> Outcome {
    // Where version 2 is there already, the next is still to be made.
    let settings = Settings {
        anew: settings.anew || settings.config.extracts.join(FIRST).join("v0002").exists(),
        ..settings.clone()
    };
    let outcome = world.build(&settings, None).0.unwrap_or_else(|error| panic!("{when}: {error}"));
    assert_eq!(ExitCode::of(&outcome.findings), ExitCode::Done, "{when}: {:?}", outcome.findings);
    assert_eq!(outcome.built.len(), world.kind.projects.len(), "{when}");
    outcome
}

/// Copies a folder with its links.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(&path).unwrap(), to).unwrap();
        } else if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

/// Every file below a folder with its bytes, by path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let below = |path: PathBuf| (path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
    super::tests::files(folder).into_iter().map(below).collect()
}

const SPEC: &str = "\
spec: 1
project:
  id: PROJECT
  title: Results at sixteen
  organisation: Institute for Example Studies
  gateway: {act: Education and Skills Act 2008, section: \"87\"}
  purposes: []
secondment: {starts: 2020-01-13, ends: 2021-12-17, researchers: 2}
revision: 1
pseudonyms: {epoch: EPOCH}
cohort:
  description: Key Stage 4
  steps:
    - include: npd.ks4
      years: 2010/2011..2011/2012
elements:
  - element: npd.ks4
    years: 2010/2011..2011/2012
    variables: [KS4_GENDER, KS4_LEVEL2_EM, {name: KS4_LAESTAB}]
    justification: The subject of the study.
  - element: npd.ks5
    years: 2011/2012
    variables: [KS5_ACADYR]
    justification: What came after.
linked:
  - name: leavers
    from: npd.ks4
    join:
      - {element: npd.ks5, years: 2011/2012, variables: [KS5_ACADYR], prefix: later_}
output: {format: OUTPUT}
";

const APPROVAL: &str = "\
approval: 1
project: PROJECT
revision: 1
spec_sha256: DIGEST
decisions:
  - {body: DSAP, reference: DSAP-2019-104, decided: 2019-11-08, expires: 2021-12-31}
";
