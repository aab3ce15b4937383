//! The tables of the sample, with a value and a missing one of every type.

use super::element;
use crate::catalogue::Catalogue;
use crate::files::digest_bytes;
use crate::vocab::{ColumnRecord, Release, Slice, TableRecord, Type, Year};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Writes all tables below a `data` folder.
pub(super) fn write_all(data: &Path, catalogue: &Catalogue) -> Vec<TableRecord> {
    vec![
        write(data, "npd.ks4/2010-2011.parquet", Some(("npd.ks4", 2010)), &every_type(), "", catalogue),
        write(data, "persons.parquet", None, &persons(), "", catalogue),
        write(data, "linked/leavers.parquet", None, &spells(), "ks4_", catalogue),
        write(data, "hmrc.employment/all.parquet", Some(("hmrc.employment", 0)), &spells(), "", catalogue),
    ]
}

const IDS: [&str; 3] = ["0123456789abcdef", "ghjkmnpqrstvwxyz", "zzzzzzzzzzzzzzzz"];

fn ids() -> ArrayRef {
    Arc::new(StringArray::from(IDS.to_vec()))
}

fn persons() -> Vec<(&'static str, Option<&'static str>, ArrayRef)> {
    vec![("person_id", None, ids()), ("linked_pmr", None, Arc::new(BooleanArray::from(vec![true, true, true])))]
}

fn every_type() -> Vec<(&'static str, Option<&'static str>, ArrayRef)> {
    let of = Some("npd.ks4");
    vec![
        ("person_id", None, ids()),
        ("academic_year", None, Arc::new(StringArray::from(vec!["2010/2011"; 3]))),
        ("Passed", of, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("Level", of, Arc::new(Int8Array::from(vec![Some(1), None, Some(2)]))),
        ("Points", of, Arc::new(Int64Array::from(vec![Some(-5), None, Some(9_007_199_254_740_991)]))),
        ("Score", of, Arc::new(Float64Array::from(vec![Some(0.1), None, Some(2.0)]))),
        (
            "Grant",
            of,
            Arc::new(Decimal128Array::from(vec![Some(1_205), None, Some(0)]).with_precision_and_scale(10, 2).unwrap()),
        ),
        ("School", of, Arc::new(StringArray::from(vec![Some(IDS[1]), None, Some(IDS[0])]))),
        ("Grade", of, Arc::new(StringArray::from(vec![Some("A"), None, Some("C, \"odd\"")]))),
        ("Born", of, Arc::new(Date32Array::from(vec![Some(9_000), None, Some(2_932_896)]))),
        ("Seen", of, Arc::new(TimestampMicrosecondArray::from(vec![Some(1_500_000), None, Some(0)]))),
    ]
}

fn spells() -> Vec<(&'static str, Option<&'static str>, ArrayRef)> {
    vec![
        ("person_id", None, Arc::new(StringArray::from(vec![IDS[0], IDS[0]]))),
        ("StartDate", Some("hmrc.employment"), Arc::new(Date32Array::from(vec![None, Some(14_000)]))),
    ]
}

fn write(
    data: &Path,
    path: &str,
    of: Option<(&str, i16)>,
    columns: &[(&'static str, Option<&'static str>, ArrayRef)],
    prefix: &str,
    catalogue: &Catalogue,
) -> TableRecord {
    let named = columns.iter().map(|(name, from, array)| {
        let name = if from.is_some() { format!("{prefix}{name}") } else { (*name).to_owned() };
        (name, array.clone(), true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(named).unwrap();
    let file = data.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let digests = digest_bytes(&std::fs::read(&file).unwrap());
    let column = |(name, from, array): &(&'static str, Option<&'static str>, ArrayRef)| {
        let variable = from.and_then(|e| catalogue.element(&element(e))?.variable(name));
        ColumnRecord {
            name: if from.is_some() { format!("{prefix}{name}") } else { (*name).to_owned() },
            element: from.map(element),
            variable: variable.map(|v| v.name.clone()),
            kind: variable.map_or(if name.starts_with("linked_") { Type::Bool } else { Type::Text }, |v| v.kind),
            release: variable.map_or(Release::AsIs, |v| v.release.clone()),
            missing: array.null_count() as u64,
            unknown_codes: u64::from(*name == "Grade"),
        }
    };
    let rows = batch.num_rows() as u64;
    let year = of.map(|(_, year)| year).filter(|year| *year > 0);
    TableRecord {
        path: path.to_owned(),
        element: of.map(|(name, _)| element(name)),
        slice: year.map(|year| Slice { year: Year(year), term: None }),
        rows,
        persons: if rows == 3 { 3 } else { 1 },
        bytes: digests.bytes,
        sha256: digests.sha256,
        sha512: digests.sha512,
        columns: columns.iter().map(column).collect(),
        recipe: crate::files::sha256_bytes(path.as_bytes()),
    }
}
