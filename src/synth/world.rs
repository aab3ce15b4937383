//! A whole world: sources, catalogue, specs, approvals, keyring, config, and the record of how it was made.

use super::columns::Around;
use super::embedded::CATALOGUE;
use super::encode::{Work, write};
use super::options::Options;
use super::people::Population;
use super::projects::projects;
use super::tables::{Content, tables};
use crate::catalogue::{Catalogue, Document};
use crate::files::operation;
use crate::keys::{Secret, write_keyring};
use crate::vocab::{ElementName, Error, Event, ExitCode, Finding, KeyId, Observer, Place, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

/// The record of how a world was made; also the mark by which one is known.
const RECORD: &str = "SYNTH.json";
/// What a world's folder holds, extracts that were cut from it apart.
const PARTS: [&str; 8] =
    ["leo.yaml", "leo.keyring", "sources", "catalogue", "specs", "approvals", "exclusions", RECORD];
/// What may lie beside it and is left alone.
const BESIDE: [&str; 4] = ["extracts", "scratch", "README.md", "vectors.yaml"];
/// The most people that identifiers can tell apart.
const MOST_PERSONS: u64 = 100_000_000;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// The config file to build from.
    pub config: PathBuf,
    /// Source files, link tables and exclusions included.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Writes a synthetic LEO into a folder. The same options give the same bytes, whatever the threads.
///
/// # Errors
/// Where the folder holds anything but an earlier synthetic world, the options make no sense, the disk refuses, or the
/// observer asked to stop; then the folder is left half written, and the next run replaces it.
pub fn write_world(options: &Options, observer: &dyn Observer) -> Result<World> {
    check(options)?;
    let catalogue = catalogue()?;
    prepare(&options.out)?;
    observer.on(Event::Step("synth"));
    // The mark comes first, so that a world half written is known for one.
    put(&options.out, RECORD, &record(options)?)?;
    for document in &catalogue.documents {
        put(&options.out, &format!("catalogue/{}", document.name), &document.text)?;
    }
    for project in projects(options.projects) {
        put(&options.out, &format!("specs/{}.yaml", project.id), &project.spec)?;
        put(&options.out, &format!("approvals/{}", project.approval_file), &project.approval)?;
    }
    let (id, secret) = key(options)?;
    write_keyring(&options.out.join("leo.keyring"), id, secret)?;
    put(&options.out, "leo.yaml", CONFIG)?;
    let totals = write_sources(options, &catalogue, observer)?;
    Ok(World { config: options.out.join("leo.yaml"), files: totals.files, rows: totals.rows, bytes: totals.bytes })
}

/// The config of a world.
const CONFIG: &str = "config: 1
catalogue: catalogue
specs: specs
approvals: {directory: approvals}
sources: sources
extracts: extracts
keyring: leo.keyring
exclusions:
  - {location: exclusions/objections.parquet, kind: pmr, column: pmr}
";

/// The catalogue that the program carries.
pub(super) fn catalogue() -> Result<Catalogue> {
    let documents =
        CATALOGUE.iter().map(|(name, text)| Document { name: (*name).to_owned(), text: (*text).to_owned() }).collect();
    Catalogue::from_documents(documents, "catalogue")
}

/// Writes the sources of any catalogue, and the exclusions.
pub(super) fn write_sources(
    options: &Options,
    catalogue: &Catalogue,
    observer: &dyn Observer,
) -> Result<super::encode::Totals> {
    let population = Population::new(options);
    let tables = tables(catalogue, options, &population);
    let mut elements: BTreeMap<&ElementName, (u64, usize)> = BTreeMap::new();
    for table in &tables {
        if let Content::Element { name, .. } = &table.content {
            let (rows, files) = elements.entry(name).or_default();
            *rows += table.expected;
            *files += 1;
        }
    }
    for (element, (rows, _)) in &elements {
        observer.on(Event::ElementStarted { element, rows: *rows });
    }
    let unfinished = elements.into_iter().map(|(element, (_, files))| (element, AtomicUsize::new(files))).collect();
    let around = Around { seed: options.seed, faults: &options.faults, term: None, persons: options.persons };
    let work = Work { root: &options.out, tables: &tables, population: &population, around, observer, unfinished };
    write(&work, options.threads)
}

/// Options that make no sense.
fn check(options: &Options) -> Result<()> {
    let wrong = |message: String| {
        Err(Error::finding(Finding::error("synth-options", Place::default(), message).exit(ExitCode::Usage)))
    };
    if !(1..=MOST_PERSONS).contains(&options.persons) {
        return wrong(format!("a world has 1 to {MOST_PERSONS} people"));
    }
    if !(0.0..=1.0).contains(&options.presence) {
        return wrong("presence is a share from 0 to 1".to_owned());
    }
    if options.row_group_rows == 0 {
        return wrong("a row group has at least one row".to_owned());
    }
    if options.projects.is_some_and(|n| n > 999) {
        return wrong("a world has at most 999 projects".to_owned());
    }
    Ok(())
}

/// Makes the folder, or clears an earlier world out of it.
fn prepare(out: &Path) -> Result<()> {
    operation::make_folder(out)?;
    let names: Vec<String> = operation::list(out)?
        .iter()
        .filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let foreign = names.iter().find(|name| !PARTS.contains(&name.as_str()) && !BESIDE.contains(&name.as_str()));
    let unmarked = !names.iter().any(|name| name == RECORD) && names.iter().any(|name| PARTS.contains(&name.as_str()));
    if unmarked || foreign.is_some() {
        let finding = Finding::error(
            "synth-folder-not-empty",
            Place::file(out.display().to_string()),
            "the folder holds something else than a synthetic world".to_owned(),
        );
        return Err(Error::finding(finding.exit(ExitCode::Output).help("name a new or empty folder")));
    }
    for part in PARTS {
        operation::remove(&out.join(part))?;
    }
    Ok(())
}

/// Writes a text file of the world.
fn put(out: &Path, name: &str, text: &str) -> Result<()> {
    let path = out.join(name);
    if let Some(folder) = path.parent() {
        operation::make_folder(folder)?;
    }
    let mut file = operation::create(&path)?;
    operation::write_all(&mut file, &path, text.as_bytes())
}

/// The key: published, or derived from the seed.
fn key(options: &Options) -> Result<(KeyId, Secret)> {
    let (id, secret) = if options.published_key {
        ("published-test".to_owned(), Secret::published_test())
    } else {
        let mut digest = Sha256::new();
        digest.update(b"leo-extract synth keyring\0");
        digest.update(options.seed.to_le_bytes());
        (format!("synthetic-{}", options.seed), Secret::new(digest.finalize().into()))
    };
    let id = KeyId::new(&id).ok_or_else(|| Error::Internal("the synthetic key's name is no name".to_owned()))?;
    Ok((id, secret))
}

/// How the world was made: no clock, no path.
fn record(options: &Options) -> Result<String> {
    let record = serde_json::json!({
        "synth": 1,
        "tool": concat!("leo-extract ", env!("CARGO_PKG_VERSION")),
        "persons": options.persons,
        "seed": options.seed,
        "projects": options.projects,
        "years": options.years,
        "presence": options.presence,
        "row_group_rows": options.row_group_rows,
        "published_key": options.published_key,
        "faults": options.faults,
    });
    serde_json::to_string_pretty(&record)
        .map(|text| text + "\n")
        .map_err(|_| Error::Internal("the record of a synthetic world cannot be written".to_owned()))
}
