//! Who has which rows in the education elements: attendance by academic age, key stages, colleges, universities, care.

use super::calendar::{NEVER, day};
use super::people::Person;
use super::plans::Scope;
use super::random::{happens, hash, normal, repeats, signed, upto, whole};
use super::rows::{OFF_ROLL, Row};
use crate::vocab::Term;

/// One pupil and term: ages 4 to 15, some at 3, to 17 for those who stay; thinned to the presence asked for.
pub(super) fn census(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(person.cohort + 4, person.cohort + 18) {
        if !at_school(person, year, 3) {
            continue;
        }
        let (weight, term) = match scope.term {
            // Spring is the main census: most one-term extracts use it, so it is thinned least.
            None => (1.0, 0),
            Some(Term::Autumn) => (0.7, 1),
            Some(Term::Spring) => (1.6, 2),
            Some(Term::Summer) => (0.7, 3),
        };
        let bits = hash(person.bits(101, year), term);
        if happens(bits, scope.presence * weight) {
            let off = if happens(hash(bits, 1), 0.03) { OFF_ROLL } else { 0 };
            rows.push(school_days(person, Row::new(year, 0, bits).with_marks(off)));
        }
    }
}

/// One pupil and year of attendance.
pub(super) fn absence(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(person.cohort + 6, person.cohort + 16) {
        let bits = person.bits(102, year);
        if happens(bits, scope.presence) {
            // How often the pupil is away, in millionths of the sessions: reckoned once for the many columns about it.
            let habit = 50_000.0 * (0.8 * normal(hash(person.key, 91)) - 0.25 * person.ability).exp();
            rows.push(school_days(person, Row::new(year, 0, bits).with_amount(whole(habit))));
        }
    }
}

/// Whether the person goes to school in a year; from which age on.
fn at_school(person: &Person, year: i32, from: i32) -> bool {
    match person.age_at_start(year) {
        3 => from <= 3 && person.in_year(103, year, 0.5),
        4..=15 => true,
        16..=17 => person.sixth_form,
        _ => false,
    }
}

/// The row with the days of entry to the school and, for some, of leaving it.
fn school_days(person: &Person, row: Row) -> Row {
    let age = person.age_at_start(row.year);
    let entered = match age {
        11..=17 => person.cohort + 12,
        _ => person.cohort + 5,
    };
    let entry = day(entered.min(row.year), 9, 1) + upto(hash(row.bits, 2), 6);
    let left = row.is(OFF_ROLL) || happens(hash(row.bits, 3), 0.03);
    let leaving = if left { day(row.year, 9, 20) + upto(hash(row.bits, 4), 270) } else { NEVER };
    row.with_days(entry, leaving)
}

/// The end of a key stage, in the year in which the person has that age at its start.
pub(super) fn stage(person: &Person, scope: &Scope, age: i32, rows: &mut Vec<Row>) {
    let year = person.cohort + 1 + age;
    let reaches = match age {
        10 => person.in_year(104, year, 0.93),
        15 => person.in_year(104, year, 0.96),
        _ if person.sixth_form => person.in_year(104, year, 0.97),
        _ => person.further.nth(year).is_some() && person.in_year(104, year, 0.35),
    };
    if reaches {
        for year in scope.years(year, year) {
            rows.push(school_days(person, Row::new(year, 0, person.bits(105, year))));
        }
    }
}

/// Exclusions: few pupils, several times.
pub(super) fn exclusions(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    let known = if person.in_need.years > 0 { 0.2 } else { 0.0 };
    if !happens(hash(person.key, 106), 0.045 + known - 0.02 * person.ability) {
        return;
    }
    for year in scope.years(person.cohort + 10, person.cohort + 16) {
        let bits = person.bits(107, year);
        if happens(bits, 0.35) {
            for seq in 0..1 + repeats(hash(bits, 1), 0.45, 30) {
                let bits = hash(bits, 10 + u64::from(seq));
                let first = day(year, 9, 5) + upto(hash(bits, 5), 310);
                rows.push(Row::new(year, seq, bits).with_days(first, first + upto(hash(bits, 6), 10)));
            }
        }
    }
}

/// Episodes of children known to social services.
pub(super) fn in_need(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(person.in_need.from, person.in_need.from + person.in_need.years - 1) {
        if person.age_at_start(year) > 17 {
            continue;
        }
        let bits = person.bits(108, year);
        for seq in 0..1 + repeats(bits, 0.2, 3) {
            let bits = hash(bits, 10 + u64::from(seq));
            let referred = day(year, 4, 1) - upto(hash(bits, 5), 500);
            let closed =
                if happens(hash(bits, 6), 0.45) { day(year + 1, 3, 31) - upto(hash(bits, 7), 300) } else { NEVER };
            rows.push(Row::new(year, seq, bits).with_days(referred, closed));
        }
    }
}

/// The latest episode in care of a year.
pub(super) fn in_care(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(person.care.from, person.care.from + person.care.years - 1) {
        if person.age_at_start(year) <= 17 {
            let bits = person.bits(109, year);
            let start = day(person.care.from, 4, 1) + upto(hash(person.key, 110), 330);
            let end = if person.care.ends_in(year) { day(year + 1, 3, 31) - upto(hash(bits, 7), 300) } else { NEVER };
            rows.push(Row::new(year, 0, bits).with_days(start, end));
        }
    }
}

/// Learning aims in school sixth forms.
pub(super) fn sixth_form_aims(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    if !person.sixth_form {
        return;
    }
    for year in scope.years(person.cohort + 17, person.cohort + 18) {
        let bits = person.bits(111, year);
        for seq in 0..2 + repeats(bits, 0.35, 4) {
            let bits = hash(bits, 10 + u64::from(seq));
            let end = if happens(hash(bits, 5), 0.8) { day(year + 1, 6, 15) + upto(hash(bits, 6), 30) } else { NEVER };
            rows.push(Row::new(year, seq, bits).with_days(day(year, 9, 1) + upto(hash(bits, 7), 12), end));
        }
    }
}

/// Monthly returns on what young people do after 16.
pub(super) fn activities(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(person.cohort + 17, person.cohort + 19) {
        let bits = person.bits(112, year);
        let last_year = year == person.cohort + 19;
        if !happens(bits, if last_year { 0.35 } else { 0.75 }) {
            continue;
        }
        for seq in 0..1 + repeats(hash(bits, 1), 0.55, 11) {
            let bits = hash(bits, 10 + u64::from(seq));
            let start = day(year, 9, 1) + upto(hash(bits, 5), 350);
            rows.push(Row::new(year, seq, bits).with_days(start, start + 30 + upto(hash(bits, 6), 300)));
        }
    }
}

/// Further education: one learner record a year.
pub(super) fn learners(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    let course = person.further;
    for year in scope.years(course.from, course.from + course.years - 1) {
        if let Some(nth) = course.nth(year) {
            rows.push(
                Row::new(year, 0, person.bits(113, year))
                    .with_identifier(nth)
                    .with_amount(external(person, u64::from(nth))),
            );
        }
    }
}

/// Further education: the aims of each learner record.
pub(super) fn aims(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    let course = person.further;
    for year in scope.years(course.from, course.from + course.years - 1) {
        let Some(nth) = course.nth(year) else { continue };
        let bits = person.bits(114, year);
        for seq in 0..1 + repeats(bits, 0.6, 11) {
            let bits = hash(bits, 10 + u64::from(seq));
            let start = day(year, 9, 1) + upto(hash(bits, 5), if happens(bits, 0.75) { 25 } else { 300 });
            let planned = start + 60 + upto(hash(bits, 6), 600);
            // Some two in a hundred ended aims have no end date.
            let end = if happens(hash(bits, 7), 0.78) { planned - 40 + upto(hash(bits, 8), 60) } else { NEVER };
            let row = Row::new(year, seq, bits)
                .with_days(start, if end == NEVER { NEVER } else { end.max(start) })
                .with_identifier(nth);
            rows.push(row.with_amount(external(person, u64::from(nth))));
        }
    }
}

/// The reference that joins learner and aims.
fn external(person: &Person, nth: u64) -> i64 {
    signed(hash(hash(person.key, 115), nth) >> 20)
}

/// Higher education: one instance a year.
pub(super) fn students(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    let course = person.higher;
    for year in scope.years(course.from, course.from + course.years - 1) {
        if course.nth(year).is_some() && person.in_year(116, year, 0.98) {
            let start = day(course.from, 9, 10) + upto(hash(person.key, 117), 25);
            let bits = person.bits(118, year);
            let end = if course.ends_in(year) { day(year + 1, 5, 20) + upto(hash(bits, 5), 60) } else { NEVER };
            rows.push(Row::new(year, 0, bits).with_days(start, end));
        }
    }
}
