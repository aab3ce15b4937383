//! The people of an extract, as `persons` lists them, and whether a person of another table is among them.

use std::cmp::Ordering;

/// The pseudonyms of the cohort, sixteen bytes each, in order.
#[derive(Debug, Default)]
pub(super) struct People(Vec<u128>);

impl People {
    /// Takes the pseudonyms in the order of the file; puts them in order where they were not (which is refused apart).
    pub(super) fn new(mut people: Vec<u128>) -> Self {
        if !people.is_sorted() {
            people.sort_unstable();
        }
        Self(people)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A person's place among them. `from` is where the last search ended: in a sorted table the next person is near.
    pub(super) fn find(&self, person: u128, from: &mut usize) -> Option<usize> {
        let behind = self.0.get(*from).is_some_and(|at| *at > person);
        let start = if behind { 0 } else { *from };
        // Steps that double, then halving between the last two.
        let rest = &self.0[start.min(self.0.len())..];
        let (mut low, mut step) = (0, 1);
        while rest.get(low + step).is_some_and(|at| *at <= person) {
            low += step;
            step *= 2;
        }
        let window = &rest[low..rest.len().min(low + step + 1)];
        let found = window.binary_search_by(|at| at.cmp(&person));
        *from = start + low + found.unwrap_or_else(|at| at.saturating_sub(1));
        found.is_ok().then_some(*from)
    }
}

/// A pseudonym as a number that sorts as its text does. `None` unless it has sixteen bytes.
pub(super) fn number(text: &[u8]) -> Option<u128> {
    <[u8; 16]>::try_from(text).ok().map(u128::from_be_bytes)
}

/// How the people of consecutive rows follow each other.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// The person of the last row.
    pub(super) last: Option<u128>,
    /// Different people so far, if in order.
    pub(super) people: u64,
    /// Rows whose person is below the one before.
    pub(super) below: u64,
}

impl Sequence {
    /// Takes the next row's person; tells how it compares with the last row's.
    pub(super) fn next(&mut self, person: u128) -> Ordering {
        let order = self.last.map_or(Ordering::Less, |last| last.cmp(&person));
        self.people += u64::from(order.is_ne());
        self.below += u64::from(order.is_gt());
        self.last = Some(person);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn search_finds_what_is_there(
            people in proptest::collection::vec(0..500_u128, 0..200),
            asked in proptest::collection::vec(0..500_u128, 0..100),
            sorted in any::<bool>(),
        ) {
            let (set, mut asked) = (People::new(people.clone()), asked);
            if sorted {
                asked.sort_unstable();
            }
            let mut from = 0;
            for person in asked {
                let found = set.find(person, &mut from);
                prop_assert_eq!(found.is_some(), people.contains(&person));
                prop_assert!(found.is_none_or(|at| set.0[at] == person));
            }
        }
    }
}
