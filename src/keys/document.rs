//! The keyring as a document: strict YAML in, the same form out. Nothing of its content reaches a message.

use super::Secret;
use crate::vocab::{KeyId, Place};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What a keyring document says.
pub(super) struct Document {
    /// The key that new extracts use: an index into `keys`.
    pub(super) current: usize,
    /// All keys in the document's order; never empty, ids unique.
    pub(super) keys: Vec<(KeyId, Secret)>,
}

/// Why a text is no keyring. Names neither keys nor values.
#[derive(Debug)]
pub(super) struct Malformed {
    /// Where, as far as it is known.
    pub(super) at: Place,
    /// What is wrong.
    pub(super) message: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    keyring: u32,
    current: String,
    keys: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: String,
    secret: Wiped,
}

/// What stands in the text for a secret while the parser reads it: as long as the secret, so that places stay right.
const STAND_IN: &str = "set-aside-";

/// What stands where a secret should: a stand-in, or a text that is no secret. Wiped all the same, since it may be one with
/// a slip of the pen.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct Wiped(String);

/// Reads a keyring. `file` only names the place of a fault.
pub(super) fn parse(text: &str, file: &str) -> Result<Document, Malformed> {
    let whole = |message| Malformed { at: Place::file(file), message };
    if text.contains(STAND_IN) {
        return Err(whole(NO_SECRET));
    }
    // The parser copies what it reads into buffers that nobody wipes: it never sees a secret.
    let (text, mut secrets) = set_aside(text);
    let raw: Raw = read(&text, file)?;
    if raw.keyring != 1 {
        return Err(whole("the keyring's version is not 1"));
    }
    if raw.keys.is_empty() {
        return Err(whole("the keyring holds no key"));
    }
    let mut keys: Vec<(KeyId, Secret)> = Vec::with_capacity(raw.keys.len());
    for key in &raw.keys {
        let id =
            KeyId::new(&key.id).ok_or_else(|| whole("a key's id is not 1 to 64 letters, digits, `.`, `_`, `-`"))?;
        if keys.iter().any(|(known, _)| *known == id) {
            return Err(whole("two keys have one id"));
        }
        let secret = secrets.remove(&key.secret.0).ok_or_else(|| whole(NO_SECRET))?;
        keys.push((id, secret));
    }
    let current = keys
        .iter()
        .position(|(id, _)| id.as_str() == raw.current)
        .ok_or_else(|| whole("`current` names none of the keys"))?;
    Ok(Document { current, keys })
}

/// What is said of a secret that is none.
const NO_SECRET: &str = "a secret is not the base64 text of 32 bytes";

/// The text with every secret replaced by a stand-in, and the secrets by their stand-ins.
fn set_aside(text: &str) -> (String, BTreeMap<String, Secret>) {
    let mut kept = String::with_capacity(text.len());
    let mut secrets = BTreeMap::new();
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let mut rest = text;
    while let Some(start) = rest.find(is_base64) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_base64(c)).unwrap_or(from.len()));
        kept.push_str(before);
        match secret_of(word) {
            Some(secret) => {
                let stand_in = format!("{STAND_IN}{:0width$}", secrets.len(), width = word.len() - STAND_IN.len());
                kept.push_str(&stand_in);
                secrets.insert(stand_in, secret);
            }
            None => kept.push_str(word),
        }
        rest = after;
    }
    kept.push_str(rest);
    (kept, secrets)
}

/// The secret that a word is the base64 text of.
fn secret_of(word: &str) -> Option<Secret> {
    let mut bytes = Zeroizing::new([0_u8; 33]);
    let length = (word.len() == 44).then(|| STANDARD.decode_slice(word, bytes.as_mut_slice()).ok())??;
    (length == 32).then(|| bytes.first_chunk().map(Secret::copied))?
}

/// Reads strict YAML of a form.
pub(super) fn read<T: serde::de::DeserializeOwned>(text: &str, file: &str) -> Result<T, Malformed> {
    crate::yaml::strict(text).map_err(|(line, column)| Malformed {
        at: Place { line, column, ..Place::file(file) },
        message: "the keyring is not YAML of a keyring's form",
    })
}

/// Writes a keyring.
pub(super) fn render(document: &Document) -> Zeroizing<String> {
    // Room for all of it at once: a string that grows leaves copies of secrets behind.
    let mut text = Zeroizing::new(String::with_capacity(256 + document.keys.len() * 192));
    if document.keys.iter().all(|(_, secret)| secret.is_published_test()) {
        text.push_str("# The published test key: for synthetic data only.\n");
    }
    let current = document.keys.get(document.current).map_or("", |(id, _)| id.as_str());
    // Writing to a string cannot fail.
    let _ = write!(text, "keyring: 1\ncurrent: \"{current}\"\nkeys:\n");
    for (id, secret) in &document.keys {
        let encoded = Zeroizing::new(STANDARD.encode(secret.bytes()));
        let _ = writeln!(text, "  - {{id: \"{id}\", secret: \"{}\"}}", *encoded);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "FSVvPD9gn0IpEM8fbbIRymfIJfyzco8TwZXQUgq/zW0=";

    fn keyring(body: &str) -> Result<Document, Malformed> {
        parse(&body.replace("SECRET", SECRET), "leo.keyring")
    }

    #[test]
    fn the_form_of_the_contract_reads_and_reads_back() {
        let read = keyring(
            "keyring: 1\ncurrent: 2026b\nkeys:\n  - {id: 2026a, secret: SECRET}\n  - {id: 2026b, secret: SECRET}\n",
        )
        .unwrap();
        assert_eq!((read.current, read.keys.len()), (1, 2));
        assert!(read.keys[0].1.is_published_test());
        let again = parse(&render(&read), "x").unwrap();
        assert_eq!((again.current, again.keys.len()), (1, 2));
        for form in [
            "keyring: 1\ncurrent: 2026\nkeys: [{id: 2026, secret: SECRET}]",
            "keyring: 1\ncurrent: a\nkeys:\n- id: a\n  secret: 'SECRET' # the first",
            "keyring: 1\ncurrent: a\nkeys:\n- id: a\n  secret: >-\n    SECRET\n",
            "{\"keyring\":1,\"current\":\"a\",\"keys\":[{\"id\":\"a\",\"secret\":\"SECRET\"}]}",
        ] {
            assert!(keyring(form).is_ok_and(|read| read.keys[0].1.is_published_test()), "{form}");
        }
    }

    #[test]
    fn every_fault_is_malformed_and_quotes_nothing() {
        for body in [
            "",
            "keyring: 1",
            "keyring: 2\ncurrent: a\nkeys: [{id: a, secret: SECRET}]",
            "keyring: 1\ncurrent: b\nkeys: [{id: a, secret: SECRET}]",
            "keyring: 1\ncurrent: a\nkeys: []",
            "keyring: 1\ncurrent: a\nkeys: [{id: a, secret: SECRET}, {id: a, secret: SECRET}]",
            "keyring: 1\ncurrent: a\nkeys: [{id: a, secret: SECRET, extra: 1}]",
            "keyring: 1\ncurrent: a\ncurrent: a\nkeys: [{id: a, secret: SECRET}]",
            "keyring: 1\ncurrent: a\nkeys: [{id: a, secret: FSVvPD9gn0IpEM8fbbIRymfIJfyzco8T}]",
            "keyring: 1\ncurrent: a\nkeys: [{id: a, secret: ~}]",
            "keyring: 1\ncurrent: a/b\nkeys: [{id: a/b, secret: SECRET}]",
            "keyring: 1\ncurrent: a\nkeys: [&x {id: a, secret: SECRET}, *x]",
            "- FSVvPD9gn0IpEM8fbbIRymfIJfyzco8TwZXQUgq/zW0=",
            // What stands for a secret inside is no secret outside.
            "keyring: 1\ncurrent: a\nkeys: [{id: a, secret: set-aside-0000000000000000000000000000000000}]",
            "keyring: [FSVvPD9gn0IpEM8fbbIRymfIJfyzco8TwZXQUgq",
        ] {
            let fault = keyring(body).err().unwrap_or_else(|| panic!("accepted: {body}"));
            let shown = format!("{fault:?}");
            assert!(!shown.contains("FSVv"), "{shown}");
        }
        let fault = keyring("keyring: 1\ncurrent: a\nnonsense: 1\n").err().unwrap();
        assert_eq!(fault.at.line, 3);
    }
}
