//! One table's files: a Parquet file's footer against what may stand there, then its rows, one row group after the
//! other; and its twin in CSV beside it, or alone.

use super::cells::{Cells, arrow_type};
use super::crosswise::Crosswise;
use super::csv::{self, Fault};
use super::expected::Table;
use super::layout::Forms;
use super::people::People;
use super::rows::{Facts, Gathered, Walk};
use super::statistics::Extremes;
use super::tally::{Check, Tally};
use super::text::coded_type;
use crate::files::{dictionary_is_sound, footer_is_sound, operation, thrift_is_sound};
use crate::vocab::Observer;
use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// Cells that are decoded at a time, so that they stay near until they were looked at: a table of many columns is read in fewer
/// rows.
const CELLS: usize = 1 << 18;

/// The table in its first form, which is looked at in full.
pub(super) fn path(table: &Table<'_>, forms: Forms) -> String {
    format!("{}.{}", table.stem, if forms.parquet { "parquet" } else { "csv" })
}

/// Looks at a table. Gives what it came to and, for the table of people itself, the people; `None` where it cannot be
/// read or is another table than it should be, which is refused.
pub(super) fn check<'a>(
    data: &Path,
    table: &Table<'_>,
    forms: Forms,
    allowed: Option<(&'a People, &'a Crosswise<'a>)>,
    (observer, tally): (&dyn Observer, &mut Tally),
) -> Option<(Facts, Gathered)> {
    let name = path(table, forms);
    let twin = (forms.parquet && forms.csv).then(|| data.join(format!("{}.csv", table.stem)));
    // A damaged file must end in a refusal, also where it takes the decoder by surprise. What the decoder says may
    // quote cells, and is dropped.
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut tally = Tally::default();
        let path = data.join(&name);
        let facts = if forms.parquet {
            read((&path, twin.as_deref()), &name, table, allowed, (observer, &mut tally))
        } else {
            Ok(read_csv(&path, &name, table, allowed, (observer, &mut tally)))
        };
        (facts, tally)
    }));
    let (facts, found) = read.unwrap_or((Err(Unreadable), Tally::default()));
    tally.merge(found);
    match facts {
        Ok(facts) => facts,
        Err(Unreadable) => {
            tally.refuse("file-unreadable", &name, "the file cannot be read as Parquet to its end");
            None
        }
    }
}

/// A CSV table that has no twin.
fn read_csv<'a>(
    path: &Path,
    name: &str,
    table: &'a Table<'a>,
    allowed: Option<(&'a People, &'a Crosswise<'a>)>,
    (observer, tally): (&dyn Observer, &mut Tally),
) -> Option<(Facts, Gathered)> {
    tally.look(Check::Columns, table.columns.len());
    let mut walk = Walk::new(table, allowed);
    let mut all = || {
        let mut reader = csv::Reader::open(path, table)?;
        while let Some(columns) = reader.batch(batch_rows(table.columns.len()))? {
            observer.go_on().map_err(|_| Fault::Unreadable)?;
            walk.batch(&columns);
        }
        Ok(())
    };
    match all() {
        Ok(()) => Some(walk.finish(name, tally)),
        Err(fault) => {
            refuse_csv(&fault, name, table, tally);
            None
        }
    }
}

fn refuse_csv(fault: &Fault, name: &str, table: &Table<'_>, tally: &mut Tally) {
    match fault {
        Fault::Unreadable => tally.refuse("file-unreadable", name, "the file cannot be read as CSV to its end"),
        Fault::Header => tally.refuse("columns-differ", name, "the header does not name the columns that belong there"),
        Fault::Differs => tally.refuse("twins-differ", name, "the file says something else than its Parquet twin"),
        Fault::Cell(index) => {
            let column = table.columns.get(*index).map_or("", |column| column.name.as_str());
            tally.refuse("columns-differ", name, format!("`{column}` holds cells that are not of its type"));
        }
    }
}

/// How many rows are decoded at a time.
fn batch_rows(columns: usize) -> usize {
    (CELLS / columns.max(1)).clamp(1024, 16_384)
}

/// The file is damaged, or no Parquet.
struct Unreadable;

impl<E: std::error::Error> From<E> for Unreadable {
    fn from(_: E) -> Self {
        Self
    }
}

type Outcome = Result<Option<(Facts, Gathered)>, Unreadable>;

fn read<'a>(
    (path, twin): (&Path, Option<&Path>),
    name: &str,
    table: &'a Table<'a>,
    allowed: Option<(&'a People, &'a Crosswise<'a>)>,
    (observer, tally): (&dyn Observer, &mut Tally),
) -> Outcome {
    let file = operation::open(path)?;
    let options = || ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    // What the decoder could not survive is asked first: it makes room for whatever a footer or an index claims.
    if !footer_is_sound(&file)? || !pages_are_sound(&file, ArrowReaderMetadata::load(&file, options())?.metadata())? {
        return Err(Unreadable);
    }
    let pages = options().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = ArrowReaderMetadata::load(&file, pages)?;
    footer(&file, metadata.metadata(), name, tally)?;
    tally.look(Check::Columns, table.columns.len());
    if let Some(what) = other_columns(metadata.schema(), table) {
        tally.refuse("columns-differ", name, what);
        return Ok(None);
    }
    let mut walk = Walk::new(table, allowed);
    let mut twin = twin.map(|path| csv::Reader::open(path, table));
    for group in 0..metadata.metadata().num_row_groups() {
        let schema = Arc::new(forms(&metadata, group));
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options().with_schema(schema))?;
        row_group(&file, group, &metadata, name, tally, &mut |columns| {
            observer.go_on()?;
            walk.batch(columns);
            if let Some(Ok(reader)) = &mut twin
                && let Err(fault) = csv::compare(reader, columns)
            {
                twin = Some(Err(fault));
            }
            Ok(())
        })?;
    }
    if let Some(twin) = twin {
        let end = twin.and_then(|mut reader| match reader.batch(1)? {
            None => Ok(()),
            Some(_) => Err(Fault::Differs),
        });
        if let Err(fault) = end {
            refuse_csv(&fault, &format!("{}.csv", table.stem), table, tally);
        }
    }
    Ok(Some(walk.finish(name, tally)))
}

/// Whether every dictionary and page index of a file may be given to the decoder.
fn pages_are_sound(mut file: &File, footer: &ParquetMetaData) -> Result<bool, Unreadable> {
    for column in footer.row_groups().iter().flat_map(|group| group.columns()) {
        let raw = column.compression() == Compression::UNCOMPRESSED;
        if !dictionary_is_sound(file, column.byte_range().0, raw)? {
            return Ok(false);
        }
        let indices = [
            (column.column_index_offset(), column.column_index_length()),
            (column.offset_index_offset(), column.offset_index_length()),
        ];
        for (offset, length) in indices {
            let (Some(offset), Some(length)) = (offset, length) else { continue };
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(u64::try_from(offset)?))?;
            file.take(u64::try_from(length)?).read_to_end(&mut bytes)?;
            if !thrift_is_sound(&bytes) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The forms in which the columns of a row group are read: text as codes where it has a dictionary; the people, who come
/// first, as the texts themselves; all else as views.
fn forms(metadata: &ArrowReaderMetadata, group: usize) -> Schema {
    let chunks = metadata.metadata().row_group(group).columns();
    let form = |(index, field): (usize, &Arc<Field>)| {
        let form = match field.data_type() {
            DataType::Utf8 if index == 0 => DataType::Utf8,
            DataType::Utf8 if chunks.get(index).is_some_and(|chunk| chunk.dictionary_page_offset().is_some()) => {
                coded_type()
            }
            DataType::Utf8 => DataType::Utf8View,
            other => other.clone(),
        };
        Field::new(field.name(), form, field.is_nullable())
    };
    Schema::new(metadata.schema().fields().iter().enumerate().map(form).collect::<Vec<_>>())
}

fn row_group(
    file: &File,
    group: usize,
    forms: &ArrowReaderMetadata,
    name: &str,
    tally: &mut Tally,
    look: &mut dyn FnMut(&[ArrayRef]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let metadata = forms.metadata();
    let chunks = metadata.row_group(group).columns();
    let pages = |column: usize| metadata.column_index().and_then(|index| index.get(group)?.get(column));
    let told = |column: usize| chunks[column].statistics().is_some() || pages(column).is_some();
    let mut extremes: Vec<Option<Extremes>> = (0..chunks.len()).map(|i| told(i).then(Extremes::default)).collect();
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file.try_clone()?, forms.clone())
        .with_row_groups(vec![group])
        .with_batch_size(batch_rows(chunks.len()))
        .build()?;
    let mut rows = 0;
    for batch in reader {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        for (extremes, column) in extremes.iter_mut().zip(batch.columns()) {
            if let (Some(extremes), Some(cells)) = (extremes, Cells::of(column)) {
                extremes.batch(&cells);
            }
        }
        look(batch.columns())?;
    }
    if u64::try_from(metadata.row_group(group).num_rows()).ok() != Some(rows) {
        return Err(Unreadable);
    }
    for (column, extremes) in extremes.iter().enumerate() {
        let Some(extremes) = extremes else { continue };
        tally.look(Check::Statistics, 1);
        let agree = chunks[column].statistics().is_none_or(|statistics| extremes.agree(statistics));
        if !agree || !pages(column).is_none_or(|pages| extremes.hold(pages)) {
            let what = format!("the statistics of `{}` are not those of its cells", chunks[column].column_path());
            tally.refuse("statistics-differ", name, what);
        }
    }
    Ok(())
}

/// What differs between a file's columns and the table's, in order; `None` where nothing does.
fn other_columns(schema: &Schema, table: &Table<'_>) -> Option<String> {
    let (have, want) = (schema.fields(), &table.columns);
    for (i, (have, want)) in have.iter().zip(want).enumerate() {
        if *have.name() != want.name {
            // The name that is there may be anything, a cell's value too: only the one that belongs there is shown.
            return Some(format!("column {} is not `{}`, which belongs there", i + 1, want.name));
        }
        let same = match (have.data_type(), arrow_type(want.kind)) {
            (DataType::Utf8, DataType::Utf8View) => true,
            (have, want) => *have == want,
        };
        if !same {
            return Some(format!("column `{}` is not of type {}", want.name, want.kind));
        }
    }
    match have.len().cmp(&want.len()) {
        std::cmp::Ordering::Less => Some(format!("column `{}` is missing", want[have.len()].name)),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(format!("there are {} columns where {} belong", have.len(), want.len())),
    }
}

/// Looks at all that a footer may say beside the columns: there must be nothing but what the tool itself writes.
fn footer(file: &File, metadata: &ParquetMetaData, name: &str, tally: &mut Tally) -> Result<(), Unreadable> {
    tally.look(Check::Metadata, 1);
    let about = metadata.file_metadata();
    if !about.created_by().is_some_and(is_ours) {
        tally.refuse("file-metadata", name, "the file does not say that leo-extract made it");
    }
    if about.key_value_metadata().is_some_and(|pairs| !pairs.is_empty()) {
        tally.refuse("file-metadata", name, "the file carries metadata beside its columns");
    }
    let mut ranges = Vec::new();
    let (mut strange, mut other) = (false, false);
    for chunk in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        other |= !matches!(chunk.compression(), Compression::ZSTD(_));
        strange |= chunk.file_path().is_some() || chunk.bloom_filter_offset().is_some();
        // A chunk whose offsets are negative makes `byte_range` panic, which is caught as a damaged file.
        ranges.push(chunk.byte_range());
        let indexes = [
            (chunk.column_index_offset(), chunk.column_index_length()),
            (chunk.offset_index_offset(), chunk.offset_index_length()),
        ];
        for (offset, length) in indexes {
            if let (Some(offset), Some(length)) = (offset, length) {
                ranges.push((u64::try_from(offset)?, u64::try_from(length)?));
            }
        }
    }
    if other {
        tally.refuse("file-metadata", name, "the file is compressed otherwise than with zstd");
    }
    if strange {
        tally.refuse("file-metadata", name, "the file has parts that leo-extract does not write");
    }
    if !covered(file, ranges)? {
        tally.refuse("file-bytes-unaccounted", name, "the file has bytes that belong to none of its columns");
    }
    Ok(())
}

/// Whether a file says that it was made by the tool, and nothing beside its version.
fn is_ours(by: &str) -> bool {
    let version = by
        .strip_prefix("leo-extract")
        .and_then(|rest| if rest.is_empty() { Some("0") } else { rest.strip_prefix(' ') });
    version.is_some_and(|v| {
        v.starts_with(|c: char| c.is_ascii_digit())
            && v.len() < 40
            && v.bytes().all(|b| b.is_ascii_alphanumeric() || b".-+".contains(&b))
    })
}

/// Whether ranges cover the file from its magic bytes to its footer, without a gap.
fn covered(mut file: &File, mut ranges: Vec<(u64, u64)>) -> Result<bool, Unreadable> {
    let mut tail = [0; 8];
    let tail_at = file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, ..] = tail;
    let footer = tail_at.checked_sub(u32::from_le_bytes([a, b, c, d]).into()).ok_or(Unreadable)?;
    ranges.retain(|(_, length)| *length > 0);
    ranges.sort_unstable();
    let mut end = 4;
    for (start, length) in ranges {
        if start != end {
            return Ok(false);
        }
        end = start.checked_add(length).ok_or(Unreadable)?;
    }
    Ok(end == footer)
}
