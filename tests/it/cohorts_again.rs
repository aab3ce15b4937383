//! A cohort that is what it was is not selected again, and nobody is linked whom no table asks for: and yet all is what a
//! build from nothing makes.

use crate::reckon::{Reckoner, give_keyring, secret};
use crate::support::{DAY, Run, SMALL, WIDE, World, command, hex, manifest, read, replace, write};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const EARNINGS: &str = "leo/earnings/hmrc_earnings_2015-2016.parquet";
const CARE: &str = "npd/cla/CLA_2010.parquet";

/// A build that may keep what stands, and tells of every element that it reads.
fn again(world: &World, projects: &[&str]) -> Run {
    let arguments = ["build", "--as-of", DAY, "--format", "json", "--log-format", "json"];
    world.run(&[&arguments, projects].concat()).ends(0)
}

/// The elements whose rows a run read, each as often as it did.
fn elements(run: &Run) -> Vec<String> {
    let events = run.err.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut elements: Vec<String> = events.filter_map(|event| Some(event["element"].as_str()?.to_owned())).collect();
    elements.sort();
    elements
}

fn change(path: &Path, rows: impl Fn(usize) -> usize) {
    let all = read(path);
    write(path, &all.slice(0, rows(all.num_rows())), WriterProperties::builder().build());
}

/// Whether the newest table of people is the file that it was in a version.
fn people_are_kept(world: &World, project: &str, version: &str) -> bool {
    let inode = |path: PathBuf| std::fs::metadata(path).unwrap().ino();
    let old = world.path(&format!("extracts/{project}/{version}/data/persons.parquet"));
    inode(old) == inode(world.latest(project).join("data/persons.parquet"))
}

/// The HMAC of a note of what is known of sources, under the key of the ledger.
fn mac_of(files: &Value) -> String {
    let files: BTreeMap<String, Seen> = serde_json::from_value(files.clone()).unwrap();
    let message = [b"known sources\n", serde_json::to_vec(&files).unwrap().as_slice()].concat();
    hex(&Reckoner::new(&secret("known")).ledger(&message))
}

/// What is noted of a file, its fields in the order in which they are signed.
#[derive(Serialize, Deserialize)]
struct Seen {
    stamp: Stamp,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: u64,
    footer: String,
}

#[test]
fn only_what_changed_is_read_where_the_cohort_is_what_it_was() {
    let world = World::new();
    let selecting = elements(&again(&world, &[WIDE]));
    assert!(selecting.contains(&"npd.cla".to_owned()), "{selecting:?}");
    change(&world.source(EARNINGS), |rows| rows - 1);
    assert_eq!(elements(&again(&world, &[WIDE])), ["hmrc.earnings"]);
    assert!(people_are_kept(&world, WIDE, "v0001"));
    world.assert_as_built_anew(&[WIDE]);
    // A title changes no row: nothing is read at all, and all of the tables are kept.
    world.amend(WIDE, "title: ", "title: On ");
    let run = again(&world, &[WIDE]);
    assert!(elements(&run).is_empty(), "{}", run.said());
    let tables = manifest(&world.latest(WIDE))["tables"].as_array().unwrap().len();
    assert_eq!(run.json()["built"][0]["kept"], tables);
    world.assert_as_built_anew(&[WIDE]);
}

#[test]
fn whatever_a_cohort_depends_on_has_it_selected_again() {
    let world = World::new();
    again(&world, &[WIDE]);
    let mut version = 1;
    let mut selected = |what: &str| {
        let before = format!("v{version:04}");
        let run = again(&world, &[WIDE]);
        assert!(elements(&run).contains(&"npd.cla".to_owned()), "{what}: {}", run.said());
        version += 1;
        assert_eq!(run.json()["built"][0]["version"], version, "{what}");
        assert!(!people_are_kept(&world, WIDE, &before), "{what}");
        world.assert_as_built_anew(&[WIDE]);
    };
    change(&world.source(CARE), |rows| rows / 2);
    selected("a source that people are selected from");
    change(&world.source("link/ae_id_recordid.parquet"), |rows| rows / 2);
    selected("a link table");
    change(&world.path("exclusions/objections.parquet"), |rows| rows / 2);
    selected("people never to be released");
    world.amend(WIDE, "    - require_link: edukey\n", "");
    selected("a step");
    world.edit(&world.path("catalogue/npd.cla.yaml"), "title: ", "title: The ");
    selected("what the catalogue says of an element of a step");
    world.amend(WIDE, "pseudonyms: {epoch: 1}", "pseudonyms: {epoch: 2}");
    selected("the epoch");
}

#[test]
fn of_several_projects_those_are_selected_whose_cohorts_may_have_changed() {
    let world = World::new();
    again(&world, &[SMALL, WIDE]);
    change(&world.source(CARE), |rows| rows / 2);
    world.amend(SMALL, "title: ", "title: On ");
    again(&world, &[SMALL, WIDE]);
    assert!(people_are_kept(&world, SMALL, "v0001") && !people_are_kept(&world, WIDE, "v0001"));
    world.assert_as_built_anew(&[SMALL, WIDE]);
}

#[test]
fn people_that_are_not_those_published_are_selected_again() {
    let world = World::new();
    again(&world, &[WIDE]);
    change(&world.source(EARNINGS), |rows| rows - 1);
    let people = world.latest(WIDE).join("data/persons.parquet");
    let mut bytes = std::fs::read(&people).unwrap();
    bytes[40] ^= 1;
    replace(&people, &bytes);
    let run = again(&world, &[WIDE]);
    assert!(elements(&run).contains(&"npd.cla".to_owned()), "{}", run.said());
    let findings = run.json()["findings"].clone();
    assert_eq!(findings[0]["code"], "published-file-damaged", "{findings}");
    let latest = world.latest(WIDE);
    world.run(&["verify", "--quiet", "--rebuild", latest.to_str().unwrap()]).ends(0);
}

/// A file system that says of a link table that it is what it was, where it is not: what is read is digested in the same run.
#[test]
fn a_link_table_that_is_not_what_was_remembered_is_seen_when_it_is_read() {
    let world = World::new();
    give_keyring(&world, &["known"]);
    let (link, note) = (world.source("link/ae_id_recordid.parquet"), world.path("extracts/.sources.json"));
    let settle = || std::thread::sleep(std::time::Duration::from_millis(3100));
    let noted = || serde_json::from_slice::<Value>(&std::fs::read(&note).unwrap()).unwrap();
    replace(&link, &std::fs::read(&link).unwrap());
    settle();
    again(&world, &[WIDE]);
    let (before, name) = (noted(), "link/ae_id_recordid.parquet");
    // The same length and the same rows: two of them change places.
    let rows = read(&link);
    let order: Vec<u32> = (0..u32::try_from(rows.num_rows()).unwrap()).rev().collect();
    let order = arrow::array::UInt32Array::from(order);
    write(&link, &arrow::compute::take_record_batch(&rows, &order).unwrap(), WriterProperties::builder().build());
    settle();
    // What the file is by now is known from a build beside.
    let config = std::fs::read_to_string(world.path("leo.yaml")).unwrap();
    let aside = world.path("aside.yaml");
    std::fs::write(&aside, config.replace("extracts: extracts", "extracts: aside")).unwrap();
    let arguments = ["build", "--as-of", DAY, "--quiet", WIDE, "--config", aside.to_str().unwrap()];
    Run::of(command().args(arguments)).ends(0);
    let now: Value = serde_json::from_slice(&std::fs::read(world.path("aside/.sources.json")).unwrap()).unwrap();
    assert_ne!(before["files"][name]["sha256"], now["files"][name]["sha256"]);
    let mut forged = before;
    forged["files"][name]["stamp"] = now["files"][name]["stamp"].clone();
    forged["mac"] = Value::from(mac_of(&forged["files"]));
    replace(&note, &serde_json::to_vec(&forged).unwrap());
    change(&world.source(EARNINGS), |rows| rows - 1);
    let run = again(&world, &[WIDE]);
    assert!(elements(&run).contains(&"npd.cla".to_owned()), "{}", run.said());
    world.assert_as_built_anew(&[WIDE]);
}
