//! Faults planted in the builder, one at a time: what refuses the extract that such a builder makes?
//!
//! `tests/planted/faults.yaml` lists them, `edits.yaml` says where each is planted. The long run copies the sources, plants
//! all faults behind a switch, builds that binary once, and has it build a world of several projects once for each
//! fault. Its own run of the verifier, which does not know the fault, may refuse; what it publishes all the same is shown
//! to `verify` of the true binary. A fault that changes nothing of what is published is not counted, and fails the run:
//! then the world must be made to show it. Without a fault, the planted binary must publish the right bytes.
//!
//! Without `LEO_PLANTED` only the lists are looked at. With it, some ten minutes once the libraries are built:
//! `LEO_PLANTED=1 cargo test --release --test it planted -- --nocapture`. Further variables:
//! - `LEO_PLANTED_TARGET`: the target folder, kept from run to run;
//! - `LEO_PLANTED_ONLY`: only faults whose names contain one of these words, parted by commas;
//! - `LEO_SECOND_READING`: a command that compares the published extracts of the config it is given with a reading of its
//!   own, and ends with 0 if they agree: it is asked where the verifier saw nothing.

#![expect(clippy::print_stdout, reason = "a long run tells how far it is, and its table is what it is for")]

use crate::support::{COARSE, DAY, SMALL, WIDE, World, files};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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
}

/// Text that occurs once in a file, and what stands there instead: with `planted("name")` as a condition.
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

fn list<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(root().join("tests/planted").join(name)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The text of a file with an edit made; the place must be there once.
fn edited(text: &str, edit: &Edit) -> Option<String> {
    (text.matches(&edit.find).count() == 1).then(|| text.replacen(&edit.find, &edit.replace, 1))
}

/// All files that edits change, as they are then; what cannot be edited is told.
fn planted_files(edits: &[Edit]) -> Result<BTreeMap<String, String>, String> {
    let mut changed = BTreeMap::<String, String>::new();
    for edit in edits {
        let old = changed.remove(&edit.file).map_or_else(|| std::fs::read_to_string(root().join(&edit.file)), Ok);
        let old = old.map_err(|e| format!("{}: {e}", edit.file))?;
        let new = edited(&old, edit).filter(|new| *new != old);
        changed
            .insert(edit.file.clone(), new.ok_or_else(|| format!("{}: {:?} is not there once", edit.file, edit.find))?);
    }
    Ok(changed)
}

#[test]
fn planted_faults_have_their_places_and_are_refused() {
    let (all, edits): (Vec<Planted>, Vec<Edit>) = (list("faults.yaml"), list("edits.yaml"));
    assert!(all.len() >= 80, "only {} faults are planted", all.len());
    let names: BTreeSet<&str> = all.iter().map(|fault| fault.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "a name stands twice");
    assert!(all.iter().all(|fault| fault.why.len() > 10), "a fault says nothing");
    let of = |edit: &'_ Edit| -> Vec<String> {
        let after = edit.replace.split("planted(\"").skip(1);
        after.filter_map(|rest| rest.split_once("\")")).map(|(name, _)| name.to_owned()).collect()
    };
    let planted: BTreeSet<String> = edits.iter().flat_map(of).collect();
    assert_eq!(planted, names.iter().map(|name| (*name).to_owned()).collect(), "each fault is planted, and no other");
    // What the verifier shares with the builder, and the verifier itself, are not for planting.
    let builder = |file: &str| {
        let room = file.strip_prefix("src/").and_then(|rest| rest.split('/').next());
        room.is_some_and(|room| !["verify", "vocab", "catalogue", "spec"].contains(&room))
    };
    assert!(edits.iter().all(|edit| builder(&edit.file)), "a file is no part of the builder alone");
    planted_files(&edits).unwrap();
    // A place that is gone, or is there twice, is told.
    let edit = Edit { file: String::new(), find: "a".into(), replace: "b".into() };
    assert_eq!((edited("c", &edit), edited("aa", &edit)), (None, None));
    if std::env::var_os("LEO_PLANTED").is_some() {
        plant(&all, &edits);
    }
}

/// What stands behind `planted("name")`, at the end of the planted `src/lib.rs`.
const SWITCH: &str = r#"
/// Whether this run is that of a fault.
pub fn planted(name: &str) -> bool {
    static NAME: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    NAME.get_or_init(|| std::env::var("PLANTED").unwrap_or_default()) == name
}
"#;

/// Builds the binary with all faults behind their switches, from a copy of the sources.
fn binary(edits: &[Edit]) -> PathBuf {
    let home = std::env::var_os("LEO_PLANTED_TARGET")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("planted"), PathBuf::from);
    let (source, target) = (home.join("source"), home.join("target"));
    let mut planted = planted_files(edits).unwrap();
    for text in planted.values_mut() {
        *text = text.replace("planted(\"", "crate::planted(\"");
    }
    let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    planted.insert("src/lib.rs".to_owned(), library + SWITCH);
    let mut kept = BTreeSet::new();
    let mut put = |path: String, bytes: Vec<u8>| {
        let (to, bytes) = (source.join(&path), planted.get(&path).map_or(bytes, |text| text.clone().into_bytes()));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        // A file that is as it was keeps its time, so that cargo does not compile it anew.
        if std::fs::read(&to).ok().as_ref() != Some(&bytes) {
            std::fs::write(&to, bytes).unwrap();
        }
        kept.insert(path);
    };
    for name in ["Cargo.toml", "Cargo.lock", "README.md"] {
        put(name.to_owned(), std::fs::read(root().join(name)).unwrap());
    }
    for folder in ["src", "specs", "tests", "benches"] {
        for (path, bytes) in files(&root().join(folder)) {
            put(format!("{folder}/{path}"), bytes);
        }
    }
    for (path, bytes) in files(&root().join("testdata")).into_iter().filter(|(path, _)| !path.starts_with("extracts/"))
    {
        put(format!("testdata/{path}"), bytes);
    }
    for path in files(&source).into_keys().filter(|path| !kept.contains(path)) {
        std::fs::remove_file(source.join(path)).unwrap();
    }
    // Our own crate without optimisation and in many parts, so that it compiles in seconds; the libraries as always.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--locked", "--quiet", "--bin", "leo-extract"]);
    for (option, value) in [("opt-level", "0"), ("codegen-units", "128"), ("debug-assertions", "true")] {
        cargo.arg("--config").arg(format!("profile.release.package.leo-extract.{option}={value}"));
    }
    cargo.env("CARGO_INCREMENTAL", "1").env("CARGO_TARGET_DIR", &target).current_dir(&source);
    let output = cargo.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("release/leo-extract")
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
                  where:\n      - any: [{variable: NCCIS_NEET_Start_Date, missing: true}, \
                  {variable: NCCIS_MonthNo, at_most: 3}]\n    justification: Missing values first.\n";
    world.edit(&world.spec(OTHER), "KS4_IDACI, release: {round: 0.05}", "KS4_IDACI, release: {bottom_code: 0.2}");
    world.amend(OTHER, "elements:\n", census);
    world.amend(WIDE, "IDACIScore, release: {round: 0.05}", "IDACIScore, release: {top_code: 0.2}");
    world.amend(COARSE, "in: [England, Wales]", "in: [England, Wales, Abroad]");
    world.amend(
        "LEO-2019-005",
        "CIN_NumberOfPreviousCPP, release: {top_code: 5}",
        "CIN_NumberOfPreviousCPP, release: {bands: [1, 3]}",
    );
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

/// A copy of the world with one project published, so that there are a ledger and a `latest`. Builds after it cut all projects
/// anew.
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

/// The face of each project's extract.
type Truth = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

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
fn outcome(binary: &Path, fault: &str, truth: &Truth, template: &World) -> (SeenBy, String) {
    let world = prepared(template);
    let mut build = Command::new(binary);
    build
        .env_clear()
        .env("PLANTED", fault)
        .args(["build", "--anew", "--as-of", DAY, "--quiet", "--format", "json"])
        .arg("--config");
    let Some((exit, out)) = run(build.arg(world.path("leo.yaml"))) else {
        return (SeenBy::Builder, "the build hung".to_owned());
    };
    let said: Value = serde_json::from_str(&out).unwrap_or_default();
    let mut found = codes(&said["findings"]);
    // What a builder that is right says too is no sign.
    found.remove("join-fans-out");
    let known: BTreeSet<&str> = leo_extract::verify::CODES.iter().map(|(code, _)| *code).collect();
    // The pipeline asks the verifier for these two.
    let of_verifier = |code: &&str| known.contains(code) || ["record-differs", "pseudonyms-shared"].contains(code);
    let by_verifier: Vec<&str> = found.iter().map(String::as_str).filter(of_verifier).collect();
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

/// Plants one fault after the other.
fn plant(all: &[Planted], edits: &[Edit]) {
    let binary = binary(edits);
    let template = world();
    let right = prepared(&template);
    assert!(right.build(&[]).ends(77).block("join-fans-out").is_some());
    let projects = ["001", "002", "003", "004", "005"].map(|n| format!("LEO-2019-{n}"));
    let projects: Vec<String> = projects.into_iter().chain([OTHER.to_owned(), FANS.to_owned()]).collect();
    let truth: Truth = projects.into_iter().map(|project| (project.clone(), face(&right, &project))).collect();
    let published: Vec<&String> = truth.keys().filter(|project| project.as_str() != FANS).collect();
    // A project that was left as it was would show no fault.
    assert!(published.iter().all(|project| extract(&right, project).is_dir()), "a project was not cut anew");
    assert!(second_reading_agrees(&right, &published), "the second reading finds fault with a builder without one");
    let (seen, how) = outcome(&binary, "", &truth, &template);
    assert!(seen == SeenBy::Nothing && how.starts_with("NOT SHOWN"), "without a fault, {seen:?} says {how}");
    let only = std::env::var("LEO_PLANTED_ONLY").unwrap_or_default();
    let asked = |fault: &&Planted| only.is_empty() || only.split(',').any(|word| fault.name.contains(word));
    let second = std::env::var_os("LEO_SECOND_READING").is_some();
    let (mut totals, mut wrong) = (BTreeMap::<SeenBy, usize>::new(), Vec::new());
    for fault in all.iter().filter(asked) {
        let (seen, how) = outcome(&binary, &fault.name, &truth, &template);
        let line = format!("| {} | {seen:?} | {how} |", fault.name);
        println!("{line}");
        *totals.entry(seen).or_default() += 1;
        let unasked = !second && seen == SeenBy::Nothing && fault.seen_by == SeenBy::SecondReading;
        if how.starts_with("NOT SHOWN") || (seen != fault.seen_by && !unasked) {
            wrong.push(format!("{line} where the list says {:?}", fault.seen_by));
        }
    }
    println!("{totals:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
