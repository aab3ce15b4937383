//! Values as arrays again: for scratch, and for linked tables.

use super::store::{Value, single, unsortable};
use arrow::array::{ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType,
};
use std::sync::Arc;

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
