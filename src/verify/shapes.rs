//! Whether a coarsened column has the shape of its release. Reckoned from the released values alone.

use super::cells::Cells;
use crate::vocab::{Decimal, Release, Truncate};
use arrow::array::{Array, ArrowPrimitiveType, PrimitiveArray};
use std::cmp::Ordering;

/// What stands in the table for a character that is no digit: its lowest five bits are those of 0.
const NO_DIGIT: u8 = 1 << 5;

/// The digits of Crockford's alphabet in lower case, as a table.
static CROCKFORD: [u8; 256] = {
    let (mut table, alphabet) = ([NO_DIGIT; 256], b"0123456789abcdefghjkmnpqrstvwxyz");
    let mut i = 0_u8;
    while (i as usize) < alphabet.len() {
        table[alphabet[i as usize] as usize] = i;
        i += 1;
    }
    table
};

/// Whether a text is a pseudonym: sixteen characters of Crockford's alphabet.
pub(super) fn is_pseudonym(text: &[u8]) -> bool {
    text.len() == 16 && text.iter().all(|c| CROCKFORD[usize::from(*c)] != NO_DIGIT)
}

/// What a character means as a digit; 0 where it is none.
#[inline]
pub(super) fn digit(character: u8) -> u8 {
    CROCKFORD[usize::from(character)] & 31
}

/// Whether a sample keeps a person: the first 8 of the ten bytes of the pseudonym, as a big-endian integer, are below
/// [`sample_limit`].
pub(super) fn is_sampled(pseudonym: &[u8], limit: u128) -> bool {
    // Sixteen digits of five bits are ten bytes.
    let bits = pseudonym.iter().fold(0_u128, |bits, c| (bits << 5) | u128::from(digit(*c)));
    bits >> 16 < limit
}

/// `share` x 2^64. Exact: a share times a power of two loses nothing; whole numbers below 2^64 are below it if below its
/// ceiling. Nothing is below a share that is no number.
pub(super) fn sample_limit(share: f64) -> u128 {
    let limit = (share * 18_446_744_073_709_551_616.0).ceil();
    format!("{limit:.0}").parse().unwrap_or(0)
}

/// The shape that a text column must have.
#[derive(Debug)]
pub(super) enum TextShape {
    /// Any text.
    Any,
    /// At most so many characters.
    AtMost(usize),
    /// One of these labels.
    OneOf(Vec<String>),
    /// A pseudonym.
    Pseudonym,
}

impl TextShape {
    /// The shape that a release gives.
    pub(super) fn of(release: &Release) -> Self {
        match release {
            Release::Prefix(n) => Self::AtMost(usize::try_from(*n).unwrap_or(usize::MAX)),
            Release::Pseudonymise(_) => Self::Pseudonym,
            Release::Bands(edges) => {
                let texts: Vec<&str> = edges.iter().map(|edge| edge.text.as_str()).collect();
                let mut labels: Vec<String> =
                    texts.windows(2).map(|pair| format!("{}-<{}", pair[0], pair[1])).collect();
                labels.extend(texts.first().map(|first| format!("<{first}")));
                labels.extend(texts.last().map(|last| format!(">={last}")));
                Self::OneOf(labels)
            }
            _ => Self::Any,
        }
    }

    /// Whether a text has it.
    pub(super) fn holds(&self, text: &[u8]) -> bool {
        match self {
            Self::Any => true,
            // Every byte that does not continue a character begins one.
            Self::AtMost(n) => text.len() <= *n || text.iter().filter(|b| **b & 0xc0 != 0x80).count() <= *n,
            Self::OneOf(labels) => labels.iter().any(|label| label.as_bytes() == text),
            Self::Pseudonym => is_pseudonym(text),
        }
    }
}

/// How many cells of a date or number column have not the shape of the release.
pub(super) fn misshapen(cells: &Cells<'_>, release: &Release) -> usize {
    match release {
        Release::Truncate(to) => match cells {
            Cells::Date(array) => count(array, |day| !is_first_day(*to, day)),
            _ => 0,
        },
        Release::Round(step) => round(cells, *step),
        Release::TopCode(limit) => beyond(cells, *limit, Ordering::Greater),
        Release::BottomCode(limit) => beyond(cells, *limit, Ordering::Less),
        _ => 0,
    }
}

/// How many cells, missing ones apart, are wrong.
fn count<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, wrong: impl Fn(T::Native) -> bool) -> usize {
    if array.null_count() == 0 {
        return array.values().iter().filter(|value| wrong(**value)).count();
    }
    array.iter().flatten().filter(|value| wrong(*value)).count()
}

/// Whether a day is the first of its month, quarter or year.
fn is_first_day(of: Truncate, days: i32) -> bool {
    let Some((_, month, day)) = civil(days) else { return false };
    day == 1
        && match of {
            Truncate::Month => true,
            Truncate::Quarter => month % 3 == 1,
            Truncate::Year => month == 1,
        }
}

/// The date of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
fn civil(days: i32) -> Option<(i64, i64, i64)> {
    // Years are taken to begin in March, so that the leap day ends them (Hinnant, `civil_from_days`).
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (1..=12).contains(&month).then_some((year + era * 400 + i64::from(month <= 2), month, day))
}

fn round(cells: &Cells<'_>, step: Decimal) -> usize {
    let step_f64 = step.as_f64();
    if step.unscaled == 0 {
        return 0;
    }
    let float = |value: f64| {
        let nearest = (value / step_f64).round() * step_f64;
        // NaN and the infinities have no multiple; beyond a billion, a double is no longer exact to a billionth.
        value.is_finite() && (value - nearest).abs() > 1e-9_f64.max(value.abs() * 1e-12)
    };
    let whole = |value: i64| match step.as_integer() {
        Some(step) => value.checked_rem(step).is_some_and(|rest| rest != 0),
        None => float(value as f64),
    };
    match cells {
        Cells::Int8(array) => count(array, |v| whole(v.into())),
        Cells::Int16(array) => count(array, |v| whole(v.into())),
        Cells::Int32(array) => count(array, |v| whole(v.into())),
        Cells::Int64(array) => count(array, whole),
        Cells::Float32(array) => count(array, |v| float(v.into())),
        Cells::Float64(array) => count(array, float),
        Cells::Decimal(array, scale) => {
            // On one scale both are whole numbers. A step finer than the column's scale leaves nothing to check.
            let power = |n: u8| 10_i128.checked_pow(u32::from(n));
            let Some(step) = scale.checked_sub(step.scale).and_then(power).and_then(|p| step.unscaled.checked_mul(p))
            else {
                return 0;
            };
            count(array, |v| v.checked_rem(step).is_some_and(|rest| rest != 0))
        }
        _ => 0,
    }
}

/// How many cells lie beyond a limit.
fn beyond(cells: &Cells<'_>, limit: Decimal, side: Ordering) -> usize {
    let whole = |value: i64| limit.compare_scaled(value.into(), 0) == side;
    let limit_f64 = limit.as_f64();
    let float = |value: f64| value.partial_cmp(&limit_f64) == Some(side);
    match cells {
        Cells::Int8(array) => count(array, |v| whole(v.into())),
        Cells::Int16(array) => count(array, |v| whole(v.into())),
        Cells::Int32(array) => count(array, |v| whole(v.into())),
        Cells::Int64(array) => count(array, whole),
        Cells::Float32(array) => count(array, |v| float(v.into())),
        Cells::Float64(array) => count(array, float),
        // A limit finer than the column's scale is met by its neighbour on either side.
        Cells::Decimal(array, scale) if limit.scale <= *scale => {
            count(array, |v| limit.compare_scaled(v, *scale) == side)
        }
        Cells::Decimal(array, scale) => {
            count(array, |v| limit.compare_scaled(if side.is_gt() { v - 1 } else { v + 1 }, *scale) == side)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::{Edge, Kind};
    use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array};
    use std::sync::Arc;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    fn wrong(array: &ArrayRef, release: &Release) -> usize {
        misshapen(&Cells::of(array).unwrap(), release)
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let first = jiff::civil::date(1900, 1, 1);
        for days in (-25_567..80_000).step_by(37) {
            let date = first.checked_add(jiff::Span::new().days(days + 25_567)).unwrap();
            assert_eq!(civil(days), Some((date.year().into(), date.month().into(), date.day().into())));
        }
        assert!(civil(i32::MIN).is_some() && civil(i32::MAX).is_some());
    }

    #[test]
    fn truncated_dates() {
        let days =
            || Arc::new(Date32Array::from(vec![Some(0), Some(31), Some(90), Some(365), Some(5), None])) as ArrayRef;
        // 1970-01-01, 02-01, 04-01, 1971-01-01, 1970-01-06
        assert_eq!(wrong(&days(), &Release::Truncate(Truncate::Month)), 1);
        assert_eq!(wrong(&days(), &Release::Truncate(Truncate::Quarter)), 2);
        assert_eq!(wrong(&days(), &Release::Truncate(Truncate::Year)), 3);
    }

    #[test]
    fn rounded_and_coded_numbers() {
        let floats =
            || Arc::new(Float64Array::from(vec![0.3, 0.15000000000000002, 0.31, 1e12 + 0.05, f64::NAN])) as ArrayRef;
        assert_eq!(wrong(&floats(), &Release::Round(number("0.05"))), 1);
        let ints = || Arc::new(Int32Array::from(vec![Some(10), Some(-15), Some(12), None])) as ArrayRef;
        assert_eq!(wrong(&ints(), &Release::Round(number("5"))), 1);
        assert_eq!(wrong(&ints(), &Release::TopCode(number("11"))), 1);
        assert_eq!(wrong(&ints(), &Release::BottomCode(number("-14"))), 1);
        let decimals = Decimal128Array::from(vec![125, 130, 131]).with_precision_and_scale(5, 2).unwrap();
        let decimals = Arc::new(decimals) as ArrayRef;
        assert_eq!(wrong(&decimals, &Release::Round(number("0.05"))), 1);
        assert_eq!(wrong(&decimals, &Release::TopCode(number("1.3"))), 1);
        assert_eq!(wrong(&decimals, &Release::TopCode(number("1.305"))), 0);
    }

    #[test]
    fn samples_are_drawn_by_the_first_eight_bytes() {
        for (pseudonym, share, kept) in [
            ("fzzzzzzzzzzzzzzz", 0.5, true),
            ("g000000000000000", 0.5, false),
            ("7zzzzzzzzzzzzzzz", 0.25, true),
            ("8000000000000000", 0.25, false),
            ("0000000000000000", 0.0, false),
            ("zzzzzzzzzzzzzzzz", 1.0, true),
            // Only what is behind the 64th bit differs.
            ("fzzzzzzzzzzz0000", 0.5, true),
        ] {
            assert_eq!(is_sampled(pseudonym.as_bytes(), sample_limit(share)), kept, "{pseudonym} {share}");
        }
    }

    #[test]
    fn texts() {
        let edges = ["10", "20.5"].map(|text| Edge::parse(text).unwrap()).to_vec();
        let bands = TextShape::of(&Release::Bands(edges));
        for label in ["<10", "10-<20.5", ">=20.5"] {
            assert!(bands.holds(label.as_bytes()), "{label}");
        }
        assert!(!bands.holds(b"10") && !bands.holds(b""));
        let prefix = TextShape::of(&Release::Prefix(2));
        assert!(prefix.holds("éé".as_bytes()) && !prefix.holds(b"abc"));
        let pseudonym = TextShape::of(&Release::Pseudonymise(Kind::new("urn").unwrap()));
        assert!(
            pseudonym.holds(b"3g80mycebt866x5a") && !pseudonym.holds(b"3g80mycebt866x5i") && !pseudonym.holds(b"3g8")
        );
    }
}
