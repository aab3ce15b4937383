//! Differential testing: random worlds, built by the program and reckoned by a naive reference that shares nothing with it.
//!
//! `LEO_WORLDS=N` takes N worlds, `LEO_WORLDS_SECONDS=S` as many as fit, `LEO_WORLDS_FROM=SEED` others than those of every
//! run, `LEO_WORLDS_TABLE=FILE` writes what was exercised. A seed that disagrees keeps its world and says how to run it alone.

mod again;
mod blunders;
mod cases;
mod compare;
mod coverage;
mod documents;
mod generate;
mod int96;
mod model;
mod random;
mod reference;
mod run;
mod spec;
mod store;

use coverage::Coverage;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The first seed of every run, and how many worlds it takes.
const FIXED: (u64, u64) = (1, 150);
/// So many disagreements end a run.
const ENOUGH: usize = 10;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

/// Compares worlds from a seed on, on all cores, until so many are done or the time is up.
fn compare_worlds(from: u64, count: u64, limit: Option<Duration>) -> (Coverage, Vec<String>) {
    let started = Instant::now();
    let next = AtomicU64::new(from);
    let all = Mutex::new((Coverage::default(), Vec::<String>::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let over = limit.is_some_and(|limit| started.elapsed() >= limit);
            if seed >= from.saturating_add(count) || over || all.lock().unwrap().1.len() >= ENOUGH {
                return;
            }
            let verdict = run::seed(seed);
            let mut all = all.lock().unwrap();
            match verdict {
                Ok(coverage) => all.0.merge(coverage),
                Err(why) => all.1.push(why),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    all.into_inner().unwrap()
}

#[test]
fn random_worlds_agree_with_a_naive_reading() {
    let (from, seconds) = (setting("LEO_WORLDS_FROM"), setting("LEO_WORLDS_SECONDS"));
    let count = setting("LEO_WORLDS").unwrap_or(if seconds.is_some() { u64::MAX } else { FIXED.1 });
    let started = Instant::now();
    let (coverage, wrong) = compare_worlds(from.unwrap_or(FIXED.0), count, seconds.map(Duration::from_secs));
    let seconds = started.elapsed().as_secs();
    let figures = format!("{}; {} disagreements; {seconds} s", coverage.figures(), wrong.len());
    println!("{figures}");
    if let Ok(path) = std::env::var("LEO_WORLDS_TABLE") {
        std::fs::write(path, format!("{figures}\n{}", coverage.table())).unwrap();
    }
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
    // Other worlds than those of every run need not meet all, unless they are many.
    if coverage.worlds >= if from.is_none() { FIXED.1 } else { 1_000 } {
        assert_eq!(coverage.never(), Vec::<String>::new(), "never exercised over {} worlds", coverage.worlds);
    }
}

/// Files below a folder that name the library.
fn naming_the_library(folder: &std::path::Path) -> Vec<String> {
    let name = ["leo", "extract::"].join("_");
    let sources = crate::support::files(folder).into_iter();
    sources.filter(|(_, text)| String::from_utf8_lossy(text).contains(&name)).map(|(path, _)| path).collect()
}

#[test]
fn the_reference_shares_no_code_with_the_program() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    assert_eq!(naming_the_library(&tests.join("it/differential")), Vec::<String>::new());
    // Were it shared, it would be seen.
    let planted = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::write(planted.path().join("x.rs"), ["use leo", "extract::vocab::Year;"].join("_")).unwrap();
    assert_eq!(naming_the_library(planted.path()), ["x.rs"]);
}
