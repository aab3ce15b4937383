//! Approval records: one document per project and revision.

use super::{Decision, Record};
use crate::vocab::{Error, Finding, Findings, Owner, Place, ProjectId};
use crate::yaml::{self, Decoder, Node, clip};
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use std::path::Path;

/// The bodies whose decisions count. The DSAP decides for DfE.
pub const BODIES: [&str; 6] = ["DSAP", "HESA", "HMRC", "DWP", "ESFA", "UCAS"];

/// All readable records of a folder.
#[derive(Debug, Clone, Default)]
pub struct Records {
    pub(super) entries: Vec<Entry>,
    pub(super) shown_as: String,
}

/// A record with what it approves and where its parts stand.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) project: ProjectId,
    pub(super) spec_sha256: String,
    pub(super) record: Record,
    pub(super) at: Place,
    /// One per decision.
    pub(super) decisions_at: Vec<Place>,
}

impl Records {
    /// Reads all `*.yaml` of a folder. A record that cannot be read is a finding for its project and stops no other. A
    /// folder that is not there holds no record.
    #[must_use]
    pub fn read(dir: &Path, shown_as: &str) -> (Self, Findings) {
        let mut records = Self { entries: Vec::new(), shown_as: shown_as.trim_end_matches('/').to_owned() };
        let mut findings = Findings::new();
        let mut names: Vec<String> = match fs_err::read_dir(dir) {
            Ok(entries) => entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(_) => {
                let finding =
                    Finding::error("approvals-unreadable", Place::file(shown_as), "the folder cannot be read");
                findings.push(finding.help("check who may read it"));
                Vec::new()
            }
        };
        names.retain(|name| name.ends_with(".yaml") && !name.starts_with('.'));
        names.sort();
        for name in names {
            let shown = format!("{}/{name}", records.shown_as);
            match yaml::read_text(&dir.join(&name), &shown) {
                Ok(text) => records.add(&name, &text, &mut findings),
                Err(Error::Findings(list)) => findings.extend(list.into_iter().map(|f| f.project(name.as_str()))),
                Err(_) => {
                    let finding =
                        Finding::error("approvals-unreadable", Place::file(shown), "the record cannot be read");
                    findings.push(finding.help("check who may read it").project(name));
                }
            }
        }
        (records, findings)
    }

    /// Reads records from their texts, for instance the one that a published extract carries. Names are file names.
    #[must_use]
    pub fn from_documents(documents: &[(String, String)], shown_as: &str) -> (Self, Findings) {
        let mut records = Self { entries: Vec::new(), shown_as: shown_as.trim_end_matches('/').to_owned() };
        let mut findings = Findings::new();
        for (name, text) in documents {
            records.add(name, text, &mut findings);
        }
        (records, findings)
    }

    fn add(&mut self, name: &str, text: &str, findings: &mut Findings) {
        let shown = if self.shown_as.is_empty() { name.to_owned() } else { format!("{}/{name}", self.shown_as) };
        let (node, syntax) = yaml::parse(&shown, text);
        let mut decoder = Decoder::new(&shown);
        let project = node.as_ref().and_then(|n| n.get("project")?.scalar()).and_then(|s| ProjectId::new(&s.text));
        decoder.concerns(project.as_ref().map_or(name, ProjectId::as_str));
        decoder.take_all(syntax);
        let entry = node.and_then(|node| decode(&mut decoder, &node, name, text));
        if !decoder.failed() {
            self.entries.extend(entry);
        }
        findings.extend(decoder.into_findings());
    }
}

fn decode(decoder: &mut Decoder, root: &Node, name: &str, text: &str) -> Option<Entry> {
    let what = "an approval";
    let fields = decoder.fields(root, what, &["approval", "project", "revision", "spec_sha256", "decisions"])?;
    if let Some(node) = decoder.required(&fields, "approval", what) {
        decoder.integer(node, "the version of the record", 1, 1);
    }
    let project = decoder.required(&fields, "project", what).and_then(|n| project(decoder, n));
    let revision = decoder
        .required(&fields, "revision", what)
        .and_then(|n| decoder.integer(n, "the revision", 1, i64::from(u32::MAX)));
    let spec_sha256 = decoder.required(&fields, "spec_sha256", what).and_then(|n| digest(decoder, n));
    let list = decoder.required(&fields, "decisions", what)?;
    let items = decoder.list(list, "decisions")?;
    if items.is_empty() {
        decoder.error("no-decisions", list.mark, "the record holds no decision", "list those of the panel and owners");
    }
    let mut decisions = Vec::new();
    let mut decisions_at = Vec::new();
    for item in items {
        if let Some(decision) = decision(decoder, item) {
            decisions.push(decision);
            decisions_at.push(decoder.at(item.mark));
        }
    }
    let record = Record {
        file: name.to_owned(),
        sha256: Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect(),
        revision: u32::try_from(revision?).ok()?,
        decisions,
    };
    let at = decoder.at(fields.mark_of("spec_sha256"));
    Some(Entry { project: project?, spec_sha256: spec_sha256?, record, at, decisions_at })
}

fn project(decoder: &mut Decoder, node: &Node) -> Option<ProjectId> {
    let word = decoder.word(node, "a project")?;
    let id = ProjectId::new(word);
    if id.is_none() {
        let message = format!("`{}` cannot be the id of a project", clip(word));
        decoder.error("project-id-malformed", node.mark, message, "3 to 32 capital letters, digits and hyphens");
    }
    id
}

fn digest(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let word = decoder.word(node, "a digest")?;
    let fits = word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    if !fits {
        let help = "write the 64 hexadecimal digits that `sha256sum` gives for the spec";
        decoder.error("digest-malformed", node.mark, "this is no SHA-256", help);
    }
    fits.then(|| word.to_ascii_lowercase())
}

fn decision(decoder: &mut Decoder, node: &Node) -> Option<Decision> {
    let what = "a decision";
    let known = ["body", "reference", "decided", "expires", "clearances", "fee_paid"];
    let fields = decoder.fields(node, what, &known)?;
    let body = decoder.required(&fields, "body", what).and_then(|n| body(decoder, n));
    let reference = decoder.required(&fields, "reference", what).and_then(|n| decoder.text(n, "the reference"));
    let decided = decoder.required(&fields, "decided", what).and_then(|n| decoder.date(n, "decided"));
    let expires_node = decoder.required(&fields, "expires", what);
    let expires = expires_node.and_then(|n| decoder.date(n, "expires"));
    let clearances = match fields.get("clearances") {
        None => Some(Vec::new()),
        Some(n) => clearances(decoder, n),
    };
    let fee_paid: Option<Option<Date>> = match fields.get("fee_paid") {
        None => Some(None),
        Some(n) => decoder.date(n, "fee_paid").map(Some),
    };
    let (decided, expires) = (decided?, expires?);
    if expires < decided {
        let message = format!("it expires on {expires}, before it is made on {decided}");
        decoder.error("decision-backwards", expires_node?.mark, message, "mend one of the dates");
        return None;
    }
    Some(Decision {
        body: body?,
        reference: reference?,
        decided,
        expires,
        clearances: clearances?,
        fee_paid: fee_paid?,
    })
}

fn body(decoder: &mut Decoder, node: &Node) -> Option<String> {
    if node.scalar().is_some_and(|s| s.text == Owner::DfE.as_str()) {
        decoder.error("unknown-value", node.mark, "the DSAP decides for DfE", "write DSAP");
        return None;
    }
    decoder.one_of(node, "a body", &BODIES).map(str::to_owned)
}

fn clearances(decoder: &mut Decoder, node: &Node) -> Option<Vec<String>> {
    let mut clearances = Vec::new();
    for item in decoder.list(node, "clearances")? {
        match decoder.one_of(item, "a clearance", &["B"]) {
            Some(word) if !clearances.contains(&word.to_owned()) => clearances.push(word.to_owned()),
            _ => {}
        }
    }
    Some(clearances)
}
