//! Tables: every file of a world's sources, what is in it, and how its people are cut into chunks.

use super::columns::{Column, Style, columns};
use super::options::Options;
use super::people::Population;
use super::plans::{Plan, Scope};
use super::random::{hash, label, whole};
use crate::catalogue::{Catalogue, Element, LinkTable, Period};
use crate::vocab::{ElementName, Slice, Year};
use arrow::datatypes::DataType;

/// One file.
pub(super) struct Table<'a> {
    /// The path below the world's folder, parts apart by `/`.
    pub path: String,
    /// What is in it.
    pub content: Content<'a>,
    /// How its metadata describe text, where they carry an Arrow schema.
    pub hint: Option<DataType>,
    /// The first person and the number of people of each chunk, in the order in which they stand in the file.
    pub chunks: Vec<(u64, u64)>,
    /// About how many rows it will have.
    pub expected: u64,
}

/// What is in a file.
pub(super) enum Content<'a> {
    /// Rows of an element.
    Element {
        /// Its name.
        name: &'a ElementName,
        /// Where its rows come from.
        plan: Plan,
        /// The years and the term.
        scope: Scope<'a>,
        /// The faults that it can have.
        allowed: super::rows::Allowed,
        /// Its columns.
        columns: Vec<Column>,
    },
    /// Rows of a link table.
    Links(&'a LinkTable),
    /// The people never to be released, by an identifier.
    Objections,
}

/// All files of a world, the largest first, so that no core is left alone with one at the end.
pub(super) fn tables<'a>(catalogue: &'a Catalogue, options: &'a Options, population: &Population) -> Vec<Table<'a>> {
    let mut tables = Vec::new();
    for element in &catalogue.elements {
        for (location, slice, years) in files(element) {
            tables.push(element_table(element, location, slice, years, options, population));
        }
    }
    for link in &catalogue.links.tables {
        let rows = if link.identifier.kind.as_str() == "recordid" { 0.7 } else { 1.0 };
        let path = below_sources(&link.location, "part-00000.parquet");
        let (chunks, expected) = chunks(population, rows, options.row_group_rows, label(&path));
        tables.push(Table { path, content: Content::Links(link), hint: None, chunks, expected });
    }
    tables.push(Table {
        path: "exclusions/objections.parquet".to_owned(),
        content: Content::Objections,
        hint: None,
        chunks: vec![(0, population.persons)],
        expected: 10,
    });
    tables.sort_by(|a, b| b.expected.cmp(&a.expected).then_with(|| a.path.cmp(&b.path)));
    tables
}

fn element_table<'a>(
    element: &'a Element,
    location: String,
    slice: Option<Slice>,
    years: (i32, i32),
    options: &'a Options,
    population: &Population,
) -> Table<'a> {
    let plan = Plan::of(element);
    let scope = Scope {
        years,
        term: slice.and_then(|s| s.term),
        presence: options.presence,
        faults: &options.faults,
        kind: label(element.identifier.kind.as_str()),
        options,
    };
    let style = Style::new(element.name.as_str(), years.0 + slice.and_then(|s| s.term).map_or(0, |t| t as i32 * 100));
    let columns = columns(element, plan, slice, &scope, style);
    let (chunks, expected) = chunks(population, plan.rows_a_person(&scope), options.row_group_rows, label(&location));
    Table {
        path: location,
        hint: style.hint(),
        content: Content::Element { name: &element.name, plan, allowed: plan.allowed(element), scope, columns },
        chunks,
        expected,
    }
}

/// The files of an element: path, slice, first and last start year.
fn files(element: &Element) -> Vec<(String, Option<Slice>, (i32, i32))> {
    let start = |year: Year| i32::from(year.0);
    let bounds = element.coverage.bounds().map_or((2010, 2010), |(a, b)| (start(a), start(b)));
    let location = element.location.as_str();
    match &element.period {
        Period::Slice { .. } => element
            .slices(&element.coverage, &[])
            .into_iter()
            .map(|slice| {
                let path = below_sources(&element.location.fill(Some(slice)), "part-00000.parquet");
                (path, Some(slice), (start(slice.year), start(slice.year)))
            })
            .collect(),
        Period::Column { .. } if !location.ends_with(".parquet") => element
            .coverage
            .iter()
            .map(|year| {
                let name = format!("{}_{}.parquet", element.name.as_str().replace('.', "_"), year.file_stem());
                (below_sources(location, &name), None, (start(year), start(year)))
            })
            .collect(),
        _ => vec![(below_sources(location, "part-00000.parquet"), None, bounds)],
    }
}

/// A location below the sources; where it is a folder, the file of that name in it.
fn below_sources(location: &str, file: &str) -> String {
    if location.ends_with(".parquet") { format!("sources/{location}") } else { format!("sources/{location}/{file}") }
}

/// Cuts people into chunks of about a row group each, in an order that tells nothing.
fn chunks(population: &Population, rows_a_person: f64, rows: usize, key: u64) -> (Vec<(u64, u64)>, u64) {
    let rows = f64::from(u32::try_from(rows.max(1)).unwrap_or(u32::MAX));
    let people = whole(rows / rows_a_person.max(1e-6)).unsigned_abs().clamp(1, 1 << 31);
    let mut chunks: Vec<(u64, u64)> = (0..population.persons.div_ceil(people))
        .map(|i| (i * people, people.min(population.persons - i * people)))
        .collect();
    let seed = hash(population.seed, key);
    chunks.sort_by_key(|(first, _)| hash(seed, *first));
    let persons = f64::from(u32::try_from(population.persons).unwrap_or(u32::MAX));
    (chunks, whole(persons * rows_a_person).unsigned_abs())
}
