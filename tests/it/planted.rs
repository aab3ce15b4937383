//! Faults planted in the builder, one at a time: what refuses the extract that such a builder makes?
//!
//! `tests/planted/*.yaml` lists them. The long test copies the sources, plants one fault, builds the binary in a target
//! folder of its own, and has it build a world of several projects. Its own run of the verifier, which does not know the
//! fault, may refuse; what it publishes all the same is shown to `verify` of the true binary. A fault that changes
//! nothing of what is published here is not counted, and fails the test: then the world must be made to show it.
//!
//! Without `LEO_PLANTED` only the list is looked at. With it, half an hour or more:
//! `LEO_PLANTED=1 cargo test --release --test it planted -- --nocapture`. Further variables:
//! - `LEO_PLANTED_TARGET`: the target folder, kept from run to run;
//! - `LEO_PLANTED_ONLY`: only faults whose file or name contains one of these words, parted by commas;
//! - `LEO_SECOND_READING`: a command that compares the published extracts of the config it is given with a reading of its
//!   own, and ends with 0 if they agree: it is asked where the verifier saw nothing.

#![expect(clippy::print_stdout, reason = "a long run tells how far it is, and its table is what it is for")]

use crate::support::{DAY, SMALL, WIDE, World, files, replace};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A project beside the synthetic ones: CSV alone, a slice that was never collected, the people of another project.
const OTHER: &str = "LEO-2019-901";
/// The synthetic project of a sample; here with the second epoch of pseudonyms.
const SAMPLED: &str = "LEO-2019-004";
/// A project whose linked table would have several rows a person: refused by a builder that is right.
const FANS: &str = "LEO-2019-902";

/// One fault.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Planted {
    name: String,
    /// What goes wrong, and for the verifier's blind spots, why it cannot see it.
    why: String,
    seen_by: SeenBy,
    edits: Vec<Edit>,
    #[serde(skip)]
    file: String,
}

/// Text that occurs once in a file, and what stands there instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    find: String,
    replace: String,
}

/// What sees a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SeenBy {
    /// The verifier, in the build before anything is published.
    Verifier,
    /// `verify` of what was published.
    Verify,
    /// The builder's own checks on the way.
    Builder,
    /// A second reading of the sources.
    SecondReading,
    /// Nothing that this test asks: `why` says what does.
    Nothing,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All faults, by the file that lists them.
fn list() -> Vec<Planted> {
    let mut all = Vec::new();
    for (path, bytes) in files(&root().join("tests/planted")) {
        let of: Vec<Planted> = serde_yaml::from_slice(&bytes).unwrap_or_else(|e| panic!("{path}: {e}"));
        all.extend(of.into_iter().map(|fault| Planted { file: path.clone(), ..fault }));
    }
    all
}

/// The text of a file with an edit made; the place must be there once.
fn edited(text: &str, edit: &Edit) -> Option<String> {
    (text.matches(&edit.find).count() == 1).then(|| text.replacen(&edit.find, &edit.replace, 1))
}

#[test]
fn planted_faults_have_their_places_and_are_refused() {
    let all = list();
    assert!(all.len() >= 40, "only {} faults are planted", all.len());
    let names: BTreeSet<&str> = all.iter().map(|fault| fault.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "a name stands twice");
    let builder = |file: &str| {
        let room = file.strip_prefix("src/").and_then(|rest| rest.split('/').next());
        room.is_some_and(|room| !["verify", "vocab", "catalogue", "spec"].contains(&room))
    };
    for fault in &all {
        assert!(fault.why.len() > 10, "{} says nothing", fault.name);
        assert!(!fault.edits.is_empty(), "{} plants nothing", fault.name);
        for edit in &fault.edits {
            assert!(builder(&edit.file), "{}: {} is no part of the builder alone", fault.name, edit.file);
            let text = std::fs::read_to_string(root().join(&edit.file)).unwrap();
            let changed = edited(&text, edit);
            assert!(changed.is_some(), "{}: its place is not there once in {}", fault.name, edit.file);
            assert_ne!(changed.unwrap(), text, "{} changes nothing", fault.name);
        }
    }
    // A place that is gone, or is there twice, is told.
    let edit = Edit { file: String::new(), find: "a".into(), replace: "b".into() };
    assert_eq!((edited("c", &edit), edited("aa", &edit)), (None, None));
    if std::env::var_os("LEO_PLANTED").is_some() {
        plant(&all);
    }
}

/// The tree of sources in which faults are planted, and the binary that comes of it.
struct Garden {
    source: PathBuf,
    target: PathBuf,
}

impl Garden {
    fn new() -> Self {
        let home = std::env::var_os("LEO_PLANTED_TARGET")
            .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("planted"), PathBuf::from);
        let garden = Self { source: home.join("source"), target: home.join("target") };
        let mut kept = BTreeSet::new();
        let mut put = |path: String, bytes: &[u8]| {
            let to = garden.source.join(&path);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            // A file that is as it was keeps its time, so that cargo does not compile it anew.
            if std::fs::read(&to).ok().as_deref() != Some(bytes) {
                std::fs::write(&to, bytes).unwrap();
            }
            kept.insert(path);
        };
        for name in ["Cargo.toml", "Cargo.lock", "README.md"] {
            put(name.to_owned(), &std::fs::read(root().join(name)).unwrap());
        }
        for folder in ["src", "specs", "tests", "benches", "testdata"] {
            for (path, bytes) in files(&root().join(folder)) {
                if !path.starts_with("extracts/") {
                    put(format!("{folder}/{path}"), &bytes);
                }
            }
        }
        for path in files(&garden.source).into_keys().filter(|path| !kept.contains(path)) {
            std::fs::remove_file(garden.source.join(path)).unwrap();
        }
        garden
    }

    /// Builds the binary with a fault; the sources are as they were afterwards. What the compiler says where it cannot.
    fn build(&self, fault: &Planted) -> Result<PathBuf, String> {
        let mut old = BTreeMap::new();
        for edit in &fault.edits {
            let path = self.source.join(&edit.file);
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, edited(&text, edit).ok_or("its place is not there once")?).unwrap();
            old.entry(path).or_insert(text);
        }
        // Our own crate without optimisation and in many parts, so that it compiles in seconds; the libraries as always.
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--release", "--locked", "--quiet", "--bin", "leo-extract", "--message-format", "short"]);
        for (option, value) in [("opt-level", "0"), ("codegen-units", "128"), ("debug-assertions", "true")] {
            cargo.arg("--config").arg(format!("profile.release.package.leo-extract.{option}={value}"));
        }
        cargo.env("CARGO_INCREMENTAL", "1").env("CARGO_TARGET_DIR", &self.target);
        let output = cargo.current_dir(&self.source).stdin(Stdio::null()).output().unwrap();
        for (path, text) in old {
            std::fs::write(path, text).unwrap();
        }
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(self.target.join("release/leo-extract"))
    }
}

/// A world that shows all faults: every release, term, spell and join, empty and absent slices, CSV, two projects over
/// the same people.
fn world() -> World {
    let world = World::made(&[
        "--persons",
        "2500",
        "--years",
        "2003/2004..2018/2019",
        "--row-group-rows",
        "200",
        "--fault",
        "ambiguous_link=0.03",
        "--fault",
        "duplicate_record=0.03",
        "--fault",
        "default_date=0.3",
    ]);
    world.add_twin(SMALL, OTHER);
    world.edit(&world.spec(OTHER), "format: parquet", "format: csv");
    let census = "elements:\n  - element: npd.school_census\n    years: 2018/2019..2019/2020\n    terms: [summer]\n    \
                  variables: [Gender, FSMeligible]\n    justification: What became of them.\n  - element: npd.nccis\n    \
                  years: 2010/2011..2013/2014\n    variables: [NCCIS_NEET_Start_Date, NCCIS_MonthNo]\n    \
                  justification: Missing values first.\n";
    world.amend(OTHER, "elements:\n", census);
    let benefits = |years: &str| format!("element: dwp.benefits\n    years: {years}");
    world.amend(WIDE, &benefits("2012/2013..2018/2019"), &benefits("2016/2017..2018/2019"));
    let jobs = |years: &str| format!("element: hmrc.employment\n    years: {years}");
    world.amend(WIDE, &jobs("2010/2011..2018/2019"), &jobs("2012/2013..2014/2015"));
    world.amend(SAMPLED, "{epoch: 1}", "{epoch: 2}");
    world.add_twin(SMALL, FANS);
    let linked = "linked:\n  - name: fan\n    from: npd.ks4\n    join:\n      - {element: npd.absence, years: 2010/2011, \
                  variables: [MainRecord], prefix: a_}\nexpect:";
    world.amend(FANS, "expect:", linked);
    world
}

/// The version that the fault's build publishes: one project has an older one, made by the right builder.
fn version(project: &str) -> &'static str {
    if project == SMALL { "v0002" } else { "v0001" }
}

fn extract(world: &World, project: &str) -> PathBuf {
    world.path(&format!("extracts/{project}/{}", version(project)))
}

/// A copy of the world with one project published, so that there are a ledger and a `latest`.
fn prepared(template: &World) -> World {
    let world = template.copy();
    world.build(&[SMALL]).ends(0);
    world
}

/// What of the extracts a fault may show in: `data/`, the bag's manifests, `latest`, the ledger. No time, no host.
fn face(world: &World, project: &str) -> BTreeMap<String, Vec<u8>> {
    let home = world.path(&format!("extracts/{project}"));
    let mut face = BTreeMap::new();
    for (path, bytes) in files(&home.join(version(project))) {
        if path.starts_with("data/") || path.starts_with("manifest-") || path == "bagit.txt" {
            face.insert(path, bytes);
        }
    }
    let latest = std::fs::read_link(home.join("latest")).unwrap_or_default();
    face.insert("latest".to_owned(), latest.to_string_lossy().into_owned().into_bytes());
    let ledger = std::fs::read_to_string(world.path("extracts/ledger.jsonl")).unwrap_or_default();
    let entry = |line: &str| serde_json::from_str::<Value>(line).ok().filter(|entry| entry["project"] == project);
    let entries = ledger.lines().filter_map(entry).map(|e| format!("{} {}\n", e["kind"], e["version"]));
    face.insert("ledger".to_owned(), entries.collect::<String>().into_bytes());
    face
}

/// Codes of findings that refuse.
fn codes(findings: &Value) -> BTreeSet<String> {
    let all = findings.as_array().into_iter().flatten().filter(|finding| finding["severity"] == "error");
    all.filter_map(|finding| finding["code"].as_str()).map(str::to_owned).collect()
}

/// Runs a command to its end, but for two minutes at most: its output, `None` where it hung.
fn run(command: &mut Command) -> Option<(i32, String)> {
    let out = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(out.reopen().unwrap()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let code = child.wait().unwrap().code().unwrap_or(-1);
    Some((code, std::fs::read_to_string(out.path()).unwrap()))
}

/// What became of a fault: who saw it, by which codes, or why it does not count.
fn outcome(binary: &Path, truth: &BTreeMap<String, BTreeMap<String, Vec<u8>>>, template: &World) -> (SeenBy, String) {
    let world = prepared(template);
    let mut build = Command::new(binary);
    build.env_clear().args(["build", "--as-of", DAY, "--quiet", "--format", "json", "--config"]);
    let Some((exit, out)) = run(build.arg(world.path("leo.yaml"))) else {
        return (SeenBy::Builder, "the build hung".to_owned());
    };
    let said: Value = serde_json::from_str(&out).unwrap_or_default();
    let mut found = codes(&said["findings"]);
    // What a builder that is right says too is no sign.
    found.remove("join-fans-out");
    let known: BTreeSet<&str> = leo_extract::verify::CODES.iter().map(|(code, _)| *code).collect();
    let by_verifier: Vec<&str> = found.iter().map(String::as_str).filter(|code| known.contains(code)).collect();
    if !by_verifier.is_empty() {
        return (SeenBy::Verifier, by_verifier.join(", "));
    }
    let published = |project: &String| extract(&world, project).is_dir();
    let projects: Vec<&String> = truth.keys().filter(|project| published(project)).collect();
    let shown: Vec<&&String> = projects.iter().filter(|p| face(&world, p) != truth[**p]).collect();
    if !found.is_empty() || projects.is_empty() {
        let codes: Vec<&str> = found.iter().map(String::as_str).collect();
        return (SeenBy::Builder, format!("exit {exit} {}", codes.join(", ")));
    }
    if shown.is_empty() {
        return (SeenBy::Nothing, "NOT SHOWN: every byte is as it should be".to_owned());
    }
    let mut verify = world.command(&["verify", "--quiet", "--format", "json"]);
    verify.args(projects.iter().map(|project| extract(&world, project)));
    let (_, out) = run(&mut verify).unwrap_or_default();
    let said: Value = serde_json::from_str(&out).unwrap_or_default();
    let found: BTreeSet<String> =
        said["extracts"].as_array().into_iter().flatten().flat_map(|e| codes(&e["findings"])).collect();
    if !found.is_empty() {
        return (SeenBy::Verify, found.into_iter().collect::<Vec<_>>().join(", "));
    }
    let in_projects = format!("shown in {} of {} projects", shown.len(), truth.len());
    let seen = if second_reading_agrees(&world, &projects) { SeenBy::Nothing } else { SeenBy::SecondReading };
    (seen, in_projects)
}

/// Whether a second reading of the sources, where one is named, says what is published; it reads Parquet alone.
fn second_reading_agrees(world: &World, projects: &[&String]) -> bool {
    let Ok(reading) = std::env::var("LEO_SECOND_READING") else { return true };
    let mut words = reading.split_whitespace();
    let mut second = Command::new(words.next().unwrap());
    second.args(words).arg(world.path("leo.yaml")).args(projects.iter().filter(|project| project.as_str() != OTHER));
    run(&mut second).is_some_and(|(code, _)| code == 0)
}

/// Plants one fault after the other. Half an hour or more.
fn plant(all: &[Planted]) {
    let template = world();
    let right = prepared(&template);
    assert!(right.build(&[]).ends(77).block("join-fans-out").is_some());
    let projects = ["001", "002", "003", "004", "005"].map(|n| format!("LEO-2019-{n}"));
    let projects: Vec<String> = projects.into_iter().chain([OTHER.to_owned(), FANS.to_owned()]).collect();
    let truth: BTreeMap<_, _> = projects.into_iter().map(|project| (project.clone(), face(&right, &project))).collect();
    let published: Vec<&String> = truth.keys().filter(|project| project.as_str() != FANS).collect();
    assert!(second_reading_agrees(&right, &published), "the second reading finds fault with a builder without one");
    let only = std::env::var("LEO_PLANTED_ONLY").unwrap_or_default();
    let says = |fault: &Planted, word: &str| fault.name.contains(word) || fault.file.contains(word);
    let asked = |fault: &Planted| only.is_empty() || only.split(',').any(|word| says(fault, word));
    let garden = Garden::new();
    let (mut table, mut totals, mut wrong) = (String::new(), BTreeMap::<SeenBy, usize>::new(), Vec::new());
    let second = std::env::var_os("LEO_SECOND_READING").is_some();
    for fault in all.iter().filter(|fault| asked(fault)) {
        let began = Instant::now();
        let (seen, how) = match garden.build(fault) {
            Ok(binary) => outcome(&binary, &truth, &template),
            Err(said) => (SeenBy::Nothing, format!("DOES NOT COMPILE: {said}")),
        };
        let line = format!("| {} | {seen:?} | {how} |", fault.name);
        println!("{line} {:.0} s", began.elapsed().as_secs_f64());
        writeln!(table, "{line}").unwrap();
        *totals.entry(seen).or_default() += 1;
        let unasked = !second && seen == SeenBy::Nothing && fault.seen_by == SeenBy::SecondReading;
        let shown = !how.starts_with("NOT SHOWN") && !how.starts_with("DOES NOT COMPILE");
        if !shown || (seen != fault.seen_by && !unasked) {
            wrong.push(format!("{line} where the list says {:?}", fault.seen_by));
        }
    }
    let path = garden.source.with_file_name("planted.md");
    replace(&path, table.as_bytes());
    println!("{table}\n{totals:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
