//! Writing one element's table.

use super::chunk::Encoders;
use super::codes::Codes;
use super::encode::{Beside, TableWriter, schema_of, slice_texts};
use super::gather::{Pick, RowSet};
use super::sink::{Room, Sink};
use crate::files::Disk;
use crate::plan::{Layout, TablePlan};
use crate::vocab::{ColumnRecord, Observer, Release, Result, TableRecord, Type};
use std::path::PathBuf;

/// One table to be written from a sink.
pub struct TableJob<'a> {
    /// The plan of the table.
    pub plan: &'a TablePlan,
    /// The `data/` folder; the table's own folder below it must exist.
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

/// Writes a table.
///
/// # Errors
/// Where the file cannot be written, or the run is interrupted.
pub fn table(job: &TableJob<'_>, sink: Sink) -> Result<TableRecord> {
    let layout = &job.plan.layout;
    let path = job.plan.path();
    let mut writer = TableWriter::create(&job.data.join(&path), &schema_of(layout), job.encoders.take()?)?;
    let beside = Beside { ids: job.ids, lead: slice_texts(layout, job.plan.slice), observer: job.observer };
    let mut codes: Vec<Codes> = layout.columns.iter().map(|c| Codes::new(&c.codes)).collect();
    let people = drain(sink, job.room, &mut writer, &beside, &mut codes)?;
    let (written, rows) = writer.finish(job.encoders, job.disk)?;
    Ok(TableRecord {
        path,
        element: Some(job.plan.element.clone()),
        slice: job.plan.slice,
        rows,
        persons: people,
        bytes: written.bytes,
        sha256: written.sha256,
        sha512: String::new(),
        columns: column_records(layout, &codes),
        recipe: job.recipe.clone(),
    })
}

/// Writes all rows of a sink. Returns how many people they are of.
pub(super) fn drain(
    sink: Sink,
    room: Room<'_>,
    writer: &mut TableWriter,
    beside: &Beside<'_>,
    codes: &mut [Codes],
) -> Result<u64> {
    let mut people = People::default();
    let mut rest = RowSet::default();
    sink.drain(room, |mut set, last| {
        beside.observer.go_on()?;
        if set.is_beside() && (rest.is_empty() || rest.has_parts_of(&set)) {
            // The rows of a person are ordered when they are near each other: as they are written.
            set.sort_by_rank();
        } else {
            set.sort()?;
            rest.sort()?;
        }
        people.count(set.picks());
        // All rows of a person come in one range, and ranges rise: what is left stands before what follows.
        let mut rows = std::mem::take(&mut rest);
        rows.append(set)?;
        rest = writer.write(rows, last, beside, codes)?;
        Ok(())
    })?;
    Ok(people.distinct)
}

/// Counts distinct people in rows that come by rank.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) distinct: u64,
    last: Option<u32>,
}

impl People {
    pub(super) fn count(&mut self, picks: &[Pick]) {
        for pick in picks {
            if self.last != Some(pick.rank) {
                self.distinct += 1;
                self.last = Some(pick.rank);
            }
        }
    }
}

/// The records of a table's columns.
pub(super) fn column_records(layout: &Layout, codes: &[Codes]) -> Vec<ColumnRecord> {
    let ours = |name: &str| ColumnRecord {
        name: name.to_owned(),
        element: None,
        variable: None,
        kind: Type::Text,
        release: Release::AsIs,
        missing: 0,
        unknown_codes: 0,
    };
    let mut records = vec![ours("person_id")];
    records.extend(layout.year.map(|kind| ours(kind.column())));
    records.extend(layout.term.then(|| ours("term")));
    records.extend(layout.columns.iter().zip(codes).map(|(column, codes)| ColumnRecord {
        name: column.name.clone(),
        element: Some(column.element.clone()),
        variable: Some(column.variable.clone()),
        kind: column.kind,
        release: column.release.clone(),
        missing: codes.missing,
        unknown_codes: codes.unknown,
    }));
    records
}
