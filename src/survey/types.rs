//! Which stored types convert to a catalogue type without loss. From the footer where that tells, else by value.

use crate::vocab::Type;
use arrow::datatypes::DataType;

/// How a stored column becomes a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// Every value converts.
    Always,
    /// Each value is checked; one that would lose something is a finding.
    Checked,
    /// It can never be trusted to convert.
    Never,
}

/// Whether a stored type converts to the catalogue's type without loss.
#[must_use]
pub fn conversion(stored: &DataType, wanted: Type) -> Conversion {
    use Conversion::{Always, Checked, Never};
    let width = |t: &DataType| match t {
        DataType::Int8 => Some((8, true)),
        DataType::Int16 => Some((16, true)),
        DataType::Int32 => Some((32, true)),
        DataType::Int64 => Some((64, true)),
        DataType::UInt8 => Some((8, false)),
        DataType::UInt16 => Some((16, false)),
        DataType::UInt32 => Some((32, false)),
        DataType::UInt64 => Some((64, false)),
        _ => None,
    };
    let fits = |bits: u32| match width(stored) {
        Some((have, true)) if have <= bits => Always,
        Some((have, false)) if have < bits => Always,
        Some(_) => Checked,
        None if matches!(
            stored,
            DataType::Decimal128(_, 0) | DataType::Decimal32(_, 0) | DataType::Decimal64(_, 0)
        ) =>
        {
            Checked
        }
        None => Never,
    };
    if *stored == DataType::Null {
        return Always;
    }
    match wanted {
        Type::Bool => {
            if *stored == DataType::Boolean {
                Always
            } else {
                Never
            }
        }
        Type::Int8 => fits(8),
        Type::Int16 => fits(16),
        Type::Int32 => fits(32),
        Type::Int64 => fits(64),
        Type::Float32 => match stored {
            DataType::Float32 | DataType::Float16 => Always,
            _ => match width(stored) {
                Some((have, _)) if have <= 16 => Always,
                Some(_) => Checked,
                None => Never,
            },
        },
        Type::Float64 => match stored {
            DataType::Float64 | DataType::Float32 | DataType::Float16 => Always,
            _ => match width(stored) {
                Some((have, _)) if have <= 32 => Always,
                Some(_) => Checked,
                None => Never,
            },
        },
        Type::Decimal { precision, scale } => match stored {
            DataType::Decimal128(p, s) | DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => {
                if *s > scale {
                    Never
                } else if i16::from(*p) - i16::from(*s) <= i16::from(precision) - i16::from(scale) {
                    Always
                } else {
                    Checked
                }
            }
            _ if width(stored).is_some() => Checked,
            _ => Never,
        },
        Type::Text => match stored {
            DataType::Utf8View => Always,
            DataType::BinaryView => Checked,
            _ => Never,
        },
        Type::Date => match stored {
            DataType::Date32 => Always,
            DataType::Date64 | DataType::Timestamp(_, _) => Checked,
            _ => Never,
        },
        Type::Timestamp => match stored {
            DataType::Date32 => Always,
            DataType::Date64 | DataType::Timestamp(_, _) => Checked,
            _ => Never,
        },
    }
}
