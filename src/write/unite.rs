//! Stores that feed the same tables become one, so that each value has one number for all of them; large ones hold their
//! rows side by side.

use super::numbers::Numbers;
use super::records::{Filling, Place, RecordsBuilder};
use super::store::{Column, Distinct, Held, MOST_WORDS, People, Store};
use super::values::{Texts, Words};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the columns of stores that feed the same tables are numbered: the same for the rows of all years.
pub(super) struct Numbering(Vec<OfColumn>);

/// All values of a column, numbered anew, and for each set of old numbers the new ones; `None` where they are too many, or not
/// numbered in some store.
type OfColumn = Option<Anew>;
type Anew = (Arc<Distinct>, BTreeMap<*const Distinct, Vec<u32>>);

impl Numbering {
    /// Of all stores that will be united, whichever with whichever. `None` where their columns differ, or where one has been
    /// united before.
    pub(super) fn of(stores: &[&Store]) -> Option<Self> {
        if stores.iter().any(|store| store.is_beside()) {
            return None;
        }
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
    /// One store with the rows of all, in their order; side by side where there are `many`. Each is let go as soon as it is not
    /// needed any more. `None` where their columns are not those of the numbering.
    pub(super) fn united(stores: Vec<Arc<Self>>, numbering: &Numbering, many: usize) -> Option<Self> {
        let all = || numbering.0.iter().enumerate();
        let joint = all().map(|(index, of)| Joint::of(&stores, index, of.as_ref())).collect::<Option<Vec<_>>>()?;
        let rows = stores.iter().map(|store| store.rows).sum();
        let mut people = People::default();
        stores.iter().for_each(|store| people.append(&store.people));
        let columns = if rows < many {
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
    fn of(stores: &[Arc<Store>], index: usize, of: Option<&'a Anew>) -> Option<Self> {
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
    let values = if are_texts { Distinct::Strings(texts.into_strings()) } else { Distinct::Words(words.into_values()) };
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
        let values = column.numbered.map(|(values, _)| values);
        Column { kind: column.kind, held: Held::Beside { records, cells: place, values, present } }
    };
    joint.into_iter().zip(places).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::super::chunk::{Encoder, Encoders};
    use super::super::codes::Codes;
    use super::super::encode::{Beside, TableWriter};
    use super::super::fill::StoreBuilder;
    use super::super::gather::{Part, Taken};
    use super::super::sink::{Room, Sink};
    use super::super::table::drain;
    use super::*;
    use crate::cohort::ranked;
    use crate::engine::Budget;
    use crate::files::Disk;
    use crate::vocab::{Marks, Silent};
    use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringViewArray};
    use arrow::datatypes::{Field, Schema};

    fn store(texts: &[Option<&str>], integers: impl Iterator<Item = Option<i32>>) -> Store {
        let integers: ArrayRef = Arc::new(integers.collect::<Int32Array>());
        let mut builder = StoreBuilder::default();
        builder
            .append(texts.len(), &[Arc::new(texts.iter().copied().collect::<StringViewArray>()), integers], None)
            .unwrap();
        builder.finish()
    }

    fn united(parts: &[Arc<Store>], many: usize) -> Store {
        let numbering = Numbering::of(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap();
        Store::united(parts.to_vec(), &numbering, many).unwrap()
    }

    #[test]
    fn united_rows_are_those_of_the_parts() {
        let few = [Some("b"), None, Some("a text that is too long for its view"), Some("b")];
        let parts = [
            store(&few, [Some(7), None, Some(-1), Some(7)].into_iter()),
            store(&[Some("c"), Some("b")], [Some(8), Some(-1)].into_iter()),
            // More integers than are numbered, some of them missing.
            store(&vec![None; 300_000], (0..300_000).map(|n| (n % 1_000 > 0).then_some(n))),
        ];
        let parts = parts.map(Arc::new);
        for (count, many) in [(2, 7), (2, 6), (3, 1 << 20), (3, 0)] {
            let parts = &parts[..count];
            let all = united(parts, many);
            let mut row = 0;
            for part in parts {
                for of_part in 0..part.rows {
                    for (a, b) in all.columns.iter().zip(&part.columns) {
                        assert_eq!(a.value(row), b.value(of_part));
                        assert_eq!(a.is_present(row), b.is_present(of_part));
                    }
                    row += 1;
                }
            }
            assert_eq!((row, all.is_beside()), (all.rows, row >= many));
            let plain = matches!(all.columns[1].held, Held::Plain { .. } | Held::Beside { values: None, .. });
            assert_eq!(plain, count == 3);
        }
    }

    /// Rows of many people: several have several rows, some of which are alike, and all columns have missing cells.
    fn rows(from: i32, count: i32) -> (Vec<ArrayRef>, Vec<u32>) {
        let mixed = |n: i32| i32::try_from((u64::from(n.unsigned_abs()) * 2_654_435_761) >> 7 & 0xf_ffff).unwrap();
        let every = |nth: i32| (from..from + count).map(move |n| (mixed(n) % nth > 0).then_some(mixed(n)));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(every(5).map(|n| n.map(|n| format!("text {}", n % 3))).collect::<StringViewArray>()),
            Arc::new(every(9).collect::<Int32Array>()),
            Arc::new(every(3).map(|n| n.map(|n| n % 2 == 0)).collect::<BooleanArray>()),
            Arc::new(every(7).map(|n| n.map(|n| f64::from(n) / 3.0)).collect::<Float64Array>()),
            Arc::new(every(2).map(|n| n.map(|n| i64::from(n % 70_000))).collect::<Int64Array>()),
        ];
        (columns, (from..from + count).map(|n| mixed(n).unsigned_abs() % 9_000).collect())
    }

    #[test]
    fn rows_side_by_side_come_out_as_others_do() {
        // Many more rows than a row group has, so that people's rows lie on both sides of a cut.
        let part = |(from, count)| {
            let (columns, persons) = rows(from, count);
            let rows: Vec<u32> = (0..u32::try_from(count).unwrap()).collect();
            let mut takers = Marks::new(rows.len(), 2);
            persons.iter().enumerate().filter(|(_, p)| **p % 8 != 3).for_each(|(row, _)| takers.mark(row, 1));
            let mut builder = StoreBuilder::default();
            builder.append(rows.len(), &columns, None).unwrap();
            builder.append_people(&persons, &takers, &rows);
            Arc::new(builder.finish())
        };
        let parts = [(0, 400_000), (300_000, 500_000), (0, 1)].map(part);
        // The person of rank r is 7 r modulo 9,000: no order that stores know of.
        let (cohort, ranks) = ranked(9_000, |rank| rank * 7 % 9_000);
        let fields = [DataType::Utf8, DataType::Int32, DataType::Boolean, DataType::Float64, DataType::Int64];
        let mut schema = vec![Field::new("person_id", DataType::Utf8, false)];
        schema.extend(fields.iter().enumerate().map(|(i, kind)| Field::new(format!("c{i}"), kind.clone(), true)));
        let schema = Schema::new(schema);
        let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::begin().unwrap());
        let file = |name: &str, kept: &[Arc<Store>], spilled: &[Arc<Store>], room: u64| {
            let budget = Budget::of(room, 1);
            let sink = Sink::new(folder.path().join(format!("{name} spilled")), 5, Arc::clone(&ranks), 0);
            let taken = |store: &Arc<Store>| Taken {
                part: Part { columns: (0..5).collect(), store: Arc::clone(store) },
                taker: 1,
            };
            kept.iter().for_each(|store| sink.keep(taken(store)).unwrap());
            spilled.iter().for_each(|store| sink.spill(&taken(store)).unwrap());
            let mut writer = TableWriter::create(&folder.path().join(name), &schema, Encoder::new().unwrap()).unwrap();
            let beside = Beside { ids: cohort.ids(), lead: Vec::new(), observer: &Silent };
            let mut codes: Vec<Codes> = fields.iter().map(|_| Codes::new(&[])).collect();
            let people = drain(sink, Room { budget: &budget, turn: true }, &mut writer, &beside, &mut codes).unwrap();
            let written = writer.finish(&Encoders::default(), &disk).unwrap();
            let missing: Vec<u64> = codes.iter().map(|codes| codes.missing).collect();
            (written.0.sha256, written.1, people, missing)
        };
        let apart = file("apart", &parts, &[], u64::MAX);
        assert!(apart.1 > 700_000 && apart.2 > 7_000 && apart.3.iter().all(|missing| *missing > 1_000));
        // In one range of ranks, or in many.
        assert_eq!(file("apart by ranges", &parts, &[], 0), apart);
        let together = Arc::new(united(&parts, usize::MAX));
        assert!(!together.is_beside());
        assert_eq!(file("together", &[together], &[], u64::MAX), apart);
        let beside = [Arc::new(united(&parts, 0))];
        assert!(beside[0].is_beside());
        assert_eq!(file("beside", &beside, &[], u64::MAX), apart);
        assert_eq!(file("beside by ranges", &beside, &[], 0), apart);
        assert_eq!(file("spilled", &[], &parts, 0), apart);
        let some = [Arc::new(united(&parts[..1], 0))];
        assert_eq!(file("beside what was spilled", &some, &parts[1..], 0), apart);
    }
}
