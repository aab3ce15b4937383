//! Stores that feed the same tables become one, so that each value has one number for all of them; large ones hold their
//! rows side by side.

use super::records::{FROM_ROWS, Filling, Place, RecordsBuilder};
use super::store::{Column, Distinct, Held, MOST_WORDS, Numbers, Store};
use super::values::{Texts, Words};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use std::sync::Arc;

impl Store {
    /// One store with the rows of all, in their order. `None` where their columns differ.
    pub(super) fn united(stores: &[&Self]) -> Option<Self> {
        let width = stores.first().map_or(0, |store| store.columns.len());
        let joint = (0..width)
            .map(|index| Joint::of(stores.iter().map(|store| store.columns.get(index)).collect::<Option<_>>()?))
            .collect::<Option<Vec<_>>>()?;
        let rows = stores.iter().map(|store| store.rows).sum();
        let columns = if rows < FROM_ROWS { joint.into_iter().map(Joint::column).collect() } else { beside(joint, rows) };
        Some(Self { columns, rows })
    }
}

/// A column of several stores.
struct Joint<'a> {
    kind: DataType,
    parts: Vec<&'a Column>,
    /// All values numbered anew, and for each part the new numbers of its old ones; `None` where they are too many, or not
    /// numbered in some part.
    numbered: Option<(Arc<Distinct>, Vec<Vec<u32>>)>,
}

impl<'a> Joint<'a> {
    fn of(parts: Vec<&'a Column>) -> Option<Self> {
        let kind = parts.first()?.kind.clone();
        let alike = parts.iter().all(|part| part.kind == kind);
        alike.then(|| Self { kind, numbered: numbered(&parts), parts })
    }

    /// One column with all rows.
    fn column(self) -> Column {
        let rows = self.parts.iter().map(|part| part.rows()).sum();
        let held = match self.numbered {
            Some((values, maps)) => {
                let mut all = Numbers::for_values(values.len(), rows);
                for (part, map) in self.parts.iter().zip(&maps) {
                    if let Held::Numbered { numbers, .. } = &part.held {
                        all.extend_by(numbers, map);
                    }
                }
                Held::Numbered { numbers: all, values }
            }
            None => {
                let each = || self.parts.iter().flat_map(|part| (0..part.rows()).map(move |row| (part, row)));
                let mut words = Vec::with_capacity(rows);
                words.extend(each().map(|(part, row)| part.word(row)));
                let some_missing = each().any(|(part, row)| !part.is_present(row));
                let valid = some_missing.then(|| each().map(|(part, row)| part.is_present(row)).collect::<BooleanBuffer>());
                Held::Plain { words, valid }
            }
        };
        Column { kind: self.kind, held }
    }
}

/// All values of some columns, numbered anew.
fn numbered(parts: &[&Column]) -> Option<(Arc<Distinct>, Vec<Vec<u32>>)> {
    if let [Column { held: Held::Numbered { values, .. }, .. }] = parts {
        return Some((Arc::clone(values), vec![(0..=u32::try_from(values.len()).ok()?).collect()]));
    }
    let (mut texts, mut words) = (Texts::new(), Words::new());
    let (mut maps, mut are_texts) = (Vec::with_capacity(parts.len()), false);
    for part in parts {
        let Held::Numbered { values, .. } = &part.held else { return None };
        let mut map = vec![0; values.len() + 1];
        match values.as_ref() {
            Distinct::Strings(strings) => {
                are_texts = true;
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
        maps.push(map);
    }
    let values =
        if are_texts { Distinct::Strings(texts.into_strings()) } else { Distinct::Words(words.into_values()) };
    Some((Arc::new(values), maps))
}

/// All columns, their rows side by side.
fn beside(joint: Vec<Joint<'_>>, rows: usize) -> Vec<Column> {
    let (mut widths, mut some_missing) = (Vec::new(), Vec::new());
    for column in &joint {
        let any = || column.parts.iter().any(|part| (0..part.rows()).any(|row| !part.is_present(row)));
        let missing = column.numbered.is_none() && any();
        match &column.numbered {
            Some((values, _)) => widths.push(Numbers::width_of(values.len())),
            None if missing => widths.extend([8, 1]),
            None => widths.push(8),
        }
        some_missing.push(missing);
    }
    let (mut builder, places) = RecordsBuilder::new(rows, &widths);
    let mut places = places.into_iter();
    let mut next = || places.next().unwrap_or_default();
    let places: Vec<(Place, Option<Place>)> =
        some_missing.iter().map(|missing| (next(), missing.then(&mut next))).collect();
    for part in 0..joint.first().map_or(0, |column| column.parts.len()) {
        let mut fillings = Vec::with_capacity(widths.len());
        for (column, (place, present)) in joint.iter().zip(&places) {
            let cells = column.parts[part];
            fillings.push(match (&column.numbered, &cells.held) {
                (Some((_, maps)), Held::Numbered { numbers, .. }) => (*place, Filling::Numbers(numbers, &maps[part])),
                _ => (*place, Filling::Words(cells)),
            });
            fillings.extend(present.map(|place| (place, Filling::Present(cells))));
        }
        builder.part(joint[0].parts[part].rows(), &fillings);
    }
    let records = builder.finish();
    let column = |(column, (place, present)): (Joint<'_>, (Place, Option<Place>))| {
        let records = Arc::clone(&records);
        let held = match column.numbered {
            Some((values, _)) => Held::Numbered { numbers: Numbers::Beside(records, place), values },
            None => Held::Beside { records, words: place, present },
        };
        Column { kind: column.kind, held }
    };
    joint.into_iter().zip(places).map(column).collect()
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
