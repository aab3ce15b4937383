//! From a file to a spec: the document's head, and the parts put together.

use super::pick::Released;
use super::{Expect, Output, Project, Secondment, Spec, cohort, linked, request, rules};
use crate::catalogue::Catalogue;
use crate::vocab::{Decimal, Error, ExitCode, Finding, Findings, Place, ProjectId};
use crate::yaml::{self, Content, Decoder, Mark, Node, clip};
use sha2::{Digest, Sha256};
use std::path::Path;

const FIELDS: [&str; 11] = [
    "spec",
    "project",
    "secondment",
    "revision",
    "pseudonyms",
    "linkage",
    "cohort",
    "elements",
    "linked",
    "expect",
    "output",
];

/// Reads a spec. `shown_as` is the file as the user knows it. There is a spec only where no finding is an error; every
/// finding carries the project's id, or the file's name where the id cannot be read.
#[must_use]
pub fn read(path: &Path, shown_as: &str, catalogue: &Catalogue) -> (Option<Spec>, Findings) {
    match yaml::read_text(path, shown_as) {
        Ok(text) => from_text(&text, shown_as, catalogue),
        Err(Error::Findings(findings)) => {
            (None, findings.into_iter().map(|f| f.project(file_name(shown_as))).collect())
        }
        Err(Error::File { source, .. }) => {
            let missing = source.kind() == std::io::ErrorKind::NotFound;
            let (code, what) =
                if missing { ("spec-missing", "is not there") } else { ("spec-unreadable", "cannot be read") };
            let finding = Finding::error(code, Place::file(shown_as), format!("the spec {what}"));
            let finding = finding.help("check the path, and who may read it").project(file_name(shown_as));
            (None, vec![finding.exit(if missing { ExitCode::Missing } else { ExitCode::Invalid })])
        }
        Err(other) => {
            let finding = Finding::error("spec-unreadable", Place::file(shown_as), other.to_string());
            (None, vec![finding.project(file_name(shown_as))])
        }
    }
}

/// Reads a spec from its text. See [`read`].
#[must_use]
pub fn from_text(text: &str, shown_as: &str, catalogue: &Catalogue) -> (Option<Spec>, Findings) {
    let (node, syntax) = yaml::parse(shown_as, text);
    let mut decoder = Decoder::new(shown_as);
    let id = node.as_ref().and_then(|n| n.get("project")?.get("id")?.scalar());
    match id.and_then(|s| ProjectId::new(&s.text)) {
        Some(id) => decoder.concerns(id.as_str()),
        None => decoder.concerns(&file_name(shown_as)),
    }
    decoder.take_all(syntax);
    let spec = node.and_then(|node| decode(&mut decoder, &node, catalogue, text, shown_as));
    let failed = decoder.failed();
    (spec.filter(|_| !failed), decoder.into_findings())
}

/// Reports specs that describe one project: neither of them can be built.
#[must_use]
pub fn check_distinct(specs: &[Spec]) -> Findings {
    let mut findings = Findings::new();
    for (i, spec) in specs.iter().enumerate() {
        for other in specs.iter().take(i).filter(|o| o.project.id == spec.project.id) {
            for (one, two) in [(spec, other), (other, spec)] {
                let message = format!("{} is also described in {}", one.project.id, two.at.file);
                let finding = Finding::error("duplicate-project", one.at.clone(), message);
                findings.push(finding.help("keep one spec a project").project(one.project.id.as_str()));
            }
        }
    }
    findings
}

fn file_name(shown_as: &str) -> String {
    Path::new(shown_as).file_name().map_or_else(|| shown_as.to_owned(), |n| n.to_string_lossy().into_owned())
}

fn decode(decoder: &mut Decoder, root: &Node, catalogue: &Catalogue, text: &str, shown_as: &str) -> Option<Spec> {
    let what = "the spec";
    let fields = decoder.fields(root, what, &FIELDS)?;
    if let Some(node) = decoder.required(&fields, "spec", what) {
        decoder.integer(node, "the version of the language", 1, 1);
    }
    let project_node = decoder.required(&fields, "project", what);
    let project = project_node.and_then(|n| project(decoder, n, shown_as));
    let secondment = decoder.required(&fields, "secondment", what).and_then(|n| secondment(decoder, n));
    let revision = decoder.required(&fields, "revision", what).and_then(|n| count(decoder, n, "the revision"));
    let epoch = match fields.get("pseudonyms") {
        None => Some(1),
        Some(n) => decoder
            .fields(n, "pseudonyms", &["epoch"])
            .and_then(|f| decoder.required(&f, "epoch", "pseudonyms"))
            .and_then(|n| count(decoder, n, "the epoch")),
    };
    let link_version = fields.get("linkage").and_then(|n| linkage(decoder, n, catalogue));
    let cohort = decoder.required(&fields, "cohort", what).and_then(|n| cohort::decode(decoder, n, catalogue));
    let mut released: Vec<Released> = Vec::new();
    let requests =
        decoder.required(&fields, "elements", what).map(|n| request::decode(decoder, n, catalogue, &mut released));
    let requests = requests.unwrap_or(request::Requests { list: None, named: Vec::new() });
    let linked = match fields.get("linked") {
        None => Some(Vec::new()),
        Some(n) => linked::decode(decoder, n, catalogue, &requests, &mut released),
    };
    let expect = match fields.get("expect") {
        None => Some(Expect::default()),
        Some(n) => expect(decoder, n, catalogue),
    };
    let output = match fields.get("output") {
        None => Some(Output { parquet: true, csv: false }),
        Some(n) => output(decoder, n),
    };
    let purposes = purposes_of(project_node);
    let purposes_at = project_node.map_or(fields.mark, |n| n.get("purposes").map_or(n.mark, |p| p.mark));
    rules::check(decoder, catalogue, &released, &purposes, purposes_at);
    Some(Spec {
        project: project?,
        secondment: secondment?,
        revision: revision?,
        epoch: epoch?,
        link_version,
        cohort: cohort?,
        elements: requests.list?,
        linked: linked?,
        expect: expect?,
        output: output?,
        sha256: Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect(),
        text: text.to_owned(),
        at: decoder.at(Mark { line: 1, column: 1, length: 1 }),
    })
}

fn count(decoder: &mut Decoder, node: &Node, what: &str) -> Option<u32> {
    u32::try_from(decoder.integer(node, what, 1, i64::from(u32::MAX))?).ok()
}

fn project(decoder: &mut Decoder, node: &Node, shown_as: &str) -> Option<Project> {
    let what = "a project";
    let fields = decoder.fields(node, what, &["id", "title", "organisation", "gateway", "purposes"])?;
    let id = decoder.required(&fields, "id", what).and_then(|n| project_id(decoder, n, shown_as));
    let title = decoder.required(&fields, "title", what).and_then(|n| decoder.text(n, "the title"));
    let organisation =
        decoder.required(&fields, "organisation", what).and_then(|n| decoder.text(n, "the organisation"));
    let gateway = decoder
        .required(&fields, "gateway", what)
        .and_then(|n| decoder.fields(n, "the legal gateway", &["act", "section"]));
    let (mut act, mut section) = (None, None);
    if let Some(of) = gateway {
        act = decoder.required(&of, "act", "the legal gateway").and_then(|n| decoder.text(n, "the act"));
        section = decoder.required(&of, "section", "the legal gateway").and_then(|n| decoder.text(n, "the section"));
    }
    let purposes = match fields.get("purposes") {
        None => Some(Vec::new()),
        Some(n) => decoder.words(n, "purposes").map(|words| words.into_iter().map(|(word, _)| word).collect()),
    };
    Some(Project {
        id: id?,
        title: title?,
        organisation: organisation?,
        gateway_act: act?,
        gateway_section: section?,
        purposes: purposes?,
    })
}

fn project_id(decoder: &mut Decoder, node: &Node, shown_as: &str) -> Option<ProjectId> {
    let word = decoder.word(node, "a project's id")?;
    let Some(id) = ProjectId::new(word) else {
        let message = format!("`{}` cannot be the id of a project", clip(word));
        decoder.error("project-id-malformed", node.mark, message, "3 to 32 capital letters, digits and hyphens");
        return None;
    };
    let stem = Path::new(shown_as).file_stem().map(|s| s.to_string_lossy().into_owned());
    if stem.as_deref() != Some(id.as_str()) {
        let message = format!("the file describes {id} and is named otherwise");
        decoder.warning("file-name-differs", node.mark, message, format!("name it {id}.yaml"));
    }
    Some(id)
}

/// The purposes as far as they can be read, for the rules; what is wrong with them is reported elsewhere.
fn purposes_of(project: Option<&Node>) -> Vec<String> {
    match project.and_then(|n| n.get("purposes")).map(|n| &n.content) {
        Some(Content::List(items)) => items.iter().filter_map(|i| i.scalar()).map(|s| s.text.clone()).collect(),
        _ => Vec::new(),
    }
}

fn secondment(decoder: &mut Decoder, node: &Node) -> Option<Secondment> {
    let what = "a secondment";
    let fields = decoder.fields(node, what, &["starts", "ends", "researchers"])?;
    let starts = decoder.required(&fields, "starts", what).and_then(|n| decoder.date(n, "starts"));
    let ends_node = decoder.required(&fields, "ends", what);
    let ends = ends_node.and_then(|n| decoder.date(n, "ends"));
    let researchers =
        decoder.required(&fields, "researchers", what).and_then(|n| count(decoder, n, "the number of researchers"));
    let (starts, ends) = (starts?, ends?);
    let mark = ends_node?.mark;
    if ends <= starts {
        let message = format!("it ends on {ends}, and starts on {starts}");
        decoder.error("secondment-backwards", mark, message, "a secondment ends after it starts");
        return None;
    }
    let latest = starts.saturating_add(jiff::Span::new().years(2));
    if ends > latest {
        let message =
            format!("the secondment lasts more than two years: from {starts} it may end on {latest} at the latest");
        let finding = Finding::error("secondment-too-long", decoder.at(mark), message);
        decoder.report(finding.help("shorten it, or let the panel approve a second project").exit(ExitCode::Refused));
        return None;
    }
    Some(Secondment { starts, ends, researchers: researchers? })
}

fn linkage(decoder: &mut Decoder, node: &Node, catalogue: &Catalogue) -> Option<String> {
    let fields = decoder.fields(node, "linkage", &["version"])?;
    let version_node = decoder.required(&fields, "version", "linkage")?;
    let version = decoder.text(version_node, "the version")?;
    if version != catalogue.links.version {
        let message = format!("the spec wants link tables of version `{}`", clip(&version));
        let help = format!("the catalogue has version `{}`", catalogue.links.version);
        let finding = Finding::error("link-version-differs", decoder.at(version_node.mark), message);
        decoder.report(finding.help(help).exit(ExitCode::Refused));
    }
    Some(version)
}

fn expect(decoder: &mut Decoder, node: &Node, catalogue: &Catalogue) -> Option<Expect> {
    let fields = decoder.fields(node, "expect", &["persons", "linked"])?;
    let mut expect = Expect::default();
    if let Some(node) = fields.get("persons") {
        let whole = |d: Decimal| d.as_integer().and_then(|n| u64::try_from(n).ok());
        let (low, high) = decoder.range(node, "the number of people")?;
        let (Some(low), Some(high)) = (whole(low), whole(high)) else {
            decoder.error("out-of-range", node.mark, "people come in whole numbers", "write it like 500000..620000");
            return None;
        };
        expect.persons = Some((low, high));
    }
    let Some(node) = fields.get("linked") else { return Some(expect) };
    let kinds = catalogue.link_kinds();
    let names: Vec<&str> = kinds.iter().map(|k| k.as_str()).collect();
    let Content::Map(pairs) = &node.content else {
        decoder.wrong(node, "`linked` gives each kind a range", "write it like {edukey: 0.85..1.0}");
        return None;
    };
    for (key, value) in pairs {
        let Some(kind) = kinds.iter().find(|k| k.as_str() == key.text) else {
            decoder.unknown("unknown-kind", key.mark, "the kind", &key.text, names.iter().copied());
            continue;
        };
        let Some((low, high)) = decoder.range(value, "the share linked") else { continue };
        let (low, high) = (low.as_f64(), high.as_f64());
        if low < 0.0 || high > 1.0 {
            decoder.error("out-of-range", value.mark, "a share lies between 0 and 1", "write it like 0.85..1.0");
            continue;
        }
        expect.linked.push(((*kind).clone(), low, high));
    }
    Some(expect)
}

fn output(decoder: &mut Decoder, node: &Node) -> Option<Output> {
    let fields = decoder.fields(node, "output", &["format", "encryption"])?;
    let format = match fields.get("format") {
        None => Some("parquet"),
        Some(n) => decoder.one_of(n, "the format", &["parquet", "csv", "both"]),
    };
    if let Some(node) = fields.get("encryption")
        && decoder.one_of(node, "encryption", &["uniform-aes256"]).is_some()
    {
        let help = "leave `encryption` out, and protect the folder instead";
        decoder.error("encryption-not-built", node.mark, "encrypted output is not built in", help);
    }
    let format = format?;
    Some(Output { parquet: format != "csv", csv: format != "parquet" })
}
