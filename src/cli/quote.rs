//! Which lines may be quoted beside a finding: those of the config's own documents, never one that could hold a secret.

use crate::config::Config;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// No document that we read is larger.
const LARGEST: u64 = 4 << 20;

/// The documents whose lines may be quoted. A user can name any file as a spec or as the config by mistake, a keyring
/// or somebody's data among them: what lies elsewhere is never shown.
#[derive(Debug, Default)]
pub(super) struct Quotable {
    folders: Vec<PathBuf>,
    config: Option<PathBuf>,
    keyring: Option<PathBuf>,
}

impl Quotable {
    /// The config's folders of documents, and the config itself; without the keyring, wherever it lies.
    pub(super) fn of(config: &Config, keyring: &Path) -> Self {
        let folders = [&config.catalogue, &config.specs, &config.approvals];
        Self {
            folders: folders.into_iter().filter_map(|f| f.canonicalize().ok()).collect(),
            keyring: keyring.canonicalize().ok(),
            ..Self::config(&config.file)
        }
    }

    /// The documents below one folder.
    pub(super) fn below(folder: &Path) -> Self {
        Self { folders: folder.canonicalize().into_iter().collect(), ..Self::default() }
    }

    /// The config alone: where it is what cannot be read.
    pub(super) fn config(path: &Path) -> Self {
        Self { config: path.canonicalize().ok(), ..Self::default() }
    }

    /// The lines of a document, by a path as findings name it; `None` where it may not be quoted.
    pub(super) fn lines(&self, file: &str) -> Option<Vec<String>> {
        // Links are followed first: a link among the specs may lead anywhere.
        let path = Path::new(file).canonicalize().ok()?;
        let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        let ours = self.config.as_ref() == Some(&path) || self.folders.iter().any(|f| path.starts_with(f));
        if !yaml || !ours || self.keyring.as_ref() == Some(&path) || std::fs::metadata(&path).ok()?.len() > LARGEST {
            return None;
        }
        let text = std::fs::read_to_string(&path).ok()?;
        // A keyring may lie among the specs, or be given as the config, without our knowing that it is one.
        (!is_secret(&text)).then(|| text.lines().map(str::to_owned).collect())
    }
}

/// Whether a text could hold a key: it calls itself a keyring of a version, has a field called `secret`, or a word of the
/// shape of 32 bytes in base64. What is wrongly taken for one only lacks its line beside a finding.
fn is_secret(text: &str) -> bool {
    let field = |line: &str| {
        let line = line.to_ascii_lowercase();
        let behind = |part: &str| part.trim_start_matches(['"', '\'']).trim_start().starts_with(':');
        line.split("secret").skip(1).any(behind)
    };
    let key = |word: &str| word.len() == 44 && word.ends_with('=') && !word.trim_end_matches('=').contains('=');
    let named = |line: &str| {
        let version =
            line.trim_start_matches(['{', ' ', '"']).strip_prefix("keyring").map(|r| r.trim_start_matches('"'));
        version
            .and_then(|r| r.trim_start().strip_prefix(':'))
            .is_some_and(|v| v.trim_start().starts_with(char::is_numeric))
    };
    // A word that turns between letters, capitals and digits as only chance makes it: a key that was spoilt.
    let class = |c: char| (c.is_ascii_lowercase(), c.is_ascii_uppercase(), c.is_ascii_digit());
    let turn = |(a, b): &(char, char)| a.is_alphanumeric() && b.is_alphanumeric() && class(*a) != class(*b);
    let turns = |word: &str| word.chars().zip(word.chars().skip(1)).filter(turn).count();
    let every = |word: &str| {
        [char::is_lowercase, char::is_uppercase, char::is_numeric].iter().all(|class| word.contains(*class))
    };
    let chance = |word: &str| word.len() >= 20 && turns(word) >= 9 && every(word);
    // As long as a key, and no digest, which has no capitals: however even it looks.
    let long = |word: &str| word.len() >= 40 && word.contains(char::is_uppercase);
    text.lines().any(|line| field(line) || named(line))
        || text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c)).any(|word| chance(word) || long(word))
        || text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=-_".contains(c)).any(key)
}

/// Documents that were read once.
#[derive(Debug)]
pub(super) struct Read<'a> {
    may: &'a Quotable,
    files: BTreeMap<String, Option<Vec<String>>>,
}

impl<'a> Read<'a> {
    pub(super) fn new(may: &'a Quotable) -> Self {
        Self { may, files: BTreeMap::new() }
    }

    /// A line of a file, from 1.
    pub(super) fn line(&mut self, file: &str, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        let lines = self.files.entry(file.to_owned()).or_insert_with(|| self.may.lines(file));
        lines.as_ref()?.get(index).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "FSVvPD9gn0IpEM8fbbIRymfIJfyzco8TwZXQUgq/zW0=";

    #[test]
    fn only_documents_of_the_config_are_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, text).unwrap();
            path
        };
        let (spec, outside) = (put("specs/a.yaml", "spec: 1\n"), put("outside.yaml", "name: somebody\n"));
        let (keyring, table) = (put("specs/ring.yaml", "keyring: 1\n"), put("specs/a.csv", "somebody\n"));
        let config = put("leo.yaml", "config: 1\n");
        std::os::unix::fs::symlink(&outside, dir.path().join("specs/link.yaml")).unwrap();
        let may = Quotable {
            folders: vec![dir.path().join("specs").canonicalize().unwrap()],
            keyring: keyring.canonicalize().ok(),
            ..Quotable::config(&config)
        };
        let quoted = |path: &Path| may.lines(&path.to_string_lossy()).is_some();
        assert!(quoted(&spec) && quoted(&config));
        for path in [outside, keyring, table, dir.path().join("specs/link.yaml"), dir.path().join("none.yaml")] {
            assert!(!quoted(&path), "{}", path.display());
        }
        assert!(!quoted(&dir.path().join("specs/../outside.yaml")));
        assert!(Quotable::default().lines(&spec.to_string_lossy()).is_none());
    }

    #[test]
    fn what_could_hold_a_secret_is_never_quoted() {
        for text in [
            format!("keys: [{{id: a, secret: \"{SECRET}\"}}]"),
            format!("a: 1\nkeys:\n  - id: b\n    sercet: {SECRET}\n"),
            "\"secret\" : x".to_owned(),
            format!("seVv{}x", &SECRET[4..30]),
            "Secret: ~".to_owned(),
            "keyring: 1\nkeys: [{id: a, sercet: tooshort}]".to_owned(),
            "{\"keyring\": 1, \"keys\": []}".to_owned(),
            "- {id: x, sacretco8TwZXQUgllllllllllllllllllll+/=llllllllllq/zW0=}".to_owned(),
        ] {
            assert!(is_secret(&text), "{text}");
        }
        let digest = "5f1c".repeat(16);
        for text in [
            &*format!("spec_sha256: {digest}"),
            "title: The secret life of schools",
            "sources: /Data/LEO2019/extracts/Sources",
        ] {
            assert!(!is_secret(text), "{text}");
        }
    }
}
