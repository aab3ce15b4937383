//! The innermost work as `benches/` calls it: `benches/README.md`. Nothing is done here, and no room may name this file.
//!
//! It is a front, so that what the rooms keep to themselves stays theirs: nobody depends on the crate for its sake.

use crate::cohort::{Cohort, Ranks};
use crate::deidentify::{IdentifierCounts, keys};
use crate::extract::{Held, Holding};
use crate::keys::Mac;
use crate::link::{PersonSet, Rows};
use crate::plan::Want;
use crate::vocab::{Attrition, Error, Kind, Result};
use crate::write::{Codes, Encoder, Picked, RowSet};
use arrow::array::{ArrayRef, FixedSizeBinaryArray, RecordBatch};
use arrow::datatypes::Schema;
use parquet::arrow::ArrowSchemaConverter;
use parquet::schema::types::SchemaDescriptor;
use std::sync::Arc;

/// The de-identified keys of a column of identifiers, as a scan makes them, and what was met.
#[must_use]
pub fn keys_of(column: &ArrayRef, kind: &Kind, mac: &Mac) -> Option<(FixedSizeBinaryArray, IdentifierCounts)> {
    let mut counts = IdentifierCounts::default();
    Some((keys(column, kind, mac, &mut counts)?, counts))
}

/// A cohort of some people: their pseudonyms, which rise, and their numbers.
#[must_use]
pub fn cohort_of(named: &[([u8; 10], u32)]) -> Cohort {
    Cohort::of(named, Attrition::default())
}

/// The ranks of all cohorts, in which people are numbered below `people`.
#[must_use]
pub fn ranks_of<'a>(cohorts: impl Iterator<Item = &'a Cohort>, people: usize) -> Arc<Ranks> {
    Arc::new(Ranks::of(cohorts.map(Some), people))
}

/// A batch as a join gives it: each row's person, then released columns.
#[must_use]
pub fn rows_of(batch: RecordBatch) -> Rows {
    Rows::of(batch, false, 0)
}

/// The rows of one unit on their way to the tables of several projects.
pub struct FanOut<'a> {
    holding: Holding<'a>,
    excluded: PersonSet,
}

impl<'a> FanOut<'a> {
    /// Nothing yet, with room for so many rows: one want a project. Nobody is excluded.
    #[must_use]
    pub fn new(room: usize, wants: &'a [Want], ranks: &Arc<Ranks>) -> Self {
        let held =
            wants.iter().enumerate().map(|(index, want)| Held::new(index, want, index, Vec::new(), None)).collect();
        Self { holding: Holding::new(None, room, held, Arc::clone(ranks)), excluded: PersonSet::new(0) }
    }

    /// Takes a batch in. `None` by a fault of ours.
    pub fn take(&mut self, rows: &Rows) -> Option<()> {
        self.holding.fan_out(rows, &self.excluded)
    }

    /// How many rows the projects kept, one after the other.
    #[must_use]
    pub fn kept(&self) -> Vec<u64> {
        self.holding.wants().iter().map(|held| held.fates().kept).collect()
    }
}

/// Rows that stand in arrays, with their ranks.
///
/// # Errors
/// A type that no released column has.
pub fn rows_in(ranks: &[u32], columns: &[ArrayRef]) -> Result<RowSet> {
    RowSet::of_arrays(ranks, columns)
}

/// Sorts rows as a table's are.
///
/// # Errors
/// A fault of ours.
pub fn sort(rows: &mut RowSet) -> Result<()> {
    rows.sort()
}

/// The columns of all rows, in their order, as arrays.
///
/// # Errors
/// A fault of ours.
pub fn gather(rows: &RowSet) -> Result<Vec<ArrayRef>> {
    rows.gather(rows.picks())
}

/// Encodes the column chunks of a row group.
pub struct Chunks {
    encoder: Encoder,
    schema: SchemaDescriptor,
}

impl Chunks {
    /// For tables of a schema: `person_id`, then columns.
    ///
    /// # Errors
    /// The schema is none of Parquet's.
    pub fn new(schema: &Schema) -> Result<Self> {
        let schema = ArrowSchemaConverter::new().convert(schema).map_err(|_| fault())?;
        Ok(Self { encoder: Encoder::new()?, schema })
    }

    /// The bytes of the chunk of `person_id`s, which rise with their ranks.
    ///
    /// # Errors
    /// A rank without a pseudonym.
    pub fn ids(&mut self, ranks: &[u32], ids: &[[u8; 16]]) -> Result<usize> {
        Ok(self.encoder.ids(ranks, ids, &self.schema.column(0))?.bytes.len())
    }

    /// The bytes of the chunk of a column, counted without `person_id`. The rows stand in one part, each where `at` says.
    ///
    /// # Errors
    /// The column does not fit the schema.
    pub fn column(&mut self, rows: &RowSet, at: &[u32], column: usize) -> Result<usize> {
        if column + 1 >= self.schema.num_columns() {
            return Err(fault());
        }
        let picked = Picked { picks: rows.picks(), rows: Some(at) };
        let chunk = self.encoder.column(rows, column, picked, &self.schema.column(column + 1), &mut Codes::new(&[]))?;
        Ok(chunk.bytes.len())
    }
}

fn fault() -> Error {
    Error::Internal("a bench asks for what cannot be".to_owned())
}
