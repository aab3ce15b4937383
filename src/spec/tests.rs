//! What is wrong in a spec is found: one case per line, each a change of a good spec and the codes that it must bring.

use super::fixture::SPEC;
use super::{CODES, Condition, Spec, Step, Test, check_distinct, from_text, read};
use crate::catalogue::fixture::catalogue;
use crate::vocab::{ExitCode, Findings, Release, Severity, Spells, Value};
use std::path::Path;

const FILE: &str = "specs/LEO-2019-003.yaml";

/// Replaces text in the good spec and compares the codes of all findings in order of place. A spec comes of it only
/// where none is an error.
fn check(from: &str, to: &str, want: &[&str]) -> Findings {
    assert!(SPEC.contains(from), "{from} is not in the spec");
    check_text(&SPEC.replacen(from, to, 1), want)
}

fn check_text(text: &str, want: &[&str]) -> Findings {
    let (spec, findings) = from_text(text, FILE, &catalogue());
    let have: Vec<&str> = findings.iter().map(|f| f.code).collect();
    assert_eq!(have, want, "{text}\n{findings:#?}");
    assert_eq!(spec.is_some(), findings.iter().all(|f| f.severity == Severity::Warning), "{findings:#?}");
    for finding in &findings {
        assert!(finding.project.is_some() && finding.help.is_some(), "{finding:?}");
        assert!(finding.at.file == FILE && (finding.at.line > 0 || finding.code == "document-empty"), "{finding:?}");
        let known = CODES.iter().chain(crate::yaml::CODES).any(|(code, _)| *code == finding.code);
        assert!(known, "{} is in no list of codes", finding.code);
    }
    findings
}

fn good() -> Spec {
    let (spec, findings) = from_text(SPEC, FILE, &catalogue());
    assert!(findings.is_empty(), "{findings:#?}");
    spec.unwrap()
}

#[test]
fn a_good_spec_reads() {
    let spec = good();
    assert_eq!(spec.project.id.as_str(), "LEO-2019-003");
    assert_eq!(spec.cohort.steps.len(), 4);
    let Step::Include(rows) = &spec.cohort.steps[0] else { panic!() };
    let Some(Condition::All(list)) = &rows.condition else { panic!() };
    assert_eq!(list[0], Condition::Test { variable: "OnRoll".into(), test: Test::Equals(Value::Int(1)) });
    assert_eq!(spec.elements[0].variables[1].release.to_string(), "pseudonymise: laestab");
    assert_eq!(spec.elements[0].variables[2].release.to_string(), "round: 0.1");
    assert_eq!(spec.elements[0].variables[0].release, Release::AsIs);
    assert_eq!(spec.elements[1].rows.spells, Spells::Starting);
    assert!(spec.elements[2].rows.years.is_empty());
    assert_eq!(spec.linked[0].joins[0].prefix, "y2015_");
    assert_eq!(spec.expect.persons, Some((1, 620_000)));
    assert!(spec.output.parquet && spec.output.csv);
    assert_eq!(spec.sha256.len(), 64);
}

#[test]
fn the_document_is_strict() {
    check("revision: 1\n", "revision: 1\nrevison: 2\n", &["unknown-field"]);
    check("revision: 1\n", "revision: 1\nrevision: 2\n", &["duplicate-key"]);
    check("revision: 1\n", "", &["missing-field"]);
    check("revision: 1\n", "revision: one\n", &["wrong-type"]);
    check("revision: 1\n", "revision: \"1\"\n", &["wrong-type"]);
    check("revision: 1\n", "revision: 0\n", &["out-of-range"]);
    check("spec: 1\n", "spec: 2\n", &["out-of-range"]);
    check("title: Later earnings", "title:", &["null-value"]);
    check("title: Later earnings", "title: \"  \"", &["null-value"]);
    check("title: Later earnings", "title: [a]", &["wrong-type"]);
    check("title: Later earnings", "title: \"a\\eb\"", &["control-character"]);
    check("title: Later earnings", "title: &a x", &["alias"]);
    check("title: Later earnings", "title: !!str x", &["tag"]);
    check("    justification: Jobs.\n", "", &["missing-field"]);
    check("id: LEO-2019-003", "id: leo/../x", &["project-id-malformed"]);
    check("id: LEO-2019-003", "id: LEO-2019-004", &["file-name-differs"]);
    check("pseudonyms: {epoch: 1}", "pseudonyms: {epoch: -1}", &["out-of-range"]);
    check("pseudonyms: {epoch: 1}\n", "", &[]);
    check("format: both", "format: xlsx", &["unknown-value"]);
    check("format: both", "format: both, encryption: uniform-aes256", &["encryption-not-built"]);
    check_text("", &["document-empty"]);
    check_text("spec: [\n", &["yaml-syntax"]);
    check_text("just text\n", &["wrong-type"]);
    check_text(&format!("{SPEC}---\nspec: 1\n"), &["several-documents"]);
    let mut want = vec!["missing-field"; 7];
    want.push("project-id-malformed");
    let findings = check_text("spec: 1\nproject: {id: bad}\n", &want);
    assert!(findings.iter().all(|f| f.project.as_deref() == Some("LEO-2019-003.yaml")));
}

#[test]
fn secondments_last_at_most_two_years() {
    let findings = check("ends: 2021-12-17", "ends: 2022-01-14", &["secondment-too-long"]);
    assert_eq!(findings[0].exit, ExitCode::Refused);
    check("ends: 2021-12-17", "ends: 2022-01-13", &[]);
    check("ends: 2021-12-17", "ends: 2020-01-12", &["secondment-backwards"]);
    check("ends: 2021-12-17", "ends: 2021-02-30", &["wrong-type"]);
    check("ends: 2021-12-17", "ends: soon", &["wrong-type"]);
    check("researchers: 3", "researchers: 0", &["out-of-range"]);
}

#[test]
fn names_come_from_the_catalogue() {
    let findings = check("include: npd.census", "include: npd.cenus", &["unknown-element"]);
    assert!(findings[0].help.as_ref().unwrap().contains("`npd.census`"));
    let findings = check("[StartDate, EndDate]", "[startdate, EndDate]", &["unknown-variable"]);
    assert!(findings[0].help.as_ref().unwrap().contains("write `StartDate`"));
    check("element: hesa.student", "element: ucas.applicant", &["unknown-element"]);
    check("require_link: edukey", "require_link: edukeys", &["unknown-kind"]);
    check("linked: {edukey:", "linked: {nino:", &["unknown-kind"]);
    check("version: 2023-03", "version: 2024-01", &["link-version-differs"]);
}

#[test]
fn years_and_terms_fit_the_element() {
    let findings = check("years: 2010/2011\n", "years: 2004/2005..2010/2011\n", &["year-outside-coverage"]);
    assert!(findings[0].help.as_ref().unwrap().contains("2005/2006..2020/2021"));
    check("      years: 2010/2011\n", "", &["missing-field"]);
    check("years: 2010/2011..2018/2019", "years: 2010..2018", &["years-malformed"]);
    check("years: 2010/2011..2018/2019", "years: 1990/1991..2018/2019", &["year-outside-coverage"]);
    check("    variables: [Class]", "    years: 2010/2011\n    variables: [Class]", &["years-not-applicable"]);
    check("    variables: [Class]", "    terms: [spring]\n    variables: [Class]", &["terms-not-applicable"]);
    check("    variables: [Class]", "    spells: starting\n    variables: [Class]", &["spells-not-applicable"]);
    check("spells: starting", "spells: ending", &["unknown-value"]);
    check("terms: [spring]", "terms: [winter]", &["unknown-value"]);
    check("terms: [spring]", "terms: [spring, spring]", &["duplicate-value"]);
    check("years: [2009/2010, 2010/2011]\n    terms: [spring]", "years: 2019/2020", &["slice-absent"]);
    check("years: [2009/2010, 2010/2011]\n    terms: [spring]", "years: 2019/2020\n    terms: [spring]", &[]);
    check("years: [2009/2010, 2010/2011]", "years: [2007/2008]", &["variable-not-collected"]);
}

#[test]
fn steps_do_one_thing() {
    check("- include: npd.census", "- require: npd.census", &["first-step-not-include"]);
    check("require_link: edukey", "require_link: edukey\n      sample: 0.1", &["step-malformed"]);
    check("require_link: edukey", "require_link: edukey\n      years: 2010/2011", &["unknown-field"]);
    check("- require_link: edukey", "- years: 2010/2011", &["step-malformed"]);
    for (share, code) in
        [("0", "out-of-range"), ("1.5", "out-of-range"), ("-0.1", "out-of-range"), ("half", "wrong-type")]
    {
        check("sample: 0.5", &format!("sample: {share}"), &[code]);
    }
    check("sample: 0.5", "sample: 1", &[]);
}

#[test]
fn conditions_are_typed() {
    let condition =
        |to: &str, want: &[&str]| check("where: [{variable: OnRoll, equals: 1}]", &format!("where: [{to}]"), want);
    for good in [
        "{variable: Gender, not_in: [M, \"F\"]}",
        "{variable: Group, starts_with: \"1\"}",
        "{variable: Hours, between: [0.5, 10]}",
        "{variable: Score, less_than: 3}",
        "{variable: Entry, at_least: 2010-09-01}",
        "{variable: Entry, between: [\"2010-09-01\", 2010-09-01]}",
        "{variable: Boarder, equals: true}",
        "{variable: UPN, missing: false}",
        "{not: [{variable: Rank, more_than: 5}, {all: [{variable: Rank, at_most: -5}]}]}",
    ] {
        condition(good, &[]);
    }
    for (bad, code) in [
        ("{variable: Gender, equals: X}", "value-not-in-codes"),
        ("{variable: OnRoll, in: [0, 2]}", "value-not-in-codes"),
        ("{variable: Gender, equals: 1}", "wrong-type"),
        ("{variable: Group, equals: 1}", "wrong-type"),
        ("{variable: Group, equals: no}", "ambiguous-text"),
        ("{variable: OnRoll, equals: \"1\"}", "wrong-type"),
        ("{variable: OnRoll, equals: 1.0}", "wrong-type"),
        ("{variable: Boarder, equals: yes}", "wrong-type"),
        ("{variable: Boarder, more_than: false}", "test-unfit"),
        ("{variable: Rank, starts_with: 1}", "test-unfit"),
        ("{variable: Group, starts_with: \"\"}", "null-value"),
        ("{variable: Entry, equals: 2010-02-30}", "wrong-type"),
        ("{variable: Rank, between: [5, 1]}", "between-backwards"),
        ("{variable: Rank, between: [1, 2, 3]}", "condition-malformed"),
        ("{variable: Rank, in: []}", "condition-empty"),
        ("{variable: Rank, in: 1}", "wrong-type"),
        ("{variable: Rank, equals: ~}", "null-value"),
        ("{variable: Rank, missing: 1}", "wrong-type"),
        ("{variable: Rank}", "condition-malformed"),
        ("{variable: Rank, equals: 1, at_most: 2}", "condition-malformed"),
        ("{variable: Rank, equal: 1}", "unknown-field"),
        ("{equals: 1}", "missing-field"),
        ("{all: []}", "condition-empty"),
        ("{any: [{variable: Rank, equals: 1}], all: [{variable: Rank, equals: 1}]}", "condition-malformed"),
        ("{any: {variable: Rank, equals: 1}}", "wrong-type"),
        ("text", "wrong-type"),
        ("{variable: Ranks, equals: 1}", "unknown-variable"),
        ("{variable: PMR, equals: abc}", "identifier-requested"),
        ("{variable: HomePostcode, starts_with: SW}", "denied-by-name"),
        ("{variable: OnRoll, at_most: 1000}", "value-out-of-range"),
    ] {
        condition(bad, &[code]);
    }
    let nested = |depth: usize| format!("{}{{variable: Rank, equals: 1}}{}", "{not: ".repeat(depth), "}".repeat(depth));
    condition(&nested(60), &[]);
    condition(&nested(70), &["condition-too-deep"]);
}

#[test]
fn what_may_never_leave_is_refused() {
    let variable = |to: &str, want: &[&str]| check("variables: [Gender,", &format!("variables: [{to},"), want);
    variable("PMR", &["identifier-requested"]);
    variable("pmr", &["identifier-requested"]);
    variable("UPN", &["never-released"]);
    variable("Secret", &["never-released"]);
    variable("HomePostcode", &["denied-by-name"]);
    variable("{name: HomePostcode, release: {prefix: 2}}", &["denied-by-name"]);
    variable("{name: HomePostcode, release: {pseudonymise: postcode}}", &["denied-by-name"]);
    variable("Teacher", &["denied-by-name"]);
    variable("{name: Gender, release: {pseudonymise: upn}}", &["denied-by-name"]);
    variable("ExactBirth", &["identifying-uncoarsened"]);
    variable("{name: ExactBirth, release: {truncate: year}}", &[]);
    variable("DateOfBirth", &[]);
    variable("{name: DateOfBirth, release: {truncate: year}}", &[]);
    variable("{name: DateOfBirth, release: as_is}", &["release-too-fine"]);
    variable("{name: LAESTAB, release: as_is}", &["release-too-fine"]);
    variable("{name: Rank, release: {truncate: month}}", &["release-unfit"]);
    variable("{name: Rank, release: never}", &["release-unfit"]);
    variable("{name: Rank, release: {round: 0.5}}", &["release-unfit"]);
    variable("{name: Rank, release: {rond: 5}}", &["release-malformed"]);
    variable("{name: Rank, releases: as_is}", &["unknown-field"]);
    variable("LAESTAB", &["duplicate-variable"]);
    check("{round: 0.1}", "{round: 0.01}", &["release-too-fine"]);
    check("{round: 0.1}", "{round: 0.07}", &["release-too-fine"]);
    check("variables: [Class]", "variables: []", &["nothing-requested"]);
    check("variables: [Class]", "variables: Class", &["wrong-type"]);
    check(
        "- element: hesa.student\n    variables: [Class]",
        "- element: npd.census\n    years: 2010/2011\n    variables: [Rank]",
        &["duplicate-element"],
    );
}

#[test]
fn linked_tables_are_checked() {
    check("name: leavers", "name: Leavers", &["name-malformed"]);
    check("from: npd.census", "from: npd.cla", &["base-not-requested"]);
    check("variables: [Earnings], prefix: y2015_", "variables: [Earnings], prefix: \"a b\"", &["name-malformed"]);
    let twice = "{element: hmrc.earnings, years: 2015/2016, variables: [Earnings], prefix: y2015_}";
    check(twice, &format!("{twice}\n      - {twice}"), &["duplicate-column"]);
    check(twice, "{element: npd.census, years: 2012/2013, variables: [Gender]}", &["duplicate-column"]);
    check(
        "element: hmrc.earnings, years: 2015/2016",
        "element: hmrc.earnings, years: 2020/2021",
        &["year-outside-coverage"],
    );
    let table = "  - name: leavers\n    from: npd.census\n    join: []\n";
    check("linked:\n", &format!("linked:\n{table}"), &["nothing-requested", "duplicate-linked"]);
    check("persons: 1..620000", "persons: 5..1", &["wrong-type"]);
    check("persons: 1..620000", "persons: 0.5..1", &["out-of-range"]);
    check("0.85..1.0", "0.85..1.5", &["out-of-range"]);
}

#[test]
fn rules_refuse_combinations() {
    let with = |element: &str| format!("elements:\n  - {element}\n    justification: Test.");
    let cla = |years: &str| with(&format!("element: npd.cla\n    years: {years}\n    variables: [Need]"));
    let element = |text: &str, want: &[&str]| check("elements:", text, want);
    let findings = element(&cla("2010/2011"), &["rule-forbids"]);
    assert_eq!(findings[0].exit, ExitCode::Refused);
    assert!(findings[0].message.contains("cla-with-school") && findings[0].message.contains("LAESTAB"));
    element(&cla("2019/2020"), &["rule-forbids", "rule-forbids"]);
    check("variables: [Class]", "variables: [Ethnic]", &["rule-forbids"]);
    let text = SPEC.replace("variables: [Class]", "variables: [Ethnic]");
    check_text(&text.replace("purposes: []", "purposes: [equal_opportunities]"), &[]);
    check(
        "{element: hmrc.earnings, years: 2015/2016, variables: [Earnings],",
        "{element: npd.cla, years: 2015/2016, variables: [Need],",
        &["rule-forbids"],
    );
}

#[test]
fn all_findings_come_at_once_in_order_of_place() {
    let text = SPEC
        .replace("OnRoll, equals: 1", "OnRol, equals: 1")
        .replace("epoch: 1", "epoch: x")
        .replace("[Class]", "[Klass]");
    let findings = check_text(&text, &["wrong-type", "unknown-variable", "unknown-variable", "unknown-variable"]);
    assert_eq!((findings[0].at.line, findings[0].at.column, findings[0].at.length), (10, 21, 1));
    assert!(findings.iter().all(|f| f.project.as_deref() == Some("LEO-2019-003")));
}

#[test]
fn files_are_read_and_missed() {
    let (spec, findings) = read(Path::new("no/such.yaml"), "such.yaml", &catalogue());
    assert!(spec.is_none() && findings[0].code == "spec-missing");
    assert_eq!(ExitCode::of(&findings), ExitCode::Missing);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("LEO-2019-003.yaml");
    fs_err::write(&path, SPEC).unwrap();
    assert_eq!(read(&path, FILE, &catalogue()).0.unwrap().sha256, good().sha256);
    fs_err::write(&path, "a: 1\n".repeat(1 << 20)).unwrap();
    assert_eq!(read(&path, FILE, &catalogue()).1[0].code, "document-too-large");
}

#[test]
fn two_specs_of_one_project_are_both_refused() {
    let findings = check_distinct(&[good(), good()]);
    assert_eq!(findings.len(), 2);
    assert!(check_distinct(&[good()]).is_empty());
}

#[test]
fn no_text_makes_it_panic_or_hang() {
    use proptest::prelude::*;
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        " ",
        "\n",
        "- ",
        "'",
        "\"",
        "&a",
        "*a",
        "!x",
        "~",
        "#",
        ",",
        "1",
        "\t",
        "\u{feff}",
        "é",
        "\0",
        "?",
        "|",
        ">",
        "..",
        "2010/2011",
    ];
    let catalogue = catalogue();
    let cuts = (0..SPEC.len(), 0..40_usize, prop::collection::vec(0..pieces.len(), 0..4));
    let config = ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(changes in prop::collection::vec(cuts, 1..4))| {
        let mut text = SPEC.to_owned();
        for (at, length, put) in changes {
            let at = (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            let end = (at..=(at + length).min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(at);
            let put: String = put.into_iter().map(|i| pieces[i]).collect();
            text.replace_range(at..end, &put);
        }
        let (spec, findings) = from_text(&text, FILE, &catalogue);
        let errors = findings.iter().any(|f| f.severity == Severity::Error);
        prop_assert_eq!(spec.is_none(), errors);
    });
}

#[test]
fn giant_documents_end_early() {
    let start = std::time::Instant::now();
    let many = |what: &str| what.repeat(60_000);
    for text in [
        SPEC.replace("purposes: []", &format!("purposes: [{}]", many("a, "))),
        SPEC.replace("[Class]", &format!("[{}]", many("Clas, "))),
        SPEC.replace("revision: 1\n", &(0..60_000).map(|i| format!("f{i}: 1\n")).collect::<String>()),
        SPEC.replace("[\"1\", X]", &format!("[{}]", many("Z, "))),
        SPEC.replace("    - sample: 0.5\n", &many("    - sample: 7\n")),
    ] {
        let (spec, findings) = from_text(&text, FILE, &catalogue());
        assert!(spec.is_none() && findings.len() <= 402, "{}", findings.len());
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let (spec, findings) = from_text(&format!("\u{feff}{SPEC}"), FILE, &catalogue());
    assert!(findings.is_empty(), "{findings:#?}");
    assert_ne!(spec.unwrap().sha256, good().sha256);
    let (spec, _) = from_text(&SPEC.replace('\n', "\r\n"), FILE, &catalogue());
    assert!(spec.is_some());
}
