//! Places and groups: ethnic groups, authorities, regions, schools, providers, small areas.

use super::people::Person;
use super::random::{below, hash, unit};

/// How many local authorities there are.
pub(super) const AUTHORITIES: u64 = 150;

/// Ethnic groups: detailed code, main code, how many in a thousand.
pub(super) const ETHNIC: [(&str, &str, u16); 19] = [
    ("WBRI", "WHIT", 690),
    ("WIRI", "WHIT", 4),
    ("WIRT", "WHIT", 1),
    ("WROM", "WHIT", 3),
    ("WOTH", "WHIT", 62),
    ("MWBC", "MIXD", 15),
    ("MWBA", "MIXD", 8),
    ("MWAS", "MIXD", 13),
    ("MOTH", "MIXD", 20),
    ("AIND", "ASIA", 30),
    ("APKN", "ASIA", 43),
    ("ABAN", "ASIA", 17),
    ("AOTH", "ASIA", 17),
    ("BAFR", "BLAC", 36),
    ("BCRB", "BLAC", 12),
    ("BOTH", "BLAC", 7),
    ("CHNE", "CHIN", 4),
    ("OOTH", "AOEG", 10),
    ("REFU", "UNCL", 8),
];

/// Regions: code, name.
pub(super) const REGIONS: [(&str, &str); 9] = [
    ("E12000001", "North East"),
    ("E12000002", "North West"),
    ("E12000003", "Yorkshire and The Humber"),
    ("E12000004", "East Midlands"),
    ("E12000005", "West Midlands"),
    ("E12000006", "East of England"),
    ("E12000007", "London"),
    ("E12000008", "South East"),
    ("E12000009", "South West"),
];

/// The place of an ethnic group in the list.
pub(super) fn ethnicity(bits: u64) -> u8 {
    let mut left = below(bits, 1000);
    for (place, (_, _, share)) in (0_u8..).zip(ETHNIC) {
        let share = u64::from(share);
        if left < share {
            return place;
        }
        left -= share;
    }
    0
}

/// The region of an authority, 0 to 8.
pub(super) fn region(authority: u64) -> usize {
    (authority * 9 / AUTHORITIES % 9) as usize
}

/// The three-digit number of an authority.
pub(super) fn authority_number(authority: u64) -> u64 {
    201 + authority % AUTHORITIES * 5
}

/// A school: its authority and its place there.
#[derive(Debug, Clone, Copy)]
pub(super) struct School {
    authority: u64,
    place: u64,
    secondary: bool,
}

impl School {
    /// The school of a person in an academic year; some move, some cross the authority's border.
    pub(super) fn of(person: &Person, year: i32, second: bool) -> Self {
        let secondary = person.age_at_start(year) >= 11;
        let moved = person.in_year(41, year / 4, 0.12);
        let bits = hash(person.key, 42 + u64::from(secondary) + 2 * u64::from(moved) + 4 * u64::from(second));
        let authority =
            if unit(hash(bits, 1)) < 0.06 { (person.authority + 1) % AUTHORITIES } else { person.authority };
        Self { authority, place: below(bits, if secondary { 22 } else { 110 }), secondary }
    }

    /// The authority's number.
    pub(super) fn authority_number(self) -> u64 {
        authority_number(self.authority)
    }

    /// Authority and establishment number, seven digits.
    pub(super) fn laestab(self) -> u64 {
        self.authority_number() * 10_000 + if self.secondary { 4000 } else { 2000 } + self.place
    }

    /// The school's unique reference, six digits.
    pub(super) fn urn(self) -> u64 {
        100_000 + self.authority * 150 + self.place + if self.secondary { 115 } else { 0 }
    }
}

/// The home's small area, by its number: people move every few years.
pub(super) fn home(person: &Person, year: i32) -> u64 {
    let moved = u64::from(person.in_year(51, year / 5, 0.3));
    person.authority * 219 + below(hash(person.key, 52 + moved), 219)
}

/// The child income deprivation score of a small area, 0.005 to 0.9, skewed.
pub(super) fn deprivation(area: u64) -> f64 {
    let u = unit(hash(area, 61));
    (0.005 + 0.9 * u * u * u * 0.9 + 0.08 * u).min(0.9)
}

/// The number of a college or provider of a person, 0 to 299.
pub(super) fn provider(person: &Person, nth: u64) -> u64 {
    (person.authority * 2 + below(hash(person.key, 62 + nth / 2), 3)) % 300
}

/// The number of a university of a person, 0 to 159.
pub(super) fn university(person: &Person) -> u64 {
    below(hash(person.key, 65), 160)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_add_up_and_numbers_keep_their_length() {
        assert_eq!(ETHNIC.iter().map(|(_, _, share)| share).sum::<u16>(), 1000);
        for authority in 0..AUTHORITIES {
            assert!((100..1000).contains(&authority_number(authority)));
            assert!(region(authority) < 9);
            let school = School { authority, place: 21, secondary: true };
            assert!((1_000_000..10_000_000).contains(&school.laestab()));
            assert!((100_000..1_000_000).contains(&school.urn()));
        }
        assert!((0..40_000).all(|area| (0.0..1.0).contains(&deprivation(area))));
    }
}
