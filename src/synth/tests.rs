//! Tests of whole worlds: the same bytes on any threads, everything readable, nothing else touched.

use super::options::Options;
use super::world::{catalogue, write_sources, write_world};
use crate::catalogue::{Catalogue, Document, Element, Period};
use crate::files::sha256_file;
use crate::survey::{Conversion, arrow_type, conversion};
use crate::vocab::{Error, Event, ExitCode, Observer, Silent, Slice};
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Options for a small world.
pub(super) fn options(out: &Path, persons: u64) -> Options {
    Options { out: out.to_owned(), persons, threads: 2, ..Options::default() }
}

/// All files below a folder.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
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

/// All values of a column as text, whatever its type.
pub(super) fn texts(path: &Path, column: &str) -> Vec<Option<String>> {
    let mut all = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let place = batch.schema().fields().iter().position(|f| f.name().eq_ignore_ascii_case(column)).unwrap();
        let values = cast(batch.column(place), &DataType::Utf8).unwrap();
        all.extend(values.as_string::<i32>().iter().map(|v| v.map(str::to_owned)));
    }
    all
}

fn footer(path: &Path) -> (SchemaRef, Option<String>) {
    // As Parquet has it: the survey does not look at hints.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = std::fs::File::open(path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    (builder.schema().clone(), builder.metadata().file_metadata().created_by().map(str::to_owned))
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_threads() {
    let folder = tempfile::tempdir().unwrap();
    let mut worlds = Vec::new();
    for (threads, seed) in [(1, 1), (2, 1), (7, 1), (2, 2)] {
        let out = folder.path().join(format!("{threads}-{seed}"));
        // Small row groups, so that files have several chunks.
        let options = Options { threads, seed, row_group_rows: 97, ..options(&out, 200) };
        let world = write_world(&options, &Silent).unwrap();
        assert_eq!(world.config, out.join("leo.yaml"));
        assert!(world.rows > 200 * 20, "{world:?}");
        let sources: u64 = files(&out).iter().filter(|f| f.extension().is_some_and(|e| e == "parquet")).count() as u64;
        assert_eq!(world.files, sources);
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
    let first = digests(&out);
    write_world(&options(&out, 21), &Silent).unwrap();
    assert_ne!(first, digests(&out));
    write_world(&one, &Silent).unwrap();
    assert_eq!(first, digests(&out));
    std::fs::write(out.join("notes.txt"), "mine").unwrap();
    let error = write_world(&one, &Silent).unwrap_err();
    assert_eq!(error.exit_code(), ExitCode::Output);
    assert!(matches!(&error, Error::Findings(f) if f[0].code == "synth-folder-not-empty"));
    assert!(out.join("sources").exists() && out.join("extracts").exists());
    for options in [
        Options { persons: 0, ..one.clone() },
        Options { presence: 1.5, ..one.clone() },
        Options { row_group_rows: 0, ..one },
    ] {
        assert_eq!(write_world(&options, &Silent).unwrap_err().exit_code(), ExitCode::Usage);
    }
}

/// Counts elements started and finished, and the rows told.
#[derive(Default)]
struct Tally(Mutex<[u64; 4]>);
impl Observer for Tally {
    fn on(&self, event: Event<'_>) {
        let mut tally = self.0.lock().unwrap();
        match event {
            Event::ElementStarted { rows, .. } => {
                tally[0] += 1;
                tally[3] += rows;
            }
            Event::ElementFinished { .. } => tally[1] += 1,
            Event::ElementRows { rows, .. } => tally[2] += rows,
            _ => {}
        }
    }
}

#[test]
fn progress_is_told_by_element_and_about_as_foretold() {
    let folder = tempfile::tempdir().unwrap();
    let tally = Tally::default();
    write_world(&options(folder.path(), 1_000), &tally).unwrap();
    let [started, finished, rows, foretold] = *tally.0.lock().unwrap();
    let elements = catalogue().unwrap().elements.len() as u64;
    assert_eq!((started, finished), (elements, elements));
    // The one heavy person is in no estimate.
    let rows = rows - 3_000;
    assert!(rows.abs_diff(foretold) * 5 < rows, "{rows} rows where {foretold} were foretold");
}

struct Stopped;
impl Observer for Stopped {
    fn on(&self, _: Event<'_>) {}
    fn interrupted(&self) -> bool {
        true
    }
}

#[test]
fn a_stopped_run_says_so_and_can_be_done_again() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(write_world(&options(folder.path(), 50), &Stopped), Err(Error::Interrupted)));
    write_world(&options(folder.path(), 5), &Silent).unwrap();
}

/// The files of an element, each with its slice.
fn element_files(root: &Path, element: &Element) -> Vec<(PathBuf, Option<Slice>)> {
    let resolve = |at: PathBuf| if at.is_dir() { files(&at) } else { vec![at] };
    let sources = root.join("sources");
    match element.period {
        Period::Slice { .. } => element
            .slices(&element.coverage, &[])
            .into_iter()
            .flat_map(|s| resolve(sources.join(element.location.fill(Some(s)))).into_iter().map(move |f| (f, Some(s))))
            .collect(),
        _ => resolve(sources.join(element.location.as_str())).into_iter().map(|f| (f, None)).collect(),
    }
}

#[test]
fn every_slice_is_there_with_columns_that_convert() {
    let folder = tempfile::tempdir().unwrap();
    write_world(&options(folder.path(), 60), &Silent).unwrap();
    for element in &catalogue().unwrap().elements {
        let all = element_files(folder.path(), element);
        assert!(!all.is_empty(), "{}", element.name);
        for (path, slice) in all {
            let (schema, created) = footer(&path);
            assert_eq!(created.as_deref(), Some("leo-extract synth"));
            let suffix = element.suffix.as_ref().map(|s| s.fill(slice)).unwrap_or_default();
            let find = |name: &str| schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(name));
            assert!(find(&format!("{}{suffix}", element.identifier.column)).is_some(), "{}", path.display());
            for variable in &element.variables {
                let year = slice.map(|s| s.year);
                let name = format!("{}{suffix}", variable.name_in(year));
                match find(&name) {
                    Some(field) => assert_ne!(
                        conversion(&arrow_type(field.data_type()), variable.kind),
                        Conversion::Never,
                        "{} {name}",
                        path.display()
                    ),
                    None => assert!(year.is_some() && !variable.collected_in(year), "{} lacks {name}", path.display()),
                }
            }
        }
    }
}

#[test]
fn an_element_that_is_new_gets_data_by_itself() {
    let embedded = catalogue().unwrap();
    let mut documents: Vec<Document> = embedded.documents;
    let variables = "variables:
  - {name: When, type: date, identifiability: 5, sensitivity: E, selection: default}
  - {name: HowMany, type: int16, identifiability: 5, sensitivity: E, selection: default}
  - {name: HowMuch, type: \"decimal(8,2)\", identifiability: 5, sensitivity: E, selection: default}
  - {name: What, type: string, identifiability: 5, sensitivity: E, selection: default, codes: [A, B]}
  - {name: Free, type: string, identifiability: 5, sensitivity: E, selection: default}
  - {name: Yes, type: bool, identifiability: 5, sensitivity: E, selection: default}
  - {name: Stamp, type: timestamp, identifiability: 5, sensitivity: E, selection: default}
  - {name: Real, type: float32, identifiability: 5, sensitivity: E, selection: default}
";
    for (name, middle) in [
        (
            "ucas.one",
            "identifier: {column: P, kind: pmr}\nperiod: {kind: academic_year, from: slice}\n\
             location: u/One_{yyyy}\nsuffix: _{yy}\ncoverage: 2010/2011..2012/2013",
        ),
        (
            "ucas.two",
            "identifier: {column: P, kind: ae_id}\nperiod: {kind: tax_year, column: T, encoding: yyyy/yy}\n\
             location: u/two\ncoverage: 2010/2011..2012/2013",
        ),
        (
            "ucas.three",
            "identifier: {column: P, kind: edukey}\nperiod: {kind: spell, start: From, end: To}\n\
             location: u/three.parquet\ncoverage: 2010/2011..2012/2013",
        ),
        ("ucas.four", "identifier: {column: P, kind: recordid}\nperiod: {kind: none}\nlocation: u/four.parquet"),
    ] {
        let text = format!("element: {name}\nowner: UCAS\n{middle}\ngrain: [person]\n{variables}");
        documents.push(Document { name: format!("{name}.yaml"), text });
    }
    let catalogue = Catalogue::from_documents(documents, "test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    write_sources(&options(folder.path(), 300), &catalogue, &Silent).unwrap();
    for element in catalogue.elements.iter().filter(|e| e.name.as_str().starts_with("ucas.")) {
        let all = element_files(folder.path(), element);
        let known: usize = all
            .iter()
            .map(|(path, slice)| {
                let suffix = element.suffix.as_ref().map(|s| s.fill(*slice)).unwrap_or_default();
                for variable in &element.variables {
                    let values = texts(path, &format!("{}{suffix}", variable.name));
                    assert!(
                        values.is_empty() || values.iter().any(Option::is_some),
                        "{} {}",
                        element.name,
                        variable.name
                    );
                }
                texts(path, &format!("P{suffix}")).iter().flatten().count()
            })
            .sum();
        assert!(known > 50, "{}: {known} rows", element.name);
    }
}

#[test]
fn years_left_out_have_files_and_no_rows() {
    let folder = tempfile::tempdir().unwrap();
    let years = crate::vocab::Years::parse("2010/2011");
    write_world(&Options { years, ..options(folder.path(), 100) }, &Silent).unwrap();
    let rows = |name: &str| texts(&folder.path().join("sources/npd/ks4").join(name), "KS4_GENDER").len();
    assert!(rows("KS4_2010_2011.parquet") > 0);
    assert_eq!(rows("KS4_2009_2010.parquet"), 0);
}
