//! Stores that have no room in memory, written to scratch as they are, once for all tables that take rows of them, and read
//! back whole. They hold people's numbers of the run and released values, and no identifier.

use super::numbers::Numbers;
use super::store::{Column, Distinct, Held, People, Store};
use super::values::Strings;
use crate::files::{ScratchFile, ScratchReader, ScratchWriter, Stretch};
use crate::vocab::{Error, Marks, Result};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::DataType;
use std::io;
use std::sync::Arc;

/// Writes a store out.
///
/// # Errors
/// Scratch cannot be written; or a fault of ours: the rows stand side by side.
pub fn spill(store: Store, file: &Arc<ScratchFile>) -> Result<Spilled> {
    let store = store.with_own_values();
    let columns = store.columns.iter().map(|column| Some((column.kind.clone(), Form::of(&column.held)?)));
    let columns = columns.collect::<Option<Vec<_>>>().ok_or_else(fault)?;
    let shape = Shape { rows: store.rows, columns, people: (store.people.persons.len(), store.people.takers.width()) };
    let mut out = file.begin(shape.bytes())?;
    for column in &store.columns {
        put(&mut out, &column.held)?;
    }
    out.all(&store.people.persons, u32::to_le_bytes)?;
    out.all(store.people.takers.bytes(), u8::to_le_bytes)?;
    Ok(Spilled { stretch: out.finish().ok_or_else(fault)?, shape })
}

fn fault() -> Error {
    Error::Internal("rows that wait cannot be spilled as they are".to_owned())
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// A store that was spilled.
#[derive(Debug)]
pub struct Spilled {
    stretch: Stretch,
    shape: Shape,
}

/// What there is to read of a store.
#[derive(Debug)]
struct Shape {
    rows: usize,
    columns: Vec<(DataType, Form)>,
    /// How many rows tell their person, and the bytes of marks that each has.
    people: (usize, usize),
}

/// What there is to read of a column.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Numbers of so many bytes each, of so many words.
    Words { width: usize, values: usize },
    /// The same of strings, and the bytes of all strings together.
    Strings { width: usize, values: usize, bytes: usize },
    /// Words, and whether it is told which of them are there.
    Plain { told: bool },
}

impl Form {
    fn of(held: &Held) -> Option<Self> {
        Some(match held {
            Held::Numbered { numbers, values } => match values.as_ref() {
                Distinct::Words(words) => Self::Words { width: numbers.width(), values: words.len() },
                Distinct::Strings(strings) => {
                    Self::Strings { width: numbers.width(), values: strings.len(), bytes: strings.bytes().len() }
                }
            },
            Held::Plain { valid, .. } => Self::Plain { told: valid.is_some() },
            Held::Beside { .. } => return None,
        })
    }

    /// The bytes of a column of so many rows.
    fn bytes(self, rows: usize) -> usize {
        match self {
            Self::Words { width, values } => rows * width + values * 8,
            Self::Strings { width, values, bytes } => rows * width + values * 8 + bytes,
            Self::Plain { told } => rows * 8 + if told { rows.div_ceil(8) } else { 0 },
        }
    }
}

impl Shape {
    fn bytes(&self) -> u64 {
        let columns: usize = self.columns.iter().map(|(_, form)| form.bytes(self.rows)).sum();
        u64::try_from(columns + self.people.0 * (4 + self.people.1)).unwrap_or(u64::MAX)
    }
}

impl Spilled {
    /// The bytes that it takes in memory, and in its file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.stretch.length()
    }

    /// Reads the store back.
    pub(super) fn read(&self) -> Result<Store> {
        let Shape { rows, columns: forms, people: (persons, width) } = &self.shape;
        self.stretch.read(0, |from| {
            let mut columns = Vec::with_capacity(forms.len());
            for (kind, form) in forms {
                columns.push(Column { kind: kind.clone(), held: column(from, *form, *rows)? });
            }
            let takers = persons * width;
            let persons = from.all(*persons, u32::from_le_bytes)?;
            let takers = Marks::of_bytes(*width, from.all(takers, u8::from_le_bytes)?);
            Ok(Store { columns, rows: *rows, people: People { persons, takers } })
        })
    }
}

/// Writes a column.
fn put(out: &mut ScratchWriter, held: &Held) -> Result<()> {
    match held {
        Held::Numbered { numbers, values } => {
            match numbers {
                Numbers::One(all) => out.all(all, u8::to_le_bytes)?,
                Numbers::Two(all) => out.all(all, u16::to_le_bytes)?,
                Numbers::Four(all) => out.all(all, u32::to_le_bytes)?,
            }
            match values.as_ref() {
                Distinct::Words(words) => out.all(words, u64::to_le_bytes),
                Distinct::Strings(strings) => {
                    out.all(strings.ends(), |end| u64::try_from(end).unwrap_or(0).to_le_bytes())?;
                    out.all(strings.bytes(), u8::to_le_bytes)
                }
            }
        }
        Held::Plain { words, valid } => {
            out.all(words, u64::to_le_bytes)?;
            match valid {
                Some(valid) => out.all(valid.sliced().as_slice(), u8::to_le_bytes),
                None => Ok(()),
            }
        }
        Held::Beside { .. } => Err(fault()),
    }
}

/// Reads so many numbers of so many bytes each; none is above `most`.
fn numbers(from: &mut ScratchReader, rows: usize, width: usize, most: usize) -> io::Result<Numbers> {
    let numbers = match width {
        1 => Numbers::One(from.all(rows, u8::from_le_bytes)?),
        2 => Numbers::Two(from.all(rows, u16::from_le_bytes)?),
        _ => Numbers::Four(from.all(rows, u32::from_le_bytes)?),
    };
    if numbers.most() as usize <= most { Ok(numbers) } else { Err(damaged()) }
}

/// Reads a column.
fn column(from: &mut ScratchReader, form: Form, rows: usize) -> io::Result<Held> {
    Ok(match form {
        Form::Words { width, values } => {
            let numbers = numbers(from, rows, width, values)?;
            Held::Numbered { numbers, values: Arc::new(Distinct::Words(from.all(values, u64::from_le_bytes)?)) }
        }
        Form::Strings { width, values, bytes } => {
            let numbers = numbers(from, rows, width, values)?;
            let end = |bytes| usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX);
            let ends = from.all(values, end)?;
            let strings = Strings::of(from.all(bytes, u8::from_le_bytes)?, ends).ok_or_else(damaged)?;
            Held::Numbered { numbers, values: Arc::new(Distinct::Strings(strings)) }
        }
        Form::Plain { told } => {
            let words = from.all(rows, u64::from_le_bytes)?;
            let bits = |bytes| BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows);
            let valid = told.then(|| from.all(rows.div_ceil(8), u8::from_le_bytes)).transpose()?.map(bits);
            Held::Plain { words, valid }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::fill::StoreBuilder;
    use super::super::store::Value;
    use super::*;
    use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int32Array, StringViewArray};

    /// More rows than there are numbered words, in columns of every form.
    const ROWS: usize = 300_000;

    fn store() -> Store {
        let every = |nth: usize| (0..ROWS).map(move |row| (row % nth > 0).then_some(row));
        let small = |row: usize| i32::try_from(row).unwrap();
        let decimals = every(9).map(|row| row.map(|row| i128::MAX / (row as i128 + 1))).collect::<Decimal128Array>();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(every(3).map(|row| row.map(|row| format!("text {}", row % 70_000))).collect::<StringViewArray>()),
            Arc::new(every(5).map(|row| row.map(|row| small(row % 400))).collect::<Int32Array>()),
            Arc::new(every(7).map(|row| row.map(|row| row as f64)).collect::<Float64Array>()),
            Arc::new((0..ROWS).map(|row| Some(small(row))).collect::<Int32Array>()),
            Arc::new(every(2).map(|row| row.map(|row| row % 4 == 1)).collect::<BooleanArray>()),
            Arc::new(decimals.with_precision_and_scale(38, 0).unwrap()),
        ];
        let persons: Vec<u32> = (0..300_000).map(|row| row * 7 % 5_000).collect();
        let mut takers = Marks::new(ROWS, 9);
        (0..ROWS).filter(|row| row % 4 != 2).for_each(|row| takers.mark(row, 8));
        let mut builder = StoreBuilder::default();
        builder.append(ROWS, &columns, None).unwrap();
        builder.append_people(&persons, &takers, &(0..300_000).collect::<Vec<_>>());
        builder.finish()
    }

    fn same(a: &Store, b: &Store) {
        assert_eq!((a.rows, a.columns.len()), (b.rows, b.columns.len()));
        assert_eq!(a.people.persons, b.people.persons);
        assert_eq!(a.people.takers.bytes(), b.people.takers.bytes());
        for (a, b) in a.columns.iter().zip(&b.columns) {
            assert_eq!(a.kind, b.kind);
            assert!((0..a.rows()).all(|row| a.value(row) == b.value(row)));
        }
    }

    #[test]
    fn what_comes_back_is_what_was_spilled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let file = ScratchFile::new(path.clone());
        assert!(!file.is_begun());
        let whole = spill(store(), &file).unwrap();
        let years: Vec<Option<i16>> = (0..ROWS).map(|row| [Some(2019), None, Some(2017)][row / 1_000 % 3]).collect();
        // Cut into years, each has the values of its own rows alone, and several workers spill at a time.
        let parts: Vec<Store> = store().split(&years).unwrap().into_iter().map(|(_, part)| part).collect();
        let again: Vec<Store> = store().split(&years).unwrap().into_iter().map(|(_, part)| part).collect();
        let of_years: Vec<Spilled> = std::thread::scope(|scope| {
            let spilling = |part| scope.spawn(|| spill(part, &file).unwrap());
            let spilling: Vec<_> = parts.into_iter().map(spilling).collect();
            spilling.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(of_years.iter().map(Spilled::bytes).sum::<u64>() < whole.bytes() * 11 / 10);
        assert_eq!(path.metadata().unwrap().len(), whole.bytes() + of_years.iter().map(Spilled::bytes).sum::<u64>());
        same(&whole.read().unwrap(), &store());
        for (spilled, part) in of_years.iter().zip(&again) {
            same(&spilled.read().unwrap(), part);
        }
    }

    #[test]
    fn a_file_that_was_cut_or_changed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let file = ScratchFile::new(path.clone());
        let mut builder = StoreBuilder::default();
        builder.append(2, &[Arc::new(StringViewArray::from(vec!["a", "bc"]))], None).unwrap();
        let spilled = spill(builder.finish(), &file).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let ends_with_73 = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            spilled.read().unwrap_err().exit_code() == crate::vocab::ExitCode::Output
        };
        assert!(ends_with_73(&bytes[..bytes.len() - 1]));
        let changed =
            |at: usize| bytes.iter().enumerate().map(|(i, b)| if i == at { b | 64 } else { *b }).collect::<Vec<_>>();
        // A number that no value has, and an end behind the last byte.
        assert!(ends_with_73(&changed(1)) && ends_with_73(&changed(10)));
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(spilled.read().unwrap().columns[0].value(1), Value::String(b"bc"));
    }
}
