//! The people of an extract, as `persons` lists them, and whether a person of another table is among them.

use super::shapes::{digit, is_pseudonym};
use std::cmp::Ordering;

/// The pseudonyms of the cohort, sixteen bytes each, in order: the first eight bytes of each, which nearly always tell
/// people apart, and the last eight. Every table is held against all of them, so that what is read of them counts.
#[derive(Debug, Default)]
pub(super) struct People {
    heads: Vec<u64>,
    tails: Vec<u64>,
    /// For each beginning of a pseudonym, how many people begin below it; empty where somebody's is malformed.
    starts: Vec<u32>,
    /// How many bits of a beginning tell nothing here.
    shift: u32,
}

/// Characters at which a pseudonym's beginning is taken.
const CHARACTERS: usize = 5;

impl People {
    /// Takes the pseudonyms in the order of the file; puts them in order where they were not (which is refused apart).
    pub(super) fn new(mut people: Vec<u128>) -> Self {
        if !people.is_sorted() {
            people.sort_unstable();
        }
        let well_formed = people.iter().all(|person| is_pseudonym(&person.to_be_bytes()));
        let (heads, tails): (Vec<u64>, Vec<u64>) = people.into_iter().map(halves).unzip();
        let mut all = Self { heads, tails, starts: Vec::new(), shift: 0 };
        if let (true, Ok(count)) = (well_formed, u32::try_from(all.heads.len())) {
            // About as many beginnings as people.
            let all_bits = 5 * u32::try_from(CHARACTERS).unwrap_or(0);
            let bits = (u32::BITS - count.leading_zeros()).min(all_bits);
            all.shift = all_bits - bits;
            let mut starts = vec![0; (1 << bits) + 1];
            all.heads.iter().for_each(|head| starts[all.beginning(*head) + 1] += 1);
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
        self.heads.len()
    }

    /// The number of a pseudonym's beginning. It rises with the pseudonym; of what is malformed it says nothing.
    #[inline]
    fn beginning(&self, head: u64) -> usize {
        let [a, b, c, d, e, ..] = head.to_be_bytes();
        let all = [a, b, c, d, e].into_iter().fold(0, |all, byte| all << 5 | usize::from(digit(byte)));
        all >> self.shift
    }

    /// How many people's heads are below one. `from` is where the last search ended: in a sorted table the next is near.
    #[inline]
    fn below(&self, head: u64, from: &mut usize) -> usize {
        if let Some(start) = self.starts.get(self.beginning(head)) {
            let mut at = *start as usize;
            // Few begin alike. Some are counted at a time: nobody can foretell where to stop, and to go wrong costs more.
            while let Some([a, b, c, d]) = self.heads.get(at..).and_then(<[u64]>::first_chunk) {
                let below = [a, b, c, d].into_iter().map(|other| usize::from(*other < head)).sum::<usize>();
                at += below;
                if below < 4 {
                    return at;
                }
            }
            return at + self.heads.get(at..).unwrap_or_default().partition_point(|other| *other < head);
        }
        let start = if self.heads.get(*from).is_some_and(|at| *at < head) { *from } else { 0 };
        let at = start + pass(self.heads.get(start..).unwrap_or_default(), head);
        *from = at.saturating_sub(1);
        at
    }

    /// A person's place among them. `from` is where the last search ended.
    pub(super) fn find(&self, person: u128, from: &mut usize) -> Option<usize> {
        let (head, tail) = halves(person);
        let mut at = self.below(head, from);
        if self.heads.get(at) != Some(&head) {
            return None;
        }
        let tails = self.tails.get(at..).unwrap_or_default();
        if tails.first().is_some_and(|first| *first < tail) {
            // Of several with one head.
            let end = self.heads.partition_point(|other| *other <= head);
            let tails = tails.get(..end.saturating_sub(at)).unwrap_or_default();
            at += tails.partition_point(|other| *other < tail);
            if at == end {
                return None;
            }
        }
        (self.tails.get(at) == Some(&tail)).then_some(at)
    }
}

/// How many of `heads`, which rise, are below a head.
fn pass(heads: &[u64], wanted: u64) -> usize {
    let mut low = 0;
    if let Some([a, b, c, d, e, f, g, h]) = heads.first_chunk() {
        // Mostly the next is among these. All are counted: nobody can foretell where to stop, and to go wrong costs more.
        let below = |head: &u64| usize::from(*head < wanted);
        low = below(a) + below(b) + below(c) + below(d) + below(e) + below(f) + below(g) + below(h);
        if low < 8 {
            return low;
        }
    }
    // Steps that double, then halving between the last two.
    let mut step = 8;
    while heads.get(low + step).is_some_and(|head| *head < wanted) {
        low += step;
        step *= 2;
    }
    let window = heads.get(low..heads.len().min(low + step + 1)).unwrap_or_default();
    low + window.partition_point(|head| *head < wanted)
}

/// The first and the last eight bytes of a pseudonym.
fn halves(person: u128) -> (u64, u64) {
    let bytes = person.to_be_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    (u64::from_be_bytes(words[0]), u64::from_be_bytes(words[1]))
}

/// A pseudonym as a number that sorts as its text does.
pub(super) fn number(text: &[u8; 16]) -> u128 {
    u128::from_be_bytes(*text)
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
            sorted in any::<bool>(),
            well_formed in any::<bool>(),
            shift in 0..72_u32,
        ) {
            // Shifted, some differ in the first half alone, some in the second, some in both.
            let named = |n: &u128| if well_formed { pseudonym(n << shift) } else { n << shift };
            let [people, asked] = [people, asked].map(|all| all.iter().map(named).collect::<Vec<_>>());
            let (set, mut asked) = (People::new(people.clone()), asked);
            prop_assert_eq!(set.starts.is_empty(), !people.iter().all(|person| is_pseudonym(&person.to_be_bytes())));
            if sorted {
                asked.sort_unstable();
            }
            // Somebody malformed is nobody.
            asked.push(u128::from_be_bytes(*b"00000000!0000000"));
            let mut from = 0;
            for person in asked {
                let found = set.find(person, &mut from);
                prop_assert_eq!(found.is_some(), people.contains(&person));
                prop_assert!(found.is_none_or(|at| (set.heads[at], set.tails[at]) == halves(person)));
            }
        }
    }
}
