//! Stored columns become the catalogue's types without loss, or a fault that names the column and never the value.

use crate::engine::ValueFault;
use crate::vocab::Type;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use std::sync::Arc;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// The Arrow type that a catalogue type has inside the pipeline, and in what is delivered.
#[must_use]
pub fn arrow_type(kind: Type) -> DataType {
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

/// Converts a column. `name` is the physical column, for the fault.
pub(super) fn conform(array: &ArrayRef, name: &str, kind: Type) -> Result<ArrayRef, ValueFault> {
    let wanted = arrow_type(kind);
    let stored = array.data_type();
    if *stored == wanted {
        return Ok(Arc::clone(array));
    }
    let fault = || ValueFault { column: name.to_owned(), wanted: kind.to_string() };
    if *stored == DataType::Null {
        return Ok(new_null_array(&wanted, array.len()));
    }
    match kind {
        Type::Date => match stored {
            DataType::Date64 | DataType::Timestamp(_, _) => {
                let micros = microseconds(array).ok_or_else(fault)?;
                if micros.iter().flatten().any(|v| v.rem_euclid(MICROSECONDS_A_DAY) != 0) {
                    return Err(fault());
                }
                let days: Option<Date32Array> =
                    micros.try_unary_opt(|v| i32::try_from(v.div_euclid(MICROSECONDS_A_DAY)).ok());
                days.map(|d| Arc::new(d) as ArrayRef).ok_or_else(fault)
            }
            _ => Err(fault()),
        },
        Type::Timestamp => match stored {
            DataType::Date64 | DataType::Timestamp(_, _) => Ok(Arc::new(microseconds(array).ok_or_else(fault)?)),
            DataType::Date32 => same_nulls(array, &wanted).ok_or_else(fault),
            _ => Err(fault()),
        },
        Type::Float32 | Type::Float64 => {
            let floats = same_nulls(array, &wanted).ok_or_else(fault)?;
            // A float that reads back as another integer has lost something.
            if stored.is_integer() {
                let back = same_nulls(&floats, stored).ok_or_else(fault)?;
                if back.to_data() != array.to_data() {
                    let equal = arrow::compute::kernels::cmp::eq(&back, array).map_err(|_| fault())?;
                    if equal.false_count() > 0 {
                        return Err(fault());
                    }
                }
            }
            Ok(floats)
        }
        Type::Bool | Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 | Type::Decimal { .. } | Type::Text => {
            same_nulls(array, &wanted).ok_or_else(fault)
        }
    }
}

/// Casts so that what does not fit would become null, and takes the result only if nothing did.
fn same_nulls(array: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let cast = cast_with_options(array, wanted, &options).ok()?;
    (cast.null_count() == array.null_count()).then_some(cast)
}

/// Any timestamp or millisecond date as microseconds; `None` where that would lose something or overflow.
fn microseconds(array: &ArrayRef) -> Option<TimestampMicrosecondArray> {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            array.as_primitive::<TimestampSecondType>().try_unary_opt(|v| v.checked_mul(1_000_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().try_unary_opt(|v| v.checked_mul(1_000))
        }
        DataType::Date64 => array.as_primitive::<Date64Type>().try_unary_opt(|v| v.checked_mul(1_000)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().try_unary_opt(Some)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().try_unary_opt(|v| (v % 1_000 == 0).then_some(v / 1_000))
        }
        _ => None,
    }
}

/// Unary conversion that fails as a whole where one value does not convert.
trait TryUnary {
    type Native;
    fn try_unary_opt<O: arrow::datatypes::ArrowPrimitiveType>(
        &self,
        convert: impl Fn(Self::Native) -> Option<O::Native>,
    ) -> Option<arrow::array::PrimitiveArray<O>>;
}

impl<T: arrow::datatypes::ArrowPrimitiveType> TryUnary for arrow::array::PrimitiveArray<T> {
    type Native = T::Native;
    fn try_unary_opt<O: arrow::datatypes::ArrowPrimitiveType>(
        &self,
        convert: impl Fn(T::Native) -> Option<O::Native>,
    ) -> Option<arrow::array::PrimitiveArray<O>> {
        self.try_unary(|v| convert(v).ok_or_else(|| arrow::error::ArrowError::ComputeError(String::new()))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, TimestampNanosecondArray};

    #[test]
    fn what_fits_converts_and_what_does_not_is_a_fault_without_its_value() {
        let small: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(-7)]));
        assert_eq!(conform(&small, "C", Type::Int8).unwrap().data_type(), &DataType::Int8);
        let large: ArrayRef = Arc::new(Int64Array::from(vec![987_654_321]));
        let fault = conform(&large, "C", Type::Int16).unwrap_err();
        assert!(!fault.to_string().contains("987"));
        assert!(conform(&large, "C", Type::Float32).is_err());
        assert!(conform(&large, "C", Type::Float64).is_ok());
        let midnight: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![86_400_000_000_000]));
        assert_eq!(
            conform(&midnight, "C", Type::Date).unwrap().as_primitive::<arrow::datatypes::Date32Type>().value(0),
            1
        );
        let noon: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![43_200_000_000_000]));
        assert!(conform(&noon, "C", Type::Date).is_err());
        assert!(conform(&noon, "C", Type::Timestamp).is_ok());
    }
}
