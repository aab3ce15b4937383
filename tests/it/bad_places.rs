//! Keyrings, folders and configs that are bad: the right exit code, the remedy, no secret shown, nothing
//! published.

use crate::support::{Run, SMALL, World, command, replace};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_keyring_absent_open_to_others_or_malformed_stops_all_and_shows_no_secret() {
    let world = World::new();
    let path = world.path("leo.keyring");
    std::fs::remove_file(&path).unwrap();
    let absent = world.build(&[]).ends(78);
    assert!(absent.said().contains("leo.keyring") && absent.said().contains("help: "), "{}", absent.said());

    world.run(&["keys", "new", "2026a", "--quiet"]).ends(0);
    world.build(&[SMALL]).ends(0);
    let good = std::fs::read_to_string(&path).unwrap();
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let open = world.build(&[]).ends(78);
        assert!(open.flat().contains("help: ") && open.said().contains("leo.keyring"), "{mode:o}: {}", open.said());
    }
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let secret = good.split("secret:").nth(1).unwrap().trim_matches(|c: char| " \n}\"".contains(c)).to_owned();
    assert!(secret.len() >= 40, "the secret was found");
    let short = format!("{}=", &secret[..20]);
    for (what, text) in [
        ("empty", String::new()),
        ("no keyring", "hello\n".to_owned()),
        ("a short secret", good.replace(&secret, &short)),
        ("no base64", good.replace(&secret, "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!")),
        ("an unknown current key", good.replacen("2026a", "2025z", 1)),
        ("an unknown field", format!("{good}surplus: {secret}\n")),
        ("a key given twice", good.replacen("keyring: 1\n", "keyring: 1\nkeyring: 1\n", 1)),
    ] {
        replace(&path, text.as_bytes());
        let run = world.build(&[]).ends(78);
        assert!(!run.said().contains(&secret) && !run.said().contains(&short), "{what}: the secret is shown");
        assert!(run.said().contains("leo.keyring"), "{what}: {}", run.said());
    }
}

#[test]
fn an_output_folder_that_cannot_be_written_ends_with_73() {
    // Root may write anywhere, so the obstacle is a file, and a file system that makes no folders.
    for (setting, value) in
        [("extracts", "leo.keyring/extracts"), ("extracts", "/proc/extracts"), ("scratch", "SYNTH.json/scratch")]
    {
        let world = World::new();
        let config = world.path("leo.yaml");
        if setting == "extracts" {
            world.edit(&config, "extracts: extracts", &format!("extracts: {value}"));
        } else {
            world.edit(&config, "extracts: extracts", &format!("extracts: extracts\nscratch: {value}"));
        }
        let run = world.build(&[SMALL]).ends(73);
        assert!(run.said().contains("help: "), "{}", run.said());
        world.assert_unpublished(SMALL);
    }
}

#[test]
fn a_config_absent_or_wrong_ends_with_78() {
    Run::of(command().args(["build", "--config", "/nowhere/leo.yaml"])).ends(78);
    let world = World::new();
    world.edit(&world.path("leo.yaml"), "config: 1", "config: 1\nsurplus: 1");
    let run = world.build(&[]).ends(78);
    assert!(run.said().contains("leo.yaml:2:") && run.said().contains("help: "), "{}", run.said());
}
