//! The same inputs give the same bytes: whatever the threads, the memory, the day of the run, and however the sources'
//! rows, row groups and files are laid out.

use crate::support::{Run, World, data, files, read, tables, write};
use arrow::array::UInt64Array;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::basic::Compression;
use parquet::file::properties::{WriterProperties, WriterVersion};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const PROJECTS: [&str; 5] = ["LEO-2019-001", "LEO-2019-002", "LEO-2019-003", "LEO-2019-004", "LEO-2019-005"];

fn world() -> World {
    World::made(&["--persons", "700", "--row-group-rows", "64"])
}

/// All bytes below `data/` of all projects' newest versions.
fn all(world: &World, of: impl Fn(&Path) -> BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let of_project =
        |p: &str| of(&world.latest(p)).into_iter().map(move |(path, b)| (format!("{p}/{path}"), b)).collect::<Vec<_>>();
    PROJECTS.iter().flat_map(|p| of_project(p)).collect()
}

#[track_caller]
fn assert_same(what: &str, one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(one), names(other), "{what}: other files");
    let differing: Vec<_> = one.iter().filter(|(path, bytes)| other[*path] != **bytes).map(|(path, _)| path).collect();
    assert!(differing.is_empty(), "{what}: other bytes in {differing:?}");
}

#[test]
fn same_inputs_same_bytes() {
    let world = world();
    world.build(&["--threads", "2"]).ends(0);
    let first = all(&world, data);
    assert!(first.len() > 100, "{}", first.len());
    for more in [
        &["--threads", "1"] as &[&str],
        &["--threads", "2"],
        &["--threads", "7"],
        &["--memory", "256MiB"],
        &["--memory", "8GiB"],
        &["--memory", "64MiB", "--threads", "3"],
    ] {
        // From nothing, so that no part of an earlier version can be taken over.
        let fresh = world.copy();
        std::fs::remove_dir_all(fresh.path("extracts")).unwrap();
        fresh.build(more).ends(0);
        assert_same(&format!("{more:?}"), &first, &all(&fresh, data));
    }
    // And again over the first.
    world.build(&[]).ends(0);
    assert_same("built again", &first, &all(&world, data));
}

/// One project alone, or all at once: the same bytes.
#[test]
fn a_project_cut_alone_has_the_bytes_it_has_among_others() {
    let (together, alone) = (world(), world());
    together.build(&[]).ends(0);
    for project in PROJECTS.iter().rev() {
        alone.build(&[project]).ends(0);
    }
    assert_same("alone", &all(&together, data), &all(&alone, data));
}

/// The rows in another order, the same on every run.
fn shuffled(batch: &RecordBatch) -> RecordBatch {
    let mut order: Vec<u64> = (0..batch.num_rows() as u64).collect();
    order.sort_by_key(|n| (n.wrapping_add(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23));
    arrow::compute::take_record_batch(batch, &UInt64Array::from(order)).unwrap()
}

/// Texts as large strings, or as dictionaries of them.
fn restyled(batch: &RecordBatch, text: &DataType) -> RecordBatch {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let is_text = matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let kind = if is_text { text } else { field.data_type() };
        fields.push(Field::new(field.name(), kind.clone(), field.is_nullable()));
        columns.push(arrow::compute::cast(column, kind).unwrap());
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn rewrite_sources(
    world: &World,
    split: bool,
    change: impl Fn(&RecordBatch) -> RecordBatch,
    properties: &WriterProperties,
) {
    for (path, _) in files(&world.path("sources")) {
        let file = world.source(&path);
        let batch = change(&read(&file));
        // Elements whose location is a folder may be cut into any files.
        let folder = path.contains("part-")
            || path.contains("leo/earnings/")
            || path.contains("ilr/")
            || path.contains("npd/nccis/");
        if split && folder && batch.num_rows() > 1 {
            let half = batch.num_rows() / 3 + 1;
            let deeper = file.parent().unwrap().join("more/part=2");
            std::fs::create_dir_all(&deeper).unwrap();
            let name = file.file_name().unwrap();
            write(&deeper.join(name), &batch.slice(half, batch.num_rows() - half), properties.clone());
            write(&file, &batch.slice(0, half), properties.clone());
        } else {
            write(&file, &batch, properties.clone());
        }
    }
}

fn assert_builds_the_same(what: &str, first: &BTreeMap<String, Vec<u8>>, world: &World) {
    let run: Run = world.build(&[]);
    assert_eq!(run.code, 0, "{what}: {}", run.said());
    assert_same(what, first, &all(world, tables));
}

#[test]
fn the_layout_of_the_sources_does_not_show_in_the_tables() {
    let first = world();
    first.build(&[]).ends(0);
    let tables = all(&first, tables);

    let plain = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_compression(Compression::UNCOMPRESSED)
        .set_max_row_group_row_count(Some(7))
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .build();
    let other = world();
    rewrite_sources(&other, true, |b| restyled(&shuffled(b), &DataType::LargeUtf8), &plain);
    assert_builds_the_same("shuffled, split, plain large strings", &tables, &other);

    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let other = world();
    let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    rewrite_sources(&other, false, |b| restyled(&shuffled(&shuffled(b)), &dictionary), &snappy);
    assert_builds_the_same("shuffled, dictionaries", &tables, &other);
}

#[test]
fn synth_writes_the_same_world_on_any_number_of_threads() {
    let (one, many) =
        (World::made(&["--persons", "500", "--threads", "1"]), World::made(&["--persons", "500", "--threads", "7"]));
    assert_same("synth", &files(&one.path("")), &files(&many.path("")));
}
