//! `persons.parquet`: one row a cohort person, and whether each link kind leads to it. It is written here, and its people are
//! read here again where a later run keeps it.

use super::chunk::Encoders;
use super::codes::Codes;
use super::encode::{Beside, TableWriter};
use super::gather::RowSet;
use crate::files::{Disk, operation};
use crate::plan::PEOPLE;
use crate::vocab::{ColumnRecord, Kind, Observer, Release, Result, TableRecord, Type};
use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::path::Path;
use std::sync::Arc;

/// People for whom room is asked at once, whatever a footer tells.
const MOST_AT_ONCE: usize = 1 << 26;
/// People read at a time.
const BATCH: usize = 1 << 16;

/// Writes the table of people. `linked` tells for each kind, by rank, whether the person has an unambiguous identifier.
///
/// # Errors
/// Where the file cannot be written, or the run is interrupted.
pub fn persons(
    data: &Path,
    ids: &[[u8; 16]],
    linked: &[(Kind, Vec<bool>)],
    recipe: String,
    (disk, observer): (&Disk, &dyn Observer),
) -> Result<TableRecord> {
    let encoders = Encoders::default();
    let mut fields = vec![Field::new("person_id", DataType::Utf8, false)];
    fields.extend(linked.iter().map(|(kind, _)| Field::new(format!("linked_{kind}"), DataType::Boolean, false)));
    let names: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();
    let mut writer = TableWriter::create(&data.join(PEOPLE), &Schema::new(fields), encoders.take()?)?;
    let ranks: Vec<u32> = (0..u32::try_from(ids.len()).unwrap_or(u32::MAX)).collect();
    let flags: Vec<ArrayRef> =
        linked.iter().map(|(_, f)| Arc::new(BooleanArray::from(f.clone())) as ArrayRef).collect();
    let mut codes: Vec<Codes> = linked.iter().map(|_| Codes::new(&[])).collect();
    let beside = Beside { ids, lead: Vec::new(), observer };
    writer.write(RowSet::of_arrays(&ranks, &flags)?, true, &beside, &mut codes)?;
    let (written, rows) = writer.finish(&encoders, disk)?;
    let columns = names
        .into_iter()
        .enumerate()
        .map(|(i, name)| ColumnRecord {
            name,
            element: None,
            variable: None,
            kind: if i == 0 { Type::Text } else { Type::Bool },
            release: Release::AsIs,
            missing: 0,
            unknown_codes: 0,
        })
        .collect();
    Ok(TableRecord {
        path: PEOPLE.to_owned(),
        element: None,
        slice: None,
        rows,
        persons: rows,
        bytes: written.bytes,
        sha256: written.sha256,
        sha512: String::new(),
        columns,
        recipe,
    })
}

/// The people that a file lists, each by 16 characters which rise; `None` where it is no such file.
#[must_use]
pub fn people_of(file: &Path) -> Option<Vec<[u8; 16]>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(operation::open(file).ok()?).ok()?;
    let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).ok()?;
    let first = ProjectionMask::leaves(reader.parquet_schema(), [0]);
    let mut ids = Vec::with_capacity(rows.min(MOST_AT_ONCE));
    for batch in reader.with_projection(first).with_batch_size(BATCH).build().ok()? {
        let batch = batch.ok()?;
        let column = batch.columns().first()?.as_string_opt::<i32>()?;
        for id in column {
            ids.push(id?.as_bytes().try_into().ok()?);
        }
    }
    ids.is_sorted_by(|a, b| a < b).then_some(ids)
}
