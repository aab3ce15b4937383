//! Releases on conformed columns: truncate, prefix, round, top and bottom codes, bands. Missing stays missing.

use super::period::{civil, days};
use crate::vocab::{Decimal, Edge, Release, Truncate, Type};
use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringViewArray,
    StringViewBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use std::cmp::Ordering;
use std::sync::Arc;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// Coarsens a conformed column of type `kind`. `None` where a rounded value does not fit, or by a fault of ours.
/// Pseudonyms are made elsewhere, below the key.
pub(super) fn coarsen(array: &ArrayRef, release: &Release, kind: Type) -> Option<ArrayRef> {
    match release {
        Release::AsIs => Some(Arc::clone(array)),
        Release::Never | Release::Pseudonymise(_) => None,
        Release::Truncate(to) => truncate(array, *to),
        Release::Prefix(n) => prefix(array, usize::try_from(*n).ok()?),
        Release::Round(_) | Release::TopCode(_) | Release::BottomCode(_) => numbers(array, release, kind),
        Release::Bands(edges) => bands(array, edges),
    }
}

fn truncate(array: &ArrayRef, to: Truncate) -> Option<ArrayRef> {
    let first = |day: i32| {
        let (year, month, _) = civil(day);
        match to {
            Truncate::Month => days(year, month, 1),
            Truncate::Quarter => days(year, (month - 1) / 3 * 3 + 1, 1),
            Truncate::Year => days(year, 1, 1),
        }
    };
    let dates: Date32Array = match array.data_type() {
        DataType::Date32 => array.as_primitive::<Date32Type>().unary(first),
        DataType::Timestamp(_, _) => array
            .as_primitive::<TimestampMicrosecondType>()
            .unary(|v| first(i32::try_from(v.div_euclid(MICROSECONDS_A_DAY)).unwrap_or(i32::MAX))),
        _ => return None,
    };
    Some(Arc::new(dates))
}

fn prefix(array: &ArrayRef, characters: usize) -> Option<ArrayRef> {
    let texts = array.as_string_view_opt()?;
    if texts.null_count() == texts.len() {
        return Some(Arc::clone(array));
    }
    let cut = |text: &str| text.char_indices().nth(characters).map_or(text.len(), |(end, _)| end);
    let mut builder = StringViewBuilder::with_capacity(texts.len());
    for text in texts {
        builder.append_option(text.map(|t| t.get(..cut(t)).unwrap_or(t)));
    }
    Some(Arc::new(builder.finish()))
}

/// Round, top and bottom codes. Integers are reckoned as integers, floats as doubles, decimals exactly.
fn numbers(array: &ArrayRef, release: &Release, kind: Type) -> Option<ArrayRef> {
    if kind.is_integer() {
        let wide = cast(array, &DataType::Int64).ok()?;
        let wide = wide.as_primitive::<Int64Type>();
        let done: Int64Array = match release {
            Release::Round(n) => {
                let n = i128::from(n.as_integer()?);
                wide.try_unary(|v| i64::try_from(round_ratio(i128::from(v), n) * n).map_err(|_| overflow())).ok()?
            }
            Release::TopCode(n) => {
                let n = n.as_integer()?;
                wide.unary(|v| v.min(n))
            }
            Release::BottomCode(n) => {
                let n = n.as_integer()?;
                wide.unary(|v| v.max(n))
            }
            _ => return None,
        };
        let delivered = super::conform::arrow_type(release.released_type(kind));
        let done: ArrayRef = Arc::new(done);
        let narrow = cast(&done, &delivered).ok()?;
        return (narrow.null_count() == done.null_count()).then_some(narrow);
    }
    match array.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let wide = cast(array, &DataType::Float64).ok()?;
            let wide = wide.as_primitive::<Float64Type>();
            let done: Float64Array = match release {
                Release::Round(n) => wide.unary(|v| round_float(v, *n)),
                Release::TopCode(n) => {
                    let n = n.as_f64();
                    wide.unary(|v| if n < v { n } else { v })
                }
                Release::BottomCode(n) => {
                    let n = n.as_f64();
                    wide.unary(|v| if n > v { n } else { v })
                }
                _ => return None,
            };
            Some(Arc::new(done))
        }
        DataType::Decimal128(_, scale) => {
            let unit = u8::try_from(*scale).ok()?;
            let Type::Decimal { precision, scale } = release.released_type(kind) else { return None };
            let values = array.as_primitive::<Decimal128Type>();
            let done: Decimal128Array = match release {
                Release::Round(n) => values
                    .try_unary(|v| {
                        // v / 10^unit to the nearest n = b / 10^t, shown with `unit` places again.
                        let up = 10_i128.checked_pow(u32::from(unit.checked_sub(n.scale).ok_or_else(overflow)?));
                        let step = up.and_then(|up| n.unscaled.checked_mul(up)).ok_or_else(overflow)?;
                        round_ratio(v, step).checked_mul(step).ok_or_else(overflow)
                    })
                    .ok()?,
                Release::TopCode(n) => {
                    let top = scaled(*n, unit)?;
                    values.unary(|v| if n.compare_scaled(v, unit) == Ordering::Greater { top } else { v })
                }
                Release::BottomCode(n) => {
                    let bottom = scaled(*n, unit)?;
                    values.unary(|v| if n.compare_scaled(v, unit) == Ordering::Less { bottom } else { v })
                }
                _ => return None,
            };
            Some(Arc::new(done.with_precision_and_scale(precision, scale).ok()?))
        }
        _ => None,
    }
}

fn overflow() -> arrow::error::ArrowError {
    arrow::error::ArrowError::ComputeError(String::new())
}

/// `n` in units of `10^-places`; `None` where it needs more places.
fn scaled(n: Decimal, places: u8) -> Option<i128> {
    10_i128.checked_pow(u32::from(places.checked_sub(n.scale)?))?.checked_mul(n.unscaled)
}

/// `a / b` to the nearest whole number, halves away from zero.
fn round_ratio(a: i128, b: i128) -> i128 {
    if b == 0 {
        return 0;
    }
    let (quotient, rest) = (a / b, a % b);
    let up = rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs();
    if up { quotient + if (a < 0) == (b < 0) { 1 } else { -1 } } else { quotient }
}

/// The nearest multiple of `n`, halves away from zero, reckoned in decimal on the value's shortest text.
fn round_float(value: f64, n: Decimal) -> f64 {
    if !value.is_finite() {
        return value;
    }
    if value.abs() * 4.0 < n.as_f64().abs() {
        return 0.0;
    }
    let rounded = || {
        let exact = Decimal::parse(&format!("{value:?}"))?;
        let places = exact.scale.max(n.scale);
        let step = scaled(n, places)?;
        let multiples = round_ratio(scaled(exact, places)?, step);
        let unscaled = multiples.checked_mul(n.unscaled)?;
        // The digits and the exponent as text: the nearest double is then the reader's work, and exact.
        format!("{unscaled}e-{}", n.scale).parse().ok()
    };
    // A double too large for exact decimals is a multiple already, as far as a double can tell.
    rounded().unwrap_or(value)
}

fn bands(array: &ArrayRef, edges: &[Edge]) -> Option<ArrayRef> {
    let mut labels = Vec::with_capacity(edges.len() + 1);
    labels.push(format!("<{}", edges.first()?.text));
    labels.extend(edges.windows(2).map(|pair| format!("{}-<{}", pair[0].text, pair[1].text)));
    labels.push(format!(">={}", edges.last()?.text));
    // The band is the number of edges at or below the value.
    let labelled = |band: Option<usize>| band.and_then(|b| labels.get(b)).map(String::as_str);
    let column: StringViewArray = match array.data_type() {
        DataType::Float32 | DataType::Float64 => {
            let wide = cast(array, &DataType::Float64).ok()?;
            let values: Vec<f64> = edges.iter().map(|e| e.value.as_f64()).collect();
            let band = |v: f64| {
                if v.is_nan() { edges.len() } else { values.iter().take_while(|edge| v >= **edge).count() }
            };
            wide.as_primitive::<Float64Type>().iter().map(|v| labelled(v.map(band))).collect()
        }
        DataType::Decimal128(_, scale) => {
            let scale = u8::try_from(*scale).ok()?;
            let band =
                |v: i128| edges.iter().take_while(|e| e.value.compare_scaled(v, scale) != Ordering::Less).count();
            array.as_primitive::<Decimal128Type>().iter().map(|v| labelled(v.map(band))).collect()
        }
        _ => {
            let wide = cast(array, &DataType::Int64).ok()?;
            let band = |v: i64| {
                edges.iter().take_while(|e| e.value.compare_scaled(i128::from(v), 0) != Ordering::Less).count()
            };
            wide.as_primitive::<Int64Type>().iter().map(|v| labelled(v.map(band))).collect()
        }
    };
    Some(Arc::new(column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int8Array;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn rounding_is_decimal_and_halves_go_away_from_zero() {
        for (value, n, expected) in [
            (0.025, "0.05", 0.05),
            (-0.025, "0.05", -0.05),
            (0.3, "0.1", 0.3),
            (2.5, "1", 3.0),
            (-2.5, "1", -3.0),
            (1e-9, "0.05", 0.0),
            (1234.5, "100", 1200.0),
            (1250.0, "100", 1300.0),
            (1e300, "100", 1e300),
        ] {
            assert_eq!(round_float(value, number(n)), expected, "{value} to {n}");
        }
        assert!(round_float(f64::NAN, number("1")).is_nan());
        let small: ArrayRef = Arc::new(Int8Array::from(vec![Some(127), None, Some(-125)]));
        let rounded = coarsen(&small, &Release::Round(number("10")), Type::Int8).unwrap();
        assert_eq!(rounded.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(130), None, Some(-130)]);
    }

    #[test]
    fn bands_prefixes_and_truncation() {
        let ages: ArrayRef = Arc::new(Int8Array::from(vec![Some(9), Some(10), Some(19), Some(20), None]));
        let edges = vec![Edge::parse("10").unwrap(), Edge::parse("20").unwrap()];
        let banded = coarsen(&ages, &Release::Bands(edges), Type::Int8).unwrap();
        let texts: Vec<_> = banded.as_string_view().iter().collect();
        assert_eq!(texts, [Some("<10"), Some("10-<20"), Some("10-<20"), Some(">=20"), None]);
        let names: ArrayRef = Arc::new(StringViewArray::from(vec!["E01000001", "éàü"]));
        let cut = coarsen(&names, &Release::Prefix(2), Type::Text).unwrap();
        assert_eq!(cut.as_string_view().iter().flatten().collect::<Vec<_>>(), ["E0", "éà"]);
        let born: ArrayRef = Arc::new(Date32Array::from(vec![days(1994, 11, 30)]));
        for (to, expected) in [(Truncate::Month, (11, 1)), (Truncate::Quarter, (10, 1)), (Truncate::Year, (1, 1))] {
            let cut = coarsen(&born, &Release::Truncate(to), Type::Date).unwrap();
            assert_eq!(cut.as_primitive::<Date32Type>().value(0), days(1994, expected.0, expected.1));
        }
    }
}
