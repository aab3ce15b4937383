//! Rows before they have columns: who, when, which identifier; and the faults of identifiers, periods and duplicates.

use super::calendar::NEVER;
use super::options::Faults;
use super::people::Person;
use super::random::Draw;

/// A second record of the same thing.
pub(super) const DUPLICATE: u8 = 1;
/// The record that has a duplicate.
pub(super) const DUPLICATED: u8 = 2;
/// The period cannot be read.
pub(super) const UNREADABLE: u8 = 4;
/// The first day was filled in.
pub(super) const UNSURE_START: u8 = 8;
/// The last day was filled in.
pub(super) const UNSURE_END: u8 = 16;
/// No longer on the school's roll.
pub(super) const OFF_ROLL: u8 = 32;

/// What is wrong with a row's identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Nothing.
    Nothing,
    /// Null, empty or blank.
    Blank,
    /// No identifier, or one with blanks around it.
    Malformed,
    /// The other case.
    OtherCase,
    /// Known to no link table.
    Stranger,
}

/// One row of an element, before it has columns.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The place of the person in the chunk's list.
    pub who: u32,
    /// The start year of its academic or tax year.
    pub year: i32,
    /// Which row of the person and year.
    pub seq: u16,
    /// Which identifier of the person: 0 or 1; for ILR records 0 to 7.
    pub which: u8,
    /// What is wrong with the identifier.
    pub wrong: Wrong,
    /// Marks, the constants of this file.
    pub marks: u8,
    /// First day, or [`NEVER`].
    pub from: i32,
    /// Last day, or [`NEVER`].
    pub to: i32,
    /// What all that is random about the row, and the same in several columns, hangs on.
    pub bits: u64,
    /// Pounds, where the row is about money.
    pub amount: i64,
}

impl Row {
    /// A plain row of a year.
    pub(super) fn new(year: i32, seq: u16, bits: u64) -> Self {
        Self { who: 0, year, seq, which: 0, wrong: Wrong::Nothing, marks: 0, from: NEVER, to: NEVER, bits, amount: 0 }
    }

    /// The same with a first and last day.
    pub(super) fn with_days(mut self, from: i32, to: i32) -> Self {
        self.from = from;
        self.to = to;
        self
    }

    /// The same with another identifier of the person.
    pub(super) fn with_identifier(mut self, which: u8) -> Self {
        self.which = which;
        self
    }

    /// The same with marks.
    pub(super) fn with_marks(mut self, marks: u8) -> Self {
        self.marks |= marks;
        self
    }

    /// The same with an amount.
    pub(super) fn with_amount(mut self, amount: i64) -> Self {
        self.amount = amount;
        self
    }

    /// Whether it carries any of the marks.
    pub(super) fn is(&self, marks: u8) -> bool {
        self.marks & marks != 0
    }
}

/// The rows of one chunk, and the people they belong to.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// People who have rows, in the order visited.
    pub people: Vec<Person>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Which faults an element can have without breaking what holds for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// Rows may come twice.
    pub duplicates: bool,
    /// The period stands in a column, where it can be unreadable.
    pub period: bool,
}

impl Rows {
    /// Takes the planned rows of one person, with faults.
    pub(super) fn take(
        &mut self,
        person: Person,
        planned: &mut Vec<Row>,
        faults: &Faults,
        allowed: Allowed,
        draw: &mut Draw,
    ) {
        let who = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        for mut row in planned.drain(..) {
            row.who = who;
            if allowed.period && draw.chance(faults.unreadable_period) {
                row.marks |= UNREADABLE;
            }
            row.wrong = draw_wrong(faults, draw);
            if allowed.duplicates && draw.chance(faults.duplicate_record) {
                row.marks |= DUPLICATED;
                let mut second = row.clone();
                second.marks = (second.marks & !DUPLICATED) | DUPLICATE;
                self.rows.push(row);
                self.rows.push(second);
            } else {
                self.rows.push(row);
            }
        }
        self.people.push(person);
    }

    /// Disturbs the order: every row changes places with one up to 31 further on, so that neither people nor their years
    /// stay together, while the people stay near in memory.
    pub(super) fn disturb(&mut self, draw: &mut Draw) {
        let last = self.rows.len().saturating_sub(1);
        for i in 0..last {
            let other = (i + draw.below(32) as usize).min(last);
            self.rows.swap(i, other);
        }
    }
}

/// What is wrong with one identifier, at the rates set.
fn draw_wrong(faults: &Faults, draw: &mut Draw) -> Wrong {
    let mut left = draw.unit();
    for (rate, wrong) in [
        (faults.blank_identifier, Wrong::Blank),
        (faults.malformed_identifier, Wrong::Malformed),
        (faults.mixed_case, Wrong::OtherCase),
        (faults.stranger, Wrong::Stranger),
    ] {
        if left < rate {
            return wrong;
        }
        left -= rate;
    }
    Wrong::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::options::Options;
    use crate::synth::people::Population;

    #[test]
    fn faults_come_at_their_rates() {
        let faults = Faults {
            blank_identifier: 0.1,
            malformed_identifier: 0.05,
            mixed_case: 0.02,
            stranger: 0.2,
            duplicate_record: 0.1,
            unreadable_period: 0.03,
            ..Faults::none()
        };
        let population = Population::new(&Options::default());
        let mut draw = Draw::new(1, "test", 0);
        let mut rows = Rows::default();
        for n in 0..20_000 {
            let mut planned = vec![Row::new(2010, 0, n)];
            rows.take(
                population.person(n % 100),
                &mut planned,
                &faults,
                Allowed { duplicates: true, period: true },
                &mut draw,
            );
        }
        let firsts = || rows.rows.iter().filter(|r| !r.is(DUPLICATE));
        assert_eq!(firsts().count(), 20_000);
        let share = |test: &dyn Fn(&Row) -> bool| firsts().filter(|r| test(r)).count() as f64 / 20_000.0;
        for (rate, seen) in [
            (0.1, share(&|r| r.wrong == Wrong::Blank)),
            (0.05, share(&|r| r.wrong == Wrong::Malformed)),
            (0.02, share(&|r| r.wrong == Wrong::OtherCase)),
            (0.2, share(&|r| r.wrong == Wrong::Stranger)),
            (0.1, share(&|r| r.is(DUPLICATED))),
            (0.03, share(&|r| r.is(UNREADABLE))),
        ] {
            assert!((rate - seen).abs() < 0.01, "{seen} where {rate} was set");
        }
        let before: Vec<u64> = rows.rows.iter().map(|r| r.bits).collect();
        rows.disturb(&mut draw);
        let mut after: Vec<u64> = rows.rows.iter().map(|r| r.bits).collect();
        assert_ne!(before, after);
        after.sort_unstable();
        assert!(after.iter().zip(0..).filter(|(a, _)| **a < 20_000).count() == before.len());
    }
}
