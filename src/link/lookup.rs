//! Whom a de-identified key leads to: sorted keys, and where in them each prefix begins.

use super::NOBODY;
use crate::engine::Partners;

/// A key and its person, or [`super::AMBIGUOUS`].
#[derive(Debug, Clone, Copy)]
struct Entry {
    key: [u8; 16],
    person: u32,
}

/// The members of one kind. Keys are uniform already, being hashes, so that a prefix of them is as good a hash as any: a
/// key is found where its prefix begins, or beside.
#[derive(Debug)]
pub(super) struct Lookup {
    entries: Vec<Entry>,
    starts: Vec<u32>,
    shift: u32,
}

impl Lookup {
    /// Of members that are sorted by key, each key once.
    pub(super) fn new(members: impl Iterator<Item = (u128, u32)>) -> Self {
        let entries: Vec<Entry> = members.map(|(key, person)| Entry { key: key.to_be_bytes(), person }).collect();
        // About one entry a prefix.
        let bits = entries.len().max(2).next_power_of_two().ilog2();
        let shift = u64::BITS - bits;
        let mut starts = Vec::with_capacity((1 << bits) + 1);
        for (entry, place) in entries.iter().zip(0_u32..) {
            let prefix = prefix(&entry.key, shift);
            while starts.len() <= prefix {
                starts.push(place);
            }
        }
        starts.resize((1 << bits) + 1, u32::try_from(entries.len()).unwrap_or(u32::MAX));
        Self { entries, starts, shift }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>() + self.starts.len() * 4
    }
}

fn prefix(key: &[u8; 16], shift: u32) -> usize {
    let first = key.first_chunk().copied().map_or(0, u64::from_be_bytes);
    usize::try_from(first >> shift).unwrap_or(usize::MAX)
}

/// Keys that are looked up together, so that the memory is asked for all of them before it is needed for one.
const TOGETHER: usize = 64;

impl Partners for Lookup {
    fn find(&self, keys: &[[u8; 16]], found: &mut Vec<u32>) {
        let mut places = [(0, 0); TOGETHER];
        for keys in keys.chunks(TOGETHER) {
            for (place, key) in places.iter_mut().zip(keys) {
                let at = prefix(key, self.shift);
                *place = (self.starts[at], self.starts[at + 1]);
            }
            let mut touched = 0;
            for (start, _) in places.iter().take(keys.len()) {
                touched ^= self.entries.get(*start as usize).map_or(0, |entry| entry.key[0]);
            }
            std::hint::black_box(touched);
            for ((start, end), key) in places.iter().zip(keys) {
                let here = self.entries.get(*start as usize..*end as usize).unwrap_or_default();
                found.push(here.iter().find(|entry| entry.key == *key).map_or(NOBODY, |entry| entry.person));
            }
        }
    }

    fn nobody(&self) -> u32 {
        NOBODY
    }
}

#[cfg(test)]
mod tests {
    use super::super::AMBIGUOUS;
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        let mut members: Vec<(u128, u32)> = (0..5_000_u32)
            .map(|i| (u128::from(i).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835), i))
            .collect();
        // Keys that differ in their last bytes alone, the first and the last of all.
        members.extend([(1, AMBIGUOUS), (2, 9_000), (u128::MAX, 9_001)]);
        members.sort_unstable();
        members.dedup_by_key(|m| m.0);
        for count in [0, 1, 2, 3, 700, members.len()] {
            let lookup = Lookup::new(members[..count].iter().copied());
            assert_eq!(lookup.len(), count);
            let keys = |change: u128| members.iter().map(|m| (m.0 ^ change).to_be_bytes()).collect::<Vec<_>>();
            let mut found = Vec::new();
            lookup.find(&keys(0), &mut found);
            let right = members.iter().enumerate().map(|(at, m)| if at < count { m.1 } else { NOBODY });
            assert_eq!(found, right.collect::<Vec<_>>(), "{count} members");
            found.clear();
            lookup.find(&keys(1 << 20), &mut found);
            assert!(found.len() == members.len() && found.iter().all(|person| *person == NOBODY));
        }
    }
}
