//! The rules of the house, as tests: floors, lengths, imports, names. Each rule is shown able to fail.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms, lowest first: a room imports only from rooms before it.
const ROOMS: [&str; 21] = [
    "vocab",
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
const BUILDER: [&str; 9] = ["plan", "survey", "engine", "deidentify", "link", "cohort", "write", "extract", "publish"];
/// What may stand at the top of the project.
const TOP: [&str; 8] = ["Cargo.toml", "Cargo.lock", "src", "specs", "benches", "testdata", "tests", "README.md"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Every Rust file below some folders, with its path below the root and its text.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let mut open: Vec<PathBuf> = folders.iter().map(|f| root().join(f)).collect();
    let mut found = Vec::new();
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let below = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((below, read(&path)));
            }
        }
    }
    found.sort();
    assert!(found.len() > 3, "the house has files");
    found
}

/// The room of a file: `src/link/build.rs` is of `link`.
fn room(path: &str) -> &str {
    path.strip_prefix("src/").and_then(|p| p.split_once('/')).map_or("", |(room, _)| room)
}

/// A file's text up to its unit tests, without comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l }).collect::<Vec<_>>().join("\n")
}

/// The rooms that a text names: `crate::room`, alone or in braces behind `crate::`.
fn rooms_named(text: &str) -> BTreeSet<&'static str> {
    let mut named = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        let names = match part.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or(""),
            None => part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or(""),
        };
        for name in names.split(|c: char| !c.is_alphanumeric() && c != '_') {
            named.extend(ROOMS.into_iter().find(|r| *r == name));
        }
    }
    named
}

fn looks_up(path: &str, text: &str) -> Vec<String> {
    let own = ROOMS.iter().position(|r| *r == room(path));
    let Some(own) = own else { return Vec::new() };
    let above = |name: &&str| ROOMS.iter().position(|r| r == name).is_some_and(|i| i > own);
    rooms_named(&code(text)).into_iter().filter(above).map(|name| format!("{path} imports {name}")).collect()
}

#[test]
fn the_floors_only_look_down() {
    assert_eq!(looks_up("src/link/x.rs", "use crate::extract::Sink;").len(), 1, "the rule can fail");
    assert_eq!(looks_up("src/plan/x.rs", "use crate::{spec, pipeline::cut};").len(), 1, "the rule can fail");
    let wrong: Vec<String> = sources(&["src"]).iter().flat_map(|(path, text)| looks_up(path, text)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_room_stands_in_the_architecture() {
    let map = read(&root().join("src/ARCHITECTURE.md"));
    for (path, _) in sources(&["src"]) {
        let room = room(&path);
        assert!(room.is_empty() || ROOMS.contains(&room), "{path}: a room that the order does not know");
        assert!(room.is_empty() || map.contains(&format!("| `{room}` |")), "{room} is not in the map");
    }
}

#[test]
fn the_verifier_shares_no_code_with_the_builder() {
    let shares = |text: &str| rooms_named(&code(text)).into_iter().filter(|r| BUILDER.contains(r)).count();
    assert_eq!(shares("use crate::write::Sink;"), 1, "the rule can fail");
    for (path, text) in sources(&["src/verify"]) {
        assert_eq!(shares(&text), 0, "{path} imports from the builder");
        assert!(!code(&text).contains("datafusion"), "{path} names the engine");
    }
}

#[test]
fn crates_stay_in_their_rooms() {
    for (path, text) in sources(&["src"]) {
        let (room, code) = (room(&path), code(&text));
        assert!(room == "yaml" || !code.contains("serde_yaml"), "{path}: YAML is parsed in `yaml` alone");
        assert!(ENGINE.contains(&room) || !code.contains("datafusion::"), "{path}: the engine is not named here");
        let prints = ["println!", "print!(", "eprint!("].iter().any(|p| code.contains(p));
        assert!(room == "cli" || !prints, "{path}: only `cli` prints");
        assert!(!code.contains("unsafe "), "{path}: no unsafe code");
    }
}

fn shape(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.lines().count() > 400 {
        wrong.push(format!("{path} has more than 400 lines"));
    }
    if !text.starts_with("//! ") {
        wrong.push(format!("{path} does not say in its first line what it is"));
    }
    for (number, line) in text.lines().enumerate() {
        // Long literals stand as they are: to break them would change them.
        if line.chars().count() > 130 && !line.trim_start().starts_with('"') && !line.ends_with("n\\") {
            wrong.push(format!("{path}:{} is longer than 130 columns", number + 1));
        }
        for mark in [
            concat!("TO", "DO"),
            concat!("FIX", "ME"),
            concat!("to", "do!("),
            concat!("#[ig", "nore"),
            concat!("unimple", "mented!("),
        ] {
            if line.contains(mark) {
                wrong.push(format!("{path}:{} is unfinished: {mark}", number + 1));
            }
        }
    }
    wrong
}

#[test]
fn files_are_short_named_and_finished() {
    assert_eq!(shape("x.rs", &format!("fn x() {{}} // {}\n", concat!("TO", "DO"))).len(), 2, "the rule can fail");
    let wrong: Vec<String> =
        sources(&["src", "tests", "benches"]).iter().flat_map(|(path, text)| shape(path, text)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let map = read(&root().join("src/ARCHITECTURE.md"));
    let all: String = sources(&["src", "tests"]).into_iter().map(|(_, text)| text).collect();
    let mut held = 0;
    for line in map.lines().filter(|l| l.contains("Held by:")) {
        let name = line.rsplit('`').nth(1).unwrap_or("");
        assert!(!name.is_empty() && all.contains(&format!("fn {name}(")), "no test is called {name:?}");
        held += 1;
    }
    assert_eq!(held, 10, "ten invariants, each held by a test");
}

/// The codes of findings that a text makes: the first argument, kebab-case, of a finding's maker.
fn codes(text: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for maker in ["Finding::error(", "Finding::warning("] {
        for part in text.split(maker).skip(1) {
            if let Some(code) = part.trim_start().strip_prefix('"').and_then(|p| p.split('"').next()) {
                codes.insert(code.to_owned());
            }
        }
    }
    codes
}

#[test]
fn every_finding_is_in_the_reference() {
    assert!(codes("Finding::error(\n    \"a-code\", at").contains("a-code"), "the rule can fail");
    let reference = read(&root().join("specs/README.md"));
    let mut wanted = BTreeSet::new();
    for (_, text) in sources(&["src"]) {
        wanted.extend(codes(&code(&text)));
        // A room's list of its codes: `pub const CODES` … `("code", "meaning")`.
        if let Some(list) = text.split("const CODES").nth(1).and_then(|t| t.split("];").next()) {
            let firsts = list.split('(').skip(1).filter_map(|p| p.trim_start().strip_prefix('"')?.split('"').next());
            wanted.extend(firsts.map(str::to_owned));
        }
    }
    assert!(wanted.len() > 60, "the rooms have codes");
    let lacking: Vec<&String> = wanted.iter().filter(|c| !reference.contains(&format!("`{c}`"))).collect();
    assert!(lacking.is_empty(), "specs/README.md does not explain {lacking:#?}");
}

#[test]
fn exit_codes_are_in_the_readme() {
    let (errors, readme) = (read(&root().join("src/vocab/error.rs")), read(&root().join("README.md")));
    let list = errors.split("pub enum ExitCode {").nth(1).and_then(|t| t.split('}').next()).unwrap();
    let numbers: Vec<&str> = list.lines().filter_map(|l| l.split_once(" = ")?.1.strip_suffix(',')).collect();
    assert_eq!(numbers.len(), 10);
    for number in numbers {
        assert!(readme.contains(&format!("| {number} |")), "README.md does not explain exit code {number}");
    }
}

#[test]
fn the_top_level_holds_what_it_may() {
    for entry in std::fs::read_dir(root()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(name.starts_with('.') || name == "target" || TOP.contains(&name.as_str()), "{name} at the top level");
    }
}

fn below(folder: &Path, all: &mut Vec<(PathBuf, u64)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if ["target", ".git", "extracts"].contains(&name.to_string_lossy().as_ref()) {
            continue;
        }
        if path.is_dir() {
            below(&path, all);
        } else {
            all.push((path, entry.metadata().map_or(0, |m| m.len())));
        }
    }
}

#[test]
fn nothing_committed_is_large() {
    let mut all = Vec::new();
    below(&root(), &mut all);
    for (path, bytes) in &all {
        assert!(*bytes <= 10 << 20, "{} is larger than 10 MB", path.display());
    }
    let testdata: u64 = all.iter().filter(|(p, _)| p.starts_with(root().join("testdata"))).map(|(_, b)| b).sum();
    assert!((1..20 << 20).contains(&testdata), "testdata holds {testdata} bytes");
}

#[test]
fn testdata_is_cut_from_the_specs_that_are_here() {
    for (ours, theirs) in [("specs/catalogue", "testdata/catalogue"), ("specs/projects", "testdata/specs")] {
        let mut files = 0;
        for entry in std::fs::read_dir(root().join(ours)).unwrap().flatten() {
            let copy = root().join(theirs).join(entry.file_name());
            assert_eq!(read(&entry.path()), read(&copy), "{} differs: make testdata anew", copy.display());
            files += 1;
        }
        assert!(files > 4, "{ours} has files");
    }
}
