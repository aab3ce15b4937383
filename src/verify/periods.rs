//! Years and terms: every row is of an approved one, and no variable has a value in a year that did not collect it.

use super::cells::Cells;
use super::expected::{Role, Table};
use super::rows::tells;
use crate::catalogue::Period;
use crate::vocab::{Encoding, Slice, Year};
use arrow::array::Array;

/// The periods of a table, ready to be compared with cells.
pub(super) struct Periods {
    year: Option<usize>,
    term: Option<usize>,
    allowed: Vec<(Slice, u128, u128)>,
    /// For each column, the allowed periods in which it must be missing (an index into `allowed`), or all rows.
    uncollected: Vec<Uncollected>,
    /// Columns that release the column in which the year stands, and how it writes years.
    released: Vec<(usize, Encoding)>,
    /// For each row of the last batch, the index of its period; past the end where it is not allowed.
    rows: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Uncollected {
    Never,
    Always,
    In(Vec<bool>),
}

impl Periods {
    /// The periods of a table.
    pub(super) fn of(table: &Table<'_>) -> Self {
        let place = |wanted: fn(&Role<'_>) -> bool| table.columns.iter().position(|column| wanted(&column.role));
        let allowed = table.periods.iter().map(|slice| {
            let term = slice.term.map_or(0, |term| view(term.as_str()));
            (*slice, view(&slice.year.to_string()), term)
        });
        let mut released = Vec::new();
        let mut uncollected = vec![Uncollected::Never; table.columns.len()];
        for part in &table.parts {
            for (index, variable, release) in &part.columns {
                match &part.element.period {
                    Period::Column { column, encoding, .. }
                        if !part.joined
                            && variable.name.eq_ignore_ascii_case(column)
                            && tells(variable.kind, release) =>
                    {
                        released.push((*index, *encoding));
                    }
                    _ => {}
                }
                let years: Vec<Year> = if part.joined {
                    part.rows.years.iter().collect()
                } else {
                    table.periods.iter().map(|slice| slice.year).collect()
                };
                let missing: Vec<bool> = years.iter().map(|year| !variable.collected_in(Some(*year))).collect();
                let by_year = part.element.period.year_kind().is_some();
                uncollected[*index] = match (missing.iter().all(|m| *m), missing.iter().any(|m| *m)) {
                    _ if !by_year || years.is_empty() => Uncollected::Never,
                    (true, _) => Uncollected::Always,
                    (false, true) if !part.joined => Uncollected::In(missing),
                    _ => Uncollected::Never,
                };
            }
        }
        Self {
            year: place(|role| matches!(role, Role::Year)),
            term: place(|role| matches!(role, Role::Term)),
            allowed: allowed.collect(),
            uncollected,
            released,
            rows: Vec::new(),
        }
    }

    /// Whether there are periods to check.
    pub(super) fn are_checked(&self) -> bool {
        self.year.is_some()
    }

    /// The year, where all rows are of one.
    pub(super) fn only_year(&self) -> Option<Year> {
        let (first, ..) = self.allowed.first()?;
        self.allowed.iter().all(|(slice, ..)| slice.year == first.year).then_some(first.year)
    }

    /// How many rows are of no allowed period.
    pub(super) fn batch(&mut self, cells: &[Cells<'_>]) -> u64 {
        self.rows.clear();
        let text = |index: Option<usize>| match index.and_then(|index| cells.get(index)) {
            Some(Cells::Text(array)) => Some(*array),
            _ => None,
        };
        let Some(years) = text(self.year) else { return 0 };
        let terms = text(self.term);
        let (mut wrong, mut last) = (0, 0);
        for row in 0..years.len() {
            let term = terms.map_or(0, |terms| if terms.is_null(row) { 0 } else { terms.views()[row] });
            let year = if years.is_null(row) { 0 } else { years.views()[row] };
            let fits = |(_, y, t): &(Slice, u128, u128)| *y == year && *t == term;
            if !self.allowed.get(last).is_some_and(fits) {
                last = self.allowed.iter().position(fits).unwrap_or(usize::MAX);
                wrong += u64::from(last == usize::MAX);
            }
            self.rows.push(last);
        }
        for (index, encoding) in &self.released {
            let Some(column) = cells.get(*index) else { continue };
            let year =
                |row: usize| self.rows.get(row).and_then(|at| self.allowed.get(*at)).map(|(slice, ..)| slice.year);
            let differs = |row: &usize| year(*row).is_some() && read(column, *row, *encoding) != year(*row);
            wrong += (0..years.len()).filter(differs).count() as u64;
        }
        wrong
    }

    /// For each column, how many cells of the last batch hold a value in a year that did not collect it.
    pub(super) fn uncollected(&self, cells: &[Cells<'_>]) -> Vec<u64> {
        let of = |(uncollected, cells): (&Uncollected, &Cells<'_>)| match uncollected {
            Uncollected::Never => 0,
            Uncollected::Always => (cells.len() - cells.missing()) as u64,
            Uncollected::In(periods) => {
                let wrong = |(row, period): &(usize, &usize)| {
                    periods.get(**period).is_some_and(|missing| *missing) && !cells.is_missing(*row)
                };
                self.rows.iter().enumerate().filter(wrong).count() as u64
            }
        };
        self.uncollected.iter().zip(cells).map(of).collect()
    }
}

/// The year that a released cell writes; `None` where it writes none.
fn read(cells: &Cells<'_>, row: usize, encoding: Encoding) -> Option<Year> {
    if cells.is_missing(row) {
        return None;
    }
    match cells {
        Cells::Text(array) => encoding.read(array.value(row)),
        Cells::Int8(array) => encoding.read_integer(array.value(row).into()),
        Cells::Int16(array) => encoding.read_integer(array.value(row).into()),
        Cells::Int32(array) => encoding.read_integer(array.value(row).into()),
        Cells::Int64(array) => encoding.read_integer(array.value(row)),
        _ => None,
    }
}

/// The Arrow view of a text of at most 12 bytes, as every view of the same text is.
fn view(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(12);
    bytes[0] = u8::try_from(length).unwrap_or(0);
    bytes[4..4 + length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;

    #[test]
    fn views_are_those_of_arrow() {
        for text in ["2010/2011", "spring", "", "twelve bytes"] {
            assert_eq!(StringViewArray::from(vec![text]).views()[0], view(text));
        }
    }
}
