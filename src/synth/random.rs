//! Randomness: hashes that make people a pure function of seed and number, and one ChaCha8 stream a table and chunk.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// Mixes 64 bits so that neighbours have nothing in common (the finaliser of splitmix64).
pub(super) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The value that a key gives under a label.
pub(super) const fn hash(key: u64, label: u64) -> u64 {
    mix(key.wrapping_add(label.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// The label that a text stands for.
pub(super) fn label(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| mix(h ^ u64::from(b)))
}

/// A number from 0 up to, not including, 1.
pub(super) fn unit(bits: u64) -> f64 {
    f64::from((bits >> 32) as u32) / 4_294_967_296.0
}

/// Whether something of that probability happens.
pub(super) fn happens(bits: u64, probability: f64) -> bool {
    unit(bits) < probability
}

/// A number below `n` (0 where `n` is 0).
pub(super) fn below(bits: u64, n: u64) -> u64 {
    ((bits >> 32) * (n & 0xffff_ffff)) >> 32
}

/// About normal, mean 0 and deviation 1, between -3.5 and 3.5: the sum of four uniform numbers.
pub(super) fn normal(bits: u64) -> f64 {
    let part = |shift: u32| f64::from(((bits >> shift) & 0xffff) as u16);
    (part(0) + part(16) + part(32) + part(48) - 131_070.0) / 37_837.0
}

/// A place in a list of `n`.
pub(super) fn place(bits: u64, n: usize) -> usize {
    usize::try_from(below(bits, n as u64)).unwrap_or(0)
}

/// A number below `n`, as a small signed one.
pub(super) fn upto(bits: u64, n: u16) -> i32 {
    i32::try_from(below(bits, u64::from(n))).unwrap_or(0)
}

/// How often in a row something of probability `again` (between 0 and 1) happens, at most `most`.
pub(super) fn repeats(bits: u64, again: f64, most: u16) -> u16 {
    let u = unit(bits).max(1e-12);
    u16::try_from(whole(u.ln() / again.ln())).map_or(most, |times| times.min(most))
}

/// The whole part, saturating.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what is wanted")]
pub(super) fn whole(x: f64) -> i64 {
    x as i64
}

/// A signed number from an unsigned one, saturating.
pub(super) fn signed(x: u64) -> i64 {
    i64::try_from(x).unwrap_or(i64::MAX)
}

/// A permutation of the numbers below `2^bits`, for opaque numbers that stay distinct.
pub(super) fn scramble(x: u64, bits: u32, seed: u64) -> u64 {
    let mask = (1_u64 << bits) - 1;
    let half = bits / 2 + 1;
    let mut x = x & mask;
    for round in 0..3 {
        x = x.wrapping_mul(hash(seed, round) | 1) & mask;
        x ^= x >> half;
        x = x.wrapping_add(hash(seed, round + 8)) & mask;
    }
    x
}

/// A step that visits every one of `length` places once: `place -> (place * step + offset) % length`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    length: u64,
    step: u64,
    offset: u64,
}

impl Visit {
    /// A visiting order of `length` places.
    pub(super) fn new(length: u64, key: u64) -> Self {
        let length = length.clamp(1, 0xffff_ffff);
        let gcd = |mut a: u64, mut b: u64| {
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        let mut step = 1 + below(hash(key, 1), length);
        while gcd(step, length) != 1 {
            step = step % length + 1;
        }
        Self { length, step, offset: below(hash(key, 2), length) }
    }

    /// The place visited at that turn.
    pub(super) fn at(self, turn: u64) -> u64 {
        (turn * self.step + self.offset) % self.length
    }
}

/// The stream of one table and chunk.
#[derive(Debug)]
pub(super) struct Draw(ChaCha8Rng);

impl Draw {
    /// The stream for a seed, a table and a chunk.
    pub(super) fn new(seed: u64, table: &str, chunk: u64) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"leo-extract synth stream\0");
        digest.update(seed.to_le_bytes());
        digest.update(chunk.to_le_bytes());
        digest.update(table.as_bytes());
        Self(ChaCha8Rng::from_seed(digest.finalize().into()))
    }

    /// 32 random bits.
    pub(super) fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub(super) fn wide(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 up to, not including, 1.
    pub(super) fn unit(&mut self) -> f64 {
        f64::from(self.bits()) / 4_294_967_296.0
    }

    /// Whether something of that probability happens; draws nothing where it cannot.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// A number below `n`.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(n)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_permutation_meets_every_number_once() {
        for bits in [8, 11] {
            let seen: BTreeSet<u64> = (0..1 << bits).map(|x| scramble(x, bits, 42)).collect();
            assert_eq!(seen.len(), 1 << bits);
            assert!(seen.iter().all(|x| *x < 1 << bits));
        }
        for length in [1, 2, 30, 97, 4096] {
            let visit = Visit::new(length, 7);
            let seen: BTreeSet<u64> = (0..length).map(|turn| visit.at(turn)).collect();
            assert_eq!(seen.len() as u64, length);
        }
    }

    #[test]
    fn the_normal_is_about_normal() {
        let (mut sum, mut squares) = (0.0, 0.0);
        for i in 0..20_000 {
            let x = normal(mix(i));
            sum += x;
            squares += x * x;
        }
        assert!((sum / 20_000.0).abs() < 0.03, "{sum}");
        assert!((squares / 20_000.0 - 1.0).abs() < 0.05, "{squares}");
    }

    #[test]
    fn streams_differ_by_table_and_chunk_and_repeat() {
        let first = |seed, table, chunk| Draw::new(seed, table, chunk).wide();
        assert_eq!(first(1, "npd.ks4", 0), first(1, "npd.ks4", 0));
        let all = [first(1, "npd.ks4", 0), first(1, "npd.ks4", 1), first(1, "npd.ks5", 0), first(2, "npd.ks4", 0)];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 4);
    }
}
