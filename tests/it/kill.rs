//! A build that is stopped, by a kill or by a signal, at any moment: an old or a new extract, never half of one; and the
//! next build succeeds. `LEO_KILLS=300` kills and interrupts so often; without it some moments are taken.

use crate::support::{SMALL, WIDE, World, data, files};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

type Files = BTreeMap<String, Vec<u8>>;

/// A world in which version 1 of some projects is published, and whose next build makes other bytes.
pub(crate) struct Published<'a> {
    world: &'a World,
    /// Each project with its version 1 as a whole, and `data/` of version 1 and of what comes next.
    projects: Vec<(&'static str, Files, Files, Files)>,
    kept: tempfile::TempDir,
}

impl<'a> Published<'a> {
    /// Version 1 is there, the specs are amended: builds once elsewhere to know what comes next.
    pub(crate) fn new(world: &'a World, projects: &[&'static str]) -> Self {
        let kept = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        copy(&world.path("extracts"), &kept.path().join("extracts"));
        let fresh = world.copy();
        fresh.build(projects).ends(0);
        let all = |project: &'static str| {
            let old = data(&world.latest(project));
            let new = data(&fresh.latest(project));
            let persons = |data: &Files| data["persons.parquet"].clone();
            assert_ne!(persons(&old), persons(&new), "old and new can be told apart");
            (project, files(&world.latest(project)), old, new)
        };
        Self { world, projects: projects.iter().copied().map(all).collect(), kept }
    }

    /// Puts the extracts back to version 1.
    pub(crate) fn restore(&self) {
        let extracts = self.world.path("extracts");
        for entry in std::fs::read_dir(&extracts).unwrap().flatten() {
            let path = entry.path();
            let folder = entry.file_type().unwrap().is_dir();
            if folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
        }
        copy(&self.kept.path().join("extracts"), &extracts);
    }

    /// The old version is whole; it or a whole new one is current; nothing half is in sight. Gives how many are new.
    #[track_caller]
    pub(crate) fn is_old_or_new(&self, when: &str) -> usize {
        let mut news = 0;
        for (project, whole, old, new) in &self.projects {
            let home = self.world.path(&format!("extracts/{project}"));
            assert_eq!(files(&home.join("v0001")), *whole, "{when}: {project}: version 1 was touched");
            let now = data(&self.world.latest(project));
            assert!(now == *old || now == *new, "{when}: {project} is neither old nor new");
            news += usize::from(now == *new);
            let mut versions = Vec::new();
            for entry in std::fs::read_dir(&home).unwrap().flatten() {
                let name = entry.file_name().to_string_lossy().into_owned();
                // A note or a link that the next run finishes begins with a dot.
                if !name.starts_with('.') && name != "latest" {
                    assert!(name.starts_with('v') && name.len() == 5, "{when}: {name}");
                    versions.push(entry.path());
                }
            }
            self.verify(&versions, when);
        }
        news
    }

    #[track_caller]
    fn verify(&self, versions: &[PathBuf], when: &str) {
        let paths = versions.iter().map(|path| path.to_str().unwrap());
        let run = self.world.run(&["verify", "--quiet"].into_iter().chain(paths).collect::<Vec<_>>());
        assert_eq!(run.code, 0, "{when}: {}", run.said());
    }

    /// The next build succeeds, makes the new version, and leaves nothing behind; each version is in the ledger once.
    #[track_caller]
    pub(crate) fn next_build_succeeds(&self, when: &str) {
        let projects: Vec<&str> = self.projects.iter().map(|(project, ..)| *project).collect();
        let run = self.world.build(&projects);
        assert_eq!(run.code, 0, "{when}: the next build: {}", run.said());
        self.world.assert_clean();
        let ledger = std::fs::read_to_string(self.world.path("extracts/ledger.jsonl")).unwrap();
        for (project, _, _, new) in &self.projects {
            assert_eq!(data(&self.world.latest(project)), *new, "{when}: {project} after the next build");
            let home = self.world.path(&format!("extracts/{project}"));
            let mut names: Vec<String> =
                std::fs::read_dir(&home).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            let mut entered: Vec<String> = ledger
                .lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
                .filter(|entry| entry["project"] == **project)
                .map(|entry| format!("v{:04}", entry["version"].as_u64().unwrap()))
                .collect();
            entered.insert(0, "latest".to_owned());
            assert_eq!(names, entered, "{when}: {project}: the folder and the ledger tell the same");
            self.verify(&[self.world.latest(project)], when);
        }
    }

    fn left_behind(&self) -> bool {
        let staging = self.world.path("extracts/.staging");
        let notes =
            self.projects.iter().any(|(p, ..)| self.world.path(&format!("extracts/{p}/.pending.json")).exists());
        notes || std::fs::read_dir(staging).is_ok_and(|mut entries| entries.next().is_some())
    }
}

/// Copies a folder as it is, with its links.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(status.unwrap().success());
}

/// How many moments are taken: `LEO_KILLS`, or some.
fn moments(some: u32) -> u32 {
    std::env::var("LEO_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(some)
}

/// Pseudo-random shares of a thousand, the same each time.
fn shares() -> impl Iterator<Item = u32> {
    let mut state = 7_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 40).unwrap() % 1000
    })
}

#[test]
fn a_killed_build_leaves_no_half_extract() {
    let world = World::new();
    world.build(&[SMALL, WIDE]).ends(0);
    // Another epoch gives other pseudonyms, so that old and new can be told apart.
    world.amend(SMALL, "{epoch: 1}", "{epoch: 2}");
    world.amend(WIDE, "{epoch: 1}", "{epoch: 2}");
    let published = Published::new(&world, &[SMALL, WIDE]);
    let began = Instant::now();
    world.build(&[SMALL, WIDE]).ends(0);
    let mut once = began.elapsed();
    let wanted = moments(12);
    let (mut killed, mut round, mut repaired, mut came) = (0, 0, 0, [0; 3]);
    for share in shares() {
        if killed == wanted || round == 4 * wanted {
            break;
        }
        round += 1;
        published.restore();
        // The later half of a build, where it publishes, is hit more often.
        let wait = once * if round % 3 == 0 { share } else { 400 + share * 6 / 10 } / 1000;
        let mut child = world.spawn(&[SMALL, WIDE]);
        std::thread::sleep(wait);
        child.kill().unwrap();
        let hit = child.wait_with_output().unwrap().status.signal() == Some(9);
        // How long a build takes depends on what else runs: aim anew after each.
        once = if hit { once * 21 / 20 } else { once * 4 / 5 };
        killed += u32::from(hit);
        repaired += u32::from(hit && published.left_behind());
        let when = format!("killed after {wait:?} (round {round})");
        let new = published.is_old_or_new(&when);
        came[new] += usize::from(hit);
        published.next_build_succeeds(&when);
    }
    println!(
        "{killed} builds of two projects killed: old current in {}, one new in {}, both new in {}; torn extracts 0; \
         repaired by the next build {repaired}",
        came[0], came[1], came[2]
    );
    assert_eq!(killed, wanted, "of {round} builds too few were killed in time");
    assert!(repaired > 0, "no kill left anything to repair");
}

/// Starts a build that tells its steps, and sends a signal once it told of `step` and `wait` has passed.
fn signalled(world: &World, signal: &str, step: Option<&str>, wait: Duration) -> (ExitStatus, Duration, String) {
    let arguments = ["build", "--anew", "--as-of", crate::support::DAY, "--log-format", "json", "--threads", "2"];
    let mut command = world.command(&arguments);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    if let Some(step) = step {
        let told = format!("\"step\":\"{step}\"");
        while !said.contains(&told) && lines.read_line(&mut said).unwrap() > 0 {}
    }
    std::thread::sleep(wait);
    let asked = Instant::now();
    let sent =
        Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).stderr(Stdio::null()).status();
    assert!(sent.is_ok());
    let status = child.wait().unwrap();
    let took = asked.elapsed();
    std::io::Read::read_to_string(&mut lines, &mut said).unwrap();
    (status, took, said)
}

/// The steps of a build, as it tells them.
const STEPS: [&str; 7] = ["survey", "digest and link", "cohort", "extract", "linked tables", "verify", "publish"];

#[test]
fn a_signal_ends_a_build_within_two_seconds_with_130() {
    let world = World::made(&["--persons", "3000", "--fault", "heavy_person=300000"]);
    world.build(&[]).ends(0);
    let began = Instant::now();
    world.build(&[]).ends(0);
    let once = began.elapsed();
    let old = data(&world.latest(SMALL));
    // At the very start, at the beginning of each step, and anywhere.
    let mut when: Vec<(Option<&str>, Duration)> =
        [0, 2, 5, 20].map(|n| (None, Duration::from_millis(n))).into_iter().collect();
    when.extend(STEPS.map(|step| (Some(step), Duration::ZERO)));
    when.extend(shares().take(moments(6) as usize).map(|share| (None, once * share / 1000)));
    let (mut interrupted, mut finished, mut early, mut longest) = (0, 0, 0, Duration::ZERO);
    for (n, (step, wait)) in when.into_iter().enumerate() {
        // A shell that runs tests in the background has them ignore SIGINT until the program watches for it.
        let start = step.is_none() && wait < Duration::from_millis(50);
        let signal = if start { "TERM" } else { ["INT", "TERM"][n % 2] };
        let (status, took, said) = signalled(&world, signal, step, wait);
        let what = format!("{signal} {step:?} {wait:?}: {status:?} after {took:?}: {said}");
        assert!(took < Duration::from_secs(2), "{what}");
        longest = longest.max(took);
        match status.code() {
            Some(130) => interrupted += 1,
            Some(0) => finished += 1,
            // The signal came before the program had begun to watch for it, and ended it as it ends any program.
            None if start => early += 1,
            _ => panic!("{what}"),
        }
        // One that had to be ended leaves what the next sweeps.
        if !said.contains("swept") {
            world.assert_clean();
        }
        let latest = world.latest(SMALL);
        assert_eq!(data(&latest), old, "the same inputs: whichever version is current");
        world.run(&["verify", "--quiet", latest.to_str().unwrap()]).ends(0);
    }
    println!(
        "{interrupted} builds interrupted, {finished} had just finished, {early} had not begun; the longest took \
         {longest:?} to end"
    );
    assert!(interrupted > 6, "{interrupted} interrupted, {finished} finished");
    world.build(&[]).ends(0);
    world.assert_clean();
}
