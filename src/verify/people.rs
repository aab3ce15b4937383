//! The people of an extract, as `persons` lists them, and whether a person of another table is among them.

use super::shapes::{digit, is_pseudonym};
use std::cmp::Ordering;

/// The pseudonyms of the cohort, in order. Every table is held against all of them, so that what is read of them counts.
#[derive(Debug, Default)]
pub(super) struct People {
    people: Vec<u128>,
    /// For each beginning of a pseudonym, how many people begin below it; empty where somebody's is malformed.
    starts: Vec<u32>,
    /// How many bits of a beginning tell nothing here.
    shift: u32,
}

/// The place of somebody who is not among the people.
pub(super) const NOBODY: usize = usize::MAX;

/// How many people are looked up at a time.
const TOGETHER: usize = 32;

/// The bits of a pseudonym's first five characters.
const BITS: u32 = 25;

impl People {
    /// Takes the pseudonyms in the order of the file; puts them in order where they were not (which is refused apart).
    pub(super) fn new(mut people: Vec<u128>) -> Self {
        if !people.is_sorted() {
            people.sort_unstable();
        }
        let well_formed = people.iter().all(|person| is_pseudonym(&person.to_be_bytes()));
        let mut all = Self { people, starts: Vec::new(), shift: 0 };
        if let (true, Ok(count)) = (well_formed, u32::try_from(all.people.len())) {
            // About as many beginnings as people.
            let bits = (u32::BITS - count.leading_zeros()).min(BITS);
            all.shift = BITS - bits;
            let mut starts = vec![0; (1 << bits) + 1];
            all.people.iter().for_each(|person| starts[all.beginning(*person) + 1] += 1);
            let mut sum = 0;
            for start in &mut starts {
                sum += *start;
                *start = sum;
            }
            all.starts = starts;
        }
        all
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    /// The number of a pseudonym's beginning. It rises with the pseudonym; of what is malformed it says nothing.
    #[inline]
    fn beginning(&self, person: u128) -> usize {
        let [a, b, c, d, e, ..] = person.to_be_bytes();
        let all = [a, b, c, d, e].into_iter().fold(0, |all, byte| all << 5 | usize::from(digit(byte)));
        all >> self.shift
    }

    /// A person's place among them, or [`NOBODY`].
    #[inline]
    pub(super) fn find(&self, person: u128) -> usize {
        match self.starts.get(self.beginning(person)) {
            Some(start) => self.find_from(*start as usize, person),
            None => self.people.binary_search(&person).unwrap_or(NOBODY),
        }
    }

    /// The same, where nobody before a place is the person.
    #[inline]
    fn find_from(&self, mut at: usize, person: u128) -> usize {
        while self.people.get(at).is_some_and(|other| *other < person) {
            at += 1;
        }
        if self.people.get(at) == Some(&person) { at } else { NOBODY }
    }

    /// Appends the places of some people, at most [`TOGETHER`]: what [`People::find`] gives for each. They are looked at
    /// in turns, so that the looks of all are under way at once.
    fn find_all(&self, persons: &[u128], places: &mut Vec<usize>) {
        if self.starts.is_empty() || self.people.is_empty() {
            places.extend(persons.iter().map(|person| self.find(*person)));
            return;
        }
        let mut looks = [0; TOGETHER];
        for (at, person) in looks.iter_mut().zip(persons) {
            *at = self.starts.get(self.beginning(*person)).map_or(0, |start| *start as usize);
        }
        let end = self.people.len() - 1;
        // Mostly it is the first or the second: which of them nobody can foretell, and to go wrong costs more than a look.
        for _ in 0..2 {
            for (at, person) in looks.iter_mut().zip(persons) {
                *at += usize::from(self.people[(*at).min(end)] < *person);
            }
        }
        places.extend(looks.into_iter().zip(persons).map(|(at, person)| self.find_from(at, *person)));
    }
}

/// A pseudonym as a number that sorts as its text does.
pub(super) fn number(text: &[u8; 16]) -> u128 {
    u128::from_be_bytes(*text)
}

/// The people of a batch's rows, as they follow each other.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// The first row of each; the first of the batch is one, whoever came before.
    pub(super) firsts: Vec<u32>,
    /// Their places among the people, or [`NOBODY`].
    pub(super) places: Vec<usize>,
    /// The rows, from the second on, whose person is that of the row before.
    pub(super) same: Vec<u32>,
}

impl Met {
    pub(super) fn clear(&mut self) {
        self.firsts.clear();
        self.places.clear();
        self.same.clear();
    }

    /// The place of each row's person, where a batch has so many rows.
    pub(super) fn of_rows(&self, rows: usize) -> Vec<usize> {
        let mut of_rows = Vec::with_capacity(rows);
        let ends = self.firsts.iter().skip(1).map(|end| *end as usize).chain([rows]);
        for (place, end) in self.places.iter().zip(ends) {
            of_rows.resize(end, *place);
        }
        of_rows
    }
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

    /// Takes the people of all rows of a batch, and looks them up: the same as one by one, but without a branch for each
    /// row, since nobody can foretell whose the next is. Gives how many are not among the people.
    pub(super) fn all(&mut self, rows: &[[u8; 16]], among: &People, met: &mut Met) -> u64 {
        met.clear();
        let Some(first) = rows.first() else { return 0 };
        let known = self.next(number(first)).is_eq();
        met.firsts.resize(rows.len(), 0);
        met.same.resize(rows.len(), 0);
        let (mut different, mut same) = (1, 0);
        for (row, (text, before)) in (1..).zip(rows[1..].iter().zip(rows)) {
            let repeats = text == before;
            met.firsts[different] = row;
            met.same[same] = row;
            different += usize::from(!repeats);
            same += usize::from(repeats);
        }
        met.firsts.truncate(different);
        met.same.truncate(same);
        let mut last = number(first);
        let mut persons = [0; TOGETHER];
        for firsts in met.firsts.chunks(TOGETHER) {
            for (person, row) in persons.iter_mut().zip(firsts) {
                *person = number(&rows[*row as usize]);
                self.below += u64::from(*person < last);
                last = *person;
            }
            among.find_all(&persons[..firsts.len()], &mut met.places);
        }
        self.people += different as u64 - 1;
        self.last = Some(last);
        let strangers = met.places.iter().skip(usize::from(known)).filter(|place| **place == NOBODY);
        strangers.count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A pseudonym for each number, which rises with it.
    fn pseudonym(number: u128) -> u128 {
        let digits = |at: u32| b"0123456789abcdefghjkmnpqrstvwxyz"[usize::try_from(number >> (5 * at) & 31).unwrap()];
        u128::from_be_bytes(std::array::from_fn(|i| digits(15 - u32::try_from(i).unwrap())))
    }

    proptest! {
        #[test]
        fn search_finds_what_is_there(
            people in proptest::collection::vec(0..500_u128, 0..200),
            asked in proptest::collection::vec(0..500_u128, 0..100),
            well_formed in any::<bool>(),
            shift in 0..72_u32,
        ) {
            // Shifted, some differ in their beginnings, some behind them, some in both.
            let named = |n: &u128| if well_formed { pseudonym(n << shift) } else { n << shift };
            let [people, asked] = [people, asked].map(|all| all.iter().map(named).collect::<Vec<_>>());
            let (set, mut asked) = (People::new(people.clone()), asked);
            prop_assert_eq!(set.starts.is_empty(), !people.iter().all(|person| is_pseudonym(&person.to_be_bytes())));
            // Somebody malformed is nobody.
            asked.push(u128::from_be_bytes(*b"00000000!0000000"));
            for person in asked {
                let found = set.find(person);
                prop_assert_eq!(found != NOBODY, people.contains(&person));
                prop_assert!(found == NOBODY || set.people[found] == person);
            }
        }

        #[test]
        fn many_rows_are_taken_as_one_by_one(
            people in proptest::collection::btree_set(0..300_u128, 0..250),
            batches in proptest::collection::vec(proptest::collection::vec(0..300_u128, 0..200), 1..4),
            sorted in any::<bool>(),
            well_formed in any::<bool>(),
        ) {
            let named = |n: &u128| if well_formed { pseudonym(n << 60) } else { n << 60 };
            let among = People::new(people.iter().map(named).collect());
            let (mut one_by_one, mut together) = (Sequence::default(), Sequence::default());
            for mut batch in batches {
                if sorted {
                    batch.sort_unstable();
                }
                let rows: Vec<[u8; 16]> = batch.iter().map(|n| named(n).to_be_bytes()).collect();
                let (mut places, mut same, mut strangers) = (Vec::new(), Vec::new(), 0);
                for (row, text) in (0..).zip(&rows) {
                    let order = one_by_one.next(number(text));
                    let place = among.find(number(text));
                    places.push(place);
                    same.extend((order.is_eq() && row > 0).then_some(row));
                    strangers += u64::from(order.is_ne() && place == NOBODY);
                }
                let mut met = Met::default();
                prop_assert_eq!(together.all(&rows, &among, &mut met), strangers);
                prop_assert_eq!(met.of_rows(rows.len()), places);
                prop_assert_eq!(met.same, same);
                let so_far = |of: &Sequence| (of.last, of.people, of.below);
                prop_assert_eq!(so_far(&together), so_far(&one_by_one));
            }
        }
    }
}
