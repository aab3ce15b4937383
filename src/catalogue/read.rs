//! From a folder or from documents to a catalogue, or to every finding in them.

use super::{Catalogue, Document, Element, Links, Rule, element, links, rules};
use crate::vocab::{Error, ExitCode, Finding, Findings, Place, Result, Severity};
use crate::yaml::{self, Decoder, Mark};
use sha2::{Digest, Sha256};
use std::path::Path;

impl Catalogue {
    /// Reads all `*.yaml` of a folder. `shown_as` is the folder as the user knows it.
    ///
    /// # Errors
    /// [`Error::Findings`] with everything wrong in it, [`Error::File`] where a file cannot be read.
    pub fn read(dir: &Path, shown_as: &str) -> Result<Self> {
        let mut names = Vec::new();
        for entry in fs_err::read_dir(dir).map_err(|e| Error::reading("list", dir, e))? {
            let entry = entry.map_err(|e| Error::reading("list", dir, e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(".yaml") && !name.starts_with('.') {
                names.push((name, entry.path()));
            }
        }
        names.sort();
        let mut documents = Vec::new();
        let mut unreadable = Findings::new();
        for (name, path) in names {
            match yaml::read_text(&path, &shown(shown_as, &name)) {
                Ok(text) => documents.push(Document { name, text }),
                Err(Error::Findings(findings)) => unreadable.extend(findings),
                Err(other) => return Err(other),
            }
        }
        if unreadable.is_empty() {
            return Self::from_documents(documents, shown_as);
        }
        if let Err(Error::Findings(findings)) = Self::from_documents(documents, shown_as) {
            // A document that could not be read may be the one that others miss.
            unreadable
                .extend(findings.into_iter().filter(|f| f.code != "links-missing" && f.code != "catalogue-empty"));
        }
        Err(Error::Findings(unreadable))
    }

    /// Makes a catalogue of documents already read, for instance those that a published extract carries.
    ///
    /// # Errors
    /// [`Error::Findings`] with everything wrong in it.
    pub fn from_documents(mut documents: Vec<Document>, shown_as: &str) -> Result<Self> {
        documents.sort_by(|a, b| a.name.cmp(&b.name));
        let mut findings = Findings::new();
        let elements = read_elements(&documents, shown_as, &mut findings);
        let links = read_links(&documents, shown_as, &mut findings);
        let whole = !findings.iter().any(|f| f.severity == Severity::Error);
        let mut rules = Vec::new();
        if let Some(document) = documents.iter().find(|d| d.name == RULES) {
            let list: Vec<Element> = elements.iter().map(|p| p.element.clone()).collect();
            rules = decoded(document, shown_as, &mut findings, |decoder, node| {
                Some(rules::decode(decoder, node, &list, whole))
            })
            .unwrap_or_default();
        }
        if let Some(links) = &links {
            for parsed in &elements {
                check_kind(&parsed.element, parsed.kind_at, links, &mut findings);
            }
        }
        finish(documents, elements, links, rules, findings)
    }
}

const LINKS: &str = "links.yaml";
const RULES: &str = "rules.yaml";

fn shown(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{}/{name}", folder.trim_end_matches('/')) }
}

/// Parses and decodes one document, keeping its findings.
fn decoded<T>(
    document: &Document,
    shown_as: &str,
    findings: &mut Findings,
    decode: impl FnOnce(&mut Decoder, &yaml::Node) -> Option<T>,
) -> Option<T> {
    let file = shown(shown_as, &document.name);
    let (node, syntax) = yaml::parse(&file, &document.text);
    let mut decoder = Decoder::new(&file);
    decoder.take_all(syntax);
    let value = node.and_then(|node| decode(&mut decoder, &node));
    findings.extend(decoder.into_findings());
    value
}

fn read_elements(documents: &[Document], shown_as: &str, findings: &mut Findings) -> Vec<element::Parsed> {
    let mut elements: Vec<element::Parsed> = Vec::new();
    for document in documents.iter().filter(|d| d.name != LINKS && d.name != RULES) {
        let Some(parsed) = decoded(document, shown_as, findings, element::decode) else { continue };
        let name = &parsed.element.name;
        if document.name != format!("{name}.yaml") {
            let message = format!("the file describes {name} and is named otherwise");
            let finding = Finding::warning("file-name-differs", parsed.element.at.clone(), message);
            findings.push(finding.help(format!("name it {name}.yaml")));
        }
        if let Some(first) = elements.iter().find(|e| e.element.name == *name) {
            let message = format!("{name} is already described in {}", first.element.at.file);
            let finding = Finding::error("duplicate-element", parsed.element.at.clone(), message);
            findings.push(finding.help("keep one of the two"));
            continue;
        }
        elements.push(parsed);
    }
    elements.sort_by(|a, b| a.element.name.cmp(&b.element.name));
    elements
}

fn read_links(documents: &[Document], shown_as: &str, findings: &mut Findings) -> Option<Links> {
    let Some(document) = documents.iter().find(|d| d.name == LINKS) else {
        let at = Place::file(shown(shown_as, LINKS));
        let finding = Finding::error("links-missing", at, "the catalogue has no links.yaml");
        findings.push(finding.exit(ExitCode::Missing).help("add it: the person kind, its version and the link tables"));
        return None;
    };
    decoded(document, shown_as, findings, links::decode)
}

fn check_kind(element: &Element, at: Mark, links: &Links, findings: &mut Findings) {
    let kind = &element.identifier.kind;
    let linked = links.tables.iter().any(|t| t.identifier.kind == *kind);
    if *kind == links.person || linked {
        return;
    }
    let at = Place { file: element.at.file.clone(), line: at.line, column: at.column, length: at.length };
    let mut known: Vec<&str> = links.tables.iter().map(|t| t.identifier.kind.as_str()).collect();
    known.push(links.person.as_str());
    let message = format!("no link table leads from the kind `{kind}` to people");
    let help = format!("add one to links.yaml, or write one of {}", known.join(", "));
    findings.push(Finding::error("kind-unlinked", at, message).help(help));
}

fn finish(
    documents: Vec<Document>,
    elements: Vec<element::Parsed>,
    links: Option<Links>,
    rules: Vec<Rule>,
    mut findings: Findings,
) -> Result<Catalogue> {
    let failed = findings.iter().any(|f| f.severity == Severity::Error);
    if elements.is_empty() && !failed {
        let at = links.as_ref().and_then(|l| l.tables.first()).map(|t| t.at.file.clone()).unwrap_or_default();
        let finding = Finding::error("catalogue-empty", Place::file(at), "the catalogue has no element");
        findings.push(finding.help("add one document per element beside links.yaml"));
    }
    findings.sort_by(Finding::order);
    match links {
        Some(links) if !failed && !elements.is_empty() => Ok(Catalogue {
            elements: elements.into_iter().map(|p| p.element).collect(),
            links,
            rules,
            digest: digest(&documents),
            documents,
            warnings: findings,
        }),
        _ => Err(Error::Findings(findings)),
    }
}

/// SHA-256, hex, over each document's name, a zero byte, its length (8 bytes, big-endian) and its bytes, in name order.
fn digest(documents: &[Document]) -> String {
    let mut hash = Sha256::new();
    for document in documents {
        hash.update(document.name.as_bytes());
        hash.update([0]);
        hash.update(u64::try_from(document.text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(document.text.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}
