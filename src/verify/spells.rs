//! Spells, re-checked on released dates: one that does not lie in the years asked for should not be there.

use super::cells::Cells;
use super::expected::Dates;
use crate::catalogue::Period;
use crate::spec::Selection;
use crate::vocab::{Calendar, Spells, Year};

/// First and last days of the years asked for, in days since 1970-01-01.
pub(super) struct Years {
    spans: Vec<(i32, i32)>,
    /// The same, those that follow each other as one.
    merged: Vec<(i32, i32)>,
    starting: bool,
}

impl Years {
    /// The years of a selection of a spell element. `None` where the element has no spells.
    pub(super) fn of(period: &Period, rows: &Selection) -> Option<Self> {
        let Period::Spell { calendar, .. } = period else { return None };
        let spans = rows.years.iter().map(|year| span(year, *calendar)).collect();
        Some(Self::new(spans, rows.spells == Spells::Starting))
    }

    fn new(spans: Vec<(i32, i32)>, starting: bool) -> Self {
        let mut merged: Vec<(i32, i32)> = Vec::new();
        for (from, to) in &spans {
            match merged.last_mut() {
                Some((_, end)) if end.checked_add(1) == Some(*from) => *end = *to,
                _ => merged.push((*from, *to)),
            }
        }
        Self { spans, merged, starting }
    }

    /// How many rows, of those that `look` says to look at, cannot be in the years. A date that is not released may be
    /// any; a truncated one any of its month, quarter or year; a missing start is in no year; a missing end is open.
    pub(super) fn outside(
        &self,
        dates: (Option<Dates>, Option<Dates>),
        cells: &[Cells<'_>],
        rows: usize,
        look: impl Fn(usize) -> bool,
    ) -> u64 {
        (0..rows).filter(|row| look(*row) && self.is_outside(dates, cells, *row)).count() as u64
    }

    /// Whether one row cannot be in the years.
    pub(super) fn is_outside(&self, dates: (Option<Dates>, Option<Dates>), cells: &[Cells<'_>], row: usize) -> bool {
        let day = |of: Dates| cells.get(of.column).and_then(|cells| cells.day(row));
        // The earliest and the latest day on which the spell may have begun.
        let first = match dates.0 {
            None => None,
            Some(of) => match day(of) {
                None => return true,
                Some(day) => Some((day, day.saturating_add(of.slack))),
            },
        };
        let last = dates.1.and_then(|of| day(of).map(|day| day.saturating_add(of.slack)));
        // What has an order touches one of some years if it touches all of them together.
        let forward = self.starting || first.is_none_or(|(early, _)| last.is_none_or(|last| early <= last));
        !(if forward { &self.merged } else { &self.spans }).iter().any(|(from, to)| {
            let begins = first.is_none_or(|(early, late)| early <= *to && (!self.starting || late >= *from));
            let lasts = self.starting || last.is_none_or(|last| last >= *from);
            begins && lasts
        })
    }
}

/// The first and the last day of a year.
fn span(year: Year, calendar: Calendar) -> (i32, i32) {
    let (month, day) = calendar.starts();
    let first = |year: i16| days(year, month, day);
    (first(year.0), first(year.0.saturating_add(1)).saturating_sub(1))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
fn days(year: i16, month: i8, day: i8) -> i32 {
    let (year, month) = (i32::from(year), i32::from(month));
    // Years are taken to begin in March, so that the leap day ends them.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5 + i32::from(day) - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Date32Array};
    use std::sync::Arc;

    #[test]
    fn years_begin_where_the_calendar_says() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        let (first, last) = span(Year(2012), Calendar::TaxYear);
        assert_eq!((first, last), (days(2012, 4, 6), days(2013, 4, 5)));
        let (first, last) = span(Year(2011), Calendar::AcademicYear);
        assert_eq!((last - first + 1, first), (366, days(2011, 9, 1)));
    }

    #[test]
    fn a_spell_outside_the_years_is_seen() {
        let years = |starting| Years::new(vec![(100, 199)], starting);
        let starts: ArrayRef = Arc::new(Date32Array::from(vec![Some(50), Some(150), Some(200), None, Some(50)]));
        let ends: ArrayRef = Arc::new(Date32Array::from(vec![Some(99), Some(160), None, None, None]));
        let cells = [Cells::of(&starts).unwrap(), Cells::of(&ends).unwrap()];
        let (start, end) = (Some(Dates { column: 0, slack: 0 }), Some(Dates { column: 1, slack: 0 }));
        assert_eq!(years(false).outside((start, end), &cells, 5, |_| true), 3);
        assert_eq!(years(true).outside((start, end), &cells, 5, |_| true), 4);
        assert_eq!(years(false).outside((None, end), &cells, 5, |_| true), 1);
        assert_eq!(years(false).outside((start, None), &cells, 5, |_| true), 2);
        assert_eq!(years(true).outside((start, None), &cells, 5, |row| row == 1), 0);
        // A start of 50 that may be as late as 80 is outside still, one of as late as 100 is not.
        for (slack, outside) in [(30, 4), (50, 2)] {
            let start = Some(Dates { column: 0, slack });
            assert_eq!(years(true).outside((start, end), &cells, 5, |_| true), outside);
        }
    }
}
