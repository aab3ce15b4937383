//! Rows that wait: columns of one worker's rows, each value a small number wherever a column has few distinct ones.

use super::values::{Strings, Texts, Words};
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, BooleanBufferBuilder, FixedSizeBinaryArray,
    PrimitiveArray, StringViewArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};
use std::cmp::Ordering;
use std::sync::Arc;

/// More distinct numbers than this, and a column is held as it is. Texts are always numbered.
pub(super) const MOST_WORDS: usize = u16::MAX as usize;

/// A decimal of more digits than this does not fit 64 bits.
const WORD_DIGITS: u8 = 18;

/// A number a row, as narrow as they are.
#[derive(Debug)]
pub(super) enum Numbers {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Numbers {
    #[inline]
    pub(super) fn at(&self, row: usize) -> u32 {
        match self {
            Self::One(all) => all[row].into(),
            Self::Two(all) => all[row].into(),
            Self::Four(all) => all[row],
        }
    }

    fn room(&self) -> usize {
        match self {
            Self::One(all) => all.capacity(),
            Self::Two(all) => all.capacity(),
            Self::Four(all) => all.capacity(),
        }
    }

    fn heap(&self) -> usize {
        match self {
            Self::One(all) => all.len(),
            Self::Two(all) => all.len() * 2,
            Self::Four(all) => all.len() * 4,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(all) => all.len(),
            Self::Two(all) => all.len(),
            Self::Four(all) => all.len(),
        }
    }

    /// None yet, with room for so many rows of so many values.
    pub(super) fn for_values(values: usize, rows: usize) -> Self {
        match values {
            0..=0xff => Self::One(Vec::with_capacity(rows)),
            0x100..=0xffff => Self::Two(Vec::with_capacity(rows)),
            _ => Self::Four(Vec::with_capacity(rows)),
        }
    }

    /// Takes the numbers of others in, each by what the map says of it.
    pub(super) fn extend_by(&mut self, others: &Self, map: &[u32]) {
        fn all<A: Copy + Into<u32>, B>(from: &[A], map: &[u32], to: &mut Vec<B>, narrow: impl Fn(u32) -> B) {
            to.extend(from.iter().map(|number| narrow(map[(*number).into() as usize])));
        }
        macro_rules! into {
            ($to:expr, $narrow:expr) => {
                match others {
                    Self::One(from) => all(from, map, $to, $narrow),
                    Self::Two(from) => all(from, map, $to, $narrow),
                    Self::Four(from) => all(from, map, $to, $narrow),
                }
            };
        }
        match self {
            Self::One(to) => into!(to, |n| u8::try_from(n).unwrap_or(0)),
            Self::Two(to) => into!(to, |n| u16::try_from(n).unwrap_or(0)),
            Self::Four(to) => into!(to, |n| n),
        }
    }

    /// Takes numbers in, of which `most` is the largest.
    fn extend(&mut self, more: &[u32], most: usize) {
        match self {
            Self::One(all) if most > u8::MAX.into() => *self = Self::Two(wider(all)),
            _ => {}
        }
        match self {
            Self::Two(all) if most > u16::MAX.into() => *self = Self::Four(wider(all)),
            _ => {}
        }
        match self {
            Self::One(all) => all.extend(more.iter().map(|n| u8::try_from(*n).unwrap_or(0))),
            Self::Two(all) => all.extend(more.iter().map(|n| u16::try_from(*n).unwrap_or(0))),
            Self::Four(all) => all.extend_from_slice(more),
        }
    }
}

/// The same numbers with more bits each, and the same room.
fn wider<A: Copy, B: From<A>>(all: &Vec<A>) -> Vec<B> {
    let mut wider = Vec::with_capacity(all.capacity());
    wider.extend(all.iter().map(|number| B::from(*number)));
    wider
}

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
    Numbered { numbers: Numbers, values: Distinct },
    Plain { words: Vec<u64>, valid: Option<BooleanBuffer> },
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

fn single(word: u64) -> f32 {
    f32::from_bits(u32::try_from(word).unwrap_or(0))
}

/// Rows of one worker, column by column.
#[derive(Debug, Default)]
pub struct Store {
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
}

impl Store {
    /// The bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        let of = |column: &Column| match &column.held {
            Held::Numbered { numbers, values: Distinct::Words(words) } => numbers.heap() + words.len() * 8,
            Held::Numbered { numbers, values: Distinct::Strings(strings) } => numbers.heap() + strings.heap(),
            Held::Plain { words, .. } => words.len() * 8 + words.len() / 8,
        };
        self.columns.iter().map(of).sum()
    }

    /// How many columns it has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }
}

/// A store that is being filled.
#[derive(Debug, Default)]
pub struct StoreBuilder {
    columns: Vec<Building>,
    rows: usize,
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

    /// Takes in some rows of a batch, or all of it. `None` for a type that no released column has, or where columns do not
    /// fit those before.
    pub fn append(&mut self, columns: &[ArrayRef], picked: Option<&[u32]>) -> Option<()> {
        if self.columns.is_empty() {
            self.columns = columns.iter().map(|c| Building::new(c.data_type().clone(), self.room)).collect();
        }
        if self.columns.len() != columns.len() {
            return None;
        }
        for (column, array) in self.columns.iter_mut().zip(columns) {
            column.append(array, picked, &mut self.scratch)?;
        }
        self.rows += picked.map_or_else(|| columns.first().map_or(0, |c| c.len()), <[u32]>::len);
        Some(())
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The bytes that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |column: &Building| match &column.filling {
            Filling::Texts(texts, numbers) => texts.strings().heap() + texts.len() * 24 + numbers.heap(),
            Filling::Words(words, numbers) => words.values().len() * 24 + numbers.heap(),
            Filling::Plain(words, valid) => words.len() * 8 + valid.len() / 8,
        };
        self.columns.iter().map(of).sum()
    }

    /// The store.
    #[must_use]
    pub fn finish(self) -> Store {
        let rows = self.rows;
        self.finish_of(rows)
    }

    /// The store, of so many rows: without columns it could not tell.
    pub(super) fn finish_of(self, rows: usize) -> Store {
        Store { columns: self.columns.into_iter().map(Building::finish).collect(), rows }
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
        match &mut self.filling {
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
                let mut last = (0, 0);
                words_of(array, picked, |word| {
                    scratch.push(match word {
                        None => 0,
                        Some(word) if last.1 != 0 && last.0 == word => last.1,
                        Some(word) => {
                            last = (word, words.number(word));
                            last.1
                        }
                    });
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
                Held::Numbered { numbers, values: Distinct::Strings(texts.into_strings()) }
            }
            Filling::Words(words, numbers) => Held::Numbered { numbers, values: Distinct::Words(words.into_values()) },
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
    // Most columns repeat the value above them often enough.
    let mut last = (0, 0);
    each(array.len(), picked, |row| {
        if array.is_null(row) {
            out.push(0);
            return;
        }
        let view = views[row];
        if last.1 == 0 || last.0 != view {
            last = (view, texts.number(view, || array.value(row).as_bytes()));
        }
        out.push(last.1);
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

/// An integer of 128 bits as bytes that sort as it does.
fn sortable(value: i128) -> [u8; 16] {
    (value.cast_unsigned() ^ 1 << 127).to_be_bytes()
}

/// The integer of such bytes.
pub(super) fn unsortable(bytes: &[u8]) -> i128 {
    (bytes.first_chunk().copied().map_or(0, u128::from_be_bytes) ^ 1 << 127).cast_signed()
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

/// Some values of a column as an array.
pub(super) fn array_of<'a>(
    kind: &DataType,
    values: impl ExactSizeIterator<Item = Value<'a>> + Clone,
) -> Option<ArrayRef> {
    fn primitives<'a, T: ArrowPrimitiveType>(
        kind: &DataType,
        values: impl ExactSizeIterator<Item = Value<'a>> + Clone,
        native: impl Fn(Value<'a>) -> Option<T::Native>,
    ) -> ArrayRef {
        Arc::new(values.map(native).collect::<PrimitiveArray<T>>().with_data_type(kind.clone()))
    }
    let signed = |value: Value<'_>| match value {
        Value::Word(word) => Some(word.cast_signed()),
        Value::Missing | Value::String(_) => None,
    };
    macro_rules! integers {
        ($kind:ty) => {
            primitives::<$kind>(kind, values, |v| signed(v).and_then(|v| v.try_into().ok()))
        };
    }
    Some(match kind {
        DataType::Utf8View => {
            let mut builder = arrow::array::StringViewBuilder::with_capacity(values.len());
            for value in values {
                match value {
                    Value::String(text) => builder.append_value(std::str::from_utf8(text).ok()?),
                    Value::Missing | Value::Word(_) => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        DataType::Boolean => {
            let nulls = NullBuffer::from_iter(values.clone().map(|v| v != Value::Missing));
            let flags = BooleanBuffer::from_iter(values.map(|v| v == Value::Word(1)));
            Arc::new(BooleanArray::new(flags, Some(nulls)))
        }
        DataType::Int8 => integers!(Int8Type),
        DataType::Int16 => integers!(Int16Type),
        DataType::Int32 => integers!(Int32Type),
        DataType::Int64 => integers!(Int64Type),
        DataType::Date32 => integers!(Date32Type),
        DataType::Timestamp(TimeUnit::Microsecond, None) => integers!(TimestampMicrosecondType),
        DataType::Float32 => primitives::<Float32Type>(kind, values, |v| match v {
            Value::Word(word) => Some(single(word)),
            _ => None,
        }),
        DataType::Float64 => primitives::<Float64Type>(kind, values, |v| match v {
            Value::Word(word) => Some(f64::from_bits(word)),
            _ => None,
        }),
        DataType::Decimal128(_, _) => primitives::<Decimal128Type>(kind, values, |v| match v {
            Value::Word(word) => Some(word.cast_signed().into()),
            Value::String(bytes) => Some(unsortable(bytes)),
            Value::Missing => None,
        }),
        _ => return None,
    })
}
