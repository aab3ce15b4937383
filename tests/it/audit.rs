//! The ledger and its chain: whatever is done to it, or to what it tells of, `audit` finds it.

use crate::support::{SMALL, WIDE, World, replace, sha256};
use serde_json::Value;
use std::path::PathBuf;

/// A world with three lines in its ledger: two versions of one project, then one of another.
pub(crate) fn published() -> World {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    world.build(&[SMALL, WIDE]).ends(0);
    world
}

pub(crate) struct Ledger {
    pub(crate) path: PathBuf,
    pub(crate) lines: Vec<String>,
}

impl Ledger {
    pub(crate) fn of(world: &World) -> Self {
        let path = world.path("extracts/ledger.jsonl");
        let lines = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
        Self { path, lines }
    }

    pub(crate) fn write(&self, text: &str) {
        replace(&self.path, text.as_bytes());
    }
}

pub(crate) fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// How an audit ended, the codes of its errors and warnings, and the lines of the ledger that they name.
pub(crate) struct Audit {
    pub(crate) code: i32,
    pub(crate) errors: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) lines: Vec<u64>,
    pub(crate) json: Value,
}

pub(crate) fn audit_with(world: &World, more: &[&str]) -> Audit {
    let run = world.run(&[&["audit", "--quiet", "--format", "json"], more].concat());
    let json = run.json();
    let findings = json["findings"].as_array().unwrap();
    let codes = |severity: &str| {
        let of = findings.iter().filter(|f| f["severity"] == severity);
        of.map(|f| f["code"].as_str().unwrap().to_owned()).collect()
    };
    let in_ledger = findings.iter().filter(|f| f["at"]["file"].as_str().unwrap().ends_with("ledger.jsonl"));
    let lines = in_ledger.map(|f| f["at"]["line"].as_u64().unwrap()).collect();
    Audit { code: run.code, errors: codes("error"), warnings: codes("warning"), lines, json }
}

pub(crate) fn audit(world: &World) -> Audit {
    audit_with(world, &[])
}

#[test]
fn an_untouched_ledger_is_sound_and_tells_what_was_published() {
    let world = published();
    let ledger = Ledger::of(&world);
    assert_eq!(ledger.lines.len(), 3);
    let sound = audit(&world);
    assert_eq!((sound.code, sound.errors.len(), sound.warnings.len()), (0, 0, 0), "{}", sound.json);
    assert_eq!(sound.json["entries"], 3);
    assert_eq!(sound.json["head"], sha256(ledger.lines[2].as_bytes()));
    let published: Vec<(&str, u64, bool, &str)> = sound.json["published"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            let signed = e["signed"].as_bool().unwrap();
            (e["project"].as_str().unwrap(), e["version"].as_u64().unwrap(), signed, e["extract"].as_str().unwrap())
        })
        .collect();
    assert_eq!(published, [(SMALL, 1, true, "there"), (SMALL, 2, true, "there"), (WIDE, 1, true, "there")]);
    assert!(
        sound.json["published"].as_array().unwrap().iter().all(|e| e["key_id"] == "published-test"),
        "{}",
        sound.json
    );
    // For people, on 80 columns; and it writes nothing, not even a lock.
    let before = crate::support::files(&world.path("extracts"));
    let run = world.run(&["audit"]).ends(0);
    assert!(run.out.contains("sound") && run.out.contains(SMALL) && run.out.lines().all(|l| l.chars().count() <= 80));
    assert!(run.out.contains(&sha256(ledger.lines[2].as_bytes())));
    assert_eq!(before, crate::support::files(&world.path("extracts")));
    // Any head of the past is found again, any other is not.
    for line in &ledger.lines {
        assert_eq!(audit_with(&world, &["--head", &sha256(line.as_bytes())]).code, 0);
    }
    let unknown = audit_with(&world, &["--head", &sha256(b"another")]);
    assert_eq!((unknown.code, unknown.errors), (65, vec!["ledger-head-unknown".to_owned()]));
    assert_eq!(world.run(&["audit", "--head", "short"]).code, 2);
}

/// An entry as somebody without the key can make it: every digest right, the signature of another key.
fn forged(line: &str, seq: u64, previous: &str) -> String {
    let mut entry: Value = serde_json::from_str(line).unwrap();
    entry["seq"] = seq.into();
    entry["previous"] = previous.into();
    entry.to_string()
}

/// The lines numbered and chained anew, by somebody without the key.
fn rechained(lines: &[String]) -> String {
    let (mut text, mut previous) = (String::new(), "0".repeat(64));
    for (line, seq) in lines.iter().zip(1..) {
        let line = forged(line, seq, &previous);
        previous = sha256(line.as_bytes());
        text.push_str(&line);
        text.push('\n');
    }
    text
}

#[test]
fn every_way_of_altering_the_ledger_is_found() {
    let world = published();
    let ledger = Ledger::of(&world);
    let [a, b, c] = [&ledger.lines[0], &ledger.lines[1], &ledger.lines[2]];
    let good = joined(&ledger.lines);
    let of = |lines: &[&String]| lines.iter().map(|l| format!("{l}\n")).collect::<String>();
    let field = |line: &String, name: &str, value: Value| {
        let mut entry: Value = serde_json::from_str(line).unwrap();
        assert_ne!(entry[name], value, "{name}");
        entry[name] = value;
        entry.to_string()
    };
    let second = |line: String| of(&[a, &line, c]);
    let mut mac: String = serde_json::from_str::<Value>(b).unwrap()["mac"].as_str().unwrap().to_owned();
    let flipped = if mac.remove(0) == '0' { "1" } else { "0" };
    let inserted = forged(b, 2, &sha256(a.as_bytes()));
    // How it was altered, what must be among the errors, and the first line that a finding names.
    let mut cases: Vec<(&str, String, &str, u64)> = vec![
        ("the first line removed", of(&[b, c]), "ledger-chain-broken", 1),
        ("a middle line removed", of(&[a, c]), "ledger-chain-broken", 2),
        ("the last line removed", of(&[a, b]), "not-in-ledger", 0),
        ("two lines swapped", of(&[a, c, b]), "ledger-chain-broken", 2),
        ("a line duplicated", of(&[a, b, b, c]), "ledger-out-of-sequence", 3),
        ("the last line duplicated", of(&[a, b, c, c]), "ledger-versions-skip", 4),
        ("a forged line inserted", of(&[a, &inserted, b, c]), "ledger-chain-broken", 3),
        ("a forged line appended", of(&[a, b, c, &forged(c, 4, &sha256(c.as_bytes()))]), "ledger-signature-wrong", 4),
        (
            "the signature altered",
            second(field(b, "mac", format!("{flipped}{mac}").into())),
            "ledger-signature-wrong",
            2,
        ),
        ("the signature emptied", second(field(b, "mac", "".into())), "ledger-signature-wrong", 2),
        (
            "a signature taken from another line",
            {
                let other: Value = serde_json::from_str(a).unwrap();
                second(field(b, "mac", other["mac"].clone()))
            },
            "ledger-signature-wrong",
            2,
        ),
        ("the chain's digest altered", second(field(b, "previous", "0".repeat(64).into())), "ledger-chain-broken", 2),
        ("the key's name altered", second(field(b, "key_id", "other".into())), "ledger-key-unknown", 2),
        ("the key's name a path", second(field(b, "key_id", "../x".into())), "ledger-key-unknown", 2),
        ("a project that is a path", second(field(b, "project", "../../etc".into())), "ledger-unreadable", 2),
        ("a field added", second(field(b, "note", "x".into())), "ledger-signature-wrong", 2),
        ("a field hidden behind itself", second(b.replacen('{', "{\"seq\":9,", 1)), "ledger-unreadable", 2),
        ("white space", second(b.replacen(':', ": ", 1)), "ledger-unreadable", 2),
        ("a blank line between", of(&[a, &String::new(), b, c]), "ledger-unreadable", 2),
        ("a blank line at the end", format!("{good}\n"), "ledger-unreadable", 4),
        ("line ends of another system", good.replace('\n', "\r\n"), "ledger-unreadable", 1),
        ("a byte order mark", format!("\u{feff}{good}"), "ledger-unreadable", 1),
        ("truncated in the last line", good[..good.len() - 20].to_owned(), "not-in-ledger", 3),
        ("truncated in the second line", good[..a.len() + 40].to_owned(), "not-in-ledger", 2),
        ("no line end at the end", good.trim_end().to_owned(), "not-in-ledger", 3),
        ("something that is no JSON", format!("{good}x\n"), "ledger-unreadable", 4),
        ("bytes that are no text", format!("{good}\u{0}\n"), "ledger-unreadable", 4),
        ("the second removed, the rest chained anew", rechained(&[a.clone(), c.clone()]), "ledger-signature-wrong", 2),
        ("the first removed, the rest chained anew", rechained(&[b.clone(), c.clone()]), "ledger-signature-wrong", 1),
        ("swapped and chained anew", rechained(&[c.clone(), b.clone(), a.clone()]), "ledger-signature-wrong", 1),
        ("an older copy", of(&[a]), "not-in-ledger", 0),
        ("emptied", String::new(), "not-in-ledger", 0),
    ];
    // Every field there is, each altered alone.
    let entry: Value = serde_json::from_str(b).unwrap();
    let names: Vec<String> = entry.as_object().unwrap().keys().cloned().collect();
    assert!(names.len() >= 14, "{names:?}");
    for name in &names {
        let value = match &entry[name] {
            Value::Number(n) => Value::from(n.as_u64().unwrap() + 7),
            Value::Bool(b) => Value::from(!b),
            text => Value::from(format!("{}x", text.as_str().unwrap())),
        };
        let code = if name == "key_id" { "ledger-key-unknown" } else { "ledger-signature-wrong" };
        cases.push(("a field altered", second(field(b, name, value)), code, 2));
        let mut without = entry.clone();
        without.as_object_mut().unwrap().shift_remove(name);
        let required = ["seq", "time", "kind", "project", "key_id", "tool_version", "previous", "mac"];
        let code = if required.contains(&name.as_str()) { "ledger-unreadable" } else { "ledger-signature-wrong" };
        cases.push(("a field removed", second(without.to_string()), code, 2));
    }
    let count = cases.len();
    for (what, text, code, line) in cases {
        assert_ne!(text, good, "{what}");
        ledger.write(&text);
        let audit = audit(&world);
        assert_eq!(audit.code, 65, "{what}: {}", audit.json);
        assert!(audit.errors.iter().any(|c| c == code), "{what}: {:?}", audit.errors);
        if line > 0 {
            assert_eq!(audit.lines.iter().min(), Some(&line), "{what}: {}", audit.json);
        }
    }
    assert!(count > 55, "{count}");
    // Deleted: the ledger itself is what is missing.
    std::fs::remove_file(&ledger.path).unwrap();
    let gone = audit(&world);
    assert_eq!(gone.code, 66);
    assert!(gone.errors.contains(&"ledger-missing".to_owned()) && gone.errors.contains(&"not-in-ledger".to_owned()));
    ledger.write(&good);
    assert_eq!(audit(&world).code, 0);
}
