//! Stores that have no room in memory, written to scratch as they are, once for all tables that take rows of them, and read
//! back whole. They hold people's numbers of the run and released values, and no identifier.

use super::store::{Column, Distinct, Held, Numbers, People, Store};
use super::values::Strings;
use crate::files::operation;
use crate::vocab::{Error, Marks, Result};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::DataType;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are written or read at a time.
const PIECE: usize = 1 << 20;

/// A file of scratch that stores are spilled to, from any number of workers. It is removed with the last store.
#[derive(Debug)]
pub struct SpillFile {
    path: PathBuf,
    end: AtomicU64,
}

impl SpillFile {
    /// A file that is made with the first store.
    #[must_use]
    pub fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, end: AtomicU64::new(0) })
    }

    /// Whether anything was spilled to it.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.end.load(Ordering::Relaxed) > 0
    }

    /// Writes a store out.
    ///
    /// # Errors
    /// Scratch cannot be written; or a fault of ours: the rows stand side by side.
    pub fn spill(self: &Arc<Self>, store: Store) -> Result<Spilled> {
        let store = store.with_own_values();
        let columns = store.columns.iter().map(|column| Some((column.kind.clone(), Form::of(&column.held)?)));
        let columns = columns.collect::<Option<Vec<_>>>().ok_or_else(fault)?;
        let people = (store.people.persons.len(), store.people.takers.width());
        let mut spilled = Spilled { file: Arc::clone(self), start: 0, rows: store.rows, columns, people };
        let length = spilled.bytes();
        spilled.start = self.end.fetch_add(length, Ordering::Relaxed);
        let mut out = Writer { file: operation::open_kept(&self.path)?, of: self, bytes: Vec::new(), written: 0 };
        out.file.seek(SeekFrom::Start(spilled.start)).map_err(|e| Error::writing("spill to", self.path.clone(), e))?;
        for column in &store.columns {
            out.column(&column.held)?;
        }
        out.all(&store.people.persons, u32::to_le_bytes)?;
        out.all(store.people.takers.bytes(), u8::to_le_bytes)?;
        if out.written == length { Ok(spilled) } else { Err(fault()) }
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        if self.is_begun() {
            // Scratch is swept as a whole later; a file that cannot be removed now is no loss.
            operation::remove(&self.path).ok();
        }
    }
}

fn fault() -> Error {
    Error::Internal("rows that wait cannot be spilled as they are".to_owned())
}

fn damaged() -> std::io::Error {
    std::io::ErrorKind::InvalidData.into()
}

/// A store that was spilled.
#[derive(Debug)]
pub struct Spilled {
    file: Arc<SpillFile>,
    start: u64,
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

impl Spilled {
    /// The bytes that it takes in memory, and in its file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let columns: usize = self.columns.iter().map(|(_, form)| form.bytes(self.rows)).sum();
        u64::try_from(columns + self.people.0 * (4 + self.people.1)).unwrap_or(u64::MAX)
    }

    /// Reads the store back.
    pub(super) fn read(&self) -> Result<Store> {
        let failed = |e| Error::writing("read back from", self.file.path.clone(), e);
        let mut file = operation::open(&self.file.path).map_err(failed)?;
        file.seek(SeekFrom::Start(self.start)).map_err(failed)?;
        let mut from = Reader { file, bytes: Vec::new() };
        let mut read = || -> std::io::Result<Store> {
            let mut columns = Vec::with_capacity(self.columns.len());
            for (kind, form) in &self.columns {
                columns.push(Column { kind: kind.clone(), held: from.column(*form, self.rows)? });
            }
            let (persons, width) = self.people;
            let takers = persons * width;
            let persons = from.all(persons, u32::from_le_bytes)?;
            let takers = Marks::of_bytes(width, from.all(takers, u8::from_le_bytes)?);
            Ok(Store { columns, rows: self.rows, people: People { persons, takers } })
        };
        read().map_err(failed)
    }
}

/// A store on its way to the file.
struct Writer<'a> {
    file: File,
    of: &'a SpillFile,
    bytes: Vec<u8>,
    written: u64,
}

impl Writer<'_> {
    fn all<T: Copy, const N: usize>(&mut self, cells: &[T], bytes: impl Fn(T) -> [u8; N]) -> Result<()> {
        for piece in cells.chunks(PIECE / N) {
            self.bytes.resize(piece.len() * N, 0);
            self.bytes.as_chunks_mut().0.iter_mut().zip(piece).for_each(|(to, cell)| *to = bytes(*cell));
            operation::write_all(&mut self.file, &self.of.path, &self.bytes)?;
            self.written += u64::try_from(self.bytes.len()).unwrap_or(0);
        }
        Ok(())
    }

    fn column(&mut self, held: &Held) -> Result<()> {
        match held {
            Held::Numbered { numbers, values } => {
                match numbers {
                    Numbers::One(all) => self.all(all, u8::to_le_bytes)?,
                    Numbers::Two(all) => self.all(all, u16::to_le_bytes)?,
                    Numbers::Four(all) => self.all(all, u32::to_le_bytes)?,
                }
                match values.as_ref() {
                    Distinct::Words(words) => self.all(words, u64::to_le_bytes),
                    Distinct::Strings(strings) => {
                        self.all(strings.ends(), |end| u64::try_from(end).unwrap_or(0).to_le_bytes())?;
                        self.all(strings.bytes(), u8::to_le_bytes)
                    }
                }
            }
            Held::Plain { words, valid } => {
                self.all(words, u64::to_le_bytes)?;
                match valid {
                    Some(valid) => self.all(valid.sliced().as_slice(), u8::to_le_bytes),
                    None => Ok(()),
                }
            }
            Held::Beside { .. } => Err(fault()),
        }
    }
}

/// A store on its way back.
struct Reader {
    file: File,
    bytes: Vec<u8>,
}

impl Reader {
    fn all<T, const N: usize>(&mut self, count: usize, of: impl Fn([u8; N]) -> T) -> std::io::Result<Vec<T>> {
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            let piece = (count - all.len()).min(PIECE / N);
            self.bytes.resize(piece * N, 0);
            self.file.read_exact(&mut self.bytes)?;
            all.extend(self.bytes.as_chunks().0.iter().map(|bytes| of(*bytes)));
        }
        Ok(all)
    }

    /// So many numbers of so many bytes each; none is above `most`.
    fn numbers(&mut self, rows: usize, width: usize, most: usize) -> std::io::Result<Numbers> {
        let numbers = match width {
            1 => Numbers::One(self.all(rows, u8::from_le_bytes)?),
            2 => Numbers::Two(self.all(rows, u16::from_le_bytes)?),
            _ => Numbers::Four(self.all(rows, u32::from_le_bytes)?),
        };
        if numbers.most() as usize <= most { Ok(numbers) } else { Err(damaged()) }
    }

    fn column(&mut self, form: Form, rows: usize) -> std::io::Result<Held> {
        Ok(match form {
            Form::Words { width, values } => {
                let numbers = self.numbers(rows, width, values)?;
                Held::Numbered { numbers, values: Arc::new(Distinct::Words(self.all(values, u64::from_le_bytes)?)) }
            }
            Form::Strings { width, values, bytes } => {
                let numbers = self.numbers(rows, width, values)?;
                let end = |bytes| usize::try_from(u64::from_le_bytes(bytes)).unwrap_or(usize::MAX);
                let ends = self.all(values, end)?;
                let strings = Strings::of(self.all(bytes, u8::from_le_bytes)?, ends).ok_or_else(damaged)?;
                Held::Numbered { numbers, values: Arc::new(Distinct::Strings(strings)) }
            }
            Form::Plain { told } => {
                let words = self.all(rows, u64::from_le_bytes)?;
                let bits = |bytes| BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows);
                let valid = told.then(|| self.all(rows.div_ceil(8), u8::from_le_bytes)).transpose()?.map(bits);
                Held::Plain { words, valid }
            }
        })
    }
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
        let file = SpillFile::new(path.clone());
        assert!(!file.is_begun());
        let whole = file.spill(store()).unwrap();
        let years: Vec<Option<i16>> = (0..ROWS).map(|row| [Some(2019), None, Some(2017)][row / 1_000 % 3]).collect();
        // Cut into years, each has the values of its own rows alone, and several workers spill at a time.
        let parts: Vec<Store> = store().split(&years).unwrap().into_iter().map(|(_, part)| part).collect();
        let again: Vec<Store> = store().split(&years).unwrap().into_iter().map(|(_, part)| part).collect();
        let of_years: Vec<Spilled> = std::thread::scope(|scope| {
            let spill = |part| scope.spawn(|| file.spill(part).unwrap());
            let spilling: Vec<_> = parts.into_iter().map(spill).collect();
            spilling.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(of_years.iter().map(Spilled::bytes).sum::<u64>() < whole.bytes() * 11 / 10);
        assert_eq!(path.metadata().unwrap().len(), whole.bytes() + of_years.iter().map(Spilled::bytes).sum::<u64>());
        same(&whole.read().unwrap(), &store());
        for (spilled, part) in of_years.iter().zip(&again) {
            same(&spilled.read().unwrap(), part);
        }
        drop(file);
        drop(of_years);
        assert!(path.exists());
        drop(whole);
        assert!(!path.exists(), "the file goes with the last store");
    }

    #[test]
    fn a_file_that_was_cut_or_changed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let file = SpillFile::new(path.clone());
        let mut builder = StoreBuilder::default();
        builder.append(2, &[Arc::new(StringViewArray::from(vec!["a", "bc"]))], None).unwrap();
        let spilled = file.spill(builder.finish()).unwrap();
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
