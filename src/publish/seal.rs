//! From a staged, verified folder to a published extract: the dictionary and the record first, then the bag, then the
//! rename, `latest`, the ledger.

use super::ledger::{self, Entry, Mac, PUBLISHED};
use super::manifest::{FileRecord, MANIFEST, Manifest};
use super::pending;
use super::publication::{Publication, Published, time_text, version_name};
use super::{bag, codebook, csv_twin, datapackage, record, report, rocrate, run};
use crate::files::{Disk, digest_bytes, digest_file, operation, sync_dir, sync_tree, write_new};
use crate::spec::Output;
use crate::vocab::{Error, Observer, Result, TableRecord};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

/// The report's name in an extract.
const REPORT: &str = "report.html";
/// The crate's name in an extract.
const CRATE: &str = "ro-crate-metadata.json";
const DATAPACKAGE: &str = "datapackage.json";
const CODEBOOK: &str = "codebook.csv";

/// Writes the CSV twins of all tables where a spec asks for them. Where it asks for CSV alone, the Parquet files are
/// removed once their twins are written. Comes before the verifier, which reads the twins too. Whoever publishes waits for
/// `disk` first.
///
/// # Errors
/// A file cannot be read or written, or the run is interrupted.
pub fn write_twins(
    data: &Path,
    output: Output,
    tables: &[TableRecord],
    (disk, observer): (&Disk, &dyn Observer),
) -> Result<()> {
    for table in tables.iter().filter(|_| output.csv) {
        csv_twin(&data.join(&table.path), &data.join(twin_of(&table.path)), (disk, observer))?;
        if !output.parquet {
            operation::remove(&data.join(&table.path))?;
        }
    }
    Ok(())
}

/// The path of a table's twin in CSV.
#[must_use]
pub fn twin_of(path: &str) -> String {
    format!("{}.csv", path.strip_suffix(".parquet").unwrap_or(path))
}

/// Writes what stands in `data/` beside the tables and their twins: the manifest, the data package, the codebook. All of
/// it is the same for the same inputs.
///
/// # Errors
/// A file cannot be read or written.
pub fn prepare(publication: &Publication<'_>) -> Result<()> {
    let data = publication.staged.join("data");
    let manifest = record::manifest(publication, twins(publication, &data)?)?;
    let bytes = json_bytes(&manifest)?;
    let identifier = bag::identifier(&manifest.project.id, &digest_bytes(&bytes).sha256);
    write_new(&publication.staged.join(MANIFEST), &bytes)?;
    let package = datapackage::datapackage(publication, &manifest, identifier);
    write_new(&data.join(DATAPACKAGE), &json_bytes(&package)?)?;
    write_new(&data.join(CODEBOOK), codebook::codebook(publication).as_bytes())
}

/// The records of the CSV twins of all tables, in path order.
fn twins(publication: &Publication<'_>, data: &Path) -> Result<Vec<FileRecord>> {
    let output = publication.approved.spec().output;
    let mut twins = Vec::new();
    for table in publication.account.tables.iter().filter(|_| output.csv) {
        let path = twin_of(&table.path);
        let digests = digest_file(&data.join(&path))?;
        twins.push(FileRecord::new(path, digests));
    }
    twins.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(twins)
}

/// Publishes a prepared folder: the next version, whole or not at all. `mac` is the HMAC under `K("ledger")`. The caller
/// holds the lock of `extracts`.
///
/// # Errors
/// A file cannot be written, or the staged folder holds other files than the record names. Whatever fails, `latest`
/// points at the old version or at the new one, both whole; a publication that was cut short after the rename is finished
/// by the next run (`recover`).
pub fn seal(publication: &Publication<'_>, mac: &Mac<'_>) -> Result<Published> {
    let Publication { staged, extracts, .. } = *publication;
    let project = publication.approved.spec().project.id.as_str();
    let home = extracts.join(project);
    pending::recover(extracts, mac)?;
    let manifest = Manifest::read(staged)?;
    let version = pending::next_version(extracts, &home, project)?;
    let entry = bag_up(publication, &manifest, version)?;
    sync_tree(staged)?;
    operation::no_link(&home)?;
    operation::make_folder(&home)?;
    // Whether made now or by a run that died: an entry of the ledger must not outlive the folder it tells of.
    sync_dir(extracts)?;
    let entry = ledger::read(extracts)?.sign(entry, mac)?;
    pending::write(&home, &entry)?;
    let path = home.join(version_name(version));
    operation::rename(staged, &path)?;
    pending::complete(extracts, &home, version, entry, mac)?;
    Ok(Published { version, report: path.join(REPORT), path })
}

/// Writes all that lies outside `data/`, the bag's manifests last, and gives the ledger entry for it.
fn bag_up(publication: &Publication<'_>, manifest: &Manifest, version: u32) -> Result<Entry> {
    let staged = publication.staged;
    if operation::list(staged)? != [staged.join("data")] {
        return Err(Error::Internal("staging holds more than the data folder".to_owned()));
    }
    let payload = payload(publication, manifest)?;
    let record = payload.iter().find(|f| f.path == MANIFEST).map(|f| f.sha256.clone()).unwrap_or_default();
    let identifier = bag::identifier(&manifest.project.id, &record);
    let mut tags = Vec::new();
    let mut tag = |path: &str, bytes: &[u8]| -> Result<()> {
        write_new(&staged.join(path), bytes)?;
        tags.push(FileRecord::new(path.to_owned(), digest_bytes(bytes)));
        Ok(())
    };
    let page = report::page(publication, manifest, &record, version);
    tag(REPORT, page.as_bytes())?;
    let run = json_bytes(&run::run(publication, manifest, version))?;
    tag("run.json", &run)?;
    let extra = [
        FileRecord::new(REPORT.to_owned(), digest_bytes(page.as_bytes())),
        FileRecord::new("run.json".to_owned(), digest_bytes(&run)),
    ];
    let files: Vec<&FileRecord> = payload.iter().chain(&extra).collect();
    tag(CRATE, &json_bytes(&rocrate::crate_of(publication, manifest, version, identifier, &files))?)?;
    tag("bagit.txt", bag::BAGIT.as_bytes())?;
    tag("bag-info.txt", bag::bag_info(publication, version, identifier, &payload).as_bytes())?;
    tag("manifest-sha256.txt", bag::manifest_lines(&payload, |f| &f.sha256)?.as_bytes())?;
    tag("manifest-sha512.txt", bag::manifest_lines(&payload, |f| &f.sha512)?.as_bytes())?;
    let lines = bag::manifest_lines(&tags, |f| &f.sha256)?;
    write_new(&staged.join("tagmanifest-sha256.txt"), lines.as_bytes())?;
    let run = publication.run;
    Ok(Entry {
        time: time_text(run.finished),
        kind: PUBLISHED.to_owned(),
        project: manifest.project.id.clone(),
        version: Some(version),
        revision: Some(manifest.revision),
        spec_sha256: Some(manifest.spec.sha256.clone()),
        approval_sha256: Some(manifest.approval.sha256.clone()),
        manifest_sha256: Some(record),
        bag_sha256: Some(digest_bytes(lines.as_bytes()).sha256),
        key_id: manifest.key.id.clone(),
        as_of: Some(run.as_of.to_string()),
        as_of_is_today: Some(run.as_of_is_today),
        tool_version: run.tool_version.to_owned(),
        ..Entry::default()
    })
}

/// Every file of the payload with its digests, and proof that no other lies there. The tables were hashed when they were
/// written; the rest is hashed now.
fn payload(publication: &Publication<'_>, manifest: &Manifest) -> Result<Vec<FileRecord>> {
    let staged = publication.staged;
    let mut files: Vec<FileRecord> = manifest.csv.clone();
    if publication.approved.spec().output.parquet {
        files.extend(manifest.tables.iter().map(|t| FileRecord {
            path: t.path.clone(),
            bytes: t.bytes,
            sha256: t.sha256.clone(),
            sha512: t.sha512.clone(),
        }));
    }
    for file in &mut files {
        file.path.insert_str(0, "data/");
    }
    for path in [MANIFEST.to_owned(), format!("data/{DATAPACKAGE}"), format!("data/{CODEBOOK}")] {
        let digests = digest_file(&staged.join(&path))?;
        files.push(FileRecord::new(path, digests));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut found = BTreeSet::new();
    walk(staged, &staged.join("data"), &mut found)?;
    let declared: BTreeSet<(String, u64)> = files.iter().map(|f| (f.path.clone(), f.bytes)).collect();
    match found.symmetric_difference(&declared).next() {
        None => Ok(files),
        Some((path, _)) => Err(Error::Internal(format!("{path} is not in staging as the record has it"))),
    }
}

/// The files below a folder with their sizes; a link or device is told with a size that no record has.
fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<(String, u64)>) -> Result<()> {
    for path in operation::list(folder)? {
        let meta = path.symlink_metadata().map_err(|e| Error::reading("read", &path, e))?;
        if meta.is_dir() {
            walk(root, &path, found)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.insert((name, if meta.is_file() { meta.len() } else { u64::MAX }));
        }
    }
    Ok(())
}

/// Indented JSON with a last line end.
fn json_bytes(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes =
        serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(format!("a document's layout: {e}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}
