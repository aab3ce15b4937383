//! Plans: which element gets its rows from where, for which years and people, and about how many there will be.

use super::options::{Faults, Options};
use super::people::{COHORTS, FIRST_COHORT, Person, Population};
use super::random::hash;
use super::rows::{Allowed, Row};
use super::{education, outcomes};
use crate::catalogue::{Element, Period};
use crate::vocab::{Term, Year};

/// Where the rows of an element come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Pupils by term.
    Census,
    /// Pupils by year.
    Absence,
    /// The end of a key stage, by age at the start of the year.
    Stage(i32),
    /// Exclusions from school.
    Exclusions,
    /// Children known to social services.
    InNeed,
    /// Children in care.
    InCare,
    /// Aims in school sixth forms.
    SixthForm,
    /// Activities after 16.
    Activities,
    /// Learners in further education.
    Learners,
    /// Their aims.
    Aims,
    /// Students in higher education.
    Students,
    /// Pay by tax year.
    Earnings,
    /// Spells of work.
    Employment,
    /// Self-employment by tax year.
    SelfAssessment,
    /// Furlough by tax year.
    Furlough,
    /// Spells of benefit.
    Benefits,
    /// Homes by tax year.
    Homes,
    /// An element that this room knows nothing of.
    Other,
}

/// What a file holds: years, a term, and what the options ask for.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    /// The first and last start year.
    pub years: (i32, i32),
    /// The term, where the file is of one.
    pub term: Option<Term>,
    /// What the options ask for.
    pub presence: f64,
    /// The faults and their rates.
    pub faults: &'a Faults,
    /// The kind of the element's identifier, as a label.
    pub kind: u64,
    /// The options, for the years that get rows.
    pub options: &'a Options,
}

impl Scope<'_> {
    /// Whether a start year is in the file and gets rows.
    pub(super) fn has(&self, year: i32) -> bool {
        let wanted = || match &self.options.years {
            None => true,
            Some(years) => i16::try_from(year).is_ok_and(|year| years.contains(Year(year))),
        };
        year >= self.years.0 && year <= self.years.1 && wanted()
    }

    /// The start years from `first` to `last` that the file has.
    pub(super) fn years(&self, first: i32, last: i32) -> impl Iterator<Item = i32> + '_ {
        (first.max(self.years.0)..=last.min(self.years.1)).filter(|year| self.has(*year))
    }
}

impl Plan {
    /// The plan of an element.
    pub(super) fn of(element: &Element) -> Self {
        match element.name.as_str() {
            "npd.school_census" => Self::Census,
            "npd.absence" => Self::Absence,
            "npd.ks2" => Self::Stage(10),
            "npd.ks4" => Self::Stage(15),
            "npd.ks5" => Self::Stage(17),
            "npd.exclusions" => Self::Exclusions,
            "npd.cin" => Self::InNeed,
            "npd.cla" => Self::InCare,
            "npd.plams" => Self::SixthForm,
            "npd.nccis" => Self::Activities,
            "ilr.learners" => Self::Learners,
            "ilr.aims" => Self::Aims,
            "hesa.student" => Self::Students,
            "hmrc.earnings" => Self::Earnings,
            "hmrc.employment" => Self::Employment,
            "hmrc.self_assessment" => Self::SelfAssessment,
            "hmrc.cjrs" => Self::Furlough,
            "dwp.benefits" => Self::Benefits,
            "dwp.geography" => Self::Homes,
            _ => Self::Other,
        }
    }

    /// Which years after the academic year of birth a person can have rows in, and how many rows in each of them.
    fn window(self, presence: f64) -> (i32, i32, f64) {
        match self {
            Self::Census => (4, 18, 0.8 * presence),
            Self::Absence => (6, 16, presence),
            Self::Stage(age) => (age + 1, age + 1, 0.95),
            Self::Exclusions => (10, 16, 0.03),
            Self::InNeed => (2, 18, 0.02),
            Self::InCare => (2, 18, 0.003),
            Self::SixthForm => (17, 18, 1.1),
            Self::Activities => (17, 19, 1.3),
            Self::Learners => (17, 40, 0.05),
            Self::Aims => (17, 40, 0.12),
            Self::Students => (19, 40, 0.08),
            Self::Earnings => (16, 60, 0.65),
            Self::Employment => (14, 60, 0.45),
            Self::SelfAssessment => (19, 60, 0.06),
            Self::Furlough => (17, 60, 0.12),
            Self::Benefits => (16, 60, 0.09),
            Self::Homes => (17, 60, 0.7),
            Self::Other => (0, 60, 0.3),
        }
    }

    /// The academic years of birth of which people can have rows in a file.
    pub(super) fn cohorts(self, scope: &Scope) -> (i32, i32) {
        let (from, to, _) = self.window(scope.presence);
        match self {
            // Spells lie where they begin, and a default start can lie before; anyone may have one.
            Self::Employment | Self::Benefits | Self::Other => (i32::MIN, i32::MAX),
            _ => (scope.years.0 - to, scope.years.1 - from),
        }
    }

    /// About how many rows a person of any age has in a file.
    pub(super) fn rows_a_person(self, scope: &Scope) -> f64 {
        let (from, to, rate) = self.window(scope.presence);
        let mut pairs = 0;
        for cohort in FIRST_COHORT..FIRST_COHORT + i32::from(COHORTS) {
            pairs += (scope.years.1.min(cohort + to) - scope.years.0.max(cohort + from) + 1).max(0);
        }
        rate * f64::from(pairs) / f64::from(COHORTS)
    }

    /// Which faults the element can have: rows twice only where a linked table could not fan out by it.
    pub(super) fn allowed(self, element: &Element) -> Allowed {
        let once = matches!(self, Self::Earnings | Self::SelfAssessment | Self::Furlough | Self::Homes | Self::Other);
        Allowed { duplicates: !once, period: matches!(element.period, Period::Column { .. } | Period::Spell { .. }) }
    }

    /// The rows of a person in a file.
    pub(super) fn rows(self, population: &Population, person: &Person, scope: &Scope, rows: &mut Vec<Row>) {
        match self {
            Self::Census => education::census(person, scope, rows),
            Self::Absence => education::absence(person, scope, rows),
            Self::Stage(age) => education::stage(person, scope, age, rows),
            Self::Exclusions => education::exclusions(person, scope, rows),
            Self::InNeed => education::in_need(person, scope, rows),
            Self::InCare => education::in_care(person, scope, rows),
            Self::SixthForm => education::sixth_form_aims(person, scope, rows),
            Self::Activities => education::activities(person, scope, rows),
            Self::Learners => education::learners(person, scope, rows),
            Self::Aims => education::aims(person, scope, rows),
            Self::Students => education::students(person, scope, rows),
            Self::Earnings => outcomes::earnings(person, scope, rows),
            Self::Employment => outcomes::employment(population, person, scope, rows),
            Self::SelfAssessment => outcomes::self_assessment(person, scope, rows),
            Self::Furlough => outcomes::furlough(person, scope, rows),
            Self::Benefits => outcomes::benefits(person, scope, rows),
            Self::Homes => outcomes::homes(person, scope, rows),
            Self::Other => outcomes::other(person, scope, rows),
        }
        if !matches!(self, Self::Learners | Self::Aims) && population.has_second(person.key, scope.kind) {
            // One of the two in any one year: no table then has two rows of a person and year under two keys.
            for row in rows {
                row.which = u8::from(hash(person.bits(131, row.year), scope.kind) & 1 == 1);
            }
        }
    }
}
