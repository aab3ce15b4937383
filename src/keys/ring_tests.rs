//! Tests of the keyring file.

use super::*;

fn id(text: &str) -> KeyId {
    KeyId::new(text).unwrap()
}

fn codes(error: &Error) -> Vec<&'static str> {
    match error {
        Error::Findings(findings) => findings.iter().map(|f| f.code).collect(),
        other => panic!("{other}"),
    }
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn a_new_keyring_is_for_its_owner_alone_and_rotates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leo.keyring");
    Keyring::create(&path, id("2026a")).unwrap();
    assert_eq!(mode(&path), 0o600);
    let before = Keyring::load(&path).unwrap();
    let tag = before.current().ledger().tag(b"x");
    assert!(!before.is_published_test_key());
    Keyring::rotate(&path, id("2026b")).unwrap();
    assert_eq!(mode(&path), 0o600);
    let after = Keyring::load(&path).unwrap();
    let entries = after.entries();
    let names: Vec<_> = entries.iter().map(|(id, current, _)| (id.as_str(), *current)).collect();
    assert_eq!(names, [("2026a", false), ("2026b", true)]);
    assert_ne!(entries[0].2, entries[1].2);
    assert_eq!(after.key(&id("2026a")).unwrap().ledger().tag(b"x"), tag);
    assert!(after.key(&id("2026c")).is_none());
    assert_eq!(codes(&Keyring::rotate(&path, id("2026a")).err().unwrap()), ["keyring-id-taken"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_keyring_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leo.keyring");
    Keyring::create(&path, id("a")).unwrap();
    for open in [0o640, 0o604, 0o620, 0o602, 0o644] {
        set_mode(&path, open);
        for error in [Keyring::load(&path).err().unwrap(), Keyring::rotate(&path, id("b")).err().unwrap()] {
            assert_eq!(codes(&error), ["keyring-readable-by-others"]);
            assert_eq!(error.exit_code(), ExitCode::Config);
        }
    }
    std::fs::write(&path, "nonsense").unwrap();
    assert_eq!(codes(&Keyring::load(&path).err().unwrap()), ["keyring-malformed", "keyring-readable-by-others"]);
}

#[cfg(unix)]
#[test]
fn the_published_test_key_needs_no_protection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leo.keyring");
    write_keyring(&path, id("test"), Secret::published_test()).unwrap();
    write_keyring(&path, id("test"), Secret::published_test()).unwrap();
    set_mode(&path, 0o644);
    assert!(Keyring::load(&path).unwrap().is_published_test_key());
    let error = write_keyring(&path, id("other"), Secret::published_test()).err().unwrap();
    assert_eq!(codes(&error), ["keyring-exists"]);
    Keyring::rotate(&path, id("real")).unwrap();
    assert!(!Keyring::load(&path).unwrap().is_published_test_key());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn absent_and_malformed_keyrings_end_with_78() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leo.keyring");
    let error = Keyring::load(&path).err().unwrap();
    assert_eq!((codes(&error), error.exit_code()), (vec!["keyring-missing"], ExitCode::Config));
    let error = Keyring::load(folder.path()).err().unwrap();
    assert_eq!((codes(&error), error.exit_code()), (vec!["keyring-malformed"], ExitCode::Config));
    Keyring::create(&path, id("a")).unwrap();
    assert_eq!(codes(&Keyring::create(&path, id("b")).err().unwrap()), ["keyring-exists"]);
    for content in [&b"\xff\xfe"[..], b"", b"keyring: 1\ncurrent: a\nkeys: []\n"] {
        std::fs::write(&path, content).unwrap();
        let error = Keyring::load(&path).err().unwrap();
        assert_eq!((codes(&error), error.exit_code()), (vec!["keyring-malformed"], ExitCode::Config));
    }
}
