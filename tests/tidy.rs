//! The rules of the house, as tests: floors, crates, lengths, names, references. Each rule is shown able to fail.

#[path = "tidy/source.rs"]
mod source;

use source::{Source, files, read, root, sources};
use std::collections::BTreeSet;

/// The rooms, lowest first: a room imports only from rooms before it. `write` stands before `extract`, because whoever
/// reads the last rows of a table starts its writing at once (`src/ARCHITECTURE.md`).
const ROOMS: [&str; 22] = [
    "vocab",
    "hash",
    "yaml",
    "files",
    "config",
    "keys",
    "catalogue",
    "spec",
    "approval",
    "survey",
    "plan",
    "engine",
    "deidentify",
    "link",
    "cohort",
    "write",
    "extract",
    "verify",
    "publish",
    "pipeline",
    "synth",
    "cli",
];
/// Rooms that may name the engine.
const ENGINE: [&str; 5] = ["engine", "deidentify", "link", "cohort", "extract"];
/// What the verifier must share nothing with.
const BUILDER: [&str; 10] =
    ["hash", "plan", "survey", "engine", "deidentify", "link", "cohort", "write", "extract", "publish"];
/// What may stand at the top of the project.
const TOP: [&str; 8] = ["Cargo.toml", "Cargo.lock", "src", "specs", "benches", "testdata", "tests", "README.md"];
/// Words with hyphens in the code that are no codes of findings: names of checks, formats, constants.
const NO_CODES: [&str; 16] = [
    "bag-files",
    "coarsened-cells",
    "dictionary-entries",
    "joins-of-one-row",
    "leo-extract",
    "leo-key-id",
    "non-qualhrspreviousyear",
    "other-closed",
    "people-in-cohort",
    "published-test",
    "row-order",
    "sampled-people",
    "statements-of-one-person",
    "text-and-number-cells-scanned",
    "uniform-aes256",
    "utf-8",
];
/// The most lines of a file.
const LINES: usize = 400;
/// The most columns of a line. The formatter breaks code at 120; comments and literals it leaves alone.
const COLUMNS: usize = 130;
/// The most bytes of a committed file, and of all of `testdata`.
const BYTES: (u64, u64) = (10 << 20, 20 << 20);

/// Holds every file of some folders to a rule, after the rule was seen to fail on each of the planted texts.
fn hold(folders: &[&str], planted: &[(&str, &str)], rule: impl Fn(&Source) -> Vec<String>) {
    for (path, text) in planted {
        assert!(!rule(&Source::new(path, text)).is_empty(), "the rule did not see what is wrong with {path}: {text}");
    }
    let wrong: Vec<String> = sources(folders).iter().flat_map(rule).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Rooms above the file's own that it names.
fn looks_up(source: &Source) -> Vec<String> {
    let floor = |room: &str| ROOMS.iter().position(|r| *r == room);
    let Some(own) = floor(source.room()) else { return Vec::new() };
    let above = source.rooms().into_iter().filter(|room| floor(room) > Some(own));
    above.map(|room| format!("{} imports {room}", source.path)).collect()
}

#[test]
fn the_floors_only_look_down() {
    let planted = [
        ("src/link/x.rs", "use crate::extract::Sink;"),
        ("src/plan/x.rs", "use crate::{spec::{self, Spec}, pipeline::cut};"),
        ("src/plan/mod.rs", "fn x() { let y = super::super::engine::Engine::new(); }"),
        ("src/keys/ring.rs", "use super::super::{catalogue};"),
        ("src/vocab/safe.rs", "use crate::*;"),
        ("src/write/x.rs", "#[cfg(test)]\nmod tests { use crate::spec::Spec; }\nfn after() { crate::cli::run(); }"),
    ];
    hold(&["src"], &planted, looks_up);
    let allowed =
        "//! crate::cli\nuse super::{cli, extract};\nfn x<'a>(y: &'a str) { let z = \"crate::cli\"; } // crate::cli";
    assert_eq!(looks_up(&Source::new("src/plan/x.rs", allowed)), Vec::<String>::new(), "only code is judged");
}

/// Rooms that the order or the map does not know.
fn unmapped(source: &Source, map: &str) -> Vec<String> {
    let room = source.room();
    let known = room.is_empty() || (ROOMS.contains(&room) && map.contains(&format!("\n| `{room}` |")));
    if known { Vec::new() } else { vec![format!("{}: {room} is not in the order or the map", source.path)] }
}

#[test]
fn every_room_stands_in_the_map() {
    let map = read("src/ARCHITECTURE.md");
    hold(&["src"], &[("src/attic/mod.rs", "")], |source| unmapped(source, &map));
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let rooms: Vec<&str> = rows.map(|(room, _)| room).filter(|room| ROOMS.contains(room)).collect();
    assert_eq!(rooms, ROOMS, "the map names the rooms in their order");
}

#[test]
fn the_verifier_shares_no_code_with_the_builder() {
    let planted = [
        ("src/verify/x.rs", "use crate::{vocab::Type, write::Sink};"),
        ("src/verify/tests/x.rs", "fn x() -> super::super::super::plan::Plan {}"),
        ("src/verify/x.rs", "use datafusion::prelude::SessionContext;"),
    ];
    hold(&["src/verify"], &planted, |source| {
        let shared = source.rooms().into_iter().filter(|room| BUILDER.contains(room));
        let engine = source.says("datafusion").then_some("the engine");
        shared.chain(engine).map(|what| format!("{} names {what}", source.path)).collect()
    });
}

/// Says where a word of the code stands outside of the rooms that may say it.
fn kept_in(source: &Source, word: &str, rooms: &[&str]) -> Vec<String> {
    let wrong = source.says(word) && !rooms.contains(&source.room());
    if wrong { vec![format!("{} says {word}", source.path)] } else { Vec::new() }
}

#[test]
fn yaml_is_parsed_in_one_room() {
    let planted = [("src/spec/x.rs", "fn x() { serde_yaml::from_str(y) }"), ("src/lib.rs", "use serde_yaml as y;")];
    hold(&["src"], &planted, |source| kept_in(source, "serde_yaml", &["yaml"]));
}

#[test]
fn the_engine_stays_in_its_rooms() {
    let planted = [("src/write/x.rs", "use datafusion as engine;"), ("src/main.rs", "datafusion::x()")];
    hold(&["src"], &planted, |source| kept_in(source, "datafusion", &ENGINE));
}

#[test]
fn only_the_command_line_prints() {
    let planted = [("src/plan/x.rs", "fn x() { println!(\"\") }"), ("src/files/x.rs", "std::eprint!(\"\")")];
    hold(&["src"], &planted, |source| {
        let prints = ["println", "eprintln", "print", "eprint"].into_iter().filter(|word| {
            source.path != "src/main.rs"
                && !source.is_tests()
                && source.code.contains(&format!("{word}!"))
                && source.says(word)
        });
        prints.flat_map(|word| kept_in(source, word, &["cli"])).collect()
    });
}

#[test]
fn no_code_is_unsafe() {
    hold(&["src"], &[("src/x.rs", "unsafe { y() }")], |source| kept_in(source, "unsafe", &[]));
}

#[test]
fn what_is_there_for_benches_is_used_by_them_alone() {
    let planted =
        [("src/link/x.rs", "use crate::kernels::keys_of;"), ("src/main.rs", "use leo_extract::kernels as k;")];
    hold(&["src"], &planted, |source| {
        let names = ["crate::kernels", "leo_extract::kernels"].iter().any(|path| source.code.contains(path));
        if names { vec![format!("{} uses what benches may", source.path)] } else { Vec::new() }
    });
}

#[test]
fn files_are_short() {
    let long = "//! X.\n".repeat(LINES + 1);
    hold(&["src", "tests", "benches"], &[("src/x.rs", &long)], |source| {
        let lines = source.text.lines().count();
        if lines > LINES { vec![format!("{} has {lines} lines", source.path)] } else { Vec::new() }
    });
}

#[test]
fn files_say_what_they_are() {
    let planted = [("src/x.rs", "use y;\n//! X."), ("src/x.rs", "//!\n"), ("src/x.rs", "/// X.")];
    hold(&["src", "tests", "benches"], &planted, |source| {
        let says = source.text.lines().next().is_some_and(|l| l.strip_prefix("//! ").is_some_and(|l| l.len() > 3));
        if says { Vec::new() } else { vec![format!("{} begins with no //! of its own", source.path)] }
    });
}

/// The lines of a file for which something holds, told as `path:line is …`.
fn lines(source: &Source, is: &str, wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let all = source.text.lines().enumerate().filter(|(_, line)| wrong(line));
    all.map(|(i, _)| format!("{}:{} is {is}", source.path, i + 1)).collect()
}

#[test]
fn lines_are_narrow() {
    let wide = format!("// {}", "x".repeat(COLUMNS));
    hold(&["src", "tests", "benches"], &[("src/x.rs", &wide)], |source| {
        // A line of a literal stands as it is: to break it would change it.
        lines(source, "too wide", |l| l.chars().count() > COLUMNS && !l.ends_with("n\\") && !l.trim().starts_with('"'))
    });
}

#[test]
fn nothing_is_left_unfinished() {
    // Taken apart here, so that this file does not break its own rule.
    let marks = [("TO", "DO"), ("FIX", "ME"), ("to", "do!("), ("unimple", "mented!("), ("#[ig", "nore")];
    let marks = marks.map(|(a, b)| format!("{a}{b}"));
    let planted: Vec<(&str, &str)> = marks.iter().map(|mark| ("src/x.rs", mark.as_str())).collect();
    hold(&["src", "tests", "benches"], &planted, |source| {
        lines(source, "unfinished", |line| marks.iter().any(|mark| line.contains(mark.as_str())))
    });
}

/// The invariants of a map whose tests are not there, and how many invariants there are.
fn unheld(map: &str, all: &[Source]) -> (Vec<String>, usize) {
    let is_test = |name: &str| {
        let head = format!("fn {name}(");
        let marked = |at: usize, text: &str| text[..at].lines().rev().take(4).any(|line| line.trim() == "#[test]");
        all.iter().any(|source| source.text.match_indices(&head).any(|(at, _)| marked(at, &source.text)))
    };
    let invariants: Vec<&str> = map.lines().filter(|line| line.contains("Invariant: ")).collect();
    let unheld = invariants.iter().filter(|line| {
        let names: Vec<&str> = line.split("Held by: ").nth(1).unwrap_or("").split('`').skip(1).step_by(2).collect();
        names.is_empty() || !names.into_iter().all(is_test)
    });
    (unheld.map(|line| (*line).to_owned()).collect(), invariants.len())
}

#[test]
fn every_invariant_is_held_by_a_test() {
    let all = sources(&["src", "tests"]);
    for planted in ["1. Invariant: true.", "Invariant: x. Held by: `files_are_short`, `no_such_test`"] {
        assert_eq!(unheld(planted, &all).0.len(), 1, "the rule can fail");
    }
    assert_eq!(unheld("Invariant: x. Held by: `files_are_short`", &all), (Vec::new(), 1));
    let (unheld, invariants) = unheld(&read("src/ARCHITECTURE.md"), &all);
    assert!(unheld.is_empty(), "no such test: {unheld:#?}");
    assert_eq!(invariants, 11, "the house has eleven invariants");
}

/// The codes of findings in a file: what a finding is made with or a list `CODES` begins an entry with, and every
/// literal that looks like one, since codes also pass through helpers.
fn codes(source: &Source) -> BTreeSet<String> {
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let kebab = |text: &&String| text.split('-').all(part) && text.starts_with(|c: char| c.is_ascii_lowercase());
    let made = ["Finding::error(", "Finding::warning("].map(|m| source.text.split(m).skip(1)).into_iter().flatten();
    let list = source.text.split("const CODES").nth(1).and_then(|t| t.split("];").next()).unwrap_or("").split('(');
    let firsts: BTreeSet<&str> =
        made.chain(list.skip(1)).filter_map(|p| p.trim_start().strip_prefix('"')?.split('"').next()).collect();
    let code = |text: &&String| text.contains('-') || firsts.contains(text.as_str());
    let all = source.literals.iter().filter(kebab).filter(code).filter(|c| !NO_CODES.contains(&c.as_str()));
    if source.is_tests() { BTreeSet::new() } else { all.cloned().collect() }
}

#[test]
fn the_reference_knows_every_finding_and_no_other() {
    let planted =
        ["Finding::error(\n    \"alias\", at)", "fault(\"alias-made\")", "const CODES: X = &[(\"alias\", \"\")];"];
    for text in planted {
        assert_eq!(codes(&Source::new("src/spec/x.rs", text)).len(), 1, "the rule can fail");
    }
    let reference = read("specs/README.md");
    let section = reference.split("\n## ").find(|section| section.contains("Every finding")).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows: Vec<(&str, &str)> = rows.collect();
    let known: BTreeSet<String> = rows.iter().map(|(code, _)| (*code).to_owned()).collect();
    let used: BTreeSet<String> = sources(&["src"]).iter().flat_map(codes).collect();
    let lacking: Vec<&String> = used.difference(&known).collect();
    assert!(lacking.is_empty(), "specs/README.md does not explain (or NO_CODES does not name) {lacking:#?}");
    let stale: Vec<&String> = known.difference(&used).collect();
    assert!(stale.is_empty(), "specs/README.md explains what nothing finds: {stale:#?}");
    assert_eq!(rows.len(), known.len(), "specs/README.md explains each finding once");
    let short = rows.iter().filter(|(_, rest)| rest.split('|').filter(|cell| cell.trim().len() > 4).count() < 2);
    let short: Vec<&str> = short.map(|(code, _)| *code).collect();
    assert!(short.is_empty(), "each finding has a meaning and a remedy: {short:?}");
}

/// The numbers of an enum of exit codes that a table of a text does not explain, and how many numbers there are.
fn unexplained(errors: &str, readme: &str) -> (Vec<String>, usize) {
    let list = errors.split("pub enum ExitCode {").nth(1).and_then(|t| t.split('}').next()).unwrap_or("");
    let numbers: Vec<&str> = list.lines().filter_map(|line| line.split_once(" = ")?.1.strip_suffix(',')).collect();
    let lacking = numbers.iter().filter(|number| !readme.contains(&format!("\n| {number} | ")));
    (lacking.map(|number| (*number).to_owned()).collect(), numbers.len())
}

#[test]
fn every_exit_code_is_in_the_readme() {
    let planted = unexplained("pub enum ExitCode {\n Done = 0,\n Usage = 2,\n}", "66\n| 0 | done |\n");
    assert_eq!(planted, (vec!["2".to_owned()], 2), "the rule can fail");
    assert_eq!(unexplained(&read("src/vocab/error.rs"), &read("README.md")), (Vec::new(), 10));
}

/// Paths whose first part may not stand at the top.
fn astray(paths: &[String]) -> Vec<&str> {
    let top = |path: &&str| !path.starts_with('.') && !TOP.contains(path);
    paths.iter().filter_map(|path| path.split('/').next()).filter(top).collect()
}

#[test]
fn the_top_level_holds_what_it_may() {
    assert_eq!(astray(&["notes/x.md".to_owned(), ".ci/run".to_owned()]), ["notes"], "the rule can fail");
    assert_eq!(astray(&files()), Vec::<&str>::new());
}

/// What is too large: single files, and `testdata` as a whole.
fn large(files: &[(String, u64)]) -> Vec<String> {
    let single = files.iter().filter(|(_, bytes)| *bytes > BYTES.0).map(|(path, bytes)| format!("{path}: {bytes}"));
    let testdata: u64 = files.iter().filter(|(path, _)| path.starts_with("testdata/")).map(|(_, bytes)| bytes).sum();
    single.chain((testdata >= BYTES.1).then(|| format!("testdata: {testdata}"))).collect()
}

#[test]
fn nothing_committed_is_large() {
    assert_eq!(large(&[("a".to_owned(), BYTES.0 + 1)]).len(), 1, "the rule can fail");
    assert_eq!(large(&[1, 2, 3].map(|i| (format!("testdata/{i}"), BYTES.0 - 1))).len(), 1, "the rule can fail");
    let size = |path: String| std::fs::metadata(root().join(&path)).map(|m| (path, m.len()));
    let all: Vec<(String, u64)> = files().into_iter().filter_map(|path| size(path).ok()).collect();
    assert_eq!(large(&all), Vec::<String>::new());
}

/// What differs between two folders of documents: by name and text.
fn differing(ours: &[(String, String)], theirs: &[(String, String)]) -> Vec<String> {
    let lacks = |a: &[(String, String)], b: &[(String, String)]| -> Vec<String> {
        a.iter().filter(|document| !b.contains(document)).map(|(name, _)| name.clone()).collect()
    };
    [lacks(ours, theirs), lacks(theirs, ours)].concat()
}

#[test]
fn testdata_is_made_of_the_specs_that_are_here() {
    let document = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(
        differing(&[document("a", "1"), document("b", "1")], &[document("a", "2")]).len(),
        3,
        "the rule can fail"
    );
    let all = files();
    let folder = |folder: &str| -> Vec<(String, String)> {
        let names = all.iter().filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'));
        names.map(|name| document(name, &read(&format!("{folder}/{name}")))).collect()
    };
    // `synth` carries all three in the program and writes them into each world (`src/synth/world.rs`).
    for (ours, theirs) in [("catalogue", "catalogue"), ("projects", "specs"), ("approvals", "approvals")] {
        let (ours, theirs) = (folder(&format!("specs/{ours}")), folder(&format!("testdata/{theirs}")));
        assert!(ours.len() > 4, "the folders have files");
        assert_eq!(differing(&ours, &theirs), Vec::<String>::new(), "make testdata anew: testdata/README.md says how");
        for (name, text) in ours {
            let carried = read("src/synth/embedded.rs").contains(&format!("\"{name}\""));
            assert!(carried && !text.is_empty(), "src/synth/embedded.rs does not carry {name}");
        }
    }
}
