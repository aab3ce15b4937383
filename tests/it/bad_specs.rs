//! Every way in which a spec or an approval can be wrong: the right exit code, the place, the remedy, and no effect on
//! the good spec beside it.

use crate::support::{COARSE, DAY, SMALL, WIDE, World, replace};
use serde_json::Value;

/// One wrong spec: what is changed in it, and how the run must end.
struct Case {
    what: &'static str,
    project: &'static str,
    from: &'static str,
    to: &'static str,
    /// Whether the change has been approved.
    approved: bool,
    exit: i32,
    code: &'static str,
    /// Text on the line at which the finding must point; empty where it may be anywhere in the document.
    at: &'static str,
}

const fn spec(what: &'static str, from: &'static str, to: &'static str, code: &'static str, at: &'static str) -> Case {
    Case { what, project: WIDE, from, to, approved: true, exit: 65, code, at }
}

const CASES: &[Case] = &[
    spec("an unknown field", "revision: 1\n", "revision: 1\nrevison: 1\n", "unknown-field", "revison: 1"),
    spec("a key given twice", "revision: 1\n", "revision: 1\nrevision: 1\n", "duplicate-key", "revision: 1"),
    spec("a wrong type", "researchers: 3", "researchers: [3]", "wrong-type", "researchers: [3]"),
    spec("an unknown element", "element: npd.nccis", "element: npd.ncciss", "unknown-element", "npd.ncciss"),
    spec(
        "an unknown variable",
        "      - LanguageGroupMajor\n",
        "      - LanguageGroupMajr\n",
        "unknown-variable",
        "LanguageGroupMajr",
    ),
    spec("an impossible year", "years: 2009/2010..2010/2011", "years: 2009/2011", "years-malformed", "2009/2011"),
    spec(
        "a year outside coverage",
        "years: 2010/2011..2013/2014",
        "years: 1990/1991",
        "year-outside-coverage",
        "1990/1991",
    ),
    spec(
        "an identifier",
        "      - LanguageGroupMajor\n",
        "      - PupilMatchingRefAnonymous\n",
        "identifier-requested",
        "PupilMatchingRefAnonymous",
    ),
    spec("a variable never released", "      - LanguageGroupMajor\n", "      - UPN\n", "never-released", "- UPN"),
    spec(
        "a finer release",
        "- {name: LAESTAB}",
        "- {name: LAESTAB, release: as_is}",
        "release-too-fine",
        "release: as_is",
    ),
    spec(
        "a value of another type",
        "{variable: OnRoll, equals: 1}",
        "{variable: OnRoll, equals: one}",
        "wrong-type",
        "equals: one",
    ),
    Case {
        what: "a secondment over two years",
        project: WIDE,
        from: "ends: 2021-12-17",
        to: "ends: 2022-01-21",
        approved: true,
        exit: 77,
        code: "secondment-too-long",
        at: "2022-01-21",
    },
    Case {
        what: "a secondment that is over",
        project: WIDE,
        from: "{starts: 2020-01-20, ends: 2021-12-17",
        to: "{starts: 2018-01-22, ends: 2019-12-17",
        approved: true,
        exit: 77,
        code: "secondment-over",
        at: "",
    },
    Case {
        what: "one byte changed after approval",
        project: WIDE,
        from: "",
        to: "",
        approved: false,
        exit: 77,
        code: "spec-changed-since-approval",
        at: "",
    },
];

/// The lines of a document that hold a text.
fn lines_with(text: &str, part: &str) -> Vec<usize> {
    text.lines().enumerate().filter(|(_, l)| l.contains(part)).map(|(i, _)| i + 1).collect()
}

fn assert_case(case: &Case) {
    let world = World::new();
    let path = world.spec(case.project);
    if case.approved {
        world.amend(case.project, case.from, case.to);
    } else {
        // Any byte will do: a comment's.
        let text = std::fs::read_to_string(&path).unwrap();
        replace(&path, format!("{text}#").as_bytes());
    }
    let run = world.build(&[]).ends(case.exit);
    let what = case.what;
    let block = run.block(case.code).unwrap_or_else(|| panic!("{what}: no {}:\n{}", case.code, run.said()));
    let text = std::fs::read_to_string(&path).unwrap();
    let place = format!("specs/{}.yaml:", case.project);
    assert!(block.contains(&place), "{what}: no place:\n{block}");
    if !case.at.is_empty() {
        let right = lines_with(&text, case.at).iter().any(|line| block.contains(&format!("{place}{line}:")));
        assert!(right, "{what}: not at the line of {:?}:\n{block}", case.at);
        assert!(block.contains('^'), "{what}: no caret:\n{block}");
    }
    assert!(block.contains("help: "), "{what}: no remedy:\n{block}");
    world.assert_unpublished(case.project);
    assert!(world.latest(SMALL).join("data/persons.parquet").is_file(), "{what}: the good spec was stopped");
    world.assert_clean();
}

#[test]
fn a_bad_spec_names_its_place_and_remedy_and_stops_no_good_one() {
    for case in CASES {
        assert_case(case);
    }
}

#[test]
fn an_alias_bomb_is_refused_at_once() {
    let world = World::new();
    let path = world.spec(WIDE);
    let mut bomb = String::from("spec: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for n in 1..40 {
        bomb.push_str(&format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")));
    }
    replace(&path, bomb.as_bytes());
    let began = std::time::Instant::now();
    let run = world.build(&[]).ends(65);
    assert!(began.elapsed().as_secs() < 20, "the bomb went off");
    let block = run.block("alias").unwrap_or_else(|| panic!("{}", run.said()));
    assert!(block.contains(&format!("specs/{WIDE}.yaml:2:")) && block.contains("help: "), "{block}");
    world.assert_unpublished(WIDE);
    assert!(world.latest(SMALL).is_dir());
}

#[test]
fn all_findings_of_a_run_are_told_at_once_also_as_json() {
    let world = World::new();
    world.amend(WIDE, "      - LanguageGroupMajor\n", "      - LanguageGroupMajr\n      - UPN\n");
    world.amend(WIDE, "researchers: 3", "researchers: [3]");
    world.amend(COARSE, "element: hmrc.self_assessment", "element: hmrc.self_asessment");
    let text = world.run(&["check", "--quiet", "--as-of", DAY]).ends(65);
    for code in ["unknown-variable", "never-released", "wrong-type", "unknown-element"] {
        assert!(text.block(code).is_some(), "no {code}:\n{}", text.said());
    }
    // A near name is offered.
    assert!(text.flat().contains("LanguageGroupMajor"), "{}", text.said());
    let json = world.run(&["check", "--quiet", "--as-of", DAY, "--format", "json"]).ends(65).json();
    assert_eq!(json["exit"], 65);
    let findings: Vec<&Value> =
        json["findings"].as_array().unwrap().iter().filter(|f| f["severity"] == "error").collect();
    assert!(findings.len() >= 4, "{json:#}");
    for finding in findings {
        assert!(finding["at"]["file"].as_str().unwrap().contains("specs/LEO-"), "{finding:#}");
        assert!(
            finding["at"]["line"].as_u64().unwrap() > 0 && finding["at"]["column"].as_u64().unwrap() > 0,
            "{finding:#}"
        );
        assert!(!finding["message"].as_str().unwrap().is_empty() && finding["help"].is_string(), "{finding:#}");
        assert!(finding["project"].is_string(), "{finding:#}");
    }
    // The same, of a build, which then publishes the others.
    let json = world.build(&["--format", "json"]).ends(65).json();
    assert_eq!(json["exit"], 65);
    let built: Vec<&str> = json["built"].as_array().unwrap().iter().map(|b| b["project"].as_str().unwrap()).collect();
    assert_eq!(built, [SMALL, "LEO-2019-004", "LEO-2019-005"]);
}

/// A change of an approval record, the day of the build, and what the refusal says.
const RECORDS: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("not yet in force", "decided: 2019-12-02", "decided: 2020-01-07", DAY, "approval-not-yet-in-force", "HMRC"),
    ("expired", "", "", "2022-01-01", "secondment-over", ""),
    (
        "expired decision",
        "expires: 2021-12-31}\n  - {body: HESA",
        "expires: 2020-01-05}\n  - {body: HESA",
        DAY,
        "approval-expired",
        "DSAP",
    ),
    (
        "lacking an owner",
        "  - {body: HMRC, reference: HMRC-2019-881, decided: 2019-12-02, expires: 2021-12-31}\n",
        "",
        DAY,
        "decision-missing",
        "HMRC",
    ),
    ("HESA's fee unpaid", ", fee_paid: 2019-12-10", "", DAY, "fee-unpaid", "HESA"),
    ("HESA's fee paid too late", "fee_paid: 2019-12-10", "fee_paid: 2020-01-07", DAY, "fee-unpaid", "HESA"),
];

#[test]
fn an_approval_that_does_not_hold_refuses_and_says_who_must_decide() {
    for (what, from, to, day, code, body) in RECORDS {
        let world = World::new();
        if !from.is_empty() {
            world.edit(&world.approval(COARSE), from, to);
        }
        let run = world.run(&["build", "--quiet", "--as-of", day, COARSE, SMALL]).ends(77);
        let block = run.block(code).unwrap_or_else(|| panic!("{what}: no {code}:\n{}", run.said()));
        assert!(block.contains(body) && block.contains("help: ") && block.contains(".yaml"), "{what}:\n{block}");
        world.assert_unpublished(COARSE);
        // In 2022 the good spec's approval is over too.
        assert_eq!(world.path(&format!("extracts/{SMALL}")).exists(), *day == DAY, "{what}");
    }
}

#[test]
fn a_missing_approval_refuses_its_project_alone() {
    let world = World::new();
    std::fs::remove_file(world.approval(COARSE)).unwrap();
    let run = world.build(&[COARSE, SMALL]).ends(77);
    let block = run.block("approval-missing").unwrap_or_else(|| panic!("{}", run.said()));
    assert!(block.contains("DSAP") && block.contains("help: "), "{block}");
    world.assert_unpublished(COARSE);
    assert!(world.latest(SMALL).is_dir());
}

#[test]
fn of_several_codes_the_gravest_is_the_exit_code() {
    let world = World::new();
    world.amend(WIDE, "revision: 1\n", "revision: 1\nrevison: 1\n");
    std::fs::remove_file(world.approval(COARSE)).unwrap();
    world.build(&[COARSE, WIDE]).ends(65);
    std::fs::remove_file(world.source("npd/ks4/KS4_2005_2006.parquet")).unwrap();
    world.build(&[COARSE, WIDE, SMALL]).ends(66);
    std::fs::remove_file(world.path("leo.keyring")).unwrap();
    world.build(&[COARSE, WIDE, SMALL]).ends(78);
    world.build(&["LEO-2019-999"]).ends(78);
}

#[test]
fn a_bad_catalogue_stops_all() {
    let world = World::new();
    world.edit(&world.path("catalogue/npd.cla.yaml"), "owner: DfE", "owner: DfF");
    let run = world.build(&[]).ends(65);
    assert!(run.said().contains("npd.cla.yaml:"), "{}", run.said());
    for project in [SMALL, WIDE, COARSE] {
        world.assert_unpublished(project);
    }
}

#[test]
fn an_unknown_project_is_a_missing_input() {
    let world = World::new();
    let run = world.build(&["LEO-2019-999"]);
    assert!(run.code == 66 || run.code == 65, "{}: {}", run.code, run.said());
    assert!(run.said().contains("help: "), "{}", run.said());
}
