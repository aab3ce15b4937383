//! What stands beside the tables of a published extract, and beside the extract: dictionary, record, `latest`, other
//! projects. `verify` sees where one of them was made wrong.

use crate::support::{DAY, SMALL, WIDE, World, files, replace};
use serde_json::Value;
use std::path::Path;

/// A world with two published projects.
fn published() -> World {
    let world = World::new();
    world.build(&[SMALL, WIDE]).ends(0);
    world
}

fn verify(world: &World, project: &str) -> (i32, String) {
    let run = world.run(&["verify", "--quiet", world.latest(project).to_str().unwrap()]);
    (run.code, run.said())
}

#[track_caller]
fn refused(world: &World, code: &str) {
    let (exit, said) = verify(world, SMALL);
    assert!(exit == 65 && said.contains(&format!("error[{code}]")), "{code}: {said}");
}

/// Changes a text in an extract; the change must change something.
fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} holds no {from}", path.display());
    replace(path, text.replacen(from, to, 1).as_bytes());
}

#[test]
fn a_dictionary_that_says_something_else_is_refused() {
    for (file, from, to) in [
        ("codebook.csv", "KS4_FSM,KS4_FSM,", "KS4_FSM,KS4_SENPS,"),
        ("codebook.csv", "round: 0.05", "round: 0.01"),
        ("codebook.csv", "2001/2002..2011/2012", "2001/2002..2012/2013"),
        ("codebook.csv", "table,element", "table,elements"),
        ("datapackage.json", "\"name\": \"KS4_FSM\"", "\"name\": \"KS4_SENPS\""),
        ("datapackage.json", "\"type\": \"integer\"", "\"type\": \"string\""),
        ("datapackage.json", "2001-2002.parquet", "2000-2001.parquet"),
        ("datapackage.json", "\"resources\"", "\"resource\""),
        ("datapackage.json", "sha256:", "sha256:0"),
    ] {
        let world = World::new();
        world.build(&[SMALL]).ends(0);
        let path = world.latest(SMALL).join("data").join(file);
        edit(&path, from, to);
        refused(&world, "dictionary-differs");
        if file == "codebook.csv" {
            // A line more than there are variables.
            let text = std::fs::read_to_string(&path).unwrap().replacen(to, from, 1);
            replace(&path, format!("{text}x,y\r\n").as_bytes());
            refused(&world, "dictionary-differs");
        }
    }
}

#[test]
fn a_record_of_another_epoch_or_without_its_absent_slices_is_refused() {
    let world = World::new();
    let census = "elements:\n  - element: npd.school_census\n    years: 2018/2019..2019/2020\n    terms: [summer]\n    \
                  variables: [Gender]\n    justification: A slice that was never collected.\n";
    world.amend(SMALL, "elements:\n", census);
    world.build(&[SMALL]).ends(0);
    assert_eq!(verify(&world, SMALL).0, 0);
    let path = world.latest(SMALL).join("data/manifest.json");
    let whole: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(whole["absent"].as_array().unwrap().len(), 1);
    let changes: [fn(&mut Value); 3] = [
        |record| record["absent"] = Value::Array(Vec::new()),
        |record| record["key"]["epoch"] = 2.into(),
        |record| record["revision"] = 2.into(),
    ];
    for change in changes {
        let mut record = whole.clone();
        change(&mut record);
        replace(&path, &serde_json::to_vec_pretty(&record).unwrap());
        refused(&world, "record-differs");
    }
}

#[test]
fn latest_must_point_at_the_newest_version() {
    let world = published();
    world.build(&[SMALL]).ends(0);
    assert_eq!(verify(&world, SMALL).0, 0);
    let latest = world.path(&format!("extracts/{SMALL}/latest"));
    std::fs::remove_file(&latest).unwrap();
    std::os::unix::fs::symlink("v0001", &latest).unwrap();
    refused(&world, "latest-elsewhere");
    // A version that is not there any more is no newest one.
    std::fs::remove_dir_all(world.path(&format!("extracts/{SMALL}/v0002"))).unwrap();
    assert_eq!(verify(&world, SMALL).0, 0);
}

#[test]
fn two_projects_with_the_same_pseudonyms_are_refused() {
    let world = published();
    let (from, to) = (world.latest(SMALL), world.path("extracts/LEO-2019-777/v0001"));
    for (path, bytes) in files(&from) {
        std::fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
        std::fs::write(to.join(path), bytes).unwrap();
    }
    refused(&world, "pseudonyms-shared");
    assert_eq!(verify(&world, WIDE).0, 0, "another project shares none");
    // And a build beside it refuses to publish.
    let run = world.build(&[SMALL]).ends(65);
    assert!(run.block("pseudonyms-shared").is_some(), "{}", run.said());
    assert!(!world.path(&format!("extracts/{SMALL}/v0002")).exists(), "{DAY}");
}
