//! One Parquet file: its schema, its encodings, and the chunks that are written to it.

use crate::files::{Digests, HashingWriter};
use crate::plan::Layout;
use crate::vocab::{Error, Result, Slice, Type};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, make_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What every file says made it: nothing of the host, the user or the sources.
const CREATED_BY: &str = concat!("leo-extract ", env!("CARGO_PKG_VERSION"));
/// Rows of a row group at most.
const ROW_GROUP_ROWS: usize = 1024 * 1024;
/// Cells of a row group, about: it is held in memory, encoded, until it is full. Both bounds are told from the schema, so
/// that the bytes depend on schema and rows alone.
const ROW_GROUP_CELLS: usize = 16 * 1024 * 1024;

/// A file being written.
pub(super) struct TableWriter {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<HashingWriter>,
    rows: u64,
}

/// The Arrow type of a delivered column.
fn delivered(kind: Type) -> DataType {
    match kind {
        Type::Bool => DataType::Boolean,
        Type::Int8 => DataType::Int8,
        Type::Int16 => DataType::Int16,
        Type::Int32 => DataType::Int32,
        Type::Int64 => DataType::Int64,
        Type::Float32 => DataType::Float32,
        Type::Float64 => DataType::Float64,
        Type::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        Type::Text => DataType::Utf8View,
        Type::Date => DataType::Date32,
        Type::Timestamp => DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None),
    }
}

/// The schema of a table: `person_id`, year, term, variables.
pub(super) fn schema_of(layout: &Layout) -> SchemaRef {
    let mut fields = vec![Field::new("person_id", DataType::Utf8, false)];
    if let Some(kind) = layout.year {
        fields.push(Field::new(kind.column(), DataType::Utf8, false));
    }
    if layout.term {
        fields.push(Field::new("term", DataType::Utf8, false));
    }
    fields.extend(layout.columns.iter().map(|c| Field::new(&c.name, delivered(c.kind), true)));
    Arc::new(Schema::new(fields))
}

impl TableWriter {
    /// Opens a file; its folder must exist.
    pub(super) fn create(path: &Path, schema: SchemaRef) -> Result<Self> {
        let file = HashingWriter::create(path)?;
        let level = ZstdLevel::try_new(1).map_err(|_| Error::Internal("no such compression level".to_owned()))?;
        let mut properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(
                ROW_GROUP_ROWS.min(ROW_GROUP_CELLS / schema.fields().len().max(1)).max(1),
            ))
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true);
        // Pseudonyms are all different: a dictionary of them would only be thrown away.
        let id = ColumnPath::from("person_id");
        properties = properties.set_column_dictionary_enabled(id, false);
        let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        let writer =
            ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options).map_err(|e| failed(path, &e))?;
        Ok(Self { path: path.to_path_buf(), schema, writer, rows: 0 })
    }

    /// Writes a chunk. Chunks must be cut by the rows alone, or the bytes would differ.
    pub(super) fn write(&mut self, columns: Vec<ArrayRef>) -> Result<()> {
        let fault = || Error::Internal("a chunk does not fit its table".to_owned());
        let columns = columns.into_iter().map(|c| settle(c).ok_or_else(fault)).collect::<Result<_>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(|_| fault())?;
        self.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        self.writer.write(&batch).map_err(|e| failed(&self.path, &e))
    }

    /// Ends the file. Returns its digests and rows.
    pub(super) fn finish(self) -> Result<(Digests, u64)> {
        let path = self.path;
        let file = self.writer.into_inner().map_err(|e| failed(&path, &e))?;
        Ok((file.finish()?, self.rows))
    }
}

/// A column of which nothing is missing, without the mask that says so: the encoder cuts pages otherwise where there is
/// one, and whether there is one depends on how the rows came here.
fn settle(column: ArrayRef) -> Option<ArrayRef> {
    if column.nulls().is_none() || column.null_count() > 0 {
        return Some(column);
    }
    Some(make_array(column.to_data().into_builder().nulls(None).build().ok()?))
}

/// A failed write, with what the system said but without what the encoder said.
fn failed(path: &Path, error: &ParquetError) -> Error {
    let source = match error {
        ParquetError::External(inner) => inner.downcast_ref::<std::io::Error>().map(|e| {
            e.raw_os_error().map_or_else(|| std::io::Error::from(e.kind()), std::io::Error::from_raw_os_error)
        }),
        _ => None,
    };
    match source {
        Some(source) => Error::writing("write", path, source),
        None => Error::writing("write", path, std::io::Error::from(std::io::ErrorKind::Other)),
    }
}

/// The `person_id` column of some ranks.
pub(super) fn id_column(ranks: &[u32], ids: &[[u8; 16]]) -> Result<ArrayRef> {
    let fault = || Error::Internal("a rank without a pseudonym".to_owned());
    let mut bytes = Vec::with_capacity(ranks.len() * 16);
    for rank in ranks {
        bytes.extend_from_slice(ids.get(*rank as usize).ok_or_else(fault)?);
    }
    let lengths = arrow::buffer::OffsetBuffer::<i32>::from_lengths(std::iter::repeat_n(16, ranks.len()));
    Ok(Arc::new(StringArray::try_new(lengths, bytes.into(), None).map_err(|_| fault())?))
}

/// A column of one text.
pub(super) fn constant(text: &str, rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows)))
}

/// The year and term columns of a slice.
pub(super) fn slice_columns(layout: &Layout, slice: Option<Slice>, rows: usize) -> Vec<ArrayRef> {
    let mut columns = Vec::new();
    if let (Some(_), Some(slice)) = (layout.year, slice) {
        columns.push(constant(&slice.year.to_string(), rows));
    }
    if let (true, Some(term)) = (layout.term, slice.and_then(|s| s.term)) {
        columns.push(constant(term.as_str(), rows));
    }
    columns
}

/// A gathered column as it is delivered: pseudonyms as their 16 characters, all else unchanged.
pub(super) fn deliver(column: ArrayRef) -> ArrayRef {
    let Some(bytes) = column.as_fixed_size_binary_opt().filter(|b| b.value_length() == 10) else { return column };
    let mut builder = arrow::array::StringViewBuilder::with_capacity(bytes.len());
    for row in 0..bytes.len() {
        let text = (!bytes.is_null(row))
            .then(|| bytes.value(row).first_chunk::<10>().map(crate::keys::pseudonym_text))
            .flatten();
        builder.append_option(text.as_ref().and_then(|t| std::str::from_utf8(t).ok()));
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int32Array;
    use arrow::buffer::NullBuffer;

    #[test]
    fn a_mask_that_masks_nothing_leaves_no_trace_in_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("Earnings", DataType::Int32, true)]));
        let values: Vec<i32> = (0..100_000).map(|i| i * 7919 % 60_000).collect();
        let digest = |name: &str, nulls: Option<NullBuffer>| {
            let mut writer = TableWriter::create(&folder.path().join(name), Arc::clone(&schema)).unwrap();
            writer.write(vec![Arc::new(Int32Array::new(values.clone().into(), nulls))]).unwrap();
            writer.finish().unwrap().0.sha256
        };
        assert_eq!(digest("a", None), digest("b", Some(NullBuffer::new_valid(values.len()))));
    }
}
