//! Specs of projects: steps, selections, conditions, requests with releases, linked tables.

use super::super::documents::date;
use super::super::model::{Cell, Element, Kind, Period, Range, Release, Variable};
use super::super::random::Random;
use super::super::spec::{Condition, Join, Linked, Operator, Output, Pick, Project, Request, Selection, Step, World};
use super::People;
use super::elements::coarser;
use super::values::{Mood, present};
use std::cmp::Ordering;

/// Adds the projects of a world.
pub(super) fn projects(world: &mut World, people: &People, r: &mut Random) {
    for n in 0..r.one(&[1, 2, 3]) {
        let elements = world.elements.clone();
        let mut first = selection(&r.one(&elements), r);
        if r.chance(85) {
            first.condition = None;
        }
        if !first.years.is_empty() && r.chance(60) {
            let of = world.element(&first.element);
            (first.years, first.terms) = (vec![of.coverage], Vec::new());
        }
        let mut steps = vec![Step::Include(first)];
        for _ in 0..r.one(&[0, 0, 1, 1, 2, 3]) {
            let rows = selection(&r.one(&elements), r);
            steps.push(match r.below(6) {
                0 | 1 => Step::Include(rows),
                2 => Step::Require(rows),
                3 => Step::Exclude(rows),
                4 => Step::RequireLink(r.one(&people.kinds).to_owned()),
                _ => Step::Sample(r.one(&["0.5", "0.8", "0.9", "0.125", "1"])),
            });
        }
        let mut requests = Vec::new();
        let count = 1 + r.below(elements.len());
        for element in r.some(&elements, count) {
            let picks = picks(&element, r);
            if !picks.is_empty() {
                requests.push(Request { rows: selection(&element, r), picks });
            }
        }
        if requests.is_empty() {
            continue;
        }
        let linked = if r.chance(60) { linked(&elements, &requests, r) } else { Vec::new() };
        world.projects.push(Project {
            id: format!("DT-{}-{n}", world.seed),
            epoch: r.one(&[1, 1, 2, 7, u32::MAX]),
            steps,
            requests,
            linked,
            output: r.one(&[Output::Parquet, Output::Parquet, Output::Parquet, Output::Csv, Output::Both]),
            fault: None,
        });
    }
}

/// Years within a range: one, a run of them, or a list.
fn years((first, last): Range, r: &mut Random) -> Vec<Range> {
    if r.chance(25) {
        return vec![(first, last)];
    }
    let a = r.between(first, last);
    let b = r.between(a, last);
    if a > first && r.chance(25) && b == a {
        return vec![(first, first), (a, b)];
    }
    if a > first + 1 && r.chance(40) {
        let mut list = vec![(first, a - 2), (a, b)];
        r.shuffle(&mut list);
        return list;
    }
    vec![(a, b)]
}

/// Rows of an element.
fn selection(e: &Element, r: &mut Random) -> Selection {
    let dated = !matches!(e.period, Period::None);
    let mut years = if dated { years(e.coverage, r) } else { Vec::new() };
    if let [(a, b), (c, _)] = years[..]
        && a <= c
        && c <= b
    {
        years.truncate(1);
    }
    let mut s = Selection { element: e.name.clone(), years, terms: Vec::new(), starting: None, condition: None };
    if !e.terms.is_empty() && r.chance(50) {
        let count = 1 + r.below(e.terms.len());
        s.terms = r.some(&e.terms, count);
    }
    if e.is_spell() && r.chance(65) {
        s.starting = Some(r.chance(50));
    }
    if r.chance(60) {
        let one = condition(e, 0, r);
        s.condition = Some(match r.below(12) {
            // Wide conditions, so that rows are left to be compared.
            10 | 11 => Condition::Any((0..3).map(|_| condition(e, 1, r)).collect()),
            0..=5 => Condition::All { members: vec![one], bare: true },
            6 | 7 => Condition::All { members: vec![one, condition(e, 1, r)], bare: true },
            _ => one,
        });
    }
    s
}

fn condition(e: &Element, depth: usize, r: &mut Random) -> Condition {
    if depth < 4 && r.chance(48) {
        let count = r.one(&[1, 2, 2, 3]);
        let mut members = || (0..count).map(|_| condition(e, depth + 1, r)).collect::<Vec<_>>();
        return match depth + count + e.variables.len() + members().len() {
            n if n.is_multiple_of(3) => Condition::All { members: members(), bare: false },
            n if n % 3 == 1 => Condition::Any(members()),
            _ => Condition::Not(Box::new(condition(e, depth + 1, r))),
        };
    }
    let variable = r.one(&e.variables);
    let operator = loop {
        let operator = r.one(&Operator::ALL);
        let ordered = !matches!(
            operator,
            Operator::Equals | Operator::NotEquals | Operator::In | Operator::NotIn | Operator::Missing
        );
        let fits = match operator {
            Operator::StartsWith => variable.kind == Kind::Text,
            _ => !ordered || variable.kind != Kind::Bool,
        };
        if fits {
            break operator;
        }
    };
    let values = match operator {
        Operator::Missing => vec![Cell::Bool(r.chance(50))],
        Operator::StartsWith => vec![Cell::text(r.one(&["E", "E0", "a", "n", "é", "M", "日本", " "]))],
        Operator::In | Operator::NotIn => (0..r.one(&[1, 2, 4])).map(|_| named(&variable, true, r)).collect(),
        Operator::Between => {
            let mut ends = vec![named(&variable, false, r), named(&variable, false, r)];
            if less(&ends[1], &ends[0]) {
                ends.reverse();
            }
            ends
        }
        Operator::Equals | Operator::NotEquals => vec![named(&variable, true, r)],
        _ => vec![named(&variable, false, r)],
    };
    Condition::Test { variable: variable.name, operator, values }
}

fn less(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Float(a), Cell::Float(b)) => a < b,
        (a, b) => a.order(b) == Ordering::Less,
    }
}

/// A value as a spec names it: among the codes where it must be one.
fn named(variable: &Variable, coded: bool, r: &mut Random) -> Cell {
    if coded && !variable.codes.is_empty() {
        return r.one(&variable.codes);
    }
    loop {
        let mood = r.one(&[Mood::Any, Mood::Whole]);
        match present(variable.kind, mood, r) {
            Cell::Float(v) if !v.is_finite() || (v != 0.0 && !(1e-3..1e6).contains(&v.abs())) => {}
            Cell::Date(days) if date(days).year() > 9_000 => return Cell::Date(days),
            Cell::Stamp(micros) => return Cell::Date(i32::try_from(micros.div_euclid(86_400_000_000)).unwrap()),
            Cell::Text(text) if text.is_empty() => {}
            cell => return cell,
        }
    }
}

/// Variables to be released, some of them coarser than the catalogue demands.
fn picks(e: &Element, r: &mut Random) -> Vec<Pick> {
    let may: Vec<Variable> = e.variables.iter().filter(|v| v.release != Release::Never).cloned().collect();
    let count = 1 + r.below(may.len());
    let pick = |v: Variable, r: &mut Random| {
        let own = if r.chance(40) { coarser(v.kind, &v.release, r) } else { None };
        let same = own.is_none() && r.chance(15);
        (v.name, if same { Some(v.release) } else { own })
    };
    r.some(&may, count).into_iter().map(|v| pick(v, r)).collect()
}

fn linked(elements: &[Element], requests: &[Request], r: &mut Random) -> Vec<Linked> {
    let single: Vec<Element> = elements.iter().filter(|e| e.single || r.chance(6)).cloned().collect();
    let mut joins = Vec::new();
    let count = r.one(&[1, 1, 2]);
    for (n, element) in r.some(&single, count).into_iter().enumerate() {
        let mut rows = selection(&element, r);
        if element.has_years() {
            let year = r.between(element.coverage.0, element.coverage.1);
            rows.years = vec![(year, year)];
        }
        if !element.terms.is_empty() {
            rows.terms = vec![r.one(&element.terms)];
        }
        let picks = picks(&element, r);
        if !picks.is_empty() {
            joins.push(Join { rows, picks, prefix: format!("j{n}_") });
        }
    }
    if joins.is_empty() {
        return Vec::new();
    }
    let from = |r: &mut Random| r.one(requests).rows.element;
    let mut all = vec![Linked { name: "beside".to_owned(), from: from(r), joins: joins.clone() }];
    if r.chance(25) {
        joins.truncate(1);
        all.push(Linked { name: "again".to_owned(), from: from(r), joins });
    }
    all
}
