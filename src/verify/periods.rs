//! Years and terms: every row is of an approved one, and no variable has a value in a year that did not collect it.

use super::cells::Cells;
use super::expected::{Role, Table};
use super::rows::tells;
use super::text::Text;
use crate::catalogue::Period;
use crate::vocab::{Encoding, Slice, Year};

/// The periods of a table, ready to be compared with cells.
pub(super) struct Periods {
    year: Option<usize>,
    term: Option<usize>,
    /// With year and term as they are written, an empty text where there is no term.
    allowed: Vec<(Slice, String, String)>,
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
            let term = slice.term.map_or(String::new(), |term| term.as_str().to_owned());
            (*slice, slice.year.to_string(), term)
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
        let column = |index: Option<usize>| match index.and_then(|index| cells.get(index)) {
            Some(Cells::Text(text)) => Some(*text),
            _ => None,
        };
        let Some(years) = column(self.year) else { return 0 };
        let terms = column(self.term);
        let place = |row: usize| {
            let (year, term) = (text(&years, row), terms.as_ref().map_or("", |terms| text(terms, row)));
            let fits = |(_, y, t): &(Slice, String, String)| *y == year && *t == term;
            self.allowed.iter().position(fits).unwrap_or(usize::MAX)
        };
        // Mostly a table is of one period, and says so by a dictionary of one text.
        let one = years.is_one() && terms.as_ref().is_none_or(Text::is_one);
        if one {
            self.rows.resize(years.len(), place(0));
        } else {
            let mut last = None;
            for row in 0..years.len() {
                let repeats = |of: &Text<'_>| row > 0 && of.repeats(row, row - 1);
                let at = match last {
                    Some(at) if repeats(&years) && terms.as_ref().is_none_or(repeats) => at,
                    _ => place(row),
                };
                last = Some(at);
                self.rows.push(at);
            }
        }
        let mut wrong = self.rows.iter().filter(|at| **at == usize::MAX).count() as u64;
        for (index, encoding) in &self.released {
            let Some(column) = cells.get(*index) else { continue };
            if one && column.is_one() {
                let slice = self.rows.first().and_then(|at| self.allowed.get(*at));
                let differs = slice.is_some_and(|(slice, ..)| read(column, 0, *encoding) != Some(slice.year));
                wrong += if differs { self.rows.len() as u64 } else { 0 };
                continue;
            }
            let mut last = None;
            for (row, at) in self.rows.iter().enumerate() {
                let Some((slice, ..)) = self.allowed.get(*at) else {
                    last = None;
                    continue;
                };
                let differs = match last {
                    Some((before, differs)) if before == *at && column.repeats(row, row - 1) => differs,
                    _ => read(column, row, *encoding) != Some(slice.year),
                };
                last = Some((*at, differs));
                wrong += u64::from(differs);
            }
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

/// A cell's text, empty where it is missing.
fn text<'t>(cells: &Text<'t>, row: usize) -> &'t str {
    if cells.is_null(row) { "" } else { cells.value(row) }
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
