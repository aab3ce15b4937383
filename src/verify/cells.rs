//! One column of one batch, by its type: comparison of cells and the extremes of a column.

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int16Array,
    Int32Array, Int64Array, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use std::cmp::Ordering;

use super::leak::mix;
use super::text::Text;
use crate::vocab::Type;

/// The Arrow type of a column. Text may also be read in other forms ([`Text`]).
pub(super) fn arrow_type(kind: Type) -> DataType {
    match kind {
        Type::Bool => DataType::Boolean,
        Type::Int8 => DataType::Int8,
        Type::Int16 => DataType::Int16,
        Type::Int32 => DataType::Int32,
        Type::Int64 => DataType::Int64,
        Type::Float32 => DataType::Float32,
        Type::Float64 => DataType::Float64,
        Type::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        Type::Text => DataType::Utf8View,
        Type::Date => DataType::Date32,
        Type::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
    }
}

/// A column of a batch, by its type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cells<'a> {
    Bool(&'a BooleanArray),
    Int8(&'a Int8Array),
    Int16(&'a Int16Array),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    /// With its scale.
    Decimal(&'a Decimal128Array, u8),
    Text(Text<'a>),
    Date(&'a Date32Array),
    Timestamp(&'a TimestampMicrosecondArray),
}

/// Runs the same code on the array of any type.
macro_rules! each {
    ($cells:expr, $array:ident => $body:expr) => {
        match $cells {
            Cells::Bool($array) => $body,
            Cells::Int8($array) => $body,
            Cells::Int16($array) => $body,
            Cells::Int32($array) => $body,
            Cells::Int64($array) => $body,
            Cells::Float32($array) => $body,
            Cells::Float64($array) => $body,
            Cells::Decimal($array, _) => $body,
            Cells::Text($array) => $body,
            Cells::Date($array) => $body,
            Cells::Timestamp($array) => $body,
        }
    };
}

impl<'a> Cells<'a> {
    /// The column by its type. `None` for a type that no released column has.
    pub(super) fn of(array: &'a ArrayRef) -> Option<Self> {
        let any = array.as_any();
        Some(match array.data_type() {
            DataType::Boolean => Self::Bool(any.downcast_ref()?),
            DataType::Int8 => Self::Int8(any.downcast_ref()?),
            DataType::Int16 => Self::Int16(any.downcast_ref()?),
            DataType::Int32 => Self::Int32(any.downcast_ref()?),
            DataType::Int64 => Self::Int64(any.downcast_ref()?),
            DataType::Float32 => Self::Float32(any.downcast_ref()?),
            DataType::Float64 => Self::Float64(any.downcast_ref()?),
            DataType::Decimal128(_, scale) => Self::Decimal(any.downcast_ref()?, u8::try_from(*scale).ok()?),
            DataType::Date32 => Self::Date(any.downcast_ref()?),
            DataType::Timestamp(TimeUnit::Microsecond, None) => Self::Timestamp(any.downcast_ref()?),
            _ => Self::Text(Text::of(array)?),
        })
    }

    /// Whether a cell is missing.
    pub(super) fn is_missing(&self, row: usize) -> bool {
        each!(self, array => array.is_null(row))
    }

    /// Whether a cell is the same as another of its column, as far as can be told at a glance. If not, it may be so
    /// nevertheless.
    #[inline]
    pub(super) fn repeats(&self, row: usize, other: usize) -> bool {
        macro_rules! same {
            ($array:expr) => {
                !$array.is_null(row) && !$array.is_null(other) && $array.value(row) == $array.value(other)
            };
        }
        match self {
            Self::Text(text) => text.repeats(row, other),
            Self::Int8(array) => same!(array),
            Self::Int16(array) => same!(array),
            Self::Int32(array) => same!(array),
            Self::Int64(array) => same!(array),
            _ => false,
        }
    }

    /// Whether there are cells, none is missing, and all are the same, as far as can be told at a glance.
    pub(super) fn is_one(&self) -> bool {
        macro_rules! one {
            ($array:expr) => {{
                let (values, first) = ($array.values(), $array.values().first());
                $array.null_count() == 0
                    && first.is_some_and(|first| values.iter().fold(true, |one, v| one & (v == first)))
            }};
        }
        match self {
            Self::Text(text) => text.is_one(),
            Self::Int8(array) => one!(array),
            Self::Int16(array) => one!(array),
            Self::Int32(array) => one!(array),
            Self::Int64(array) => one!(array),
            _ => false,
        }
    }

    /// How many cells are missing.
    pub(super) fn missing(&self) -> usize {
        each!(self, array => array.null_count())
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        each!(self, array => array.len())
    }

    /// Compares a cell with one of another column of the same type, missing first, floats in total order.
    /// Cells of different types are equal: the schema has been refused by then.
    pub(super) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        macro_rules! by {
            ($a:expr, $b:expr, $compare:expr) => {
                match ($a.is_null(row), $b.is_null(other_row)) {
                    (true, true) => Ordering::Equal,
                    (true, false) => Ordering::Less,
                    (false, true) => Ordering::Greater,
                    (false, false) => $compare(&$a.value(row), &$b.value(other_row)),
                }
            };
        }
        if let (Self::Text(a), Self::Text(b)) = (self, other) {
            return match (a.is_null(row), b.is_null(other_row)) {
                (false, false) => a.compare(row, b, other_row),
                (one, two) => two.cmp(&one),
            };
        }
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => by!(a, b, Ord::cmp),
            (Self::Int8(a), Self::Int8(b)) => by!(a, b, Ord::cmp),
            (Self::Int16(a), Self::Int16(b)) => by!(a, b, Ord::cmp),
            (Self::Int32(a), Self::Int32(b)) => by!(a, b, Ord::cmp),
            (Self::Int64(a), Self::Int64(b)) => by!(a, b, Ord::cmp),
            (Self::Float32(a), Self::Float32(b)) => by!(a, b, f32::total_cmp),
            (Self::Float64(a), Self::Float64(b)) => by!(a, b, f64::total_cmp),
            (Self::Decimal(a, _), Self::Decimal(b, _)) => by!(a, b, Ord::cmp),
            (Self::Date(a), Self::Date(b)) => by!(a, b, Ord::cmp),
            (Self::Timestamp(a), Self::Timestamp(b)) => by!(a, b, Ord::cmp),
            _ => Ordering::Equal,
        }
    }

    /// Keeps of `rows` those whose cell equals the cell of the row before, and counts those whose cell is below it.
    pub(super) fn keep_equal_to_previous(&self, rows: &mut Vec<u32>) -> u64 {
        // This settles most rows without reading a text.
        if let Self::Text(text) = self
            && text.all_settled(rows)
        {
            return 0;
        }
        let mut below = 0;
        rows.retain(|row| {
            let row = *row as usize;
            let order = row.checked_sub(1).map_or(Ordering::Less, |previous| self.compare(previous, self, row));
            below += u64::from(order == Ordering::Greater);
            order == Ordering::Equal
        });
        below
    }

    /// Takes a cell into a hash: equal cells of one type alone give equal hashes.
    pub(super) fn hash(&self, row: usize, state: u64) -> u64 {
        if self.is_missing(row) {
            return mix(state, 0x6d69_7373_696e_6721);
        }
        match self {
            Self::Bool(array) => mix(state, u64::from(array.value(row))),
            Self::Int8(array) => mix(state, u64::from_le_bytes(i64::from(array.value(row)).to_le_bytes())),
            Self::Int16(array) => mix(state, u64::from_le_bytes(i64::from(array.value(row)).to_le_bytes())),
            Self::Int32(array) => mix(state, u64::from_le_bytes(i64::from(array.value(row)).to_le_bytes())),
            Self::Int64(array) => mix(state, u64::from_le_bytes(array.value(row).to_le_bytes())),
            Self::Float32(array) => mix(state, f64::from(array.value(row)).to_bits()),
            Self::Float64(array) => mix(state, array.value(row).to_bits()),
            Self::Decimal(array, _) => hash_bytes(&array.value(row).to_le_bytes(), state),
            Self::Text(text) => hash_bytes(text.value(row).as_bytes(), state),
            Self::Date(array) => mix(state, u64::from_le_bytes(i64::from(array.value(row)).to_le_bytes())),
            Self::Timestamp(array) => mix(state, u64::from_le_bytes(array.value(row).to_le_bytes())),
        }
    }

    /// The day of a date or timestamp, in days since 1970-01-01. `None` where missing or neither.
    #[inline]
    pub(super) fn day(&self, row: usize) -> Option<i32> {
        match self {
            Self::Date(array) => (!array.is_null(row)).then(|| array.value(row)),
            Self::Timestamp(array) if !array.is_null(row) => {
                i32::try_from(array.value(row).div_euclid(86_400_000_000)).ok()
            }
            _ => None,
        }
    }
}

fn hash_bytes(bytes: &[u8], state: u64) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let state = words.iter().fold(mix(state, bytes.len() as u64), |state, word| mix(state, u64::from_le_bytes(*word)));
    mix(state, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;
    use std::sync::Arc;

    #[test]
    fn order_is_missing_first_bytewise_and_total() {
        let text: ArrayRef = Arc::new(StringViewArray::from(vec![None, Some(""), Some("B"), Some("a"), Some("é")]));
        let floats: ArrayRef =
            Arc::new(Float64Array::from(vec![None, Some(f64::NEG_INFINITY), Some(-0.0), Some(0.0), Some(f64::NAN)]));
        for array in [&text, &floats] {
            let cells = Cells::of(array).unwrap();
            for row in 1..5 {
                assert_eq!(cells.compare(row - 1, &cells, row), Ordering::Less);
                assert_eq!(cells.compare(row, &cells, row - 1), Ordering::Greater);
            }
        }
        let cells = Cells::of(&text).unwrap();
        let mut rows = vec![1, 2, 3, 4];
        assert_eq!(cells.keep_equal_to_previous(&mut rows), 0);
        assert!(rows.is_empty());
    }
}
