//! Chance from a seed: SplitMix64, so that one seed is one world on every machine and in every version of a crate.

/// A stream of numbers that its seed decides.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5bd1_e995)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to `n`, `n` excluded.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    /// A number between two, both included.
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        let width = usize::try_from(i64::from(high) - i64::from(low) + 1).unwrap();
        i32::try_from(i64::from(low) + i64::try_from(self.below(width)).unwrap()).unwrap()
    }

    /// True so many times in a hundred.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a list.
    pub(super) fn one<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            let j = self.below(i + 1);
            list.swap(i, j);
        }
    }

    /// So many of a list at most, in an order of chance.
    pub(super) fn some<T: Clone>(&mut self, list: &[T], count: usize) -> Vec<T> {
        let mut all = list.to_vec();
        self.shuffle(&mut all);
        all.truncate(count);
        all
    }
}
