//! Stores that feed the same tables become one, so that each value has one number for all of them.

use super::store::{Column, Distinct, Held, MOST_WORDS, Numbers, Store, Value};
use super::values::{Texts, Words};
use arrow::buffer::BooleanBuffer;

impl Store {
    /// One store with the rows of all, in their order. `None` where their columns differ.
    pub(super) fn united(stores: &[&Self]) -> Option<Self> {
        let width = stores.first().map_or(0, |store| store.columns.len());
        let columns = (0..width)
            .map(|index| {
                let parts: Option<Vec<&Column>> = stores.iter().map(|store| store.columns.get(index)).collect();
                column(&parts?)
            })
            .collect::<Option<_>>()?;
        Some(Self { columns, rows: stores.iter().map(|store| store.rows).sum() })
    }
}

fn column(parts: &[&Column]) -> Option<Column> {
    let kind = parts.first()?.kind.clone();
    if parts.iter().any(|part| part.kind != kind) {
        return None;
    }
    let held = numbered(parts).unwrap_or_else(|| plain(parts));
    Some(Column { kind, held })
}

/// All values numbered anew; `None` where they are too many, or not numbered in some part.
fn numbered(parts: &[&Column]) -> Option<Held> {
    let (mut texts, mut words) = (Texts::new(), Words::new());
    let mut maps = Vec::with_capacity(parts.len());
    for part in parts {
        let Held::Numbered { numbers, values } = &part.held else { return None };
        let mut map = vec![0; values.len() + 1];
        match values {
            Distinct::Strings(strings) => {
                let all = (0..strings.len()).map(|index| texts.number_bytes(strings.get(index)));
                map[1..].iter_mut().zip(all).for_each(|(place, number)| *place = number);
            }
            Distinct::Words(all) => {
                map[1..].iter_mut().zip(all).for_each(|(place, word)| *place = words.number(*word));
                if words.values().len() > MOST_WORDS {
                    return None;
                }
            }
        }
        maps.push((numbers, map));
    }
    let rows = maps.iter().map(|(numbers, _)| numbers.len()).sum();
    let mut all = Numbers::for_values(texts.len().max(words.values().len()), rows);
    maps.iter().for_each(|(numbers, map)| all.extend_by(numbers, map));
    let values = match parts.first()?.held {
        Held::Numbered { values: Distinct::Strings(_), .. } => Distinct::Strings(texts.into_strings()),
        _ => Distinct::Words(words.into_values()),
    };
    Some(Held::Numbered { numbers: all, values })
}

/// All values as they are.
fn plain(parts: &[&Column]) -> Held {
    let rows = parts.iter().map(|part| part.rows()).sum();
    let (mut words, mut present) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for part in parts {
        for row in 0..part.rows() {
            let (word, is) = match part.value(row) {
                Value::Word(word) => (word, true),
                Value::Missing | Value::String(_) => (0, false),
            };
            words.push(word);
            present.push(is);
        }
    }
    let valid = present.contains(&false).then(|| BooleanBuffer::from(present));
    Held::Plain { words, valid }
}

#[cfg(test)]
mod tests {
    use super::super::fill::StoreBuilder;
    use super::*;
    use arrow::array::{ArrayRef, Int32Array, StringViewArray};
    use std::sync::Arc;

    fn store(texts: &[Option<&str>], integers: impl Iterator<Item = Option<i32>>) -> Store {
        let integers: ArrayRef = Arc::new(integers.collect::<Int32Array>());
        let mut builder = StoreBuilder::default();
        builder
            .append(texts.len(), &[Arc::new(texts.iter().copied().collect::<StringViewArray>()), integers], None)
            .unwrap();
        builder.finish()
    }

    #[test]
    fn united_rows_are_those_of_the_parts() {
        let few = [Some("b"), None, Some("a text that is too long for its view"), Some("b")];
        let parts = [
            store(&few, [Some(7), None, Some(-1), Some(7)].into_iter()),
            store(&[Some("c"), Some("b")], [Some(8), Some(-1)].into_iter()),
            // More integers than are numbered.
            store(&vec![None; 300_000], (0..300_000).map(Some)),
        ];
        for count in [2, 3] {
            let parts: Vec<&Store> = parts[..count].iter().collect();
            let all = Store::united(&parts).unwrap();
            let mut row = 0;
            for part in parts {
                for of_part in 0..part.rows {
                    for (a, b) in all.columns.iter().zip(&part.columns) {
                        assert_eq!(a.value(row), b.value(of_part));
                    }
                    row += 1;
                }
            }
            assert_eq!(row, all.rows);
            assert_eq!(matches!(all.columns[1].held, Held::Plain { .. }), count == 3);
        }
    }
}
