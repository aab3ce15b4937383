//! Who must have decided what: one case per line, each a change of a good record or of the day.

use super::{CODES, Records, approve};
use crate::catalogue::fixture::catalogue;
use crate::spec::fixture::SPEC;
use crate::spec::{Spec, from_text};
use crate::vocab::{ExitCode, Findings};
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use std::path::Path;

const DAY: Date = date(2020, 2, 1);

fn spec(text: &str) -> Spec {
    let (spec, findings) = from_text(text, "LEO-2019-003.yaml", &catalogue());
    spec.unwrap_or_else(|| panic!("{findings:#?}"))
}

fn record(sha256: &str) -> String {
    format!(
        "approval: 1
project: LEO-2019-003
revision: 1
spec_sha256: {sha256}
decisions:
  - {{body: DSAP, reference: DSAP-118, decided: 2019-11-22, expires: 2021-12-31}}
  - {{body: HMRC, reference: 881, decided: 2019-12-02, expires: 2021-12-31}}
  - {{body: HESA, reference: HESA-77, decided: 2019-12-03, expires: 2021-12-31, fee_paid: 2019-12-10}}
"
    )
}

fn records(text: &str) -> (Records, Findings) {
    Records::from_documents(&[("LEO-2019-003-r1.yaml".to_owned(), text.to_owned())], "approvals")
}

fn known(findings: &Findings) {
    for finding in findings {
        assert!(finding.help.is_some() && finding.project.is_some(), "{finding:?}");
        let known = CODES.iter().chain(crate::yaml::CODES).any(|(code, _)| *code == finding.code);
        assert!(known, "{} is in no list of codes", finding.code);
    }
}

/// Judges the good spec on a day by a changed record.
fn check(from: &str, to: &str, day: Date, want: &[&str]) -> Findings {
    let spec = spec(SPEC);
    let good = record(&spec.sha256);
    assert!(good.contains(from), "{from} is not in the record");
    let (records, findings) = records(&good.replacen(from, to, 1));
    assert!(findings.is_empty(), "{findings:#?}");
    let (approved, findings) = approve(spec, &catalogue(), &records, day, None);
    let have: Vec<&str> = findings.iter().map(|f| f.code).collect();
    assert_eq!(have, want, "{from} -> {to}: {findings:#?}");
    assert_eq!(approved.is_some(), want.is_empty());
    assert!(findings.iter().all(|f| f.exit == ExitCode::Refused), "{findings:#?}");
    known(&findings);
    findings
}

#[test]
fn a_good_record_approves_and_tells_what_is_used() {
    let spec = spec(SPEC);
    let (records, _) = records(&record(&spec.sha256));
    let (approved, findings) = approve(spec, &catalogue(), &records, DAY, None);
    let approved = approved.unwrap_or_else(|| panic!("{findings:#?}"));
    let uses: Vec<String> = approved
        .uses()
        .iter()
        .map(|u| format!("{} {} {} | {}", u.element, u.owner, u.released.join(","), u.selection_only.join(",")))
        .collect();
    assert_eq!(
        uses,
        [
            "npd.census DfE Gender,LAESTAB,Score | OnRoll,Group",
            "hmrc.employment HMRC StartDate,EndDate | ",
            "hesa.student HESA Class | ",
            "hmrc.earnings HMRC Earnings | ",
            "npd.cla DfE  | ",
        ]
    );
    assert_eq!(approved.as_of(), DAY);
    assert_eq!(approved.record().file, "LEO-2019-003-r1.yaml");
    assert_eq!(approved.record().decisions.len(), 3);
}

#[test]
fn every_body_must_have_decided_and_be_in_force() {
    let hmrc = "  - {body: HMRC, reference: 881, decided: 2019-12-02, expires: 2021-12-31}\n";
    let findings = check(hmrc, "", DAY, &["decision-missing"]);
    assert!(findings[0].message.contains("HMRC") && findings[0].message.contains("hmrc.earnings"));
    check("body: DSAP", "body: DWP", DAY, &["decision-missing"]);
    check("body: HESA", "body: UCAS", DAY, &["decision-missing"]);
    check("fee_paid: 2019-12-10", "fee_paid: 2020-03-01", DAY, &["fee-unpaid"]);
    check(", fee_paid: 2019-12-10", "", DAY, &["fee-unpaid"]);
    check("decided: 2019-12-02", "decided: 2020-02-02", DAY, &["approval-not-yet-in-force"]);
    check("decided: 2019-12-02", "decided: 2020-02-01", DAY, &[]);
    check("2019-12-02, expires: 2021-12-31", "2019-12-02, expires: 2020-01-31", DAY, &["approval-expired"]);
    check("2019-12-02, expires: 2021-12-31", "2019-12-02, expires: 2020-02-01", DAY, &[]);
    let renewed = format!("{hmrc}{}", hmrc.replace("2019-12-02", "2020-06-01"));
    check(hmrc, &renewed, DAY, &[]);
    let before = ["approval-not-yet-in-force"; 3];
    check("approval: 1", "approval: 1", date(2019, 1, 1), &before);
    check("approval: 1", "approval: 1", date(2021, 12, 17), &[]);
    let after = ["secondment-over"];
    check("approval: 1", "approval: 1", date(2021, 12, 18), &after);
}

#[test]
fn exactly_the_approved_bytes_count() {
    let (records, _) = records(&record(&spec(SPEC).sha256));
    let changed = spec(&SPEC.replace("title: Later earnings", "title: Later earnings "));
    let (approved, findings) = approve(changed, &catalogue(), &records, DAY, None);
    assert!(approved.is_none() && findings[0].code == "spec-changed-since-approval", "{findings:#?}");
    let (approved, findings) = approve(spec(SPEC), &catalogue(), &Records::default(), DAY, None);
    assert!(approved.is_none() && findings[0].code == "approval-missing");
    check("project: LEO-2019-003", "project: LEO-2019-004", DAY, &["approval-missing"]);
    check("revision: 1", "revision: 2", DAY, &["revision-differs"]);
}

#[test]
fn sensitivity_b_needs_a_clearance() {
    let text = SPEC.replace("[Gender, {name: LAESTAB}, ", "[Gender, ").replace(
        "elements:",
        "elements:\n  - element: npd.cla\n    years: 2010/2011\n    variables: [Need]\n    justification: Care.",
    );
    let judge = |record: &str| {
        let (records, findings) = records(record);
        assert!(findings.is_empty(), "{findings:#?}");
        let (_, findings) = approve(spec(&text), &catalogue(), &records, DAY, None);
        known(&findings);
        findings.iter().map(|f| f.code).collect::<Vec<_>>()
    };
    let plain = record(&spec(&text).sha256);
    assert_eq!(judge(&plain), ["clearance-missing"]);
    let cleared = |body: &str| plain.replace(&format!("body: {body}"), &format!("clearances: [B], body: {body}"));
    assert!(judge(&cleared("DSAP")).is_empty());
    assert_eq!(judge(&cleared("HMRC")), ["clearance-missing"]);
}

#[test]
fn signatures_are_not_ignored() {
    let spec = spec(SPEC);
    let (records, _) = records(&record(&spec.sha256));
    let (approved, findings) = approve(spec, &catalogue(), &records, DAY, Some(Path::new("allowed_signers")));
    assert!(approved.is_none() && findings[0].code == "signatures-not-built");
    assert_eq!(ExitCode::of(&findings), ExitCode::Refused);
}

#[test]
fn a_bad_record_is_a_finding_for_its_project() {
    let good = record(&"0".repeat(64));
    for (from, to, code) in [
        ("approval: 1", "approval: 2", "out-of-range"),
        ("revision: 1\n", "", "missing-field"),
        ("spec_sha256: 0", "spec_sha256: x", "digest-malformed"),
        ("body: DSAP", "body: DfE", "unknown-value"),
        ("body: DSAP", "body: DSPA", "unknown-value"),
        ("decided: 2019-11-22", "decided: 22.11.2019", "wrong-type"),
        ("decided: 2019-11-22", "decided: 2022-11-22", "decision-backwards"),
        ("reference: DSAP-118", "reference: DSAP-118, clearances: [C]", "unknown-value"),
        ("reference: DSAP-118", "refrence: DSAP-118", "unknown-field"),
        ("decisions:\n", "decisions: []\nx:\n", "no-decisions"),
        ("approval: 1", "approval: [", "yaml-syntax"),
    ] {
        assert!(good.contains(from), "{from}");
        let (records, findings) = records(&good.replacen(from, to, 1));
        assert!(records.entries.is_empty(), "{to}");
        assert!(findings.iter().any(|f| f.code == code), "{to}: {findings:#?}");
        assert!(findings.iter().all(|f| f.exit == ExitCode::Invalid), "{findings:#?}");
        let project = if code == "yaml-syntax" { "LEO-2019-003-r1.yaml" } else { "LEO-2019-003" };
        assert!(findings.iter().all(|f| f.project.as_deref() == Some(project)), "{findings:#?}");
        known(&findings);
    }
}

#[test]
fn a_folder_of_records_reads() {
    let dir = tempfile::tempdir().unwrap();
    let sha256 = spec(SPEC).sha256;
    fs_err::write(dir.path().join("LEO-2019-003-r1.yaml"), record(&sha256)).unwrap();
    fs_err::write(dir.path().join("LEO-2019-004-r1.yaml"), "approval: 1\nproject: LEO-2019-004\n").unwrap();
    fs_err::write(dir.path().join("README.md"), "no record").unwrap();
    let (records, findings) = Records::read(dir.path(), "approvals/");
    assert!(!findings.is_empty() && findings.iter().all(|f| f.project.as_deref() == Some("LEO-2019-004")));
    assert!(findings[0].at.file == "approvals/LEO-2019-004-r1.yaml");
    assert!(approve(spec(SPEC), &catalogue(), &records, DAY, None).0.is_some());
    let (none, findings) = Records::read(Path::new("no/such/folder"), "approvals");
    assert!(none.entries.is_empty() && findings.is_empty());
}

/// Every map in every schema says which fields it has, and takes no others.
fn strict(schema: &Value, path: &str) {
    if let Value::Object(map) = schema {
        if map.get("type") == Some(&json!("object")) {
            assert!(map.contains_key("additionalProperties"), "{path} takes any field");
        }
        map.iter().for_each(|(key, inner)| strict(inner, &format!("{path}/{key}")));
    }
    if let Value::Array(list) = schema {
        list.iter().enumerate().for_each(|(i, inner)| strict(inner, &format!("{path}/{i}")));
    }
}

#[test]
fn schemas_are_strict() {
    let catalogue = catalogue();
    let schemas = [
        crate::spec::schema(None),
        crate::spec::schema(Some(&catalogue)),
        crate::catalogue::schema(),
        crate::catalogue::schema_links(),
        crate::catalogue::schema_rules(),
        crate::config::schema(),
        crate::approval::schema(),
    ];
    for schema in schemas {
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert_eq!(schema["additionalProperties"], false);
        strict(&schema, "");
    }
}
