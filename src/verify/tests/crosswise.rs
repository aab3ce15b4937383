//! What tables say beside each other: steps of the cohort, links, linked tables, samples, projects.

use super::fixture::{CENSUS, Columns, JOBS, LEAVERS, PEOPLE, constant, named, person, pick, rows, text, variable};
use super::world::World;
use crate::catalogue::Period;
use crate::spec::{Condition, Request, Selection, Step, Test};
use crate::verify::{first_people, share_people};
use crate::vocab::{Decimal, Encoding, Release, Spells, Term, Type, Value, YearKind};
use arrow::array::{Array, Float64Array, Int16Array, Int32Array, UInt32Array};
use std::sync::Arc;

fn without(columns: &mut Columns, gone: impl Fn(usize) -> bool) {
    let kept: UInt32Array = (0..columns[0].1.len()).filter(|i| !gone(*i)).map(|i| u32::try_from(i).ok()).collect();
    columns.iter_mut().for_each(|(_, array)| *array = arrow::compute::take(array, &kept, None).unwrap());
}

fn passes(world: &World) {
    assert!(world.verdict().passes(), "{:?}", world.verdict().findings);
}

fn on_roll(value: i64) -> Selection {
    let test = Test::Equals(Value::Int(value));
    let condition = Some(Condition::Test { variable: "OnRoll".to_owned(), test });
    Selection { terms: vec![Term::Spring], condition, ..rows("npd.school_census", "2010/2011") }
}

#[test]
fn a_step_that_was_not_applied_shows_in_released_rows() {
    let with = |step: Step| {
        let mut world = World::new();
        world.spec.cohort.steps.push(step);
        world
    };
    let one_less = |mut world: World, stem: &'static str, of: fn(usize) -> bool| {
        world.change(stem, |columns| without(columns, of));
        world
    };
    let contradicted = ["cohort-step-contradicted"];
    passes(&with(Step::Require(on_roll(1))));
    assert_eq!(one_less(with(Step::Require(on_roll(1))), CENSUS, |i| i == 7).codes(), contradicted);
    // The extract need not hold all rows that a step looked at.
    let autumn_too = Selection { terms: vec![Term::Spring, Term::Autumn], ..on_roll(1) };
    passes(&one_less(with(Step::Require(autumn_too)), CENSUS, |i| i == 7));
    passes(&with(Step::Exclude(on_roll(2))));
    assert_eq!(with(Step::Exclude(on_roll(1))).codes(), contradicted);
    // What another term or a withheld value says, nobody can tell.
    passes(&with(Step::Exclude(Selection { terms: vec![Term::Summer], ..on_roll(1) })));
    let gender = Test::Equals(Value::Text("M".to_owned()));
    let withheld = Condition::Test { variable: "Gender".to_owned(), test: gender };
    passes(&with(Step::Exclude(Selection { condition: Some(withheld), ..on_roll(1) })));
    let jobs = || rows("hmrc.employment", "2015/2016..2016/2017");
    passes(&with(Step::Require(jobs())));
    assert_eq!(one_less(with(Step::Require(jobs())), JOBS, |i| i < 2).codes(), contradicted);
    assert_eq!(with(Step::Exclude(rows("hmrc.employment", "2016/2017"))).codes(), contradicted);
    let starting = Selection { spells: Spells::Starting, ..rows("hmrc.employment", "2016/2017") };
    passes(&with(Step::Exclude(starting)));
    // A later include may bring people whom the step never saw.
    let mut world = with(Step::Exclude(on_roll(1)));
    world.spec.cohort.steps.push(Step::Include(rows("npd.ks4", "2010/2011")));
    passes(&world);
    // The includes alone: everybody must have a row of one of them.
    let mut world = World::new();
    world.spec.cohort.steps = vec![Step::Include(on_roll(1))];
    passes(&world);
    assert_eq!(one_less(world, CENSUS, |i| i == 0).codes(), contradicted);
}

#[test]
fn a_sample_keeps_whom_the_first_bytes_name() {
    let mut world = World::new();
    world.spec.cohort.steps.push(Step::Sample(0.5));
    passes(&world);
    let looked = world.verdict().checks.into_iter().find(|check| check.check == "sampled-people").unwrap();
    assert_eq!(looked.looked_at, PEOPLE as u64);
    *world.spec.cohort.steps.last_mut().unwrap() = Step::Sample(0.0);
    assert_eq!(world.codes(), ["person-not-sampled"]);
    world.spec.cohort.steps.push(Step::Include(rows("npd.ks4", "2010/2011")));
    passes(&world);
}

#[test]
fn a_linked_table_repeats_its_base_row_by_row() {
    let mut world = World::new();
    world.change(LEAVERS, |columns| without(columns, |i| i == 3));
    assert_eq!(world.codes(), ["linked-differs"]);
    let mut world = World::new();
    let score = |i: usize| Some(0.05 * if i == 39 { 18.0 } else { (i / 2) as f64 });
    world.replace(LEAVERS, "Score", Arc::new((0..2 * PEOPLE).map(score).collect::<Float64Array>()));
    assert_eq!(world.codes(), ["linked-differs"]);
}

/// The fixture, with the joined earnings in tables of their own; `change` is made to them.
fn with_earnings(change: impl FnOnce(&mut Vec<(usize, i32, i16)>)) -> World {
    let mut world = World::new();
    let element = world.catalogue.elements.iter_mut().find(|e| e.name.as_str() == "hmrc.earnings").unwrap();
    let (kind, column, encoding) = (YearKind::TaxYear, "TaxYear".to_owned(), Encoding::Joined);
    element.period = Period::Column { kind, column, encoding };
    element.variables.push(variable("TaxYear", Type::Int32));
    let capped = Release::TopCode(Decimal::parse("1000").unwrap());
    world.spec.elements.push(Request {
        rows: rows("hmrc.earnings", "2015/2016"),
        variables: vec![pick("TaxYear", Release::AsIs), pick("Earnings", capped)],
        justification: String::new(),
    });
    let mut cells: Vec<_> = (0..PEOPLE).step_by(2).map(|i| (i, 201_516, i16::try_from(i * 10).unwrap())).collect();
    change(&mut cells);
    let columns = named([
        ("person_id", text(|i| Some(person(cells[i].0)), cells.len())),
        ("tax_year", constant("2015/2016", cells.len())),
        ("TaxYear", Arc::new(cells.iter().map(|c| Some(c.1)).collect::<Int32Array>())),
        ("Earnings", Arc::new(cells.iter().map(|c| Some(c.2)).collect::<Int16Array>())),
    ]);
    world.tables.insert("hmrc.earnings/2015-2016", columns);
    world.write("hmrc.earnings/2015-2016", super::world::properties());
    world
}

#[test]
fn joined_values_are_those_of_the_element_s_own_tables() {
    passes(&with_earnings(|_| {}));
    assert_eq!(with_earnings(|cells| cells[3].2 += 1).codes(), ["linked-differs"]);
    assert_eq!(with_earnings(|cells| cells.retain(|(person, ..)| *person != 6)).codes(), ["linked-differs"]);
    assert_eq!(with_earnings(|cells| cells.insert(1, (1, 201_516, 5))).codes(), ["linked-differs"]);
    let twice = with_earnings(|cells| cells.insert(3, cells[3]));
    assert_eq!(twice.codes(), ["join-not-single", "linked-differs"]);
}

#[test]
fn a_released_year_is_the_table_s() {
    assert_eq!(with_earnings(|cells| cells[3].1 = 201_617).codes(), ["period-not-approved"]);
    assert_eq!(with_earnings(|cells| cells[3].1 = 201_518).codes(), ["period-not-approved"]);
}

#[test]
fn two_projects_that_call_somebody_alike_are_told_apart() {
    let world = World::new();
    let people = first_people(&world.data());
    assert_eq!(people.len(), PEOPLE);
    std::fs::remove_file(world.path("persons")).unwrap();
    world.write_csv("persons");
    assert_eq!(first_people(&world.data()), people);
    std::fs::write(world.data().join("persons.parquet"), "PAR1 and no more").unwrap();
    assert_eq!(first_people(&world.data()), people, "a damaged file is refused elsewhere");
    let others: Vec<u128> = people.iter().map(|person| person + 1).collect();
    assert!(share_people(&people, &people[7..8]) && !share_people(&people, &others));
    assert!(!share_people(&people, &[]) && people.is_sorted());
}
