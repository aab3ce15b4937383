//! Identifiers: opaque keys of people, and numbers with the shapes and check digits that life gives them.

use super::random::{below, hash, place, scramble, signed, unit};
use std::fmt::Write;

/// Sixty-four characters, so that six bits pick one.
const OPAQUE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Kq";
/// The check letters of a UPN.
const CHECK: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
/// Letters of the inward half of a postcode.
const INWARD: &[u8; 20] = b"ABDEFGHJLNPQRSTUWXYZ";
/// Postcode areas.
const AREAS: [&str; 24] = [
    "B", "BD", "BN", "BS", "CB", "CH", "CV", "DE", "DH", "EX", "GL", "HU", "IP", "LE", "LN", "LS", "M", "NE", "NG",
    "NR", "OX", "PE", "SR", "YO",
];
/// NINO prefixes that were only ever used in administration: never those of a person.
const PREFIXES: [&str; 3] = ["MW", "NC", "CR"];
const SURNAMES: [&str; 24] = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch", "Maple", "Nettle",
    "Oak", "Pine", "Quince", "Rowan", "Sorrel", "Thorn", "Umber", "Vetch", "Willow", "Yarrow", "Zinnia",
];
const FORENAMES: [&str; 24] = [
    "Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gia", "Hal", "Ines", "Jack", "Kit", "Lena", "Max", "Nia", "Otto",
    "Pia", "Quin", "Rosa", "Sam", "Tess", "Una", "Vik", "Wren", "Zoe",
];

/// The number of a person as DfE resolved people: ten or eleven digits, distinct.
pub(super) fn ae_id(seed: u64, person: u64) -> i64 {
    signed(10_000_000_000 + scramble(person, 36, hash(seed, 901)))
}

/// The number of one ILR record of a person, distinct for `person` below 2^28 and `record` below 8.
pub(super) fn record_id(seed: u64, person: u64, record: u64) -> i64 {
    signed(scramble(person * 8 + record, 31, hash(seed, 902)))
}

/// An opaque key: PMR (18 characters), EDUKEY (14) and the like. `which` tells a person's keys of a kind apart.
pub(super) fn push_opaque(out: &mut String, seed: u64, kind: u64, person: u64, which: u64, length: usize) {
    let base = hash(hash(hash(seed, kind), person), which);
    let mut bits = 0;
    for i in 0..length {
        if i % 10 == 0 {
            bits = hash(base, 77 + i as u64);
        }
        out.push(char::from(OPAQUE[(bits & 63) as usize]));
        bits >>= 6;
    }
}

/// Exchanges capitals and small letters.
pub(super) fn other_case(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

/// A UPN of that authority (three digits) with its check letter.
pub(super) fn push_upn(out: &mut String, key: u64, authority: u64, entry_year: u64) {
    let digits = format!(
        "{:03}{:04}{:02}{:03}",
        authority % 1000,
        2000 + below(hash(key, 911), 3000),
        entry_year % 100,
        below(hash(key, 912), 1000)
    );
    let sum: u64 = digits.bytes().zip(2_u64..).map(|(b, place)| u64::from(b - b'0') * place).sum();
    out.push(char::from(CHECK[(sum % 23) as usize]));
    out.push_str(&digits);
}

/// A ULN: ten digits, weights 10 to 1, sum 10 modulo 11.
pub(super) fn push_uln(out: &mut String, key: u64) {
    let mut nine = 100_000_000 + below(hash(key, 921), 900_000_000);
    loop {
        let (mut rest, mut sum) = (nine, 0);
        for weight in 2..=10 {
            sum += rest % 10 * weight;
            rest /= 10;
        }
        if sum % 11 != 0 {
            let _ = write!(out, "{nine}{}", 10 - sum % 11);
            return;
        }
        nine = if nine == 999_999_999 { 100_000_000 } else { nine + 1 };
    }
}

/// A HUSID: year, institution, reference, check digit.
pub(super) fn push_husid(out: &mut String, key: u64, entry_year: u64) {
    let digits = format!(
        "{:02}{:04}{:06}",
        entry_year % 100,
        1001 + below(hash(key, 931), 180),
        below(hash(key, 932), 1_000_000)
    );
    let sum: u64 = digits.bytes().zip([1_u64, 3, 7, 9].into_iter().cycle()).map(|(b, w)| u64::from(b - b'0') * w).sum();
    let _ = write!(out, "{digits}{}", (10 - sum % 10) % 10);
}

/// A NINO with a prefix that no person ever had.
pub(super) fn push_nino(out: &mut String, key: u64) {
    let prefix = PREFIXES[place(hash(key, 941), 3)];
    let suffix = [b'A', b'B', b'C', b'D'][place(hash(key, 942), 4)];
    let _ = write!(out, "{prefix}{:06}{}", below(hash(key, 943), 1_000_000), char::from(suffix));
}

/// A postcode.
pub(super) fn push_postcode(out: &mut String, key: u64) {
    let letter = |label| char::from(INWARD[place(hash(key, label), 20)]);
    let area = AREAS[place(hash(key, 951), 24)];
    let (district, sector) = (1 + below(hash(key, 952), 29), below(hash(key, 953), 10));
    let _ = write!(out, "{area}{district} {sector}{}{}", letter(954), letter(955));
}

/// A family name.
pub(super) fn surname(key: u64) -> &'static str {
    SURNAMES[place(hash(key, 961), 24)]
}

/// A given name.
pub(super) fn forename(key: u64) -> &'static str {
    FORENAMES[place(hash(key, 962), 24)]
}

/// How an identifier is written that is none.
pub(super) fn nonsense(bits: u64) -> &'static str {
    ["#N/A", "0", "NULL", "?"][place(bits, 4)]
}

/// How an identifier is written that is not there; `None` is null.
pub(super) fn blank(bits: u64) -> Option<&'static str> {
    if unit(bits) < 0.4 { None } else { Some(["", " ", "  "][place(hash(bits, 3), 3)]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::{Canonical, canonical_text, check_digit_is_valid};
    use std::collections::BTreeSet;

    #[test]
    fn check_digits_are_right() {
        for key in (0..2_000).map(crate::synth::random::mix) {
            let mut text = String::new();
            for kind in ["upn", "uln", "husid", "nino"] {
                text.clear();
                match kind {
                    "upn" => push_upn(&mut text, key, 201 + key % 700, 2004),
                    "uln" => push_uln(&mut text, key),
                    "husid" => push_husid(&mut text, key, 2009),
                    _ => push_nino(&mut text, key),
                }
                let Canonical::Text(canonical) = canonical_text(kind, &text) else { panic!("{kind} {text}") };
                assert!(check_digit_is_valid(kind, &canonical), "{kind} {text}");
            }
        }
    }

    #[test]
    fn keys_of_people_are_distinct_opaque_and_of_their_length() {
        let mut seen = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for person in 0..3_000 {
            for which in 0..2 {
                let mut text = String::new();
                push_opaque(&mut text, 1, 5, person, which, 18);
                assert_eq!(text.len(), 18);
                assert_ne!(text, other_case(&text));
                assert!(seen.insert(text));
            }
            for record in 0..8 {
                let number = record_id(1, person, record);
                assert!(i32::try_from(number).is_ok());
                assert!(numbers.insert(number));
            }
            assert!(numbers.insert(ae_id(1, person)));
        }
    }
}
