//! `ledger.jsonl`: what was published, when, from what. Append-only; each line holds the digest of the line before and an
//! HMAC, so that a line changed, removed, added or moved is found.
//!
//! A line is compact JSON. Its `mac` is the HMAC-SHA-256 under `K("ledger")` of the same object without `mac`, as canonical
//! JSON: keys sorted, no white space, only what JSON must escape escaped. `previous` is the SHA-256 of the bytes of the
//! line before, without its end; the first has 64 zeros. A chain cannot show that its newest lines were cut off: for that
//! the versions on the disk are compared with it (`audit`), and the digest of its newest line with one noted elsewhere.

use crate::files::{hex, operation, sha256_bytes, sync_dir};
use crate::vocab::{Error, Finding, Findings, Place, ProjectId, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq as _;

/// The ledger's name in the extracts folder.
pub const LEDGER: &str = "ledger.jsonl";
/// The kind of an entry that tells of a published extract.
pub const PUBLISHED: &str = "published";

/// The HMAC under the current key's `K("ledger")`.
pub type Mac<'a> = dyn Fn(&[u8]) -> [u8; 32] + 'a;
/// The same under a named key; `None` where the keyring has it no more.
pub type MacOf<'a> = dyn Fn(&str, &[u8]) -> Option<[u8; 32]> + 'a;

/// One entry. `seq`, `previous` and `mac` are given when it is appended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "DESIGN and the module's head say it")]
pub struct Entry {
    pub seq: u64,
    pub time: String,
    pub kind: String,
    pub project: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_sha256: Option<String>,
    /// Of `data/manifest.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<String>,
    /// Of `tagmanifest-sha256.txt`, which covers all else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bag_sha256: Option<String>,
    pub key_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of_is_today: Option<bool>,
    pub tool_version: String,
    pub previous: String,
    pub mac: String,
}

/// One line of a ledger, and the entry in it where it is one.
#[derive(Debug, Clone)]
pub struct Line {
    bytes: Vec<u8>,
    read: Option<(Entry, Value)>,
}

/// A ledger as it was found.
#[derive(Debug, Clone)]
pub struct Ledger {
    file: PathBuf,
    lines: Vec<Line>,
    /// Bytes up to the end of the last whole line.
    whole: u64,
    torn: bool,
}

/// Reads the ledger of an extracts folder; an empty one where there is none.
///
/// # Errors
/// The file cannot be read. What is wrong inside it is for `check` to tell.
pub fn read(extracts: &Path) -> Result<Ledger> {
    let file = extracts.join(LEDGER);
    let bytes = operation::read_if_there(&file)?.unwrap_or_default();
    let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let whole = bytes.get(..end).unwrap_or_default();
    let lines = whole.split_inclusive(|b| *b == b'\n').map(|l| Line::read(l.strip_suffix(b"\n").unwrap_or(l)));
    Ok(Ledger { file, lines: lines.collect(), whole: end as u64, torn: end < bytes.len() })
}

impl Line {
    fn read(bytes: &[u8]) -> Self {
        let parse = || {
            let entry: Entry = serde_json::from_slice(bytes).ok()?;
            let value: Value = serde_json::from_slice(bytes).ok()?;
            // Only what we would have written ourselves: no second `project` behind the first, no hidden white space.
            (serde_json::to_vec(&value).ok()? == bytes).then_some((entry, value))
        };
        Self { bytes: bytes.to_vec(), read: parse() }
    }
}

impl Ledger {
    /// The entries that can be read, in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.lines.iter().filter_map(|l| l.read.as_ref().map(|(entry, _)| entry))
    }

    /// The newest extract of a project that was published.
    #[must_use]
    pub fn latest_for(&self, project: &ProjectId) -> Option<&Entry> {
        self.entries().rev().find(|e| e.kind == PUBLISHED && e.project == project.as_str())
    }

    /// Whether the last append was cut short. The next one repairs it.
    #[must_use]
    pub fn torn(&self) -> bool {
        self.torn
    }

    /// How many lines it has, whatever they hold.
    #[must_use]
    pub fn length(&self) -> usize {
        self.lines.len()
    }

    /// The digest of the newest line. Since every line holds the digest of the one before, it stands for all of them.
    #[must_use]
    pub fn head(&self) -> Option<String> {
        self.lines.last().map(|line| sha256_bytes(&line.bytes))
    }

    /// Whether a line has that digest.
    #[must_use]
    pub fn holds(&self, digest: &str) -> bool {
        self.lines.iter().any(|line| sha256_bytes(&line.bytes) == digest)
    }

    /// Every entry with its place, and whether its signature is right; `None` where the key is not known.
    pub fn signatures(&self, mac: &MacOf<'_>) -> impl Iterator<Item = (Place, &Entry, Option<bool>)> {
        let read = self.lines.iter().enumerate().filter_map(|(i, line)| Some((i, line.read.as_ref()?)));
        read.map(|(i, (entry, value))| (self.place(i), entry, signature(entry, value, mac)))
    }

    /// Everything that is wrong with the chain and its signatures.
    #[must_use]
    pub fn check(&self, mac: &MacOf<'_>) -> Findings {
        let mut findings = Findings::new();
        let mut previous = NOTHING.to_owned();
        for (i, line) in self.lines.iter().enumerate() {
            let mut tell = |code, message: &str, help: &str| {
                findings.push(Finding::error(code, self.place(i), message).help(help));
            };
            match &line.read {
                None => tell("ledger-unreadable", "this line is no entry of a ledger", RESTORE),
                Some((entry, value)) => {
                    if entry.seq != i as u64 + 1 {
                        tell("ledger-out-of-sequence", "entries before this one were removed, added or moved", RESTORE);
                    }
                    if entry.previous != previous {
                        tell(
                            "ledger-chain-broken",
                            "the entry before this one is not the one that was written",
                            RESTORE,
                        );
                    }
                    match signature(entry, value, mac) {
                        None => tell(
                            "ledger-key-unknown",
                            "the key that signed this entry is not in the keyring",
                            "give the keyring that holds it, or the entry cannot be trusted",
                        ),
                        Some(true) => {}
                        Some(false) => {
                            tell("ledger-signature-wrong", "this entry was altered, or not written by us", RESTORE);
                        }
                    }
                }
            }
            previous = sha256_bytes(&line.bytes);
        }
        if self.torn {
            let message = "the last line is cut short: a run was stopped while it wrote";
            let help = "nothing to do: the next build removes the rest and writes the entry again";
            findings.push(Finding::warning("ledger-torn", self.place(self.lines.len()), message).help(help));
        }
        findings
    }

    fn place(&self, line: usize) -> Place {
        let line = u32::try_from(line + 1).unwrap_or(u32::MAX);
        Place { file: self.file.display().to_string(), line, column: 1, length: 1 }
    }

    /// An entry signed as the next of this ledger.
    pub(super) fn sign(&self, mut entry: Entry, mac: &Mac<'_>) -> Result<Entry> {
        entry.seq = 1;
        entry.previous = NOTHING.to_owned();
        if let Some(last) = self.lines.last() {
            let Some((before, _)) = &last.read else {
                let at = self.place(self.lines.len() - 1);
                let finding = Finding::error("ledger-unreadable", at, "this line is no entry of a ledger");
                return Err(Error::finding(finding.help(RESTORE)));
            };
            entry.seq = before.seq + 1;
            entry.previous = sha256_bytes(&last.bytes);
        }
        entry.mac = hex(&mac(&canonical(&to_value(&entry)?)));
        Ok(entry)
    }
}

/// Whether an entry's signature is right; `None` where the key is not known.
fn signature(entry: &Entry, value: &Value, mac: &MacOf<'_>) -> Option<bool> {
    let right = mac(&entry.key_id, &canonical(value))?;
    Some(hex(&right).as_bytes().ct_eq(entry.mac.as_bytes()).into())
}

/// What stands for the line before the first.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const RESTORE: &str = "compare the ledger with a backup, and find out who could write to it";

/// Appends an entry and waits until the disk has it. What an append that was cut short left is removed first. The caller
/// holds the lock of `extracts`.
///
/// # Errors
/// The file cannot be written, or its last line is no entry.
pub fn append(extracts: &Path, entry: Entry, mac: &Mac<'_>) -> Result<Entry> {
    let ledger = read(extracts)?;
    let entry = ledger.sign(entry, mac)?;
    let mut line = line_of(&entry)?;
    line.push(b'\n');
    let mut file = operation::open_kept(&ledger.file)?;
    if ledger.torn {
        operation::truncate(&file, &ledger.file, ledger.whole)?;
    }
    file.seek(SeekFrom::Start(ledger.whole)).map_err(|e| Error::writing("append to", &ledger.file, e))?;
    operation::write_all(&mut file, &ledger.file, &line)?;
    operation::sync(&file, &ledger.file)?;
    if ledger.whole == 0 {
        sync_dir(extracts)?;
    }
    Ok(entry)
}

/// An entry as a line, without its end.
pub(super) fn line_of(entry: &Entry) -> Result<Vec<u8>> {
    serde_json::to_vec(&to_value(entry)?).map_err(|e| Error::Internal(format!("the ledger's layout: {e}")))
}

/// Reads an entry that stands alone, and tells whether it carries our signature.
pub(super) fn signed(bytes: &[u8], mac: &Mac<'_>) -> Option<Entry> {
    let (entry, value) = Line::read(bytes).read?;
    bool::from(hex(&mac(&canonical(&value))).as_bytes().ct_eq(entry.mac.as_bytes())).then_some(entry)
}

fn to_value(entry: &Entry) -> Result<Value> {
    serde_json::to_value(entry).map_err(|e| Error::Internal(format!("the ledger's layout: {e}")))
}

/// The canonical JSON of an entry without its signature.
fn canonical(value: &Value) -> Vec<u8> {
    let mut value = value.clone();
    if let Some(map) = value.as_object_mut() {
        map.shift_remove("mac");
    }
    sorted(&value).to_string().into_bytes()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let by_key: BTreeMap<&String, Value> = map.iter().map(|(k, v)| (k, sorted(v))).collect();
            Value::Object(by_key.into_iter().map(|(k, v)| (k.clone(), v)).collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
