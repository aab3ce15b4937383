//! Rows side by side: what a row holds stands in adjacent bytes.
//!
//! A table takes its rows in an order that has nothing to do with that of the store. Where columns are longer than a core's
//! cache, each cell would be a look at far memory; here it is one a row.

use super::gather::Pick;
use super::numbers::Numbers;
use super::store::{Column, Held, People, Store};
use arrow::array::BooleanBufferBuilder;
use std::sync::Arc;

/// Rows of a store from which on it is worth the while.
pub(super) const FROM_ROWS: usize = 1 << 20;

/// How a number or a word is stored: at which byte of its row, in how many bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    offset: usize,
    width: usize,
}

/// Rows of equal length.
#[derive(Debug)]
pub(super) struct Records {
    stride: usize,
    bytes: Vec<u8>,
}

impl Records {
    #[inline]
    pub(super) fn at(&self, row: usize, Place { offset, width }: Place) -> u64 {
        let start = row * self.stride + offset;
        let bytes = &self.bytes[start..start + width];
        match width {
            1 => bytes[0].into(),
            2 => u16::from_le_bytes([bytes[0], bytes[1]]).into(),
            4 => bytes.first_chunk().copied().map_or(0, u32::from_le_bytes).into(),
            _ => bytes.first_chunk().copied().map_or(0, u64::from_le_bytes),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.bytes.len() / self.stride.max(1)
    }

    pub(super) fn heap(&self) -> usize {
        self.bytes.len()
    }
}

/// Rows that are filled part by part, block by block.
pub(super) struct RecordsBuilder {
    records: Records,
    /// How many rows are full.
    full: usize,
}

/// Rows that are filled at a time: they stay near meanwhile.
const BLOCK: usize = 2048;

/// What fills a place of some rows.
pub(super) enum Filling<'a> {
    /// Numbers, each by what the map says of it.
    Numbers(&'a Numbers, &'a [u32]),
    /// The words of a column.
    Words(&'a Column),
    /// Whether the cells of a column are there.
    Present(&'a Column),
}

impl RecordsBuilder {
    /// Room for so many rows, with places of these widths one after the other: 1, 2, 4 or 8 bytes.
    pub(super) fn new(rows: usize, widths: &[usize]) -> (Self, Vec<Place>) {
        let offset = |index: usize| widths[..index].iter().sum();
        let places = widths.iter().enumerate().map(|(index, width)| Place { offset: offset(index), width: *width });
        let (places, stride) = (places.collect(), offset(widths.len()));
        let bytes = vec![0; rows * stride];
        (Self { records: Records { stride, bytes }, full: 0 }, places)
    }

    /// Fills the next rows: each place with what belongs there.
    pub(super) fn part(&mut self, rows: usize, fillings: &[(Place, Filling<'_>)]) {
        let stride = self.records.stride.max(1);
        let here = self.records.bytes.get_mut(self.full * stride..(self.full + rows) * stride).unwrap_or_default();
        for (block, bytes) in here.chunks_mut(BLOCK * stride).enumerate() {
            for (place, filling) in fillings {
                filling.put(*place, block * BLOCK, stride, bytes);
            }
        }
        self.full += rows;
    }

    pub(super) fn finish(self) -> Arc<Records> {
        Arc::new(self.records)
    }
}

impl Filling<'_> {
    /// Puts the cells from a row on where they belong.
    fn put(&self, place: Place, from: usize, stride: usize, bytes: &mut [u8]) {
        match self {
            Self::Numbers(Numbers::One(all), map) => put(place, &all[from..], |n| map[usize::from(*n)], stride, bytes),
            Self::Numbers(Numbers::Two(all), map) => put(place, &all[from..], |n| map[usize::from(*n)], stride, bytes),
            Self::Numbers(Numbers::Four(all), map) => put(place, &all[from..], |n| map[*n as usize], stride, bytes),
            Self::Words(column) => {
                for (row, record) in bytes.chunks_exact_mut(stride).enumerate() {
                    write(place, column.word(from + row), record);
                }
            }
            Self::Present(column) => {
                for (row, record) in bytes.chunks_exact_mut(stride).enumerate() {
                    write(place, column.is_present(from + row).into(), record);
                }
            }
        }
    }
}

/// Puts numbers into adjacent rows.
#[inline]
fn put<N>(place: Place, numbers: &[N], mapped: impl Fn(&N) -> u32, stride: usize, bytes: &mut [u8]) {
    let Place { offset, width } = place;
    let rows = bytes.chunks_exact_mut(stride).zip(numbers);
    match width {
        1 => rows.for_each(|(record, n)| record[offset] = mapped(n).to_le_bytes()[0]),
        2 => rows.for_each(|(record, n)| record[offset..offset + 2].copy_from_slice(&mapped(n).to_le_bytes()[..2])),
        _ => rows.for_each(|(record, n)| record[offset..offset + 4].copy_from_slice(&mapped(n).to_le_bytes())),
    }
}

fn write(Place { offset, width }: Place, word: u64, record: &mut [u8]) {
    record[offset..offset + width].copy_from_slice(&word.to_le_bytes()[..width]);
}

/// Rows that are gathered together, so that the memory is asked for all of them before it is needed for one.
const TOGETHER: usize = 64;

/// A column on its way out of records.
enum Gathering {
    One(Place, Vec<u8>),
    Two(Place, Vec<u16>),
    Four(Place, Vec<u32>),
    Words(Place, Vec<u64>),
    Present(Place, BooleanBufferBuilder),
}

impl Gathering {
    fn of(place: Place, rows: usize) -> Self {
        match place.width {
            1 => Self::One(place, Vec::with_capacity(rows)),
            2 => Self::Two(place, Vec::with_capacity(rows)),
            4 => Self::Four(place, Vec::with_capacity(rows)),
            _ => Self::Words(place, Vec::with_capacity(rows)),
        }
    }

    fn take(&mut self, records: &Records, rows: &[Pick]) {
        let bytes = |place: &Place, pick: &Pick| {
            let start = pick.row as usize * records.stride + place.offset;
            &records.bytes[start..start + place.width]
        };
        match self {
            Self::One(place, out) => out.extend(rows.iter().map(|pick| bytes(place, pick)[0])),
            Self::Two(place, out) => out.extend(
                rows.iter().map(|pick| bytes(place, pick).first_chunk().copied().map_or(0, u16::from_le_bytes)),
            ),
            Self::Four(place, out) => out.extend(
                rows.iter().map(|pick| bytes(place, pick).first_chunk().copied().map_or(0, u32::from_le_bytes)),
            ),
            Self::Words(place, out) => out.extend(
                rows.iter().map(|pick| bytes(place, pick).first_chunk().copied().map_or(0, u64::from_le_bytes)),
            ),
            Self::Present(place, out) => rows.iter().for_each(|pick| out.append(bytes(place, pick)[0] != 0)),
        }
    }
}

impl Store {
    /// Some columns of picked rows, in the order of the picks, as a store of their own; `None` where this one does not hold
    /// its rows side by side.
    pub(super) fn gathered(&self, columns: &[usize], picks: &[Pick]) -> Option<Self> {
        let all: Vec<&Column> = columns.iter().map(|index| self.columns.get(*index)).collect::<Option<_>>()?;
        let mut records: Option<&Arc<Records>> = None;
        let mut gathering = Vec::with_capacity(all.len());
        for column in &all {
            let (of, place, present) = column.beside()?;
            if records.is_some_and(|records| !Arc::ptr_eq(records, of)) {
                return None;
            }
            records = Some(of);
            gathering.push(Gathering::of(place, picks.len()));
            gathering.extend(present.map(|place| Gathering::Present(place, BooleanBufferBuilder::new(picks.len()))));
        }
        let records = records?;
        for picks in picks.chunks(TOGETHER) {
            let start = |pick: &Pick| pick.row as usize * records.stride;
            let touched = picks.iter().fold(0, |all, pick| {
                all ^ records.bytes[start(pick)] ^ records.bytes[start(pick) + records.stride - 1]
            });
            std::hint::black_box(touched);
            gathering.iter_mut().for_each(|column| column.take(records, picks));
        }
        let mut gathered = gathering.into_iter().peekable();
        let columns = all.into_iter().map(|column| {
            let kind = column.kind.clone();
            let held = match (gathered.next()?, &column.held) {
                (Gathering::Words(_, words), _) => {
                    let valid = match gathered.next_if(|next| matches!(next, Gathering::Present(..))) {
                        Some(Gathering::Present(_, mut valid)) => Some(valid.finish()),
                        _ => None,
                    };
                    Held::Plain { words, valid }
                }
                (Gathering::One(_, all), Held::Beside { values: Some(values), .. }) => {
                    Held::Numbered { numbers: Numbers::One(all), values: Arc::clone(values) }
                }
                (Gathering::Two(_, all), Held::Beside { values: Some(values), .. }) => {
                    Held::Numbered { numbers: Numbers::Two(all), values: Arc::clone(values) }
                }
                (Gathering::Four(_, all), Held::Beside { values: Some(values), .. }) => {
                    Held::Numbered { numbers: Numbers::Four(all), values: Arc::clone(values) }
                }
                _ => return None,
            };
            Some(Column { kind, held })
        });
        Some(Self { columns: columns.collect::<Option<_>>()?, rows: picks.len(), people: People::default() })
    }
}
