//! Whom a de-identified key leads to: a table of keys in which one line of the memory's cache answers most questions.

use super::NOBODY;
use crate::engine::Partners;

/// Keys and persons that lie in one line of the cache. Places are taken from the first on.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Line {
    keys: [[u8; 16]; PLACES],
    persons: [u32; PLACES],
    taken: u32,
}

const PLACES: usize = 3;
const EMPTY: Line = Line { keys: [[0; 16]; PLACES], persons: [NOBODY; PLACES], taken: 0 };

/// The members of one kind. Keys are uniform already, being hashes, so that what they begin with is as good a hash as any. A
/// key stands in its own line or, where that is full, in one of those behind it, before the first that is not full.
#[derive(Debug)]
pub(super) struct Lookup {
    lines: Vec<Line>,
    /// How many lines are keys' own; those behind them only take in what has no room.
    own: u64,
    keys: usize,
}

impl Lookup {
    /// Of so many members that are sorted by key, each key once.
    pub(super) fn new(keys: usize, members: impl Iterator<Item = ([u8; 16], u32)>) -> Self {
        // Three of four places are taken.
        let own = (keys * 4).div_ceil(PLACES * 3).max(1);
        let mut lookup = Self { lines: vec![EMPTY; own], own: u64::try_from(own).unwrap_or(1), keys };
        for (key, person) in members {
            let mut at = lookup.line(&key);
            while lookup.lines.get(at).is_some_and(|line| line.taken as usize == PLACES) {
                at += 1;
            }
            if at == lookup.lines.len() {
                lookup.lines.push(EMPTY);
            }
            let line = &mut lookup.lines[at];
            let place = line.taken as usize;
            (line.keys[place], line.persons[place]) = (key, person);
            line.taken += 1;
        }
        lookup
    }

    /// The line of a key.
    #[inline]
    fn line(&self, key: &[u8; 16]) -> usize {
        place_of(key, self.own)
    }

    #[inline]
    fn in_lines(&self, line: usize, key: &[u8; 16]) -> u32 {
        for line in self.lines.get(line..).unwrap_or_default() {
            for (known, person) in line.keys.iter().zip(&line.persons) {
                // A place that is not taken has nobody.
                if known == key {
                    return *person;
                }
            }
            if (line.taken as usize) < PLACES {
                break;
            }
        }
        NOBODY
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.keys
    }

    /// The bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>()
    }
}

/// Keys that are looked up together, so that the memory is asked for all of them before it is needed for one.
pub(super) const TOGETHER: usize = 64;

/// Which of so many places is a key's own. It rises with the key.
#[inline]
pub(super) fn place_of(key: &[u8; 16], places: u64) -> usize {
    let first = key.first_chunk().copied().map_or(0, u64::from_be_bytes);
    usize::try_from((u128::from(first) * u128::from(places)) >> 64).unwrap_or(0)
}

impl Partners for Lookup {
    fn find(&self, keys: &[[u8; 16]], found: &mut Vec<u32>) {
        let mut at = [0; TOGETHER];
        for keys in keys.chunks(TOGETHER) {
            let mut touched = 0;
            for (at, key) in at.iter_mut().zip(keys) {
                *at = self.line(key);
                touched ^= self.lines.get(*at).map_or(0, |line| line.taken);
            }
            std::hint::black_box(touched);
            found.extend(at.iter().zip(keys).map(|(at, key)| self.in_lines(*at, key)));
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
            let some = members[..count].iter().map(|(key, person)| (key.to_be_bytes(), *person));
            let lookup = Lookup::new(count, some);
            assert_eq!(lookup.len(), count);
            let keys = |change: u128| members.iter().map(|m| (m.0 ^ change).to_be_bytes()).collect::<Vec<_>>();
            let mut found = Vec::new();
            Partners::find(&lookup, &keys(0), &mut found);
            let right = members.iter().enumerate().map(|(at, m)| if at < count { m.1 } else { NOBODY });
            assert_eq!(found, right.collect::<Vec<_>>(), "{count} members");
            found.clear();
            Partners::find(&lookup, &keys(1 << 20), &mut found);
            assert!(found.len() == members.len() && found.iter().all(|person| *person == NOBODY));
        }
    }
}
