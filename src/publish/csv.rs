//! CSV: the twin of a Parquet table, and the few rows that the codebook needs. RFC 4180, UTF-8, a header, CRLF.
//!
//! Missing is empty; an empty text is `""`, so that the two stay apart. Dates are ISO, booleans `true` and `false`,
//! floats the shortest text that reads back. Text that a spreadsheet might take for a formula (`=1+1`) is left as it is:
//! a twin says what the table says, and is meant for statistical programs.

use crate::files::{Disk, HashingWriter, Written, operation};
use crate::vocab::{Error, Observer, Result};
use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fmt::{self, Display, Write as _};
use std::io::Write as _;
use std::path::Path;

/// Writes a Parquet table once more as CSV, a batch at a time.
///
/// # Errors
/// The table cannot be read, holds a type that no catalogue has, the CSV file cannot be written, or the run is interrupted.
pub fn csv_twin(parquet: &Path, csv: &Path, (disk, observer): (&Disk, &dyn Observer)) -> Result<Written> {
    let file = operation::open(parquet).map_err(|e| Error::reading("read", parquet, e))?;
    // The reader's own text may quote cells.
    let unreadable = || Error::reading("read", parquet, std::io::Error::other("not a readable Parquet table"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| unreadable())?;
    let mut text = String::new();
    let names: Vec<String> = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
    push_row(&mut text, names.iter().map(String::as_str));
    let mut writer = HashingWriter::create(csv)?;
    for batch in reader.build().map_err(|_| unreadable())? {
        observer.go_on()?;
        push_batch(&mut text, &batch.map_err(|_| unreadable())?)?;
        writer.write_all(text.as_bytes()).map_err(|e| Error::writing("write", csv, e))?;
        text.clear();
    }
    writer.write_all(text.as_bytes()).map_err(|e| Error::writing("write", csv, e))?;
    writer.finish(disk)
}

/// Appends a row of texts.
pub(super) fn push_row<'a>(out: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (i, cell) in cells.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_text(out, cell, false);
    }
    out.push_str("\r\n");
}

/// Appends a text, quoted where it must be.
fn push_text(out: &mut String, text: &str, quote_empty: bool) {
    let edge = text.starts_with(' ') || text.ends_with(' ');
    if edge || text.contains([',', '"', '\r', '\n']) || (text.is_empty() && quote_empty) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

fn push_batch(out: &mut String, batch: &RecordBatch) -> Result<()> {
    for row in 0..batch.num_rows() {
        for (i, column) in batch.columns().iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            if !column.is_null(row) {
                push_cell(out, column, row)
                    .map_err(|fmt::Error| Error::Internal("a table holds a type that no catalogue has".to_owned()))?;
            }
        }
        out.push_str("\r\n");
    }
    Ok(())
}

/// Appends a cell that is not missing. Fails on a type that no catalogue has.
fn push_cell(out: &mut String, column: &ArrayRef, row: usize) -> fmt::Result {
    match column.data_type() {
        DataType::Utf8 => push_text(out, column.as_string::<i32>().value(row), true),
        DataType::LargeUtf8 => push_text(out, column.as_string::<i64>().value(row), true),
        DataType::Utf8View => push_text(out, column.as_string_view().value(row), true),
        DataType::Boolean => return write!(out, "{}", column.as_boolean().value(row)),
        DataType::Int8 => return write!(out, "{}", column.as_primitive::<Int8Type>().value(row)),
        DataType::Int16 => return write!(out, "{}", column.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => return write!(out, "{}", column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => return write!(out, "{}", column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => {
            let value = column.as_primitive::<Float32Type>().value(row);
            return push_float(out, value.into(), &value);
        }
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            return push_float(out, value, &value);
        }
        DataType::Decimal128(_, _) => out.push_str(&column.as_primitive::<Decimal128Type>().value_as_string(row)),
        DataType::Date32 => return push_date(out, i64::from(column.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(TimeUnit::Second, _) => {
            return push_moment(out, column.as_primitive::<TimestampSecondType>().value(row), 1);
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            return push_moment(out, column.as_primitive::<TimestampMillisecondType>().value(row), 1_000);
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            return push_moment(out, column.as_primitive::<TimestampMicrosecondType>().value(row), 1_000_000);
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            return push_moment(out, column.as_primitive::<TimestampNanosecondType>().value(row), 1_000_000_000);
        }
        _ => return Err(fmt::Error),
    }
    Ok(())
}

/// The names of the values that are no numbers are those of the Data Package standard.
fn push_float(out: &mut String, value: f64, shown: &dyn Display) -> fmt::Result {
    match value {
        v if v.is_nan() => out.write_str("NaN"),
        f64::INFINITY => out.write_str("INF"),
        f64::NEG_INFINITY => out.write_str("-INF"),
        _ => write!(out, "{shown}"),
    }
}

/// Days since 1970-01-01 as a date of the proleptic Gregorian calendar, any year. Reckoned here, because open spells
/// end on 9999-12-31, beyond the last moment of most libraries.
fn push_date(out: &mut String, days: i64) -> fmt::Result {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    write!(out, "{year:04}-{month:02}-{day:02}")
}

/// A moment counted in parts of a second since 1970-01-01, without zone; the fraction only where there is one.
fn push_moment(out: &mut String, value: i64, parts: i64) -> fmt::Result {
    let (seconds, fraction) = (value.div_euclid(parts), value.rem_euclid(parts));
    push_date(out, seconds.div_euclid(86_400))?;
    let second = seconds.rem_euclid(86_400);
    write!(out, "T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)?;
    if fraction > 0 {
        let text = format!("{:09}", fraction * (1_000_000_000 / parts));
        write!(out, ".{}", text.trim_end_matches('0'))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::Silent;
    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    };
    use parquet::arrow::ArrowWriter;
    use std::fs::File;
    use std::sync::Arc;

    #[test]
    fn a_twin_says_what_the_table_says() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("text", Arc::new(StringArray::from(vec![Some("a,\"b\"\n"), Some(""), None, Some("=1+1")]))),
            ("bool", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, None]))),
            ("int", Arc::new(Int64Array::from(vec![Some(-7), Some(i64::MAX), None, Some(0)]))),
            ("half", Arc::new(Float32Array::from(vec![Some(0.1), Some(f32::NAN), None, Some(-0.0)]))),
            ("float", Arc::new(Float64Array::from(vec![Some(0.1), Some(f64::NEG_INFINITY), None, Some(1e21)]))),
            (
                "money",
                Arc::new(
                    Decimal128Array::from(vec![Some(-1205), Some(0), None, Some(5)])
                        .with_precision_and_scale(10, 2)
                        .unwrap(),
                ),
            ),
            ("day", Arc::new(Date32Array::from(vec![Some(2_932_896), Some(-1), None, Some(11_016)]))),
            (
                "at",
                Arc::new(TimestampMicrosecondArray::from(vec![
                    Some(-1),
                    Some(253_402_214_400_000_000),
                    None,
                    Some(1_500_000),
                ])),
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (table, twin) = (folder.path().join("t.parquet"), folder.path().join("t.csv"));
        let mut writer = ArrowWriter::try_new(File::create(&table).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let written = csv_twin(&table, &twin, (&Disk::begin().unwrap(), &Silent)).unwrap();
        let expected = "text,bool,int,half,float,money,day,at\r\n\
            \"a,\"\"b\"\"\n\",true,-7,0.1,0.1,-12.05,9999-12-31,1969-12-31T23:59:59.999999\r\n\
            \"\",false,9223372036854775807,NaN,-INF,0.00,1969-12-31,9999-12-31T00:00:00\r\n\
            ,,,,,,,\r\n\
            =1+1,,0,-0,1000000000000000000000,0.05,2000-02-29,1970-01-01T00:00:01.5\r\n";
        assert_eq!(std::fs::read_to_string(&twin).unwrap(), expected);
        let digests = crate::files::digest_file(&twin).unwrap();
        assert_eq!((written.bytes, written.sha256), (digests.bytes, digests.sha256));
    }

    #[test]
    fn what_is_no_table_is_refused_without_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let table = folder.path().join("t.parquet");
        std::fs::write(&table, "secret").unwrap();
        let beside: (&Disk, &dyn Observer) = (&Disk::begin().unwrap(), &Silent);
        let error = csv_twin(&table, &folder.path().join("t.csv"), beside).unwrap_err();
        assert!(!format!("{error:?}").contains("secret"));
    }
}
