//! Rows that wait: columns of one worker's rows, each value a small number wherever a column has few distinct ones.

use super::numbers::Numbers;
use super::records::{Place, Records};
use super::values::Strings;
use crate::vocab::Marks;
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use std::cmp::Ordering;
use std::sync::Arc;

/// More distinct numbers than this, and a column is held as it is. Texts are always numbered.
pub(super) const MOST_WORDS: usize = 256 * 1024;

/// The distinct values behind the numbers, the first of them number 1.
#[derive(Debug)]
pub(super) enum Distinct {
    Words(Vec<u64>),
    Strings(Strings),
}

impl Distinct {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.len(),
            Self::Strings(strings) => strings.len(),
        }
    }

    /// The bytes that they hold.
    fn heap(&self) -> usize {
        match self {
            Self::Words(words) => words.len() * 8,
            Self::Strings(strings) => strings.heap(),
        }
    }

    /// The value of a number; 0 is missing.
    #[inline]
    pub(super) fn value(&self, number: u32) -> Value<'_> {
        match (number as usize, self) {
            (0, _) => Value::Missing,
            (number, Self::Words(words)) => Value::Word(words[number - 1]),
            (number, Self::Strings(strings)) => Value::String(strings.get(number - 1)),
        }
    }
}

/// The values of one column.
#[derive(Debug)]
pub(super) enum Held {
    Numbered {
        numbers: Numbers,
        values: Arc<Distinct>,
    },
    Plain {
        words: Vec<u64>,
        valid: Option<BooleanBuffer>,
    },
    /// Cells beside those of other columns: numbers of values, or words; and whether each word is there, where some are not.
    Beside {
        records: Arc<Records>,
        cells: Place,
        values: Option<Arc<Distinct>>,
        present: Option<Place>,
    },
}

/// One column of a store.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) kind: DataType,
    pub(super) held: Held,
}

/// A value of a column: missing is below all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Missing,
    Word(u64),
    String(&'a [u8]),
}

impl Column {
    pub(super) fn rows(&self) -> usize {
        match &self.held {
            Held::Numbered { numbers, .. } => numbers.len(),
            Held::Plain { words, .. } => words.len(),
            Held::Beside { records, .. } => records.rows(),
        }
    }

    /// The word of a row, whether it is there or not.
    pub(super) fn word(&self, row: usize) -> u64 {
        match &self.held {
            Held::Numbered { numbers, values } => match values.value(numbers.at(row)) {
                Value::Word(word) => word,
                Value::Missing | Value::String(_) => 0,
            },
            Held::Plain { words, .. } => words[row],
            Held::Beside { .. } => match self.value(row) {
                Value::Word(word) => word,
                Value::Missing | Value::String(_) => 0,
            },
        }
    }

    /// Whether its values are words, of which it can tell many at a time.
    pub(super) fn has_words(&self) -> bool {
        match &self.held {
            Held::Numbered { values, .. } => matches!(**values, Distinct::Words(_)),
            Held::Plain { .. } => true,
            Held::Beside { .. } => false,
        }
    }

    /// The numbers of its rows and the texts that they stand for, where it has such.
    pub(super) fn numbered_texts(&self) -> Option<(&Numbers, &Strings)> {
        match &self.held {
            Held::Numbered { numbers, values } => match values.as_ref() {
                Distinct::Strings(strings) => Some((numbers, strings)),
                Distinct::Words(_) => None,
            },
            Held::Plain { .. } | Held::Beside { .. } => None,
        }
    }

    /// The words of some rows, and for each 1 where it is there, else 0 and any word.
    pub(super) fn words(&self, rows: &[u32], words: &mut Vec<u64>, present: &mut Vec<u16>) {
        fn numbered<N: Copy + Into<u32>>(
            (all, values): (&[N], &[u64]),
            rows: &[u32],
            words: &mut Vec<u64>,
            present: &mut Vec<u16>,
        ) {
            let number = |row: &u32| -> u32 { all[*row as usize].into() };
            words.extend(
                rows.iter().map(|row| values.get((number(row) as usize).wrapping_sub(1)).copied().unwrap_or(0)),
            );
            present.extend(rows.iter().map(|row| u16::from(number(row) != 0)));
        }
        words.clear();
        present.clear();
        match &self.held {
            Held::Numbered { numbers, values } => {
                let Distinct::Words(values) = values.as_ref() else { return };
                match numbers {
                    Numbers::One(all) => numbered((all, values), rows, words, present),
                    Numbers::Two(all) => numbered((all, values), rows, words, present),
                    Numbers::Four(all) => numbered((all, values), rows, words, present),
                }
            }
            Held::Plain { words: all, valid } => {
                words.extend(rows.iter().map(|row| all[*row as usize]));
                match valid {
                    None => present.resize(rows.len(), 1),
                    Some(valid) => present.extend(rows.iter().map(|row| u16::from(valid.value(*row as usize)))),
                }
            }
            Held::Beside { .. } => {}
        }
    }

    /// Whether there is a value in a row.
    pub(super) fn is_present(&self, row: usize) -> bool {
        match &self.held {
            Held::Numbered { numbers, .. } => numbers.at(row) != 0,
            Held::Plain { valid, .. } => valid.as_ref().is_none_or(|valid| valid.value(row)),
            Held::Beside { .. } => self.value(row) != Value::Missing,
        }
    }

    /// Where its cells stand beside those of other columns, and where it says whether they are there.
    pub(super) fn beside(&self) -> Option<(&Arc<Records>, Place, Option<Place>)> {
        match &self.held {
            Held::Beside { records, cells, present, .. } => Some((records, *cells, *present)),
            Held::Numbered { .. } | Held::Plain { .. } => None,
        }
    }

    #[inline]
    pub(super) fn value(&self, row: usize) -> Value<'_> {
        match &self.held {
            Held::Numbered { numbers, values } => values.value(numbers.at(row)),
            Held::Plain { words, valid } => match valid {
                Some(valid) if !valid.value(row) => Value::Missing,
                _ => Value::Word(words[row]),
            },
            Held::Beside { records, cells, values: Some(values), .. } => {
                values.value(u32::try_from(records.at(row, *cells)).unwrap_or(0))
            }
            Held::Beside { records, present: Some(present), .. } if records.at(row, *present) == 0 => Value::Missing,
            Held::Beside { records, cells, .. } => Value::Word(records.at(row, *cells)),
        }
    }

    /// The order of two rows by this column, missing first.
    pub(super) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        if let (Held::Numbered { numbers, .. }, true) = (&self.held, std::ptr::eq(self, other))
            && numbers.at(row) == numbers.at(other_row)
        {
            return Ordering::Equal;
        }
        match (self.value(row), other.value(other_row)) {
            (Value::Missing, Value::Missing) => Ordering::Equal,
            (Value::Missing, _) => Ordering::Less,
            (_, Value::Missing) => Ordering::Greater,
            (Value::String(a), Value::String(b)) => a.cmp(b),
            (Value::Word(a), Value::Word(b)) => match self.kind {
                DataType::Float32 => single(a).total_cmp(&single(b)),
                DataType::Float64 => f64::from_bits(a).total_cmp(&f64::from_bits(b)),
                _ => a.cast_signed().cmp(&b.cast_signed()),
            },
            (Value::Word(_), Value::String(_)) => Ordering::Less,
            (Value::String(_), Value::Word(_)) => Ordering::Greater,
        }
    }
}

pub(super) fn single(word: u64) -> f32 {
    f32::from_bits(u32::try_from(word).unwrap_or(0))
}

/// Rows of one worker, column by column.
#[derive(Debug, Default)]
pub struct Store {
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
    pub(super) people: People,
}

/// Whose the rows of a store are, and who takes them. Empty where the rows have ranks already.
#[derive(Debug, Default)]
pub(super) struct People {
    /// Each row's person.
    pub(super) persons: Vec<u32>,
    /// Each row, marked for those who take it.
    pub(super) takers: Marks,
}

impl People {
    pub(super) fn heap(&self) -> usize {
        self.persons.len() * 4 + self.takers.heap()
    }

    /// Takes in those of other rows.
    pub(super) fn append(&mut self, others: &Self) {
        self.persons.extend_from_slice(&others.persons);
        self.takers.append(&others.takers);
    }
}

impl Store {
    /// The bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        let of = |column: &Column| match &column.held {
            Held::Numbered { numbers, values } => numbers.heap() + values.heap(),
            Held::Plain { words, .. } => words.len() * 8 + words.len() / 8,
            Held::Beside { values, .. } => values.as_ref().map_or(0, |values| values.heap()),
        };
        let beside = self.columns.iter().find_map(Column::beside).map_or(0, |(records, ..)| records.heap());
        self.columns.iter().map(of).sum::<usize>() + beside + self.people.heap()
    }

    /// Whether it holds its rows side by side.
    pub(super) fn is_beside(&self) -> bool {
        !self.columns.is_empty() && self.columns.iter().all(|column| column.beside().is_some())
    }

    /// How many columns it has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }
}

/// An integer of 128 bits as bytes that sort as it does.
pub(super) fn sortable(value: i128) -> [u8; 16] {
    (value.cast_unsigned() ^ 1 << 127).to_be_bytes()
}

/// The integer of such bytes.
pub(super) fn unsortable(bytes: &[u8]) -> i128 {
    (bytes.first_chunk().copied().map_or(0, u128::from_be_bytes) ^ 1 << 127).cast_signed()
}
