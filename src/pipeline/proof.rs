//! Proving a published extract again: the bag, the record, the ledger, the tables; and, if asked, the same bytes.

use super::cut::Before;
use super::inputs::{keyring, shown};
use super::standing::All;
use super::{Settings, cut, inputs};
use crate::catalogue::{Catalogue, Document};
use crate::engine::Engine;
use crate::files::{Lock, Staging, digest_file, sha256_bytes, sha256_file};
use crate::publish::{LATEST, Manifest, PENDING, ledger, version_name, version_of};
use crate::spec;
use crate::verify::{self, Against};
use crate::vocab::{CheckCount, Error, Event, ExitCode, Finding, Findings, Observer, Place, Result, Severity};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was found in each extract.
#[derive(Debug, Default)]
pub struct VerifyView {
    /// Each extract with its findings and the checks made.
    pub extracts: Vec<(PathBuf, Findings, Vec<CheckCount>)>,
}

/// Verifies published extracts. `rebuild` cuts each again from the sources and compares all bytes under `data/`.
///
/// # Errors
/// Where an extract cannot be read at all, or the rebuilding as a whole cannot go on.
pub fn verify(
    settings: &Settings,
    extracts: &[PathBuf],
    rebuild: bool,
    observer: &Arc<dyn Observer>,
) -> Result<VerifyView> {
    let mut view = VerifyView::default();
    for path in extracts {
        observer.on(Event::Step("verify"));
        let real = path.canonicalize().map_err(|e| Error::reading("read", path, e))?;
        observer.go_on()?;
        let (mut findings, checks) = one(settings, &real, observer)?;
        if rebuild && !findings.iter().any(|f| f.severity == Severity::Error) {
            findings.extend(same_bytes(settings, &real, observer)?);
        }
        view.extracts.push((path.clone(), findings, checks));
    }
    Ok(view)
}

/// Verifies one extract.
fn one(settings: &Settings, extract: &Path, observer: &Arc<dyn Observer>) -> Result<(Findings, Vec<CheckCount>)> {
    let verdict = verify::bag(extract);
    let (mut findings, mut checks) = (verdict.findings, verdict.checks);
    let manifest = match Manifest::read(extract) {
        Ok(manifest) => manifest,
        Err(Error::Findings(found)) => {
            findings.extend(found);
            return Ok((findings, checks));
        }
        Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            findings.push(fault(extract, "manifest-missing", "the extract has no record, data/manifest.json"));
            return Ok((findings, checks));
        }
        Err(error) => return Err(error),
    };
    findings.extend(in_ledger(settings, extract, &manifest));
    findings.extend(beside_others(extract, &manifest));
    if sha256_bytes(manifest.spec.text.as_bytes()) != manifest.spec.sha256 {
        findings.push(fault(extract, "spec-altered", "the record's spec is not the one that its digest names"));
    }
    // Rules name elements that this extract does not carry; they were applied when the spec was approved.
    let documents: Vec<Document> = manifest
        .catalogue
        .documents
        .iter()
        .filter(|d| d.name != "rules.yaml")
        .map(|d| Document { name: d.name.clone(), text: d.text.clone() })
        .collect();
    let named = shown(&extract.join("data/manifest.json"));
    let catalogue = match Catalogue::from_documents(documents, &named) {
        Ok(catalogue) => catalogue,
        Err(Error::Findings(found)) => {
            findings.extend(found);
            return Ok((findings, checks));
        }
        Err(error) => return Err(error),
    };
    let (spec, found) = spec::from_text(&manifest.spec.text, &named, &catalogue);
    findings.extend(found.into_iter().filter(|f| f.severity == Severity::Error));
    let Some(spec) = spec else { return Ok((findings, checks)) };
    if spec.project.id.as_str() != manifest.project.id {
        findings.push(fault(extract, "spec-altered", "the record's spec is of another project"));
    }
    let account = super::account::of(&manifest);
    if account.is_none() {
        findings.push(fault(extract, "manifest-unreadable", "the record's counts cannot be read"));
    }
    let sources = super::account::sources(&manifest);
    let against = Against { spec: &spec, catalogue: &catalogue, account: account.as_ref(), sources: Some(&sources) };
    let data = extract.join("data");
    let verdict = verify::tables_while(&data, &against, None, (settings.threads, observer.as_ref()))?;
    findings.extend(verdict.findings);
    let dictionary = verify::dictionary(&data, &against);
    findings.extend(dictionary.findings);
    if let Some(what) = super::account::differs(&manifest, &Against { account: None, sources: None, ..against }) {
        findings.push(fault(extract, "record-differs", what));
    }
    checks.extend(verdict.checks.into_iter().chain(dictionary.checks));
    Ok((findings, checks))
}

fn fault(extract: &Path, code: &'static str, message: &str) -> Finding {
    Finding::error(code, Place::file(shown(extract)), message).help("do not use the extract; build it again")
}

/// Whether the ledger holds the extract as it is: what a tamperer who makes the bag's manifests anew cannot forge.
fn in_ledger(settings: &Settings, extract: &Path, manifest: &Manifest) -> Findings {
    let version = extract.file_name().and_then(|n| version_of(&n.to_string_lossy()));
    let folder = extract.parent().and_then(Path::parent).unwrap_or(extract);
    let file = folder.join(ledger::LEDGER);
    if !file.exists() {
        let message = "no ledger stands beside the extract, so nothing shows that it is as it was published";
        let finding = Finding::warning("ledger-missing", Place::file(shown(&file)), message);
        return vec![finding.help("verify the extract where it was published")];
    }
    let read = match ledger::read(folder) {
        Ok(read) => read,
        Err(_) => return vec![fault(&file, "ledger-unreadable", "the ledger cannot be read")],
    };
    let mut findings = Findings::new();
    let keyring = keyring(settings);
    match &keyring {
        Ok(keyring) => findings.extend(read.check(&|id, message| {
            let key = crate::vocab::KeyId::new(id).and_then(|id| Some(keyring.key(&id)?.ledger()))?;
            Some(key.tag(message))
        })),
        Err(_) => findings.push(
            Finding::warning(
                "ledger-unchecked",
                Place::file(shown(&file)),
                "without the keyring the ledger's signatures cannot be checked",
            )
            .help("give the keyring with --keyring"),
        ),
    }
    let entry = read.entries().rev().find(|e| {
        e.project == manifest.project.id && e.kind == ledger::PUBLISHED && (version.is_none() || e.version == version)
    });
    let digest = |path: &str| sha256_file(&extract.join(path)).ok().map(|(_, sha256)| sha256);
    let names = |e: &ledger::Entry| {
        e.bag_sha256 == digest("tagmanifest-sha256.txt") && e.manifest_sha256 == digest("data/manifest.json")
    };
    // A build killed between the rename and the ledger leaves its signed entry in a note, for the next run to enter.
    let noted = || {
        let key = keyring.as_ref().ok()?.current().ledger();
        let entry = crate::publish::unfinished(extract.parent()?, &|message| key.tag(message))?;
        (entry.project == manifest.project.id && entry.version == version && names(&entry)).then_some(())
    };
    match entry {
        Some(entry) if names(entry) => {}
        Some(_) => {
            let message = "the extract is not what the ledger says was published";
            findings.push(fault(extract, "differs-from-ledger", message));
        }
        None if noted().is_some() => {
            let message = "the extract is whole, but the run that published it was cut short before the ledger";
            let finding = Finding::warning("publication-unfinished", Place::file(shown(extract)), message);
            findings.push(finding.help("the next build enters it"));
        }
        None => findings.push(fault(extract, "not-in-ledger", "the ledger knows no such extract")),
    }
    findings
}

/// What the folder of extracts shows: no other project's extract has the same people's names, and `latest` points at the
/// newest version that the ledger knows.
fn beside_others(extract: &Path, manifest: &Manifest) -> Findings {
    let named = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let Some((home, extracts)) = extract.parent().and_then(|home| Some((home, home.parent()?))) else {
        return Findings::new();
    };
    let project = manifest.project.id.as_str();
    let published = named(extract).is_some_and(|name| version_of(&name).is_some());
    if !published || named(home).as_deref() != Some(project) || !extracts.join(ledger::LEDGER).exists() {
        return Findings::new();
    }
    let own = verify::first_people(&extract.join("data"));
    let mut findings = super::apart::check(project, &own, &super::apart::published(extracts, &[project]));
    let Ok(read) = ledger::read(extracts) else { return findings };
    let of = |e: &&ledger::Entry| e.project == project && e.kind == ledger::PUBLISHED;
    let versions = read.entries().filter(of).filter_map(|e| e.version);
    let newest = versions.filter(|version| home.join(version_name(*version)).is_dir()).max();
    let latest = std::fs::read_link(home.join(LATEST)).ok().and_then(|to| version_of(&named(&to)?));
    // A build killed between rename and ledger leaves a note, and the next run finishes it.
    if newest.is_some() && latest != newest && !home.join(PENDING).exists() {
        findings.push(fault(home, "latest-elsewhere", "`latest` does not point at the newest version of the ledger"));
    }
    findings
}

/// Cuts the project again in staging, and compares every file under `data/`.
fn same_bytes(settings: &Settings, extract: &Path, observer: &Arc<dyn Observer>) -> Result<Findings> {
    let manifest = Manifest::read(extract)?;
    let mut settings = settings.clone();
    // The day that counted then counts now: from the record where it was another than the build's, else from the ledger.
    let home = extract.parent().and_then(Path::parent).unwrap_or(extract);
    let version = extract.file_name().and_then(|n| version_of(&n.to_string_lossy()));
    let entered = ledger::read(home).ok().and_then(|l| {
        let entry = l.entries().find(|e| e.project == manifest.project.id && e.version == version)?;
        entry.as_of.clone()
    });
    settings.as_of_is_today = manifest.as_of.is_none();
    if let Some(as_of) = manifest.as_of.clone().or(entered).and_then(|day| day.parse().ok()) {
        settings.as_of = as_of;
    }
    let inputs = inputs::read(&settings, std::slice::from_ref(&manifest.project.id))?;
    let keyring = keyring(&settings)?;
    let (plan, found) = inputs.plan(&settings);
    let Some(plan) = plan else { return Ok(found) };
    let _lock = Lock::take(&settings.config.extracts)?;
    let staging = Staging::begin(&settings.config.extracts, settings.config.scratch.as_deref())?;
    let engine = Engine::new(settings.threads, settings.memory, Arc::clone(observer))?;
    let cut = cut::cut(&engine, keyring.current(), &inputs.catalogue, plan, &staging, &mut Before::default())?;
    let mut findings = cut.findings.clone();
    let Some(project) = cut.ready().first().copied() else { return Ok(findings) };
    let verdict = cut.verify(project, &inputs.catalogue, &All::new(), &engine)?;
    cut.prepare(project, &inputs.catalogue, &verdict, &settings, &keyring)?;
    let (old, new) = (extract.join("data"), cut.staged(project)?.join("data"));
    let (there, here) = (files_below(&old)?, files_below(&new)?);
    for path in there.iter().chain(here.iter().filter(|p| !there.contains(p))) {
        let same = match (digest_file(&old.join(path)), digest_file(&new.join(path))) {
            (Ok(a), Ok(b)) => a.sha256 == b.sha256,
            _ => false,
        };
        if !same {
            findings.push(
                Finding::error(
                    "rebuild-differs",
                    Place::file(shown(&old.join(path))),
                    "cut again from today's sources, the file comes out different",
                )
                .help("sources, spec, catalogue, exclusions, key or tool have changed since it was published"),
            );
        }
    }
    Ok(findings)
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for path in crate::files::operation::list(&at)? {
            if path.is_dir() {
                open.push(path);
            } else if let Ok(below) = path.strip_prefix(folder) {
                found.push(below.to_path_buf());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The exit code of a verification.
#[must_use]
pub fn exit_of(view: &VerifyView) -> ExitCode {
    let all: Findings = view.extracts.iter().flat_map(|(_, f, _)| f.iter().cloned()).collect();
    ExitCode::of(&all)
}
