//! One column chunk: a dictionary and small numbers where few values recur, else the values as they are.
//!
//! What a chunk looks like depends on its rows alone: neither on how they came here nor on who else is written.

use super::codes::Codes;
use super::dictionary::{Dictionary, MOST_NUMBERS, plain, texts};
use super::gather::{Pick, RowSet};
use super::numbers::Numbers;
use super::paged::{Chunk, Pages, Press};
use super::pages;
use super::store::{Column, Value};
use super::values::Strings;
use crate::vocab::{Error, Result};
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::basic::{Encoding, Type as Physical};
use parquet::schema::types::ColumnDescPtr;
use std::sync::Mutex;

/// Rows of a page.
const PAGE_ROWS: usize = 64 * 1024;
/// Encodes chunks, one after the other; its buffers serve them all.
pub(crate) struct Encoder {
    press: Press,
    numbers: Vec<u16>,
    seen: Vec<u16>,
    spans: Vec<(usize, usize)>,
    present: Vec<u16>,
    words: Vec<u64>,
    body: Vec<u8>,
    page: Vec<u8>,
    rising: pages::Rising,
}

/// Encoders that nobody uses now: their buffers are large enough already.
#[derive(Default)]
pub struct Encoders(Mutex<Vec<Encoder>>);

impl Encoders {
    pub(super) fn take(&self) -> Result<Encoder> {
        let idle = self.0.lock().ok().and_then(|mut idle| idle.pop());
        idle.map_or_else(Encoder::new, Ok)
    }

    pub(super) fn give(&self, encoder: Encoder) {
        if let Ok(mut idle) = self.0.lock() {
            idle.push(encoder);
        }
    }
}

/// The rows of a chunk: picks, and where there is but one part, their rows in it.
#[derive(Clone, Copy)]
pub(crate) struct Picked<'a> {
    pub(crate) picks: &'a [Pick],
    pub(crate) rows: Option<&'a [u32]>,
}

fn fault() -> Error {
    Error::Internal("a column cannot be encoded".to_owned())
}

impl Encoder {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            press: Press::new()?,
            numbers: Vec::new(),
            seen: Vec::new(),
            spans: Vec::new(),
            present: Vec::new(),
            words: Vec::new(),
            body: Vec::new(),
            page: Vec::new(),
            rising: pages::Rising::default(),
        })
    }

    /// Takes the room of a chunk back that was written.
    pub(super) fn reuse(&mut self, chunk: Bytes) {
        self.press.reuse(chunk);
    }

    /// The chunk of `person_id`s: they rise.
    pub(crate) fn ids(&mut self, ranks: &[u32], ids: &[[u8; 16]], of: &ColumnDescPtr) -> Result<Chunk> {
        let mut pages = Pages::new(&mut self.press, Encoding::DELTA_BYTE_ARRAY);
        for ranks in ranks.chunks(PAGE_ROWS) {
            let page = pages::rising(ranks, ids, &mut self.rising)
                .ok_or_else(|| Error::Internal("a rank without a pseudonym".to_owned()))?;
            pages.data(page, ranks.len())?;
        }
        pages.close(of)
    }

    /// The chunk of a column of one text.
    pub(super) fn constant(&mut self, text: &str, rows: usize, of: &ColumnDescPtr) -> Result<Chunk> {
        let mut pages = Pages::new(&mut self.press, Encoding::RLE_DICTIONARY);
        self.page.clear();
        plain(Value::String(text.as_bytes()), of, &mut self.page);
        pages.dictionary(&self.page, 1)?;
        let mut start = 0;
        while start < rows {
            let count = PAGE_ROWS.min(rows - start);
            self.page.clear();
            pages::repeated(count, &mut self.page);
            pages.data(&self.page, count)?;
            start += count;
        }
        pages.close(of)
    }

    /// The chunk of a column of some rows of a set. What is missing or no code of the catalogue's is counted.
    pub(crate) fn column(
        &mut self,
        set: &RowSet,
        column: usize,
        picked: Picked<'_>,
        of: &ColumnDescPtr,
        codes: &mut Codes,
    ) -> Result<Chunk> {
        let parts = set.columns(column).ok_or_else(fault)?;
        // Two values are always few.
        let boolean = of.physical_type() == Physical::BOOLEAN;
        let most = if boolean { 2 } else { MOST_NUMBERS.min(1 + picked.picks.len() / 2) };
        let Some(dictionary) = Dictionary::of(set, &parts, picked, most, &mut self.numbers, &mut self.seen) else {
            if let ([column], Some(rows)) = (parts.as_slice(), picked.rows)
                && !codes.are_listed()
            {
                if column.has_words() {
                    return self.words(column, rows, of, codes);
                }
                let texts = column.numbered_texts().filter(|_| of.physical_type() == Physical::BYTE_ARRAY);
                if let Some(texts) = texts {
                    return self.texts(texts, rows, of, codes);
                }
            }
            return self.plain(set, &parts, picked.picks, of, codes);
        };
        let nullable = of.max_def_level() > 0;
        codes.look(&self.numbers, dictionary.len(), |index| dictionary.value(index), &kind_of(&parts));
        let encoding = if boolean { Encoding::PLAIN } else { Encoding::RLE_DICTIONARY };
        let mut pages = Pages::new(&mut self.press, encoding);
        if !boolean {
            self.page.clear();
            dictionary.page(of, &mut self.spans, &mut self.page);
            pages.dictionary(&self.page, dictionary.len())?;
        }
        let is_true = [0, 1].map(|index| u16::from(dictionary.value(index) == Value::Word(1)));
        let width = pages::width_of(dictionary.len().saturating_sub(1));
        for numbers in self.numbers.chunks_mut(PAGE_ROWS) {
            self.page.clear();
            let present = numbers.iter().filter(|number| **number != 0).count();
            codes.miss(numbers.len() - present);
            if nullable && present == numbers.len() {
                pages::all_present(present, &mut self.page);
            } else if nullable {
                self.present.clear();
                self.present.extend(numbers.iter().map(|number| u16::from(*number != 0)));
                pages::levels(&self.present, &mut self.page);
            } else if present < numbers.len() {
                return Err(fault());
            }
            // Those that are there move to the front; a dictionary's own numbers begin at 0.
            let all = numbers.len();
            if present == all {
                numbers.iter_mut().for_each(|number| *number = number.wrapping_sub(1));
            } else {
                let mut next = 0;
                for at in 0..all {
                    let number = numbers[at];
                    numbers[next] = number.wrapping_sub(1);
                    next += usize::from(number != 0);
                }
            }
            let numbers = &mut numbers[..present];
            if boolean {
                numbers.iter_mut().for_each(|number| *number = is_true[usize::from(*number & 1)]);
                pages::flags(numbers, &mut self.page);
            } else {
                pages::numbers(numbers, width, &mut self.page);
            }
            pages.data(&self.page, all)?;
        }
        pages.close(of)
    }

    /// The chunk of a column of one part that has words and no codes: the same as `plain` would make.
    fn words(&mut self, column: &Column, rows: &[u32], of: &ColumnDescPtr, codes: &mut Codes) -> Result<Chunk> {
        let mut pages = Pages::new(&mut self.press, Encoding::PLAIN);
        for rows in rows.chunks(PAGE_ROWS) {
            let (words, present) = (&mut self.words, &mut self.present);
            column.words(rows, words, present);
            if words.len() != rows.len() {
                return Err(fault());
            }
            self.page.clear();
            start(present, of, codes, &mut self.page)?;
            match of.physical_type() {
                Physical::INT32 | Physical::FLOAT => pages::words::<4>(words, present, &mut self.page),
                _ => pages::words::<8>(words, present, &mut self.page),
            }
            pages.data(&self.page, rows.len())?;
        }
        pages.close(of)
    }

    /// The chunk of a column of one part that has texts and no codes: the same as `plain` would make.
    fn texts(
        &mut self,
        (numbers, strings): (&Numbers, &Strings),
        rows: &[u32],
        of: &ColumnDescPtr,
        codes: &mut Codes,
    ) -> Result<Chunk> {
        let mut pages = Pages::new(&mut self.press, Encoding::PLAIN);
        for rows in rows.chunks(PAGE_ROWS) {
            let number = |row: &u32| numbers.at(*row as usize) as usize;
            self.present.clear();
            self.present.extend(rows.iter().map(|row| u16::from(number(row) != 0)));
            self.page.clear();
            start(&self.present, of, codes, &mut self.page)?;
            let present = rows.iter().filter_map(|row| number(row).checked_sub(1));
            texts(strings, present, &mut self.spans, &mut self.page);
            pages.data(&self.page, rows.len())?;
        }
        pages.close(of)
    }

    fn plain(
        &mut self,
        set: &RowSet,
        parts: &[&Column],
        picks: &[Pick],
        of: &ColumnDescPtr,
        codes: &mut Codes,
    ) -> Result<Chunk> {
        let (nullable, kind) = (of.max_def_level() > 0, kind_of(parts));
        let mut pages = Pages::new(&mut self.press, Encoding::PLAIN);
        for picks in picks.chunks(PAGE_ROWS) {
            self.present.clear();
            self.body.clear();
            for pick in picks {
                let (part, row) = set.locate(pick.row);
                let value = parts.get(part).map_or(Value::Missing, |column| column.value(row));
                codes.see(value, &kind);
                self.present.push(u16::from(value != Value::Missing));
                plain(value, of, &mut self.body);
            }
            self.page.clear();
            if nullable {
                pages::levels(&self.present, &mut self.page);
            } else if self.present.contains(&0) {
                return Err(fault());
            }
            self.page.extend_from_slice(&self.body);
            pages.data(&self.page, picks.len())?;
        }
        pages.close(of)
    }
}

/// Begins a page of plain values with what says which rows have one, and counts those that have none.
fn start(present: &[u16], of: &ColumnDescPtr, codes: &mut Codes, page: &mut Vec<u8>) -> Result<()> {
    let missing = present.iter().filter(|present| **present == 0).count();
    codes.miss(missing);
    match of.max_def_level() {
        0 if missing > 0 => return Err(fault()),
        0 => {}
        _ => pages::levels(present, page),
    }
    Ok(())
}

fn kind_of(parts: &[&Column]) -> DataType {
    parts.first().map_or(DataType::Null, |c| c.kind.clone())
}
