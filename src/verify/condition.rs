//! Conditions, re-evaluated on released rows. A released row whose condition cannot be true should not be there.
//!
//! Some variables of a condition are not released, or coarsened. So each part of a condition comes to the *set* of
//! outcomes that it may have had, and only a row that cannot have been true is refused.

use super::cells::Cells;
use crate::spec::{Condition, Test};
use crate::vocab::{Decimal, Release, Value};
use std::cmp::Ordering;

/// A set of outcomes in three-valued logic.
type Outcomes = u8;
pub(super) const TRUE: Outcomes = 1;
const FALSE: Outcomes = 2;
const UNKNOWN: Outcomes = 4;
const ANY: Outcomes = TRUE | FALSE | UNKNOWN;

/// What is known of a variable on the rows of a batch.
pub(super) enum Known<'a> {
    /// It is released as it is.
    Cells(Cells<'a>),
    /// It is released coarsened.
    Coarse(Cells<'a>, Release),
    /// It was not collected: missing on every row.
    Missing,
    /// It is withheld.
    Nothing,
}

/// The outcomes that the condition may have had, for each of `rows` rows.
pub(super) fn outcomes<'a>(condition: &Condition, known: &dyn Fn(&str) -> Known<'a>, rows: usize) -> Vec<Outcomes> {
    match condition {
        Condition::All(list) => fold(list, known, rows, TRUE, both),
        Condition::Any(list) => fold(list, known, rows, FALSE, either),
        Condition::Not(inner) => {
            let mut of = outcomes(inner, known, rows);
            of.iter_mut().for_each(|set| *set = opposite(*set));
            of
        }
        Condition::Test { variable, test } => match known(variable) {
            Known::Cells(cells) => (0..rows).map(|row| of_cell(test, &cells, row)).collect(),
            Known::Coarse(cells, release) => (0..rows).map(|row| of_coarse(test, &cells, row, &release)).collect(),
            Known::Missing => vec![of_missing(test); rows],
            Known::Nothing => vec![if matches!(test, Test::Missing(_)) { TRUE | FALSE } else { ANY }; rows],
        },
    }
}

fn fold<'a>(
    list: &[Condition],
    known: &dyn Fn(&str) -> Known<'a>,
    rows: usize,
    neutral: Outcomes,
    join: fn(Outcomes, Outcomes) -> Outcomes,
) -> Vec<Outcomes> {
    let mut of = vec![neutral; rows];
    for condition in list {
        for (so_far, more) in of.iter_mut().zip(outcomes(condition, known, rows)) {
            *so_far = join(*so_far, more);
        }
    }
    of
}

fn opposite(set: Outcomes) -> Outcomes {
    (set & UNKNOWN) | ((set & TRUE) << 1) | ((set & FALSE) >> 1)
}

/// `and` of any outcome of the one with any of the other: true if both may be, false if either may be, unknown if one
/// may be while the other may be unknown or true.
fn both(a: Outcomes, b: Outcomes) -> Outcomes {
    let unknown = (a & UNKNOWN != 0 && b & (UNKNOWN | TRUE) != 0) || (b & UNKNOWN != 0 && a & (UNKNOWN | TRUE) != 0);
    (a & b & TRUE) | ((a | b) & FALSE) | if unknown { UNKNOWN } else { 0 }
}

fn either(a: Outcomes, b: Outcomes) -> Outcomes {
    opposite(both(opposite(a), opposite(b)))
}

fn of_missing(test: &Test) -> Outcomes {
    match test {
        Test::Missing(wanted) => of(*wanted),
        _ => UNKNOWN,
    }
}

fn of(truth: bool) -> Outcomes {
    if truth { TRUE } else { FALSE }
}

fn of_cell(test: &Test, cells: &Cells<'_>, row: usize) -> Outcomes {
    if cells.is_missing(row) {
        return of_missing(test);
    }
    // Where a comparison is not defined for certain (NaN, the two zeros), both outcomes are allowed.
    let that = |value: &Value, holds: fn(Ordering) -> bool| match compare(cells, row, value) {
        Some(order) => of(holds(order)),
        None => TRUE | FALSE,
    };
    let among = |values: &[Value]| values.iter().map(|value| that(value, Ordering::is_eq)).fold(FALSE, either);
    match test {
        Test::Equals(value) => that(value, Ordering::is_eq),
        Test::NotEquals(value) => that(value, Ordering::is_ne),
        Test::In(values) => among(values),
        Test::NotIn(values) => opposite(among(values)),
        Test::LessThan(value) => that(value, Ordering::is_lt),
        Test::AtMost(value) => that(value, Ordering::is_le),
        Test::MoreThan(value) => that(value, Ordering::is_gt),
        Test::AtLeast(value) => that(value, Ordering::is_ge),
        Test::Between(low, high) => both(that(low, Ordering::is_ge), that(high, Ordering::is_le)),
        Test::Missing(wanted) => of(!*wanted),
        Test::StartsWith(prefix) => match cells {
            Cells::Text(array) => of(array.value(row).as_bytes().starts_with(prefix.as_bytes())),
            _ => TRUE | FALSE,
        },
    }
}

/// What a test of a value may have come to, of which only the coarsened form is there. Missing stays missing; a text's
/// beginning and a number on this side of a limit are as they were; all else may have been anything.
fn of_coarse(test: &Test, cells: &Cells<'_>, row: usize, release: &Release) -> Outcomes {
    if cells.is_missing(row) {
        // A blank identifier has no pseudonym, and was not missing.
        return if matches!(release, Release::Pseudonymise(_)) { ANY } else { of_missing(test) };
    }
    let exact = match release {
        Release::TopCode(limit) => within(cells, row, *limit, Ordering::Less),
        Release::BottomCode(limit) => within(cells, row, *limit, Ordering::Greater),
        _ => false,
    };
    match (test, release, cells) {
        _ if exact => of_cell(test, cells, row),
        (Test::Missing(wanted), ..) => of(!*wanted),
        (Test::StartsWith(prefix), Release::Prefix(n), Cells::Text(array)) => {
            let (text, all) = (array.value(row), prefix.chars().count());
            let kept = usize::try_from(*n).unwrap_or(usize::MAX);
            if !text.chars().zip(prefix.chars()).all(|(a, b)| a == b) {
                FALSE
            } else if all <= kept || text.chars().count() < kept {
                // All of the prefix is there to be compared, or the text is whole.
                of(text.chars().count() >= all)
            } else {
                TRUE | FALSE
            }
        }
        _ => TRUE | FALSE,
    }
}

/// Whether a number lies on this side of a limit, and so is as it was.
fn within(cells: &Cells<'_>, row: usize, limit: Decimal, side: Ordering) -> bool {
    let whole = |value: i64| limit.compare_scaled(value.into(), 0) == side;
    match cells {
        Cells::Int8(array) => whole(array.value(row).into()),
        Cells::Int16(array) => whole(array.value(row).into()),
        Cells::Int32(array) => whole(array.value(row).into()),
        Cells::Int64(array) => whole(array.value(row)),
        Cells::Float64(array) => array.value(row).partial_cmp(&limit.as_f64()) == Some(side),
        Cells::Decimal(array, scale) => limit.compare_scaled(array.value(row), *scale) == side,
        _ => false,
    }
}

/// A cell against a value of its type. `None` where the order is not certain.
fn compare(cells: &Cells<'_>, row: usize, value: &Value) -> Option<Ordering> {
    let integer = |cell: i64| match value {
        Value::Int(value) => Some(cell.cmp(value)),
        _ => None,
    };
    let float = |cell: f64| match value {
        Value::Float(value) if cell == 0.0 && *value == 0.0 && cell.to_bits() != value.to_bits() => None,
        Value::Float(value) => cell.partial_cmp(value),
        _ => None,
    };
    match (cells, value) {
        (Cells::Bool(array), Value::Bool(value)) => Some(array.value(row).cmp(value)),
        (Cells::Int8(array), _) => integer(array.value(row).into()),
        (Cells::Int16(array), _) => integer(array.value(row).into()),
        (Cells::Int32(array), _) => integer(array.value(row).into()),
        (Cells::Int64(array), _) => integer(array.value(row)),
        (Cells::Float32(array), _) => float(array.value(row).into()),
        (Cells::Float64(array), _) => float(array.value(row)),
        (Cells::Decimal(array, scale), Value::Decimal(value)) => Some(value.compare_scaled(array.value(row), *scale)),
        (Cells::Text(array), Value::Text(value)) => Some(array.value(row).as_bytes().cmp(value.as_bytes())),
        (Cells::Date(_) | Cells::Timestamp(_), Value::Date(value)) => cells.day(row).map(|day| day.cmp(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int16Array, StringViewArray};
    use std::sync::Arc;

    fn test(variable: &str, test: Test) -> Condition {
        Condition::Test { variable: variable.to_owned(), test }
    }

    fn check(condition: &Condition, want: &[Outcomes]) {
        let numbers: ArrayRef = Arc::new(Int16Array::from(vec![Some(1), Some(5), None]));
        let text: ArrayRef = Arc::new(StringViewArray::from(vec![Some("ab"), None, Some("b")]));
        let five = Release::TopCode(Decimal::parse("5").unwrap());
        let named = Release::Pseudonymise(crate::vocab::Kind::new("urn").unwrap());
        let known = |name: &str| match name {
            "n" => Known::Cells(Cells::of(&numbers).unwrap()),
            "t" => Known::Cells(Cells::of(&text).unwrap()),
            "old" => Known::Missing,
            "cut" => Known::Coarse(Cells::of(&text).unwrap(), Release::Prefix(2)),
            "top" => Known::Coarse(Cells::of(&numbers).unwrap(), five.clone()),
            "name" => Known::Coarse(Cells::of(&text).unwrap(), named.clone()),
            _ => Known::Nothing,
        };
        assert_eq!(outcomes(condition, &known, 3), want, "{condition:?}");
    }

    #[test]
    fn tests_are_three_valued() {
        let int = Value::Int;
        check(&test("n", Test::Equals(int(1))), &[TRUE, FALSE, UNKNOWN]);
        check(&test("n", Test::NotIn(vec![int(1), int(2)])), &[FALSE, TRUE, UNKNOWN]);
        check(&test("n", Test::Between(int(1), int(4))), &[TRUE, FALSE, UNKNOWN]);
        check(&test("n", Test::Missing(true)), &[FALSE, FALSE, TRUE]);
        check(&test("t", Test::StartsWith("a".into())), &[TRUE, UNKNOWN, FALSE]);
        check(&test("t", Test::AtLeast(Value::Text("b".into()))), &[FALSE, UNKNOWN, TRUE]);
        check(&test("old", Test::Equals(int(1))), &[UNKNOWN; 3]);
        check(&test("old", Test::Missing(true)), &[TRUE; 3]);
    }

    #[test]
    fn what_is_withheld_may_have_been_anything() {
        let withheld = || test("w", Test::Equals(Value::Int(1)));
        let one = || test("n", Test::Equals(Value::Int(1)));
        check(&withheld(), &[ANY; 3]);
        check(&Condition::All(vec![one(), withheld()]), &[ANY, FALSE, FALSE | UNKNOWN]);
        check(&Condition::Any(vec![one(), withheld()]), &[TRUE, ANY, TRUE | UNKNOWN]);
        check(&Condition::Not(Box::new(one())), &[FALSE, TRUE, UNKNOWN]);
        check(&test("w", Test::Missing(true)), &[TRUE | FALSE; 3]);
        check(&Condition::All(Vec::new()), &[TRUE; 3]);
    }

    #[test]
    fn what_is_coarsened_tells_what_it_keeps() {
        let starts = |with: &str| test("cut", Test::StartsWith(with.to_owned()));
        check(&starts("a"), &[TRUE, UNKNOWN, FALSE]);
        check(&starts("ab"), &[TRUE, UNKNOWN, FALSE]);
        check(&starts("abc"), &[TRUE | FALSE, UNKNOWN, FALSE]);
        // "b" is shorter than what is kept, so that it is whole.
        check(&starts("bcd"), &[FALSE, UNKNOWN, FALSE]);
        check(&test("cut", Test::Missing(true)), &[FALSE, TRUE, FALSE]);
        check(&test("cut", Test::Equals(Value::Text("ab".into()))), &[TRUE | FALSE, UNKNOWN, TRUE | FALSE]);
        // Below the limit as it was; at the limit, anything from there on.
        check(&test("top", Test::MoreThan(Value::Int(1))), &[FALSE, TRUE | FALSE, UNKNOWN]);
        check(&test("name", Test::Missing(true)), &[FALSE, ANY, FALSE]);
    }

    #[test]
    fn sets_combine_as_their_members_do() {
        let truth =
            |set: Outcomes| [(TRUE, 2), (FALSE, 0), (UNKNOWN, 1)].into_iter().filter(move |(b, _)| set & b != 0);
        let back = [FALSE, UNKNOWN, TRUE];
        for a in 1..8 {
            for b in 1..8 {
                let mut want = (0, 0);
                for (_, x) in truth(a) {
                    for (_, y) in truth(b) {
                        want.0 |= back[x.min(y)];
                        want.1 |= back[x.max(y)];
                    }
                }
                assert_eq!((both(a, b), either(a, b)), want, "{a} {b}");
            }
        }
    }
}
