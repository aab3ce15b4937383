//! A store cut into several: the rows of each year apart.

use super::numbers::Numbers;
use super::store::{Column, Distinct, Held, People, Store};
use super::values::Strings;
use crate::vocab::Marks;
use arrow::buffer::BooleanBuffer;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Store {
    /// Whether any row is taken by somebody.
    #[must_use]
    pub fn is_taken(&self, taker: usize) -> bool {
        self.people.takers.any(taker)
    }

    /// The rows of each year apart, in their order. The values of a column are shared by all. `None` where rows stand side by
    /// side: years are cut before stores are united.
    #[must_use]
    pub fn split(self, years: &[Option<i16>]) -> Option<Vec<(Option<i16>, Self)>> {
        let mut rows_of: BTreeMap<Option<i16>, usize> = BTreeMap::new();
        for run in years.chunk_by(|a, b| a == b) {
            *rows_of.entry(run[0]).or_default() += run.len();
        }
        let counts: Vec<usize> = rows_of.values().copied().collect();
        let place = |year: &Option<i16>| rows_of.keys().position(|of| of == year).unwrap_or(0);
        let mut last = (None, place(&None));
        // Which part each row goes to.
        let to: Vec<usize> = years
            .iter()
            .map(|year| {
                if last.0 != *year {
                    last = (*year, place(year));
                }
                last.1
            })
            .collect();
        let Self { columns, people: People { persons, takers }, .. } = self;
        let mut parts: Vec<Self> = counts.iter().map(|rows| Self { rows: *rows, ..Self::default() }).collect();
        let mut rows: Vec<Vec<u32>> = counts.iter().map(|rows| Vec::with_capacity(*rows)).collect();
        (0..).zip(&to).for_each(|(row, to)| rows[*to].push(row));
        for Column { kind, held } in columns {
            for (part, held) in parts.iter_mut().zip(split(held, &rows)?) {
                part.columns.push(Column { kind: kind.clone(), held });
            }
        }
        for ((part, persons), rows) in parts.iter_mut().zip(shared_out(&persons, &rows)).zip(&rows) {
            let mut marks = Marks::default();
            marks.clear_like(&takers);
            marks.extend(&takers, rows);
            part.people = People { persons, takers: marks };
        }
        Some(rows_of.into_keys().zip(parts).collect())
    }
}

impl Store {
    /// The same, where each column that shares its values with other stores has only those that its rows have.
    pub(super) fn with_own_values(mut self) -> Self {
        for column in &mut self.columns {
            if let Held::Numbered { numbers, values } = &column.held
                && (Arc::strong_count(values) > 1 || values.len() > self.rows)
            {
                let (numbers, values) = own(numbers, values);
                column.held = Held::Numbered { numbers, values: Arc::new(values) };
            }
        }
        self
    }
}

/// The values that numbers mean, in their order, and the numbers that they have then.
fn own(numbers: &Numbers, values: &Distinct) -> (Numbers, Distinct) {
    let mut anew = vec![0; values.len() + 1];
    (0..numbers.len()).for_each(|row| anew[numbers.at(row) as usize] = 1);
    // Whatever is missing stays so.
    anew[0] = 0;
    let mut next = 0;
    for number in &mut anew[1..] {
        next += *number;
        *number *= next;
    }
    let mut all = Numbers::for_values(next as usize, numbers.len());
    all.extend_by(numbers, &anew);
    let there = anew[1..].iter().map(|number| *number > 0);
    let values = match values {
        Distinct::Words(words) => {
            Distinct::Words(words.iter().zip(there).filter(|(_, there)| *there).map(|(word, _)| *word).collect())
        }
        Distinct::Strings(strings) => {
            let mut own = Strings::default();
            there.enumerate().filter(|(_, there)| *there).for_each(|(index, _)| own.push(strings.get(index)));
            Distinct::Strings(own)
        }
    };
    (all, values)
}

/// What each part has of some cells: those of its rows.
fn shared_out<T: Copy>(all: &[T], parts: &[Vec<u32>]) -> Vec<Vec<T>> {
    parts.iter().map(|rows| rows.iter().map(|row| all[*row as usize]).collect()).collect()
}

fn split(held: Held, parts: &[Vec<u32>]) -> Option<Vec<Held>> {
    Some(match held {
        Held::Numbered { numbers, values } => {
            let numbers: Vec<Numbers> = match numbers {
                Numbers::One(all) => shared_out(&all, parts).into_iter().map(Numbers::One).collect(),
                Numbers::Two(all) => shared_out(&all, parts).into_iter().map(Numbers::Two).collect(),
                Numbers::Four(all) => shared_out(&all, parts).into_iter().map(Numbers::Four).collect(),
            };
            numbers.into_iter().map(|numbers| Held::Numbered { numbers, values: Arc::clone(&values) }).collect()
        }
        Held::Plain { words, valid } => {
            let valid_of = |rows: &Vec<u32>| {
                let valid = valid.as_ref()?;
                Some(BooleanBuffer::collect_bool(rows.len(), |at| valid.value(rows[at] as usize)))
            };
            let words = shared_out(&words, parts).into_iter();
            words.zip(parts).map(|(words, rows)| Held::Plain { words, valid: valid_of(rows) }).collect()
        }
        Held::Beside { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fill::StoreBuilder;
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, Int16Array, StringViewArray};

    #[test]
    fn each_year_has_its_rows_in_their_order() {
        let rows = 300_000;
        let years: Vec<Option<i16>> = (0..rows).map(|row| [Some(2019), None, Some(2017)][row * 7 % 3]).collect();
        let texts =
            (0..rows).map(|row| (row % 5 > 0).then(|| format!("text {}", row % 11))).collect::<StringViewArray>();
        let floats = (0..rows).map(|row| (row % 9 > 0).then_some(row as f64)).collect::<Float64Array>();
        let small = (0..rows).map(|row| i16::try_from(row % 999).ok()).collect::<Int16Array>();
        let columns: [ArrayRef; 3] = [Arc::new(texts), Arc::new(floats), Arc::new(small)];
        let persons: Vec<u32> = (0..300_000).collect();
        let mut takers = Marks::new(rows, 2);
        (0..rows).filter(|row| row % 2 == 0).for_each(|row| takers.mark(row, 1));
        let store = || {
            let mut builder = StoreBuilder::default();
            builder.append(rows, &columns, None).unwrap();
            builder.append_people(&persons, &takers, &persons);
            builder.finish()
        };
        let whole = store();
        assert!(whole.is_taken(1) && !whole.is_taken(0));
        let parts = store().split(&years).unwrap();
        assert_eq!(parts.iter().map(|(year, _)| *year).collect::<Vec<_>>(), [None, Some(2017), Some(2019)]);
        assert_eq!(parts.iter().map(|(_, part)| part.rows).sum::<usize>(), rows);
        for (year, part) in &parts {
            let mine = (0..rows).filter(|row| years[*row] == *year);
            for (row, of_whole) in mine.enumerate() {
                assert_eq!(part.people.persons[row] as usize, of_whole);
                assert_eq!(part.people.takers.has(row, 1), of_whole % 2 == 0);
                for (mine, all) in part.columns.iter().zip(&whole.columns) {
                    assert_eq!((&mine.kind, mine.value(row)), (&all.kind, all.value(of_whole)));
                }
            }
        }
    }
}
