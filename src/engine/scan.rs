//! A Parquet scan of some columns and row groups of one file, as the engine's plan.

use crate::files::dictionary_is_sound;
use crate::survey::FileFacts;
use crate::vocab::{Error, Result};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_parquet::{ParquetAccessPlan, RowGroupAccess};
use object_store::ObjectMeta;
use std::ops::Range;
use std::sync::Arc;

use datafusion::datasource::physical_plan::parquet as datafusion_parquet;

/// Scans the named columns (physical names, each once) of these row groups. The output has them in this order.
///
/// # Errors
/// Where the path cannot be named to the engine.
pub fn scan(facts: &FileFacts, columns: &[&str], row_groups: &Range<usize>) -> Result<Arc<dyn ExecutionPlan>> {
    let fault = || Error::Internal("a scan cannot be set up".to_owned());
    let schema: SchemaRef = Arc::clone(&facts.schema);
    // Resolved, since the engine takes no path with `..` in it.
    let absolute = facts.path.canonicalize().map_err(|_| fault())?;
    let location = object_store::path::Path::from_absolute_path(absolute).map_err(|_| fault())?;
    let meta = ObjectMeta {
        location,
        last_modified: facts.modified.map(Into::into).unwrap_or_default(),
        size: facts.bytes,
        e_tag: None,
        version: None,
    };
    let mut file = PartitionedFile::new_from_meta(meta);
    if *row_groups != (0..facts.row_groups.len()) {
        let mut access = ParquetAccessPlan::new_none(facts.row_groups.len());
        for i in row_groups.clone() {
            access.set(i, RowGroupAccess::Scan);
        }
        file = file.with_extension(access);
    }
    let indices =
        columns.iter().map(|name| schema.index_of(name).map_err(|_| fault())).collect::<Result<Vec<usize>>>()?;
    // The table schema names only what is read: a column of a type that the engine cannot read then does no harm.
    let table: SchemaRef = Arc::new(Schema::new(indices.iter().map(|i| schema.field(*i).clone()).collect::<Vec<_>>()));
    let source = Arc::new(ParquetSource::new(table));
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
        .with_file_group(FileGroup::new(vec![file]))
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// Whether the dictionaries that a scan would read may be given to the engine. Asked right before it runs.
///
/// # Errors
/// The file cannot be read.
pub fn sound(facts: &FileFacts, columns: &[String], row_groups: &Range<usize>) -> std::io::Result<bool> {
    let file = std::fs::File::open(&facts.path)?;
    for group in facts.footer.row_groups().get(row_groups.clone()).unwrap_or_default() {
        for column in group.columns() {
            let root = column.column_path().parts().first();
            if root.is_some_and(|root| columns.contains(root)) {
                let raw = column.compression() == parquet::basic::Compression::UNCOMPRESSED;
                let start = column.byte_range().0;
                if !dictionary_is_sound(&file, start, raw)? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}
