//! No byte of an extract holds what was withheld from it: not the pages, dictionaries and statistics of its tables, not
//! their indexes and footers, not the record, dictionary and report beside them; though another project of the same pass
//! got it.

use crate::reckon::figure;
use crate::support::{SMALL, World, files, read, tables, texts, write};
use arrow::array::StringArray;
use arrow::record_batch::RecordBatch;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The project that may see everything of two years; `SMALL` may see some rows of one variable of one year.
const OPEN: &str = "LEO-2019-904";
const YEARS: [(&str, &str); 3] = [("2009", "2010"), ("2010", "2011"), ("2011", "2012")];

/// A batch with one column's cells replaced; its type stays.
fn with(batch: &RecordBatch, column: &str, cells: Vec<Option<String>>) -> RecordBatch {
    let index = batch.schema().fields().iter().position(|f| f.name().eq_ignore_ascii_case(column)).unwrap();
    let mut columns = batch.columns().to_vec();
    columns[index] = arrow::compute::cast(&StringArray::from(cells), columns[index].data_type()).unwrap();
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

fn column(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let fields = batch.schema().fields().clone();
    texts(batch, fields.iter().find(|f| f.name().eq_ignore_ascii_case(name)).unwrap().name())
}

/// Markers of rows and cells: that are released, and that are withheld, each with why.
#[derive(Default)]
struct Markers {
    released: BTreeSet<String>,
    withheld: BTreeMap<String, &'static str>,
}

/// Rewrites three years of Key Stage 4: every cell of two text variables becomes a marker of its own, at both ends of the
/// order, so that a lowest or highest value that was taken of too many rows would show.
fn plant(world: &World) -> Markers {
    let mut markers = Markers::default();
    let mut people: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let link = read(&world.source("link/ae_id_pmr.parquet"));
    for (pmr, who) in column(&link, "PUPILMATCHINGREFANONYMOUS").into_iter().zip(column(&link, "AE_ID")) {
        people.entry(pmr.unwrap_or_default()).or_default().extend(who);
    }
    // Every fifth row does not count: sources have fewer of these.
    let load = |(from, to)| {
        let batch = read(&world.source(&format!("npd/ks4/KS4_{from}_{to}.parquet")));
        let counts = column(&batch, "KS4_NATRES").into_iter().enumerate();
        let counts = counts.map(|(row, cell)| if row % 5 == 0 { Some("0".to_owned()) } else { cell }).collect();
        with(&batch, "KS4_NATRES", counts)
    };
    let of_row = |pmr: &Option<String>| people.get(pmr.as_deref().unwrap_or("")).filter(|who| who.len() == 1);
    let counted = |cell: &Option<String>| cell.as_deref() == Some("1");
    // The cohort of SMALL: whoever has a row of 2010/2011 that counts in national results.
    let base = load(YEARS[1]);
    let rows = column(&base, "KS4_PupilMatchingRefAnonymous").into_iter().zip(column(&base, "KS4_NATRES"));
    let in_cohort: BTreeSet<String> =
        rows.filter(|(_, natres)| counted(natres)).filter_map(|(pmr, _)| of_row(&pmr)).flatten().cloned().collect();
    for (year, years) in YEARS.into_iter().enumerate() {
        let batch = load(years);
        let (mut gender, mut kind) = (Vec::new(), Vec::new());
        let rows = column(&batch, "KS4_PupilMatchingRefAnonymous").into_iter().zip(column(&batch, "KS4_NATRES"));
        for (row, (pmr, natres)) in rows.enumerate() {
            let why = match of_row(&pmr) {
                _ if year == 2 => "a year that was not asked for",
                _ if !counted(&natres) => "a row that the condition drops",
                None => "a row of nobody, or of nobody alone",
                Some(who) if who.is_disjoint(&in_cohort) => "a row of somebody outside the cohort",
                Some(_) => "",
            };
            let edge = if row % 2 == 0 { "!" } else { "~" };
            let (cell, unasked) = (format!("{edge}cell-{year}-{row:05}"), format!("{edge}kind-{year}-{row:05}"));
            if why.is_empty() {
                markers.released.insert(cell.clone());
            } else {
                markers.withheld.insert(cell.clone(), why);
            }
            markers.withheld.insert(unasked.clone(), "a variable that was not asked for");
            gender.push(Some(cell));
            kind.push(Some(unasked));
        }
        let planted = with(&with(&batch, "KS4_GENDER", gender), "KS4_ToE_CODE", kind);
        let (from, to) = years;
        write(&world.source(&format!("npd/ks4/KS4_{from}_{to}.parquet")), &planted, WriterProperties::default());
    }
    markers
}

/// All that an extract holds, as bytes: its files as they are, and of its tables every page and dictionary decompressed,
/// every statistic, and every cell.
fn everything(extract: &Path) -> (BTreeMap<String, Vec<u8>>, usize) {
    let mut all = files(extract);
    let mut dictionaries = 0;
    for path in tables(extract).keys() {
        let file = extract.join("data").join(path);
        let options = ReadOptionsBuilder::new().with_page_index().build();
        let reader = SerializedFileReader::new_with_options(std::fs::File::open(&file).unwrap(), options).unwrap();
        let mut decoded = Vec::new();
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).unwrap();
            for (index, facts) in group.metadata().columns().iter().enumerate() {
                assert!(facts.bloom_filter_offset().is_none(), "{path}: a filter tells who is not there");
                if let Some(statistics) = facts.statistics() {
                    decoded.extend(statistics.min_bytes_opt().into_iter().chain(statistics.max_bytes_opt()).flatten());
                    decoded.push(b'\n');
                }
                let mut pages = group.get_column_page_reader(index).unwrap();
                while let Some(page) = pages.get_next_page().unwrap() {
                    dictionaries += usize::from(matches!(page, parquet::column::page::Page::DictionaryPage { .. }));
                    decoded.extend_from_slice(page.buffer());
                    decoded.push(b'\n');
                }
            }
        }
        // The indexes of pages as they were read, beside the raw bytes.
        decoded.extend(format!("{:?}", reader.metadata().column_index()).into_bytes());
        let batch = read(&file);
        for field in batch.schema().fields() {
            decoded.extend(
                texts(&batch, field.name()).into_iter().flatten().flat_map(|cell| format!("{cell}\n").into_bytes()),
            );
        }
        all.insert(format!("{path}, decoded"), decoded);
    }
    (all, dictionaries)
}

/// The markers that occur in bytes: all have one length and one of two beginnings.
fn found(bytes: &[u8]) -> BTreeSet<String> {
    const LENGTH: usize = "!cell-0-00000".len();
    let is_marker = |w: &&[u8]| (w[0] == b'!' || w[0] == b'~') && (&w[1..6] == b"cell-" || &w[1..6] == b"kind-");
    bytes.windows(LENGTH).filter(is_marker).map(|w| String::from_utf8_lossy(w).into_owned()).collect()
}

#[test]
fn no_byte_of_an_extract_holds_what_was_withheld_from_it() {
    let world = World::made(&["--persons", "2500"]);
    world.add_twin(SMALL, OPEN);
    let spec = |project: &str, years: &str, variables: &str, condition: &str, terms: &str| {
        let path = world.spec(project);
        let text = std::fs::read_to_string(&path).unwrap();
        let head = &text[..text.find("cohort:").unwrap()];
        let text = format!(
            "{head}cohort:\n  description: Some pupils\n  steps:\n    - include: npd.ks4\n      years: {terms}\n{}elements:\n  \
             - element: npd.ks4\n    years: {years}\n    variables: [{variables}]\n{}    justification: It is a test.\n\
             output: {{format: both}}\n",
            condition.replace("INDENT", "      "),
            condition.replace("INDENT", "    "),
        );
        crate::support::replace(&path, text.as_bytes());
        world.approve(project);
    };
    let counted = "INDENTwhere: [{variable: KS4_NATRES, equals: 1}]\n";
    spec(SMALL, "2009/2010..2010/2011", "KS4_GENDER", counted, "2010/2011");
    spec(OPEN, "2009/2010..2011/2012", "KS4_GENDER, KS4_ToE_CODE", "", "2009/2010..2011/2012");
    let markers = plant(&world);
    world.build(&[SMALL, OPEN]).ends(0);

    // Another project of the same pass got them, and the search finds them there: in pages, cells and twins.
    let (all, dictionaries) = everything(&world.latest(OPEN));
    let open: BTreeSet<String> = all.values().flat_map(|bytes| found(bytes)).collect();
    let seen = markers.withheld.keys().filter(|m| open.contains(*m)).count();
    assert!(seen * 10 > markers.withheld.len() * 9, "{seen} of {}", markers.withheld.len());
    assert!(dictionaries > 0, "dictionaries were looked into");
    for reason in ["a year that was not", "a row that the", "a row of somebody", "a variable that"] {
        let of_reason = markers.withheld.iter().filter(|(m, why)| why.starts_with(reason) && open.contains(*m)).count();
        assert!(of_reason >= 5, "{reason}…: {of_reason}");
    }

    let (all, dictionaries_here) = everything(&world.latest(SMALL));
    let mut here = BTreeSet::new();
    for (path, bytes) in &all {
        for marker in found(bytes) {
            assert!(!markers.withheld.contains_key(&marker), "{path} holds {}", markers.withheld[&marker]);
            here.insert(marker);
        }
    }
    assert_eq!(here, markers.released, "what was released is found, all of it");
    assert!(here.len() > 50, "{}", here.len());
    // Nor does what the run leaves beside the extracts.
    for (path, bytes) in files(&world.path("extracts")) {
        assert!(path.starts_with(OPEN) || path.starts_with(SMALL) || found(&bytes).is_empty(), "{path}");
    }
    figure(&format!(
        "{} withheld cells planted, {seen} found where they were released, 0 of them in the {} files and decoded tables of \
             the other extract, where all {} released ones are; {} dictionaries decoded",
        markers.withheld.len(),
        all.len(),
        here.len(),
        dictionaries + dictionaries_here
    ));
}
