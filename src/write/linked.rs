//! Writing a linked table: the base's rows, and beside each the one row a person has in each join, if any.

use super::chunk::Encoders;
use super::codes::Codes;
use super::encode::{Beside, TableWriter, schema_of};
use super::gather::RowSet;
use super::sink::{Room, Sink};
use super::table::{People, column_records};
use crate::files::Disk;
use crate::plan::LinkedPlan;
use crate::vocab::{Error, Observer, Result, TableRecord, Term, Year};
use arrow::array::{Array, ArrayRef, AsArray, StringViewArray, UInt32Array, new_null_array};
use arrow::compute::{concat, take};
use arrow::datatypes::{DataType, Int8Type, Int16Type};
use std::path::PathBuf;
use std::sync::Arc;

/// One linked table to be written.
pub struct LinkedJob<'a> {
    /// The plan of the table.
    pub plan: &'a LinkedPlan,
    /// The `data/` folder; `linked/` below it must exist.
    pub data: PathBuf,
    /// The project's `person_id`s by rank.
    pub ids: &'a [[u8; 16]],
    /// Digest over everything the bytes depend on.
    pub recipe: String,
    /// Encoders that are at hand.
    pub encoders: &'a Encoders,
    /// What brings the file to the disk.
    pub disk: &'a Disk,
    /// The room that the order of the rows may take.
    pub room: Room<'a>,
    /// Whom to ask whether to go on.
    pub observer: &'a dyn Observer,
}

/// People with more than one row in a join: the linked table cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FansOut {
    /// The join, by index.
    pub join: usize,
    /// How many people.
    pub people: u64,
}

/// The rows of one join, by rank: at most one a person.
struct Side {
    columns: Vec<ArrayRef>,
    row_of: Vec<u32>,
}

/// No row.
const NONE: u32 = u32::MAX;
/// Rows that are put together at a time.
const CHUNK_ROWS: usize = 64 * 1024;

/// Writes a linked table. The base sink's columns are the start year, the term's rank, and the base's own; a join's are
/// its own. `Err` inside: a join matches more than one row of some people.
///
/// # Errors
/// Where the file cannot be written, or the run is interrupted.
pub fn linked(job: &LinkedJob<'_>, base: Sink, joins: Vec<Sink>) -> Result<std::result::Result<TableRecord, FansOut>> {
    let mut sides = Vec::with_capacity(joins.len());
    for (join, sink) in joins.into_iter().enumerate() {
        let width = job.plan.join_columns.get(join).copied().unwrap_or(0);
        match side(sink, job)? {
            Ok(mut side) => {
                if side.columns.is_empty() {
                    // Nobody has a row: the columns are missing throughout.
                    side.columns = vec![new_null_array(&DataType::Null, 0); width];
                }
                sides.push(side);
            }
            Err(people) => return Ok(Err(FansOut { join, people })),
        }
    }
    let layout = &job.plan.layout;
    let schema = schema_of(layout);
    let mut writer = TableWriter::create(&job.data.join(job.plan.path()), &schema, job.encoders.take()?)?;
    let lead = schema.fields().len() - layout.columns.len() - 1;
    let mut codes: Vec<Codes> = (0..lead).map(|_| Codes::new(&[])).collect();
    codes.extend(layout.columns.iter().map(|c| Codes::new(&c.codes)));
    let beside = Beside { ids: job.ids, lead: Vec::new(), observer: job.observer };
    let mut people = People::default();
    let mut rest = RowSet::default();
    base.drain(job.room, |mut set, last| {
        // A person's joined columns are the same in all rows: the base's own columns give the order.
        set.sort()?;
        people.count(set.picks());
        let mut rows = std::mem::take(&mut rest);
        for picks in set.picks().chunks(CHUNK_ROWS) {
            job.observer.go_on()?;
            let ranks: Vec<u32> = picks.iter().map(|p| p.rank).collect();
            let mut columns = set.gather(picks)?.into_iter();
            let (Some(years), Some(terms)) = (columns.next(), columns.next()) else { return Err(fault()) };
            let mut out = Vec::with_capacity(codes.len());
            out.extend(layout.year.is_some().then(|| year_texts(&years)));
            out.extend(layout.term.then(|| term_texts(&terms)));
            out.extend(columns);
            for side in &sides {
                let rows: UInt32Array = ranks
                    .iter()
                    .map(|rank| side.row_of.get(*rank as usize).copied().filter(|row| *row != NONE))
                    .collect();
                for column in &side.columns {
                    let field = schema.fields().get(out.len() + 1).ok_or_else(fault)?;
                    out.push(match column.data_type() {
                        DataType::Null => new_null_array(field.data_type(), ranks.len()),
                        _ => take(column, &rows, None).map_err(|_| fault())?,
                    });
                }
            }
            rows.append(RowSet::of_arrays(&ranks, &out)?)?;
        }
        rest = writer.write(rows, last, &beside, &mut codes)?;
        Ok(())
    })?;
    let (written, rows) = writer.finish(job.encoders, job.disk)?;
    Ok(Ok(TableRecord {
        path: job.plan.path(),
        element: None,
        slice: None,
        rows,
        persons: people.distinct,
        bytes: written.bytes,
        sha256: written.sha256,
        sha512: String::new(),
        columns: column_records(layout, codes.get(lead..).unwrap_or_default()),
        recipe: job.recipe.clone(),
    }))
}

/// Reads a join's sink into one table with an index by rank; the number of people with several rows where there are any.
fn side(sink: Sink, job: &LinkedJob<'_>) -> Result<std::result::Result<Side, u64>> {
    let mut row_of = vec![NONE; job.ids.len()];
    let mut chunks: Vec<Vec<ArrayRef>> = Vec::new();
    let (mut next, mut several, mut last_counted) = (0_u32, 0_u64, None);
    sink.drain(job.room, |mut set, _| {
        set.sort_by_rank();
        for picks in set.picks().chunks(CHUNK_ROWS) {
            job.observer.go_on()?;
            for rank in picks.iter().map(|p| p.rank) {
                if let Some(slot) = row_of.get_mut(rank as usize) {
                    if *slot == NONE {
                        *slot = next;
                    } else if last_counted != Some(rank) {
                        several += 1;
                        last_counted = Some(rank);
                    }
                }
                next += 1;
            }
            chunks.push(set.gather(picks)?);
        }
        Ok(())
    })?;
    if several > 0 {
        return Ok(Err(several));
    }
    let width = chunks.first().map_or(0, Vec::len);
    let columns = (0..width)
        .map(|i| {
            let parts: Vec<&dyn Array> = chunks.iter().filter_map(|c| c.get(i)).map(AsRef::as_ref).collect();
            concat(&parts).map_err(|_| fault())
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Ok(Side { columns, row_of }))
}

fn fault() -> Error {
    Error::Internal("a linked table cannot be put together".to_owned())
}

fn year_texts(years: &ArrayRef) -> ArrayRef {
    let years = years.as_primitive::<Int16Type>();
    Arc::new(years.iter().map(|y| y.map(|y| Year(y).to_string())).collect::<StringViewArray>())
}

fn term_texts(terms: &ArrayRef) -> ArrayRef {
    let terms = terms.as_primitive::<Int8Type>();
    let text = |rank: i8| usize::try_from(rank).ok().and_then(|i| Term::ALL.get(i)).map(|t| t.as_str());
    Arc::new(terms.iter().map(|t| t.and_then(text)).collect::<StringViewArray>())
}
