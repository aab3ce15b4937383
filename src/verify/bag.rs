//! A BagIt 1.0 bag (RFC 8493): its declaration, its manifests, and every file's digests, complete both ways.

use crate::files::operation;
use crate::vocab::{Finding, Findings, Place};
use rayon::prelude::*;
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// What the bag must declare, to the byte.
const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// No tag file that is read as a whole is larger.
const LARGEST: u64 = 64 << 20;
/// Tag files that a bag must have, beside those that the tag manifest lists.
const TAG_FILES: [&str; 5] =
    ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt"];

/// One file of the bag as it is.
struct Found {
    bytes: u64,
    sha256: String,
    sha512: String,
}

/// What is wrong with a bag, and how many files were digested.
pub(super) fn check(root: &Path) -> (Findings, u64) {
    let mut findings = Findings::new();
    // Any folder can be named by mistake, the root of a disk too: only what may be a bag is read as a whole.
    if !root.join("bagit.txt").is_file() {
        return (vec![refusal("bag-incomplete", "bagit.txt", "the bag has no such file, or it is no text")], 0);
    }
    let mut files = Vec::new();
    walk(root, "", &mut files, &mut findings);
    let found: BTreeMap<String, Found> =
        files.par_iter().filter_map(|path| digest(&root.join(path)).map(|found| (path.clone(), found))).collect();
    for path in files.iter().filter(|path| !found.contains_key(*path)) {
        findings.push(refusal("bag-unreadable", place(path), "a file cannot be read to its end"));
    }
    let text = |name: &str, findings: &mut Findings| {
        let text = found.contains_key(name).then(|| read(&root.join(name))).flatten();
        if text.is_none() {
            findings.push(refusal("bag-incomplete", name, "the bag has no such file, or it is no text"));
        }
        text
    };
    if text("bagit.txt", &mut findings).is_some_and(|text| text != DECLARATION) {
        findings.push(refusal("bag-declaration", "bagit.txt", "it does not declare BagIt 1.0 in UTF-8"));
    }
    if let Some(info) = text("bag-info.txt", &mut findings) {
        oxum(&info, &found, &mut findings);
    }
    let payload = |path: &str| path.starts_with("data/");
    // The tag manifest lists every tag file but itself.
    let tag = |path: &str| !payload(path) && path != "tagmanifest-sha256.txt";
    for (name, sha512, lists) in [
        ("manifest-sha256.txt", false, &payload as &dyn Fn(&str) -> bool),
        ("manifest-sha512.txt", true, &payload),
        ("tagmanifest-sha256.txt", false, &tag),
    ] {
        let Some(text) = text(name, &mut findings) else { continue };
        let Some(listed) = manifest(&text) else {
            findings.push(refusal(
                "bag-manifest-malformed",
                name,
                "a line is no digest and path, or a path stands twice",
            ));
            continue;
        };
        compare(name, &listed, &found, sha512, lists, &mut findings);
    }
    findings.sort_by(Finding::order);
    (findings, found.len() as u64)
}

fn compare(
    name: &str,
    listed: &BTreeMap<String, String>,
    found: &BTreeMap<String, Found>,
    sha512: bool,
    lists: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) {
    for (path, digest) in listed {
        match found.get(path) {
            // What a manifest calls a file may be anything: only the manifest is named.
            None => findings.push(refusal("bag-incomplete", name, "it lists a file that is not there")),
            Some(_) if !lists(path) => {
                findings.push(refusal("bag-manifest-malformed", name, "it lists a file of another kind"));
            }
            Some(file) if !digest.eq_ignore_ascii_case(if sha512 { &file.sha512 } else { &file.sha256 }) => {
                findings.push(refusal(
                    "bag-digest-differs",
                    path,
                    format!("its bytes are not those that {name} lists"),
                ));
            }
            Some(_) => {}
        }
    }
    for path in found.keys().filter(|path| lists(path) && !listed.contains_key(*path)) {
        findings.push(refusal("bag-file-unlisted", place(path), format!("{name} does not list a file that is there")));
    }
}

/// `Payload-Oxum: ‹bytes›.‹files›`, exactly once.
fn oxum(info: &str, found: &BTreeMap<String, Found>, findings: &mut Findings) {
    let payload = || found.iter().filter(|(path, _)| path.starts_with("data/"));
    let actual = format!("{}.{}", payload().map(|(_, file)| file.bytes).sum::<u64>(), payload().count());
    let mut declared = info.lines().filter_map(|line| line.strip_prefix("Payload-Oxum:"));
    if declared.next().map(str::trim) != Some(&actual) || declared.next().is_some() {
        findings.push(refusal("bag-oxum-differs", "bag-info.txt", "Payload-Oxum is not the count of the payload"));
    }
}

/// A manifest's paths and digests. `None` where a line is malformed or a path stands twice.
fn manifest(text: &str) -> Option<BTreeMap<String, String>> {
    let mut listed = BTreeMap::new();
    for line in text.lines() {
        let (digest, path) = line.split_once([' ', '\t'])?;
        let path = unescape(path.trim_start_matches([' ', '\t', '*']));
        let safe =
            !path.is_empty() && !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !safe || !digest.bytes().all(|b| b.is_ascii_hexdigit()) || listed.insert(path, digest.to_owned()).is_some() {
            return None;
        }
    }
    Some(listed)
}

/// Line ends and per cent signs of a path are written as `%0A`, `%0D`, `%25`.
fn unescape(path: &str) -> String {
    ["%0A", "%0a"]
        .iter()
        .fold(path.to_owned(), |path, code| path.replace(code, "\n"))
        .replace("%0D", "\r")
        .replace("%25", "%")
}

/// All files below a folder, with `/` between names. Anything that is neither file nor folder is refused.
fn walk(folder: &Path, prefix: &str, files: &mut Vec<String>, findings: &mut Findings) {
    let entries: std::io::Result<Vec<_>> = operation::entries(folder).and_then(Iterator::collect);
    let Ok(mut entries) = entries else {
        findings.push(refusal("bag-unreadable", place(prefix), "a folder cannot be read"));
        return;
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (name, kind) = (entry.file_name().into_string(), entry.file_type());
        match (name, kind) {
            (Ok(name), Ok(kind)) if kind.is_dir() && prefix.matches('/').count() < 8 => {
                walk(&entry.path(), &format!("{prefix}{name}/"), files, findings);
            }
            (Ok(name), Ok(kind)) if kind.is_file() => files.push(format!("{prefix}{name}")),
            _ => findings.push(refusal(
                "bag-file-unlisted",
                place(prefix),
                "there is something that is no file of a bag",
            )),
        }
    }
}

/// A file's length and digests.
fn digest(path: &Path) -> Option<Found> {
    let mut file = operation::open(path).ok()?;
    let (mut short, mut long, mut bytes) = (Sha256::new(), Sha512::new(), 0);
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            read => {
                short.update(&buffer[..read]);
                long.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    Some(Found { bytes, sha256: hex(&short.finalize()), sha512: hex(&long.finalize()) })
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    operation::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// A file's name may be shown where it is one of a bag of ours: known tag files, and paths of plain characters.
fn place(path: &str) -> &str {
    let plain = path.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"./_-".contains(&b));
    if TAG_FILES.contains(&path) || (plain && path.starts_with("data/")) { path } else { "bag" }
}

fn refusal(code: &'static str, file: &str, message: impl Into<String>) -> Finding {
    let finding = Finding::error(code, Place::file(file), message);
    match super::CODES.iter().find(|(known, _)| *known == code) {
        Some((_, help)) => finding.help(*help),
        None => finding,
    }
}
