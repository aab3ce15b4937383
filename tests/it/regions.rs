//! Where the parts of a Parquet file lie, and ways of damaging them. Page headers are walked by a small reader of thrift's
//! compact protocol, since no library tells where a header ends and its page begins.

use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use std::ops::Range;

/// A part of a file: what it is, and its bytes.
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) range: Range<usize>,
}

/// What a page header says.
#[derive(Debug, Default)]
struct PageHeader {
    /// 0 data, 2 dictionary, 3 data of version 2.
    kind: i64,
    compressed: usize,
    uncompressed: usize,
    /// Of version 2: bytes of levels.
    levels: usize,
    /// Bytes of the header itself.
    length: usize,
}

/// A reader of thrift's compact protocol, as much of it as page headers use.
struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Thrift<'_> {
    fn byte(&mut self) -> u8 {
        self.at += 1;
        self.bytes[self.at - 1]
    }

    fn varint(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return value;
            }
            shift += 7;
        }
    }

    fn number(&mut self) -> i64 {
        let raw = self.varint();
        i64::try_from(raw >> 1).unwrap() ^ -i64::try_from(raw & 1).unwrap()
    }

    /// A struct; each number in it is told with the fields on the way to it.
    fn fields(&mut self, path: &mut Vec<i64>, tell: &mut dyn FnMut(&[i64], i64)) {
        let mut id = 0;
        loop {
            let head = self.byte();
            if head == 0 {
                return;
            }
            id = if head >> 4 == 0 { self.number() } else { id + i64::from(head >> 4) };
            path.push(id);
            match head & 15 {
                1 | 2 => {}
                3 => drop(self.byte()),
                4..=6 => {
                    let number = self.number();
                    tell(path, number);
                }
                8 => {
                    let length = usize::try_from(self.varint()).unwrap();
                    self.at += length;
                }
                12 => self.fields(path, tell),
                other => panic!("a page header has no field of type {other}"),
            }
            path.pop();
        }
    }
}

fn page_header(bytes: &[u8]) -> PageHeader {
    let (mut header, mut levels) = (PageHeader::default(), 0);
    let mut reader = Thrift { bytes, at: 0 };
    reader.fields(&mut Vec::new(), &mut |path, number| match path {
        [1] => header.kind = number,
        [2] => header.uncompressed = usize::try_from(number).unwrap(),
        [3] => header.compressed = usize::try_from(number).unwrap(),
        [8, 5 | 6] => levels += usize::try_from(number).unwrap(),
        _ => {}
    });
    PageHeader { length: reader.at, levels, ..header }
}

/// All parts of a file, in order; every byte lies in one of them.
pub(crate) fn regions(bytes: &[u8]) -> Vec<Region> {
    let shared = bytes::Bytes::copy_from_slice(bytes);
    let metadata = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = metadata.parse_and_finish(&shared).unwrap();
    let mut regions = vec![Region { name: "magic", range: 0..4 }];
    let mut push = |name, start: usize, length: usize| {
        if length > 0 {
            regions.push(Region { name, range: start..start + length });
        }
    };
    let part = |offset: Option<i64>, length: Option<i32>| {
        Some((usize::try_from(offset?).ok()?, usize::try_from(length?).ok()?))
    };
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let (start, length) = column.byte_range();
        let (mut at, end) = (usize::try_from(start).unwrap(), usize::try_from(start + length).unwrap());
        while at < end {
            let header = page_header(&bytes[at..]);
            push("page header", at, header.length);
            at += header.length;
            let optional = column.column_descr().max_def_level() > 0;
            // Levels of version 1 stand in front of the values, told apart only where the page is not compressed.
            let levels = match header.kind {
                0 if optional && header.compressed == header.uncompressed => {
                    4 + usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
                }
                3 => header.levels,
                _ => 0,
            };
            let levels = if levels > header.compressed { 0 } else { levels };
            push("levels", at, levels);
            push(if header.kind == 2 { "dictionary" } else { "data" }, at + levels, header.compressed - levels);
            at += header.compressed;
        }
        for (name, range) in [
            ("column index", part(column.column_index_offset(), column.column_index_length())),
            ("offset index", part(column.offset_index_offset(), column.offset_index_length())),
            ("bloom filter", part(column.bloom_filter_offset(), column.bloom_filter_length())),
        ] {
            if let Some((start, length)) = range {
                push(name, start, length);
            }
        }
    }
    let tail = bytes.len() - 8;
    let footer = usize::try_from(u32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap())).unwrap();
    push("footer", tail - footer, footer);
    push("footer length", tail, 4);
    push("magic", tail + 4, 4);
    regions.sort_by_key(|region| region.range.start);
    let mut covered = 0;
    for region in &regions {
        assert_eq!(region.range.start, covered, "the map has a hole before {}", region.name);
        covered = region.range.end;
    }
    assert_eq!(covered, bytes.len(), "the map ends before the file");
    regions
}

/// A way of damaging a part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    FlipABit,
    ZeroARun,
    Truncate,
    Extend,
    Swap,
}

/// All ways.
pub(crate) const DAMAGES: [Damage; 5] =
    [Damage::FlipABit, Damage::ZeroARun, Damage::Truncate, Damage::Extend, Damage::Swap];

/// A source of numbers that is the same every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// The bytes with one part of them damaged; `None` where that changes nothing.
pub(crate) fn damaged(bytes: &[u8], range: &Range<usize>, damage: Damage, dice: &mut Dice) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    let at = range.start + dice.below(range.len());
    match damage {
        Damage::FlipABit => out[at] ^= 1 << dice.below(8),
        Damage::ZeroARun => {
            let end = range.end.min(at + 1 + dice.below(16));
            out[at..end].fill(0);
        }
        // The file ends here, or loses this byte alone.
        Damage::Truncate if dice.below(2) == 0 => out.truncate(at),
        Damage::Truncate => drop(out.remove(at)),
        Damage::Extend => {
            let byte = u8::try_from(dice.below(256)).unwrap();
            out.insert(at, byte);
        }
        Damage::Swap => {
            let other = range.start + dice.below(range.len());
            out.swap(at, other);
        }
    }
    (out != bytes).then_some(out)
}
