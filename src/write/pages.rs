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
    // A branch for some is enough.
    let alike = |some: &[u16]| some.iter().fold(true, |all, value| all & (value == first));
    if values.chunks(64).all(alike) {
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
    close_levels(start, out);
}

/// Appends the definition levels of a page whose rows all have a value.
pub(super) fn all_present(rows: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    run(1, rows, 1, out);
    close_levels(start, out);
}

/// Writes the length of levels before them.
fn close_levels(start: usize, out: &mut [u8]) {
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

/// Appends words, of their lowest `N` bytes each: those that are `present`, which is 1, else 0.
pub(super) fn words<const N: usize>(words: &[u64], present: &[u16], out: &mut Vec<u8>) {
    let start = out.len();
    // Each is written where the next belongs that is there: one more place, for what is missing at the end.
    out.resize(start + (words.len() + 1) * N, 0);
    let (places, _) = out[start..].as_chunks_mut::<N>();
    let mut next = 0;
    for (word, present) in words.iter().zip(present) {
        places[next] = word.to_le_bytes().first_chunk().copied().unwrap_or([0; N]);
        next += usize::from(*present);
    }
    out.truncate(start + next * N);
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

/// Room in which `rising` puts a page together, kept between pages.
#[derive(Debug, Default)]
pub(super) struct Rising {
    shared: Vec<u8>,
    own: Vec<u8>,
    head: Vec<u8>,
    page: Vec<u8>,
}

/// A page of identifiers that rise: each as what it has beyond the one before. `None` where a rank has no identifier.
pub(super) fn rising<'a>(ranks: &[u32], ids: &[[u8; 16]], room: &'a mut Rising) -> Option<&'a [u8]> {
    let Rising { shared, own, head, page } = room;
    // The lengths come first and are known last: they get more room than they can need, and end where the bytes begin. Numbers
    // below 17 differ by at most 32, which takes six bits: less than a byte each, and a part that is not full some thirty more.
    let start = 2 * (ranks.len() + 64);
    // Sixteen bytes are written at a time, of which those count that are the identifier's own: what was there is written over.
    let most = start + ranks.len() * 16 + 16;
    page.resize(page.len().max(most), 0);
    let (all, mut end) = (ids.as_flattened(), start);
    // The first has nothing in common with whoever came before.
    let first = ranks.first().and_then(|rank| ids.get(*rank as usize));
    let mut last = first.map_or(0, |id| !u128::from_le_bytes(*id));
    shared.clear();
    shared.resize(ranks.len(), 0);
    for (alike, rank) in shared.iter_mut().zip(ranks) {
        let id = u128::from_le_bytes(*ids.get(*rank as usize)?);
        let same = (last ^ id).trailing_zeros() / 8;
        let from = *rank as usize * 16 + same as usize;
        let beyond = all.get(from..).and_then(<[u8]>::first_chunk::<16>).copied();
        let beyond = beyond.unwrap_or_else(|| id.checked_shr(same * 8).unwrap_or(0).to_le_bytes());
        page[end..end + 16].copy_from_slice(&beyond);
        end += 16 - same as usize;
        *alike = u8::try_from(same).unwrap_or(16);
        last = id;
    }
    own.clear();
    own.extend(shared.iter().map(|alike| 16 - alike));
    head.clear();
    deltas(shared, head);
    deltas(own, head);
    let start = start.checked_sub(head.len())?;
    page.get_mut(start..start + head.len())?.copy_from_slice(head);
    page.get(start..end)
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
    fn identifiers_that_rise_are_written_by_what_is_new() {
        let ids: Vec<[u8; 16]> = (0..40_u32)
            .map(|n| {
                *format!("{:016}", u64::from(n) * [1, 100_000_007, 3][n as usize % 3]).as_bytes().as_array().unwrap()
            })
            .collect();
        // Much alike and little, people with several rows, and something before the last of all.
        let ranks: Vec<u32> = (0..40).flat_map(|rank| vec![rank; 1 + rank as usize % 3]).collect();
        let mut room = Rising::default();
        for ranks in [&ranks[..], &ranks[..1], &ranks[70..], &[]] {
            let (mut lengths, mut bytes, mut last) = ([Vec::new(), Vec::new()], Vec::new(), &[][..]);
            for rank in ranks {
                let id = &ids[*rank as usize][..];
                let alike = last.iter().zip(id).take_while(|(a, b)| a == b).count();
                lengths[0].push(u8::try_from(alike).unwrap());
                lengths[1].push(16 - u8::try_from(alike).unwrap());
                bytes.extend_from_slice(&id[alike..]);
                last = id;
            }
            let mut page = Vec::new();
            lengths.iter().for_each(|lengths| deltas(lengths, &mut page));
            page.extend(bytes);
            assert_eq!(rising(ranks, &ids, &mut room).unwrap(), page);
        }
        assert!(rising(&[0, 40], &ids, &mut room).is_none() && rising(&[40], &ids, &mut room).is_none());
    }

    #[test]
    fn words_are_written_where_there_are_any() {
        let mut out = vec![7];
        words::<4>(&[5, 0, 2 << 32 | 3], &[1, 0, 1], &mut out);
        assert_eq!(out, [7, 5, 0, 0, 0, 3, 0, 0, 0]);
        words::<8>(&[9, 1], &[0, 1], &mut out);
        assert_eq!(out[9..], [1, 0, 0, 0, 0, 0, 0, 0]);
        words::<8>(&[1], &[0], &mut out);
        assert_eq!(out.len(), 17);
    }

    #[test]
    fn deltas_follow_the_format() {
        // The first example of the format's description: 1 to 5 differ by 1 each.
        let mut out = Vec::new();
        deltas(&[1, 2, 3, 4, 5], &mut out);
        assert_eq!(out, [0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0]);
    }
}
