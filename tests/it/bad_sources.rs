//! Every way in which sources can be bad: the right exit code, no panic, no cell value, nothing published, and the
//! projects that do not need them untouched.

use crate::support::{DAY, SMALL, WIDE, World, files, manifest, read, replace, texts, write};
use arrow::array::{Array as _, ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A slice that of all projects only the small one reads.
const SOURCE: &str = "npd/ks4/KS4_2004_2005.parquet";
const TABLE: &str = "data/npd.ks4/2004-2005.parquet";
/// A value that no message may show.
const CANARY: i64 = 987_654_321;

/// The batch with one column replaced, renamed or (`None`) left out.
fn with_column(batch: &RecordBatch, column: &str, new: Option<(&str, &ArrayRef)>) -> RecordBatch {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    let mut found = false;
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        if !field.name().eq_ignore_ascii_case(column) {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(array));
        } else {
            found = true;
            if let Some((name, array)) = new {
                fields.push(Arc::new(Field::new(name, array.data_type().clone(), true)));
                columns.push(Arc::clone(array));
            }
        }
    }
    assert!(found, "no column {column}");
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn rewrite(path: &Path, change: impl Fn(&RecordBatch) -> RecordBatch) {
    write(path, &change(&read(path)), WriterProperties::default());
}

fn cut(path: &Path, keep: impl Fn(usize) -> usize) {
    let bytes = std::fs::read(path).unwrap();
    replace(path, &bytes[..keep(bytes.len())]);
}

type Damage = (&'static str, i32, &'static str, fn(&Path));

const DAMAGES: &[Damage] = &[
    ("missing", 66, "source-missing", |p| std::fs::remove_file(p).unwrap()),
    ("cut in half", 65, "source-not-parquet", |p| cut(p, |n| n / 2)),
    ("without its last byte", 65, "source-not-parquet", |p| cut(p, |n| n - 1)),
    ("cut in its footer", 65, "source-not-parquet", |p| cut(p, |n| n - 9)),
    ("of four bytes", 65, "source-not-parquet", |p| cut(p, |_| 4)),
    ("empty", 65, "source-not-parquet", |p| replace(p, b"")),
    ("text", 65, "source-not-parquet", |p| {
        replace(p, "Not Parquet, but long enough to be read. ".repeat(9).as_bytes());
    }),
    ("a false tail", 65, "source-not-parquet", |p| replace(p, b"PAR1\x00\x00\x00\x00\xff\xff\xff\x7fPAR1")),
    ("a column missing", 65, "column-missing", |p| rewrite(p, |b| with_column(b, "KS4_GENDER", None))),
    ("no identifier", 65, "column-missing", |p| rewrite(p, |b| with_column(b, "KS4_PupilMatchingRefAnonymous", None))),
    ("a column renamed", 65, "column-missing", |p| {
        rewrite(p, |b| {
            let (index, _) = b.schema().column_with_name("KS4_GENDER").map(|(i, f)| (i, f.clone())).unwrap();
            with_column(b, "KS4_GENDER", Some(("KS4_GENDRE", b.column(index))))
        });
    }),
    ("a column of another type", 65, "column-type", |p| {
        rewrite(p, |b| {
            let text: ArrayRef = Arc::new(StringArray::from(vec!["nineteen"; b.num_rows()]));
            with_column(b, "KS4_YEAROFBIRTH", Some(("KS4_YEAROFBIRTH", &text)))
        });
    }),
    ("a value that does not fit", 65, "value-does-not-convert", |p| {
        rewrite(p, |b| {
            let large: ArrayRef = Arc::new(Int64Array::from(vec![CANARY; b.num_rows()]));
            with_column(b, "KS4_YEAROFBIRTH", Some(("KS4_YEAROFBIRTH", &large)))
        });
    }),
];

#[test]
fn a_bad_source_stops_the_projects_that_need_it_and_no_other() {
    for (what, exit, code, damage) in DAMAGES {
        let world = World::new();
        damage(&world.source(SOURCE));
        let run = world.build(&[SMALL, WIDE]).ends(*exit);
        let block = run.block(code).unwrap_or_else(|| panic!("{what}: no {code}:\n{}", run.said()));
        assert!(block.contains("KS4_2004_2005.parquet"), "{what}: no file named:\n{block}");
        assert!(block.contains("help: "), "{what}: no remedy:\n{block}");
        assert!(!run.said().contains(&CANARY.to_string()), "{what}: a cell is shown:\n{}", run.said());
        world.assert_unpublished(SMALL);
        assert!(world.latest(WIDE).is_dir(), "{what}: the other project was stopped");
    }
}

#[test]
fn check_finds_in_the_footers_what_it_can_and_all_at_once() {
    let world = World::new();
    std::fs::remove_file(world.source(SOURCE)).unwrap();
    cut(&world.source("npd/ks4/KS4_2005_2006.parquet"), |n| n / 2);
    rewrite(&world.source("npd/ks4/KS4_2006_2007.parquet"), |b| with_column(b, "KS4_GENDER", None));
    let run = world.run(&["check", "--quiet", "--as-of", DAY, SMALL]).ends(66);
    for code in ["source-missing", "source-not-parquet", "column-missing"] {
        assert!(run.block(code).is_some(), "no {code}:\n{}", run.said());
    }
}

#[test]
fn a_bad_link_table_stops_all() {
    for (exit, damage) in [(66, DAMAGES[0].3), (65, DAMAGES[1].3)] {
        let world = World::new();
        damage(&world.source("link/ae_id_pmr.parquet"));
        let run = world.build(&[]).ends(exit);
        assert!(run.said().contains("ae_id_pmr.parquet") && run.said().contains("help: "), "{}", run.said());
        for project in [SMALL, WIDE] {
            world.assert_unpublished(project);
        }
    }
}

/// Whether a sober reader can still read the columns of a file.
fn readable(path: &Path, columns: &[&str]) -> bool {
    let read = || -> Option<()> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).ok()?).ok()?;
        let schema = builder.parquet_schema();
        let wanted: Vec<usize> = (0..schema.num_columns())
            .filter(|i| columns.iter().any(|c| schema.column(*i).name().eq_ignore_ascii_case(c)))
            .collect();
        let mask = parquet::arrow::ProjectionMask::leaves(schema, wanted);
        for batch in builder.with_projection(mask).build().ok()? {
            batch.ok()?;
        }
        Some(())
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).ok().flatten().is_some()
}

#[test]
fn a_corrupt_page_is_a_finding_and_never_a_panic() {
    const COLUMNS: [&str; 3] = ["KS4_PupilMatchingRefAnonymous", "KS4_GENDER", "KS4_IDACI"];
    let pristine = World::new();
    let source = "npd/ks4/KS4_2009_2010.parquet";
    let bytes = std::fs::read(pristine.source(source)).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
    let group = reader.metadata().row_group(0);
    let (mut refused, mut tried) = (0, 0);
    for column in
        group.columns().iter().filter(|c| COLUMNS.iter().any(|n| c.column_descr().name().eq_ignore_ascii_case(n)))
    {
        let (start, length) = column.byte_range();
        let (start, length) = (usize::try_from(start).unwrap(), usize::try_from(length).unwrap());
        for part in [0, 1, 2, 3] {
            let mut bytes = bytes.clone();
            let at = start + (length * part) / 4;
            for byte in bytes.iter_mut().skip(at).take(6.min(start + length - at)) {
                *byte ^= 0xa5;
            }
            let world = World::new();
            replace(&world.source(source), &bytes);
            let intact = readable(&world.source(source), &COLUMNS);
            let run = world.build(&[SMALL]);
            tried += 1;
            if intact && run.code == 0 {
                continue;
            }
            refused += 1;
            let run = run.ends(65);
            assert!(run.said().contains("KS4_2009_2010.parquet") && run.said().contains("help: "), "{}", run.said());
            world.assert_unpublished(SMALL);
        }
    }
    assert!(tried >= 8 && refused * 2 >= tried, "{refused} of {tried} corrupt pages were refused");
}

/// Writes a file whose second of three row groups holds no row.
fn with_empty_group(path: &Path, batch: &RecordBatch) {
    let mut bytes = Vec::new();
    let writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    let (mut file, factory) = writer.into_serialized_writer().unwrap();
    let half = batch.num_rows() / 2;
    let parts = [batch.slice(0, half), batch.slice(0, 0), batch.slice(half, batch.num_rows() - half)];
    for (index, part) in parts.iter().enumerate() {
        let mut group = file.next_row_group().unwrap();
        let writers = factory.create_column_writers(index).unwrap();
        for ((mut writer, field), array) in writers.into_iter().zip(batch.schema().fields()).zip(part.columns()) {
            for leaf in parquet::arrow::arrow_writer::compute_leaves(field, array).unwrap() {
                writer.write(&leaf).unwrap();
            }
            writer.close().unwrap().append_to_row_group(&mut group).unwrap();
        }
        group.close().unwrap();
    }
    file.close().unwrap();
    replace(path, &bytes);
}

#[test]
fn an_empty_row_group_changes_nothing_and_a_table_of_no_rows_is_an_empty_table() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let before = read(&world.latest(SMALL).join(TABLE));
    let batch = read(&world.source(SOURCE));
    with_empty_group(&world.source(SOURCE), &batch);
    let reader = SerializedFileReader::new(std::fs::File::open(world.source(SOURCE)).unwrap()).unwrap();
    assert_eq!(reader.metadata().row_group(1).num_rows(), 0);
    world.build(&[SMALL]).ends(0);
    assert_eq!(read(&world.latest(SMALL).join(TABLE)), before);

    write(&world.source(SOURCE), &batch.slice(0, 0), WriterProperties::default());
    world.build(&[SMALL]).ends(0);
    let empty = read(&world.latest(SMALL).join(TABLE));
    assert_eq!(empty.num_rows(), 0);
    assert_eq!(empty.schema().fields(), before.schema().fields());
    world.run(&["verify", "--quiet", world.latest(SMALL).to_str().unwrap()]).ends(0);
}

/// The fates of the rows of the slice, by name.
fn fates(world: &World) -> BTreeMap<String, u64> {
    let manifest = manifest(&world.latest(SMALL));
    let slices = manifest["slices"].as_array().unwrap();
    let slice =
        slices.iter().find(|s| s["slice"].to_string().contains("2004/2005")).unwrap_or_else(|| panic!("{slices:?}"));
    slice["fates"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), v.as_u64().unwrap())).collect()
}

#[test]
fn missing_strange_and_mixed_case_identifiers_are_counted_and_never_link() {
    const COLUMN: &str = "KS4_PupilMatchingRefAnonymous";
    let world = World::new();
    // Somebody whom the slice releases: the one whose rows alone are kept.
    let batch = read(&world.source(SOURCE));
    let rows = batch.num_rows();
    assert!(rows > 6);
    let known = texts(&batch, COLUMN).into_iter().flatten().find(|id| {
        let ids: ArrayRef = Arc::new(StringArray::from(vec![id.as_str(); rows]));
        write(&world.source(SOURCE), &with_column(&batch, COLUMN, Some((COLUMN, &ids))), WriterProperties::default());
        world.build(&[SMALL]).ends(0);
        fates(&world)["kept"] == rows as u64
    });
    let known = known.expect("somebody is released");
    let swapped: String = known
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    assert_ne!(swapped, known, "the identifier has letters");
    let padded = format!("  {known}\t");
    let mut ids: Vec<Option<&str>> = vec![Some(&known); rows];
    ids[..6].copy_from_slice(&[None, Some(""), Some("   "), Some("\t"), Some(&swapped), Some(&padded)]);
    let ids: ArrayRef = Arc::new(StringArray::from(ids));
    write(&world.source(SOURCE), &with_column(&batch, COLUMN, Some((COLUMN, &ids))), WriterProperties::default());
    world.build(&[SMALL]).ends(0);
    let fates = fates(&world);
    assert_eq!((fates["rows_read"], fates["missing"], fates["unlinked"]), (rows as u64, 4, 1), "{fates:?}");
    assert_eq!(fates["kept"], rows as u64 - 5, "{fates:?}");
}

/// An identifier of a kind that has a shape, ten digits, in place of one that has none.
fn ten_digits(id: &str) -> String {
    let sum = id.trim().bytes().fold(7_u64, |sum, b| sum.wrapping_mul(0x100_0000_01b3) ^ u64::from(b));
    format!("{:010}", sum % 10_000_000_000)
}

#[test]
fn malformed_identifiers_are_counted_by_reason() {
    let world = World::new();
    for (path, _) in files(&world.path("catalogue")) {
        let path = world.path(&format!("catalogue/{path}"));
        let text = std::fs::read_to_string(&path).unwrap();
        replace(&path, text.replace("kind: pmr", "kind: uln").as_bytes());
    }
    world.edit(&world.path("leo.yaml"), "kind: pmr", "kind: uln");
    world.amend(SMALL, "linked: {pmr: 0.5..1.0}", "linked: {uln: 0.5..1.0}");
    let sources =
        files(&world.path("sources")).into_keys().filter(|p| p.starts_with("npd/ks4/") || p.ends_with("pmr.parquet"));
    for path in sources.map(|p| format!("sources/{p}")).chain(["exclusions/objections.parquet".to_owned()]) {
        let path = world.path(&path);
        rewrite(&path, |batch| {
            let schema = batch.schema();
            let name =
                |f: &&Arc<Field>| f.name().to_ascii_lowercase().ends_with("matchingrefanonymous") || f.name() == "pmr";
            let column = schema.fields().iter().find(name).unwrap().name();
            let mut ids: Vec<Option<String>> =
                texts(batch, column).iter().map(|id| id.as_deref().map(ten_digits)).collect();
            if path.ends_with("KS4_2004_2005.parquet") {
                for (id, bad) in ids.iter_mut().zip(["#N/A", "123456789", "12345678901", "123456789X"]) {
                    *id = Some(bad.to_owned());
                }
            }
            with_column(batch, column, Some((column, &(Arc::new(StringArray::from(ids)) as ArrayRef))))
        });
    }
    let run = world.build(&[SMALL]).ends(0);
    assert!(!run.said().contains("#N/A") && !run.said().contains("123456789X"));
    let fates = fates(&world);
    assert_eq!(fates["malformed"], 4, "{fates:?}");
    assert!(fates["kept"] > 0, "{fates:?}");
}
