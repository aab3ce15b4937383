//! Made-up columns of one seed: shapes as sources have them, no value of anybody's.

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringViewArray, StringViewBuilder,
};
use leo_extract::keys::pseudonym_text;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Of so many values one is missing, where any is.
const MISSING: u32 = 25;

/// Makes columns, one after the other.
pub(super) struct Made(ChaCha8Rng);

impl Made {
    pub(super) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.0.random_range(0..end)
    }

    fn some<T>(&mut self, value: T) -> Option<T> {
        (self.below(MISSING) > 0).then_some(value)
    }

    fn characters(&mut self, of: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(of[self.0.random_range(0..of.len())])).collect()
    }

    /// Opaque identifiers, none missing.
    pub(super) fn opaque(&mut self, count: usize, length: usize) -> ArrayRef {
        let texts =
            (0..count).map(|_| self.characters(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz23456789", length));
        Arc::new(texts.map(Some).collect::<StringViewArray>())
    }

    /// Identifiers with the shape of a UPN. Most check letters are wrong, which is counted and costs the same.
    pub(super) fn upns(&mut self, count: usize) -> ArrayRef {
        let text = |_| self.characters(b"ABCDEFGHJKLMNPQRTUVWXYZ", 1) + &self.characters(b"0123456789", 12);
        Arc::new((0..count).map(text).map(Some).collect::<StringViewArray>())
    }

    /// Integers, none missing.
    pub(super) fn numbers(&mut self, count: usize, from: i64, to: i64) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..count).map(|_| self.0.random_range(from..to))))
    }

    /// Small integers.
    pub(super) fn small(&mut self, count: usize, from: i32, to: i32) -> ArrayRef {
        Arc::new((0..count).map(|_| Some(self.0.random_range(from..to))).collect::<Int32Array>())
    }

    /// Texts of 6 to 19 characters, of which so many differ.
    pub(super) fn texts(&mut self, count: usize, distinct: usize) -> ArrayRef {
        let words: Vec<String> = (0..distinct).map(|i| format!("{i:06}{}", &"-of-some-place"[..i % 14])).collect();
        let mut builder = StringViewBuilder::with_capacity(count);
        for _ in 0..count {
            let word = self.0.random_range(0..distinct);
            builder.append_option(self.some(word).map(|word| &words[word]));
        }
        Arc::new(builder.finish())
    }

    /// Amounts with pence.
    pub(super) fn amounts(&mut self, count: usize) -> ArrayRef {
        let amount = |_| {
            let pence = f64::from(self.below(8_000_000)) / 100.0;
            self.some(pence)
        };
        Arc::new((0..count).map(amount).collect::<Float64Array>())
    }

    /// Days.
    pub(super) fn dates(&mut self, count: usize, distinct: i32) -> ArrayRef {
        let day = |_| {
            let day = self.0.random_range(12_000..12_000 + distinct);
            self.some(day)
        };
        Arc::new((0..count).map(day).collect::<Date32Array>())
    }

    /// Flags.
    pub(super) fn flags(&mut self, count: usize) -> ArrayRef {
        let flag = |_| {
            let flag = self.0.random();
            self.some(flag)
        };
        Arc::new((0..count).map(flag).collect::<BooleanArray>())
    }

    /// A pseudonym for each of some people, sorted.
    pub(super) fn pseudonyms(&mut self, people: &[u32]) -> Vec<([u8; 10], u32)> {
        let mut named: Vec<_> = people.iter().map(|person| (self.0.random(), *person)).collect();
        named.sort_unstable();
        named
    }

    /// The `person_id`s of so many people, by rank.
    pub(super) fn ids(&mut self, people: u32) -> Vec<[u8; 16]> {
        let people: Vec<u32> = (0..people).collect();
        self.pseudonyms(&people).iter().map(|(first, _)| pseudonym_text(first)).collect()
    }
}
