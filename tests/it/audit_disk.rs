//! What `audit` finds on the disk and in the keyring, and what it can not find without a note kept elsewhere.

use crate::audit::{Ledger, audit, audit_with, joined, published};
use crate::support::{SMALL, WIDE, World, replace};

#[test]
fn what_lies_on_the_disk_is_held_against_the_ledger() {
    let pristine = published();
    let case = |what: &str, change: &dyn Fn(&World), code: i32, error: &str, warning: &str| {
        let world = pristine.copy();
        // A copy leaves links out.
        for (project, version) in [(SMALL, "v0002"), (WIDE, "v0001")] {
            let latest = world.path(&format!("extracts/{project}/latest"));
            std::os::unix::fs::symlink(version, latest).unwrap();
        }
        assert_eq!(audit(&world).code, 0, "{what}: before");
        change(&world);
        let audit = audit(&world);
        assert_eq!(audit.code, code, "{what}: {}", audit.json);
        let empty = |codes: &[String], code: &str| {
            if code.is_empty() { codes.is_empty() } else { codes.contains(&code.to_owned()) }
        };
        assert!(empty(&audit.errors, error), "{what}: {:?}", audit.errors);
        assert!(empty(&audit.warnings, warning), "{what}: {:?}", audit.warnings);
    };
    let small = format!("extracts/{SMALL}");
    let at = |below: &str| format!("{small}/{below}");
    let remove = |world: &World, below: &str| std::fs::remove_dir_all(world.path(&at(below))).unwrap();
    let point = |world: &World, to: &str| {
        std::fs::remove_file(world.path(&at("latest"))).unwrap();
        std::os::unix::fs::symlink(to, world.path(&at("latest"))).unwrap();
    };
    case("the newest removed", &|w| remove(w, "v0002"), 66, "extract-missing", "");
    case("an older one removed", &|w| remove(w, "v0001"), 0, "", "extract-missing");
    case("all of a project removed", &|w| remove(w, ""), 66, "extract-missing", "extract-missing");
    case(
        "the record altered",
        &|w| w.edit(&w.path(&at("v0001/data/manifest.json")), "\"manifest\": 1", "\"manifest\": 2"),
        65,
        "differs-from-ledger",
        "",
    );
    case(
        "the bag made anew",
        &|w| replace(&w.path(&at("v0002/tagmanifest-sha256.txt")), b""),
        65,
        "differs-from-ledger",
        "",
    );
    case(
        "one version in the place of another",
        &|w| {
            remove(w, "v0001");
            std::fs::rename(w.path(&at("v0002")), w.path(&at("v0001"))).unwrap();
        },
        66,
        "differs-from-ledger",
        "",
    );
    case(
        "a link in the place of a version",
        &|w| {
            std::fs::rename(w.path(&at("v0002")), w.path("away")).unwrap();
            std::os::unix::fs::symlink(w.path("away"), w.path(&at("v0002"))).unwrap();
        },
        65,
        "differs-from-ledger",
        "extract-foreign",
    );
    case(
        "a version that nobody published",
        &|w| std::fs::create_dir(w.path(&at("v0003"))).unwrap(),
        65,
        "not-in-ledger",
        "",
    );
    case(
        "a project that nobody published",
        &|w| std::fs::create_dir_all(w.path("extracts/LEO-2031-001/v0001")).unwrap(),
        65,
        "not-in-ledger",
        "",
    );
    case("latest turned back", &|w| point(w, "v0001"), 65, "latest-astray", "");
    case("latest turned outside", &|w| point(w, "/tmp"), 65, "latest-astray", "");
    case("latest removed", &|w| std::fs::remove_file(w.path(&at("latest"))).unwrap(), 65, "latest-astray", "");
    case(
        "a file beside the versions",
        &|w| std::fs::write(w.path(&at("notes.txt")), "x").unwrap(),
        0,
        "",
        "extract-foreign",
    );
    case(
        "a folder beside the projects",
        &|w| std::fs::create_dir(w.path("extracts/old extracts")).unwrap(),
        0,
        "",
        "extract-foreign",
    );
    case(
        "a note that nobody signed",
        &|w| std::fs::write(w.path(&at(".pending.json")), "{}").unwrap(),
        0,
        "",
        "publication-unsigned",
    );
    // What a build does between the rename and the ledger, and is stopped: its note is its own last line.
    case(
        "a run that was cut short before the ledger",
        &|w| {
            let ledger = Ledger::of(w);
            std::fs::write(w.path(&format!("extracts/{WIDE}/.pending.json")), &ledger.lines[2]).unwrap();
            ledger.write(&joined(&ledger.lines[..2]));
        },
        0,
        "",
        "publication-unfinished",
    );
}

/// In principle: whoever can write to the folder can put an older state of all of it in the place of the newer. Only what
/// was noted elsewhere shows it.
#[test]
fn a_rollback_of_ledger_and_extracts_together_is_found_by_a_head_that_was_noted_elsewhere() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let old = Ledger::of(&world).lines;
    world.build(&[SMALL]).ends(0);
    let noted = audit(&world).json["head"].as_str().unwrap().to_owned();
    Ledger::of(&world).write(&joined(&old));
    std::fs::remove_dir_all(world.path(&format!("extracts/{SMALL}/v0002"))).unwrap();
    let latest = world.path(&format!("extracts/{SMALL}/latest"));
    std::fs::remove_file(&latest).unwrap();
    std::os::unix::fs::symlink("v0001", &latest).unwrap();
    assert_eq!(audit(&world).code, 0, "the folder alone shows nothing");
    let seen = audit_with(&world, &["--head", &noted]);
    assert_eq!((seen.code, seen.errors), (65, vec!["ledger-head-unknown".to_owned()]));
}

#[test]
fn a_keyring_that_cannot_be_used_or_lacks_a_key_is_told_with_all_else() {
    let world = published();
    let pristine = Ledger::of(&world);
    std::fs::remove_file(world.path("leo.keyring")).unwrap();
    pristine.write(&joined(&pristine.lines[1..]));
    let without = audit(&world);
    assert_eq!(without.code, 78);
    for code in ["keyring-missing", "ledger-chain-broken", "not-in-ledger"] {
        assert!(without.errors.contains(&code.to_owned()), "{:?}", without.errors);
    }
    assert!(without.json["published"].as_array().unwrap().iter().all(|e| e["signed"].is_null()));
    pristine.write(&joined(&pristine.lines));
    // Another key of another name, and another of the same name.
    world.run(&["keys", "new", "2031a"]).ends(0);
    let lacking = audit(&world);
    assert_eq!((lacking.code, lacking.errors), (65, vec!["ledger-key-unknown".to_owned(); 3]));
    std::fs::remove_file(world.path("leo.keyring")).unwrap();
    world.run(&["keys", "new", "published-test"]).ends(0);
    let wrong = audit(&world);
    let signatures = wrong.errors.iter().filter(|c| *c == "ledger-signature-wrong").count();
    assert_eq!((wrong.code, signatures), (65, 3));
    assert!(wrong.errors.contains(&"not-in-ledger".to_owned()), "what nobody signed vouches for nothing");
    // A config that is not there.
    std::fs::remove_file(world.path("leo.yaml")).unwrap();
    world.run(&["audit"]).ends(78);
}

#[test]
fn entries_of_before_and_after_a_rotation_are_held_to_their_own_keys() {
    let world = World::new();
    std::fs::remove_file(world.path("leo.keyring")).unwrap();
    world.run(&["keys", "new", "2026a"]).ends(0);
    world.build(&[SMALL]).ends(0);
    world.run(&["keys", "rotate", "2026b"]).ends(0);
    world.build(&[SMALL]).ends(0);
    let both = audit(&world);
    assert_eq!(both.code, 0, "{}", both.json);
    let keys: Vec<&str> =
        both.json["published"].as_array().unwrap().iter().map(|e| e["key_id"].as_str().unwrap()).collect();
    assert_eq!(keys, ["2026a", "2026b"]);
    // An old entry does not pass for one of the new key.
    let ledger = Ledger::of(&world);
    ledger.write(&joined(&ledger.lines).replacen("2026a", "2026b", 1));
    assert!(audit(&world).errors.contains(&"ledger-signature-wrong".to_owned()));
}
