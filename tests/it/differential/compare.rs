//! A published extract against what the reference reckons: files, columns, types, order, every cell, and the counts of the
//! record. What is published as CSV is read by a reader of our own.

use super::coverage::Coverage;
use super::documents::{date, decimal};
use super::model::{Cell, Kind};
use super::reference::{Expected, Table};
use super::spec::{Output, Project};
use crate::support::{files, manifest, read};
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Says how an extract differs from what it must be; counts what was compared.
pub(super) fn extract(folder: &Path, project: &Project, expected: &Expected, coverage: &mut Coverage) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_table = |path: &String| path.ends_with(".parquet") || (path.ends_with(".csv") && path != "codebook.csv");
    let have: BTreeSet<String> = files(&folder.join("data")).into_keys().filter(is_table).collect();
    let endings: &[&str] = match project.output {
        Output::Parquet => &["parquet"],
        Output::Csv => &["csv"],
        Output::Both => &["parquet", "csv"],
    };
    let all = expected.tables.keys().flat_map(|path| endings.iter().map(move |end| format!("{path}.{end}")));
    let want: BTreeSet<String> = all.collect();
    wrong.extend(want.difference(&have).map(|path| format!("lacks {path}")));
    wrong.extend(have.difference(&want).map(|path| format!("has {path}, which nobody asked for")));
    for path in want.intersection(&have) {
        let file = folder.join("data").join(path);
        let (stem, end) = path.rsplit_once('.').unwrap();
        let table = &expected.tables[stem];
        let difference = if end == "csv" { csv(&file, table) } else { parquet(&read(&file), table) };
        wrong.extend(difference.map(|difference| format!("{path}: {difference}")));
        coverage.tables += 1;
        coverage.rows += u64::try_from(table.rows.len()).unwrap();
        coverage.cells += u64::try_from(table.rows.len() * table.columns.len()).unwrap();
    }
    counts(&manifest(folder), expected, coverage, &mut wrong);
    wrong
}

fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => DataType::Boolean,
        Kind::Int8 => DataType::Int8,
        Kind::Int16 => DataType::Int16,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Float32 => DataType::Float32,
        Kind::Float64 => DataType::Float64,
        Kind::Decimal(p, s) => DataType::Decimal128(p, i8::try_from(s).unwrap()),
        Kind::Text => DataType::Utf8,
        Kind::Date => DataType::Date32,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

fn parquet(batch: &RecordBatch, table: &Table) -> Option<String> {
    let have: Vec<(String, DataType)> =
        batch.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
    let want: Vec<(String, DataType)> = table.columns.iter().map(|c| (c.name.clone(), arrow_type(c.kind))).collect();
    if have != want {
        return Some(format!("columns are {have:?}, and must be {want:?}"));
    }
    let cell = |row: usize, column: usize| cell(batch.column(column), row);
    first_difference(table, batch.num_rows(), cell)
}

/// The first cell that is not what it must be, with its row.
fn first_difference(table: &Table, rows: usize, cell: impl Fn(usize, usize) -> Cell) -> Option<String> {
    for (at, row) in table.rows.iter().enumerate().take(rows) {
        for (column, want) in row.iter().enumerate() {
            let have = cell(at, column);
            if have != *want {
                let name = &table.columns[column].name;
                let line: Vec<Cell> = (0..row.len()).map(|column| cell(at, column)).collect();
                return Some(format!(
                    "row {at}, {name} is {have:?}, and must be {want:?}\n  is   {line:?}\n  must {row:?}"
                ));
            }
        }
    }
    (rows != table.rows.len()).then(|| format!("{rows} rows, and there must be {}", table.rows.len()))
}

fn cell(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    match column.data_type() {
        DataType::Boolean => Cell::Bool(column.as_boolean().value(row)),
        DataType::Int8 => Cell::Int(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => Cell::Int(column.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => Cell::Int(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Cell::Float(column.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => Cell::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, s) => {
            Cell::Decimal(column.as_primitive::<Decimal128Type>().value(row), u8::try_from(*s).unwrap())
        }
        DataType::Utf8 => Cell::text(column.as_string::<i32>().value(row)),
        DataType::Date32 => Cell::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(_, _) => Cell::Stamp(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        other => panic!("{other} is in no extract"),
    }
}

/// The records of a CSV file: cells with whether they stood in quotes.
fn records(text: &str) -> Vec<Vec<(String, bool)>> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), (String::new(), false));
    let mut inside = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if inside && characters.peek() == Some(&'"') => {
                characters.next();
                cell.0.push('"');
            }
            '"' => {
                inside = !inside;
                cell.1 = true;
            }
            ',' if !inside => record.push(std::mem::take(&mut cell)),
            '\r' if !inside && characters.peek() == Some(&'\n') => {
                characters.next();
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            other => cell.0.push(other),
        }
    }
    assert!(record.is_empty() && cell.0.is_empty() && !inside, "the last record ends like the others");
    records
}

fn csv(path: &Path, table: &Table) -> Option<String> {
    let records = records(&std::fs::read_to_string(path).unwrap());
    let header: Vec<&str> = records[0].iter().map(|(name, _)| name.as_str()).collect();
    let want: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    if header != want {
        return Some(format!("columns are {header:?}, and must be {want:?}"));
    }
    if let Some(odd) = records.iter().find(|r| r.len() != want.len()) {
        return Some(format!("a record has {} cells, and must have {}", odd.len(), want.len()));
    }
    let cell = |row: usize, column: usize| parsed(&records[row + 1][column], table.columns[column].kind);
    first_difference(table, records.len() - 1, cell)
}

/// A cell of a CSV file: missing is empty, an empty text stands in quotes.
fn parsed((text, quoted): &(String, bool), kind: Kind) -> Cell {
    if text.is_empty() && !quoted {
        return Cell::Null;
    }
    let float = |text: &str| match text {
        "INF" => f64::INFINITY,
        "-INF" => f64::NEG_INFINITY,
        other => other.parse().unwrap(),
    };
    match kind {
        Kind::Text => Cell::text(text),
        Kind::Bool => Cell::Bool(text.parse().unwrap()),
        Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => Cell::Int(text.parse().unwrap()),
        Kind::Float32 if !text.contains("INF") => Cell::Float(text.parse::<f32>().unwrap().into()),
        Kind::Float32 | Kind::Float64 => Cell::Float(float(text)),
        Kind::Decimal(_, s) => {
            let unscaled: i128 = text.replace('.', "").parse().unwrap();
            // The text must have all its places: read back, it must be the same.
            if decimal(unscaled, s) == *text { Cell::Decimal(unscaled, s) } else { Cell::text(text) }
        }
        Kind::Date => {
            let days = text.parse::<jiff::civil::Date>().unwrap().since(date(0)).unwrap().get_days();
            Cell::Date(days)
        }
        Kind::Timestamp => {
            let moment: jiff::civil::DateTime = text.parse().unwrap();
            let since = moment.since((jiff::Unit::Second, date(0).at(0, 0, 0, 0))).unwrap();
            let micros = since.total(jiff::Unit::Microsecond).unwrap();
            Cell::Stamp(format!("{micros:.0}").parse().unwrap())
        }
    }
}

/// The counts of the record that the reference can tell.
fn counts(manifest: &Value, expected: &Expected, coverage: &mut Coverage, wrong: &mut Vec<String>) {
    let mut check = |what: String, have: &Value, want: usize| {
        coverage.counts += 1;
        if have.as_u64() != u64::try_from(want).ok() {
            wrong.push(format!("manifest: {what} is {have}, and must be {want}"));
        }
    };
    let attrition = &manifest["attrition"];
    check("persons".to_owned(), &attrition["persons"], expected.persons);
    for (i, (before, matched, after)) in expected.attrition.iter().enumerate() {
        let step = &attrition["steps"][i];
        check(format!("people before step {i}"), &step["people_before"], *before);
        check(format!("people matched by step {i}"), &step["people_matched"], *matched);
        check(format!("people after step {i}"), &step["people_after"], *after);
    }
    for (i, (kind, people)) in expected.linked.iter().enumerate() {
        check(format!("people with a {kind}"), &manifest["linked"][i]["persons"], *people);
    }
    for (i, (rows, identifiers, ambiguous, persons)) in expected.links.iter().enumerate() {
        let link = &manifest["links"][i];
        check(format!("rows of link {i}"), &link["rows"], *rows);
        check(format!("identifiers of link {i}"), &link["identifiers"], *identifiers);
        check(format!("ambiguous identifiers of link {i}"), &link["ambiguous"], *ambiguous);
        check(format!("people of link {i}"), &link["persons"], *persons);
    }
    let tables = manifest["tables"].as_array().unwrap();
    check("the number of tables".to_owned(), &Value::from(tables.len()), expected.tables.len());
    for record in tables {
        let path = record["path"].as_str().unwrap_or_default().trim_end_matches(".parquet");
        let Some(table) = expected.tables.get(path) else { continue };
        let people: BTreeSet<String> = table.rows.iter().map(|row| format!("{:?}", row[0])).collect();
        check(format!("rows of {path}"), &record["rows"], table.rows.len());
        check(format!("people of {path}"), &record["persons"], people.len());
        for (i, column) in record["columns"].as_array().into_iter().flatten().enumerate() {
            let missing = table.rows.iter().filter(|row| row[i].is_null()).count();
            check(format!("missing values of column {i} of {path}"), &column["missing"], missing);
            let codes = &table.columns[i].codes;
            let stray = |row: &&Vec<Cell>| !codes.is_empty() && !row[i].is_null() && !codes.contains(&row[i]);
            let unknown = table.rows.iter().filter(stray).count();
            check(format!("unknown codes of column {i} of {path}"), &column["unknown_codes"], unknown);
        }
    }
    let slices = manifest["slices"].as_array().unwrap();
    check("the number of slices".to_owned(), &Value::from(slices.len()), expected.fates.len());
    for record in slices {
        let part = |name: &str| record["slice"][name].as_str().unwrap_or_default();
        let slice = format!("{} {}", part("year"), part("term"));
        let of = (record["element"].as_str().unwrap_or_default().to_owned(), slice.trim().to_owned());
        let fates = expected.fates.get(&of).cloned().unwrap_or_default();
        for (name, have) in record["fates"].as_object().unwrap() {
            let want = fates.get(name.as_str()).copied().unwrap_or(0);
            check(format!("{name} of {} {}", of.0, of.1), have, want);
        }
    }
}
