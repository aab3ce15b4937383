//! The command line: help, usage, exit codes, formats, schemas.

use super::support::{DAY, Run, SMALL, World, command};
use std::path::Path;
use std::process::Stdio;

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

/// A keyring whose keys stand in one line, as the reference writes them; and the beginning of its secret.
fn one_line_keyring(at: &Path) -> String {
    let made = at.with_extension("made");
    run(&["keys", "new", "2026a", "--keyring", made.to_str().unwrap()]).ends(0);
    let text = std::fs::read_to_string(made).unwrap();
    let secret = text.split("secret: \"").nth(1).and_then(|t| t.split('"').next()).unwrap().to_owned();
    let line = format!("keyring: 1\ncurrent: 2026a\nkeys: [{{id: 2026a, secret: \"{secret}\"}}]\n");
    std::fs::write(at, line).unwrap();
    // Not the whole: a long line is clipped, and most of a secret is too much.
    secret[..10].to_owned()
}

#[test]
fn a_keyring_taken_for_another_document_shows_no_part_of_its_secret() {
    let world = World::new();
    let ring = world.path("ring.yaml");
    let part = one_line_keyring(&ring);
    let unsaid = |run: Run, code: i32| {
        assert!(run.said().contains("ring.yaml"), "it is told of: {}", run.said());
        assert!(!run.ends(code).said().contains(&part), "a part of the secret was shown");
    };
    unsaid(world.run(&["check", ring.to_str().unwrap(), "--as-of", DAY]), 65);
    unsaid(run(&["check", "--config", ring.to_str().unwrap()]), 78);
    for folder in ["specs", "catalogue", "approvals"] {
        let copy = world.path(&format!("{folder}/ring.yaml"));
        std::fs::copy(&ring, &copy).unwrap();
        unsaid(world.run(&["check", "--as-of", DAY]), 65);
        std::fs::remove_file(copy).unwrap();
    }
}

#[test]
fn lines_are_quoted_from_documents_of_the_config_alone() {
    let world = World::new();
    world.edit(&world.spec(SMALL), "spec: 1", "spec: 1\nbogus: quoted");
    let here = world.run(&["check", SMALL, "--as-of", DAY]).ends(65);
    assert!(here.out.contains("| bogus: quoted") && here.out.contains("^^^^^"), "{}", here.said());
    let outside = world.path("outside.yaml");
    std::fs::copy(world.spec(SMALL), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, world.path("specs/link.yaml")).unwrap();
    let link = world.path("specs/link.yaml");
    for path in [outside, link] {
        let there = world.run(&["check", path.to_str().unwrap(), "--as-of", DAY]).ends(65);
        assert!(there.out.contains("bogus") && !there.out.contains("quoted"), "{}", there.said());
    }
}

#[test]
fn progress_tells_only_counts_that_are_safe() {
    let world = World::new();
    let text = world.run(&["build", SMALL, "--as-of", DAY]).ends(0);
    let told: Vec<&str> = text.err.lines().filter(|l| l.contains(" rows in ")).collect();
    assert!(!told.is_empty(), "{}", text.err);
    for line in told {
        let count = line.split(" rows in ").next().unwrap().rsplit("  ").next().unwrap().trim();
        let safe = count == "fewer than 10" || count.replace(',', "").parse::<u64>().is_ok_and(|n| n % 5 == 0);
        assert!(safe, "{line}");
    }
    let json = world.run(&["build", SMALL, "--anew", "--as-of", DAY, "--log-format", "json"]).ends(0);
    let events: Vec<serde_json::Value> = json.err.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let rows: Vec<&serde_json::Value> = events.iter().filter_map(|e| e.get("rows")).collect();
    assert!(!rows.is_empty() && events.iter().any(|e| e.get("step").is_some()), "{}", json.err);
    assert!(rows.iter().all(|r| r.is_null() || r.as_u64().is_some_and(|n| n % 5 == 0)), "{rows:?}");
}

#[test]
fn a_result_that_cannot_be_written_ends_with_73_and_a_reader_that_leaves_is_no_fault() {
    let full = || Stdio::from(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    for arguments in [&["schema", "config"] as &[&str], &["--help"]] {
        let output = command().args(arguments).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(73), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("standard output"));
    }
    let mut child = command().args(["schema", "spec"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_config_that_cannot_be_read_makes_no_keyring_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bad.yaml"), "config: 1\nkeyringg: x\n").unwrap();
    for config in ["bad.yaml", "none.yaml"] {
        let mut command = command();
        command.current_dir(folder.path()).args(["keys", "new", "2026a", "--config", config]);
        Run::of(&mut command).ends(78);
        assert!(!folder.path().join("leo.keyring").exists(), "{config}");
    }
}

#[test]
fn a_credential_stands_in_for_the_keyring_and_a_flag_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, id: &str| {
        let path = folder.path().join(name);
        run(&["keys", "new", id, "--keyring", path.to_str().unwrap()]).ends(0);
        path
    };
    let (_, flag) = (make("leo.keyring", "credential"), make("flag.keyring", "flag"));
    let listed = |more: &[&str]| {
        let mut command = command();
        command
            .current_dir(folder.path())
            .env("CREDENTIALS_DIRECTORY", folder.path())
            .args(["keys", "list"])
            .args(more);
        Run::of(&mut command).ends(0).said()
    };
    assert!(listed(&[]).contains("credential"));
    assert!(listed(&["--keyring", flag.to_str().unwrap()]).contains("flag  "));
}
