//! A small publication for the tests of this room: one element with every type, one with spells, a linked table.

mod tables;

use super::{Publication, RunFacts};
use crate::approval::{Approved, Decision, Record, Use};
use crate::catalogue::{
    Absent, Catalogue, Document, Element, Identifier, LinkTable, Links, Period, Template, Variable,
};
use crate::spec::{Cohort, Expect, Join, Linked, Output, Pick, Project, Request, Secondment, Selection, Spec, Step};
use crate::verify::{OfTables, Verdict};
use crate::vocab::{
    Attrition, Calendar, CheckCount, ElementName, Fates, KeyId, Kind, LinkAccount, Owner, Place, ProjectAccount,
    ProjectId, Release, Slice, SliceAccount, SourceRecord, Spells, StepCount, Truncate, Type, Year, YearKind, Years,
};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use std::path::{Path, PathBuf};

/// What a test holds while it publishes.
pub(super) struct Sample {
    pub(super) extracts: PathBuf,
    pub(super) approved: Approved,
    pub(super) catalogue: Catalogue,
    pub(super) account: ProjectAccount,
    pub(super) run: RunFacts,
    pub(super) plan: serde_json::Value,
    links: Vec<LinkAccount>,
    sources: Vec<SourceRecord>,
    key: KeyId,
    verdict: Verdict,
}

/// The signature of the tests: no HMAC, but keyed and of the right shape.
pub(super) fn mac(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::new().chain_update(b"key").chain_update(bytes).finalize().into()
}

pub(super) fn mac_of(key: &str, bytes: &[u8]) -> Option<[u8; 32]> {
    (key == "2026a").then(|| mac(bytes))
}

impl Sample {
    pub(super) fn new(extracts: &Path, output: Output) -> Self {
        std::fs::create_dir_all(extracts).unwrap();
        Self {
            extracts: extracts.to_owned(),
            approved: Approved::for_tests(spec(output), record(), uses(), date(2020, 1, 2)),
            catalogue: catalogue(),
            account: ProjectAccount {
                project: project(),
                attrition: attrition(),
                linked: vec![(kind("pmr"), 3)],
                slices: slices(),
                tables: Vec::new(),
            },
            run: run(Timestamp::UNIX_EPOCH),
            plan: serde_json::json!({"reads": ["npd.ks4"]}),
            links: vec![LinkAccount {
                table: "link.ae_id_pmr".to_owned(),
                kind: kind("pmr"),
                rows: 1_234,
                missing: 7,
                malformed: 0,
                wrong_check: 0,
                identifiers: 1_200,
                ambiguous: 14,
                persons: 1_180,
            }],
            sources: vec![source("npd/ks4/b.parquet"), source("link/ae_id_pmr.parquet")],
            key: KeyId::new("2026a").unwrap(),
            verdict: Verdict {
                findings: Vec::new(),
                checks: vec![
                    CheckCount { check: "columns-approved", looked_at: 24 },
                    CheckCount { check: "terms-approved", looked_at: 0 },
                ],
                of_tables: OfTables::new(),
                proved_before: 0,
            },
        }
    }

    /// Stages the tables in a folder, and makes the account tell of them.
    pub(super) fn stage(&mut self, staged: &Path) {
        self.account.tables = tables::write_all(&staged.join("data"), &self.catalogue);
    }

    pub(super) fn publication<'a>(&'a self, staged: &'a Path) -> Publication<'a> {
        Publication {
            staged,
            extracts: &self.extracts,
            approved: &self.approved,
            catalogue: &self.catalogue,
            inputs: "0123",
            plan: &self.plan,
            account: &self.account,
            links: &self.links,
            sources: &self.sources,
            exclusions: 4,
            key_id: &self.key,
            key_fingerprint: "f1a9e4",
            published_test_key: true,
            verdict: &self.verdict,
            run: &self.run,
        }
    }
}

pub(super) fn run(started: Timestamp) -> RunFacts {
    RunFacts {
        started,
        finished: Timestamp::from_second(started.as_second() + 60).unwrap(),
        host: "a-host".to_owned(),
        threads: 2,
        memory: 1 << 30,
        tool_version: "0.1.0",
        as_of: date(2020, 1, 2),
        as_of_is_today: false,
        timings: vec![("extract".to_owned(), 1.2345)],
        estimates: serde_json::json!({"rows": 12}),
    }
}

fn project() -> ProjectId {
    ProjectId::new("LEO-2019-003").unwrap()
}

fn kind(text: &str) -> Kind {
    Kind::new(text).unwrap()
}

fn element(text: &str) -> ElementName {
    ElementName::new(text).unwrap()
}

fn day(y: i16, m: i8, d: i8) -> Date {
    date(y, m, d)
}

fn source(path: &str) -> SourceRecord {
    SourceRecord { path: path.to_owned(), bytes: 10, rows: 5, sha256: crate::files::sha256_bytes(path.as_bytes()) }
}

fn record() -> Record {
    let decision = |body: &str, reference: &str| Decision {
        body: body.to_owned(),
        reference: reference.to_owned(),
        decided: day(2019, 11, 22),
        expires: day(2021, 12, 31),
        clearances: vec!["B".to_owned()],
        fee_paid: None,
    };
    Record {
        file: "LEO-2019-003-r1.yaml".to_owned(),
        sha256: crate::files::sha256_bytes(b"record"),
        revision: 1,
        decisions: vec![decision("DSAP", "DSAP-2019-118"), decision("HMRC", "HMRC-881")],
    }
}

fn uses() -> Vec<Use> {
    let of = |name: &str, owner, released: &[&str], only: &[&str]| Use {
        element: element(name),
        owner,
        released: released.iter().map(|s| (*s).to_owned()).collect(),
        selection_only: only.iter().map(|s| (*s).to_owned()).collect(),
    };
    vec![
        of("hmrc.employment", Owner::HMRC, &["StartDate"], &[]),
        of("npd.ks4", Owner::DfE, &["Passed", "Level"], &["OnRoll"]),
    ]
}

fn selection(name: &str, years: &str) -> Selection {
    Selection {
        element: element(name),
        years: Years::parse(years).unwrap(),
        terms: Vec::new(),
        spells: Spells::Overlapping,
        condition: None,
    }
}

fn picks(of: &str) -> Vec<Pick> {
    let element = if of == "npd.ks4" { ks4() } else { employment() };
    element.variables.iter().map(|v| Pick { variable: v.name.clone(), release: v.release.clone() }).collect()
}

fn spec(output: Output) -> Spec {
    let text = "spec: 1 # <approved> & \"quoted\"\n".to_owned();
    Spec {
        project: Project {
            id: project(),
            title: "Later earnings of <young people> & their \"peers\"".to_owned(),
            organisation: "University of Example".to_owned(),
            gateway_act: "Education and Skills Act 2008".to_owned(),
            gateway_section: "87".to_owned(),
            purposes: Vec::new(),
        },
        secondment: Secondment { starts: day(2020, 1, 13), ends: day(2021, 12, 17), researchers: 3 },
        revision: 1,
        epoch: 1,
        link_version: None,
        cohort: Cohort {
            description: "Pupils in their last compulsory year".to_owned(),
            steps: vec![Step::Include(selection("npd.ks4", "2010/2011"))],
        },
        elements: vec![
            Request {
                rows: selection("npd.ks4", "2010/2011..2011/2012"),
                variables: picks("npd.ks4"),
                justification: "Prior attainment.".to_owned(),
            },
            Request {
                rows: selection("hmrc.employment", "2010/2011"),
                variables: picks("hmrc.employment"),
                justification: "Outcomes.".to_owned(),
            },
        ],
        linked: vec![Linked {
            name: "leavers".to_owned(),
            from: element("npd.ks4"),
            joins: vec![Join {
                rows: selection("hmrc.employment", "2010/2011"),
                variables: picks("hmrc.employment"),
                prefix: "ks4_".to_owned(),
            }],
        }],
        expect: Expect::default(),
        output,
        sha256: crate::files::sha256_bytes(text.as_bytes()),
        text,
        at: Place::default(),
    }
}

fn variable(name: &str, kind: Type, codes: &[&str], release: Release) -> Variable {
    Variable {
        name: name.to_owned(),
        label: format!("What {name} says, \"in words\""),
        kind,
        years: None,
        identifiability: 5,
        sensitivity: 'E',
        by_request: true,
        codes: codes.iter().map(|s| (*s).to_owned()).collect(),
        tags: Vec::new(),
        release,
        was: Vec::new(),
    }
}

fn ks4() -> Element {
    let money = Type::Decimal { precision: 10, scale: 2 };
    Element {
        name: element("npd.ks4"),
        title: "Key Stage 4, pupil level".to_owned(),
        owner: Owner::DfE,
        identifier: Identifier { column: "PMR".to_owned(), kind: kind("pmr") },
        period: Period::Slice { kind: YearKind::AcademicYear },
        location: Template::for_tests("npd/ks4/{yyyy}.parquet"),
        terms: Vec::new(),
        suffix: None,
        coverage: Years::parse("2001/2002..2011/2012").unwrap(),
        absent: vec![Absent {
            years: Years::parse("2011/2012").unwrap(),
            terms: Vec::new(),
            why: "collection cancelled".to_owned(),
        }],
        grain: vec!["person".to_owned(), "period".to_owned()],
        variables: vec![
            variable("Passed", Type::Bool, &[], Release::AsIs),
            variable("Level", Type::Int8, &["1", "2"], Release::AsIs),
            variable("Points", Type::Int64, &[], Release::AsIs),
            variable("Score", Type::Float64, &[], Release::AsIs),
            variable("Grant", money, &[], Release::AsIs),
            variable("School", Type::Text, &["a", "b"], Release::Pseudonymise(kind("laestab"))),
            variable("Grade", Type::Text, &["A", "B"], Release::AsIs),
            variable("Born", Type::Date, &[], Release::Truncate(Truncate::Month)),
            variable("Seen", Type::Timestamp, &[], Release::AsIs),
        ],
        at: Place::file("somewhere/npd.ks4.yaml"),
    }
}

fn employment() -> Element {
    Element {
        name: element("hmrc.employment"),
        title: "Employment spells".to_owned(),
        owner: Owner::HMRC,
        period: Period::Spell { start: "S".to_owned(), end: "E".to_owned(), calendar: Calendar::TaxYear },
        location: Template::for_tests("hmrc/employment"),
        grain: vec!["person".to_owned(), "spell".to_owned()],
        absent: Vec::new(),
        variables: vec![variable("StartDate", Type::Date, &[], Release::AsIs)],
        at: Place::default(),
        ..ks4()
    }
}

fn catalogue() -> Catalogue {
    let document = |name: &str| Document { name: name.to_owned(), text: format!("# {name}\n") };
    Catalogue {
        warnings: Vec::new(),
        elements: vec![employment(), ks4()],
        links: Links {
            person: kind("ae_id"),
            version: "2023-03".to_owned(),
            tables: vec![LinkTable {
                name: "link.ae_id_pmr".to_owned(),
                location: "link/ae_id_pmr.parquet".to_owned(),
                person: "AE_ID".to_owned(),
                identifier: Identifier { column: "PMR".to_owned(), kind: kind("pmr") },
                at: Place::default(),
            }],
        },
        rules: Vec::new(),
        digest: crate::files::sha256_bytes(b"catalogue"),
        documents: ["dwp.benefits.yaml", "hmrc.employment.yaml", "links.yaml", "npd.ks4.yaml", "rules.yaml"]
            .map(document)
            .to_vec(),
    }
}

fn attrition() -> Attrition {
    let step = |step: &str, before, matched, after| StepCount {
        step: step.to_owned(),
        people_before: before,
        people_matched: matched,
        people_after: after,
    };
    Attrition {
        steps: vec![step("include npd.ks4", 0, 1_234, 1_234), step("require link pmr", 1_234, 7, 3)],
        excluded: 3,
        persons: 3,
    }
}

fn slices() -> Vec<SliceAccount> {
    let fates = Fates { rows_read: 4_321, missing: 8, out_of_cohort: 4_310, kept: 3, ..Fates::default() };
    let slice = Slice { year: Year(2010), term: None };
    vec![
        SliceAccount { element: element("npd.ks4"), slice: Some(slice), fates },
        SliceAccount { element: element("hmrc.employment"), slice: None, fates },
    ]
}
