//! Columns of a file: which there are in its years, under which names, in which physical types; and their arrays.

use super::options::Faults;
use super::plans::{Plan, Scope};
use super::random::{hash, label};
use super::values::{Make, choose};
use crate::catalogue::{Element, Period, Variable};
use crate::vocab::{Encoding, Kind, Slice, Type, Year, Years};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use std::sync::Arc;

/// One column of a file.
pub(super) struct Column {
    /// The physical name.
    pub name: String,
    /// What fills it.
    pub source: Source,
    /// The physical type of its array.
    pub physical: DataType,
    /// The type that the catalogue declares; text or an integer for identifiers and periods.
    pub declared: Type,
    /// The years in which the column holds anything; `None` for all.
    pub years: Option<Years>,
    /// Whether its text is one of some codes, so that unknown ones can be put in.
    pub coded: bool,
    /// Whether it is missing for pupils off the school's roll.
    pub on_roll: bool,
    /// Whether nearly every value is another, so that a dictionary would only cost.
    pub distinct: bool,
    /// Whether it is the first day of a spell, without which the spell is in no year.
    pub opens: bool,
}

/// What fills a column.
pub(super) enum Source {
    /// The person's identifier.
    Identifier(Kind),
    /// The year of the row.
    Period(Encoding),
    /// A variable.
    Value(Make),
}

/// How the columns of one file are written: the habits of whoever delivered it, the same for a table and year always.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style(u64);

impl Style {
    /// The style of a file.
    pub(super) fn new(element: &str, year: i32) -> Self {
        Self(hash(label(element), u64::from(year.unsigned_abs())))
    }

    fn is(self, topic: u64, one_in: u64) -> bool {
        hash(self.0, topic).is_multiple_of(one_in)
    }

    /// How the file's Arrow schema, where it carries one, describes its text: as dictionaries, large or plain.
    pub(super) fn hint(self) -> Option<DataType> {
        if self.is(1, 7) {
            Some(DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)))
        } else if self.is(2, 11) {
            Some(DataType::LargeUtf8)
        } else {
            None
        }
    }

    fn name(self, name: String) -> String {
        if self.is(3, 9) {
            name.to_lowercase()
        } else if self.is(4, 13) {
            name.to_uppercase()
        } else {
            name
        }
    }

    /// A physical type that converts to the declared one without loss.
    fn physical(self, declared: Type, codes: &[String]) -> DataType {
        let wide = self.is(5, 4);
        let narrow = self.is(6, 3) && !codes.is_empty();
        match declared {
            Type::Bool => DataType::Boolean,
            Type::Int8 if wide => DataType::Int64,
            Type::Int8 if self.is(7, 3) => DataType::Int32,
            Type::Int8 => DataType::Int8,
            Type::Int16 if wide => DataType::Int64,
            Type::Int16 => DataType::Int16,
            Type::Int32 if wide => DataType::Int64,
            Type::Int32 if narrow && codes.iter().all(|c| c.parse::<i16>().is_ok()) => DataType::Int16,
            Type::Int32 => DataType::Int32,
            Type::Int64 => DataType::Int64,
            Type::Float32 => DataType::Float32,
            Type::Float64 => DataType::Float64,
            Type::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            Type::Text => DataType::Utf8,
            Type::Date if self.is(8, 4) => DataType::Timestamp(TimeUnit::Millisecond, None),
            Type::Date if self.is(9, 5) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Type::Date => DataType::Date32,
            Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }
}

/// The columns of a file of one slice, or of all the years of its scope.
pub(super) fn columns(element: &Element, plan: Plan, slice: Option<Slice>, scope: &Scope, style: Style) -> Vec<Column> {
    let suffix = element.suffix.as_ref().map(|s| s.fill(slice)).unwrap_or_default();
    let named = |name: &str| style.name(format!("{name}{suffix}"));
    let (kind, declared) = (element.identifier.kind.clone(), identifier_type(&element.identifier.kind, style));
    let mut columns = vec![Column {
        name: named(&element.identifier.column),
        physical: style.physical(declared, &[]),
        declared,
        source: Source::Identifier(kind),
        years: None,
        coded: false,
        on_roll: false,
        distinct: true,
        opens: false,
    }];
    if let Period::Column { column, encoding, .. } = &element.period
        && element.variable(column).is_none()
    {
        let integers = !matches!(encoding, Encoding::LongPair | Encoding::ShortPair) && style.is(10, 2);
        let declared = if integers { Type::Int32 } else { Type::Text };
        columns.push(plain(named(column), Source::Period(*encoding), declared, style));
    }
    for variable in &element.variables {
        for (name, years) in names(variable, element, scope) {
            let mut column = match &element.period {
                Period::Column { column, encoding, .. } if *column == variable.name => {
                    plain(named(&name), Source::Period(*encoding), variable.kind, style)
                }
                _ => {
                    let mut column = plain(named(&name), Source::Value(choose(plan, variable)), variable.kind, style);
                    column.physical = style.physical(variable.kind, &variable.codes);
                    column
                }
            };
            column.years = years;
            column.coded = variable.kind == Type::Text && !variable.codes.is_empty();
            column.on_roll = plan == Plan::Census && is_for_pupils_on_roll(&variable.name);
            column.opens = matches!(&element.period, Period::Spell { start, .. } if *start == variable.name);
            column.distinct = variable.identifiability <= 2 && variable.kind == Type::Text;
            columns.push(column);
        }
    }
    if let Period::Spell { start, end, .. } = &element.period {
        for (place, name) in [start, end].into_iter().enumerate() {
            if element.variable(name).is_none() {
                let days = super::values::date(move |c| {
                    let day = if place == 0 { c.row.from } else { c.row.to };
                    (day != super::calendar::NEVER).then_some(day)
                });
                let mut column = plain(named(name), Source::Value(days), Type::Date, style);
                column.opens = place == 0;
                columns.push(column);
            }
        }
    }
    columns
}

/// A column with nothing special.
fn plain(name: String, source: Source, declared: Type, style: Style) -> Column {
    let physical = style.physical(declared, &[]);
    Column {
        name,
        source,
        physical,
        declared,
        years: None,
        coded: false,
        on_roll: false,
        distinct: false,
        opens: false,
    }
}

/// Record numbers are integers, in some files as text; person numbers integers; all else is text.
fn identifier_type(kind: &Kind, style: Style) -> Type {
    match kind.as_str() {
        "recordid" if style.is(11, 5) => Type::Text,
        "recordid" => Type::Int32,
        "ae_id" => Type::Int64,
        _ => Type::Text,
    }
}

/// The names of a variable in the years of a file, each with the years in which the column holds anything (`None` for
/// all). A file of one slice lacks what was not collected in its year; where the year stands in a column, every file has
/// every column, since the years of a file are not known before its rows are.
fn names(variable: &Variable, element: &Element, scope: &Scope) -> Vec<(String, Option<Years>)> {
    let years = || (scope.years.0..=scope.years.1).filter_map(|y| i16::try_from(y).ok()).map(Year);
    let collected = || years().filter(|y| variable.collected_in(Some(*y)));
    match element.period {
        Period::Spell { .. } | Period::None => vec![(variable.name.clone(), None)],
        Period::Slice { .. } => {
            collected().next().map(|y| (variable.name_in(Some(y)).to_owned(), None)).into_iter().collect()
        }
        Period::Column { .. } => {
            let mut names: Vec<(&str, Vec<Year>)> = vec![(&variable.name, Vec::new())];
            for year in collected() {
                let name = variable.name_in(Some(year));
                match names.iter_mut().find(|(have, _)| *have == name) {
                    Some((_, years)) => years.push(year),
                    None => names.push((name, vec![year])),
                }
            }
            let all = years().count();
            let some = |have: Vec<Year>| (have.len() < all).then(|| have.into_iter().collect());
            names.into_iter().map(|(name, have)| (name.to_owned(), some(have))).collect()
        }
    }
}

/// What schools no longer know of pupils off the roll.
fn is_for_pupils_on_roll(name: &str) -> bool {
    ["FSM", "EVERFSM", "SEN", "PrimarySEN", "SecondarySEN", "LSOA", "COA", "IDACI"]
        .iter()
        .any(|part| name.starts_with(part))
}

/// The Arrow schema of the arrays; and the one that the file's metadata gives, where it gives one.
pub(super) fn schemas(columns: &[Column], hint: Option<&DataType>) -> (Arc<Schema>, Option<Schema>) {
    let field = |column: &Column, of: DataType| Field::new(&column.name, of, true);
    let plain = Schema::new(columns.iter().map(|c| field(c, c.physical.clone())).collect::<Vec<_>>());
    let hinted = hint.map(|hint| {
        let physical = |c: &Column| if c.physical == DataType::Utf8 { hint.clone() } else { c.physical.clone() };
        Schema::new(columns.iter().map(|c| field(c, physical(c))).collect::<Vec<_>>())
    });
    (Arc::new(plain), hinted)
}

/// What the arrays of a chunk depend on beside its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    /// The world's seed.
    pub seed: u64,
    /// The faults and their rates.
    pub faults: &'a Faults,
    /// The term of the file.
    pub term: Option<crate::vocab::Term>,
    /// How many people the world has: strangers have numbers beyond.
    pub persons: u64,
}
