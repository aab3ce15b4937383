//! Decoding alone: of each source file that the plan reads, the columns that anybody needs, once.

use super::pool::{Fallible, Spent, over};
use super::settings::Texts;
use super::tables::{broken, with_texts};
use leo_extract::plan::{ElementScan, Plan, Unit};
use leo_extract::survey::FileFacts;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Encoding, EncodingMask};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows of a batch, as a build has them.
const BATCH: usize = 8 * 1024;

/// The files of a plan, each with the columns that are needed of it.
pub(crate) struct Sources {
    files: Vec<Source>,
    pieces: Vec<Piece>,
}

struct Source {
    facts: Arc<FileFacts>,
    mask: ProjectionMask,
    views: ArrowReaderMetadata,
    dictionaries: ArrowReaderMetadata,
    bytes: u64,
}

/// One row group of a file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    file: usize,
    group: usize,
    bytes: u64,
}

/// Collects what a plan reads: for cohorts and tables together, and the link tables.
pub(crate) fn sources(plan: &Plan) -> Fallible<Sources> {
    let mut needed: BTreeMap<&Path, (&Arc<FileFacts>, BTreeSet<&str>)> = BTreeMap::new();
    let mut need = |facts, columns: Vec<_>| {
        let of: &Arc<FileFacts> = facts;
        let (_, all) = needed.entry(&of.path).or_insert_with(|| (of, BTreeSet::new()));
        all.extend(columns.into_iter().map(String::as_str));
    };
    let scans = plan.selection.iter().chain(&plan.release);
    scans.flat_map(|scan: &Arc<ElementScan>| &scan.units).for_each(|unit| need(&unit.facts, columns(unit)));
    for (facts, person, identifier) in plan.links.iter().flat_map(|link| &link.files) {
        need(facts, vec![&person.name, &identifier.name]);
    }
    for (facts, identifier) in plan.exclusions.iter().flat_map(|excluded| &excluded.files) {
        need(facts, vec![&identifier.name]);
    }
    let files = needed.values().map(|(facts, columns)| source(facts, columns)).collect::<Fallible<Vec<_>>>()?;
    let mut pieces: Vec<Piece> = files.iter().enumerate().flat_map(|(file, source)| source.pieces(file)).collect();
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.bytes));
    Ok(Sources { files, pieces })
}

/// The columns that a unit reads, by their names in the file.
fn columns(unit: &Unit) -> Vec<&String> {
    let spell = unit.spell.iter().flat_map(|(start, end)| [start, end]);
    let variables = unit.variables.iter().flatten().map(|stand| &stand.column);
    std::iter::once(&unit.key).chain(&unit.year).chain(spell).chain(variables).map(|column| &column.name).collect()
}

fn source(facts: &Arc<FileFacts>, columns: &BTreeSet<&str>) -> Fallible<Source> {
    let fault = || broken(&facts.path);
    let names: Vec<&str> = columns.iter().copied().collect();
    let roots = columns.iter().map(|name| facts.schema.index_of(name)).collect::<Result<Vec<usize>, _>>();
    let mask = ProjectionMask::roots(facts.footer.file_metadata().schema_descr(), roots.map_err(|_| fault())?);
    // Arrow dictionaries pay only where all pages have numbers of the file's own.
    let numbered = |column: usize| {
        let only = |mask: &EncodingMask| mask.is_only(Encoding::RLE_DICTIONARY);
        let mut groups = facts.footer.row_groups().iter();
        groups.all(|group| group.column(column).page_encoding_stats_mask().is_some_and(only))
    };
    let read_as = |texts| with_texts(&facts.footer, texts, numbered).ok_or_else(fault);
    let (views, dictionaries) = (read_as(Texts::Views)?, read_as(Texts::Dictionaries)?);
    Ok(Source { facts: Arc::clone(facts), mask, views, dictionaries, bytes: facts.bytes_of(&names) })
}

impl Source {
    fn pieces(&self, file: usize) -> impl Iterator<Item = Piece> {
        let of = |group: &parquet::file::metadata::RowGroupMetaData| {
            let needed = (0..group.num_columns()).filter(|column| self.mask.leaf_included(*column));
            needed.map(|column| u64::try_from(group.column(column).compressed_size()).unwrap_or(0)).sum()
        };
        self.facts.footer.row_groups().iter().enumerate().map(move |(i, group)| Piece {
            file,
            group: i,
            bytes: of(group),
        })
    }
}

impl Sources {
    pub(crate) fn files(&self) -> usize {
        self.files.len()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|source| source.bytes).sum()
    }

    pub(crate) fn rows(&self) -> u64 {
        self.files.iter().map(|source| source.facts.rows).sum()
    }

    /// Decodes everything once; arrays are dropped as they come.
    pub(crate) fn decode(&self, texts: Texts, threads: usize) -> Fallible<Spent> {
        let (rows, spent) = over(threads, &self.pieces, |piece| {
            let source = self.files.get(piece.file).ok_or("no such file")?;
            let fault = || broken(&source.facts.path);
            let metadata = match texts {
                Texts::Views => &source.views,
                Texts::Dictionaries => &source.dictionaries,
            };
            let file = File::open(&source.facts.path)?;
            let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
                .with_row_groups(vec![piece.group])
                .with_projection(source.mask.clone())
                .with_batch_size(BATCH)
                .build()
                .map_err(|_| fault())?;
            let mut rows = 0;
            for batch in batches {
                rows += u64::try_from(std::hint::black_box(batch.map_err(|_| fault())?).num_rows())?;
            }
            Ok(rows)
        })?;
        if rows.iter().sum::<u64>() == self.rows() { Ok(spent) } else { Err("some rows were not decoded".into()) }
    }
}
