//! Filling a store from batches: each value is numbered, or held as it is where too many differ.

use super::numbers::Numbers;
use super::store::{Column, Distinct, Held, MOST_WORDS, People, Store, sortable};
use super::values::{Texts, Words};
use crate::vocab::Marks;
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, BooleanBufferBuilder, FixedSizeBinaryArray,
    PrimitiveArray, StringViewArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};
use std::sync::Arc;

/// A decimal of more digits than this does not fit 64 bits.
const WORD_DIGITS: u8 = 18;

/// A store that is being filled.
#[derive(Debug, Default)]
pub struct StoreBuilder {
    columns: Vec<Building>,
    rows: usize,
    people: People,
    room: usize,
    scratch: Vec<u32>,
}

#[derive(Debug)]
enum Filling {
    Texts(Texts, Numbers),
    Words(Words, Numbers),
    Plain(Vec<u64>, BooleanBufferBuilder),
}

#[derive(Debug)]
struct Building {
    kind: DataType,
    filling: Filling,
}

impl StoreBuilder {
    /// One with room for so many rows: what is not used of it costs no memory.
    #[must_use]
    pub fn with_room(rows: usize) -> Self {
        Self { room: rows, ..Self::default() }
    }

    /// Takes in some rows of a batch of `rows`, or all of it. `None` for a type that no released column has, or where columns
    /// do not fit those before.
    pub fn append(&mut self, rows: usize, columns: &[ArrayRef], picked: Option<&[u32]>) -> Option<()> {
        if self.columns.is_empty() {
            self.columns = columns.iter().map(|c| Building::new(c.data_type().clone(), self.room)).collect();
        }
        if self.columns.len() != columns.len() {
            return None;
        }
        for (column, array) in self.columns.iter_mut().zip(columns) {
            column.append(array, picked, &mut self.scratch)?;
        }
        self.rows += picked.map_or(rows, <[u32]>::len);
        Some(())
    }

    /// Tells whose the rows are that were taken in last, and who takes them: those `picked` of a batch.
    pub fn append_people(&mut self, persons: &[u32], takers: &Marks, picked: &[u32]) {
        let People { persons: all, takers: marks } = &mut self.people;
        if all.is_empty() {
            all.reserve(self.room);
            marks.clear_like(takers);
        }
        all.extend(picked.iter().map(|row| persons.get(*row as usize).copied().unwrap_or(u32::MAX)));
        marks.extend(takers, picked);
    }

    /// The bytes that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |column: &Building| match &column.filling {
            Filling::Texts(texts, numbers) => texts.strings().heap() + texts.len() * 24 + numbers.heap(),
            Filling::Words(words, numbers) => words.values().len() * 24 + numbers.heap(),
            Filling::Plain(words, valid) => words.len() * 8 + valid.len() / 8,
        };
        self.columns.iter().map(of).sum::<usize>() + self.people.heap()
    }

    /// The store.
    #[must_use]
    pub fn finish(self) -> Store {
        Store {
            columns: self.columns.into_iter().map(Building::finish).collect(),
            rows: self.rows,
            people: self.people,
        }
    }
}

impl Building {
    fn new(kind: DataType, room: usize) -> Self {
        let numbers = Numbers::for_values(0, room);
        let strings = match kind {
            DataType::Utf8View | DataType::FixedSizeBinary(_) => true,
            DataType::Decimal128(digits, _) => digits > WORD_DIGITS,
            _ => false,
        };
        let filling =
            if strings { Filling::Texts(Texts::new(), numbers) } else { Filling::Words(Words::new(), numbers) };
        Self { kind, filling }
    }

    fn append(&mut self, array: &ArrayRef, picked: Option<&[u32]>, scratch: &mut Vec<u32>) -> Option<()> {
        if *array.data_type() != self.kind {
            return None;
        }
        scratch.clear();
        let nothing = array.null_count() == array.len();
        match &mut self.filling {
            Filling::Texts(_, numbers) | Filling::Words(_, numbers) if nothing => {
                scratch.resize(picked.map_or(array.len(), <[u32]>::len), 0);
                numbers.extend(scratch, 0);
            }
            Filling::Texts(texts, numbers) => {
                texts.next_array();
                match &self.kind {
                    DataType::Utf8View => texts_of(array.as_string_view(), picked, texts, scratch),
                    DataType::Decimal128(_, _) => each(array.len(), picked, |row| {
                        let decimals = array.as_primitive::<Decimal128Type>();
                        let mut number = |v: i128| texts.number_bytes(&sortable(v));
                        scratch.push(valid(decimals, row).map_or(0, |()| number(decimals.value(row))));
                    }),
                    _ => pseudonyms_of(array.as_fixed_size_binary_opt()?, picked, texts, scratch)?,
                }
                numbers.extend(scratch, texts.len());
            }
            Filling::Words(words, numbers) => {
                words_of(array, picked, |word| {
                    scratch.push(word.map_or(0, |word| words.number(word)));
                })?;
                numbers.extend(scratch, words.values().len());
                if words.values().len() > MOST_WORDS {
                    self.filling = plain(words, numbers);
                }
            }
            Filling::Plain(words, valid) => words_of(array, picked, |word| {
                words.push(word.unwrap_or(0));
                valid.append(word.is_some());
            })?,
        }
        Some(())
    }

    fn finish(self) -> Column {
        let held = match self.filling {
            Filling::Texts(texts, numbers) => {
                Held::Numbered { numbers, values: Arc::new(Distinct::Strings(texts.into_strings())) }
            }
            Filling::Words(words, numbers) => {
                Held::Numbered { numbers, values: Arc::new(Distinct::Words(words.into_values())) }
            }
            Filling::Plain(words, mut valid) => {
                let valid = valid.finish();
                let none_missing = valid.count_set_bits() == valid.len();
                Held::Plain { words, valid: (!none_missing).then_some(valid) }
            }
        };
        // A column of 10 bytes is a pseudonym, delivered as its text.
        let kind = match self.kind {
            DataType::FixedSizeBinary(_) => DataType::Utf8View,
            other => other,
        };
        Column { kind, held }
    }
}

/// Numbered values as they are.
fn plain(words: &Words, numbers: &Numbers) -> Filling {
    let mut valid = BooleanBufferBuilder::new(numbers.len());
    let of = |row| {
        let number = numbers.at(row);
        valid.append(number != 0);
        words.values().get((number as usize).wrapping_sub(1)).copied().unwrap_or(0)
    };
    let mut values = Vec::with_capacity(numbers.room());
    values.extend((0..numbers.len()).map(of));
    Filling::Plain(values, valid)
}

/// Calls for each picked row, or all.
#[inline]
fn each(rows: usize, picked: Option<&[u32]>, mut call: impl FnMut(usize)) {
    match picked {
        Some(picked) => picked.iter().for_each(|row| call(*row as usize)),
        None => (0..rows).for_each(call),
    }
}

fn valid(array: &dyn Array, row: usize) -> Option<()> {
    array.is_valid(row).then_some(())
}

fn texts_of(array: &StringViewArray, picked: Option<&[u32]>, texts: &mut Texts, out: &mut Vec<u32>) {
    let views = array.views();
    each(array.len(), picked, |row| {
        if array.is_null(row) {
            out.push(0);
            return;
        }
        out.push(texts.number(views[row], || array.value(row).as_bytes()));
    });
}

fn pseudonyms_of(
    array: &FixedSizeBinaryArray,
    picked: Option<&[u32]>,
    texts: &mut Texts,
    out: &mut Vec<u32>,
) -> Option<()> {
    if array.value_length() != 10 {
        return None;
    }
    each(array.len(), picked, |row| {
        let bytes = valid(array, row).and_then(|()| array.value(row).first_chunk::<10>());
        out.push(bytes.map_or(0, |bytes| texts.number_bytes(&crate::keys::pseudonym_text(bytes))));
    });
    Some(())
}

/// Each value as 64 bits: integers, dates and decimals with their sign extended, floats as their bits.
fn words_of(array: &ArrayRef, picked: Option<&[u32]>, mut take: impl FnMut(Option<u64>)) -> Option<()> {
    fn primitives<T: ArrowPrimitiveType>(
        array: &PrimitiveArray<T>,
        picked: Option<&[u32]>,
        mut take: impl FnMut(Option<u64>),
        word: impl Fn(T::Native) -> u64,
    ) {
        let values = array.values();
        match array.nulls() {
            None => each(values.len(), picked, |row| take(Some(word(values[row])))),
            Some(nulls) => each(values.len(), picked, |row| take(nulls.is_valid(row).then(|| word(values[row])))),
        }
    }
    macro_rules! signed {
        ($kind:ty) => {
            primitives(array.as_primitive::<$kind>(), picked, take, |v| i64::from(v).cast_unsigned())
        };
    }
    match array.data_type() {
        DataType::Boolean => {
            let flags: &BooleanArray = array.as_boolean();
            each(flags.len(), picked, |row| take(flags.is_valid(row).then(|| u64::from(flags.value(row)))));
        }
        DataType::Int8 => signed!(Int8Type),
        DataType::Int16 => signed!(Int16Type),
        DataType::Int32 => signed!(Int32Type),
        DataType::Int64 => signed!(Int64Type),
        DataType::Date32 => signed!(Date32Type),
        DataType::Timestamp(TimeUnit::Microsecond, None) => signed!(TimestampMicrosecondType),
        DataType::Float32 => {
            primitives(array.as_primitive::<Float32Type>(), picked, take, |v| u64::from(v.to_bits()));
        }
        DataType::Float64 => primitives(array.as_primitive::<Float64Type>(), picked, take, f64::to_bits),
        DataType::Decimal128(_, _) => primitives(array.as_primitive::<Decimal128Type>(), picked, take, |v| {
            i64::try_from(v).unwrap_or(0).cast_unsigned()
        }),
        _ => return None,
    }
    Some(())
}
