//! A published extract that somebody changed: `verify` finds it, though the tamperer made the bag's manifests anew, and
//! where the content tells it, also where the ledger is gone and the record was changed to fit.

use crate::support::{SMALL, World, files, hex, read, replace, sha256, texts};
use arrow::array::{ArrayRef, Float64Array, StringArray, UInt64Array};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use sha2::{Digest as _, Sha512};
use std::path::Path;
use std::sync::Arc;

const TABLE: &str = "data/npd.ks4/2010-2011.parquet";

/// One tampering.
struct Tampering {
    what: &'static str,
    change: fn(&Path),
    /// A code that the content alone must give; empty where only digests can tell.
    code: &'static str,
}

const TAMPERINGS: &[Tampering] = &[
    Tampering { what: "a bit flipped", change: flip_a_bit, code: "" },
    Tampering { what: "a row added", change: |p| rows(p, |n| (0..n).chain([n - 1]).collect()), code: "counts-differ" },
    Tampering { what: "a row removed", change: |p| rows(p, |n| (1..n).collect()), code: "counts-differ" },
    Tampering { what: "rows in another order", change: |p| rows(p, |n| (0..n).rev().collect()), code: "rows-unsorted" },
    Tampering { what: "a table added", change: add_a_table, code: "file-not-approved" },
    Tampering {
        what: "a note added",
        change: |p| std::fs::write(p.join("data/notes.txt"), "x").unwrap(),
        code: "file-not-approved",
    },
    Tampering {
        what: "a table removed",
        change: |p| std::fs::remove_file(p.join(TABLE)).unwrap(),
        code: "file-missing",
    },
    Tampering { what: "a column renamed", change: rename_a_column, code: "columns-differ" },
    Tampering { what: "a column added", change: add_a_column, code: "columns-differ" },
    Tampering { what: "a person outside the cohort", change: add_a_stranger, code: "person-not-in-cohort" },
    Tampering { what: "an unapproved year", change: another_year, code: "period-not-approved" },
    Tampering { what: "a value not coarsened", change: refine_a_value, code: "not-coarsened" },
    Tampering { what: "a person twice", change: person_twice, code: "person-twice" },
    Tampering { what: "a National Insurance number in a cell", change: plant_a_nino, code: "nino-shaped" },
    Tampering { what: "metadata in a table", change: add_metadata, code: "file-metadata" },
];

fn save(path: &Path, batch: &RecordBatch, metadata: Option<(&str, &str)>) {
    let mut properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    if let Some((key, value)) = metadata {
        let pair = parquet::file::metadata::KeyValue::new(key.to_owned(), value.to_owned());
        properties = properties.set_key_value_metadata(Some(vec![pair]));
    }
    let options = ArrowWriterOptions::new().with_skip_arrow_metadata(true).with_properties(properties.build());
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    replace(path, &bytes);
}

/// The table made of these rows of the old one.
fn rows(extract: &Path, pick: impl Fn(u64) -> Vec<u64>) {
    let path = extract.join(TABLE);
    let batch = read(&path);
    let picked = UInt64Array::from(pick(batch.num_rows() as u64));
    save(&path, &arrow::compute::take_record_batch(&batch, &picked).unwrap(), None);
}

/// The table with one column's text changed in the first row for which there is a change.
fn cells(table: &Path, column: &str, change: impl Fn(usize, &str) -> Option<String>) {
    let batch = read(table);
    let mut values = texts(&batch, column);
    for (row, value) in values.iter_mut().enumerate() {
        if let Some(new) = change(row, value.as_deref().unwrap_or_default()) {
            *value = Some(new);
        }
    }
    let index = batch.schema().index_of(column).unwrap();
    let text: ArrayRef = Arc::new(StringArray::from(values));
    let mut columns = batch.columns().to_vec();
    columns[index] = arrow::compute::cast(&text, batch.schema().field(index).data_type()).unwrap();
    save(table, &RecordBatch::try_new(batch.schema(), columns).unwrap(), None);
}

fn flip_a_bit(extract: &Path) {
    let path = extract.join(TABLE);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    replace(&path, &bytes);
}

fn add_a_table(extract: &Path) {
    std::fs::copy(extract.join(TABLE), extract.join("data/npd.ks4/2012-2013.parquet")).unwrap();
}

fn rename_a_column(extract: &Path) {
    let batch = read(&extract.join(TABLE));
    let fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    let renamed = fields.into_iter().map(|f| if f.name() == "KS4_FSM" { f.with_name("KS4_FSM6") } else { f });
    let schema = Arc::new(Schema::new(renamed.collect::<Vec<_>>()));
    save(&extract.join(TABLE), &RecordBatch::try_new(schema, batch.columns().to_vec()).unwrap(), None);
}

fn add_a_column(extract: &Path) {
    let batch = read(&extract.join(TABLE));
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.push(Field::new("KS4_LA", arrow::datatypes::DataType::Utf8, true));
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec!["E09000001"; batch.num_rows()])));
    save(&extract.join(TABLE), &RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap(), None);
}

fn add_a_stranger(extract: &Path) {
    // The last in order, so that only membership is wrong.
    let last = read(&extract.join(TABLE)).num_rows() - 1;
    cells(&extract.join(TABLE), "person_id", |row, _| (row == last).then(|| "zzzzzzzzzzzzzzzz".to_owned()));
}

fn another_year(extract: &Path) {
    cells(&extract.join(TABLE), "academic_year", |row, _| (row == 0).then(|| "2012/2013".to_owned()));
}

fn refine_a_value(extract: &Path) {
    let path = extract.join(TABLE);
    let batch = read(&path);
    let index = batch.schema().index_of("KS4_IDACI").unwrap();
    let mut columns = batch.columns().to_vec();
    let fine: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.1234); batch.num_rows()]));
    columns[index] = arrow::compute::cast(&fine, batch.schema().field(index).data_type()).unwrap();
    save(&path, &RecordBatch::try_new(batch.schema(), columns).unwrap(), None);
}

fn person_twice(extract: &Path) {
    let path = extract.join("data/persons.parquet");
    let batch = read(&path);
    let picked = UInt64Array::from_iter_values([0].into_iter().chain(0..batch.num_rows() as u64));
    save(&path, &arrow::compute::take_record_batch(&batch, &picked).unwrap(), None);
}

fn plant_a_nino(extract: &Path) {
    cells(&extract.join(TABLE), "KS4_GENDER", |row, _| (row == 0).then(|| "AB123456C".to_owned()));
}

fn add_metadata(extract: &Path) {
    let batch = read(&extract.join(TABLE));
    save(&extract.join(TABLE), &batch, Some(("note", "from somebody else")));
}

/// Makes the bag's manifests and Payload-Oxum anew, as whoever changes an extract could.
fn seal(extract: &Path) {
    let all = files(extract);
    let payload: Vec<_> = all.iter().filter(|(path, _)| path.starts_with("data/")).collect();
    let lines = |digest: &dyn Fn(&[u8]) -> String| -> String {
        payload.iter().map(|(path, bytes)| format!("{}  {path}\n", digest(bytes))).collect()
    };
    replace(&extract.join("manifest-sha256.txt"), lines(&sha256).as_bytes());
    replace(&extract.join("manifest-sha512.txt"), lines(&sha512).as_bytes());
    let octets: usize = payload.iter().map(|(_, bytes)| bytes.len()).sum();
    let info = std::fs::read_to_string(extract.join("bag-info.txt")).unwrap();
    let info: String = info
        .lines()
        .map(|line| match line.starts_with("Payload-Oxum:") {
            true => format!("Payload-Oxum: {octets}.{}\n", payload.len()),
            false => format!("{line}\n"),
        })
        .collect();
    replace(&extract.join("bag-info.txt"), info.as_bytes());
    let tags: String = files(extract)
        .iter()
        .filter(|(path, _)| !path.starts_with("data/") && *path != "tagmanifest-sha256.txt")
        .map(|(path, bytes)| format!("{}  {path}\n", sha256(bytes)))
        .collect();
    replace(&extract.join("tagmanifest-sha256.txt"), tags.as_bytes());
}

fn sha512(bytes: &[u8]) -> String {
    hex(&Sha512::digest(bytes))
}

/// Makes the record's digests fit the tables as they are now; its counts stay.
fn forge_record(extract: &Path) {
    let path = extract.join("data/manifest.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for table in record["tables"].as_array_mut().unwrap() {
        let file = extract.join("data").join(table["path"].as_str().unwrap());
        let Ok(bytes) = std::fs::read(file) else { continue };
        table["bytes"] = bytes.len().into();
        table["sha256"] = sha256(&bytes).into();
        table["sha512"] = sha512(&bytes).into();
    }
    replace(&path, serde_json::to_string_pretty(&record).unwrap().as_bytes());
}

fn built() -> World {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    world
}

fn extract_of(world: &World) -> std::path::PathBuf {
    world.path(&format!("extracts/{SMALL}/v0001"))
}

#[test]
fn an_untouched_extract_verifies_and_comes_out_the_same_when_cut_again() {
    let world = built();
    let extract = extract_of(&world);
    world.run(&["verify", "--quiet", extract.to_str().unwrap()]).ends(0);
    world.run(&["verify", "--quiet", "--rebuild", extract.to_str().unwrap()]).ends(0);
    world.assert_clean();
    // What the test itself does to seal a bag is right: nothing changed, nothing found.
    seal(&extract);
    world.run(&["verify", "--quiet", extract.to_str().unwrap()]).ends(0);
    std::fs::remove_file(world.path("extracts/ledger.jsonl")).unwrap();
    forge_record(&extract);
    seal(&extract);
    world.run(&["verify", "--quiet", extract.to_str().unwrap()]).ends(0);
    let json = world.run(&["verify", "--quiet", "--format", "json", extract.to_str().unwrap()]).ends(0).json();
    assert_eq!(json["exit"], 0);
    // A source that changed is found by cutting again.
    std::fs::copy(world.source("npd/ks4/KS4_2009_2010.parquet"), world.path("other.parquet")).unwrap();
    let other = read(&world.path("other.parquet"));
    let fewer = other.slice(0, other.num_rows() / 2);
    crate::support::write(&world.source("npd/ks4/KS4_2009_2010.parquet"), &fewer, WriterProperties::default());
    let run = world.run(&["verify", "--quiet", "--rebuild", extract.to_str().unwrap()]).ends(65);
    assert!(run.block("rebuild-differs").is_some(), "{}", run.said());
}

#[test]
fn every_tampering_is_found_though_the_manifests_are_made_anew() {
    let pristine = built();
    for tampering in TAMPERINGS {
        let what = tampering.what;
        let world = pristine.copy();
        let extract = extract_of(&world);
        (tampering.change)(&extract);
        seal(&extract);
        let run = world.run(&["verify", "--quiet", extract.to_str().unwrap()]);
        assert_eq!(run.code, 65, "{what}: {}", run.said());
        assert!(run.block("differs-from-ledger").is_some(), "{what}: the ledger does not tell:\n{}", run.said());
        assert!(run.said().contains("help: "), "{what}");
    }
}

#[test]
fn what_the_content_tells_is_found_without_the_ledger() {
    let pristine = built();
    std::fs::remove_file(pristine.path("extracts/ledger.jsonl")).unwrap();
    for tampering in TAMPERINGS.iter().filter(|t| !t.code.is_empty()) {
        let what = tampering.what;
        let world = pristine.copy();
        let extract = extract_of(&world);
        (tampering.change)(&extract);
        forge_record(&extract);
        seal(&extract);
        let run = world.run(&["verify", "--quiet", extract.to_str().unwrap()]);
        assert_eq!(run.code, 65, "{what}: {}", run.said());
        assert!(run.block(tampering.code).is_some(), "{what}: no {}:\n{}", tampering.code, run.said());
        assert!(!run.said().contains("AB123456C"), "{what}: a cell is shown");
    }
}

#[test]
fn a_bag_whose_manifests_were_left_alone_tells_too() {
    let pristine = built();
    std::fs::remove_file(pristine.path("extracts/ledger.jsonl")).unwrap();
    for (change, code) in [
        (flip_a_bit as fn(&Path), "bag-digest-differs"),
        (add_a_table, "bag-file-unlisted"),
        (|p: &Path| std::fs::remove_file(p.join(TABLE)).unwrap(), "bag-incomplete"),
        (|p: &Path| replace(&p.join("report.html"), b"<p>All is well"), "bag-digest-differs"),
        (|p: &Path| std::fs::remove_file(p.join("manifest-sha512.txt")).unwrap(), "bag-incomplete"),
        (|p: &Path| replace(&p.join("bagit.txt"), b"BagIt-Version: 0.97\n"), "bag-declaration"),
    ] {
        let world = pristine.copy();
        change(&extract_of(&world));
        let run = world.run(&["verify", "--quiet", extract_of(&world).to_str().unwrap()]).ends(65);
        assert!(run.block(code).is_some(), "no {code}:\n{}", run.said());
    }
}

#[test]
fn an_altered_ledger_is_found() {
    let pristine = built();
    for (from, to) in
        [("\"version\":1", "\"version\":2"), ("\"key_id\":\"published-test\"", "\"key_id\":\"published-tesu\"")]
    {
        let world = pristine.copy();
        world.edit(&world.path("extracts/ledger.jsonl"), from, to);
        world.run(&["verify", "--quiet", extract_of(&world).to_str().unwrap()]).ends(65);
    }
}
