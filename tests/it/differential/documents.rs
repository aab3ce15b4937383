//! The documents of a world as YAML: config, keyring, catalogue, link tables, specs, approvals.

use super::model::{Cell, Element, Period, Range, Release, Variable};
use super::spec::{Condition, Fault, Join, Operator, Output, Pick, Project, Selection, Step, World};
use crate::support::sha256;
use base64::Engine as _;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The day on which the builds' approvals are in force.
pub(super) const DAY: &str = "2020-01-06";

/// Writes all documents of a world into its folder.
pub(super) fn write(world: &World, root: &Path) {
    for folder in ["sources", "catalogue", "specs", "approvals"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    let put = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
    let mut config = "config: 1\ncatalogue: catalogue\nspecs: specs\napprovals: {directory: approvals}\n\
        sources: sources\nextracts: extracts\nkeyring: keyring\n"
        .to_owned();
    if !world.exclusions.is_empty() {
        config.push_str("exclusions:\n");
        for e in &world.exclusions {
            writeln!(config, "  - {{location: {}, kind: {}, column: {}}}", q(&e.location), e.kind, q(&e.column))
                .unwrap();
        }
    }
    put("leo.yaml", &config);
    let secret = base64::engine::general_purpose::STANDARD.encode(world.secret());
    put("keyring", &format!("keyring: 1\ncurrent: k1\nkeys:\n  - {{id: k1, secret: \"{secret}\"}}\n"));
    std::fs::set_permissions(root.join("keyring"), std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut links = format!("person: {}\nversion: v1\ntables:\n", world.person);
    for t in &world.links {
        let identifier = format!("{{column: {}, kind: {}}}", q(&t.column), t.kind);
        let person = q(&t.person);
        writeln!(
            links,
            "  - {{name: {}, location: {}, person: {person}, identifier: {identifier}}}",
            t.name, t.location
        )
        .unwrap();
    }
    put("catalogue/links.yaml", &links);
    for element in &world.elements {
        put(&format!("catalogue/{}.yaml", element.name), &of_element(element));
    }
    for project in &world.projects {
        let text = of_spec(world, project);
        put(&format!("specs/{}.yaml", project.id), &text);
        put(&format!("approvals/{}-r1.yaml", project.id), &of_approval(project, &text));
    }
}

/// Text in double quotes: a JSON string is a YAML one.
fn q(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

fn year(start: i32) -> String {
    format!("{start}/{}", start + 1)
}

fn range((first, last): Range) -> String {
    if first == last { year(first) } else { format!("{}..{}", year(first), year(last)) }
}

fn ranges(all: &[Range]) -> String {
    if let [one] = all { range(*one) } else { list(all.iter().map(|r| range(*r))) }
}

/// A decimal in digits.
pub(super) fn decimal(unscaled: i128, scale: u8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Days since 1970-01-01 as a date.
pub(super) fn date(days: i32) -> jiff::civil::Date {
    jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap()
}

fn value(cell: &Cell) -> String {
    match cell {
        Cell::Null => panic!("no document names a missing value"),
        Cell::Bool(v) => v.to_string(),
        Cell::Int(v) => v.to_string(),
        Cell::Float(v) => format!("{v:?}"),
        Cell::Decimal(v, scale) => decimal(*v, *scale),
        Cell::Text(v) => q(v),
        Cell::Date(v) => date(*v).to_string(),
        Cell::Stamp(_) => panic!("conditions on timestamps name dates"),
    }
}

fn release(of: &Release) -> String {
    match of {
        Release::AsIs => "as_is".to_owned(),
        Release::Never => "never".to_owned(),
        Release::Pseudonymise(kind) => format!("{{pseudonymise: {kind}}}"),
        Release::Truncate(to) => format!("{{truncate: {to}}}"),
        Release::Prefix(n) => format!("{{prefix: {n}}}"),
        Release::Round(n) => format!("{{round: {n}}}"),
        Release::TopCode(n) => format!("{{top_code: {n}}}"),
        Release::BottomCode(n) => format!("{{bottom_code: {n}}}"),
        Release::Bands(edges) => format!("{{bands: {}}}", list(edges.clone())),
    }
}

fn of_element(e: &Element) -> String {
    let mut text = format!("element: {}\ntitle: An element\nowner: {}\n", e.name, e.owner);
    writeln!(text, "identifier: {{column: {}, kind: {}}}", q(&e.id_column), e.id_kind).unwrap();
    let kind = |tax: bool| if tax { "tax_year" } else { "academic_year" };
    let period = match &e.period {
        Period::Slice { tax } => format!("{{kind: {}, from: slice}}", kind(*tax)),
        Period::Column { tax, column, encoding } => {
            format!("{{kind: {}, column: {}, encoding: {}}}", kind(*tax), q(column), encoding.name())
        }
        Period::Spell { start, end, academic } => {
            let calendar = if *academic { ", calendar: academic_year" } else { "" };
            format!("{{kind: spell, start: {}, end: {}{calendar}}}", q(start), q(end))
        }
        Period::None => "{kind: none}".to_owned(),
    };
    writeln!(text, "period: {period}\nlocation: {}", q(&e.location)).unwrap();
    if e.has_years() {
        writeln!(text, "coverage: {}", range(e.coverage)).unwrap();
    }
    let terms = |terms: &[super::model::Term]| list(terms.iter().map(|t| t.name()));
    if !e.terms.is_empty() {
        writeln!(text, "terms: {}", terms(&e.terms)).unwrap();
    }
    if let Some(suffix) = &e.suffix {
        writeln!(text, "suffix: {}", q(suffix)).unwrap();
    }
    if !e.absent.is_empty() {
        text.push_str("absent:\n");
        for a in &e.absent {
            let of = if a.terms.is_empty() { String::new() } else { format!(", terms: {}", terms(&a.terms)) };
            writeln!(text, "  - {{years: {}{of}, why: never collected}}", year(a.year)).unwrap();
        }
    }
    text.push_str("variables:\n");
    for v in &e.variables {
        writeln!(text, "  - {{{}}}", of_variable(v)).unwrap();
    }
    text
}

fn of_variable(v: &Variable) -> String {
    let mut text = format!("name: {}, type: {}", q(&v.name), q(&v.kind.name()));
    if let Some(years) = v.years {
        write!(text, ", years: {}", range(years)).unwrap();
    }
    write!(text, ", identifiability: {}, sensitivity: {}, selection: by_request", v.identifiability, v.sensitivity)
        .unwrap();
    if !v.codes.is_empty() {
        write!(text, ", codes: {}", list(v.codes.iter().map(value))).unwrap();
    }
    if v.release != Release::AsIs {
        write!(text, ", release: {}", release(&v.release)).unwrap();
    }
    if !v.was.is_empty() {
        let was = v.was.iter().map(|(name, years)| format!("{{name: {}, years: {}}}", q(name), range(*years)));
        write!(text, ", was: {}", list(was)).unwrap();
    }
    text
}

fn condition(c: &Condition) -> String {
    match c {
        Condition::All { members, bare: true } => list(members.iter().map(condition)),
        Condition::All { members, bare: false } => format!("{{all: {}}}", list(members.iter().map(condition))),
        Condition::Any(members) => format!("{{any: {}}}", list(members.iter().map(condition))),
        Condition::Not(inner) => format!("{{not: {}}}", condition(inner)),
        Condition::Test { variable, operator, values } => {
            let several = matches!(operator, Operator::In | Operator::NotIn | Operator::Between);
            let of = if several { list(values.iter().map(value)) } else { value(&values[0]) };
            format!("{{variable: {}, {}: {of}}}", q(variable), operator.name())
        }
    }
}

/// The fields of a selection beside the element, each with the text before it.
fn selection(s: &Selection, before: &str) -> String {
    let mut text = String::new();
    if !s.years.is_empty() {
        write!(text, "{before}years: {}", ranges(&s.years)).unwrap();
    }
    if !s.terms.is_empty() {
        write!(text, "{before}terms: {}", list(s.terms.iter().map(|t| t.name()))).unwrap();
    }
    if let Some(starting) = s.starting {
        write!(text, "{before}spells: {}", if starting { "starting" } else { "overlapping" }).unwrap();
    }
    if let Some(c) = &s.condition {
        write!(text, "{before}where: {}", condition(c)).unwrap();
    }
    text
}

fn picks(all: &[Pick]) -> String {
    list(all.iter().map(|(name, own)| match own {
        None => q(name),
        Some(own) => format!("{{name: {}, release: {}}}", q(name), release(own)),
    }))
}

fn join(j: &Join) -> String {
    let rows = selection(&j.rows, ", ");
    format!("{{element: {}{rows}, variables: {}, prefix: {}}}", j.rows.element, picks(&j.picks), j.prefix)
}

fn of_spec(world: &World, project: &Project) -> String {
    let mut text = format!("spec: 1\nproject:\n  id: {}\n  title: A study\n  organisation: An institute\n", project.id);
    text.push_str("  gateway: {act: An Act, section: \"87\"}\n  purposes: []\n");
    text.push_str("secondment: {starts: 2020-01-13, ends: 2021-12-17, researchers: 1}\nrevision: 1\n");
    writeln!(text, "pseudonyms: {{epoch: {}}}\ncohort:\n  description: Some people\n  steps:", project.epoch).unwrap();
    for step in &project.steps {
        let line = match step {
            Step::Include(s) => format!("{{include: {}{}}}", s.element, selection(s, ", ")),
            Step::Require(s) => format!("{{require: {}{}}}", s.element, selection(s, ", ")),
            Step::Exclude(s) => format!("{{exclude: {}{}}}", s.element, selection(s, ", ")),
            Step::RequireLink(kind) => format!("require_link: {kind}"),
            Step::Sample(share) => format!("sample: {share}"),
        };
        writeln!(text, "    - {line}").unwrap();
    }
    text.push_str("elements:\n");
    for r in &project.requests {
        let rows = selection(&r.rows, "\n    ");
        writeln!(text, "  - element: {}{rows}\n    variables: {}", r.rows.element, picks(&r.picks)).unwrap();
        text.push_str("    justification: It is needed.\n");
    }
    if !project.linked.is_empty() {
        text.push_str("linked:\n");
    }
    for l in &project.linked {
        writeln!(text, "  - {{name: {}, from: {}, join: {}}}", l.name, l.from, list(l.joins.iter().map(join))).unwrap();
    }
    if project.fault == Some(Fault::ExpectationMissed) {
        text.push_str("expect: {persons: 1000000..2000000}\n");
    }
    if project.fault == Some(Fault::DuplicateElement) {
        let first = &project.requests[0];
        let rows = selection(&first.rows, ", ");
        let again = format!(
            "{{element: {}{rows}, variables: {}, justification: Again.}}",
            first.rows.element,
            picks(&first.picks)
        );
        text = text.replacen("elements:\n", &format!("elements:\n  - {again}\n"), 1);
    }
    match project.output {
        Output::Parquet if world.seed.is_multiple_of(2) => {}
        Output::Parquet => text.push_str("output: {format: parquet}\n"),
        Output::Csv => text.push_str("output: {format: csv}\n"),
        Output::Both => text.push_str("output: {format: both}\n"),
    }
    text
}

fn of_approval(project: &Project, spec: &str) -> String {
    let approved =
        if project.fault == Some(Fault::SpecChanged) { format!("{spec}# changed\n") } else { spec.to_owned() };
    let digest = sha256(approved.as_bytes());
    let mut text = format!("approval: 1\nproject: {}\nrevision: 1\nspec_sha256: {digest}\ndecisions:\n", project.id);
    let expires = if project.fault == Some(Fault::ApprovalExpired) { "2020-01-05" } else { "2021-12-31" };
    for body in ["DSAP", "HESA", "HMRC", "DWP", "ESFA", "UCAS"] {
        if body != "DSAP" && project.fault == Some(Fault::DecisionMissing) {
            continue;
        }
        let more = match body {
            "DSAP" => ", clearances: [B]",
            "HESA" => ", fee_paid: 2019-12-02",
            _ => "",
        };
        writeln!(text, "  - {{body: {body}, reference: R-1, decided: 2019-12-01, expires: {expires}{more}}}").unwrap();
    }
    text
}
