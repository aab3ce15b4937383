//! A small extract, made without any of the builder's rooms: catalogue, spec, tables, account.

use crate::catalogue::{Catalogue, Element, Identifier, LinkTable, Links, Period, Template, Variable};
use crate::spec::{
    Cohort, Condition, Expect, Join, Linked, Output, Pick, Project, Request, Secondment, Selection, Spec, Step, Test,
};
use crate::vocab::{
    Calendar, Decimal, Edge, ElementName, Kind, Owner, Place, ProjectId, Release, Spells, Term, Truncate, Type, Value,
    YearKind, Years,
};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array, Int16Array, StringArray,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The columns of a table, by name.
pub(super) type Columns = Vec<(String, ArrayRef)>;

pub(super) const PEOPLE: usize = 20;
pub(super) const KS4: &str = "npd.ks4/2010-2011";
pub(super) const LATER: &str = "npd.ks4/2011-2012";
pub(super) const CENSUS: &str = "npd.school_census/2010-2011-spring";
pub(super) const JOBS: &str = "hmrc.employment/all";
pub(super) const LEAVERS: &str = "linked/leavers";

pub(super) fn person(i: usize) -> String {
    format!("{:016}", i * 31)
}

pub(super) fn text<T: AsRef<str>>(of: impl Fn(usize) -> Option<T>, rows: usize) -> ArrayRef {
    Arc::new((0..rows).map(of).collect::<StringArray>())
}

pub(super) fn constant(value: &'static str, rows: usize) -> ArrayRef {
    text(|_| Some(value), rows)
}

fn element(name: &str, period: Period, terms: Vec<Term>, variables: Vec<Variable>) -> Element {
    let covered = matches!(period, Period::Slice { .. } | Period::Column { .. });
    Element {
        name: ElementName::new(name).unwrap(),
        title: String::new(),
        owner: Owner::DfE,
        identifier: Identifier { column: "PMR".to_owned(), kind: Kind::new("pmr").unwrap() },
        period,
        location: Template::for_tests("x"),
        terms,
        suffix: None,
        coverage: if covered { Years::parse("2009/2010..2018/2019").unwrap() } else { Years::default() },
        absent: Vec::new(),
        grain: Vec::new(),
        variables,
        at: Place::default(),
    }
}

pub(super) fn variable(name: &str, kind: Type) -> Variable {
    Variable {
        name: name.to_owned(),
        label: String::new(),
        kind,
        years: None,
        identifiability: 5,
        sensitivity: 'E',
        by_request: true,
        codes: Vec::new(),
        tags: Vec::new(),
        release: Release::AsIs,
        was: Vec::new(),
    }
}

pub(super) fn pick(variable: &str, release: Release) -> Pick {
    Pick { variable: variable.to_owned(), release }
}

pub(super) fn rows(element: &str, years: &str) -> Selection {
    Selection {
        element: ElementName::new(element).unwrap(),
        years: Years::parse(years).unwrap(),
        terms: Vec::new(),
        spells: Spells::Overlapping,
        condition: None,
    }
}

pub(super) fn catalogue() -> Catalogue {
    let academic = Period::Slice { kind: YearKind::AcademicYear };
    let tax = Period::Slice { kind: YearKind::TaxYear };
    let spell = Period::Spell { start: "StartDate".to_owned(), end: "EndDate".to_owned(), calendar: Calendar::TaxYear };
    let decimal = Type::Decimal { precision: 5, scale: 2 };
    let ks4 = vec![
        variable("Level2", Type::Int8),
        Variable { codes: vec!["SW1A 1AA".to_owned()], ..variable("LSOA", Type::Text) },
        variable("LAESTAB", Type::Text),
        Variable { identifiability: 1, ..variable("DateOfBirth", Type::Date) },
        variable("Score", Type::Float64),
        variable("Points", decimal),
        Variable { years: Years::parse("2011/2012"), ..variable("Late", Type::Int16) },
        variable("Secret", Type::Int8),
        Variable { release: Release::Never, ..variable("PMR", Type::Text) },
    ];
    let census = vec![variable("OnRoll", Type::Int8), variable("Gender", Type::Text)];
    let jobs = vec![variable("StartDate", Type::Date), variable("EndDate", Type::Date)];
    let mut elements = vec![
        element("npd.ks4", academic.clone(), Vec::new(), ks4),
        element("npd.school_census", academic, Term::ALL.to_vec(), census),
        element("hmrc.employment", spell, Vec::new(), jobs),
        element("hmrc.earnings", tax, Vec::new(), vec![variable("Earnings", Type::Int16)]),
    ];
    elements.sort_by(|a, b| a.name.cmp(&b.name));
    let link = |kind: &str| LinkTable {
        name: String::new(),
        location: String::new(),
        person: String::new(),
        identifier: Identifier { column: String::new(), kind: Kind::new(kind).unwrap() },
        at: Place::default(),
    };
    let links = Links {
        person: Kind::new("ae_id").unwrap(),
        version: "1".to_owned(),
        tables: vec![link("pmr"), link("edukey")],
    };
    Catalogue { elements, links, rules: Vec::new(), digest: String::new(), documents: Vec::new(), warnings: Vec::new() }
}

pub(super) fn spec() -> Spec {
    let ks4 = Request {
        rows: Selection {
            // `Secret` is not released: it may have been anything.
            condition: Some(Condition::All(vec![
                Condition::Test { variable: "Level2".to_owned(), test: Test::AtLeast(Value::Int(0)) },
                Condition::Test { variable: "Secret".to_owned(), test: Test::Equals(Value::Int(1)) },
            ])),
            ..rows("npd.ks4", "2010/2011..2011/2012")
        },
        variables: vec![
            pick("Level2", Release::AsIs),
            pick("LSOA", Release::AsIs),
            pick("LAESTAB", Release::Pseudonymise(Kind::new("laestab").unwrap())),
            pick("DateOfBirth", Release::Truncate(Truncate::Month)),
            pick("Score", Release::Round(Decimal::parse("0.05").unwrap())),
            pick("Points", Release::Bands(["10", "20"].map(|edge| Edge::parse(edge).unwrap()).to_vec())),
            pick("Late", Release::AsIs),
        ],
        justification: String::new(),
    };
    let census = Request {
        rows: Selection {
            terms: vec![Term::Spring],
            condition: Some(Condition::Test { variable: "OnRoll".to_owned(), test: Test::Equals(Value::Int(1)) }),
            ..rows("npd.school_census", "2010/2011")
        },
        variables: vec![pick("OnRoll", Release::AsIs), pick("Gender", Release::Prefix(1))],
        justification: String::new(),
    };
    let jobs = Request {
        rows: rows("hmrc.employment", "2015/2016..2016/2017"),
        variables: vec![pick("StartDate", Release::AsIs), pick("EndDate", Release::AsIs)],
        justification: String::new(),
    };
    let join = Join {
        rows: rows("hmrc.earnings", "2015/2016"),
        variables: vec![pick("Earnings", Release::TopCode(Decimal::parse("1000").unwrap()))],
        prefix: "y2015_".to_owned(),
    };
    let text = String::new;
    Spec {
        project: Project {
            id: ProjectId::new("LEO-1").unwrap(),
            title: text(),
            organisation: text(),
            gateway_act: text(),
            gateway_section: text(),
            purposes: Vec::new(),
        },
        secondment: Secondment {
            starts: jiff::civil::date(2020, 1, 1),
            ends: jiff::civil::date(2021, 1, 1),
            researchers: 1,
        },
        revision: 1,
        epoch: 1,
        link_version: None,
        cohort: Cohort {
            description: text(),
            steps: vec![Step::Include(rows("npd.ks4", "2010/2011")), Step::RequireLink(Kind::new("pmr").unwrap())],
        },
        elements: vec![ks4, census, jobs],
        linked: vec![Linked {
            name: "leavers".to_owned(),
            from: ElementName::new("npd.ks4").unwrap(),
            joins: vec![join],
        }],
        expect: Expect { persons: Some((10, 30)), linked: vec![(Kind::new("edukey").unwrap(), 0.4, 0.6)] },
        output: Output { parquet: true, csv: false },
        sha256: text(),
        text: text(),
        at: Place::default(),
    }
}

/// The columns of Key Stage 4 for the people of both years, in their order.
fn ks4(year: &'static str, late: bool, people: usize) -> Columns {
    let first_of_month = |i: usize| Some([0, 31, 59, 90][i % 4]);
    named([
        ("person_id", text(|i| Some(person(i)), people)),
        ("academic_year", constant(year, people)),
        ("Level2", Arc::new((0..people).map(|i| i8::try_from(i % 2).ok()).collect::<Int8Array>())),
        ("LSOA", text(|i| (i > 0).then(|| if i == 1 { "SW1A 1AA".into() } else { format!("E0100{i:04}") }), people)),
        ("LAESTAB", text(|i| Some(format!("3g80mycebt8{:05}", i % 3)), people)),
        ("DateOfBirth", Arc::new((0..people).map(first_of_month).collect::<Date32Array>())),
        ("Score", Arc::new((0..people).map(|i| Some(0.05 * i as f64)).collect::<Float64Array>())),
        ("Points", text(|i| Some(["<10", "10-<20", ">=20"][i % 3]), people)),
        ("Late", Arc::new((0..people).map(|_| late.then_some(7)).collect::<Int16Array>())),
    ])
}

pub(super) fn named<const N: usize>(columns: [(&str, ArrayRef); N]) -> Columns {
    columns.into_iter().map(|(name, array)| (name.to_owned(), array)).collect()
}

/// The linked table over the tables of both years.
pub(super) fn leavers(one: &Columns, two: &Columns) -> Columns {
    let mut leavers: Columns = Vec::new();
    for ((name, a), (_, b)) in one.iter().zip(two) {
        let both = arrow::compute::concat(&[a.as_ref(), b.as_ref()]).unwrap();
        let order: arrow::array::UInt32Array =
            (0..PEOPLE).flat_map(|i| [i, i + PEOPLE]).map(|i| u32::try_from(i).ok()).collect();
        leavers.push((name.clone(), arrow::compute::take(&both, &order, None).unwrap()));
    }
    let earnings: Int16Array =
        (0..2 * PEOPLE).map(|i| (i % 4 < 2).then_some(i16::try_from(i / 2 * 10).unwrap())).collect();
    leavers.push(("y2015_Earnings".to_owned(), Arc::new(earnings)));
    leavers
}

pub(super) fn all_tables() -> BTreeMap<&'static str, Columns> {
    let jobs = |i: usize| i / 2; // two spells a person
    let day = |i: usize| i32::try_from(16_600 + 100 * (i % 2)).ok();
    let (one, two) = (ks4("2010/2011", false, PEOPLE), ks4("2011/2012", true, PEOPLE));
    let leavers = leavers(&one, &two);
    let linked =
        |of: fn(usize) -> bool| Arc::new((0..PEOPLE).map(|i| Some(of(i))).collect::<BooleanArray>()) as ArrayRef;
    BTreeMap::from([
        (
            "persons",
            named([
                ("person_id", text(|i| Some(person(i)), PEOPLE)),
                ("linked_pmr", linked(|_| true)),
                ("linked_edukey", linked(|i| i % 2 == 0)),
            ]),
        ),
        (KS4, one),
        (LATER, two),
        (
            CENSUS,
            named([
                ("person_id", text(|i| Some(person(i)), PEOPLE)),
                ("academic_year", constant("2010/2011", PEOPLE)),
                ("term", constant("spring", PEOPLE)),
                ("OnRoll", Arc::new(Int8Array::from(vec![1; PEOPLE]))),
                ("Gender", text(|i| Some(["M", "F"][i % 2]), PEOPLE)),
            ]),
        ),
        (
            JOBS,
            named([
                ("person_id", text(|i| Some(person(jobs(i))), 2 * PEOPLE)),
                ("StartDate", Arc::new((0..2 * PEOPLE).map(day).collect::<Date32Array>())),
                ("EndDate", Arc::new((0..2 * PEOPLE).map(|i| (i % 2 == 0).then_some(16_900)).collect::<Date32Array>())),
            ]),
        ),
        (LEAVERS, leavers),
    ])
}

/// A decimal column, for the tests that put one where it does not belong.
pub(super) fn decimals(rows: usize) -> ArrayRef {
    let array = Decimal128Array::from(vec![100; rows]);
    Arc::new(array.with_precision_and_scale(5, 2).unwrap())
}
