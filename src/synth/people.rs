//! People: everything that is true of a person in all tables, as a pure function of seed and number.

use super::calendar::day;
use super::options::Options;
use super::random::{below, happens, hash, mix, normal, place, repeats, unit, upto};

/// The academic years of birth: September 1984 to August 2005.
pub(super) const FIRST_COHORT: i32 = 1984;
/// How many academic years of birth there are.
pub(super) const COHORTS: u16 = 21;

/// All people of a world.
#[derive(Debug, Clone)]
pub(super) struct Population {
    /// How many there are.
    pub persons: u64,
    /// The seed as given.
    pub seed: u64,
    /// The seed, mixed.
    key: u64,
    /// Share who have a second identifier of a kind.
    second: f64,
    /// Share whom a link table lacks.
    unlinked: f64,
}

/// How far someone goes in further education: when, and how many years.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Course {
    /// Start year of the first academic year.
    pub from: i32,
    /// How many years; 0 for never.
    pub years: i32,
}

impl Course {
    /// Which year of the course an academic year is, from 0.
    pub(super) fn nth(self, year: i32) -> Option<u8> {
        (year >= self.from)
            .then(|| u8::try_from(year - self.from).ok())
            .flatten()
            .filter(|nth| i32::from(*nth) < self.years)
    }

    /// Whether it is its last year.
    pub(super) fn ends_in(self, year: i32) -> bool {
        self.years > 0 && year == self.from + self.years - 1
    }
}

/// One person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// The number, from 0.
    pub number: u64,
    /// What all that is random about the person hangs on.
    pub key: u64,
    /// The start year of the academic year of birth: 1994 for September 1994 to August 1995.
    pub cohort: i32,
    /// Day of birth, as days since 1970.
    pub born: i32,
    /// Calendar year of birth.
    pub birth_year: i32,
    /// Calendar month of birth.
    pub birth_month: i32,
    /// Recorded as male.
    pub male: bool,
    /// Place in the list of ethnic groups.
    pub ethnicity: u8,
    /// English as first language.
    pub english: bool,
    /// Free school meals: 0 never, 1 for some years, 2 always.
    pub meals: u8,
    /// Special educational needs: 0 none, 1 in school, 2 with outside help, 3 with a statement or plan.
    pub needs: u8,
    /// Ability, about normal.
    pub ability: f64,
    /// Pay relative to others, about normal.
    pub pay: f64,
    /// The home authority, 0 to 149.
    pub authority: u64,
    /// Stays at school after 16.
    pub sixth_form: bool,
    /// Further education.
    pub further: Course,
    /// Higher education.
    pub higher: Course,
    /// Years in which social services know of the child.
    pub in_need: Course,
    /// Years in care.
    pub care: Course,
}

impl Population {
    /// The people that the options ask for.
    pub(super) fn new(options: &Options) -> Self {
        Self {
            persons: options.persons,
            seed: options.seed,
            key: mix(hash(options.seed, 7)),
            second: options.faults.second_identifier,
            unlinked: options.faults.unlinked_person,
        }
    }

    /// What all that is random about a person hangs on.
    pub(super) fn person_key(&self, number: u64) -> u64 {
        hash(self.key, number)
    }

    /// The academic year of birth alone: cheap, so that tables can pass over most people.
    pub(super) fn cohort(&self, number: u64) -> i32 {
        FIRST_COHORT + upto(hash(self.person_key(number), 0), COHORTS)
    }

    /// Whether the person has a second identifier of a kind.
    pub(super) fn has_second(&self, person_key: u64, kind: u64) -> bool {
        happens(hash(person_key, kind ^ 0x51), self.second)
    }

    /// Whether the link table of a kind lacks the person.
    pub(super) fn is_unlinked(&self, person_key: u64, kind: u64) -> bool {
        happens(hash(person_key, kind ^ 0x52), self.unlinked)
    }

    /// The person of that number.
    pub(super) fn person(&self, number: u64) -> Person {
        let key = self.person_key(number);
        let cohort = self.cohort(number);
        let h = |label: u64| hash(key, label);
        // A day of the academic year of birth, 1 September being its first.
        let born = day(cohort, 9, 1) + upto(h(1), 365);
        let (birth_year, birth_month, _) = super::calendar::civil(born);
        let poverty = normal(h(2));
        let ability = 0.85 * normal(h(3)) - 0.35 * poverty;
        let odds = |base: f64, slope: f64| (base + slope * ability).clamp(0.02, 0.95);
        let sixth_form = happens(h(4), odds(0.40, 0.20));
        let needs_draw = unit(h(5)) + 0.04 * ability;
        let needs = match needs_draw {
            d if d < 0.025 => 3,
            d if d < 0.075 => 2,
            d if d < 0.17 => 1,
            _ => 0,
        };
        let meals = match unit(h(6)) - 0.07 * poverty {
            d if d < 0.09 => 2,
            d if d < 0.22 => 1,
            _ => 0,
        };
        let further = if happens(h(7), if sixth_form { 0.18 } else { 0.47 }) {
            let adult = happens(h(8), 0.2);
            let from = cohort + 17 + if adult { upto(h(9), 12) } else { 0 };
            Course { from, years: 1 + i32::from(repeats(h(10), 0.4, 4)) }
        } else {
            Course::default()
        };
        let higher = if happens(h(11), odds(if sixth_form { 0.72 } else { 0.19 }, 0.12)) {
            let from = cohort + 19 + i32::from(repeats(h(12), 0.25, 8));
            Course { from, years: [3, 3, 3, 3, 3, 4, 4, 1, 2, 5][place(h(13), 10)] }
        } else {
            Course::default()
        };
        let in_need = if happens(h(14), if meals > 0 { 0.20 } else { 0.06 }) {
            Course { from: cohort + 2 + upto(h(15), 15), years: 1 + i32::from(repeats(h(16), 0.6, 8)) }
        } else {
            Course::default()
        };
        let care = if in_need.years > 0 && happens(h(17), 0.2) {
            Course { from: in_need.from, years: 1 + i32::from(repeats(h(18), 0.7, 10)) }
        } else {
            Course::default()
        };
        Person {
            number,
            key,
            cohort,
            born,
            birth_year,
            birth_month,
            male: h(19) & 1 == 1,
            ethnicity: super::places::ethnicity(h(20)),
            english: !happens(h(21), 0.16),
            meals,
            needs,
            ability,
            pay: 0.75 * normal(h(22)) + 0.4 * ability,
            authority: below(h(23), super::places::AUTHORITIES),
            sixth_form,
            further,
            higher,
            in_need,
            care,
        }
    }
}

impl Person {
    /// Age in whole years on 31 August before the academic year that starts in `year`.
    pub(super) fn age_at_start(&self, year: i32) -> i32 {
        year - self.cohort - 1
    }

    /// Where a year lies among the free-meals years of the person.
    pub(super) fn meals_in(&self, year: i32) -> bool {
        match self.meals {
            0 => false,
            1 => below(hash(self.key, 31 + u64::from((year / 3).unsigned_abs())), 10) < 5,
            _ => true,
        }
    }

    /// Whether it happens to the person in a year, apart from all other years and labels.
    pub(super) fn in_year(&self, label: u64, year: i32, probability: f64) -> bool {
        happens(self.bits(label, year), probability)
    }

    /// Bits for a person, a label and a year.
    pub(super) fn bits(&self, label: u64, year: i32) -> u64 {
        hash(hash(self.key, label), u64::from(year.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_a_function_of_seed_and_number_and_shares_are_life_like() {
        let population = Population::new(&Options { persons: 20_000, seed: 3, ..Options::default() });
        let all: Vec<Person> = (0..20_000).map(|n| population.person(n)).collect();
        let share = |test: &dyn Fn(&Person) -> bool| all.iter().filter(|p| test(p)).count() as f64 / 20_000.0;
        assert_eq!(format!("{:?}", all[17]), format!("{:?}", population.person(17)));
        assert!(all.iter().all(|p| p.cohort == population.cohort(p.number) && p.born >= day(p.cohort, 9, 1)));
        assert!(all.iter().all(|p| (1984..=2005).contains(&p.birth_year)));
        for (what, share, wanted) in [
            ("male", share(&|p| p.male), 0.5),
            ("higher education", share(&|p| p.higher.years > 0), 0.40),
            ("further education", share(&|p| p.further.years > 0), 0.35),
            ("free meals", share(&|p| p.meals > 0), 0.22),
            ("needs", share(&|p| p.needs > 0), 0.17),
            ("care", share(&|p| p.care.years > 0), 0.018),
        ] {
            assert!((share - wanted).abs() < 0.035, "{what}: {share} where about {wanted} is wanted");
        }
    }
}
