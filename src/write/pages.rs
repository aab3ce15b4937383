//! The bytes of Parquet pages: levels, numbers, plain values, rising identifiers.
//!
//! After the Parquet format's own description of its encodings (apache/parquet-format, Encodings.md): RLE and bit-packed
//! hybrid, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY.

/// Appends an unsigned number, seven bits a byte.
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

fn zigzag(value: i64, out: &mut Vec<u8>) {
    varint((value << 1 ^ value >> 63).cast_unsigned(), out);
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Appends numbers of `width` bits, at most 16, one after the other from the lowest bit of a byte on, in groups of eight;
/// the last group is filled with zeros.
fn pack(values: &[u16], width: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let bytes = values.len().div_ceil(8) * width;
    // Sixteen bytes are written at a time, of which `width` count.
    out.resize(start + bytes + 16, 0);
    let half = |four: &[u16]| four.iter().rev().fold(0_u64, |held, value| held << width | u64::from(*value));
    let (eights, rest) = values.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut at = start;
    for eight in eights.iter().chain((!rest.is_empty()).then_some(&last)) {
        let held = u128::from(half(&eight[..4])) | u128::from(half(&eight[4..])) << (4 * width);
        out[at..at + 16].copy_from_slice(&held.to_le_bytes());
        at += width;
    }
    out.truncate(start + bytes);
}

/// Bits that numbers up to `largest` need, at least one: some readers stumble over none.
pub(super) fn width_of(largest: usize) -> usize {
    usize::try_from((usize::BITS - largest.leading_zeros()).max(1)).unwrap_or(1)
}

/// Appends numbers as one run where all are alike, else as one bit-packed run.
fn hybrid(values: &[u16], width: usize, out: &mut Vec<u8>) {
    let Some(first) = values.first() else { return };
    if values.iter().all(|value| value == first) {
        run(*first, values.len(), width, out);
        return;
    }
    varint(wide(values.len().div_ceil(8)) << 1 | 1, out);
    pack(values, width, out);
}

/// Appends one run of a number that does not change.
fn run(value: u16, count: usize, width: usize, out: &mut Vec<u8>) {
    varint(wide(count) << 1, out);
    out.extend_from_slice(value.to_le_bytes().get(..width.div_ceil(8)).unwrap_or_default());
}

/// Appends the definition levels of a page: 1 for rows that have a value, 0 for others.
pub(super) fn levels(present: &[u16], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    hybrid(present, 1, out);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

/// Appends the numbers of a page that a dictionary explains.
pub(super) fn numbers(values: &[u16], width: usize, out: &mut Vec<u8>) {
    out.push(u8::try_from(width).unwrap_or(16));
    hybrid(values, width, out);
}

/// Appends a page of the dictionary's first value.
pub(super) fn repeated(count: usize, out: &mut Vec<u8>) {
    out.push(1);
    run(0, count, 1, out);
}

/// Appends flags, eight a byte.
pub(super) fn flags(values: &[u16], out: &mut Vec<u8>) {
    pack(values, 1, out);
}

const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

/// Appends numbers by their differences.
fn deltas(values: &[u8], out: &mut Vec<u8>) {
    varint(wide(BLOCK), out);
    varint(wide(BLOCK / MINIBLOCK), out);
    varint(wide(values.len()), out);
    zigzag(values.first().copied().unwrap_or(0).into(), out);
    let (mut block, mut above) = ([0_i16; BLOCK], [0_u16; MINIBLOCK]);
    for start in (1..values.len()).step_by(BLOCK) {
        let here = &values[start - 1..values.len().min(start + BLOCK)];
        let count = here.len() - 1;
        for (delta, pair) in block.iter_mut().zip(here.windows(2)) {
            *delta = i16::from(pair[1]) - i16::from(pair[0]);
        }
        let deltas = &block[..count];
        let least = deltas.iter().copied().min().unwrap_or(0);
        zigzag(least.into(), out);
        let widths = out.len();
        out.resize(widths + BLOCK / MINIBLOCK, 0);
        for (index, part) in deltas.chunks(MINIBLOCK).enumerate() {
            above.fill(0);
            above.iter_mut().zip(part).for_each(|(above, delta)| *above = (delta - least).cast_unsigned());
            let most = above.iter().fold(0, |all, above| all | above);
            let width = usize::try_from(u16::BITS - most.leading_zeros()).unwrap_or(16);
            out[widths + index] = u8::try_from(width).unwrap_or(0);
            if width > 0 {
                pack(&above, width, out);
            }
        }
    }
}

/// What `rising` needs beside its output, kept between pages.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    shared: Vec<u8>,
    own: Vec<u8>,
    bytes: Vec<u8>,
}

/// Appends identifiers that rise: each as what it has beyond the one before.
pub(super) fn rising<'a>(ids: impl ExactSizeIterator<Item = &'a [u8; 16]>, scratch: &mut Prefixes, out: &mut Vec<u8>) {
    let Prefixes { shared, own, bytes } = scratch;
    shared.clear();
    own.clear();
    // Sixteen bytes are written at a time, of which those count that are the identifier's own.
    bytes.clear();
    bytes.resize(ids.len() * 16 + 16, 0);
    let (mut end, mut last) = (0, None);
    shared.extend(ids.map(|id| {
        let id = u128::from_be_bytes(*id);
        let alike = last.map_or(0, |last: u128| (last ^ id).leading_zeros() / 8);
        bytes[end..end + 16].copy_from_slice(&id.checked_shl(alike * 8).unwrap_or(0).to_be_bytes());
        end += 16 - alike as usize;
        last = Some(id);
        u8::try_from(alike).unwrap_or(16)
    }));
    own.extend(shared.iter().map(|alike| 16 - alike));
    deltas(shared, out);
    deltas(own, out);
    out.extend_from_slice(&bytes[..end]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_packed_from_the_lowest_bit_on() {
        // The example of the format's description: 0 to 7 in three bits each.
        let mut out = Vec::new();
        pack(&[0, 1, 2, 3, 4, 5, 6, 7], 3, &mut out);
        assert_eq!(out, [0b1000_1000, 0b1100_0110, 0b1111_1010]);
        out.clear();
        numbers(&[5, 5, 5], 3, &mut out);
        assert_eq!(out, [3, 6, 5]);
        out.clear();
        levels(&[1, 0, 1], &mut out);
        assert_eq!(out, [2, 0, 0, 0, 3, 0b101]);
        out.clear();
        pack(&[0xfedc, 1, 0, 0xffff, 0, 0, 0, 0x8001, 7], 16, &mut out);
        assert_eq!(out[..8], [0xdc, 0xfe, 1, 0, 0, 0, 0xff, 0xff]);
        assert_eq!((out[14], out[15], out[16], out.len()), (1, 0x80, 7, 32));
    }

    #[test]
    fn deltas_follow_the_format() {
        // The first example of the format's description: 1 to 5 differ by 1 each.
        let mut out = Vec::new();
        deltas(&[1, 2, 3, 4, 5], &mut out);
        assert_eq!(out, [0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0]);
    }
}
