//! Elements of a catalogue: period, location, suffix, variables with their releases, earlier names and codes.

use super::super::coverage::KINDS;
use super::super::model::{Absent, Cell, Element, Encoding, Kind, Period, Release, Term, Variable};
use super::super::random::Random;
use super::People;
use super::values::{Mood, present};

const TERMS: [Term; 3] = [Term::Autumn, Term::Spring, Term::Summer];

/// An element; its files come later.
pub(super) fn element(n: usize, people: &People, r: &mut Random) -> Element {
    let first = r.one(&[1998, 2005, 2010]);
    let coverage = (first, first + r.between(0, 3));
    let mut e = Element {
        name: format!("{}.el{n}", r.one(&["npd", "hesa", "hmrc"])),
        owner: r.one(&["DfE", "HESA", "HMRC", "DWP", "ESFA", "UCAS"]),
        id_column: r.one(&["Id", "Id", "The Id", "PupilRef"]).to_owned(),
        id_kind: if r.chance(15) { people.kind.clone() } else { r.one(&people.kinds).to_owned() },
        period: Period::None,
        location: r.one(&[format!("e{n}.parquet"), format!("e{n}")]),
        terms: Vec::new(),
        suffix: None,
        coverage,
        absent: Vec::new(),
        variables: Vec::new(),
        single: r.chance(35),
    };
    let tax = r.chance(40);
    match r.below(8) {
        0 | 1 => by_slice(&mut e, n, tax, r),
        2 | 3 => by_term(&mut e, n, r),
        4 | 5 => {
            let encoding = r.one(&Encoding::ALL);
            e.period = Period::Column { tax, column: "Yr".to_owned(), encoding };
            if r.chance(20) {
                e.absent.push(Absent { year: r.between(e.coverage.0, e.coverage.1), terms: Vec::new() });
            }
        }
        6 => {
            e.coverage = (1999, 2010);
            let (start, end) = ("St".to_owned(), "En".to_owned());
            e.period = Period::Spell { start, end, academic: r.chance(50) };
        }
        _ => {}
    }
    let count = r.one(&[2, 3, 4, 5]);
    e.variables = (0..count).map(|i| variable(&e, n, i, r)).collect();
    // The columns of a period are often released as well, and one may take over a name that another had before.
    let of_period: Vec<(&str, Kind)> = match &e.period {
        Period::Spell { .. } => vec![("St", Kind::Date), ("En", Kind::Date)],
        Period::Column { encoding: Encoding::LongPair | Encoding::ShortPair, .. } => vec![("Yr", Kind::Text)],
        _ => Vec::new(),
    };
    for (name, kind) in of_period {
        if r.chance(50) {
            let mut v = variable(&e, n, 9, r);
            (v.name, v.kind, v.years, v.was, v.codes) = (name.to_owned(), kind, None, Vec::new(), Vec::new());
            v.release = if r.chance(30) { release(kind, r).unwrap() } else { Release::AsIs };
            v.identifiability = 4;
            e.variables.push(v);
        }
    }
    let (first, last) = e.coverage;
    if e.has_years() && first < last && r.chance(20) {
        let mut heir = variable(&e, n, 8, r);
        (heir.years, heir.was) = (Some((first + 1, last)), Vec::new());
        let mut old = variable(&e, n, 7, r);
        (old.kind, old.years, old.was) = (heir.kind, None, vec![(heir.name.clone(), (first, first))]);
        (old.release, old.identifiability, old.codes) = (Release::AsIs, 4, Vec::new());
        e.variables.extend([heir, old]);
    }
    e
}

fn by_slice(e: &mut Element, n: usize, tax: bool, r: &mut Random) {
    e.period = Period::Slice { tax };
    e.location = match r.below(4) {
        0 => format!("e{n}/{{yyyy}}.parquet"),
        1 => format!("e{n}/y={{start_yyyy}}"),
        2 => format!("e{n}/{{tax}}.parquet"),
        _ => format!("e{n}/{{yy}}-{{start_yy}}"),
    };
    if r.chance(60) {
        e.suffix = Some(r.one(&["_{yy}", "_{yyyy}", "{start_yy}", "_{tax}", "_{start_yyyy}"]).to_owned());
    }
    if r.chance(35) && e.coverage.0 < e.coverage.1 {
        e.absent.push(Absent { year: r.between(e.coverage.0, e.coverage.1), terms: Vec::new() });
    }
}

fn by_term(e: &mut Element, n: usize, r: &mut Random) {
    e.period = Period::Slice { tax: false };
    let count = r.one(&[1, 2, 3]);
    e.terms = r.some(&TERMS, count);
    e.terms.sort();
    e.location = match r.below(5) {
        0 => format!("e{n}/{{Term}}_{{yyyy}}.parquet"),
        1 => format!("e{n}/{{term}}{{term_yy}}{{start_yy}}"),
        2 => format!("e{n}/{{tax}}/{{term}}/x.parquet"),
        3 => format!("e{n}/{{term_yyyy}}-{{Term}}-{{yy}}.parquet"),
        _ => format!("e{n}/{{start_yyyy}}/{{Term}}"),
    };
    if r.chance(60) {
        e.suffix = Some(r.one(&["_{term}{yy}", "_{Term}_{term_yyyy}", "{term}{term_yy}"]).to_owned());
    }
    if r.chance(35) {
        let term = r.one(&e.terms);
        let terms = if r.chance(60) { vec![term] } else { Vec::new() };
        e.absent.push(Absent { year: r.between(e.coverage.0, e.coverage.1), terms });
    }
    if e.absent.iter().any(|a| a.terms.is_empty()) && e.coverage.0 == e.coverage.1 {
        e.absent.clear();
    }
}

fn variable(e: &Element, n: usize, i: usize, r: &mut Random) -> Variable {
    let mut kind = r.one(&KINDS);
    if let Kind::Decimal(_, _) = kind {
        kind = r.one(&[Kind::Decimal(9, 2), Kind::Decimal(20, 4), Kind::Decimal(12, 1), Kind::Decimal(38, 10)]);
    }
    let mut v = Variable {
        name: format!("{}{n}{i}", r.one(&["Var", "x_", "Mixed Case ", "v-", "Ünï"])),
        kind,
        years: None,
        was: Vec::new(),
        release: Release::AsIs,
        identifiability: u8::try_from(r.between(3, 5)).unwrap(),
        sensitivity: r.one(&["B", "C", "D", "E"]),
        codes: Vec::new(),
    };
    let (first, last) = e.coverage;
    if e.has_years() && first < last && r.chance(25) {
        v.years = Some((first + 1, last));
    } else if e.has_years() && r.chance(25) {
        v.was.push((format!("Old{n}{i}"), (first, first)));
        if first + 1 < last && r.chance(40) {
            v.was.push((format!("Older{n}{i}"), (first + 1, first + 1)));
        }
    }
    if r.chance(33)
        && let Some(release) = release(kind, r)
    {
        v.release = release;
        v.identifiability = u8::try_from(r.between(1, 5)).unwrap();
    } else if r.chance(6) {
        v.release = Release::Never;
    } else if matches!(kind, Kind::Text | Kind::Int8 | Kind::Int32) && r.chance(25) {
        codes(&mut v, r);
    }
    v
}

fn codes(v: &mut Variable, r: &mut Random) {
    for _ in 0..4 {
        let code = present(v.kind, Mood::Any, r);
        let told = matches!(&code, Cell::Text(text) if text.trim() != text || text.is_empty() || text.contains('\n'));
        if !told && !v.codes.contains(&code) {
            v.codes.push(code);
        }
    }
}

fn numbers(r: &mut Random, list: &[&str]) -> String {
    r.one(list).to_owned()
}

/// A release that coarsens a type; none for flags.
pub(super) fn release(kind: Kind, r: &mut Random) -> Option<Release> {
    let owned = |edges: &[&str]| Release::Bands(edges.iter().map(|e| (*e).to_owned()).collect());
    let bodies = ["urn", "laestab", "ukprn"];
    Some(match kind {
        Kind::Bool => return None,
        Kind::Date | Kind::Timestamp => Release::Truncate(r.one(&["month", "quarter", "year"])),
        Kind::Text if r.chance(50) => Release::Prefix(r.one(&[1, 2, 5])),
        Kind::Text => Release::Pseudonymise(r.one(&bodies).to_owned()),
        Kind::Float32 | Kind::Float64 => match r.below(4) {
            0 => Release::Round(numbers(r, &["0.05", "0.1", "0.25", "1", "10", "0.3"])),
            1 => Release::TopCode(numbers(r, &["1.5", "2", "0.25", "100"])),
            2 => Release::BottomCode(numbers(r, &["0", "0.25", "-1"])),
            _ => owned(r.one(&[&["0", "0.5", "2"][..], &["0.25"], &["-2.5", "0.1", "3"]])),
        },
        Kind::Decimal(_, s) => match r.below(4) {
            0 if s > 1 => Release::Round(numbers(r, &["0.05", "0.5", "1", "10", "2.5"])),
            0 => Release::Round(numbers(r, &["0.5", "1", "10"])),
            1 => Release::TopCode(numbers(r, &["2", "1.5", "25"])),
            2 => Release::BottomCode(numbers(r, &["0.5", "0", "-1"])),
            _ => owned(r.one(&[&["0", "1.5", "10"][..], &["1"], &["-2.5", "0", "100"]])),
        },
        _ => match r.below(5) {
            0 => Release::Round(numbers(r, &["2", "5", "10", "7"])),
            1 => Release::TopCode(numbers(r, &["5", "10", "0"])),
            2 => Release::BottomCode(numbers(r, &["0", "1", "7"])),
            3 => owned(r.one(&[&["0", "5", "10"][..], &["7"], &["-1", "25"]])),
            _ => Release::Pseudonymise(r.one(&bodies).to_owned()),
        },
    })
}

/// A release that is coarser than the catalogue's, where there is one.
pub(super) fn coarser(kind: Kind, floor: &Release, r: &mut Random) -> Option<Release> {
    let text = |n: &str| n.to_owned();
    Some(match floor {
        Release::AsIs => return release(kind, r),
        Release::Truncate("month") => Release::Truncate(r.one(&["quarter", "year"])),
        Release::Truncate("quarter") => Release::Truncate("year"),
        Release::Prefix(n) if *n > 1 => Release::Prefix(r.one(&[1, n - 1])),
        Release::Round(n) => match n.as_str() {
            "0.05" => Release::Round(r.one(&[text("0.1"), text("0.25"), text("1")])),
            "0.1" | "0.25" | "0.5" | "1" | "2.5" | "2" | "5" => Release::Round(text("10")),
            _ => return None,
        },
        Release::TopCode(n) => match n.as_str() {
            "10" => Release::TopCode(text("5")),
            "5" => r.one(&[Release::TopCode(text("0")), Release::Bands(vec![text("0"), text("5")])]),
            "2" => Release::TopCode(text("1")),
            _ => return None,
        },
        Release::BottomCode(n) => match n.as_str() {
            "0" => r.one(&[Release::BottomCode(text("1")), Release::Bands(vec![text("1"), text("2")])]),
            _ => return None,
        },
        Release::Bands(edges) if edges.len() > 1 => Release::Bands(edges[1..].to_vec()),
        _ => return None,
    })
}
