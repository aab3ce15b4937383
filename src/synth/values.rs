//! Values: what fills a variable, chosen by element and name for the important ones, by type and codes for all others.

use super::people::Person;
use super::plans::Plan;
use super::random::Draw;
use super::rows::Row;
use super::{values_care, values_college, values_generic, values_outcomes, values_person, values_school};
use crate::catalogue::Variable;
use crate::vocab::{Term, Type};

/// What a value can depend on.
#[derive(Debug)]
pub(super) struct Cell<'a> {
    /// The row.
    pub row: &'a Row,
    /// Its person.
    pub person: &'a Person,
    /// The term of the file.
    pub term: Option<Term>,
    /// The world's seed.
    pub seed: u64,
    /// The stream of the chunk.
    pub draw: &'a mut Draw,
}

impl Cell<'_> {
    /// The start year of the row's period.
    pub(super) fn year(&self) -> i32 {
        self.row.year
    }

    /// Age in whole years at the start of the academic year.
    pub(super) fn age(&self) -> i32 {
        self.person.age_at_start(self.row.year)
    }

    /// Bits of the row under a label: the same in every column that asks.
    pub(super) fn bits(&self, label: u64) -> u64 {
        super::random::hash(self.row.bits, label)
    }

    /// Whether it is so for the row, the same in every column that asks.
    pub(super) fn holds(&self, label: u64, probability: f64) -> bool {
        super::random::happens(self.bits(label), probability)
    }
}

/// A whole number, or missing.
pub(super) type Whole = Box<dyn Fn(&mut Cell) -> Option<i64> + Send + Sync>;
/// A measure, or missing.
pub(super) type Real = Box<dyn Fn(&mut Cell) -> Option<f64> + Send + Sync>;
/// A day, or missing.
pub(super) type Day = Box<dyn Fn(&mut Cell) -> Option<i32> + Send + Sync>;
/// A text put at the end of the string, or `false` for missing.
pub(super) type Text = Box<dyn Fn(&mut Cell, &mut String) -> bool + Send + Sync>;

/// What fills a variable.
pub(super) enum Make {
    /// Whole numbers and flags.
    Whole(Whole),
    /// Measures.
    Real(Real),
    /// Days.
    Day(Day),
    /// Text.
    Text(Text),
}

impl Make {
    /// Whether its values suit a type.
    fn suits(&self, kind: Type) -> bool {
        match self {
            Self::Whole(_) => kind.is_number() || matches!(kind, Type::Bool | Type::Text),
            Self::Real(_) => matches!(kind, Type::Float32 | Type::Float64 | Type::Decimal { .. }),
            Self::Day(_) => matches!(kind, Type::Date | Type::Timestamp),
            Self::Text(_) => kind == Type::Text,
        }
    }
}

/// A maker of whole numbers.
pub(super) fn whole(make: impl Fn(&mut Cell) -> Option<i64> + Send + Sync + 'static) -> Make {
    Make::Whole(Box::new(make))
}

/// A maker of flags that are always there.
pub(super) fn flag(make: impl Fn(&mut Cell) -> bool + Send + Sync + 'static) -> Make {
    Make::Whole(Box::new(move |cell| Some(i64::from(make(cell)))))
}

/// A maker of measures.
pub(super) fn real(make: impl Fn(&mut Cell) -> Option<f64> + Send + Sync + 'static) -> Make {
    Make::Real(Box::new(make))
}

/// A maker of days.
pub(super) fn date(make: impl Fn(&mut Cell) -> Option<i32> + Send + Sync + 'static) -> Make {
    Make::Day(Box::new(make))
}

/// A maker of text.
pub(super) fn text(make: impl Fn(&mut Cell, &mut String) -> bool + Send + Sync + 'static) -> Make {
    Make::Text(Box::new(make))
}

/// A maker of one of some codes, or missing.
pub(super) fn code(make: impl Fn(&mut Cell) -> Option<&'static str> + Send + Sync + 'static) -> Make {
    Make::Text(Box::new(move |cell, out| match make(cell) {
        Some(code) => {
            out.push_str(code);
            true
        }
        None => false,
    }))
}

/// What fills a variable.
pub(super) fn choose(plan: Plan, variable: &Variable) -> Make {
    let name = bare(&variable.name);
    let by_element = match plan {
        Plan::Census | Plan::Absence | Plan::Stage(_) | Plan::Exclusions => values_school::make(plan, &name, variable),
        Plan::SixthForm | Plan::Activities | Plan::Learners | Plan::Aims | Plan::Students => {
            values_college::make(plan, &name, variable)
        }
        Plan::InNeed | Plan::InCare => values_care::make(plan, &name, variable),
        Plan::Earnings
        | Plan::Employment
        | Plan::SelfAssessment
        | Plan::Furlough
        | Plan::Benefits
        | Plan::Homes
        | Plan::Other => values_outcomes::make(plan, &name, variable),
    };
    by_element
        .filter(|make| make.suits(variable.kind))
        .or_else(|| values_person::make(&name, variable).filter(|make| make.suits(variable.kind)))
        .unwrap_or_else(|| values_generic::make(&name, variable))
}

/// A variable's name in small letters without the element's prefix: `KS4_FSM6` is `fsm6`.
fn bare(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    for prefix in ["ks2_", "ks4_", "ks5_", "he_", "cin_", "cla_cla_", "cla_", "pl_", "nccis_"] {
        if let Some(rest) = name.strip_prefix(prefix) {
            return rest.to_owned();
        }
    }
    name
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_lose_their_element() {
        for (name, left) in [
            ("KS4_FSM6", "fsm6"),
            ("cla_CLA_LA_anon", "la_anon"),
            ("CLA_UPN", "upn"),
            ("cla_LEGAL STATUS", "legal status"),
            ("Gender", "gender"),
        ] {
            assert_eq!(super::bare(name), left);
        }
    }
}
