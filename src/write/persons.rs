//! Writing `persons.parquet`: one row a cohort person, and whether each link kind leads to it.

use super::encode::{TableWriter, id_column};
use super::gather::CHUNK_ROWS;
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
    observer: &dyn Observer,
) -> Result<TableRecord> {
    let mut fields = vec![Field::new("person_id", DataType::Utf8, false)];
    fields.extend(linked.iter().map(|(kind, _)| Field::new(format!("linked_{kind}"), DataType::Boolean, false)));
    let names: Vec<String> = fields.iter().map(|f| f.name().clone()).collect();
    let mut writer = TableWriter::create(&data.join("persons.parquet"), Arc::new(Schema::new(fields)))?;
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let ranks: Vec<u32> = (0..count).collect();
    let mut start = 0;
    for chunk in ranks.chunks(CHUNK_ROWS) {
        observer.go_on()?;
        let mut columns = vec![id_column(chunk, ids)?];
        for (_, flags) in linked {
            let flags = flags.get(start..start + chunk.len()).unwrap_or_default();
            columns.push(Arc::new(BooleanArray::from(flags.to_vec())) as ArrayRef);
        }
        writer.write(columns)?;
        start += chunk.len();
    }
    let (digests, rows) = writer.finish()?;
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
        bytes: digests.bytes,
        sha256: digests.sha256,
        sha512: digests.sha512,
        columns,
        recipe,
    })
}
