//! The keyring, and that nothing of a secret is ever told: by its own reader, nor where it is taken for another document.
#![no_main]

mod common;

use common::{folder, found, told};
use leo_extract::approval::Records;
use leo_extract::config::Config;
use leo_extract::keys::Keyring;
use leo_extract::vocab::KeyId;
use std::os::unix::fs::PermissionsExt as _;

/// The length of a piece of a secret that no message may hold.
const PIECE: usize = 20;

/// Every word of base64 in the text that is as long as a secret's.
fn secrets(text: &str) -> impl Iterator<Item = &str> {
    let base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    // 43 characters that carry something, and one that fills up: 32 bytes.
    text.split(move |c| !base64(c)).filter(|word| word.len() == 44 && word.find('=') == Some(43))
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let at = folder().join("leo.keyring");
    let yaml = folder().join("ring.yaml");
    if std::fs::write(&at, data).is_err() || std::fs::write(&yaml, data).is_err() {
        return;
    }
    std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    let (ring, mut findings) = found(Keyring::load(&at));
    if let Some(ring) = &ring {
        for (id, _, fingerprint) in ring.entries() {
            assert!(KeyId::new(id.as_str()).is_some() && !fingerprint.is_empty());
        }
        // What can be read can be added to, and read again.
        let new = KeyId::new("fuzz").expect("a good id");
        if ring.key(&new).is_none() {
            Keyring::rotate(&at, new.clone()).expect("a keyring that reads takes another key");
            let again = Keyring::load(&at).expect("and reads again");
            assert_eq!(again.current().id(), &new);
            assert_eq!(again.entries().len(), ring.entries().len() + 1);
        }
    }
    // The same file named as a config, or lying among the approvals, by mistake.
    findings.extend(found(Config::read(&yaml)).1);
    if let Ok(text) = std::str::from_utf8(data) {
        findings.extend(Records::from_documents(&[("ring.yaml".into(), text.into())], &folder().to_string_lossy()).1);
        let shown = told(&findings, folder());
        for secret in secrets(text) {
            for piece in secret.as_bytes().windows(PIECE) {
                let piece = std::str::from_utf8(piece).unwrap_or_default();
                assert!(!shown.contains(piece), "a piece of a secret would be shown");
            }
        }
    } else {
        told(&findings, folder());
    }
});
