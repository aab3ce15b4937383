//! Building again: where nothing changed nothing is done; else what would come out the same is kept, and all of it is what a
//! build from nothing makes.

use crate::support::{COARSE, DAY, Run, SMALL, World, data, manifest, read, replace, write};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A build that may keep what stands.
fn again(world: &World, projects: &[&str]) -> Run {
    world.run(&[&["build", "--as-of", DAY, "--quiet", "--format", "json"], projects].concat())
}

/// The source of one year of Key Stage 4 gets its first row twice: the cohort stays as it is.
fn repeat_a_row(world: &World) {
    let path = world.source("npd/ks4/KS4_2010_2011.parquet");
    let rows = read(&path);
    let rows = arrow::compute::concat_batches(&rows.schema(), [&rows, &rows.slice(0, 1)]).unwrap();
    write(&path, &rows, WriterProperties::builder().build());
}

fn is_unchanged(run: &Run) -> bool {
    let report = run.json();
    report["built"] == Value::Array(Vec::new()) && report["unchanged"].as_array().is_some_and(|list| !list.is_empty())
}

/// The tables of the newest version that are files of version 1, and how many there are.
fn kept(world: &World, project: &str) -> (Vec<String>, usize) {
    let (old, new) = (world.path(&format!("extracts/{project}/v0001/data")), world.latest(project).join("data"));
    let inode = |path: &Path| std::fs::metadata(path).map(|facts| facts.ino()).ok();
    let tables: Vec<String> = manifest(&world.latest(project))["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["path"].as_str().unwrap().to_owned())
        .collect();
    let all = tables.len();
    let same = |path: &String| inode(&old.join(path)).is_some_and(|old| inode(&new.join(path)) == Some(old));
    (tables.into_iter().filter(same).collect(), all)
}

#[test]
fn where_nothing_changed_nothing_is_done_and_that_is_said() {
    let world = World::new();
    world.build(&[SMALL, COARSE]).ends(0);
    let before = crate::support::files(&world.path("extracts"));
    assert!(is_unchanged(&again(&world, &[SMALL, COARSE]).ends(0)));
    let text = world.run(&["build", "--as-of", DAY, "--quiet", SMALL]).ends(0);
    assert!(text.out.starts_with("LEO-2019-001: nothing has changed since v0001\nextract  "), "{}", text.said());
    let mut after = crate::support::files(&world.path("extracts"));
    after.retain(|path, _| path != ".sources.json");
    assert!(before.iter().filter(|(path, _)| *path != ".sources.json").eq(after.iter()));
    // What was asked for anew is cut anew, and comes out the same.
    world.run(&["build", "--anew", "--as-of", DAY, "--quiet", SMALL]).ends(0);
    assert_eq!(data(&world.path("extracts/LEO-2019-001/v0001")), data(&world.path("extracts/LEO-2019-001/v0002")));
}

#[test]
fn what_would_come_out_the_same_is_kept_and_the_rest_cut_again() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    repeat_a_row(&world);
    let report = again(&world, &[SMALL]).ends(0).json();
    let (kept, all) = kept(&world, SMALL);
    assert_eq!(report["built"][0]["kept"], kept.len());
    // The year that changed and the people are written anew.
    assert_eq!(kept.len(), all - 2, "{kept:?} of {all}");
    assert!(!kept.iter().any(|path| path.ends_with("2010-2011.parquet")));
    world.assert_as_built_anew(&[SMALL]);
    // Another column: nothing of the element can be kept, and the people alone are.
    world.amend(SMALL, "      - KS4_LEVEL2_EM\n", "");
    assert_eq!(again(&world, &[SMALL]).ends(0).json()["built"][0]["kept"], 1);
    world.assert_as_built_anew(&[SMALL]);
}

#[test]
fn an_extract_that_is_not_what_was_published_is_never_kept() {
    for damage in ["cut short", "another byte", "record", "latest", "removed"] {
        let world = World::new();
        world.build(&[SMALL]).ends(0);
        let folder = world.path("extracts/LEO-2019-001");
        let table = folder.join("v0001/data/npd.ks4/2011-2012.parquet");
        let bytes = std::fs::read(&table).unwrap();
        match damage {
            "cut short" => replace(&table, &bytes[..bytes.len() - 1]),
            "another byte" => {
                let mut bytes = bytes.clone();
                bytes[40] ^= 1;
                replace(&table, &bytes);
                // Lengths tell nothing: it shows when the table is to be kept.
                repeat_a_row(&world);
            }
            "record" => world.edit(&folder.join("v0001/data/manifest.json"), "\"rows\": ", "\"rows\": 1"),
            "latest" => std::fs::remove_file(folder.join("latest")).unwrap(),
            _ => std::fs::remove_file(&table).unwrap(),
        }
        let report = again(&world, &[SMALL]).ends(0).json();
        assert_eq!(report["built"][0]["version"], 2, "{damage}");
        let fresh = std::fs::read(world.latest(SMALL).join("data/npd.ks4/2011-2012.parquet")).unwrap();
        assert_eq!(fresh, bytes, "{damage}");
        let codes: Vec<&str> =
            report["findings"].as_array().unwrap().iter().filter_map(|f| f["code"].as_str()).collect();
        assert_eq!(
            codes.contains(&"published-file-damaged"),
            ["another byte", "cut short"].contains(&damage),
            "{damage}: {codes:?}"
        );
        let latest = world.latest(SMALL);
        world.run(&["verify", "--quiet", "--rebuild", latest.to_str().unwrap()]).ends(0);
    }
}

#[test]
fn whatever_an_extract_depends_on_makes_a_new_version() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let mut version = 1;
    let mut next = |what: &str| {
        version += 1;
        let report = again(&world, &[SMALL]).ends(0).json();
        assert_eq!(report["built"][0]["version"], version, "{what}: {report}");
        assert!(is_unchanged(&again(&world, &[SMALL]).ends(0)), "{what}");
        world.assert_as_built_anew(&[SMALL]);
    };
    world.amend(SMALL, "title: ", "title: On ");
    next("the spec");
    world.edit(&world.approval(SMALL), "DSAP-2019-104", "DSAP-2019-105");
    next("the approval");
    world.edit(&world.path("catalogue/npd.ks4.yaml"), "title: ", "title: The ");
    next("the catalogue");
    let objections = world.path("exclusions/objections.parquet");
    let rows = read(&objections);
    write(&objections, &rows.slice(0, rows.num_rows() - 1), WriterProperties::builder().build());
    next("the people never to be released");
    repeat_a_row(&world);
    next("a source");
    world.run(&["keys", "rotate", "next", "--quiet"]).ends(0);
    next("the key");
    let other_day = world.run(&["build", "--as-of", "2020-01-07", "--quiet", "--format", "json", SMALL]).ends(0).json();
    assert_eq!(other_day["built"].as_array().unwrap().len(), 1, "the day of the approvals");
}

/// What is remembered of sources is a matter of time: a second or two after a file was written it may change unseen.
#[test]
fn a_source_that_changed_after_it_was_remembered_is_seen() {
    let world = World::new();
    let source = world.source("npd/ks4/KS4_2010_2011.parquet");
    replace(&source, &std::fs::read(&source).unwrap());
    std::thread::sleep(std::time::Duration::from_millis(3100));
    world.build(&[SMALL]).ends(0);
    let note = || std::fs::read_to_string(world.path("extracts/.sources.json")).unwrap();
    assert!(note().contains("KS4_2010_2011.parquet"));
    assert!(is_unchanged(&again(&world, &[SMALL]).ends(0)));
    // Other bytes, the same length, the footer and the time of the file as they were.
    let modified = std::fs::metadata(&source).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(&source).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&source, bytes).unwrap();
    std::fs::File::options().append(true).open(&source).unwrap().set_modified(modified).unwrap();
    let run = again(&world, &[SMALL]);
    assert!(!run.out.contains("nothing has changed") && !is_unchanged(&run), "{}", run.said());
    // A note that is not ours is no note.
    world.edit(&world.path("extracts/.sources.json"), "\"known\":1", "\"known\":2");
    again(&world, &[SMALL]);
}
