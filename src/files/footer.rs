//! Whether a Parquet footer may be given to a reader at all. Readers make room for what a footer claims before they see
//! whether it is there, and follow its schema by recursion: a footer of thirty bytes can so end the process, and with it
//! all projects, where no error and no panic can be caught. So its form is walked first, and nothing is believed.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};

/// No footer is larger.
const LARGEST: u64 = 256 << 20;
/// Structs and lists in one another: a footer needs six.
const DEEPEST: u32 = 24;
/// Groups in one another in the schema.
const DEEPEST_SCHEMA: usize = 64;
/// The fewest bytes of a struct in a list: one field of two bytes, and its end.
const SMALLEST: usize = 3;

/// Whether the footer at the end of a file is one whose claims its own bytes bear out.
///
/// # Errors
/// The file cannot be read.
pub fn footer_is_sound(mut file: &File) -> Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    if length < 12 {
        return Ok(false);
    }
    let mut tail = [0; 8];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut tail)?;
    let [a, b, c, d, magic @ ..] = tail;
    let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
    if magic != *b"PAR1" || footer > LARGEST || footer + 12 > length {
        return Ok(false);
    }
    let mut bytes = vec![0; usize::try_from(footer).unwrap_or(0)];
    file.seek(SeekFrom::Start(length - 8 - footer))?;
    file.read_exact(&mut bytes)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(sound(&bytes))
}

/// Whether a column chunk may be given to a reader, which makes room for every value that a dictionary claims. `start` is
/// where its first page begins, `raw` whether its pages are not compressed.
///
/// # Errors
/// The file cannot be read.
pub fn dictionary_is_sound(mut file: &File, start: u64, raw: bool) -> Result<bool> {
    const DICTIONARY: u64 = 2;
    // No header of a dictionary is longer; one of data may be, and is not judged.
    let mut bytes = Vec::with_capacity(128);
    file.seek(SeekFrom::Start(start))?;
    file.take(128).read_to_end(&mut bytes)?;
    Ok(match page(&bytes) {
        Some([DICTIONARY, uncompressed, compressed, values]) => values <= if raw { compressed } else { uncompressed },
        _ => true,
    })
}

/// Of the header of a dictionary page: its type, its bytes uncompressed and compressed, its values.
fn page(bytes: &[u8]) -> Option<[u64; 4]> {
    let mut walk = Walk { bytes, open: Vec::new(), deepest: 0 };
    let (mut id, mut found) = (0_u64, [0; 4]);
    loop {
        let head = walk.byte()?;
        id = match head >> 4 {
            _ if head == 0 => return Some(found),
            0 => walk.varint()? >> 1,
            step => id.checked_add(u64::from(step))?,
        };
        match (id, head & 15) {
            (1..=3, 5) => *found.get_mut(usize::try_from(id).ok()? - 1)? = walk.varint()? >> 1,
            // The first field of a dictionary's own header.
            (7, 12) if walk.bytes.first() == Some(&0x15) => {
                walk.byte()?;
                found[3] = walk.varint()? >> 1;
                // What follows is of no interest, and may be cut off.
                return Some(found);
            }
            (_, kind) => walk.value(kind, 0)?,
        }
    }
}

/// Whether a struct in thrift's compact form, a page index for instance, claims no more than its own bytes bear out.
#[must_use]
pub fn thrift_is_sound(bytes: &[u8]) -> bool {
    let mut walk = Walk { bytes, open: Vec::new(), deepest: 0 };
    walk.structure(0, Part::Other).is_some()
}

fn sound(bytes: &[u8]) -> bool {
    let mut walk = Walk { bytes, open: vec![1], deepest: 0 };
    walk.structure(0, Part::Footer).is_some() && walk.deepest <= DEEPEST_SCHEMA
}

/// Which struct is walked: of most only the form counts.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Footer,
    SchemaElement,
    Other,
}

/// A walk over thrift's compact form.
struct Walk<'a> {
    bytes: &'a [u8],
    /// Of the groups of the schema that are open: how many members are still to come.
    open: Vec<u64>,
    deepest: usize,
}

impl Walk<'_> {
    fn take(&mut self, n: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(n)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A struct to its end.
    fn structure(&mut self, depth: u32, part: Part) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let (mut id, mut children) = (0_u64, 0);
        loop {
            let head = self.byte()?;
            if head == 0 {
                break;
            }
            id = match head >> 4 {
                0 => self.varint()? >> 1,
                step => id.checked_add(u64::from(step))?,
            };
            match (part, id, head & 15) {
                // `num_children`, zigzag.
                (Part::SchemaElement, 5, 5) => children = self.varint()? >> 1,
                (Part::Footer, 2, 9) => self.list(depth + 1, Part::SchemaElement)?,
                (_, _, kind) => self.value(kind, depth)?,
            }
        }
        if part == Part::SchemaElement { self.schema_element(children) } else { Some(()) }
    }

    /// Follows the tree that the schema's elements, depth first, are.
    fn schema_element(&mut self, children: u64) -> Option<()> {
        while self.open.last() == Some(&0) {
            self.open.pop();
        }
        // Elements beyond the tree harm nobody: the reader tells them.
        if let Some(left) = self.open.last_mut() {
            *left -= 1;
            self.open.push(children);
            self.deepest = self.deepest.max(self.open.len());
        }
        (self.deepest <= DEEPEST_SCHEMA).then_some(())
    }

    /// The value of a field, or a member of a list.
    fn value(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            // Of a field a truth value is its type.
            1 | 2 => Some(()),
            3 => self.take(1).map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.take(8).map(drop),
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length).map(drop)
            }
            9 | 10 => self.list(depth + 1, Part::Other),
            12 => self.structure(depth + 1, Part::Other),
            13 => self.take(16).map(drop),
            // Maps stand in no footer.
            _ => None,
        }
    }

    /// A list: what it claims must fit into the bytes that are left.
    fn list(&mut self, depth: u32, part: Part) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let head = self.byte()?;
        let claimed = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        let kind = head & 15;
        let smallest = if kind == 12 { SMALLEST } else { 1 };
        let claimed = usize::try_from(claimed).ok().filter(|n| *n <= self.bytes.len() / smallest)?;
        for _ in 0..claimed {
            match kind {
                1 | 2 => self.take(1).map(drop)?,
                12 => self.structure(depth, part)?,
                kind => self.value(kind, depth)?,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list, as field 2 of a footer, that claims so many structs.
    fn footer(claimed: u8, structs: &[u8]) -> Vec<u8> {
        [&[0x15, 2, 0x19, 0xfc, claimed], structs, &[0]].concat()
    }

    #[test]
    fn what_is_claimed_must_be_there() {
        // A group of one member, and the member: each a name and what is below.
        let (group, leaf) = (&[0x48, 1, b'g', 0x15, 2, 0][..], &[0x48, 1, b'a', 0][..]);
        assert!(sound(&footer(2, &[group, leaf].concat())));
        assert!(!sound(&footer(9, &[group, leaf].concat())), "nine are claimed, two are there");
        assert!(!sound(&footer(2, &[group, leaf].concat())[..9]), "cut short");
        assert!(!sound(&[0x15, 2, 0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 7]), "2^31 row groups");
        assert!(!sound(&[0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0]), "2^64 bytes of text");
        assert!(!sound(&[0xff; 40]));
        assert!(thrift_is_sound(&[0x19, 0x1c, 0x16, 8, 0x15, 2, 0x16, 0, 0, 0]), "an offset index of one page");
        assert!(!thrift_is_sound(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 7, 0]), "an offset index of 2^31 pages");
        let deep: Vec<u8> = [group.repeat(60), leaf.to_vec()].concat();
        assert!(sound(&footer(61, &deep)));
        let deeper: Vec<u8> = [group.repeat(70), leaf.to_vec()].concat();
        assert!(!sound(&footer(71, &deeper)), "a reader would follow it by recursion");
        assert!(!sound(&[0x1c; 100]), "structs without end");
        assert!(!sound(&[[0x19].as_slice(), &[0x19; 100]].concat()), "lists without end");
    }

    #[test]
    fn a_dictionary_holds_no_more_values_than_bytes() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let told = |bytes: &[u8], raw| {
            std::fs::write(path.path(), [&[9; 4], bytes].concat()).unwrap();
            dictionary_is_sound(&path.reopen().unwrap(), 4, raw).unwrap()
        };
        // A dictionary of 40 bytes, 20 compressed, and so many values.
        let header = |values: &[u8]| [&[0x15, 4, 0x15, 80, 0x15, 40, 0x4c, 0x15], values, &[0x15, 0, 0, 0]].concat();
        assert!(told(&header(&[20]), true) && told(&header(&[20]), false));
        assert!(!told(&header(&[42]), true) && told(&header(&[42]), false), "21 values");
        assert!(!told(&header(&[0xfe, 0xff, 0xff, 0xff, 15]), false), "2^31 values");
        assert!(told(&[0x15, 0, 0x15, 80, 0x15, 40, 0], true), "a page of data");
        assert!(told(&[], true), "nothing: the reader will say so");
    }

    #[test]
    fn every_footer_that_a_writer_writes_is_sound() {
        use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
        let batch = RecordBatch::try_from_iter([
            ("Id", std::sync::Arc::new(StringArray::from(vec!["a", "b"])) as ArrayRef),
            ("N", std::sync::Arc::new(Int32Array::from(vec![1, 2]))),
        ]);
        let (batch, path) = (batch.unwrap(), tempfile::NamedTempFile::new().unwrap());
        let file = path.reopen().unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        assert!(footer_is_sound(&path.reopen().unwrap()).unwrap());
        std::fs::write(path.path(), b"PAR1PAR1").unwrap();
        assert!(!footer_is_sound(&path.reopen().unwrap()).unwrap());
    }
}
