//! Standardising one unit: its batches become batches of the element's de-identified view.

use super::KEY;
use super::coarsen::coarsen;
use super::condition::evaluate;
use super::conform::{arrow_type, conform};
use super::identify::{IdentifierCounts, KEY_BYTES, PSEUDONYM_BYTES, Pseudonymiser, keys};
use super::period::{SpellTest, years};
use crate::engine::{Fault, ValueFault};
use crate::keys::{Mac, MasterKey};
use crate::plan::{Flag, Unit, View};
use crate::spec::Condition;
use crate::vocab::{Kind, Release, Type, YearPlaces};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int16Array, RecordBatch, new_null_array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What was met while a unit was read. Shared with whoever asks afterwards.
#[derive(Debug, Default)]
pub struct Counts {
    rows: AtomicU64,
    missing: AtomicU64,
    malformed: AtomicU64,
    wrong_check: AtomicU64,
}

impl Counts {
    /// Rows read.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Counts what was met in the identifier's column.
    pub fn met(&self, met: &IdentifierCounts) {
        self.missing.fetch_add(met.missing, Ordering::Relaxed);
        self.malformed.fetch_add(met.malformed, Ordering::Relaxed);
        self.wrong_check.fetch_add(met.wrong_check, Ordering::Relaxed);
    }

    /// What was met in the identifier's column.
    #[must_use]
    pub fn identifiers(&self) -> IdentifierCounts {
        IdentifierCounts {
            missing: self.missing.load(Ordering::Relaxed),
            malformed: self.malformed.load(Ordering::Relaxed),
            wrong_check: self.wrong_check.load(Ordering::Relaxed),
        }
    }
}

/// A flag, compiled.
#[derive(Debug, Clone)]
enum How {
    Where(Condition),
    Spell(Arc<SpellTest>),
}

/// Where a variable's values stand in the scanned batch.
#[derive(Debug, Clone)]
struct Source {
    column: usize,
    name: String,
    years: Option<YearPlaces>,
}

/// How a released column is made.
#[derive(Clone)]
enum Made {
    Coarsened { variable: usize, release: Release },
    Pseudonym { variable: usize, kind: Kind, mac: Mac },
}

/// How one unit's batches become batches of the view.
#[derive(Clone)]
pub struct Standard {
    key: Option<usize>,
    kind: Kind,
    mac: Mac,
    year: Option<(usize, String, crate::vocab::Encoding)>,
    spell: Option<[(usize, String); 2]>,
    variables: Vec<(String, Type, Vec<Source>)>,
    flags: Vec<How>,
    columns: Vec<Made>,
    schema: SchemaRef,
}

impl std::fmt::Debug for Standard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standard").field("kind", &self.kind).field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The schema of an element's view: the key, the year where it stands in a column, flags, released columns.
pub(super) fn schema(view: &View) -> SchemaRef {
    let mut fields = vec![Field::new(KEY, DataType::FixedSizeBinary(KEY_BYTES), true)];
    if view.year.is_some() {
        fields.push(Field::new("year", DataType::Int16, true));
    }
    fields.extend((0..view.flags.len()).map(|i| Field::new(format!("flag{i}"), DataType::Boolean, true)));
    fields.extend(view.columns.iter().enumerate().map(|(i, column)| {
        let data_type = match column.release {
            Release::Pseudonymise(_) => DataType::FixedSizeBinary(PSEUDONYM_BYTES),
            _ => arrow_type(column.kind),
        };
        Field::new(format!("value{i}"), data_type, true)
    }));
    Arc::new(Schema::new(fields))
}

impl Standard {
    /// Compiles a unit. Returns beside it the physical columns to scan, in order. Where it is `known` whom its rows lead to,
    /// keys are not made.
    #[must_use]
    pub fn new(unit: &Unit, view: &View, kind: &Kind, key: &MasterKey, known: bool) -> (Self, Vec<String>) {
        let mut scanned: Vec<String> = Vec::new();
        let mut index = |name: &str| {
            scanned.iter().position(|n| n == name).unwrap_or_else(|| {
                scanned.push(name.to_owned());
                scanned.len() - 1
            })
        };
        let key_column = (!known).then(|| index(&unit.key.name));
        let year = unit.year.as_ref().zip(view.year).map(|(c, encoding)| (index(&c.name), c.name.clone(), encoding));
        let spell =
            unit.spell.as_ref().map(|(a, b)| [(index(&a.name), a.name.clone()), (index(&b.name), b.name.clone())]);
        let variables = view
            .variables
            .iter()
            .zip(&unit.variables)
            .map(|((name, kind), stands)| {
                let sources = stands
                    .iter()
                    .map(|s| Source {
                        column: index(&s.column.name),
                        name: s.column.name.clone(),
                        years: s.years.as_ref().map(YearPlaces::of),
                    })
                    .collect();
                (name.clone(), *kind, sources)
            })
            .collect();
        let flags = view
            .flags
            .iter()
            .map(|flag| match flag {
                Flag::Where(condition) => How::Where(condition.clone()),
                Flag::Spell { years, mode, calendar } => How::Spell(Arc::new(SpellTest::new(years, *mode, *calendar))),
            })
            .collect();
        let columns = view
            .columns
            .iter()
            .map(|column| match (&column.release, &column.project) {
                (Release::Pseudonymise(kind), Some((project, epoch))) => Made::Pseudonym {
                    variable: column.variable,
                    kind: kind.clone(),
                    mac: key.project(project, *epoch, kind.as_str()),
                },
                (release, _) => Made::Coarsened { variable: column.variable, release: release.clone() },
            })
            .collect();
        if scanned.is_empty() {
            // The rows must be counted.
            scanned.push(unit.key.name.clone());
        }
        let standard = Self {
            key: key_column,
            kind: kind.clone(),
            mac: key.link(kind),
            year,
            spell,
            variables,
            flags,
            columns,
            schema: schema(view),
        };
        (standard, scanned)
    }

    /// The memories of its pseudonym columns: one set a stream.
    pub(super) fn pseudonymisers(&self) -> Vec<Option<Pseudonymiser>> {
        self.columns
            .iter()
            .map(|made| match made {
                Made::Pseudonym { kind, mac, .. } => Some(Pseudonymiser::new(kind.clone(), mac.clone())),
                Made::Coarsened { .. } => None,
            })
            .collect()
    }

    /// Standardises one batch.
    pub(super) fn apply(
        &self,
        batch: &RecordBatch,
        pseudonymisers: &mut [Option<Pseudonymiser>],
        counts: &Counts,
    ) -> Result<RecordBatch, Fault> {
        let rows = batch.num_rows();
        let mut met = IdentifierCounts::default();
        let key = match self.key {
            Some(column) => keys(batch.column(column), &self.kind, &self.mac, &mut met).ok_or(Fault::Unexpected)?,
            None => FixedSizeBinaryArray::new_null(KEY_BYTES, rows),
        };
        counts.rows.fetch_add(u64::try_from(rows).unwrap_or(0), Ordering::Relaxed);
        counts.met(&met);

        let mut out: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        out.push(Arc::new(key));
        let year = match &self.year {
            Some((column, _, encoding)) => {
                let year = years(batch.column(*column), *encoding).ok_or(Fault::Unexpected)?;
                out.push(Arc::new(year.clone()));
                Some(year)
            }
            None => None,
        };
        let year = year.as_ref().map(RowYears::of);
        let variables = self
            .variables
            .iter()
            .map(|(_, kind, sources)| variable(batch, sources, *kind, year.as_ref()))
            .collect::<Result<Vec<ArrayRef>, Fault>>()?;
        let by_name = |name: &str| self.variables.iter().position(|(n, _, _)| n == name).and_then(|i| variables.get(i));
        for flag in &self.flags {
            let flag = match flag {
                How::Where(condition) => evaluate(condition, rows, &by_name).ok_or(Fault::Unexpected)?,
                How::Spell(test) => self.spells(batch, test)?,
            };
            out.push(Arc::new(flag));
        }
        for (made, pseudonymiser) in self.columns.iter().zip(pseudonymisers) {
            out.push(match (made, pseudonymiser) {
                (Made::Coarsened { variable, release }, _) => {
                    let (name, kind, _) = self.variables.get(*variable).ok_or(Fault::Unexpected)?;
                    let column = variables.get(*variable).ok_or(Fault::Unexpected)?;
                    coarsen(column, release, *kind).ok_or_else(|| {
                        Fault::Value(ValueFault { column: name.clone(), wanted: format!("its release ({release})") })
                    })?
                }
                (Made::Pseudonym { variable, .. }, Some(pseudonymiser)) => {
                    let column = variables.get(*variable).ok_or(Fault::Unexpected)?;
                    pseudonymiser.column(column).ok_or(Fault::Unexpected)?
                }
                (Made::Pseudonym { .. }, None) => return Err(Fault::Unexpected),
            });
        }
        RecordBatch::try_new(Arc::clone(&self.schema), out).map_err(|_| Fault::Unexpected)
    }

    fn spells(&self, batch: &RecordBatch, test: &SpellTest) -> Result<BooleanArray, Fault> {
        let [(start, start_name), (end, end_name)] = self.spell.as_ref().ok_or(Fault::Unexpected)?;
        let date = |column: usize, name: &str| conform(batch.column(column), name, Type::Date).map_err(Fault::Value);
        let (starts, ends) = (date(*start, start_name)?, date(*end, end_name)?);
        Ok(test.column(starts.as_primitive::<Date32Type>(), ends.as_primitive::<Date32Type>()))
    }
}

/// The conformed values of a variable: all missing where it was not collected, from the column of each row's year where
/// the year stands in a column.
fn variable(
    batch: &RecordBatch,
    sources: &[Source],
    kind: Type,
    year: Option<&RowYears<'_>>,
) -> Result<ArrayRef, Fault> {
    let nothing = || new_null_array(&arrow_type(kind), batch.num_rows());
    let mut values: Option<ArrayRef> = None;
    for source in sources {
        let column = conform(batch.column(source.column), &source.name, kind).map_err(Fault::Value)?;
        values = match (&source.years, year) {
            (Some(years), Some(year)) => match year.among(years) {
                Among::Nothing => values,
                Among::All => Some(column),
                Among::Some(here) => {
                    let otherwise = values.unwrap_or_else(nothing);
                    Some(zip(&here, &column, &otherwise).map_err(|_| Fault::Unexpected)?)
                }
            },
            _ => Some(column),
        };
    }
    Ok(values.unwrap_or_else(nothing))
}

/// Years of a batch that lie farther apart are looked at row by row.
const NEAR: i16 = 64;

/// The years of a batch's rows, where they stand in a column.
struct RowYears<'a> {
    rows: &'a Int16Array,
    /// Those that are met, where no row lacks one and they lie near each other, as they mostly do.
    met: Option<Vec<i16>>,
}

/// Which rows are of one of some years.
enum Among {
    Nothing,
    All,
    Some(BooleanArray),
}

impl<'a> RowYears<'a> {
    fn of(rows: &'a Int16Array) -> Self {
        let values = rows.values();
        let range = values.iter().min().zip(values.iter().max());
        let near =
            range.filter(|(first, last)| rows.null_count() == 0 && last.checked_sub(**first).is_some_and(|n| n < NEAR));
        let met = near.map(|(first, last)| (*first..=*last).filter(|year| values.contains(year)).collect());
        Self { rows, met }
    }

    fn among(&self, years: &YearPlaces) -> Among {
        let one_of = |year: i16| years.place(year).is_some();
        match &self.met {
            Some(met) if met.iter().all(|year| one_of(*year)) => Among::All,
            Some(met) if !met.iter().any(|year| one_of(*year)) => Among::Nothing,
            _ => {
                let is = |row: usize| self.rows.is_valid(row) && one_of(self.rows.value(row));
                Among::Some(BooleanArray::new(BooleanBuffer::collect_bool(self.rows.len(), is), None))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::Years;

    #[test]
    fn years_of_rows_are_told_together_as_one_by_one() {
        let some = YearPlaces::of(&Years::parse("2001/2002..2003/2004").unwrap());
        let rows = [
            vec![Some(2001), Some(2003), Some(2002)],
            vec![Some(2001), Some(2004)],
            vec![Some(2001), None],
            vec![None, None],
            vec![Some(1999), Some(2004)],
            vec![Some(2001), Some(2001 + 64)],
            vec![Some(2001), Some(2001 + 63)],
            vec![Some(i16::MIN), Some(i16::MAX)],
            vec![Some(i16::MAX)],
            vec![],
        ];
        for rows in rows {
            let array = Int16Array::from(rows.clone());
            let right: Vec<bool> =
                rows.iter().map(|year| year.is_some_and(|year| some.place(year).is_some())).collect();
            match RowYears::of(&array).among(&some) {
                Among::All => assert!(right.iter().all(|is| *is)),
                Among::Nothing => assert!(!right.contains(&true)),
                Among::Some(here) => assert_eq!(here.values().iter().collect::<Vec<_>>(), right),
            }
        }
    }
}
