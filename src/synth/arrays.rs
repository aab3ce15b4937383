//! Arrays: the values of one column for the rows of a chunk, in the column's physical type.

use super::columns::{Around, Column, Source};
use super::identifiers::{
    ae_id, blank, nonsense, other_case, push_husid, push_nino, push_opaque, push_uln, push_upn, record_id,
};
use super::people::Person;
use super::random::{Draw, hash, label, whole};
use super::rows::{Row, Rows, UNREADABLE, Wrong};
use super::values::{Cell, Make};
use crate::vocab::{Encoding, Error, Result, Type};
use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder, Int8Builder,
    Int16Builder, Int32Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, TimeUnit};
use std::fmt::Write;
use std::sync::Arc;

const DAY_MILLISECONDS: i64 = 86_400_000;

/// The array of a column.
pub(super) fn array(column: &Column, rows: &Rows, around: Around<'_>, draw: &mut Draw) -> Result<ArrayRef> {
    match &column.source {
        Source::Identifier(kind) if column.declared == Type::Text => {
            let own = label(kind.as_str());
            Ok(texts(rows, column, 24, |row, person, out| {
                identifier_text(kind.as_str(), own, row, person, around, out, draw)
            }))
        }
        Source::Identifier(kind) => {
            let records = kind.as_str() == "recordid";
            integers(column, rows, |row, person| identifier_number(records, row, person, around, draw))
        }
        Source::Period(encoding) if column.declared == Type::Text => {
            Ok(texts(rows, column, 10, |row, _, out| period_text(*encoding, row, out)))
        }
        Source::Period(encoding) => integers(column, rows, |row, _| Some(period_number(*encoding, row))),
        Source::Value(make) => values(column, make, rows, around, draw),
    }
}

/// Whether the column holds anything for a row.
fn holds(column: &Column, row: &Row) -> bool {
    let in_years = match &column.years {
        None => true,
        Some(years) => i16::try_from(row.year).is_ok_and(|y| years.contains(crate::vocab::Year(y))),
    };
    in_years && !(column.on_roll && row.is(super::rows::OFF_ROLL))
}

fn values(column: &Column, make: &Make, rows: &Rows, around: Around<'_>, draw: &mut Draw) -> Result<ArrayRef> {
    let (term, seed) = (around.term, around.seed);
    match make {
        Make::Text(make) => {
            let unknown = if column.coded { around.faults.unknown_code } else { 0.0 };
            Ok(texts(rows, column, 8, |row, person, out| {
                if !make(&mut Cell { row, person, term, seed, draw: &mut *draw }, out) {
                    return false;
                }
                if draw.chance(unknown) {
                    misspell(out);
                }
                true
            }))
        }
        Make::Whole(make) if column.declared == Type::Text => Ok(texts(rows, column, 8, |row, person, out| {
            make(&mut Cell { row, person, term, seed, draw: &mut *draw })
                .is_some_and(|value| write!(out, "{value}").is_ok())
        })),
        Make::Whole(make) => match column.physical {
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => reals(column, rows, |row, person| {
                make(&mut Cell { row, person, term, seed, draw: &mut *draw })
                    .and_then(|v| i32::try_from(v).ok())
                    .map(f64::from)
            }),
            _ => integers(column, rows, |row, person| make(&mut Cell { row, person, term, seed, draw: &mut *draw })),
        },
        Make::Real(make) => {
            reals(column, rows, |row, person| make(&mut Cell { row, person, term, seed, draw: &mut *draw }))
        }
        Make::Day(make) => {
            days(column, rows, |row, person| make(&mut Cell { row, person, term, seed, draw: &mut *draw }))
        }
    }
}

/// A code that nobody described: the code in small letters, or an old one.
fn misspell(out: &mut String) {
    if out.bytes().any(|b| b.is_ascii_uppercase()) {
        out.make_ascii_lowercase();
    } else {
        out.clear();
        out.push_str("ZZ");
    }
}

/// A text array; `make` puts the text into an empty string, or says `false` for missing.
fn texts(
    rows: &Rows,
    column: &Column,
    length: usize,
    mut make: impl FnMut(&Row, &Person, &mut String) -> bool,
) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(rows.rows.len(), rows.rows.len() * length);
    let mut out = String::with_capacity(64);
    for row in &rows.rows {
        out.clear();
        if holds(column, row) && make(row, &rows.people[row.who as usize], &mut out) {
            builder.append_value(&out);
        } else {
            builder.append_null();
        }
    }
    Arc::new(builder.finish())
}

/// The values of all rows, one by one.
fn each<T>(
    rows: &Rows,
    column: &Column,
    mut make: impl FnMut(&Row, &Person) -> Option<T>,
    mut append: impl FnMut(Option<T>),
) {
    for row in &rows.rows {
        append(if holds(column, row) { make(row, &rows.people[row.who as usize]) } else { None });
    }
}

fn integers(column: &Column, rows: &Rows, make: impl FnMut(&Row, &Person) -> Option<i64>) -> Result<ArrayRef> {
    // Whatever the physical type, a value must fit the declared one.
    let (least, most) = match column.declared {
        Type::Int8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
        Type::Int16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        Type::Int32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    macro_rules! build {
        ($builder:ident) => {{
            let mut builder = $builder::with_capacity(rows.rows.len());
            each(rows, column, make, |value| {
                builder.append_option(value.and_then(|v| v.clamp(least, most).try_into().ok()));
            });
            Ok(Arc::new(builder.finish()))
        }};
    }
    match column.physical {
        DataType::Boolean => {
            let mut builder = BooleanBuilder::with_capacity(rows.rows.len());
            each(rows, column, make, |value| builder.append_option(value.map(|v| v != 0)));
            Ok(Arc::new(builder.finish()))
        }
        DataType::Int8 => build!(Int8Builder),
        DataType::Int16 => build!(Int16Builder),
        DataType::Int32 => build!(Int32Builder),
        DataType::Int64 => build!(Int64Builder),
        _ => Err(mismatch(column)),
    }
}

fn reals(column: &Column, rows: &Rows, make: impl FnMut(&Row, &Person) -> Option<f64>) -> Result<ArrayRef> {
    match column.physical {
        DataType::Float64 => {
            let mut builder = Float64Builder::with_capacity(rows.rows.len());
            each(rows, column, make, |value| builder.append_option(value));
            Ok(Arc::new(builder.finish()))
        }
        DataType::Float32 => {
            let mut builder = Float32Builder::with_capacity(rows.rows.len());
            each(rows, column, make, |value| builder.append_option(value.map(narrow)));
            Ok(Arc::new(builder.finish()))
        }
        DataType::Decimal128(precision, scale) => {
            let unit = 10_f64.powi(i32::from(scale));
            let most = 10_f64.powi(i32::from(precision.min(15))) - 1.0;
            let mut builder = Decimal128Builder::with_capacity(rows.rows.len()).with_data_type(column.physical.clone());
            each(rows, column, make, |value| {
                builder.append_option(value.map(|v| i128::from(whole((v * unit).round().clamp(-most, most)))));
            });
            Ok(Arc::new(builder.finish()))
        }
        _ => Err(mismatch(column)),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the nearest single is what the column holds")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn days(column: &Column, rows: &Rows, mut make: impl FnMut(&Row, &Person) -> Option<i32>) -> Result<ArrayRef> {
    // A spell whose period cannot be read has no first day.
    let make = |row: &Row, person: &Person| {
        let day = make(row, person)?;
        (!(column.opens && row.is(UNREADABLE))).then_some(day)
    };
    match column.physical {
        DataType::Date32 => {
            let mut builder = Date32Builder::with_capacity(rows.rows.len());
            each(rows, column, make, |value| builder.append_option(value));
            Ok(Arc::new(builder.finish()))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let mut builder = TimestampMillisecondBuilder::with_capacity(rows.rows.len());
            each(rows, column, make, |v| builder.append_option(v.map(|d| i64::from(d) * DAY_MILLISECONDS)));
            Ok(Arc::new(builder.finish()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let mut builder = TimestampMicrosecondBuilder::with_capacity(rows.rows.len());
            each(rows, column, make, |v| builder.append_option(v.map(|d| i64::from(d) * DAY_MILLISECONDS * 1000)));
            Ok(Arc::new(builder.finish()))
        }
        _ => Err(mismatch(column)),
    }
}

fn mismatch(column: &Column) -> Error {
    Error::Internal(format!("the maker of the synthetic column {} does not suit its type", column.name))
}

/// Puts an identifier as it stands in the source.
fn identifier_text(
    kind: &str,
    own: u64,
    row: &Row,
    person: &Person,
    around: Around<'_>,
    out: &mut String,
    draw: &mut Draw,
) -> bool {
    match row.wrong {
        Wrong::Blank => {
            return blank(draw.wide()).is_some_and(|text| {
                out.push_str(text);
                true
            });
        }
        Wrong::Malformed if draw.chance(0.5) => {
            out.push_str(nonsense(draw.wide()));
            return true;
        }
        // An identifier with blanks around it is still one.
        Wrong::Malformed => out.push(' '),
        _ => {}
    }
    let stranger = row.wrong == Wrong::Stranger;
    let number = if stranger { (1 << 40) + draw.wide() % (1 << 30) } else { person.number };
    push_identifier(kind, own, around.seed, number, u64::from(row.which), out);
    match row.wrong {
        Wrong::OtherCase => *out = other_case(out),
        Wrong::Malformed => out.push_str("  "),
        _ => {}
    }
    true
}

/// Puts the identifier of a kind: `which` tells the first from the second, and one ILR record from another.
pub(super) fn push_identifier(kind: &str, own: u64, seed: u64, person: u64, which: u64, out: &mut String) {
    let key = || hash(hash(hash(seed, own), person), which);
    match kind {
        "pmr" => push_opaque(out, seed, own, person, which, 18),
        "edukey" => push_opaque(out, seed, own, person, which, 14),
        "upn" => push_upn(out, key(), 201 + person % 700, 2004),
        "uln" => push_uln(out, key()),
        "husid" => push_husid(out, key(), 2009),
        "nino" => push_nino(out, key()),
        "recordid" => {
            let _ = write!(out, "{}", record_number(seed, person, which));
        }
        "ae_id" => {
            let _ = write!(out, "{}", ae_id(seed, person));
        }
        _ => push_opaque(out, seed, own, person, which, 16),
    }
}

/// The number of an ILR record; strangers have those of the last people there could be.
fn record_number(seed: u64, person: u64, which: u64) -> i64 {
    let person = if person < (1 << 28) { person } else { (1 << 28) - 1 - (person & 0xf_ffff) };
    record_id(seed, person, which)
}

fn identifier_number(records: bool, row: &Row, person: &Person, around: Around<'_>, draw: &mut Draw) -> Option<i64> {
    let number = match row.wrong {
        Wrong::Blank => return None,
        Wrong::Malformed => return Some(0),
        Wrong::Stranger => around.persons.max(1 << 27) + u64::from(draw.bits() & 0x3ff_ffff),
        _ => person.number,
    };
    Some(if records { record_number(around.seed, number, u64::from(row.which)) } else { ae_id(around.seed, number) })
}

/// Puts the year as the encoding writes it, or something that cannot be read.
fn period_text(encoding: Encoding, row: &Row, out: &mut String) -> bool {
    if row.is(UNREADABLE) {
        out.push_str(if row.bits & 1 == 1 { "unknown" } else { "" });
        return row.bits & 2 == 2;
    }
    let (start, end) = (row.year, row.year + 1);
    match encoding {
        Encoding::LongPair => write!(out, "{start}/{end}"),
        Encoding::ShortPair => write!(out, "{start}/{:02}", end % 100),
        Encoding::EndYear => write!(out, "{end}"),
        Encoding::StartYear => write!(out, "{start}"),
        Encoding::Joined => write!(out, "{start}{:02}", end % 100),
    }
    .is_ok()
}

fn period_number(encoding: Encoding, row: &Row) -> i64 {
    let start = i64::from(row.year);
    match encoding {
        // No tax year goes from 2012 to 2014; year 0 is in no coverage.
        Encoding::Joined if row.is(UNREADABLE) => start * 100 + (start + 2) % 100,
        _ if row.is(UNREADABLE) => 0,
        Encoding::Joined => start * 100 + (start + 1) % 100,
        Encoding::EndYear => start + 1,
        _ => start,
    }
}
