//! Sets of people by number, filled from many threads at once.

use std::sync::atomic::{AtomicU64, Ordering};

/// A set of people, one bit each.
#[derive(Debug)]
pub struct PersonSet {
    words: Vec<AtomicU64>,
}

impl PersonSet {
    /// The empty set over `people` people.
    #[must_use]
    pub fn new(people: usize) -> Self {
        Self { words: (0..people.div_ceil(64)).map(|_| AtomicU64::new(0)).collect() }
    }

    fn place(person: u32) -> (usize, u64) {
        ((person / 64) as usize, 1 << (person % 64))
    }

    /// Adds a person; a number out of range is nobody.
    pub fn insert(&self, person: u32) {
        let (word, bit) = Self::place(person);
        if let Some(word) = self.words.get(word) {
            // Most are there already: a read is cheaper than a write that other cores must see.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether a person is in the set.
    #[must_use]
    pub fn contains(&self, person: u32) -> bool {
        let (word, bit) = Self::place(person);
        self.words.get(word).is_some_and(|w| w.load(Ordering::Relaxed) & bit != 0)
    }

    /// How many people.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.load(Ordering::Relaxed).count_ones())).sum()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|w| w.load(Ordering::Relaxed) == 0)
    }

    /// The people in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().zip(0_u32..).flat_map(|(word, i)| {
            let mut bits = word.load(Ordering::Relaxed);
            std::iter::from_fn(move || {
                (bits != 0).then(|| {
                    let bit = bits.trailing_zeros();
                    bits &= bits - 1;
                    i * 64 + bit
                })
            })
        })
    }

    fn combine(&self, other: &Self, with: impl Fn(u64, u64) -> u64) {
        for (mine, theirs) in self.words.iter().zip(&other.words) {
            let word = with(mine.load(Ordering::Relaxed), theirs.load(Ordering::Relaxed));
            mine.store(word, Ordering::Relaxed);
        }
    }

    /// Adds everybody of another set.
    pub fn add_all(&self, other: &Self) {
        self.combine(other, |a, b| a | b);
    }

    /// Keeps only who is in the other set too.
    pub fn keep_only(&self, other: &Self) {
        self.combine(other, |a, b| a & b);
    }

    /// Drops everybody of another set.
    pub fn drop_all(&self, other: &Self) {
        self.combine(other, |a, b| a & !b);
    }

    /// How many people are in both sets.
    #[must_use]
    pub fn shared(&self, other: &Self) -> u64 {
        self.words
            .iter()
            .zip(&other.words)
            .map(|(a, b)| u64::from((a.load(Ordering::Relaxed) & b.load(Ordering::Relaxed)).count_ones()))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_combine() {
        let (a, b) = (PersonSet::new(130), PersonSet::new(130));
        [0, 63, 64, 129].into_iter().for_each(|p| a.insert(p));
        [63, 100, 4_000_000].into_iter().for_each(|p| b.insert(p));
        assert_eq!(a.shared(&b), 1);
        a.add_all(&b);
        assert_eq!(a.iter().collect::<Vec<_>>(), [0, 63, 64, 100, 129]);
        a.drop_all(&b);
        assert_eq!(a.len(), 3);
        a.keep_only(&b);
        assert!(a.is_empty());
    }
}
