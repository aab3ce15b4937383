//! Who has which rows in the outcome elements: pay, spells of work and benefit, self-employment, furlough, homes.

use super::calendar::{DATA_END, FOREVER, NEVER, day, tax_year};
use super::people::{Person, Population};
use super::plans::Scope;
use super::random::{happens, hash, normal, repeats, unit, upto, whole};
use super::rows::{Row, UNSURE_END, UNSURE_START};

/// One row a person and tax year with pay.
pub(super) fn earnings(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(person.cohort + 16, 2020) {
        let bits = person.bits(132, year);
        if happens(bits, chance_of_work(person, year)) {
            let row = Row::new(year, 0, bits).with_amount(pay(person, year, hash(bits, 1)));
            rows.push(row);
        }
    }
}

/// How likely someone is to have had a job in a tax year.
fn chance_of_work(person: &Person, year: i32) -> f64 {
    let base = match year - person.cohort - 16 {
        0 => 0.12,
        1..=2 => 0.45,
        _ if person.higher.nth(year).is_some() => 0.5,
        3..=5 => 0.68,
        _ => 0.76,
    };
    (base + 0.06 * person.pay).clamp(0.03, 0.97)
}

/// Pay in pounds: log-normal about a path by age, with a heavy tail; a few totals of nothing.
fn pay(person: &Person, year: i32, bits: u64) -> i64 {
    let path = match year - person.cohort - 16 {
        0 => 6.6,
        1 => 7.6,
        2 => 8.3,
        3..=4 => 8.9,
        5..=7 => 9.45,
        8..=12 => 9.8,
        _ => 10.0,
    };
    if happens(hash(bits, 2), 0.015) {
        return 0;
    }
    let studying = if person.higher.nth(year).is_some() { -0.9 } else { 0.0 };
    let degree = if person.higher.years > 0 { 0.18 } else { 0.0 };
    let tail = if happens(hash(bits, 3), 0.006) { -0.55 * unit(hash(bits, 4)).max(1e-4).ln() } else { 0.0 };
    let log = path + studying + degree + 0.45 * person.pay + 0.4 * normal(bits) + tail;
    whole(log.exp()).clamp(0, 5_000_000)
}

/// Spells of work from sixteen on: about five, for some a great many; apart from each other, as merged spells are.
pub(super) fn employment(population: &Population, person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    let casual = happens(hash(person.key, 141), 0.035);
    let mean = if casual { 60.0 } else { 700.0 * (1.0 + 0.3 * person.pay).max(0.2) };
    let pause = if casual { 40.0 } else { 260.0 };
    let length =
        |bits: u64, mean: f64| 1 + i32::try_from(whole(-mean * unit(bits).max(1e-6).ln())).unwrap_or(i32::MAX / 4);
    let mut next = person.born + 16 * 365 + length(hash(person.key, 142), 500.0);
    for seq in 0..250_u16 {
        let bits = hash(hash(person.key, 143), u64::from(seq));
        let (start, end) = (next, next + length(hash(bits, 1), mean));
        if start > DATA_END {
            break;
        }
        next = end + 1 + length(hash(bits, 2), pause);
        push_spell(scope, (start, end), seq, bits, rows);
    }
    if person.number == population.persons / 3 {
        for seq in 0..scope.faults.heavy_person {
            let bits = hash(hash(person.key, 144), seq);
            let start = day(2004, 4, 6) + upto(bits, 6_000);
            let row = Row::new(tax_year(start), u16::MAX, bits).with_days(start, start + upto(hash(bits, 1), 90));
            if scope.has(row.year) {
                rows.push(row);
            }
        }
    }
}

/// Adds a spell, with the defaults and open ends of life.
fn push_spell(scope: &Scope, (mut start, mut end): (i32, i32), seq: u16, bits: u64, rows: &mut Vec<Row>) {
    let mut marks = 0;
    let open = end > DATA_END || happens(hash(bits, 11), scope.faults.open_spell);
    if happens(hash(bits, 12), scope.faults.default_date) {
        if happens(hash(bits, 13), 0.5) || open {
            let default = day(tax_year(start), 4, 6);
            start = default;
            marks |= UNSURE_START;
        } else {
            end = day(tax_year(end) + 1, 4, 5);
            marks |= UNSURE_END;
        }
    }
    if open {
        end = if happens(hash(bits, 14), 0.8) { FOREVER } else { NEVER };
    }
    let year = tax_year(start);
    if scope.has(year) {
        let row = Row::new(year, seq, bits).with_days(start, end).with_marks(marks);
        rows.push(row);
    }
}

/// Spells of benefit: a third of people, about two each.
pub(super) fn benefits(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    if !happens(hash(person.key, 151), (0.33 - 0.09 * person.pay).clamp(0.05, 0.9)) {
        return;
    }
    let of_age = person.born + 18 * 365;
    if of_age >= DATA_END {
        return;
    }
    let span = u16::try_from(DATA_END - of_age).unwrap_or(1);
    for seq in 0..1 + repeats(hash(person.key, 152), 0.55, 40) {
        let bits = hash(hash(person.key, 153), u64::from(seq));
        let start = of_age + upto(hash(bits, 1), span);
        let end = start + 7 + upto(hash(bits, 2), 200) * if happens(hash(bits, 3), 0.15) { 9 } else { 1 };
        push_spell(scope, (start, end), seq, bits, rows);
    }
}

/// One row a person and tax year of self-employment.
pub(super) fn self_assessment(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    if !happens(hash(person.key, 161), 0.09) {
        return;
    }
    for year in scope.years(person.cohort + 19, 2020) {
        let bits = person.bits(162, year);
        if happens(bits, 0.65) {
            let amount = whole((8.7 + 0.5 * person.pay + 0.9 * normal(hash(bits, 1))).exp()).clamp(0, 9_000_000);
            // Losses exist here, unlike in pay.
            let amount = if happens(hash(bits, 2), 0.04) { -amount / 3 } else { amount };
            rows.push(Row::new(year, 0, bits).with_amount(amount));
        }
    }
}

/// One row a person and tax year on furlough.
pub(super) fn furlough(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years((person.cohort + 17).max(2019), 2020) {
        let bits = person.bits(171, year);
        if happens(bits, if year == 2019 { 0.08 } else { 0.2 }) {
            let weeks = 1 + upto(hash(bits, 1), if year == 2019 { 3 } else { 52 });
            rows.push(Row::new(year, 0, bits).with_amount(i64::from(weeks)));
        }
    }
}

/// One row a person and tax year with a home; the gaps are real.
pub(super) fn homes(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(person.cohort + 17, 2020) {
        let bits = person.bits(181, year);
        if happens(bits, 0.7) {
            rows.push(Row::new(year, 0, bits));
        }
    }
}

/// An element that this room knows nothing of: a row in some years, with days in it.
pub(super) fn other(person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
    for year in scope.years(scope.years.0, scope.years.1) {
        let bits = hash(person.bits(191, year), scope.kind);
        if happens(bits, 0.3) {
            let start = day(year, 9, 1) + upto(hash(bits, 1), 300);
            let end = if happens(hash(bits, 2), 0.9) { start + upto(hash(bits, 3), 500) } else { FOREVER };
            rows.push(
                Row::new(year, 0, bits).with_days(start, end).with_amount(i64::from(upto(hash(bits, 4), 30_000))),
            );
        }
    }
}
