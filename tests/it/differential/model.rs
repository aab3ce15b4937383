//! A world as plain data: catalogue, link tables, files with their cells, specs. The generator makes it, `documents` and
//! `store` write it, `reference` reads it. Nothing here comes from the library.

use std::cmp::Ordering;

/// The type of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal(u8, u8),
    Text,
    Date,
    Timestamp,
}

impl Kind {
    /// As the catalogue writes it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Bool => "bool".to_owned(),
            Self::Decimal(p, s) => format!("decimal({p},{s})"),
            Self::Text => "string".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }
}

/// One value. A `float32` is held as the double that it equals.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Unscaled digits and how many stand behind the point.
    Decimal(i128, u8),
    Text(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01.
    Stamp(i64),
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The order of rows: missing first, floats by IEEE 754's total order, text by its bytes. Both are of one type.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Decimal(a, s), Self::Decimal(b, t)) => {
                assert_eq!(s, t, "decimals of one column have one scale");
                a.cmp(b)
            }
            (Self::Text(a), Self::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Stamp(a), Self::Stamp(b)) => a.cmp(b),
            (a, b) => panic!("{a:?} and {b:?} stand in one column"),
        }
    }
}

/// The same value to the bit: `-0.0` is not `0.0`, and all not-a-numbers are one.
impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Decimal(a, s), Self::Decimal(b, t)) => a == b && s == t,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::Stamp(a), Self::Stamp(b)) => a == b,
            _ => false,
        }
    }
}

/// The first and last year of a range, by the year in which each begins.
pub(super) type Range = (i32, i32);

/// How a column is stored, beside the plain way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stored {
    Plain,
    Dictionary,
    LargeText,
    ViewText,
    Binary,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    WholeDecimal,
    SmallDecimal,
    Float32,
    Millis,
    Micros,
    Nanos,
    Int96,
    Utc,
    Days,
    Half,
    /// A list a row: nothing that a variable could be. For decoys alone.
    Nested,
    AllNull,
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) stored: Stored,
    pub(super) cells: Vec<Cell>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pack {
    None,
    Snappy,
    Zstd,
}

/// How a Parquet file is laid out.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) group_rows: Option<usize>,
    pub(super) page_rows: Option<usize>,
    pub(super) dictionary: bool,
    pub(super) second_pages: bool,
    pub(super) pack: Pack,
    pub(super) statistics: bool,
}

/// A Parquet file: its path below the world's folder.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) columns: Vec<Column>,
    pub(super) layout: Layout,
}

impl File {
    pub(super) fn rows(&self) -> usize {
        self.columns.first().map_or(0, |c| c.cells.len())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Term {
    Autumn,
    Spring,
    Summer,
}

impl Term {
    pub(super) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Encoding {
    LongPair,
    ShortPair,
    EndYear,
    StartYear,
    Joined,
}

impl Encoding {
    pub(super) const ALL: [Self; 5] = [Self::LongPair, Self::ShortPair, Self::EndYear, Self::StartYear, Self::Joined];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LongPair => "yyyy/yyyy",
            Self::ShortPair => "yyyy/yy",
            Self::EndYear => "end_year",
            Self::StartYear => "start_year",
            Self::Joined => "yyyyyy",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Period {
    Slice { tax: bool },
    Column { tax: bool, column: String, encoding: Encoding },
    Spell { start: String, end: String, academic: bool },
    None,
}

/// The form in which a variable leaves; numbers as the document writes them.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Release {
    AsIs,
    Never,
    Pseudonymise(String),
    Truncate(&'static str),
    Prefix(usize),
    Round(String),
    TopCode(String),
    BottomCode(String),
    Bands(Vec<String>),
}

#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) years: Option<Range>,
    pub(super) was: Vec<(String, Range)>,
    pub(super) release: Release,
    pub(super) identifiability: u8,
    pub(super) sensitivity: &'static str,
    pub(super) codes: Vec<Cell>,
}

#[derive(Debug, Clone)]
pub(super) struct Absent {
    pub(super) year: i32,
    pub(super) terms: Vec<Term>,
}

#[derive(Debug, Clone)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) owner: &'static str,
    pub(super) id_column: String,
    pub(super) id_kind: String,
    pub(super) period: Period,
    pub(super) location: String,
    pub(super) terms: Vec<Term>,
    pub(super) suffix: Option<String>,
    /// Where the element has none, the years that its spells are about.
    pub(super) coverage: Range,
    pub(super) absent: Vec<Absent>,
    pub(super) variables: Vec<Variable>,
    /// Whether no person has two rows in one slice, so that it can be joined.
    pub(super) single: bool,
}

impl Element {
    pub(super) fn variable(&self, name: &str) -> &Variable {
        self.variables.iter().find(|v| v.name == name).unwrap()
    }

    pub(super) fn has_years(&self) -> bool {
        matches!(self.period, Period::Slice { .. } | Period::Column { .. })
    }

    pub(super) fn is_spell(&self) -> bool {
        matches!(self.period, Period::Spell { .. })
    }
}

#[derive(Debug, Clone)]
pub(super) struct LinkTable {
    pub(super) name: String,
    pub(super) location: String,
    pub(super) person: String,
    pub(super) column: String,
    pub(super) kind: String,
}

#[derive(Debug, Clone)]
pub(super) struct Exclusion {
    pub(super) location: String,
    pub(super) kind: String,
    pub(super) column: String,
}
