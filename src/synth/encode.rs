//! Encoding: chunks of all files on all threads, each file's chunks in order, bounded memory, the same bytes always.

use super::arrays::array;
use super::columns::{Around, schemas};
use super::links;
use super::people::Population;
use super::random::{Draw, Visit};
use super::rows::Rows;
use super::tables::{Content, Table};
use crate::files::operation;
use crate::vocab::{ElementName, Error, Event, Observer, Result};
use arrow::array::ArrayRef;
use arrow::datatypes::Schema;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Files.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// A file that is being written.
struct Sink {
    writer: Option<SerializedFileWriter<BufWriter<File>>>,
    factory: Arc<ArrowRowGroupWriterFactory>,
    schema: Arc<Schema>,
    next: usize,
    waiting: BTreeMap<usize, (Vec<ArrowColumnChunk>, usize)>,
}

/// All files of a world, being written.
pub(super) struct Work<'a> {
    /// The world's folder.
    pub root: &'a Path,
    /// The files.
    pub tables: &'a [Table<'a>],
    /// The people.
    pub population: &'a Population,
    /// What arrays depend on beside their rows; the term is each file's own.
    pub around: Around<'a>,
    /// Who is told.
    pub observer: &'a dyn Observer,
    /// How many files of each element are not finished yet.
    pub unfinished: BTreeMap<&'a ElementName, AtomicUsize>,
}

/// Writes all files on so many threads.
pub(super) fn write(work: &Work<'_>, threads: usize) -> Result<Totals> {
    let units: Vec<(usize, usize)> = work
        .tables
        .iter()
        .enumerate()
        .flat_map(|(table, t)| (0..t.chunks.len().max(1)).map(move |chunk| (table, chunk)))
        .collect();
    let sinks: Vec<Mutex<Option<Sink>>> = work.tables.iter().map(|_| Mutex::new(None)).collect();
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcome: Mutex<Result<Totals>> = Mutex::new(Ok(Totals::default()));
    let run = || {
        while !stop.load(Ordering::Relaxed) {
            let Some(&(table, chunk)) = units.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let done = if work.observer.interrupted() {
                Err(Error::Interrupted)
            } else {
                one(work, &sinks[table], table, chunk)
            };
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            match (done, outcome.as_mut()) {
                (Ok(done), Ok(totals)) => {
                    totals.files += done.files;
                    totals.rows += done.rows;
                    totals.bytes += done.bytes;
                }
                (Err(error), Ok(_)) => {
                    *outcome = Err(error);
                    stop.store(true, Ordering::Relaxed);
                }
                _ => {}
            }
        }
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|_| Error::Internal("no threads could be started".to_owned()))?;
    pool.broadcast(|_| run());
    outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Encodes one chunk and hands it to its file; what was finished by it.
fn one(work: &Work<'_>, sink: &Mutex<Option<Sink>>, table: usize, chunk: usize) -> Result<Totals> {
    let of = &work.tables[table];
    let path = work.root.join(&of.path);
    let failed = |error: ParquetError| write_error(&path, error);
    let (factory, schema) = {
        let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
        if sink.is_none() {
            *sink = Some(open(of, &path, work.population.persons)?);
        }
        match sink.as_ref() {
            Some(sink) => (Arc::clone(&sink.factory), Arc::clone(&sink.schema)),
            None => return Err(Error::Internal("a synthetic file closed too early".to_owned())),
        }
    };
    let (columns, rows) = match of.chunks.get(chunk) {
        None => (Vec::new(), 0),
        Some(people) => encode(work, of, chunk, *people, &factory, &schema).map_err(|e| e.into_ours(&path))?,
    };
    if let Content::Element { name, .. } = &of.content {
        work.observer.on(Event::ElementRows { element: name, rows: rows as u64 });
    }
    let mut held = sink.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(sink) = held.as_mut() else { return Err(Error::Internal("a synthetic file closed too early".to_owned())) };
    sink.waiting.insert(chunk, (columns, rows));
    let mut totals = Totals::default();
    while let Some((columns, rows)) = sink.waiting.remove(&sink.next) {
        sink.next += 1;
        totals.rows += rows as u64;
        if let Some(writer) = sink.writer.as_mut()
            && rows > 0
        {
            let mut group = writer.next_row_group().map_err(failed)?;
            for column in columns {
                column.append_to_row_group(&mut group).map_err(failed)?;
            }
            group.close().map_err(failed)?;
        }
    }
    if sink.next >= of.chunks.len().max(1)
        && let Some(writer) = sink.writer.take()
    {
        let buffered = writer.into_inner().map_err(failed)?;
        let file = buffered.into_inner().map_err(|e| Error::writing("write", &path, e.into_error()))?;
        let length = file.metadata().map_err(|e| Error::writing("write", &path, e))?.len();
        totals.files = 1;
        totals.bytes = length;
        if let Content::Element { name, .. } = &of.content
            && work.unfinished.get(name).is_some_and(|files| files.fetch_sub(1, Ordering::Relaxed) == 1)
        {
            work.observer.on(Event::ElementFinished { element: name });
        }
    }
    Ok(totals)
}

/// What can go wrong with a chunk.
enum Trouble {
    Parquet(ParquetError),
    Ours(Error),
}

impl Trouble {
    fn into_ours(self, path: &Path) -> Error {
        match self {
            Self::Parquet(error) => write_error(path, error),
            Self::Ours(error) => error,
        }
    }
}

impl From<ParquetError> for Trouble {
    fn from(error: ParquetError) -> Self {
        Self::Parquet(error)
    }
}

/// The system's own reason where it gave one (a full disk), never the text of a value.
fn write_error(path: &Path, error: ParquetError) -> Error {
    let cause = match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => *io,
            Err(_) => std::io::Error::other("the encoder failed"),
        },
        _ => std::io::Error::other("the encoder failed"),
    };
    Error::writing("write", path, cause)
}

/// The encoded columns of a chunk, and its rows.
fn encode(
    work: &Work<'_>,
    table: &Table<'_>,
    chunk: usize,
    (first, people): (u64, u64),
    factory: &ArrowRowGroupWriterFactory,
    schema: &Schema,
) -> std::result::Result<(Vec<ArrowColumnChunk>, usize), Trouble> {
    let mut draw = Draw::new(work.around.seed, &table.path, chunk as u64);
    let mut writers = factory.create_column_writers(chunk)?.into_iter();
    let mut done = Vec::with_capacity(schema.fields().len());
    let mut put = |field: usize, values: &ArrayRef| -> std::result::Result<(), ParquetError> {
        if let Some(mut writer) = writers.next() {
            for leaf in compute_leaves(schema.field(field), values)? {
                writer.write(&leaf)?;
            }
            done.push(writer.close()?);
        }
        Ok(())
    };
    let whole = match &table.content {
        Content::Element { plan, scope, allowed, columns, .. } => {
            let around = Around { term: scope.term, ..work.around };
            let mut rows = Rows::default();
            let (oldest, youngest) = plan.cohorts(scope);
            let visit = Visit::new(people, draw.wide());
            let mut planned = Vec::new();
            for turn in 0..people {
                let number = first + visit.at(turn);
                let cohort = work.population.cohort(number);
                if cohort < oldest || cohort > youngest {
                    continue;
                }
                let person = work.population.person(number);
                plan.rows(work.population, &person, scope, &mut planned);
                if !planned.is_empty() {
                    rows.take(person, &mut planned, around.faults, *allowed, &mut draw);
                }
            }
            rows.disturb(&mut draw);
            if !rows.rows.is_empty() {
                for (field, column) in columns.iter().enumerate() {
                    put(field, &array(column, &rows, around, &mut draw).map_err(Trouble::Ours)?)?;
                }
            }
            return Ok((done, rows.rows.len()));
        }
        Content::Links(link) => links::chunk(link, work.population, (first, people), work.around, &mut draw),
        Content::Objections => links::objections(work.population),
    };
    if whole.1 > 0 {
        for (field, values) in whole.0.iter().enumerate() {
            put(field, values)?;
        }
    }
    Ok((done, whole.1))
}

/// Opens a file: its folder, its schema, its writer.
fn open(table: &Table<'_>, path: &Path, persons: u64) -> Result<Sink> {
    let (schema, hinted, distinct): (Arc<Schema>, Option<Schema>, Vec<&str>) = match &table.content {
        Content::Element { columns, .. } => {
            let (schema, hinted) = schemas(columns, table.hint.as_ref());
            (schema, hinted, columns.iter().filter(|c| c.distinct).map(|c| c.name.as_str()).collect())
        }
        Content::Links(link) => (Arc::new(links::schema(link)), None, vec![&link.person, &link.identifier.column]),
        Content::Objections => (Arc::new(links::objections_schema()), None, Vec::new()),
    };
    // Small files are mostly metadata: they go without statistics.
    let small = persons < 50_000;
    let level = ZstdLevel::try_new(if small { 9 } else { 1 }).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_created_by("leo-extract synth".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(if small { EnabledStatistics::None } else { EnabledStatistics::Chunk })
        .set_offset_index_disabled(true);
    for name in distinct {
        properties = properties.set_column_dictionary_enabled(vec![name.to_owned()].into(), false);
    }
    let mut properties = properties.build();
    if let Some(hinted) = &hinted {
        add_encoded_arrow_schema_to_metadata(hinted, &mut properties);
    }
    let failed = |error: ParquetError| write_error(path, error);
    let root = ArrowSchemaConverter::new().convert(&schema).map_err(failed)?.root_schema_ptr();
    if let Some(folder) = path.parent() {
        operation::make_folder(folder)?;
    }
    let file = BufWriter::with_capacity(1 << 18, operation::create(path)?);
    let writer = SerializedFileWriter::new(file, root, Arc::new(properties)).map_err(failed)?;
    let factory = Arc::new(ArrowRowGroupWriterFactory::new(&writer, Arc::clone(&schema)));
    Ok(Sink { writer: Some(writer), factory, schema, next: 0, waiting: BTreeMap::new() })
}
