//! One Parquet file: its schema, its properties, and the row groups that are written to it.

use super::chunk::{Encoder, Encoders, Picked};
use super::codes::Codes;
use super::gather::RowSet;
use super::paged::Chunk;
use crate::deidentify::arrow_type;
use crate::files::{Disk, HashingWriter, Written};
use crate::plan::Layout;
use crate::vocab::{Error, Observer, Result, Slice, WriteFault};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What every file says made it: nothing of the host, the user or the sources.
const CREATED_BY: &str = concat!("leo-extract ", env!("CARGO_PKG_VERSION"));
/// Rows of a row group at most.
const ROW_GROUP_ROWS: usize = 512 * 1024;
/// Cells of a row group at most, about: that many wait until it is full. Both bounds are told from the schema, so that the
/// bytes depend on schema and rows alone.
const ROW_GROUP_CELLS: usize = 8 * 1024 * 1024;

/// What stands beside the rows of a table.
pub(super) struct Beside<'a> {
    /// The project's `person_id`s by rank.
    pub(super) ids: &'a [[u8; 16]],
    /// The texts of the columns between `person_id` and the rows' own that are the same throughout.
    pub(super) lead: Vec<String>,
    /// Whom to ask whether to go on.
    pub(super) observer: &'a dyn Observer,
}

/// A file being written.
pub(super) struct TableWriter {
    path: PathBuf,
    writer: SerializedFileWriter<HashingWriter>,
    encoder: Encoder,
    group_rows: usize,
    rows: u64,
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
    fields.extend(layout.columns.iter().map(|c| Field::new(&c.name, arrow_type(c.kind), true)));
    Arc::new(Schema::new(fields))
}

impl TableWriter {
    /// Opens a file; its folder must exist.
    pub(super) fn create(path: &Path, schema: &Schema, encoder: Encoder) -> Result<Self> {
        let file = HashingWriter::create(path)?;
        let fault = |_: ParquetError| Error::Internal("a table's schema is none of Parquet's".to_owned());
        let properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true);
        let schema = ArrowSchemaConverter::new().convert(schema).map_err(fault)?;
        let columns = schema.num_columns();
        let writer = SerializedFileWriter::new(file, schema.root_schema_ptr(), Arc::new(properties.build()))
            .map_err(|e| failed(path, &e))?;
        let group_rows = ROW_GROUP_ROWS.min(ROW_GROUP_CELLS / columns.max(1)).max(1);
        Ok(Self { path: path.to_path_buf(), writer, encoder, group_rows, rows: 0 })
    }

    /// Writes rows that are sorted, or stand side by side and are sorted by rank: as many whole row groups as there are; where
    /// these are the last, all of them. Returns the rows that are left, which the next call must begin with.
    pub(super) fn write(
        &mut self,
        mut rows: RowSet,
        last: bool,
        beside: &Beside<'_>,
        codes: &mut [Codes],
    ) -> Result<RowSet> {
        let mut start = 0;
        while start < rows.len() {
            let end = rows.len().min(start + self.group_rows);
            if end - start < self.group_rows && !last {
                break;
            }
            match rows.gathered(start..end) {
                Some(gathered) => self.group(&gathered, 0..gathered.len(), beside, codes)?,
                None => self.group(&rows, start..end, beside, codes)?,
            }
            start = end;
        }
        rows.behind(start)
    }

    fn group(
        &mut self,
        rows: &RowSet,
        range: std::ops::Range<usize>,
        Beside { ids, lead, observer }: &Beside<'_>,
        codes: &mut [Codes],
    ) -> Result<()> {
        let fault = || Error::Internal("rows do not fit their table".to_owned());
        let Self { path, writer, encoder, .. } = self;
        let columns = writer.schema_descr().columns().to_vec();
        let picks = rows.picks().get(range).ok_or_else(fault)?;
        if columns.len() != 1 + lead.len() + codes.len() || rows.width() != codes.len() {
            return Err(fault());
        }
        let ranks: Vec<u32> = picks.iter().map(|p| p.rank).collect();
        let of_one: Option<Vec<u32>> = (rows.parts() == 1).then(|| picks.iter().map(|p| p.row).collect());
        let picked = Picked { picks, rows: of_one.as_deref() };
        let mut group = writer.next_row_group().map_err(|e| failed(path, &e))?;
        let mut add = |encoder: &mut Encoder, chunk: Chunk| {
            group.append_column(&chunk.bytes, chunk.close).map_err(|e| failed(path, &e))?;
            encoder.reuse(chunk.bytes);
            Ok(())
        };
        let (first, rest) = columns.split_first().ok_or_else(fault)?;
        let (leading, delivered) = rest.split_at(lead.len());
        let chunk = encoder.ids(&ranks, ids, first)?;
        add(encoder, chunk)?;
        for (text, of) in lead.iter().zip(leading) {
            let chunk = encoder.constant(text, ranks.len(), of)?;
            add(encoder, chunk)?;
        }
        for (column, (of, codes)) in delivered.iter().zip(codes).enumerate() {
            observer.go_on()?;
            let chunk = encoder.column(rows, column, picked, of, codes)?;
            add(encoder, chunk)?;
        }
        group.close().map_err(|e| failed(path, &e))?;
        self.rows += u64::try_from(ranks.len()).unwrap_or(0);
        Ok(())
    }

    /// Ends the file, and has it brought to the disk. Returns what was written and its rows, and gives the encoder back.
    pub(super) fn finish(self, encoders: &Encoders, disk: &Disk) -> Result<(Written, u64)> {
        let path = self.path;
        let file = self.writer.into_inner().map_err(|e| failed(&path, &e))?;
        encoders.give(self.encoder);
        Ok((file.finish(disk)?, self.rows))
    }
}

/// A failed write, with what the system said but without what the encoder said.
fn failed(path: &Path, error: &ParquetError) -> Error {
    let source = match error {
        ParquetError::External(inner) => inner.downcast_ref::<std::io::Error>(),
        _ => None,
    };
    match source {
        Some(source) => WriteFault::new("write", path, source).error(),
        None => Error::writing("write", path, std::io::ErrorKind::Other.into()),
    }
}

/// The texts of the year and term columns of a slice.
pub(super) fn slice_texts(layout: &Layout, slice: Option<Slice>) -> Vec<String> {
    let mut texts = Vec::new();
    if let (Some(_), Some(slice)) = (layout.year, slice) {
        texts.push(slice.year.to_string());
    }
    if let (true, Some(term)) = (layout.term, slice.and_then(|s| s.term)) {
        texts.push(term.as_str().to_owned());
    }
    texts
}
