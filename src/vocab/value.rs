//! Types of variables, and the values that a spec may name.

use serde::{Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;

/// The type of a variable, as the catalogue writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the types")]
pub enum Type {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Decimal { precision: u8, scale: i8 },
    Text,
    Date,
    Timestamp,
}

impl Type {
    /// Reads `bool int8 int16 int32 int64 float32 float64 decimal(p,s) string date timestamp`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "bool" => Self::Bool,
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float32" => Self::Float32,
            "float64" => Self::Float64,
            "string" => Self::Text,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            _ => {
                let (p, s) = text.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
                let (precision, scale): (u8, i8) = (p.trim().parse().ok()?, s.trim().parse().ok()?);
                let fits = (1..=38).contains(&precision) && scale >= 0 && i16::from(scale) <= i16::from(precision);
                return fits.then_some(Self::Decimal { precision, scale });
            }
        })
    }

    /// Whether it is one of the integer types.
    #[must_use]
    pub fn is_integer(self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }

    /// Whether a number is a value of the type, exactly for integers and decimals. Never for types that are no numbers.
    #[must_use]
    pub fn holds(self, number: Decimal) -> bool {
        let whole = |low: i64, high: i64| number.as_integer().is_some_and(|n| (low..=high).contains(&n));
        match self {
            Self::Int8 => whole(i8::MIN.into(), i8::MAX.into()),
            Self::Int16 => whole(i16::MIN.into(), i16::MAX.into()),
            Self::Int32 => whole(i32::MIN.into(), i32::MAX.into()),
            Self::Int64 => whole(i64::MIN, i64::MAX),
            Self::Float32 | Self::Float64 => true,
            Self::Decimal { precision, scale } => {
                let spare = i16::from(scale) - i16::from(number.scale);
                let digits = number.unscaled.unsigned_abs().checked_ilog10().map_or(0, |n| n + 1);
                spare >= 0 && i64::from(digits) + i64::from(spare) <= i64::from(precision) || number.unscaled == 0
            }
            Self::Bool | Self::Text | Self::Date | Self::Timestamp => false,
        }
    }

    /// Whether it counts or measures: integers, floats, decimals.
    #[must_use]
    pub fn is_number(self) -> bool {
        self.is_integer() || matches!(self, Self::Float32 | Self::Float64 | Self::Decimal { .. })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int8 => f.write_str("int8"),
            Self::Int16 => f.write_str("int16"),
            Self::Int32 => f.write_str("int32"),
            Self::Int64 => f.write_str("int64"),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Text => f.write_str("string"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
        }
    }
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// An exact decimal number: `unscaled / 10^scale`, in lowest terms (no trailing zero in `unscaled` while `scale > 0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits.
    pub unscaled: i128,
    /// How many of them stand behind the point, 0 to 38.
    pub scale: u8,
}

impl Decimal {
    /// Reads `-12.50`, `3`, `.5`, `1e-3`. `None` if it is no number or needs more than 38 digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let mut unscaled: i128 = 0;
        for b in whole.bytes().chain(fraction.bytes()) {
            unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(b - b'0'))?;
        }
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        while scale < 0 && unscaled != 0 {
            unscaled = unscaled.checked_mul(10)?;
            scale += 1;
        }
        if unscaled == 0 {
            scale = 0;
        }
        while scale > 0 && unscaled % 10 == 0 {
            unscaled /= 10;
            scale -= 1;
        }
        if negative {
            unscaled = -unscaled;
        }
        let scale = u8::try_from(scale).ok().filter(|s| *s <= 38)?;
        Some(Self { unscaled, scale })
    }

    /// The whole number, where it is one that fits.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        (self.scale == 0).then(|| i64::try_from(self.unscaled).ok())?
    }

    /// The nearest double.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// Compares `unscaled / 10^scale` with this number, exactly.
    #[must_use]
    pub fn compare_scaled(self, unscaled: i128, scale: u8) -> Ordering {
        // Compare whole parts first, so that bringing both to one scale cannot overflow where it matters.
        let split = |v: i128, s: u8| -> (i128, i128) {
            let p = 10_i128.checked_pow(u32::from(s)).unwrap_or(i128::MAX);
            (v.div_euclid(p), v.rem_euclid(p))
        };
        let (aw, af) = split(unscaled, scale);
        let (bw, bf) = split(self.unscaled, self.scale);
        aw.cmp(&bw).then_with(|| {
            let top = scale.max(self.scale);
            let up = |v: i128, s: u8| v.saturating_mul(10_i128.checked_pow(u32::from(top - s)).unwrap_or(i128::MAX));
            up(af, scale).cmp(&up(bf, self.scale))
        })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(f, "{}", self.unscaled);
        }
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = self.unscaled.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// A value that a spec names in a condition, already of the variable's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// For `bool`.
    Bool(bool),
    /// For the integer types.
    Int(i64),
    /// For `float32` and `float64`: compared as doubles.
    Float(f64),
    /// For `decimal(p,s)`: compared exactly.
    Decimal(Decimal),
    /// For `string`: compared byte by byte.
    Text(String),
    /// For `date` and `timestamp`: days since 1970-01-01; a timestamp is compared by its day.
    Date(i32),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(v) => write!(f, "{v}"),
            Self::Int(v) => write!(f, "{v}"),
            Self::Float(v) => write!(f, "{v}"),
            Self::Decimal(v) => write!(f, "{v}"),
            Self::Text(v) => write!(f, "{v:?}"),
            Self::Date(days) => match jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(*days)) {
                Ok(date) => write!(f, "{date}"),
                Err(_) => write!(f, "day {days}"),
            },
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(v) => s.serialize_bool(*v),
            Self::Int(v) => s.serialize_i64(*v),
            Self::Float(v) => s.serialize_f64(*v),
            Self::Text(v) => s.serialize_str(v),
            Self::Decimal(_) | Self::Date(_) => s.collect_str(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, shown) in
            [("1.50", "1.5"), ("-0.05", "-0.05"), ("1e3", "1000"), ("0.0", "0"), (".5", "0.5"), ("12e-1", "1.2")]
        {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), shown);
        }
        for bad in ["", ".", "x", "1.2.3", "--1", "1e", "0x1"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
        let half = Decimal::parse("0.5").unwrap();
        assert_eq!(half.compare_scaled(50, 2), Ordering::Equal);
        assert_eq!(half.compare_scaled(-50, 2), Ordering::Less);
        assert_eq!(half.compare_scaled(1, 0), Ordering::Greater);
    }

    #[test]
    fn types_read_back() {
        for text in [
            "bool",
            "int8",
            "int16",
            "int32",
            "int64",
            "float32",
            "float64",
            "decimal(10,2)",
            "string",
            "date",
            "timestamp",
        ] {
            assert_eq!(Type::parse(text).unwrap().to_string(), text);
        }
        for bad in ["text", "decimal(0,0)", "decimal(39,1)", "decimal(3,4)", "Int8"] {
            assert!(Type::parse(bad).is_none(), "{bad}");
        }
    }
}
