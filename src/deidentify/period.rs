//! Periods of rows: the year in a column, and whether a spell counts in the years asked for.

use crate::vocab::{Calendar, Encoding, Spells, Year, Years};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int16Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};

/// The start year of each row; null where it cannot be read. `None` for a type that holds no year.
pub(super) fn years(array: &ArrayRef, encoding: Encoding) -> Option<Int16Array> {
    match array.data_type() {
        DataType::Utf8View => {
            let array = array.as_string_view();
            // The same few texts repeat: the last one read is remembered.
            let mut last: (&str, Option<Year>) = ("", None);
            Some(
                array
                    .iter()
                    .map(|text| {
                        let text = text?;
                        if text != last.0 {
                            last = (text, encoding.read(text));
                        }
                        last.1.map(|y| y.0)
                    })
                    .collect(),
            )
        }
        DataType::BinaryView => {
            let texts = cast(array, &DataType::Utf8View).ok()?;
            years(&texts, encoding)
        }
        DataType::Null => Some(Int16Array::new_null(array.len())),
        _ => {
            let integers = cast(array, &DataType::Int64).ok()?;
            let integers = integers.as_primitive::<Int64Type>();
            Some(integers.iter().map(|v| encoding.read_integer(v?).map(|y| y.0)).collect())
        }
    }
}

/// Days since 1970-01-01 of a civil date (proleptic Gregorian).
pub(super) fn days(year: i32, month: i32, day: i32) -> i32 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of days since 1970-01-01.
pub(super) fn civil(days: i32) -> (i32, i32, i32) {
    let z = i64::from(days) + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z - era * 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |v: i64| i32::try_from(v).unwrap_or(0);
    (small(year), small(month), small(day))
}

/// First and last day of a year.
fn bounds(year: Year, calendar: Calendar) -> (i32, i32) {
    let (month, day) = calendar.starts();
    let first = |y: i32| days(y, month.into(), day.into());
    (first(year.0.into()), first(i32::from(year.0) + 1) - 1)
}

/// Whether spells count in years.
#[derive(Debug)]
pub(super) struct SpellTest {
    years: Vec<(i32, i32)>,
    runs: Vec<(i32, i32)>,
    mode: Spells,
}

impl SpellTest {
    pub(super) fn new(years: &Years, mode: Spells, calendar: Calendar) -> Self {
        let years: Vec<(i32, i32)> = years.iter().map(|y| bounds(y, calendar)).collect();
        let mut runs: Vec<(i32, i32)> = Vec::new();
        for (first, last) in &years {
            match runs.last_mut() {
                Some(run) if run.1 + 1 == *first => run.1 = *last,
                _ => runs.push((*first, *last)),
            }
        }
        Self { years, runs, mode }
    }

    /// True where a spell counts; null where it has no start. No end is open.
    pub(super) fn column(&self, starts: &Date32Array, ends: &Date32Array) -> BooleanArray {
        (0..starts.len())
            .map(|row| {
                if starts.is_null(row) {
                    return None;
                }
                let start = starts.value(row);
                let end = if ends.is_null(row) { i32::MAX } else { ends.value(row) };
                Some(self.counts(start, end))
            })
            .collect()
    }

    fn counts(&self, start: i32, end: i32) -> bool {
        match self.mode {
            Spells::Starting => self.runs.iter().any(|(first, last)| start >= *first && start <= *last),
            Spells::Overlapping => {
                // A spell that ends before it starts overlaps only a year that both of its ends allow.
                let spans = if start <= end { &self.runs } else { &self.years };
                spans.iter().any(|(first, last)| start <= *last && end >= *first)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_civil_agree_with_a_calendar_library() {
        let epoch = jiff::civil::date(1970, 1, 1);
        for day in (-150_000..150_000).step_by(37).chain([0, 59, 60, -1, 11_016]) {
            let date = epoch.checked_add(jiff::Span::new().days(day)).unwrap();
            let expected = (i32::from(date.year()), i32::from(date.month()), i32::from(date.day()));
            assert_eq!(civil(day), expected);
            assert_eq!(days(expected.0, expected.1, expected.2), day);
        }
    }

    #[test]
    fn a_tax_year_runs_from_the_sixth_of_april_to_the_fifth() {
        let test = SpellTest::new(&Years::parse("2010/2011").unwrap(), Spells::Overlapping, Calendar::TaxYear);
        let (first, last) = (days(2010, 4, 6), days(2011, 4, 5));
        for (start, end, counts) in [
            (first - 10, first - 1, false),
            (first - 10, first, true),
            (last, last + 9, true),
            (last + 1, i32::MAX, false),
            (first - 400, i32::MAX, true),
            (first + 5, first + 2, true),
        ] {
            assert_eq!(test.counts(start, end), counts, "{start} {end}");
        }
        let starting = SpellTest::new(&Years::parse("2010/2011").unwrap(), Spells::Starting, Calendar::TaxYear);
        assert!(!starting.counts(first - 1, last));
        assert!(starting.counts(first, first));
    }

    #[test]
    fn an_inverted_spell_needs_one_year_that_both_ends_allow() {
        let years = Years::parse("2010/2011..2012/2013").unwrap();
        let test = SpellTest::new(&years, Spells::Overlapping, Calendar::TaxYear);
        assert!(!test.counts(days(2012, 6, 1), days(2010, 6, 1)));
        assert!(test.counts(days(2011, 8, 1), days(2011, 6, 1)));
    }
}
