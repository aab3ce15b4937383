//! Two runs at once over one extracts folder: one wins, the other ends with 75 at once, whatever the projects; and a run
//! that was killed leaves no lock behind.

use crate::support::{DAY, SMALL, WIDE, World};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A build that holds the lock: it has told of its first step under it.
fn holding(world: &World, projects: &[&str]) -> Child {
    let arguments = [&["build", "--anew", "--as-of", DAY, "--log-format", "json"], projects].concat();
    let mut child =
        world.command(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"step\":\"digest and link\"") {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "the build ended before it began");
    }
    // Read on, so that it never waits for a reader.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    child
}

/// A run that must end with 75 while the other still works.
#[track_caller]
fn is_locked_out(world: &World, first: &mut Child, arguments: &[&str]) {
    let began = Instant::now();
    let run = world.run(arguments).ends(75);
    assert!(run.said().contains("help: ") && began.elapsed() < Duration::from_secs(5), "{}", run.said());
    assert!(first.try_wait().unwrap().is_none(), "the first build was over: nothing was shown");
}

#[test]
fn of_two_builds_one_wins_and_the_other_ends_with_75() {
    // Large enough that the first still works when the second has read its documents.
    let world = World::made(&["--persons", "3000", "--fault", "heavy_person=300000"]);
    world.build(&[SMALL]).ends(0);
    let build = |projects: &[&'static str]| [&["build", "--as-of", DAY, "--quiet"], projects].concat();
    for projects in [&[] as &[&str], &[SMALL], &[WIDE]] {
        let mut first = holding(&world, &[]);
        is_locked_out(&world, &mut first, &build(projects));
        assert_eq!(first.wait().unwrap().code(), Some(0));
        world.assert_clean();
    }
    // Nor may an extract be cut again beside a build; to look at one is nobody's harm.
    let latest = world.latest(SMALL);
    let latest = latest.to_str().unwrap();
    let mut first = holding(&world, &[]);
    is_locked_out(&world, &mut first, &["verify", "--quiet", "--rebuild", latest]);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    let mut first = holding(&world, &[]);
    world.run(&["verify", "--quiet", latest]).ends(0);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    // A killed build leaves no lock.
    let mut first = holding(&world, &[]);
    is_locked_out(&world, &mut first, &build(&[SMALL]));
    first.kill().unwrap();
    first.wait().unwrap();
    world.build(&[SMALL]).ends(0);
    world.assert_clean();
}

#[test]
fn builds_that_start_together_publish_as_if_one_came_after_the_other() {
    let world = World::new();
    for round in 0..6 {
        let mut runs = [world.spawn(&[SMALL]), world.spawn(&[WIDE])];
        let codes = runs.each_mut().map(|run| run.wait().unwrap().code().unwrap());
        assert!(codes.iter().all(|code| [0, 75].contains(code)) && codes.contains(&0), "round {round}: {codes:?}");
        world.assert_clean();
    }
    world.build(&[SMALL, WIDE]).ends(0);
    // Whoever won, each version is in the ledger once, and whole.
    let ledger = std::fs::read_to_string(world.path("extracts/ledger.jsonl")).unwrap();
    let mut versions = 0;
    for project in [SMALL, WIDE] {
        let home = world.path(&format!("extracts/{project}"));
        let paths: Vec<String> = std::fs::read_dir(&home)
            .unwrap()
            .map(|entry| entry.unwrap().path().to_string_lossy().into_owned())
            .filter(|path| !path.ends_with("latest"))
            .collect();
        versions += paths.len();
        let arguments: Vec<&str> = ["verify", "--quiet"].into_iter().chain(paths.iter().map(String::as_str)).collect();
        world.run(&arguments).ends(0);
    }
    assert_eq!(ledger.lines().count(), versions);
    assert!(versions >= 8, "{versions}");
}

#[test]
fn two_configs_over_one_extracts_folder_share_its_lock() {
    let (one, other) = (World::made(&["--persons", "3000", "--fault", "heavy_person=300000"]), World::new());
    let shared = format!("extracts: {}", one.path("extracts").display());
    other.edit(&other.path("leo.yaml"), "extracts: extracts", &shared);
    let mut first = holding(&one, &[WIDE]);
    is_locked_out(&other, &mut first, &["build", "--as-of", DAY, "--quiet", SMALL]);
    assert_eq!(first.wait().unwrap().code(), Some(0));
    other.build(&[SMALL]).ends(0);
    one.assert_clean();
    assert!(one.latest(WIDE).is_dir() && one.latest(SMALL).is_dir());
}

#[test]
fn a_second_build_is_told_what_to_do() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let lock = std::fs::File::options().write(true).open(world.path("extracts/.lock")).unwrap();
    lock.try_lock().unwrap();
    let run = world.build(&[SMALL]).ends(75);
    assert!(run.said().contains("help: "), "{}", run.said());
    drop(lock);
    world.build(&[SMALL]).ends(0);
}
