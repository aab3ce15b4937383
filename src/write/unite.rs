//! Stores that feed the same tables become one, so that each value has one number for all of them; large ones hold their
//! rows side by side.

use super::records::{FROM_ROWS, Filling, Place, RecordsBuilder};
use super::store::{Column, Distinct, Held, MOST_WORDS, Numbers, People, Store};
use super::values::{Texts, Words};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the columns of stores that feed the same tables are numbered: the same for the rows of all years.
pub(super) struct Numbering(Vec<OfColumn>);

/// All values of a column, numbered anew, and for each set of old numbers the new ones; `None` where they are too many, or not
/// numbered in some store.
type OfColumn = Option<(Arc<Distinct>, BTreeMap<*const Distinct, Vec<u32>>)>;

impl Numbering {
    /// Of all stores that will be united, whichever with whichever. `None` where their columns differ.
    pub(super) fn of(stores: &[&Store]) -> Option<Self> {
        let width = stores.first().map_or(0, |store| store.columns.len());
        let of_column = |index| {
            let parts: Vec<&Column> = stores.iter().map(|store| store.columns.get(index)).collect::<Option<_>>()?;
            let kind = &parts.first()?.kind;
            parts.iter().all(|part| part.kind == *kind).then(|| numbered(&parts))
        };
        (0..width).map(of_column).collect::<Option<_>>().map(Self)
    }
}

impl Store {
    /// One store with the rows of all, in their order. Each is let go as soon as it is not needed any more. `None` where their
    /// columns are not those of the numbering.
    pub(super) fn united(stores: Vec<Arc<Self>>, numbering: &Numbering) -> Option<Self> {
        let all = || numbering.0.iter().enumerate();
        let joint = all().map(|(index, of)| Joint::of(&stores, index, of.as_ref())).collect::<Option<Vec<_>>>()?;
        let rows = stores.iter().map(|store| store.rows).sum();
        let mut people = People::default();
        stores.iter().for_each(|store| people.append(&store.people));
        let columns = if rows < FROM_ROWS {
            joint.into_iter().enumerate().map(|(index, joint)| joint.column(&stores, index, rows)).collect()
        } else {
            beside(joint, stores, rows)
        };
        Some(Self { columns, rows, people })
    }
}

/// A column of several stores.
struct Joint<'a> {
    kind: DataType,
    /// All values, and for each store the new numbers of its old ones, where they are numbered.
    numbered: Option<(Arc<Distinct>, Vec<&'a [u32]>)>,
    /// Whether some are missing, where they are not numbered.
    some_missing: bool,
}

impl<'a> Joint<'a> {
    fn of(stores: &[Arc<Store>], index: usize, of: Option<&'a (Arc<Distinct>, BTreeMap<*const Distinct, Vec<u32>>)>) -> Option<Self> {
        let parts: Vec<&Column> = stores.iter().map(|store| store.columns.get(index)).collect::<Option<_>>()?;
        let kind = parts.first()?.kind.clone();
        let numbered = match of {
            None => None,
            Some((values, maps)) => {
                let map = |part: &&Column| match &part.held {
                    Held::Numbered { values, .. } => maps.get(&Arc::as_ptr(values)).map(Vec::as_slice),
                    _ => None,
                };
                Some((Arc::clone(values), parts.iter().map(map).collect::<Option<Vec<_>>>()?))
            }
        };
        let missing = |part: &&Column| (0..part.rows()).any(|row| !part.is_present(row));
        let some_missing = numbered.is_none() && parts.iter().any(missing);
        Some(Self { kind, numbered, some_missing })
    }

    /// One column with all rows.
    fn column(self, stores: &[Arc<Store>], index: usize, rows: usize) -> Column {
        let parts = || stores.iter().filter_map(|store| store.columns.get(index));
        let held = match self.numbered {
            Some((values, maps)) => {
                let mut all = Numbers::for_values(values.len(), rows);
                for (part, map) in parts().zip(&maps) {
                    if let Held::Numbered { numbers, .. } = &part.held {
                        all.extend_by(numbers, map);
                    }
                }
                Held::Numbered { numbers: all, values }
            }
            None => {
                let each = || parts().flat_map(|part| (0..part.rows()).map(move |row| (part, row)));
                let mut words = Vec::with_capacity(rows);
                words.extend(each().map(|(part, row)| part.word(row)));
                let valid = || each().map(|(part, row)| part.is_present(row)).collect::<BooleanBuffer>();
                Held::Plain { words, valid: self.some_missing.then(valid) }
            }
        };
        Column { kind: self.kind, held }
    }

    /// The bytes of its cells, and of whether they are there, where that stands apart.
    fn widths(&self) -> impl Iterator<Item = usize> {
        let width = self.numbered.as_ref().map_or(8, |(values, _)| Numbers::width_of(values.len()));
        std::iter::once(width).chain(self.some_missing.then_some(1))
    }
}

fn numbered(parts: &[&Column]) -> OfColumn {
    let mut sets: BTreeMap<*const Distinct, &Arc<Distinct>> = BTreeMap::new();
    let mut in_order = Vec::new();
    for part in parts {
        let Held::Numbered { values, .. } = &part.held else { return None };
        if sets.insert(Arc::as_ptr(values), values).is_none() {
            in_order.push(values);
        }
    }
    if let [values] = in_order.as_slice() {
        let same = (0..=u32::try_from(values.len()).ok()?).collect();
        return Some((Arc::clone(values), BTreeMap::from([(Arc::as_ptr(values), same)])));
    }
    let (mut texts, mut words) = (Texts::new(), Words::new());
    let (mut maps, mut are_texts) = (BTreeMap::new(), false);
    for values in in_order {
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
        maps.insert(Arc::as_ptr(values), map);
    }
    let values =
        if are_texts { Distinct::Strings(texts.into_strings()) } else { Distinct::Words(words.into_values()) };
    Some((Arc::new(values), maps))
}

/// All columns, their rows side by side.
fn beside(joint: Vec<Joint<'_>>, stores: Vec<Arc<Store>>, rows: usize) -> Vec<Column> {
    let widths: Vec<usize> = joint.iter().flat_map(Joint::widths).collect();
    let (mut builder, places) = RecordsBuilder::new(rows, &widths);
    let mut places = places.into_iter();
    let mut next = || places.next().unwrap_or_default();
    let places: Vec<(Place, Option<Place>)> =
        joint.iter().map(|column| (next(), column.some_missing.then(&mut next))).collect();
    for (part, store) in stores.into_iter().enumerate() {
        let mut fillings = Vec::with_capacity(widths.len());
        for ((column, cells), (place, present)) in joint.iter().zip(&store.columns).zip(&places) {
            let filling = match (&column.numbered, &cells.held) {
                (Some((_, maps)), Held::Numbered { numbers, .. }) => Filling::Numbers(numbers, maps[part]),
                _ => Filling::Words(cells),
            };
            fillings.push((*place, filling));
            fillings.extend(present.map(|place| (place, Filling::Present(cells))));
        }
        builder.part(store.rows, &fillings);
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
        let parts = parts.map(Arc::new);
        for count in [2, 3] {
            let parts = &parts[..count];
            let numbering = Numbering::of(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap();
            let all = Store::united(parts.to_vec(), &numbering).unwrap();
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
