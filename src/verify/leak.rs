//! Whether cells look like identifiers. One National Insurance number, postcode or e-mail address refuses; numbers with
//! a check digit refuse by their share of a column's distinct values, since chance alone makes some look right.

use super::identifiers::{compact, has_address, husid_is_valid, is_nino, is_postcode, uln_is_valid, upn_of};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A column is refused where at least this share of its distinct values are UPNs, ULNs or HUSIDs…
const SHARE: f64 = 0.01;
/// …and they are at least this many…
const AT_LEAST: u64 = 5;
/// …and of the values with the letters and digits of the kind, this share have the right check digit. Chance gives 1 in
/// 23 (UPN), 1 in 11 (ULN), 1 in 10 (HUSID): enterprise numbers of ten digits must not be taken for learners.
const RIGHT: f64 = 0.5;

/// What one text looks like: bits.
pub(super) const NINO: u8 = 1;
pub(super) const POSTCODE: u8 = 2;
pub(super) const ADDRESS: u8 = 4;

/// Kinds with a check digit. For each, one bit says that a value has its shape, the next that its check digit is right.
const KINDS: [&str; 3] = ["UPN", "ULN", "HUSID"];

/// What a text looks like: [`NINO`], [`POSTCODE`], [`ADDRESS`].
pub(super) fn look(text: &[u8]) -> u8 {
    let mut looks = 0;
    if text.contains(&b'@') && has_address(text) {
        looks |= ADDRESS;
    }
    if text.len() < 5 || !text.iter().any(u8::is_ascii_digit) {
        return looks;
    }
    // Both begin with a letter.
    if !text[0].is_ascii_digit()
        && let Some((whole, length)) = compact::<9>(text)
    {
        let whole = &whole[..length];
        looks |= if is_nino(whole) { NINO } else { 0 };
        looks |= if is_postcode(whole) { POSTCODE } else { 0 };
    }
    if text.len() > 8 && !text.iter().all(u8::is_ascii_alphanumeric) {
        looks |= within(text);
    }
    looks
}

/// What stands within a longer text, as words in capitals: a NINO with its suffix; a postcode with its blank.
fn within(text: &[u8]) -> u8 {
    let mut looks = 0;
    let mut words = text.split(|c| !c.is_ascii_alphanumeric()).peekable();
    while let Some(word) = words.next() {
        if word.len() == 9 && is_nino(word) {
            looks |= NINO;
        }
        let Some(next) = words.peek() else { break };
        // `L1 2ND EDITION` is no address in Liverpool.
        let ordinal = matches!(next.get(1..), Some(b"ST" | b"ND" | b"RD" | b"TH"));
        if (2..=4).contains(&word.len()) && next.len() == 3 && !ordinal {
            let mut whole = [0; 7];
            let length = word.len() + 3;
            whole[..word.len()].copy_from_slice(word);
            whole[word.len()..length].copy_from_slice(next);
            looks |= if is_postcode(&whole[..length]) { POSTCODE } else { 0 };
        }
    }
    looks
}

/// Which kinds with a check digit a text has the shape of, and whether the check digit is right.
fn kinds_of(text: &[u8]) -> u8 {
    let Some((whole, length)) = compact::<13>(text) else { return 0 };
    let whole = &whole[..length];
    match length {
        13 if whole[0].is_ascii_uppercase() => upn_of(whole).map_or(0, |right| if right { 3 } else { 1 }),
        10 | 13 if whole.iter().all(u8::is_ascii_digit) => kinds_of_digits(whole),
        _ => 0,
    }
}

fn kinds_of_digits(digits: &[u8]) -> u8 {
    if let Ok(digits) = digits.try_into() {
        return 4 | if uln_is_valid(digits) { 8 } else { 0 };
    }
    digits.try_into().map_or(0, |digits| 16 | if husid_is_valid(digits) { 32 } else { 0 })
}

/// The kinds that a whole number may be of. A HUSID that begins with 0 has twelve digits as a number.
fn kinds_of_number(number: u64) -> u8 {
    let digits = match number {
        1_000_000_000..=9_999_999_999 => number.to_string(),
        100_000_000_000..=9_999_999_999_999 => format!("{number:013}"),
        _ => return 0,
    };
    kinds_of_digits(digits.as_bytes())
}

/// The least whole number that could be an identifier.
pub(super) const LEAST: i32 = 1_000_000_000;

/// A sample of the distinct values of a column: all of them while they are few, then those whose hash is low. Holds
/// hashes and kinds, never a value.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    /// A value is kept where its hash begins with so many zero bits.
    level: u32,
    kept: HashMap<u64, u8, BuildHasherDefault<AsItIs>>,
}

/// The keys are hashes already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        // The table looks at the first and the last bits; the first are zero in a thinned sample.
        self.0 = hash.rotate_left(32);
    }
}

/// How many distinct values are kept at most.
const KEPT: usize = 16_384;

impl Distinct {
    /// Makes room for so many values, as far as they are kept.
    pub(super) fn expect(&mut self, values: usize) {
        self.kept.reserve(values.min(KEPT + 1 - self.kept.len()));
    }

    /// Looks at a text.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) {
        self.add(hash(text), || kinds_of(text));
    }

    /// Looks at a whole number.
    #[inline]
    pub(super) fn number(&mut self, number: u64) {
        self.add(mix(number, LEAST.cast_unsigned().into()), || kinds_of_number(number));
    }

    #[inline]
    fn add(&mut self, hash: u64, kinds: impl FnOnce() -> u8) {
        if hash.leading_zeros() < self.level {
            return;
        }
        self.kept.entry(hash).or_insert_with(kinds);
        while self.kept.len() > KEPT {
            self.level += 1;
            let level = self.level;
            self.kept.retain(|hash, _| hash.leading_zeros() >= level);
        }
    }

    /// Of which kinds the column seems to hold identifiers.
    pub(super) fn suspects(&self) -> Vec<&'static str> {
        let all = self.kept.len();
        let kind = |(i, name): (usize, &&'static str)| {
            let count = |bit: u8| self.kept.values().filter(|kinds| **kinds & bit != 0).count();
            let (shaped, right) = (count(1 << (2 * i)), count(2 << (2 * i)));
            let many = (right as u64) << self.level.min(32) >= AT_LEAST;
            let suspect = many && right as f64 >= SHARE * all as f64 && right as f64 >= RIGHT * shaped as f64;
            suspect.then_some(*name)
        };
        KINDS.iter().enumerate().filter_map(kind).collect()
    }
}

/// A hash for sampling: fast, and well mixed in its first bits.
fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = bytes.len() as u64;
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    mix(state, tail(rest))
}

/// Fewer than eight bytes as a number, which tells them apart from others of their length. Bytes that were just written one by
/// one could not be read together at once, so none are.
fn tail(rest: &[u8]) -> u64 {
    let wide = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    match (rest.first_chunk(), rest.last_chunk(), rest) {
        (Some(first), Some(last), _) => wide(first) | wide(last) << 32,
        (_, _, [first, .., last]) => u64::from_le_bytes([*first, rest[rest.len() / 2], *last, 0, 0, 0, 0, 0]),
        (_, _, [one]) => u64::from(*one),
        _ => 0,
    }
}

/// Multiplies to twice the width and folds: both halves of the product matter.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd6e8_feb8_6659_fd93);
    let [low, high] = [product & u128::from(u64::MAX), product >> 64].map(|half| u64::try_from(half).unwrap_or(0));
    // Once more: the product of small numbers has zeros at its head.
    (low ^ high).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(31) ^ low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::check_digit_is_valid;

    fn suspects(texts: impl Iterator<Item = String>) -> Vec<&'static str> {
        let mut distinct = Distinct::default();
        texts.for_each(|text| distinct.text(text.as_bytes()));
        distinct.suspects()
    }

    fn ulns() -> impl Iterator<Item = String> {
        (1_000_000_000_u64..).map(|n| n.to_string()).filter(|n| check_digit_is_valid("uln", n))
    }

    #[test]
    fn one_is_enough_where_chance_makes_none() {
        for (text, looks) in [
            ("AB123456C", NINO),
            (" ab 12 34 56 ", NINO),
            ("NI no. AB123456C given", NINO),
            ("SW1A 1AA", POSTCODE),
            ("flat 2, SW1A 1AA", POSTCODE),
            ("sw1a1aa", POSTCODE),
            ("x@y.ac.uk", ADDRESS),
            ("E01000001", 0),
            ("62020", 0),
            ("LEVEL L1 2ND EDITION", 0),
            ("BTEC First Diploma in IT (QCF)", 0),
            ("2010/2011", 0),
            ("100/1234/5", 0),
            ("", 0),
        ] {
            assert_eq!(look(text.as_bytes()), looks, "{text}");
        }
    }

    #[test]
    fn learner_numbers_are_seen_among_other_values() {
        assert_eq!(suspects(ulns().take(5)), ["ULN"]);
        assert!(suspects(ulns().take(4)).is_empty());
        assert_eq!(suspects(ulns().take(10).chain((0..900).map(|i| format!("code {i}")))), ["ULN"]);
        assert!(suspects(ulns().take(10).chain((0..1100).map(|i| format!("code {i}")))).is_empty());
        assert_eq!(suspects(ulns().take(100_000)), ["ULN"]);
        let mut distinct = Distinct::default();
        ulns().take(1000).for_each(|text| distinct.number(text.parse().unwrap()));
        assert_eq!(distinct.suspects(), ["ULN"]);
    }

    #[test]
    fn chance_does_not_cry_wolf() {
        // Ten and thirteen digits without a meaning, and a letter with twelve digits.
        assert!(suspects((1_000_000_000_u64..1_000_050_000).map(|n| n.to_string())).is_empty());
        assert!(suspects((0..50_000_u64).map(|n| (n * 7_919_000_017 + 1_234_567_890_123).to_string())).is_empty());
        assert!(suspects((100_000_000_000_u64..100_000_050_000).map(|n| format!("A{n}"))).is_empty());
        assert!(suspects((0..200_000).map(|n| format!("E0{n:07}"))).is_empty());
    }

    #[test]
    fn the_sample_estimates_what_it_no_longer_holds() {
        let mut distinct = Distinct::default();
        (0..400_000_u32).for_each(|n| distinct.text(n.to_string().as_bytes()));
        let estimate = (distinct.kept.len() as u64) << distinct.level;
        assert!((360_000..440_000).contains(&estimate), "{estimate}");
    }
}
