//! Pseudonyms of a cohort: each person's rank among them gives the order of every table of the project.

use crate::keys::{Mac, pseudonym_text};
use crate::link::{Members, PersonSet};
use crate::vocab::{Attrition, Observer};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

/// People who are named at a time.
const SOME: usize = 4096;

/// Two people would share a pseudonym.
#[derive(Debug)]
pub(super) struct Collision;

/// A project's people: who, and in which order.
#[derive(Debug)]
pub struct Cohort {
    attrition: Attrition,
    persons: Vec<u32>,
    ids: Vec<[u8; 16]>,
}

impl Cohort {
    pub(super) fn new(
        people: &PersonSet,
        attrition: Attrition,
        members: &Members,
        mac: &Mac,
        observer: &dyn Observer,
    ) -> Result<Self, Collision> {
        let numbers: Vec<u32> = people.iter().collect();
        // Of a run that is interrupted the caller throws the cohort away.
        let some = numbers.par_chunks(SOME).filter(|_| !observer.interrupted());
        let mut named: Vec<([u8; 10], u32)> = some.flat_map_iter(|some| pseudonyms(mac, members, some)).collect();
        named.par_sort_unstable();
        if named.par_windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Collision);
        }
        Ok(Self::of(&named, attrition))
    }

    /// The cohort of some people: their pseudonyms, which rise, and their numbers.
    pub(crate) fn of(named: &[([u8; 10], u32)], attrition: Attrition) -> Self {
        let ids = named.par_iter().map(|(first, _)| pseudonym_text(first)).collect();
        let persons = named.par_iter().map(|(_, person)| *person).collect();
        Self { attrition, persons, ids }
    }

    /// How the cohort came about.
    #[must_use]
    pub fn attrition(&self) -> &Attrition {
        &self.attrition
    }

    /// The bytes that the cohort holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let bytes = self.persons.len() * 4 + self.ids.len() * 16;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Each `person_id`, 16 characters, by rank; they rise.
    #[must_use]
    pub fn ids(&self) -> &[[u8; 16]] {
        &self.ids
    }

    /// The people by rank.
    #[must_use]
    pub fn persons(&self) -> &[u32] {
        &self.persons
    }
}

/// The pseudonyms of some people, in no order.
fn pseudonyms(mac: &Mac, members: &Members, people: &[u32]) -> Vec<([u8; 10], u32)> {
    let mut named = Vec::with_capacity(people.len());
    let mut name = |place: usize, key: [u8; 16]| {
        named.extend(people.get(place).zip(key.first_chunk()).map(|(person, first)| (*first, *person)));
    };
    let mut keyed = mac.keyed();
    for (place, person) in people.iter().enumerate() {
        if let Some(key) = members.person_key(*person) {
            keyed.take(place, key, &mut name);
        }
    }
    keyed.give(name);
    named
}

/// Whether the stable share of people holds a person: the first 8 bytes of the HMAC, as a big-endian integer, lie below
/// `share` x 2^64.
pub(super) fn sampled(mac: &Mac, members: &Members, person: u32, share: f64) -> bool {
    let Some(key) = members.person_key(person) else { return false };
    let Some(first) = mac.tag(key).first_chunk().copied().map(u64::from_be_bytes) else { return false };
    below(first, share)
}

/// `value < share * 2^64`, exactly: multiplying by a power of two loses nothing.
fn below(value: u64, share: f64) -> bool {
    let limit = share * 18_446_744_073_709_551_616.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share lies in 0..=1, so this fits")]
    let limit = limit.ceil().max(0.0) as u128;
    u128::from(value) < limit
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_share_is_compared_without_rounding() {
        assert!(below(u64::MAX, 1.0));
        assert!(!below(0, 0.0));
        assert!(below((1 << 63) - 1, 0.5));
        assert!(!below(1 << 63, 0.5));
    }
}
