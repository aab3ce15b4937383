//! A chunk's distinct values, numbered as its rows meet them, and the page that tells them.

use super::chunk::Picked;
use super::gather::RowSet;
use super::numbers::Numbers;
use super::store::{Column, Distinct, Held, Value, unsortable};
use super::values::{Strings, Texts, Words};
use parquet::basic::Type as Physical;
use parquet::schema::types::ColumnDescPtr;

/// Distinct values of a chunk that has a dictionary, at most: their numbers and one more fit 16 bits.
pub(super) const MOST_NUMBERS: usize = u16::MAX as usize - 1;
/// A number that was not met yet.
const UNSEEN: u16 = u16::MAX;

/// The distinct values of a chunk, in the order in which they are met.
pub(super) enum Dictionary<'a> {
    /// Some of a column's own, by their numbers there.
    Some(&'a Distinct, Vec<u32>),
    All(Distinct),
}

impl<'a> Dictionary<'a> {
    /// Numbers the values of some rows, into `out`; `None` where more than `most` differ.
    pub(super) fn of(
        set: &RowSet,
        parts: &[&'a Column],
        picked: Picked<'_>,
        most: usize,
        out: &mut Vec<u16>,
        seen: &mut Vec<u16>,
    ) -> Option<Self> {
        out.clear();
        if let ([Column { held: Held::Numbered { numbers, values }, .. }], Some(rows)) = (parts, picked.rows) {
            seen.clear();
            seen.resize(values.len() + 1, UNSEEN);
            seen[0] = 0;
            out.resize(rows.len(), 0);
            let met = match numbers {
                Numbers::One(all) => renumber(|row| all[row].into(), rows, seen, out, most)?,
                Numbers::Two(all) => renumber(|row| all[row].into(), rows, seen, out, most)?,
                Numbers::Four(all) => renumber(|row| all[row], rows, seen, out, most)?,
            };
            return Some(Self::Some(values, met));
        }
        let texts = parts.iter().any(|part| match &part.held {
            Held::Numbered { values, .. } | Held::Beside { values: Some(values), .. } => {
                matches!(**values, Distinct::Strings(_))
            }
            Held::Plain { .. } | Held::Beside { .. } => false,
        });
        let mut found = if texts { Found::Texts(Texts::new()) } else { Found::Words(Words::new()) };
        let mut seen: Vec<Vec<u16>> = parts
            .iter()
            .map(|part| match &part.held {
                Held::Numbered { values, .. } => std::iter::once(0).chain((0..values.len()).map(|_| UNSEEN)).collect(),
                Held::Plain { .. } | Held::Beside { .. } => Vec::new(),
            })
            .collect();
        for pick in picked.picks {
            let (part, row) = set.locate(pick.row);
            out.push(match &parts.get(part)?.held {
                Held::Numbered { numbers, values } => {
                    let number = numbers.at(row);
                    let slot = seen[part].get_mut(number as usize)?;
                    if *slot == UNSEEN {
                        *slot = found.number(values.value(number), most)?;
                    }
                    *slot
                }
                Held::Plain { .. } | Held::Beside { .. } => match parts[part].value(row) {
                    Value::Missing => 0,
                    value => found.number(value, most)?,
                },
            });
        }
        Some(Self::All(match found {
            Found::Texts(texts) => Distinct::Strings(texts.into_strings()),
            Found::Words(words) => Distinct::Words(words.into_values()),
        }))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Some(_, numbers) => numbers.len(),
            Self::All(values) => values.len(),
        }
    }

    pub(super) fn value(&self, index: usize) -> Value<'_> {
        match self {
            Self::Some(values, numbers) => numbers.get(index).map_or(Value::Missing, |number| values.value(*number)),
            Self::All(values) if index < values.len() => values.value(u32::try_from(index + 1).unwrap_or(0)),
            Self::All(_) => Value::Missing,
        }
    }

    /// Appends all values, as a dictionary's page has them. `spans` is room.
    pub(super) fn page(&self, of: &ColumnDescPtr, spans: &mut Vec<(usize, usize)>, out: &mut Vec<u8>) {
        match (self, of.physical_type()) {
            (Self::Some(Distinct::Strings(strings), numbers), Physical::BYTE_ARRAY) => {
                texts(strings, numbers.iter().map(|number| *number as usize - 1), spans, out);
            }
            (Self::All(Distinct::Strings(strings)), Physical::BYTE_ARRAY) => {
                texts(strings, 0..strings.len(), spans, out);
            }
            _ => (0..self.len()).for_each(|index| plain(self.value(index), of, out)),
        }
    }
}

/// Appends texts, each behind its length. `spans` is room.
pub(super) fn texts(
    strings: &Strings,
    which: impl Iterator<Item = usize>,
    spans: &mut Vec<(usize, usize)>,
    out: &mut Vec<u8>,
) {
    // Where they stand is asked of all before: they lie far apart, and so many looks are under way at once.
    spans.clear();
    spans.extend(which.map(|index| strings.span(index)));
    let (all, mut at) = (strings.bytes(), out.len());
    let bytes: usize = spans.iter().map(|(from, to)| 4 + to - from).sum();
    // Sixteen bytes are written at a time, of which those count that are the text's own.
    let end = at + bytes;
    out.resize(end + 16, 0);
    for (from, to) in spans {
        let length = *to - *from;
        out[at..at + 4].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        at += 4;
        match all[*from..].first_chunk::<16>() {
            Some(sixteen) if length <= 16 => out[at..at + 16].copy_from_slice(sixteen),
            _ => out[at..at + length].copy_from_slice(&all[*from..*to]),
        }
        at += length;
    }
    out.truncate(end);
}

/// The values that were met in a chunk of several parts.
enum Found {
    Texts(Texts),
    Words(Words),
}

impl Found {
    /// The chunk's number of a value; `None` where that makes too many.
    #[inline]
    fn number(&mut self, value: Value<'_>, most: usize) -> Option<u16> {
        let number = match (self, value) {
            (Self::Texts(texts), Value::String(text)) => texts.number_bytes(text),
            (Self::Words(words), Value::Word(word)) => words.number(word),
            _ => return None,
        };
        u16::try_from(number).ok().filter(|number| usize::from(*number) <= most)
    }
}

/// Numbers rows anew by what is met among them. Returns the column's numbers in the order in which they were met.
// On its own it has a register for all that it needs.
#[inline(never)]
fn renumber(
    numbers: impl Fn(usize) -> u32,
    rows: &[u32],
    seen: &mut [u16],
    out: &mut [u16],
    most: usize,
) -> Option<Vec<u32>> {
    let mut met = Vec::new();
    for (out, row) in out.iter_mut().zip(rows) {
        let number = numbers(*row as usize);
        let slot = &mut seen[number as usize];
        if *slot == UNSEEN {
            met.push(number);
            *slot = u16::try_from(met.len()).ok().filter(|new| usize::from(*new) <= most)?;
        }
        *out = *slot;
    }
    Some(met)
}

/// Appends a value as it is. A missing one has no bytes.
#[inline]
pub(super) fn plain(value: Value<'_>, of: &ColumnDescPtr, out: &mut Vec<u8>) {
    match (value, of.physical_type()) {
        (Value::Missing, _) => {}
        (Value::Word(word), Physical::INT32 | Physical::FLOAT) => out.extend_from_slice(&word.to_le_bytes()[..4]),
        (Value::Word(word), _) => out.extend_from_slice(&word.to_le_bytes()),
        (Value::String(bytes), Physical::FIXED_LEN_BYTE_ARRAY) => {
            let length = usize::try_from(of.type_length()).unwrap_or(16).min(16);
            out.extend_from_slice(&unsortable(bytes).to_be_bytes()[16 - length..]);
        }
        (Value::String(bytes), _) => {
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend_from_slice(bytes);
        }
    }
}
