//! The published tables: what their footers say, and their rows, read into memory a share at a time.

use super::pool::{Fallible, over};
use super::settings::Texts;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Type;
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::ColumnDescPtr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of arrays that are in memory at a time, about. The writers hold a row group each besides.
const SHARE: u64 = 1 << 30;
/// Rows of a batch.
const BATCH: usize = 64 * 1024;

/// One published table.
pub(crate) struct Table {
    path: PathBuf,
    footer: Arc<ParquetMetaData>,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    /// Rows of its first row group, which is as long as any.
    pub(crate) group_rows: usize,
    pub(crate) columns: Vec<Column>,
}

/// A column of a table.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) has_dictionary: bool,
    pub(crate) integers: bool,
}

/// All tables of the extracts, in shares that fit into memory.
pub(crate) struct Tables {
    shares: Vec<Vec<Table>>,
}

impl Tables {
    pub(crate) fn shares(&self) -> &[Vec<Table>] {
        &self.shares
    }

    fn all(&self) -> impl Iterator<Item = &Table> {
        self.shares.iter().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.all().count()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.all().map(|table| table.bytes).sum()
    }

    pub(crate) fn rows(&self) -> u64 {
        self.all().map(|table| table.rows).sum()
    }
}

/// Finds the tables below some `data/` folders, and reads their footers.
pub(crate) fn below(folders: &[PathBuf], threads: usize) -> Fallible<Tables> {
    let mut paths = Vec::new();
    for folder in folders {
        find(folder, &mut paths)?;
    }
    let (mut tables, _) = over(threads, &paths, |path| table(path))?;
    tables.sort_by_key(|table| std::cmp::Reverse(table.memory()));
    let total: u64 = tables.iter().map(Table::memory).sum();
    let mut shares: Vec<(u64, Vec<Table>)> = (0..total.div_ceil(SHARE)).map(|_| (0, Vec::new())).collect();
    // Each share has large tables and small ones, the largest first: no thread is left alone with the last of them for long.
    for table in tables {
        let Some(least) = shares.iter_mut().min_by_key(|share| share.0) else { break };
        least.0 += table.memory();
        least.1.push(table);
    }
    Ok(Tables { shares: shares.into_iter().map(|(_, tables)| tables).collect() })
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) -> Fallible<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            paths.push(path);
        }
    }
    Ok(())
}

fn table(path: &Path) -> Fallible<Table> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|_| broken(path))?;
    let footer = Arc::clone(footer.metadata());
    let has_dictionary =
        |column: usize| footer.row_groups().iter().all(|group| group.column(column).dictionary_page_offset().is_some());
    let descr = footer.file_metadata().schema_descr();
    let column = |(i, of): (usize, &ColumnDescPtr)| Column {
        name: of.name().to_owned(),
        has_dictionary: has_dictionary(i),
        integers: matches!(of.physical_type(), Type::INT32 | Type::INT64),
    };
    let columns = descr.columns().iter().enumerate().map(column).collect();
    let group_rows = footer.row_groups().iter().map(|group| group.num_rows()).max().unwrap_or(1);
    Ok(Table {
        path: path.to_path_buf(),
        bytes,
        rows: footer.file_metadata().num_rows().try_into()?,
        group_rows: usize::try_from(group_rows)?.max(1),
        columns,
        footer,
    })
}

impl Table {
    /// Bytes that its rows take in memory, about: a text has a view of 16 bytes, a `person_id` its characters besides.
    fn memory(&self) -> u64 {
        self.rows * (32 + u64::try_from(self.columns.len()).unwrap_or(0) * 12)
    }

    /// Reads all rows, or those of one row group.
    pub(crate) fn read(&self, texts: Texts, group: Option<usize>) -> Fallible<Vec<RecordBatch>> {
        let fault = || broken(&self.path);
        let metadata =
            with_texts(&self.footer, texts, |column| self.columns.get(column).is_some_and(|c| c.has_dictionary));
        let file = File::open(&self.path)?;
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.ok_or_else(fault)?);
        if let Some(group) = group {
            reader = reader.with_row_groups(vec![group]);
        }
        let batches = reader.with_batch_size(BATCH).build().map_err(|_| fault())?;
        batches.map(|batch| batch.map_err(|_| fault().into())).collect()
    }

    pub(crate) fn groups(&self) -> usize {
        self.footer.num_row_groups()
    }
}

/// A reader's metadata that gives texts in a form; dictionaries only for columns that have them.
pub(crate) fn with_texts(
    footer: &Arc<ParquetMetaData>,
    texts: Texts,
    has_dictionary: impl Fn(usize) -> bool,
) -> Option<ArrowReaderMetadata> {
    let stored = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let stored = ArrowReaderMetadata::try_new(Arc::clone(footer), stored).ok()?;
    let wanted = |(column, field): (usize, &Arc<Field>)| match field.data_type() {
        DataType::Utf8 if texts == Texts::Dictionaries && has_dictionary(column) => {
            let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            field.as_ref().clone().with_data_type(dictionary)
        }
        DataType::Utf8 => field.as_ref().clone().with_data_type(DataType::Utf8View),
        DataType::Binary => field.as_ref().clone().with_data_type(DataType::BinaryView),
        _ => field.as_ref().clone(),
    };
    let schema = Schema::new(stored.schema().fields().iter().enumerate().map(wanted).collect::<Vec<Field>>());
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_schema(Arc::new(schema));
    ArrowReaderMetadata::try_new(Arc::clone(footer), options).ok()
}

pub(crate) fn broken(path: &Path) -> String {
    format!("{} cannot be read", path.display())
}
