//! Link tables with the faults of life, and the people who are never to be released.

use super::arrays::push_identifier;
use super::columns::Around;
use super::identifiers::{ae_id, blank, nonsense, record_id};
use super::people::Population;
use super::random::{Draw, Visit, hash, label};
use crate::catalogue::LinkTable;
use crate::vocab::Kind;
use arrow::array::{ArrayRef, Int32Builder, Int64Builder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema};
use std::sync::Arc;

/// The schema of a link table.
pub(super) fn schema(link: &LinkTable) -> Schema {
    let of = if is_number(&link.identifier.kind) { DataType::Int32 } else { DataType::Utf8 };
    Schema::new(vec![Field::new(&link.person, DataType::Int64, true), Field::new(&link.identifier.column, of, true)])
}

fn is_number(kind: &Kind) -> bool {
    kind.as_str() == "recordid"
}

/// The pairs of a link table, as they are gathered.
struct Pairs {
    persons: Int64Builder,
    texts: StringBuilder,
    numbers: Int32Builder,
    rows: usize,
    out: String,
}

/// One identifier of a person.
#[derive(Clone, Copy)]
struct Identifier<'a> {
    kind: &'a str,
    own: u64,
    seed: u64,
    number: u64,
    which: u64,
}

impl Pairs {
    fn push(&mut self, person: Option<i64>, of: Identifier<'_>) {
        self.persons.append_option(person);
        if of.kind == "recordid" {
            self.numbers.append_option(i32::try_from(record_id(of.seed, of.number, of.which)).ok());
        } else {
            self.out.clear();
            push_identifier(of.kind, of.own, of.seed, of.number, of.which, &mut self.out);
            self.texts.append_value(&self.out);
        }
        self.rows += 1;
    }

    fn push_wrong(&mut self, person: i64, text: Option<&str>) {
        self.persons.append_value(person);
        self.texts.append_option(text);
        self.numbers.append_option(text.and_then(|t| t.parse().ok()));
        self.rows += 1;
    }
}

/// The arrays of one chunk of people, and its rows.
pub(super) fn chunk(
    link: &LinkTable,
    population: &Population,
    (first, people): (u64, u64),
    around: Around<'_>,
    draw: &mut Draw,
) -> (Vec<ArrayRef>, usize) {
    let (kind, own) = (link.identifier.kind.as_str(), label(link.identifier.kind.as_str()));
    let (seed, faults) = (around.seed, around.faults);
    let mut pairs = Pairs {
        persons: Int64Builder::new(),
        texts: StringBuilder::new(),
        numbers: Int32Builder::new(),
        rows: 0,
        out: String::new(),
    };
    let visit = Visit::new(people, draw.wide());
    for turn in 0..people {
        let number = first + visit.at(turn);
        let key = population.person_key(number);
        if draw.chance(faults.blank_identifier) {
            pairs.push_wrong(ae_id(seed, number), blank(draw.wide()));
        }
        if draw.chance(faults.malformed_identifier) {
            pairs.push_wrong(ae_id(seed, number), Some(nonsense(draw.wide())));
        }
        if population.is_unlinked(key, own) {
            continue;
        }
        let identifiers = if is_number(&link.identifier.kind) {
            u64::from(population.person(number).further.years.unsigned_abs())
        } else {
            1 + u64::from(population.has_second(key, own))
        };
        for which in 0..identifiers {
            let of = Identifier { kind, own, seed, number, which };
            pairs.push(Some(ae_id(seed, number)), of);
            if draw.chance(faults.double_link) {
                pairs.push(Some(ae_id(seed, number)), of);
            }
            if draw.chance(faults.ambiguous_link) {
                pairs.push(Some(ae_id(seed, (number + 1) % population.persons.max(2))), of);
            }
            if draw.chance(faults.blank_identifier) {
                // An identifier of nobody: the row says nothing.
                pairs.push(None, of);
            }
        }
    }
    let identifiers: ArrayRef = if is_number(&link.identifier.kind) {
        Arc::new(pairs.numbers.finish())
    } else {
        Arc::new(pairs.texts.finish())
    };
    (vec![Arc::new(pairs.persons.finish()), identifiers], pairs.rows)
}

/// The schema of the people never to be released.
pub(super) fn objections_schema() -> Schema {
    Schema::new(vec![Field::new("pmr", DataType::Utf8, true)])
}

/// The people never to be released: one in a thousand, at least three where there are so many, at most five hundred.
pub(super) fn objections(population: &Population) -> (Vec<ArrayRef>, usize) {
    let own = label("pmr");
    let wanted = (population.persons / 1_000).clamp(3, 500).min(population.persons);
    let visit = Visit::new(population.persons, hash(population.seed, 4_711));
    let mut texts = StringBuilder::new();
    let mut out = String::new();
    for turn in 0..wanted {
        out.clear();
        push_identifier("pmr", own, population.seed, visit.at(turn), 0, &mut out);
        texts.append_value(&out);
    }
    (vec![Arc::new(texts.finish())], usize::try_from(wanted).unwrap_or(0))
}
