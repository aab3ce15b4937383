//! The documents of a run: catalogue, specs, approvals, keyring; and the plan that they and the sources allow.

use super::{Settings, Unchanged};
use crate::approval::{Approved, Records, approve};
use crate::catalogue::Catalogue;
use crate::files::operation;
use crate::keys::Keyring;
use crate::plan::{Ground, Input, Plan, make};
use crate::spec::{self, Spec};
use crate::vocab::{Error, ExitCode, Finding, Findings, Place, ProjectId, Result, near};
use std::path::{Path, PathBuf};

/// The documents that were read, and what was found in them.
pub(super) struct Inputs {
    pub(super) catalogue: Catalogue,
    approved: Vec<Approved>,
    findings: Findings,
}

/// A path as the user knows it: relative to where they stand, where it lies below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

/// Reads the catalogue, the named specs (all where none is named) and their approvals.
pub(super) fn read(settings: &Settings, specs: &[String]) -> Result<Inputs> {
    let config = &settings.config;
    let catalogue = Catalogue::read(&config.catalogue, &shown(&config.catalogue))?;
    let mut findings = catalogue.warnings.clone();
    let mut read: Vec<Spec> = Vec::new();
    for path in spec_files(settings, specs)? {
        let (spec, found) = spec::read(&path, &shown(&path), &catalogue);
        findings.extend(found);
        read.extend(spec);
    }
    let twice = spec::check_distinct(&read);
    let (records, found) = Records::read(&config.approvals, &shown(&config.approvals));
    findings.extend(found);
    let mut approved = Vec::new();
    for spec in read {
        if twice.iter().any(|f| f.project.as_deref() == Some(spec.project.id.as_str())) {
            continue;
        }
        let (one, found) = approve(spec, &catalogue, &records, settings.as_of, config.allowed_signers.as_deref());
        findings.extend(found);
        approved.extend(one);
    }
    findings.extend(twice);
    Ok(Inputs { catalogue, approved, findings })
}

impl Inputs {
    /// The plan of all projects that pass, and the findings of all others.
    pub(super) fn plan(&self, settings: &Settings) -> (Option<Plan>, Findings) {
        let mut findings = self.findings.clone();
        if self.approved.is_empty() {
            return (None, findings);
        }
        let (plan, found) = self.plan_of(settings, self.approved.clone());
        findings.extend(found);
        (plan, findings)
    }

    /// The same plan without the projects for which nothing is to be done; `None` where that is all of them.
    pub(super) fn plan_without(&self, settings: &Settings, plan: Plan, unchanged: &[Unchanged]) -> Option<Plan> {
        if unchanged.is_empty() {
            return Some(plan);
        }
        let done = |id: &ProjectId| unchanged.iter().any(|done| done.project == *id);
        let left = plan.projects.into_iter().map(|project| project.approved).filter(|a| !done(&a.spec().project.id));
        let left: Vec<Approved> = left.collect();
        if left.is_empty() { None } else { self.plan_of(settings, left).0 }
    }

    fn plan_of(&self, settings: &Settings, approved: Vec<Approved>) -> (Option<Plan>, Findings) {
        let ground = Ground { sources: settings.config.sources.clone(), threads: settings.threads };
        make(Input {
            catalogue: &self.catalogue,
            approved,
            as_of: settings.as_of,
            exclusions: &settings.config.exclusions,
            ground: &ground,
        })
    }
}

/// The keyring.
pub(super) fn keyring(settings: &Settings) -> Result<Keyring> {
    Keyring::load(&settings.keyring)
}

/// What ended the reading, with what is wrong with the keyring beside it: all findings of a run are told at once.
pub(super) fn with_key(error: Error, settings: &Settings) -> Error {
    match (error, keyring(settings)) {
        (Error::Findings(mut findings), Err(Error::Findings(key))) => {
            findings.extend(key);
            Error::Findings(findings)
        }
        (error, _) => error,
    }
}

/// The files of the specs asked for: paths as they are, project identifiers by file name.
fn spec_files(settings: &Settings, specs: &[String]) -> Result<Vec<PathBuf>> {
    let folder = &settings.config.specs;
    let all: std::io::Result<Vec<_>> = operation::entries(folder).and_then(Iterator::collect);
    let mut all: Vec<PathBuf> = all
        .map_err(|e| Error::reading("read", folder, e))?
        .into_iter()
        .map(|entry: std::fs::DirEntry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        .collect();
    all.sort();
    if specs.is_empty() {
        if all.is_empty() {
            return Err(Error::finding(
                Finding::error("no-specs", Place::file(shown(folder)), "the folder holds no spec")
                    .help("put the approved specs there, or correct `specs` in the config")
                    .exit(ExitCode::Missing),
            ));
        }
        return Ok(all);
    }
    let stem = |path: &Path| path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let names: Vec<String> = all.iter().map(|p| stem(p)).collect();
    let mut files: Vec<PathBuf> = Vec::new();
    let mut findings = Findings::new();
    for wanted in specs {
        let path = Path::new(wanted);
        let found =
            if path.is_file() { Some(path.to_path_buf()) } else { all.iter().find(|p| stem(p) == *wanted).cloned() };
        match found {
            Some(file) => {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
            None => {
                let offers = near(wanted, names.iter().map(String::as_str));
                let finding =
                    Finding::error("spec-missing", Place::file(shown(folder)), format!("there is no spec {wanted}"))
                        .exit(ExitCode::Missing);
                findings.push(if offers.is_empty() {
                    finding.help("name a project of the folder, or the path of a spec")
                } else {
                    finding.help(format!("did you mean {}?", offers.join(" or ")))
                });
            }
        }
    }
    if findings.is_empty() { Ok(files) } else { Err(Error::Findings(findings)) }
}
