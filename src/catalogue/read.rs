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
        let so_far = errors(&findings);
        let links = read_links(&documents, shown_as, &mut findings);
        let links_whole = errors(&findings) == so_far;
        let whole = errors(&findings) == 0;
        let mut rules = Vec::new();
        if let Some(document) = documents.iter().find(|d| d.name == RULES) {
            let list: Vec<Element> = elements.iter().map(|p| p.element.clone()).collect();
            rules = decoded(document, shown_as, &mut findings, |decoder, node| {
                Some(rules::decode(decoder, node, &list, whole))
            })
            .unwrap_or_default();
        }
        if let Some(links) = links.as_ref().filter(|_| links_whole) {
            for parsed in &elements {
                check_kind(&parsed.element, parsed.kind_at, links, &mut findings);
            }
        }
        finish(documents, elements, links, rules, findings)
    }
}

const LINKS: &str = "links.yaml";
const RULES: &str = "rules.yaml";

fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|f| f.severity == Severity::Error).count()
}

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
    let failed = errors(&findings) > 0;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::fixture::{catalogue, documents, of};

    /// Replaces text in one document and compares the codes of all findings, errors and warnings, in order.
    fn check(name: &str, from: &str, to: &str, want: &[&str]) {
        let mut documents = documents();
        let text = documents.iter_mut().find(|(n, _)| *n == name).map(|(_, text)| text).unwrap();
        assert!(text.contains(from), "{from} is not in {name}");
        *text = text.replacen(from, to, 1);
        let findings = match of(documents) {
            Ok(catalogue) => catalogue.warnings,
            Err(Error::Findings(findings)) => findings,
            Err(other) => panic!("{other:?}"),
        };
        let have: Vec<&str> = findings.iter().map(|f| f.code).collect();
        assert_eq!(have, want, "{name}: {from} -> {to}: {findings:#?}");
        for finding in &findings {
            assert!(finding.project.is_none() && finding.help.is_some(), "{finding:?}");
            assert!(finding.at.file.starts_with("cat/") && (finding.at.line > 0 || finding.code == "links-missing"));
            let known = super::super::CODES.iter().chain(yaml::CODES).any(|(code, _)| *code == finding.code);
            assert!(known, "{} is in no list of codes", finding.code);
        }
    }

    #[test]
    fn a_good_catalogue_reads() {
        let catalogue = catalogue();
        assert!(catalogue.warnings.is_empty(), "{:#?}", catalogue.warnings);
        assert_eq!(catalogue.elements.len(), 5);
        assert_eq!(catalogue.rules.len(), 3);
        assert_eq!(catalogue.digest.len(), 64);
        let names: Vec<&str> = catalogue.elements.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["hesa.student", "hmrc.earnings", "hmrc.employment", "npd.census", "npd.cla"]);
        assert_eq!(catalogue.elements[3].variables[2].codes, ["1", "2", "X"]);
    }

    #[test]
    fn elements_are_checked() {
        let census = |from: &str, to: &str, want: &[&str]| check("npd.census.yaml", from, to, want);
        census("owner: DfE", "owner: DFE", &["unknown-value"]);
        census("title: Census\n", "titel: Census\n", &["unknown-field"]);
        census("title: Census\n", "", &[]);
        census("owner: DfE\n", "", &["missing-field"]);
        census("element: npd.census", "element: NPD.census", &["name-malformed"]);
        census("element: npd.census", "element: npd.ks4", &["file-name-differs", "unknown-variable"]);
        census("element: npd.census", "element: npd.cla", &["file-name-differs", "duplicate-element"]);
        census("kind: pmr}", "kind: nino}", &["kind-unlinked"]);
        census("kind: pmr}", "kind: ae_id}", &[]);
        census("from: slice", "from: slices", &["unknown-value"]);
        census("from: slice", "from: slice, column: Y", &["unknown-field"]);
        census("kind: academic_year, from: slice", "kind: academic_year", &["missing-field"]);
        census("coverage: 2005/2006..2020/2021\n", "", &["coverage-missing"]);
        census("years: 2019/2020, terms", "years: 2029/2030, terms", &["years-outside-coverage"]);
        census("terms: [summer]", "terms: [winter]", &["unknown-value"]);
        census("terms: [autumn, spring, summer]", "terms: [autumn, spring]", &["term-unknown"]);
        census("grain: [person", "grain: [persons", &["grain-unknown"]);
        census("grain: [person", "grain: [Gender", &[]);
        check("hesa.student.yaml", "location: hesa\n", "location: hesa\nsuffix: _x\n", &["suffix-without-slices"]);
        check("hesa.student.yaml", "location: hesa\n", "location: hesa\nterms: [autumn]\n", &["terms-without-slices"]);
        check(
            "hesa.student.yaml",
            "location: hesa\n",
            "location: hesa\ncoverage: 2010/2011\n",
            &["coverage-without-years"],
        );
        check("hmrc.earnings.yaml", "encoding: yyyyyy", "encoding: yyyy", &["unknown-value"]);
        check("hmrc.employment.yaml", "end: EndDate}", "end: StartDate}", &["duplicate-column"]);
        check("hmrc.employment.yaml", "end: EndDate}", "end: EndDate, calendar: school}", &["unknown-value"]);
        check("npd.cla.yaml", "variables:\n", "variables: []\nx:\n", &["no-variables", "unknown-field"]);
    }

    #[test]
    fn locations_stay_below_the_sources_and_tell_slices_apart() {
        let location = |to: &str, want: &[&str]| check("npd.cla.yaml", "npd/CLA_{yyyy}.parquet", to, want);
        for inside in ["npd/year={start_yyyy}", "npd/CLA_{tax}.parquet", "npd/{start_yy}{yy}", "a b/c-{yyyy}"] {
            location(inside, &[]);
        }
        for outside in
            ["/npd/{yyyy}", "../npd/{yyyy}", "npd/../../{yyyy}", "s3://b/{yyyy}", "C:\\{yyyy}", "~/{yyyy}", "a//{yyyy}"]
        {
            location(&format!("\"{}\"", outside.replace('\\', "\\\\")), &["location-outside"]);
        }
        location("npd/CLA.parquet", &["slices-share-location"]);
        location("npd/{year}.parquet", &["placeholder-unknown"]);
        location("npd/{yyyy.parquet", &["placeholder-unknown"]);
        location("npd/{term}{yyyy}.parquet", &["placeholder-unknown"]);
        check("npd.census.yaml", "npd/{Term}_{yyyy}.parquet", "npd/{yyyy}.parquet", &["slices-share-location"]);
        check("npd.census.yaml", "npd/{Term}_{yyyy}.parquet", "npd/{term_yyyy}.parquet", &["slices-share-location"]);
        check("npd.census.yaml", "npd/{Term}_{yyyy}.parquet", "npd/{term}_{term_yy}.parquet", &[]);
        check("hmrc.earnings.yaml", "leo/earnings.parquet", "leo/{yyyy}.parquet", &["placeholder-unknown"]);
        check("links.yaml", "link/pmr.parquet", "/link/pmr.parquet", &["location-outside"]);
    }

    #[test]
    fn variables_are_checked() {
        let census = |from: &str, to: &str, want: &[&str]| check("npd.census.yaml", from, to, want);
        census("name: Rank", "name: GENDER", &["duplicate-variable"]);
        census("name: Rank", "name: PMR", &["identifier-as-variable"]);
        census("name: Rank", "name: pmr", &["identifier-as-variable"]);
        census("name: Rank", "name: person_id", &["reserved-name"]);
        census("name: Rank", "name: academic_year", &["reserved-name"]);
        census("name: Rank", "name: term", &["reserved-name"]);
        census("name: Rank", "name: \"Ra\\tnk\"", &["name-malformed"]);
        census("name: Rank", "name: OldGroup", &["duplicate-column"]);
        census("type: int32, identifiability", "type: int33, identifiability", &["unknown-value"]);
        census("decimal(6,2)", "decimal(2,6)", &["unknown-value"]);
        census("identifiability: 5", "identifiability: 6", &["out-of-range"]);
        census("identifiability: 5", "identifiability: \"5\"", &["wrong-type"]);
        census("sensitivity: C", "sensitivity: F", &["unknown-value"]);
        census("years: 2008/2009..2020/2021", "years: 2008/2009..2022/2023", &["years-outside-coverage"]);
        census("years: 2008/2009..2020/2021", "years: 1999/2000", &["years-outside-coverage"]);
        census("codes: [0, 1]", "codes: [0, 1, 300]", &["code-malformed"]);
        census("codes: [0, 1]", "codes: [0, \"1\", 1]", &["duplicate-value"]);
        census("codes: [0, 1]", "codes: [0, ~]", &["null-value"]);
        census("tags: [school]", "tags: [School]", &["name-malformed"]);
        census("{round: 0.05}", "{truncate: month}", &["release-unfit"]);
        census("{round: 0.05}", "{round: 0}", &["out-of-range"]);
        census("{pseudonymise: laestab}", "{pseudonymise: person}", &["name-malformed"]);
        census(
            "{name: OldGroup, years: 2005/2006..2006/2007}",
            "{name: A, years: 2005/2006}, {name: B, years: 2005/2006}",
            &["was-overlaps"],
        );
        census("{name: OldGroup,", "{name: Gender,", &["duplicate-column"]);
        check(
            "npd.census.yaml",
            "was: [{name: OldGroup, years: 2005/2006..2006/2007}]",
            "was: [{name: PMR, years: 2005/2006}]",
            &["identifier-as-variable"],
        );
    }

    #[test]
    fn links_and_rules_are_checked() {
        check("links.yaml", "person: ae_id\n", "", &["missing-field"]);
        check("links.yaml", "kind: edukey", "kind: ae_id", &["link-of-person"]);
        check("links.yaml", "name: link.edukey", "name: link.pmr", &["duplicate-link"]);
        check("links.yaml", "column: PMR", "column: ae_id", &["duplicate-column"]);
        check("rules.yaml", "element: npd.cla", "element: npd.claa", &["unknown-element"]);
        check("rules.yaml", "variables: [Ethnic]", "variables: [Ethnicity]", &["unknown-variable"]);
        check("rules.yaml", "npd.census.Score", "npd.census.Scores", &["unknown-variable"]);
        check("rules.yaml", "npd.census.Score", "Need", &[]);
        check("rules.yaml", "forbids_tag: school", "forbids_tag: schools", &["unknown-tag"]);
        check("rules.yaml", "forbids_tag: school, ", "", &["rule-without-effect"]);
        check("rules.yaml", "code: cla-with-score", "code: cla-with-school", &["duplicate-rule"]);
        check("rules.yaml", "rules:\n", "", &[]);
    }

    #[test]
    fn a_whole_catalogue_is_needed() {
        let without = |name: &str| documents().into_iter().filter(|(n, _)| *n != name).collect::<Vec<_>>();
        let error = of(without("links.yaml")).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Missing);
        assert!(of(without("rules.yaml")).unwrap().rules.is_empty());
        let only_links = documents().into_iter().filter(|(n, _)| *n == "links.yaml").collect();
        assert!(matches!(of(only_links), Err(Error::Findings(f)) if f[0].code == "catalogue-empty"));
        let missing = Catalogue::read(Path::new("no/such/folder"), "cat").unwrap_err();
        assert_eq!(missing.exit_code(), ExitCode::Missing);
    }

    #[test]
    fn all_documents_are_judged_at_once() {
        let mut documents = documents();
        documents[0].1 = documents[0].1.replace("owner: DfE", "owner: X");
        documents[3].1.push_str("owner: HMRC\n");
        documents[5].1 = "person: [".to_owned();
        let Err(Error::Findings(findings)) = of(documents) else { panic!() };
        let have: Vec<_> = findings.iter().map(|f| (f.at.file.as_str(), f.code)).collect();
        let want = [
            ("cat/hmrc.employment.yaml", "duplicate-key"),
            ("cat/links.yaml", "yaml-syntax"),
            ("cat/npd.census.yaml", "unknown-value"),
        ];
        assert_eq!(have, want);
    }

    #[test]
    fn a_folder_reads_as_its_documents_do() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in documents() {
            fs_err::write(dir.path().join(name), text).unwrap();
        }
        fs_err::write(dir.path().join("notes.txt"), "not read").unwrap();
        let read = Catalogue::read(dir.path(), "cat/").unwrap();
        assert_eq!(read.digest, catalogue().digest);
        assert_eq!(read.documents, catalogue().documents);
        fs_err::write(dir.path().join("bad.yaml"), [0xff, 0xfe]).unwrap();
        assert!(
            matches!(Catalogue::read(dir.path(), "cat"), Err(Error::Findings(f)) if f[0].code == "document-unreadable")
        );
    }
}
