//! SHA-256 of sixteen messages and SHA-512 of eight, in step: one instruction takes the same step for all of them.
//!
//! One message after the other is what the `sha2` crate hashes, with the processor's own instructions for SHA-256 where it has
//! them. Each step waits for the one before, and much of the core is idle meanwhile. Vectors of 512 bits hash several messages
//! in half of the time of SHA-256 and a quarter of that of SHA-512; narrower ones gain nothing, and there is no [`InStep`] then.

mod constants;
mod rounds;

pub use constants::{LONG_START, SHORT_START};

use fearless_simd::{Level, dispatch};

/// How many messages SHA-256 takes in step.
pub const SHORT: usize = 16;
/// How many messages SHA-512 takes in step.
pub const LONG: usize = 8;

/// Hashing in step, on a processor where that is quicker than one message after the other.
#[derive(Debug, Clone, Copy)]
pub struct InStep(Level);

impl InStep {
    /// `None` where one message after the other is as quick.
    #[must_use]
    pub fn new() -> Option<Self> {
        let level = Level::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let quick = level.as_avx512().is_some();
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        let quick = false;
        quick.then_some(Self(level))
    }

    /// SHA-256's compression of one block a message: states and blocks word by word, each word of all messages together.
    pub fn short(self, states: &mut [[u32; SHORT]; 8], words: &[[u32; SHORT]; 16]) {
        dispatch!(self.0, simd => rounds::short(simd, states, words));
    }

    /// SHA-512's compression of the blocks that all messages have: of each as many as the message has that has the fewest.
    /// Returns how many that are.
    pub fn long(self, states: &mut [[u64; LONG]; 8], messages: [&[[u8; 128]]; LONG]) -> usize {
        let blocks = messages.iter().map(|message| message.len()).min().unwrap_or(0);
        dispatch!(self.0, simd => rounds::long(simd, states, messages, blocks));
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::block_api::{compress256, compress512};

    /// All that this processor has, the best and what runs anywhere among them.
    fn levels() -> Vec<InStep> {
        vec![InStep(Level::new()), InStep(Level::baseline())]
    }

    fn messages<const BYTES: usize>(blocks: usize) -> impl Strategy<Value = Vec<Vec<[u8; BYTES]>>> {
        let block = proptest::collection::vec(any::<u8>(), BYTES).prop_map(|b| b.try_into().unwrap());
        proptest::collection::vec(proptest::collection::vec(block, 0..blocks), LONG)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn short_ones_are_hashed_as_by_the_crate(
            states in proptest::collection::vec(any::<[u32; 8]>(), SHORT),
            blocks in proptest::collection::vec(any::<[[u8; 4]; 16]>(), SHORT),
        ) {
            for step in levels() {
                let mut all = [[0; SHORT]; 8];
                let mut words = [[0; SHORT]; 16];
                for lane in 0..SHORT {
                    (0..8).for_each(|i| all[i][lane] = states[lane][i]);
                    (0..16).for_each(|i| words[i][lane] = u32::from_be_bytes(blocks[lane][i]));
                }
                step.short(&mut all, &words);
                for lane in 0..SHORT {
                    let mut one = states[lane];
                    compress256(&mut one, &[blocks[lane].as_flattened().try_into().unwrap()]);
                    prop_assert_eq!(std::array::from_fn::<u32, 8, _>(|i| all[i][lane]), one);
                }
            }
        }

        #[test]
        fn long_ones_are_hashed_as_by_the_crate(
            states in proptest::collection::vec(any::<[u64; 8]>(), LONG),
            messages in messages::<128>(5),
        ) {
            for step in levels() {
                let mut all = [[0; LONG]; 8];
                (0..LONG).for_each(|lane| (0..8).for_each(|i| all[i][lane] = states[lane][i]));
                let blocks = step.long(&mut all, std::array::from_fn(|lane| &messages[lane][..]));
                prop_assert_eq!(Some(blocks), messages.iter().map(Vec::len).min());
                for lane in 0..LONG {
                    let mut one = states[lane];
                    compress512(&mut one, &messages[lane][..blocks]);
                    prop_assert_eq!(std::array::from_fn::<u64, 8, _>(|i| all[i][lane]), one);
                }
            }
        }
    }
}
