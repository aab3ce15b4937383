//! Tests of whole worlds: the same bytes on any threads, everything readable, grains kept, faults at their rates.

use super::options::{Faults, Options};
use super::world::{catalogue, write_sources, write_world};
use crate::catalogue::{Catalogue, Document};
use crate::files::sha256_file;
use crate::vocab::{Error, ExitCode, Silent};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn options(out: &Path, persons: u64) -> Options {
    Options { out: out.to_owned(), persons, threads: 2, ..Options::default() }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn digests(folder: &Path) -> BTreeMap<String, String> {
    let name = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
    files(folder).iter().map(|path| (name(path), sha256_file(path).unwrap().1)).collect()
}

fn read(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect()
}

/// All values of a column as text, whatever its type.
fn texts(path: &Path, column: &str) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for batch in read(path) {
        let place = batch.schema().fields().iter().position(|f| f.name().eq_ignore_ascii_case(column)).unwrap();
        let values = cast(batch.column(place), &DataType::Utf8).unwrap();
        all.extend(values.as_string::<i32>().iter().map(|v| v.map(str::to_owned)));
    }
    all
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    let mut worlds = Vec::new();
    for (threads, seed) in [(1, 1), (2, 1), (7, 1), (2, 2)] {
        let out = folder.path().join(format!("{threads}-{seed}"));
        // Small row groups, so that files have several chunks.
        let options = Options { threads, seed, row_group_rows: 97, ..options(&out, 300) };
        let world = write_world(&options, &Silent).unwrap();
        assert_eq!(world.config, out.join("leo.yaml"));
        assert!(world.rows > 300 * 20, "{world:?}");
        worlds.push(digests(&out));
    }
    assert_eq!(worlds[0], worlds[1]);
    assert_eq!(worlds[0], worlds[2]);
    assert_ne!(worlds[0], worlds[3]);
}

#[test]
fn a_world_replaces_an_earlier_one_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("world");
    let one = Options { published_key: true, ..options(&out, 20) };
    write_world(&one, &Silent).unwrap();
    std::fs::create_dir(out.join("extracts")).unwrap();
    std::fs::write(out.join("extracts/kept"), "x").unwrap();
    let first = digests(&out);
    write_world(&options(&out, 21), &Silent).unwrap();
    assert_ne!(first, digests(&out));
    write_world(&one, &Silent).unwrap();
    assert_eq!(first, digests(&out));
    std::fs::write(out.join("notes.txt"), "mine").unwrap();
    let error = write_world(&one, &Silent).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Output);
    assert!(matches!(&error, Error::Findings(f) if f[0].code == "synth-folder-not-empty"));
    assert!(out.join("sources").exists());
}

#[test]
fn every_slice_is_there_with_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    write_world(&options(folder.path(), 40), &Silent).unwrap();
    let catalogue = catalogue().unwrap();
    for element in &catalogue.elements {
        for slice in element.slices(&element.coverage, &[]) {
            let at = folder.path().join("sources").join(element.location.fill(Some(slice)));
            let path = if at.is_dir() { files(&at).remove(0) } else { at };
            let file = std::fs::File::open(&path).unwrap();
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            let created = builder.metadata().file_metadata().created_by().map(str::to_owned);
            assert_eq!(created.as_deref(), Some("leo-extract synth"));
            let have: BTreeSet<String> = builder.schema().fields().iter().map(|f| f.name().to_lowercase()).collect();
            let suffix = element.suffix.as_ref().map(|s| s.fill(Some(slice))).unwrap_or_default();
            for variable in element.variables.iter().filter(|v| v.collected_in(Some(slice.year))) {
                let name = format!("{}{suffix}", variable.name_in(Some(slice.year))).to_lowercase();
                let column_year = !matches!(element.period, crate::catalogue::Period::Column { .. });
                assert!(!column_year || have.contains(&name), "{} lacks {name}", path.display());
            }
        }
    }
}
