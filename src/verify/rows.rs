//! One table, batch by batch: its people, periods, order, conditions, spells and joins. Holds one batch at a time.

use super::cells::Cells;
use super::condition::{Known, TRUE, outcomes};
use super::crosswise::Crosswise;
use super::expected::{Part, Role, Table, spell_columns};
use super::people::{Met, NOBODY, People, Sequence, number};
use super::periods::Periods;
use super::scan::Scan;
use super::shapes::{is_pseudonym, is_sampled, sample_limit};
use super::spells;
use super::tally::{Check, Tally};
use crate::vocab::{Release, Type};
use arrow::array::{Array, ArrayRef};
use std::cmp::Ordering;

/// What a table came to, for the comparison with the builder's account.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Rows.
    pub(super) rows: u64,
    /// Different people.
    pub(super) people: u64,
    /// Missing cells of each column.
    pub(super) missing: Vec<u64>,
    /// True cells of each column that says whether people are linked, else 0.
    pub(super) linked: Vec<u64>,
}

/// What the table of people says: who they are, and for each of its columns, whether they are linked.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The people in the order of the file.
    pub(super) people: Vec<u128>,
    /// By column, for the columns that say whether people are linked.
    pub(super) linked: Vec<Vec<bool>>,
}

/// What has been found wrong so far, in rows.
#[derive(Debug, Default)]
struct Wrong {
    person: u64,
    stranger: u64,
    twice: u64,
    period: u64,
    disorder: u64,
    condition: u64,
    spell: u64,
    join: u64,
    uncollected: Vec<u64>,
    unlinked: u64,
    unsampled: u64,
}

/// A table on its way past.
pub(super) struct Walk<'a> {
    table: &'a Table<'a>,
    /// The people that the rows may be of; `None` for the table of people itself, which is gathered instead.
    allowed: Option<&'a People>,
    /// The people of the table of people.
    pub(super) gathered: Gathered,
    scans: Vec<Scan<'a>>,
    periods: Periods,
    spells: Vec<Option<spells::Years>>,
    /// Below which the first 64 bits of a person are, where the cohort is a sample.
    sample: Option<u128>,
    sequence: Sequence,
    met: Met,
    /// What tables say beside each other.
    crosswise: Option<&'a Crosswise<'a>>,
    previous: Option<Vec<ArrayRef>>,
    wrong: Wrong,
    facts: Facts,
    looked: [usize; 3],
}

impl<'a> Walk<'a> {
    /// Begins a table.
    pub(super) fn new(table: &'a Table<'a>, allowed: Option<(&'a People, &'a Crosswise<'a>)>) -> Self {
        let columns = table.columns.len();
        Self {
            table,
            allowed: allowed.map(|(people, _)| people),
            crosswise: allowed.map(|(_, crosswise)| crosswise),
            met: Met::default(),
            gathered: Gathered { people: Vec::new(), linked: vec![Vec::new(); columns] },
            scans: table.columns.iter().map(Scan::new).collect(),
            periods: Periods::of(table),
            spells: table.parts.iter().map(|part| spells::Years::of(&part.element.period, part.rows)).collect(),
            sample: table.sample.map(sample_limit),
            sequence: Sequence::default(),
            previous: None,
            wrong: Wrong { uncollected: vec![0; columns], ..Wrong::default() },
            facts: Facts { missing: vec![0; columns], linked: vec![0; columns], ..Facts::default() },
            looked: [0; 3],
        }
    }

    /// Looks at a batch, whose columns are those of the table.
    pub(super) fn batch(&mut self, columns: &[ArrayRef]) {
        let cells: Vec<Cells<'_>> = columns.iter().filter_map(Cells::of).collect();
        let Some(people) = cells.first().filter(|_| cells.len() == self.table.columns.len()) else { return };
        let rows = people.len();
        if rows == 0 {
            return;
        }
        self.facts.rows += rows as u64;
        self.people(people);
        self.order(&cells);
        for (scan, cells) in self.scans.iter_mut().zip(&cells) {
            scan.batch(cells);
        }
        self.linked(&cells);
        self.wrong.period += self.periods.batch(&cells);
        for (wrong, count) in self.wrong.uncollected.iter_mut().zip(self.periods.uncollected(&cells)) {
            *wrong += count;
        }
        for (part, spells) in self.table.parts.iter().zip(&self.spells) {
            let matched = matched(part, &cells, rows);
            let look = |row: usize| matched.as_ref().is_none_or(|matched| matched[row]);
            if let Some(condition) = &part.rows.condition {
                let known = |name: &str| self.periods.known(part, name, &cells);
                let of = outcomes(condition, &known, rows);
                self.wrong.condition += count(rows, |row| of[row] & TRUE == 0 && look(row));
                self.looked[0] += rows;
            }
            if let (Some(years), Some((start, end))) = (spells, spell_columns(part))
                && (start.is_some() || end.is_some())
            {
                self.wrong.spell += years.outside((start, end), &cells, rows, look);
                self.looked[1] += rows;
            }
            if part.joined {
                let mut equal = self.met.same.clone();
                let all = equal.len();
                for (index, ..) in &part.columns {
                    cells[*index].keep_equal_to_previous(&mut equal);
                }
                self.wrong.join += (all - equal.len()) as u64;
                self.looked[2] += rows;
            }
        }
        if let Some(crosswise) = self.crosswise {
            let known = |part: &Part<'_>, name: &str| self.periods.known(part, name, &cells);
            crosswise.batch(self.table, &cells, &self.met, &known);
        }
        self.previous = Some(columns.iter().map(|column| column.slice(rows - 1, 1)).collect());
    }

    /// Looks at the people.
    fn people<'t>(&mut self, people: &Cells<'t>) {
        self.met.clear();
        let Cells::Text(text) = people else {
            self.met.firsts.push(0);
            self.met.places.push(NOBODY);
            return;
        };
        match (text.sixteens(), self.allowed) {
            (Some(all), Some(allowed)) => self.wrong.stranger += self.sequence.all(all, allowed, &mut self.met),
            (Some(all), None) => self.each_person(all.iter().map(Some)),
            (None, _) => {
                let sixteen = |text: &'t str| text.as_bytes().try_into().ok();
                self.each_person(text.iter().map(|text| text.and_then(sixteen)));
            }
        }
    }

    /// Looks at the people, one of sixteen bytes a row; none where it has not sixteen.
    fn each_person<'t>(&mut self, people: impl Iterator<Item = Option<&'t [u8; 16]>>) {
        for (row, text) in (0..).zip(people) {
            let Some(text) = text else {
                self.wrong.person += 1;
                self.met.firsts.push(row);
                self.met.places.push(NOBODY);
                continue;
            };
            let order = self.sequence.next(number(text));
            let Some(allowed) = self.allowed else {
                self.gathered.people.push(number(text));
                if order.is_eq() {
                    self.wrong.twice += 1;
                } else {
                    self.wrong.person += u64::from(!is_pseudonym(text));
                    self.wrong.unsampled += u64::from(self.sample.is_some_and(|below| !is_sampled(text, below)));
                }
                continue;
            };
            if order.is_eq() && row > 0 {
                self.met.same.push(row);
                continue;
            }
            let place = allowed.find(number(text));
            self.met.firsts.push(row);
            self.met.places.push(place);
            self.wrong.stranger += u64::from(order.is_ne() && place == NOBODY);
        }
    }

    /// Looks at the order of the rows of one person. That of the people is counted where they are looked at.
    fn order(&mut self, cells: &[Cells<'_>]) {
        let mut equal = self.met.same.clone();
        for column in cells.iter().skip(1) {
            if equal.is_empty() {
                break;
            }
            self.wrong.disorder += column.keep_equal_to_previous(&mut equal);
        }
        // The first row against the last of the batch before.
        let Some(previous) = &self.previous else { return };
        let previous: Vec<Cells<'_>> = previous.iter().filter_map(Cells::of).collect();
        let order = |columns: &mut dyn Iterator<Item = usize>| {
            columns.map(|i| previous[i].compare(0, &cells[i], 0)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        if order(&mut (0..1)).is_eq() {
            self.wrong.disorder += u64::from(order(&mut (1..cells.len())).is_gt());
            for part in self.table.parts.iter().filter(|part| part.joined) {
                self.wrong.join += u64::from(order(&mut part.columns.iter().map(|(i, ..)| *i)).is_ne());
            }
        }
    }

    fn linked(&mut self, cells: &[Cells<'_>]) {
        for (index, column) in self.table.columns.iter().enumerate() {
            let (Role::Linked { required, .. }, Cells::Bool(array)) = (column.role, cells[index]) else { continue };
            let linked = array.true_count();
            self.gathered.linked[index].extend((0..array.len()).map(|row| array.is_valid(row) && array.value(row)));
            self.facts.linked[index] += linked as u64;
            self.wrong.unlinked += if required { array.len() - linked } else { array.null_count() } as u64;
        }
    }

    /// Refuses what was found; tells what the table came to.
    pub(super) fn finish(mut self, file: &str, tally: &mut Tally) -> (Facts, Gathered) {
        let (wrong, rows) = (&self.wrong, usize::try_from(self.facts.rows).unwrap_or(usize::MAX));
        tally.look(Check::Rows, rows);
        tally.look(Check::People, rows);
        tally.look(Check::Order, rows);
        tally.look(Check::Sample, if self.table.sample.is_some() { rows } else { 0 });
        tally.look(Check::Periods, if self.periods.are_checked() { rows } else { 0 });
        for (check, count) in [Check::Conditions, Check::Spells, Check::Joins].into_iter().zip(self.looked) {
            tally.look(check, count);
        }
        for (code, count, things) in [
            ("person-malformed", wrong.person, "rows have no well-formed person_id"),
            ("person-not-in-cohort", wrong.stranger, "people are not in the cohort"),
            ("person-twice", wrong.twice, "rows repeat a person"),
            ("period-not-approved", wrong.period, "rows are of a year or term that is not the table's"),
            ("rows-unsorted", wrong.disorder + self.sequence.below, "rows are out of order"),
            ("condition-not-met", wrong.condition, "rows cannot have passed the approved condition"),
            ("spell-outside-years", wrong.spell, "rows are spells outside the approved years"),
            ("join-not-single", wrong.join, "rows differ in joined columns from the same person's row before"),
            ("person-not-sampled", wrong.unsampled, "people are not in the share that the cohort's sample keeps"),
            ("link-missing", wrong.unlinked, "people lack a link that the cohort requires of all, or are not told"),
        ] {
            tally.refuse_some(code, file, count, things);
        }
        for (column, count) in self.table.columns.iter().zip(&wrong.uncollected) {
            let things = format!("cells of `{}` hold values in a year in which it was not collected", column.name);
            tally.refuse_some("value-not-collected", file, *count, &things);
        }
        for (scan, missing) in self.scans.iter().zip(&mut self.facts.missing) {
            scan.finish(file, tally);
            *missing = scan.missing;
        }
        self.facts.people = self.sequence.people;
        (self.facts, self.gathered)
    }
}

fn count(rows: usize, wrong: impl Fn(usize) -> bool) -> u64 {
    (0..rows).filter(|row| wrong(*row)).count() as u64
}

/// The rows with a match in a joined part: a row whose joined columns are all missing may have had none. `None` for the
/// base, which has all its rows.
fn matched(part: &Part<'_>, cells: &[Cells<'_>], rows: usize) -> Option<Vec<bool>> {
    part.joined
        .then(|| (0..rows).map(|row| part.columns.iter().any(|(index, ..)| !cells[*index].is_missing(row))).collect())
}

/// Whether a condition can be re-evaluated on a released column: it is released as it is, in its own type.
pub(super) fn tells(kind: Type, release: &Release) -> bool {
    *release == Release::AsIs && release.released_type(kind) == kind
}

impl Periods {
    /// What is known of a variable of a part.
    fn known<'c>(&self, part: &Part<'_>, name: &str, cells: &[Cells<'c>]) -> Known<'c> {
        let Some(variable) = part.element.variable(name) else { return Known::Nothing };
        if !part.joined && !variable.collected_in(self.only_year()) {
            return Known::Missing;
        }
        // A variable may be released in several forms: as it is tells most.
        let forms = || part.columns.iter().filter(|(_, v, _)| v.name == name);
        let released = forms().find(|(_, v, release)| tells(v.kind, release)).or_else(|| forms().next());
        match released.and_then(|(index, v, release)| Some((cells.get(*index)?, v, release))) {
            Some((cells, v, release)) if tells(v.kind, release) => Known::Cells(*cells),
            Some((cells, _, release)) => Known::Coarse(*cells, (*release).clone()),
            None => Known::Nothing,
        }
    }
}
