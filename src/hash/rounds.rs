//! The compression of SHA-2 (FIPS 180-4, 6.2.2 and 6.4.2) over vectors: each lane is a message of its own.

use super::constants;
use fearless_simd::{Simd, SimdBase as _, u32x16, u64x8};
use std::array::from_fn;
use std::ops::{Add, BitAnd, BitOr, BitXor, Shl, Shr};

/// A vector of words: what one of the two hashes needs of them.
pub(super) trait Word<S: Simd>:
    Copy
    + Add<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
{
    /// The bits of a word.
    const BITS: u32;
    /// How many rounds a block takes.
    const ROUNDS: usize;
    /// By how much the sums over the state turn its words (4.1.2, 4.1.3).
    const SUMS: [[u32; 3]; 2];
    /// By how much those over the message do; the last is a shift.
    const SPREADS: [[u32; 3]; 2];

    /// The constant of a round, in each lane.
    fn constant(simd: S, round: usize) -> Self;
}

impl<S: Simd> Word<S> for u32x16<S> {
    const BITS: u32 = 32;
    const ROUNDS: usize = 64;
    const SUMS: [[u32; 3]; 2] = [[2, 13, 22], [6, 11, 25]];
    const SPREADS: [[u32; 3]; 2] = [[7, 18, 3], [17, 19, 10]];

    #[inline(always)]
    fn constant(simd: S, round: usize) -> Self {
        Self::splat(simd, constants::SHORT[round])
    }
}

impl<S: Simd> Word<S> for u64x8<S> {
    const BITS: u32 = 64;
    const ROUNDS: usize = 80;
    const SUMS: [[u32; 3]; 2] = [[28, 34, 39], [14, 18, 41]];
    const SPREADS: [[u32; 3]; 2] = [[1, 8, 7], [19, 61, 6]];

    #[inline(always)]
    fn constant(simd: S, round: usize) -> Self {
        Self::splat(simd, constants::LONG[round])
    }
}

#[inline(always)]
fn turned<S: Simd, W: Word<S>>(word: W, bits: u32) -> W {
    (word >> bits) | (word << (W::BITS - bits))
}

#[inline(always)]
fn sum<S: Simd, W: Word<S>>(word: W, [a, b, c]: [u32; 3]) -> W {
    turned(word, a) ^ turned(word, b) ^ turned(word, c)
}

#[inline(always)]
fn spread<S: Simd, W: Word<S>>(word: W, [a, b, c]: [u32; 3]) -> W {
    turned(word, a) ^ turned(word, b) ^ (word >> c)
}

/// Takes one block of each message in.
#[inline(always)]
fn compress<S: Simd, W: Word<S>>(simd: S, state: &mut [W; 8], mut words: [W; 16]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    // Written out, so that all words have a register and no index is reckoned.
    macro_rules! rounds {
        ($first:expr, $spread:literal: $($i:literal)*) => {$({
            if $spread {
                words[$i] = words[$i]
                    + words[($i + 9) % 16]
                    + spread(words[($i + 1) % 16], W::SPREADS[0])
                    + spread(words[($i + 14) % 16], W::SPREADS[1]);
            }
            let choice = g ^ (e & (f ^ g));
            let majority = (a & b) ^ (c & (a ^ b));
            let one = h + (words[$i] + W::constant(simd, $first + $i)) + choice + sum(e, W::SUMS[1]);
            let two = sum(a, W::SUMS[0]) + majority;
            (h, g, f, e, d, c, b, a) = (g, f, e, d + one, c, b, a, one + two);
        })*};
    }
    rounds!(0, false: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for first in (16..W::ROUNDS).step_by(16) {
        rounds!(first, true: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }
    for (state, more) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *state = *state + more;
    }
}

/// SHA-256: one block of each of sixteen messages, as words.
#[inline(always)]
pub(super) fn short<S: Simd>(simd: S, states: &mut [[u32; 16]; 8], words: &[[u32; 16]; 16]) {
    let mut state = from_fn(|i| u32x16::from_slice(simd, &states[i]));
    compress(simd, &mut state, from_fn(|i| u32x16::from_slice(simd, &words[i])));
    state.iter().zip(states).for_each(|(state, to)| state.store_slice(to));
}

/// SHA-512: so many blocks of each of eight messages, as bytes.
#[inline(always)]
pub(super) fn long<S: Simd>(simd: S, states: &mut [[u64; 8]; 8], messages: [&[[u8; 128]]; 8], blocks: usize) {
    let mut state = from_fn(|i| u64x8::from_slice(simd, &states[i]));
    for block in 0..blocks {
        let mut words = [[0_u64; 8]; 16];
        for (lane, message) in messages.iter().enumerate() {
            let bytes = message[block].as_chunks::<8>().0;
            words.iter_mut().zip(bytes).for_each(|(word, bytes)| word[lane] = u64::from_be_bytes(*bytes));
        }
        compress(simd, &mut state, from_fn(|i| u64x8::from_slice(simd, &words[i])));
    }
    state.iter().zip(states).for_each(|(state, to)| state.store_slice(to));
}
