//! Standardising one unit: its batches become batches of the element's de-identified view.

use super::KEY;
use super::coarsen::coarsen;
use super::collected::{Among, Nothing, RowYears, Source, variable};
use super::condition::evaluate;
use super::conform::{arrow_type, conform};
use super::identify::{IdentifierCounts, KEY_BYTES, PSEUDONYM_BYTES, Pseudonymiser, keys};
use super::period::{SpellTest, years};
use crate::engine::{Fault, ValueFault};
use crate::keys::{Mac, MasterKey};
use crate::plan::{Flag, Unit, View};
use crate::spec::Condition;
use crate::vocab::{Kind, Release, Type, YearPlaces, Years};
use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
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

/// The type of keys.
const KEYS: DataType = DataType::FixedSizeBinary(KEY_BYTES);

/// A flag, compiled.
#[derive(Debug, Clone)]
enum How {
    Where(Condition),
    Spell(Arc<SpellTest>),
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
    /// The years in which variables were collected, each set once.
    collected: Vec<YearPlaces>,
    flags: Vec<How>,
    columns: Vec<Made>,
    schema: SchemaRef,
    /// What stands for keys that are not made, and for variables that are not there.
    nothing: Nothing,
}

impl std::fmt::Debug for Standard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standard").field("kind", &self.kind).field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The schema of an element's view: the key, the year where it stands in a column, flags, released columns.
pub(super) fn schema(view: &View) -> SchemaRef {
    let mut fields = vec![Field::new(KEY, KEYS, true)];
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
        let mut sets: Vec<&Years> = Vec::new();
        let mut set = |years| {
            sets.iter().position(|set| *set == years).unwrap_or_else(|| {
                sets.push(years);
                sets.len() - 1
            })
        };
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
                        years: s.years.as_ref().map(&mut set),
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
            collected: sets.into_iter().map(YearPlaces::of).collect(),
            flags,
            columns,
            schema: schema(view),
            nothing: Nothing::of(view.variables.iter().map(|(_, kind)| arrow_type(*kind)).chain([KEYS])),
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
        let key: ArrayRef = match self.key {
            Some(column) => {
                Arc::new(keys(batch.column(column), &self.kind, &self.mac, &mut met).ok_or(Fault::Unexpected)?)
            }
            None => self.nothing.rows(&KEYS, rows),
        };
        counts.rows.fetch_add(u64::try_from(rows).unwrap_or(0), Ordering::Relaxed);
        counts.met(&met);

        let mut out: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        out.push(key);
        let year = match &self.year {
            Some((column, _, encoding)) => {
                let year = years(batch.column(*column), *encoding).ok_or(Fault::Unexpected)?;
                out.push(Arc::new(year.clone()));
                Some(year)
            }
            None => None,
        };
        let year = year.as_ref().map(RowYears::of);
        let among: Vec<Among> =
            year.iter().flat_map(|year| self.collected.iter().map(|years| year.among(years))).collect();
        let variables = self
            .variables
            .iter()
            .map(|(_, kind, sources)| variable(batch, sources, *kind, &among, &self.nothing))
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
