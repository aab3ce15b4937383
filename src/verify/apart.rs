//! Two projects share no pseudonym: the first people of their extracts, by pseudonym, beside each other.
//!
//! Pseudonyms are uniform, so that people of both projects who were called alike would stand among the first of both, in
//! the same share as among all.

use super::people::number;
use crate::files::{footer_is_sound, operation};
use arrow::array::AsArray;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// How many people are looked at.
const FIRST: usize = 1 << 16;

/// The first people of an extract, in their order. None where they cannot be read: that is refused elsewhere.
#[must_use]
pub fn first_people(data: &Path) -> Vec<u128> {
    // A damaged file may take the decoder by surprise.
    let read = std::panic::catch_unwind(|| parquet(data).or_else(|| csv(data)));
    let mut people = read.ok().flatten().unwrap_or_default();
    people.sort_unstable();
    people
}

fn parquet(data: &Path) -> Option<Vec<u128>> {
    let file = operation::open(&data.join("persons.parquet")).ok()?;
    if !footer_is_sound(&file).ok()? {
        return None;
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
    let first = ProjectionMask::leaves(reader.parquet_schema(), [0]);
    let mut people = Vec::new();
    for batch in reader.with_projection(first).with_limit(FIRST).build().ok()? {
        let batch = batch.ok()?;
        let column = arrow::compute::cast(batch.columns().first()?, &arrow::datatypes::DataType::Utf8View).ok()?;
        people.extend(column.as_string_view().iter().flatten().filter_map(|text| person(text.as_bytes())));
    }
    Some(people)
}

fn csv(data: &Path) -> Option<Vec<u128>> {
    let file = BufReader::new(operation::open(&data.join("persons.csv")).ok()?.take(64 << 20));
    let rows = file.lines().skip(1).take(FIRST).map_while(Result::ok);
    Some(rows.filter_map(|row| person(row.split(',').next()?.trim_end().as_bytes())).collect())
}

fn person(text: &[u8]) -> Option<u128> {
    text.try_into().ok().map(number)
}

/// Whether two projects call anybody alike; both lists rise.
#[must_use]
pub fn share_people(a: &[u128], b: &[u128]) -> bool {
    a.iter().any(|person| b.binary_search(person).is_ok())
}
