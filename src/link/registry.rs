//! People by key, numbered in the order in which they are met.

use super::NOBODY;
use super::lookup::{TOGETHER, place_of};
use crate::vocab::{Error, Result};

/// A place that nobody has taken.
const FREE: u32 = u32::MAX;

/// Everybody who was met. Keys are uniform already, being hashes: what they begin with is as good a hash as any. A number stands
/// in the place of its key or, where that is taken, in the first free one behind it, round the end.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// Numbers; a power of two, and at most two of three are taken.
    places: Vec<u32>,
    keys: Vec<[u8; 16]>,
}

impl Registry {
    /// Numbers some people, old and new.
    ///
    /// # Errors
    /// There are more people than numbers.
    pub(super) fn number(&mut self, some: &[[u8; 16]]) -> Result<Vec<u32>> {
        let mut numbers = Vec::with_capacity(some.len());
        for some in some.chunks(TOGETHER) {
            self.make_room(some.len());
            self.touch(some);
            for key in some {
                let place = self.place(key);
                if let Some(free) = self.places.get_mut(place).filter(|number| **number == FREE) {
                    let next = u32::try_from(self.keys.len()).ok().filter(|n| *n < NOBODY);
                    *free = next.ok_or_else(|| Error::Internal("more than four thousand million people".to_owned()))?;
                    self.keys.push(*key);
                }
                numbers.push(self.places[place]);
            }
        }
        Ok(numbers)
    }

    /// The number of a person who was met.
    pub(super) fn find(&self, key: &[u8; 16]) -> Option<u32> {
        self.places.get(self.place(key)).copied().filter(|number| *number != FREE)
    }

    /// How many people there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key of each person, by number.
    pub(super) fn keys(&self) -> &[[u8; 16]] {
        &self.keys
    }

    /// The same, and nothing else any more.
    pub(super) fn into_keys(self) -> Vec<[u8; 16]> {
        self.keys
    }

    /// Where a key's search begins.
    #[inline]
    fn first(&self, key: &[u8; 16]) -> usize {
        place_of(key, u64::try_from(self.places.len()).unwrap_or(0))
    }

    /// The place of a key, or the free one that it would take; 0 where there is none at all.
    #[inline]
    fn place(&self, key: &[u8; 16]) -> usize {
        self.search(key, |number| self.keys.get(number as usize) == Some(key))
    }

    /// The first place from a key's own on that is free, or whose number is the one.
    #[inline]
    fn search(&self, key: &[u8; 16], is_it: impl Fn(u32) -> bool) -> usize {
        let mut place = self.first(key);
        while self.places.get(place).is_some_and(|number| *number != FREE && !is_it(*number)) {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }

    /// Asks the memory for what some keys will meet first.
    fn touch(&self, some: &[[u8; 16]]) {
        let mut met = [FREE; TOGETHER];
        for (met, key) in met.iter_mut().zip(some) {
            *met = self.places.get(self.first(key)).copied().unwrap_or(FREE);
        }
        let touched = met.iter().fold(0, |all, number| all ^ self.keys.get(*number as usize).map_or(0, |key| key[0]));
        std::hint::black_box(touched);
    }

    /// Makes room for so many more.
    fn make_room(&mut self, more: usize) {
        let needed = (self.keys.len() + more) * 3 / 2 + 1;
        if needed <= self.places.len() {
            return;
        }
        self.places = vec![FREE; needed.next_power_of_two()];
        for (number, key) in (0_u32..).zip(&self.keys) {
            // All are different: none of those before is looked at.
            let place = self.search(key, |_| false);
            self.places[place] = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_one_number_in_the_order_met() {
        let key = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
        // People met twice, some of them within the same look; keys that differ in their last bytes alone, and the last of all,
        // whose search goes round the end.
        let mut met: Vec<[u8; 16]> = (0..9_000_u128).map(|n| key(n * n % 7_001)).collect();
        met.extend((0..200).map(|n: u128| n.to_be_bytes()));
        met.extend((0..200).map(|n: u128| (u128::MAX - n % 150).to_be_bytes()));
        let (mut registry, mut numbers) = (Registry::default(), Vec::new());
        assert_eq!(registry.find(&met[0]), None);
        for some in met.chunks(1_000) {
            numbers.extend(registry.number(some).unwrap());
        }
        let mut known: Vec<[u8; 16]> = Vec::new();
        for (key, number) in met.iter().zip(&numbers) {
            let at = known.iter().position(|k| k == key).unwrap_or(known.len());
            if at == known.len() {
                known.push(*key);
            }
            assert_eq!(*number as usize, at);
            assert_eq!(registry.find(key), Some(*number));
        }
        assert_eq!((registry.len(), registry.keys()), (known.len(), &known[..]));
        assert_eq!(registry.find(&(u128::MAX - 150).to_be_bytes()), None);
        assert_eq!(registry.find(&key(7_001)), None);
        assert_eq!(registry.into_keys(), known);
    }
}
