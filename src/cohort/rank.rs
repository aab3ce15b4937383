//! Pseudonyms of a cohort: each person's rank among them gives the order of every table of the project.

use crate::keys::{Mac, pseudonym_text};
use crate::link::{Members, NOBODY, PersonSet};
use crate::vocab::{Attrition, Observer};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

/// People who are named at a time.
const SOME: usize = 4096;

/// Two people would share a pseudonym.
#[derive(Debug)]
pub(super) struct Collision;

/// A cohort as a version before lists it: what it depends on is what it was.
#[derive(Debug)]
pub struct Listed {
    /// Each `person_id`, 16 characters; they rise.
    pub ids: Vec<[u8; 16]>,
    /// How the cohort came about.
    pub attrition: Attrition,
}

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
        Ok(Self::of(&named(&people.iter().collect::<Vec<_>>(), members, mac, observer)?, attrition))
    }

    /// The cohort that a version before lists. Of its people, those whom nothing leads to in this run have no number.
    pub(super) fn listed(
        listed: Listed,
        members: &Members,
        mac: &Mac,
        observer: &dyn Observer,
    ) -> Result<Self, Collision> {
        let Listed { ids, attrition } = listed;
        let everybody = 0..u32::try_from(members.len()).unwrap_or(u32::MAX);
        let named = named(&everybody.collect::<Vec<_>>(), members, mac, observer)?;
        let mut known = named.iter().map(|(first, person)| (pseudonym_text(first), *person)).peekable();
        let persons = ids.iter().map(|id| {
            while known.next_if(|(other, _)| other < id).is_some() {}
            known.next_if(|(other, _)| other == id).map_or(NOBODY, |(_, person)| person)
        });
        let persons = persons.collect();
        Ok(Self { attrition, persons, ids })
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

    /// The people by rank; a number that is nobody's where nothing leads to them in this run.
    #[must_use]
    pub fn persons(&self) -> &[u32] {
        &self.persons
    }
}

/// The pseudonyms of people, which rise, and their numbers.
fn named(
    people: &[u32],
    members: &Members,
    mac: &Mac,
    observer: &dyn Observer,
) -> Result<Vec<([u8; 10], u32)>, Collision> {
    // Of a run that is interrupted the caller throws the cohort away.
    let some = people.par_chunks(SOME).filter(|_| !observer.interrupted());
    let mut named: Vec<([u8; 10], u32)> = some.flat_map_iter(|some| pseudonyms(mac, members, some)).collect();
    named.par_sort_unstable();
    if named.par_windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(Collision);
    }
    Ok(named)
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
