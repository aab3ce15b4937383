//! Auditing: the ledger's chain and signatures, and whether what it says was published is what lies on the disk.

use super::Settings;
use super::inputs::{keyring, shown};
use crate::files::{operation, sha256_file};
use crate::keys::Keyring;
use crate::publish::ledger::{self, Entry, Ledger};
use crate::publish::{unfinished, version_name, version_of};
use crate::vocab::{Error, Event, ExitCode, Finding, Findings, KeyId, Observer, Place, ProjectId, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an audit found.
#[derive(Debug, Clone, Default)]
pub struct AuditView {
    /// The ledger.
    pub ledger: PathBuf,
    /// Its lines.
    pub lines: usize,
    /// The digest of its newest line, which covers all before it: to be noted down, away from this machine.
    pub head: Option<String>,
    /// What it says was published, by project and version.
    pub published: Vec<Audited>,
    /// All that is wrong.
    pub findings: Findings,
}

/// One entry of the ledger about a published extract.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Audited {
    pub line: u32,
    pub project: ProjectId,
    pub version: u32,
    pub revision: Option<u32>,
    pub time: String,
    pub key: Option<KeyId>,
    /// Whether the signature is right; `None` where the keyring cannot tell.
    pub signed: Option<bool>,
    pub state: State,
}

/// What lies on the disk for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The extract, as it was published.
    There,
    /// Something else.
    Differs,
    /// Nothing.
    Missing,
}

/// How often an audit begins anew because a build published meanwhile.
const ATTEMPTS: usize = 5;

/// Audits the extracts folder. `heads` are digests noted at earlier audits: each must be that of a line. Takes no lock and
/// writes nothing, so that it may run beside a build, and by somebody who can only read.
///
/// # Errors
/// The ledger or the folder cannot be read at all.
pub fn audit(settings: &Settings, heads: &[String], observer: &Arc<dyn Observer>) -> Result<AuditView> {
    observer.on(Event::Step("audit"));
    let extracts = &settings.config.extracts;
    let keyring = match keyring(settings) {
        Ok(keyring) => Ok(keyring),
        Err(Error::Findings(findings)) => Err(findings),
        Err(error) => return Err(error),
    };
    let mut attempt = 0;
    loop {
        attempt += 1;
        // The disk first: what is on it was entered, or noted, before the ledger is read.
        let disk = Disk::list(extracts)?;
        let ledger = ledger::read(extracts)?;
        let view = Audit { extracts, ledger: &ledger, disk: &disk, keyring: keyring.as_ref() }.run(heads);
        let still = ledger::read(extracts)?.head() == ledger.head();
        if view.findings.is_empty() || still || attempt == ATTEMPTS {
            return Ok(view);
        }
    }
}

/// What lies in an extracts folder.
#[derive(Default)]
struct Disk {
    versions: BTreeMap<ProjectId, BTreeSet<u32>>,
    /// What we did not put there.
    foreign: Vec<PathBuf>,
    /// Projects with the note of a publication under way.
    noted: Vec<ProjectId>,
}

impl Disk {
    fn list(extracts: &Path) -> Result<Self> {
        let mut disk = Self::default();
        for home in operation::list(extracts)? {
            let name = name_of(&home);
            let folder = home.symlink_metadata().is_ok_and(|m| m.is_dir());
            match ProjectId::new(&name) {
                Some(project) if folder => disk.project(&home, project)?,
                _ if name.starts_with('.') || name == ledger::LEDGER => {}
                _ => disk.foreign.push(home),
            }
        }
        Ok(disk)
    }

    fn project(&mut self, home: &Path, project: ProjectId) -> Result<()> {
        let mut versions = BTreeSet::new();
        for path in operation::list(home)? {
            let name = name_of(&path);
            let link = path.is_symlink();
            match version_of(&name) {
                Some(version) if path.is_dir() && !link => {
                    versions.insert(version);
                }
                None if name == ".pending.json" => self.noted.push(project.clone()),
                None if name.starts_with('.') || (name == LATEST && link) => {}
                _ => self.foreign.push(path),
            }
        }
        self.versions.insert(project, versions);
        Ok(())
    }
}

const LATEST: &str = "latest";

fn name_of(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// One look at ledger and disk together.
struct Audit<'a> {
    extracts: &'a Path,
    ledger: &'a Ledger,
    disk: &'a Disk,
    keyring: std::result::Result<&'a Keyring, &'a Findings>,
}

impl Audit<'_> {
    fn run(&self, heads: &[String]) -> AuditView {
        let file = self.extracts.join(ledger::LEDGER);
        let mut findings = Findings::new();
        if !file.exists() {
            let finding =
                Finding::error("ledger-missing", Place::file(file.display().to_string()), "there is no ledger");
            let help = "correct `extracts` in the config; if extracts were published, restore the ledger from a copy";
            findings.push(finding.help(help).exit(ExitCode::Missing));
        }
        match self.keyring {
            Ok(_) => findings.extend(self.ledger.check(&|id, message| self.tag(id, message))),
            Err(key) => {
                findings.extend(key.iter().cloned());
                let chain = self.ledger.check(&|_, _| None);
                findings.extend(chain.into_iter().filter(|f| f.code != "ledger-key-unknown"));
            }
        }
        for head in heads.iter().filter(|head| !self.ledger.holds(head)) {
            let message = format!("no line has the digest {head}: lines that an earlier audit saw are gone or changed");
            findings.push(
                Finding::error("ledger-head-unknown", Place::file(file.display().to_string()), message).help(RESTORE),
            );
        }
        let published = self.published(&mut findings);
        // What carries a wrong signature says nothing about the disk.
        let believed: Vec<&Audited> = published.iter().filter(|p| p.signed != Some(false)).collect();
        self.sequence(&believed, &mut findings);
        self.extracts(&believed, &mut findings);
        for path in &self.disk.foreign {
            let message = "something lies among the extracts that leo-extract did not put there";
            let finding = Finding::warning("extract-foreign", Place::file(shown(path)), message);
            findings.push(finding.help("find out who put it there, and take it away"));
        }
        let (lines, head) = (self.ledger.length(), self.ledger.head());
        AuditView { ledger: file, lines, head, published, findings }
    }

    /// The tag of a message under a key of the keyring.
    fn tag(&self, id: &str, message: &[u8]) -> Option<[u8; 32]> {
        Some(self.keyring.ok()?.key(&KeyId::new(id)?)?.ledger().tag(message))
    }

    /// Every entry about a published extract, by project and version.
    fn published(&self, findings: &mut Findings) -> Vec<Audited> {
        let mut published = Vec::new();
        for (place, entry, signature) in self.ledger.signatures(&|id, message| self.tag(id, message)) {
            let named = ProjectId::new(&entry.project).zip(entry.version);
            let Some((project, version)) = named.filter(|(_, v)| *v > 0) else {
                if entry.kind == ledger::PUBLISHED {
                    let message = "this entry names no project, or no version of it";
                    findings.push(Finding::error("ledger-unreadable", place, message).help(RESTORE));
                }
                continue;
            };
            if entry.kind == ledger::PUBLISHED {
                let state = self.state(&project, version, entry);
                published.push(Audited {
                    line: place.line,
                    project,
                    version,
                    revision: entry.revision,
                    time: entry.time.clone(),
                    key: KeyId::new(&entry.key_id),
                    signed: signature,
                    state,
                });
            }
        }
        published.sort_by(|a, b| (&a.project, a.version, a.line).cmp(&(&b.project, b.version, b.line)));
        published
    }

    /// What lies where the entry says that its extract does.
    fn state(&self, project: &ProjectId, version: u32, entry: &Entry) -> State {
        let folder = self.extracts.join(project.as_str()).join(version_name(version));
        match folder.symlink_metadata() {
            Err(_) => return State::Missing,
            Ok(meta) if !meta.is_dir() => return State::Differs,
            Ok(_) => {}
        }
        let digest = |path: &str| sha256_file(&folder.join(path)).ok().map(|(_, sha256)| sha256);
        let same = |path, recorded: &Option<String>| recorded.is_some() && digest(path) == *recorded;
        let bag = same("tagmanifest-sha256.txt", &entry.bag_sha256);
        if bag && same("data/manifest.json", &entry.manifest_sha256) { State::There } else { State::Differs }
    }

    /// Versions count from one, each once, in the order of the lines. A gap alone is no proof of tampering: a folder that
    /// somebody put there makes the next build leave its number out.
    fn sequence(&self, published: &[&Audited], findings: &mut Findings) {
        for of_project in published.chunk_by(|a, b| a.project == b.project) {
            let mut by_line: Vec<&Audited> = of_project.to_vec();
            by_line.sort_by_key(|a| a.line);
            let mut last = 0;
            for one in by_line {
                let at = self.place(one.line);
                let finding = if one.version <= last {
                    Finding::error("ledger-versions-skip", at, "a version that came before, or should have")
                        .help(RESTORE)
                } else if one.version > last + 1 {
                    let message = "versions before this one are not in the ledger";
                    let help = "nothing, if a folder that leo-extract did not make once had their numbers";
                    Finding::warning("ledger-versions-skip", at, message).help(help)
                } else {
                    last = one.version;
                    continue;
                };
                findings.push(finding.project(one.project.as_str()));
                last = one.version.max(last);
            }
        }
    }

    /// Every version on the disk has its entry, every entry its extract, and `latest` is the newest.
    fn extracts(&self, published: &[&Audited], findings: &mut Findings) {
        let mut newest: BTreeMap<&ProjectId, u32> = BTreeMap::new();
        for one in published {
            let of_project = newest.entry(&one.project).or_default();
            *of_project = one.version.max(*of_project);
        }
        for one in published {
            let at = self.extracts.join(one.project.as_str()).join(version_name(one.version));
            let at = Place::file(shown(&at));
            let finding = match one.state {
                State::There => continue,
                State::Differs => {
                    let message = "the extract is not what the ledger says was published";
                    Finding::error("differs-from-ledger", at, message).help("do not use the extract; build it again")
                }
                State::Missing if newest.get(&one.project) == Some(&one.version) => {
                    let message = "the newest extract of the project, which the ledger names, is not there";
                    let help = "restore it from a copy, or build it again; find out who removed it";
                    Finding::error("extract-missing", at, message).help(help).exit(ExitCode::Missing)
                }
                State::Missing => {
                    let message = "an older extract, which the ledger names, is not there any more";
                    Finding::warning("extract-missing", at, message).help("nothing, if it was taken away on purpose")
                }
            };
            findings.push(finding.project(one.project.as_str()));
        }
        for (project, versions) in &self.disk.versions {
            let home = self.extracts.join(project.as_str());
            let noted = self.noted(&home, project, findings);
            for version in versions {
                if !published.iter().any(|p| p.project == *project && p.version == *version) && noted != Some(*version)
                {
                    let at = Place::file(shown(&home.join(version_name(*version))));
                    let finding = Finding::error("not-in-ledger", at, "the ledger knows no such extract");
                    let help =
                        "do not use the extract; if the ledger is an older copy of itself, restore the newer one";
                    findings.push(finding.help(help).project(project.as_str()));
                }
            }
            let points = std::fs::read_link(home.join(LATEST)).ok().and_then(|to| version_of(to.to_str()?));
            let right = points.is_some() && (points == newest.get(project).copied() || points == noted);
            // Nothing published and nothing pointed at: the folder of a build that never came to its end.
            let nothing = points.is_none() && !newest.contains_key(project) && !home.join(LATEST).is_symlink();
            if !right && !nothing && noted.is_none() {
                let at = Place::file(shown(&home.join(LATEST)));
                let finding = Finding::error("latest-astray", at, "`latest` is not the newest extract of the ledger");
                findings.push(finding.help("build again, and find out who changed it").project(project.as_str()));
            }
        }
    }

    /// The version that a publication which was cut short is about to enter.
    fn noted(&self, home: &Path, project: &ProjectId, findings: &mut Findings) -> Option<u32> {
        if !self.disk.noted.contains(project) {
            return None;
        }
        let at = Place::file(shown(home));
        let keys = self.keyring.map(Keyring::entries).unwrap_or_default();
        let mut notes = keys.iter().filter_map(|(id, _, _)| {
            let mac = self.keyring.ok()?.key(id)?.ledger();
            unfinished(home, &|message| mac.tag(message))
        });
        let entry = notes.find(|e| e.project == project.as_str());
        let finding = if entry.is_some() {
            Finding::warning("publication-unfinished", at, "a publication was cut short before it was in the ledger")
                .help("the next build enters it")
        } else {
            Finding::warning(
                "publication-unsigned",
                at,
                "a publication was cut short, and its note is not signed by us",
            )
            .help("verify the newest version; if it is good, build again, else remove it; then remove .pending.json")
        };
        findings.push(finding.project(project.as_str()));
        let entry = entry?;
        let version = entry.version?;
        (self.state(project, version, &entry) == State::There).then_some(version)
    }

    fn place(&self, line: u32) -> Place {
        Place { file: self.extracts.join(ledger::LEDGER).display().to_string(), line, column: 1, length: 1 }
    }
}

const RESTORE: &str = "compare the ledger with a backup, and find out who could write to it";
