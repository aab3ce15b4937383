//! The command line: help, usage, exit codes, formats, schemas.

use super::support::{Run, World, command};

fn run(arguments: &[&str]) -> Run {
    Run::of(command().args(arguments))
}

#[test]
fn help_teaches_by_example() {
    let help = run(&["--help"]).ends(0).said();
    for word in ["build", "check", "plan", "verify", "synth", "keys", "schema", "Examples:", "Exit codes:"] {
        assert!(help.contains(word), "help says nothing of {word}");
    }
    for command in ["build", "check", "plan", "verify", "synth"] {
        assert!(run(&[command, "--help"]).ends(0).said().contains("Examples:"), "{command} shows no example");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [
        &["bild"][..],
        &["build", "--as-of", "yesterday"],
        &["build", "--threads", "0"],
        &["build", "--memory", "lots"],
        &["verify"],
        &["synth", "--persons", "0"],
        &["synth", "--persons", "10", "--fault", "no_such_fault=0.1"],
    ] {
        run(arguments).ends(2);
    }
}

#[test]
fn without_a_config_a_run_ends_with_78_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["build", "check", "plan"] {
        let config = folder.path().join("leo.yaml");
        let said = run(&[command, "--config", config.to_str().unwrap()]).ends(78).said();
        assert!(said.contains("help:"), "{said}");
    }
}

#[test]
fn a_project_that_is_not_there_ends_with_66_and_offers_near_names() {
    let world = World::new();
    let said = world.run(&["build", "LEO-2019-0O1", "--as-of", "2020-01-06"]).ends(66).said();
    assert!(said.contains("LEO-2019-001"), "{said}");
}

#[test]
fn quiet_says_nothing_and_json_is_for_programs() {
    let world = World::new();
    let check = world.run(&["check", "--as-of", "2020-01-06", "--format", "json", "--quiet"]).ends(0);
    let json = check.json();
    assert!(json["findings"].is_array());
    assert_eq!(json["exit"], 0);
    let plan = world.run(&["plan", "--as-of", "2020-01-06", "--format", "json", "--quiet"]).ends(0).json();
    assert!(plan["plan"]["estimate"]["rows_read"].as_u64().unwrap() > 0);
    let text = world.run(&["plan", "--as-of", "2020-01-06", "--quiet"]).ends(0).said();
    assert!(text.lines().all(|l| l.chars().count() <= 100), "{text}");
}

#[test]
fn the_committed_schemas_are_those_that_the_tool_prints() {
    let root = env!("CARGO_MANIFEST_DIR");
    for document in ["spec", "catalogue", "approval", "config"] {
        let config = format!("{root}/testdata/leo.yaml");
        let printed = command().args(["schema", document, "--config", &config]).output().unwrap();
        assert!(printed.status.success());
        let committed = std::fs::read(format!("{root}/specs/schema/{document}.json")).unwrap();
        assert!(printed.stdout == committed, "specs/schema/{document}.json is old: print it anew");
    }
}

#[test]
fn keys_are_made_listed_and_rotated_without_a_secret_shown() {
    let folder = tempfile::tempdir().unwrap();
    let ring = folder.path().join("leo.keyring");
    let ring = ring.to_str().unwrap();
    run(&["keys", "new", "2026a", "--keyring", ring]).ends(0);
    run(&["keys", "new", "2026a", "--keyring", ring]).ends(73);
    let said = run(&["keys", "rotate", "2026b", "--keyring", ring]).ends(0).said();
    assert!(said.contains("2026a") && said.contains("2026b"));
    let text = std::fs::read_to_string(ring).unwrap();
    for secret in text.split("secret: \"").skip(1).filter_map(|t| t.split('"').next()) {
        assert!(!said.contains(secret), "a secret was shown");
    }
}
