//! Identifier columns become de-identified keys or pseudonyms. The only code that touches a raw identifier.

use crate::keys::Mac;
use crate::vocab::{
    Canonical, Kind, Shape, canonical_integer, canonical_text, canonical_unshaped, check_digit_is_valid,
};
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, FixedSizeBinaryArray, FixedSizeBinaryBuilder, StringViewArray,
};
use arrow::datatypes::{
    DataType, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use std::collections::HashMap;

/// Bytes of a de-identified key.
pub(super) const KEY_BYTES: i32 = 16;
/// Bytes of a pseudonym before it is written as 16 characters.
pub(super) const PSEUDONYM_BYTES: i32 = 10;
/// How many distinct values a pseudonym's memory may hold before it is emptied.
const MEMORY_VALUES: usize = 1 << 16;

/// What was met in an identifier column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IdentifierCounts {
    /// Null, empty or white space.
    pub missing: u64,
    /// Without the shape of its kind.
    pub malformed: u64,
    /// Well-shaped, with a wrong check digit or an unused prefix. They link.
    pub wrong_check: u64,
}

/// One raw identifier, borrowed from its column for the length of a call.
enum Raw<'a> {
    Text(&'a str),
    Integer(i128),
    /// Bytes that are no text.
    Noise,
}

/// Calls `each` with the row and its raw identifier, null ones left out. False for a type that cannot identify.
fn for_each(array: &ArrayRef, mut each: impl FnMut(usize, Raw<'_>)) -> bool {
    macro_rules! integers {
        ($kind:ty) => {{
            let array = array.as_primitive::<$kind>();
            for row in 0..array.len() {
                if array.is_valid(row) {
                    each(row, Raw::Integer(array.value(row).into()));
                }
            }
        }};
    }
    match array.data_type() {
        DataType::Utf8View => texts(array.as_string_view(), each),
        DataType::BinaryView => bytes(array.as_binary_view(), each),
        DataType::Int8 => integers!(Int8Type),
        DataType::Int16 => integers!(Int16Type),
        DataType::Int32 => integers!(Int32Type),
        DataType::Int64 => integers!(Int64Type),
        DataType::UInt8 => integers!(UInt8Type),
        DataType::UInt16 => integers!(UInt16Type),
        DataType::UInt32 => integers!(UInt32Type),
        DataType::UInt64 => integers!(UInt64Type),
        DataType::Decimal128(_, scale) => {
            // Whole numbers from databases arrive as decimals; a fraction is cut, as an integer's would be.
            let unit = 10_i128.checked_pow(u32::try_from(*scale).unwrap_or(0)).unwrap_or(1);
            let array = array.as_primitive::<Decimal128Type>();
            for row in 0..array.len() {
                if array.is_valid(row) {
                    each(row, Raw::Integer(array.value(row) / unit));
                }
            }
        }
        DataType::Null => {}
        _ => return false,
    }
    true
}

fn texts(array: &StringViewArray, mut each: impl FnMut(usize, Raw<'_>)) {
    for row in 0..array.len() {
        if array.is_valid(row) {
            each(row, Raw::Text(array.value(row)));
        }
    }
}

fn bytes(array: &BinaryViewArray, mut each: impl FnMut(usize, Raw<'_>)) {
    for row in 0..array.len() {
        if array.is_valid(row) {
            each(row, std::str::from_utf8(array.value(row)).map_or(Raw::Noise, Raw::Text));
        }
    }
}

/// The de-identified keys of a column; null where an identifier is missing or malformed, which is counted.
/// `None` for a type that cannot identify.
pub(crate) fn keys(
    array: &ArrayRef,
    kind: &Kind,
    mac: &Mac,
    counts: &mut IdentifierCounts,
) -> Option<FixedSizeBinaryArray> {
    let rows = array.len();
    let mut keys = vec![0_u8; rows * 16];
    let mut valid = arrow::array::BooleanBufferBuilder::new(rows);
    valid.append_n(rows, false);
    let shape = Shape::of(kind.as_str());
    let (mut linked, mut malformed, mut wrong_check) = (0_u64, 0_u64, 0_u64);
    let mut put = |row: usize, key: [u8; 16]| {
        if let Some(slot) = keys.get_mut(row * 16..row * 16 + 16) {
            slot.copy_from_slice(&key);
        }
    };
    let mut keyed = mac.keyed();
    let known = for_each(array, |row, raw| {
        let mut link = |text: &[u8], right: bool| {
            wrong_check += u64::from(!right);
            linked += 1;
            valid.set_bit(row, true);
            keyed.take(row, text, &mut put);
        };
        let canonical = match raw {
            Raw::Text(text) => match shape.within(text) {
                Some((text, right)) => return link(text, right),
                None => canonical_text(kind.as_str(), text),
            },
            Raw::Integer(value) => canonical_integer(kind.as_str(), value),
            Raw::Noise => Canonical::Malformed(crate::vocab::Malformed::Shape),
        };
        match canonical {
            Canonical::Text(text) => link(text.as_bytes(), check_digit_is_valid(kind.as_str(), &text)),
            Canonical::Malformed(_) => malformed += 1,
            Canonical::Missing => {}
        }
    });
    keyed.give(put);
    if !known {
        return None;
    }
    counts.malformed += malformed;
    counts.wrong_check += wrong_check;
    counts.missing += u64::try_from(rows).unwrap_or(0) - linked - malformed;
    let nulls = arrow::buffer::NullBuffer::new(valid.finish());
    FixedSizeBinaryArray::try_new(KEY_BYTES, keys.into(), Some(nulls)).ok()
}

/// The project's pseudonyms of a column, ten bytes each; null where missing. It remembers values that it met, since
/// schools and employers repeat.
#[derive(Debug)]
pub(super) struct Pseudonymiser {
    kind: Kind,
    mac: Mac,
    texts: HashMap<Box<str>, Option<[u8; 10]>>,
    integers: HashMap<i128, [u8; 10]>,
}

impl Pseudonymiser {
    pub(super) fn new(kind: Kind, mac: Mac) -> Self {
        Self { kind, mac, texts: HashMap::new(), integers: HashMap::new() }
    }

    /// `None` for a type that cannot identify.
    pub(super) fn column(&mut self, array: &ArrayRef) -> Option<ArrayRef> {
        let rows = array.len();
        let mut found: Vec<Option<[u8; 10]>> = vec![None; rows];
        let known = for_each(array, |row, raw| {
            let pseudonym = match raw {
                Raw::Text(text) => self.of_text(text),
                Raw::Integer(value) => Some(self.of_integer(value)),
                Raw::Noise => None,
            };
            if let Some(slot) = found.get_mut(row) {
                *slot = pseudonym;
            }
        });
        if !known {
            return None;
        }
        let mut builder = FixedSizeBinaryBuilder::with_capacity(rows, PSEUDONYM_BYTES);
        for pseudonym in &found {
            match pseudonym {
                Some(bytes) => builder.append_value(bytes).ok()?,
                None => builder.append_null(),
            }
        }
        Some(std::sync::Arc::new(builder.finish()))
    }

    fn of_text(&mut self, text: &str) -> Option<[u8; 10]> {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let pseudonym = canonical_unshaped(self.kind.as_str(), text).map(|c| first_ten(&self.mac.tag(c.as_bytes())));
        if self.texts.len() >= MEMORY_VALUES {
            self.texts.clear();
        }
        self.texts.insert(text.into(), pseudonym);
        pseudonym
    }

    fn of_integer(&mut self, value: i128) -> [u8; 10] {
        if let Some(known) = self.integers.get(&value) {
            return *known;
        }
        let text = value.to_string();
        let canonical = canonical_unshaped(self.kind.as_str(), &text);
        let pseudonym = first_ten(&self.mac.tag(canonical.as_deref().unwrap_or(&text).as_bytes()));
        if self.integers.len() >= MEMORY_VALUES {
            self.integers.clear();
        }
        self.integers.insert(value, pseudonym);
        pseudonym
    }
}

fn first_ten(tag: &[u8; 32]) -> [u8; 10] {
    let mut ten = [0; 10];
    ten.copy_from_slice(&tag[..10]);
    ten
}
