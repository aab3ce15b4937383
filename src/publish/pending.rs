//! The note of a publication under way: what makes a kill between rename, `latest` and ledger harmless.
//!
//! Before a staged folder is renamed into place, its ledger entry, signed, is written to `<project>/.pending.json`. A run
//! that finds such a note finishes what the dead one began, if the version is there and is the one that the note means;
//! else nothing was published, and the note goes. A folder without a note is never entered into the ledger: whoever can
//! write to the disk cannot make us vouch for it.

use super::ledger::{self, Entry, Mac};
use super::publication::{version_name, version_of};
use crate::files::{operation, replace, replace_symlink, sha256_file, sync_dir};
use crate::vocab::{Finding, Findings, Place, Result};
use std::path::Path;

/// The note's name in a project's folder.
pub const PENDING: &str = ".pending.json";
/// The link to a project's newest version.
pub const LATEST: &str = "latest";

/// Writes the note.
pub(super) fn write(home: &Path, entry: &Entry) -> Result<()> {
    replace(&home.join(PENDING), &ledger::line_of(entry)?)
}

/// Points `latest` at a version that is in place, enters it into the ledger, and removes the note.
pub(super) fn complete(extracts: &Path, home: &Path, version: u32, entry: Entry, mac: &Mac<'_>) -> Result<()> {
    sync_dir(home)?;
    replace_symlink(Path::new(&version_name(version)), &home.join(LATEST))?;
    ledger::append(extracts, entry, mac)?;
    operation::remove(&home.join(PENDING))
}

/// What a publication that was cut short was about to enter into the ledger. `None` where none was, or the note is not
/// signed with the key.
#[must_use]
pub fn unfinished(home: &Path, mac: &Mac<'_>) -> Option<Entry> {
    ledger::signed(&operation::read_if_there(&home.join(PENDING)).ok()??, mac)
}

/// Finishes, in all projects of an extracts folder, what dead runs began. Tells what it did, as warnings. The caller holds
/// the lock.
///
/// # Errors
/// The folder cannot be read or written.
pub fn recover(extracts: &Path, mac: &Mac<'_>) -> Result<Findings> {
    let mut findings = Findings::new();
    for home in operation::list(extracts)? {
        let named = home.file_name().is_some_and(|n| !n.to_string_lossy().starts_with('.'));
        if named && home.symlink_metadata().is_ok_and(|m| m.is_dir()) {
            findings.extend(recover_one(extracts, &home, mac)?);
        }
    }
    Ok(findings)
}

fn recover_one(extracts: &Path, home: &Path, mac: &Mac<'_>) -> Result<Option<Finding>> {
    let note = home.join(PENDING);
    let Some(bytes) = operation::read_if_there(&note)? else { return Ok(None) };
    let at = || Place::file(home.display().to_string());
    let Some(entry) = ledger::signed(&bytes, mac) else {
        let message = "a publication was cut short, and its note is not signed with the current key";
        let help = "verify the newest version; if it is good, build again, else remove it; then remove .pending.json";
        return Ok(Some(Finding::warning("publication-unsigned", at(), message).help(help)));
    };
    let whole = |version: u32| -> bool {
        let tags = home.join(version_name(version)).join("tagmanifest-sha256.txt");
        sha256_file(&tags).is_ok_and(|(_, sha256)| entry.bag_sha256.as_ref() == Some(&sha256))
    };
    let ours = home.file_name().is_some_and(|n| n == entry.project.as_str());
    let Some(version) = entry.version.filter(|v| ours && whole(*v)) else {
        operation::remove(&note)?;
        return Ok(None);
    };
    let listed = ledger::read(extracts)?.entries().any(|e| e.project == entry.project && e.version == entry.version);
    if listed {
        operation::remove(&note)?;
        return Ok(None);
    }
    complete(extracts, home, version, entry, mac)?;
    let message = format!("finished the publication of {}, which was cut short", version_name(version));
    Ok(Some(Finding::warning("publication-finished", at(), message)))
}

/// The version that comes next: above all on the disk and all in the ledger, so that no number is ever used twice.
pub(super) fn next_version(extracts: &Path, home: &Path, project: &str) -> Result<u32> {
    let on_disk = operation::list(home)?;
    let on_disk = on_disk.iter().filter_map(|p| version_of(p.file_name()?.to_str()?));
    let ledger = ledger::read(extracts)?;
    let in_ledger = ledger.entries().filter(|e| e.project == project).filter_map(|e| e.version);
    Ok(on_disk.chain(in_ledger).max().unwrap_or(0) + 1)
}
