//! Writing `persons.parquet`: one row a cohort person, and whether each link kind leads to it.

use super::chunk::Encoders;
use super::codes::Codes;
use super::encode::{Beside, TableWriter};
use super::gather::RowSet;
use crate::files::Disk;
use crate::vocab::{ColumnRecord, Kind, Observer, Release, Result, TableRecord, Type};
use arrow::array::{ArrayRef, BooleanArray};
use arrow::datatypes::{DataType, Field, Schema};
use std::path::Path;
use std::sync::Arc;

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
    let mut writer = TableWriter::create(&data.join("persons.parquet"), &Schema::new(fields), encoders.take()?)?;
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
        path: "persons.parquet".to_owned(),
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
