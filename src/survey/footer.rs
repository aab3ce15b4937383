//! One Parquet footer: rows, row groups, columns and the Arrow types that they are read as.

use crate::files::{footer_is_sound, operation};
use crate::vocab::{Finding, Place};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the footer of one file says.
#[derive(Debug)]
pub struct FileFacts {
    /// The file.
    pub path: PathBuf,
    /// Its path below the sources folder.
    pub shown: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last changed, where the file system tells.
    pub modified: Option<std::time::SystemTime>,
    /// Its rows.
    pub rows: u64,
    /// Its row groups in order.
    pub row_groups: Vec<RowGroupFacts>,
    /// The schema as it is read, without the writer's hints: strings as views.
    pub schema: SchemaRef,
    /// The footer itself, so that no reader need parse it again.
    pub footer: Arc<ParquetMetaData>,
    by_name: BTreeMap<String, Vec<usize>>,
}

/// One row group.
#[derive(Debug, Clone, Copy)]
pub struct RowGroupFacts {
    /// Rows.
    pub rows: u64,
    /// Compressed bytes of all its columns.
    pub bytes: u64,
}

/// One column as a plan sees it.
#[derive(Debug, Clone)]
pub struct ColumnFacts {
    /// The physical name.
    pub name: String,
    /// The Arrow type that it is read as.
    pub data_type: DataType,
}

impl FileFacts {
    /// The columns whose name matches without regard to case.
    #[must_use]
    pub fn columns(&self, name: &str) -> Vec<ColumnFacts> {
        self.by_name
            .get(&name.to_lowercase())
            .into_iter()
            .flatten()
            .map(|i| {
                let field = self.schema.field(*i);
                ColumnFacts { name: field.name().clone(), data_type: field.data_type().clone() }
            })
            .collect()
    }

    /// All physical names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.schema.fields().iter().map(|f| f.name().as_str())
    }

    /// Compressed bytes of some columns over all row groups.
    #[must_use]
    pub fn bytes_of(&self, names: &[&str]) -> u64 {
        let mut total = 0;
        for group in self.footer.row_groups() {
            for column in group.columns() {
                let root = column.column_path().parts().first().map(String::as_str).unwrap_or_default();
                if names.contains(&root) {
                    total += u64::try_from(column.compressed_size()).unwrap_or(0);
                }
            }
        }
        total
    }
}

/// Reads one footer.
pub(super) fn read(path: &Path, shown: &str) -> Result<FileFacts, Box<Finding>> {
    let place = || Place::file(shown);
    let unreadable = |e: &std::io::Error| {
        Box::new(
            Finding::error("source-unreadable", place(), format!("the file cannot be read: {}", e.kind()))
                .help("check its permissions and the file system"),
        )
    };
    let broken = || {
        Box::new(
            Finding::error("source-not-parquet", place(), "the file is not Parquet, or is cut short or corrupt")
                .help("copy it from its origin again; the footer at its end cannot be read"),
        )
    };
    // To open a pipe would wait for a writer, for ever.
    if !std::fs::metadata(path).map_err(|e| unreadable(&e))?.is_file() {
        return Err(Box::new(
            Finding::error("source-unreadable", place(), "it is no file but a pipe, a device or the like")
                .help("put the Parquet file there itself"),
        ));
    }
    let file = operation::open(path).map_err(|e| unreadable(&e))?;
    let facts = file.metadata().map_err(|e| unreadable(&e))?;
    if !footer_is_sound(&file).map_err(|e| unreadable(&e))? {
        return Err(broken());
    }
    // A corrupt footer may make the reader panic deep inside; that is a finding too, not our end.
    let parsed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let footer = ParquetMetaDataReader::new().parse_and_finish(&file).ok()?;
        let schema = parquet_to_arrow_schema(footer.file_metadata().schema_descr(), None).ok()?;
        Some((footer, schema))
    }));
    let Ok(Some((footer, schema))) = parsed else { return Err(broken()) };
    let mut row_groups = Vec::with_capacity(footer.num_row_groups());
    let mut rows: u64 = 0;
    for group in footer.row_groups() {
        let (Ok(n), Ok(bytes)) = (u64::try_from(group.num_rows()), u64::try_from(group.compressed_size())) else {
            return Err(broken());
        };
        // A column chunk that claims to lie beyond the file is a lie that would only show while reading.
        for column in group.columns() {
            let data = column.data_page_offset();
            let start = column.dictionary_page_offset().filter(|d| *d < data).unwrap_or(data);
            let length = column.compressed_size();
            let end = start.checked_add(length.max(0)).and_then(|e| u64::try_from(e).ok());
            if start < 0 || length < 0 || end.is_none_or(|e| e > facts.len()) {
                return Err(broken());
            }
        }
        rows = rows.checked_add(n).ok_or_else(broken)?;
        row_groups.push(RowGroupFacts { rows: n, bytes });
    }
    if u64::try_from(footer.file_metadata().num_rows()).ok() != Some(rows) || rows > 1 << 40 {
        return Err(broken());
    }
    let fields: Vec<Field> =
        schema.fields().iter().map(|f| Field::new(f.name(), arrow_type(f.data_type()), true)).collect();
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, field) in fields.iter().enumerate() {
        by_name.entry(field.name().to_lowercase()).or_default().push(i);
    }
    Ok(FileFacts {
        path: path.to_path_buf(),
        shown: shown.to_owned(),
        bytes: facts.len(),
        modified: facts.modified().ok(),
        rows,
        row_groups,
        schema: Arc::new(Schema::new(fields)),
        footer: Arc::new(footer),
        by_name,
    })
}

/// The Arrow type that a column is read as: text and bytes as views, all else as Parquet has it.
#[must_use]
pub fn arrow_type(stored: &DataType) -> DataType {
    match stored {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use std::fs::File;

    fn file(folder: &Path) -> PathBuf {
        let batch = RecordBatch::try_from_iter([
            ("Id", Arc::new(StringArray::from(vec!["a", "b"])) as arrow::array::ArrayRef),
            ("N", Arc::new(Int32Array::from(vec![1, 2]))),
        ])
        .unwrap();
        let path = folder.join("t.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    }

    #[test]
    fn a_footer_tells_rows_and_columns() {
        let folder = tempfile::tempdir().unwrap();
        let facts = read(&file(folder.path()), "t.parquet").unwrap();
        assert_eq!(facts.rows, 2);
        assert_eq!(facts.columns("ID")[0].data_type, DataType::Utf8View);
        assert!(facts.bytes_of(&["N"]) > 0);
    }

    #[test]
    fn a_file_cut_anywhere_is_a_finding_and_never_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = std::fs::read(file(folder.path())).unwrap();
        let cut = folder.path().join("cut.parquet");
        for length in 0..bytes.len() {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            assert_eq!(read(&cut, "cut.parquet").unwrap_err().code, "source-not-parquet");
        }
    }
}
