//! Conditions in three-valued logic, a row at a time.

use super::super::coverage::{Feature, Seen};
use super::super::model::{Cell, Element};
use super::super::spec::{Condition, Operator};
use super::release::day;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// True, false, or `None` for unknown.
pub(super) fn truth(
    condition: &Condition,
    element: &Element,
    row: &BTreeMap<&str, Cell>,
    depth: usize,
    seen: &mut Seen,
) -> Option<bool> {
    let group = !matches!(condition, Condition::Test { .. } | Condition::All { bare: true, .. });
    if group && depth > 0 {
        seen.note(Feature::GroupNested);
    }
    let deeper = depth + usize::from(group);
    let mut inner = |c: &Condition| truth(c, element, row, deeper, seen);
    let answer = match condition {
        Condition::All { members, .. } => {
            let all: Vec<Option<bool>> = members.iter().map(&mut inner).collect();
            seen.note(Feature::GroupAll);
            if all.contains(&Some(false)) {
                Some(false)
            } else if all.contains(&None) {
                None
            } else {
                Some(true)
            }
        }
        Condition::Any(members) => {
            let all: Vec<Option<bool>> = members.iter().map(&mut inner).collect();
            seen.note(Feature::GroupAny);
            if all.contains(&Some(true)) {
                Some(true)
            } else if all.contains(&None) {
                None
            } else {
                Some(false)
            }
        }
        Condition::Not(member) => {
            let answer = inner(member);
            seen.note(Feature::GroupNot);
            answer.map(|a| !a)
        }
        Condition::Test { variable, operator, values } => {
            let variable = element.variable(variable);
            let cell = &row[variable.name.as_str()];
            if !cell.is_null() {
                seen.operator(*operator, variable.kind);
                if !variable.codes.is_empty() {
                    seen.note(Feature::Codes);
                }
            }
            test(cell, *operator, values)
        }
    };
    if answer.is_none() {
        seen.note(Feature::ConditionUnknown);
    }
    answer
}

fn test(cell: &Cell, operator: Operator, values: &[Cell]) -> Option<bool> {
    if operator == Operator::Missing {
        return Some(Cell::Bool(cell.is_null()) == values[0]);
    }
    if cell.is_null() {
        return None;
    }
    let is = |value: &Cell| compare(cell, value);
    let below = |value: &Cell| is(value) == Some(Ordering::Less);
    let above = |value: &Cell| is(value) == Some(Ordering::Greater);
    let same = |value: &Cell| is(value) == Some(Ordering::Equal);
    let first = &values[0];
    Some(match operator {
        Operator::Equals => same(first),
        Operator::NotEquals => !same(first),
        Operator::In => values.iter().any(same),
        Operator::NotIn => !values.iter().any(same),
        Operator::LessThan => below(first),
        Operator::AtMost => below(first) || same(first),
        Operator::MoreThan => above(first),
        Operator::AtLeast => above(first) || same(first),
        Operator::Between => (above(first) || same(first)) && (below(&values[1]) || same(&values[1])),
        Operator::StartsWith => match (cell, first) {
            (Cell::Text(text), Cell::Text(start)) => text.as_bytes().starts_with(start.as_bytes()),
            _ => panic!("only text starts with text"),
        },
        Operator::Missing => panic!("answered above"),
    })
}

/// How a value stands to one that the spec names. Not a number stands to nothing.
fn compare(cell: &Cell, value: &Cell) -> Option<Ordering> {
    match (cell, value) {
        (Cell::Float(a), Cell::Float(b)) => a.partial_cmp(b),
        (Cell::Decimal(a, s), Cell::Decimal(b, t)) if s == t => Some(a.cmp(b)),
        (Cell::Decimal(a, s), Cell::Decimal(b, t)) => {
            Some((a * 10_i128.pow(u32::from(*t))).cmp(&(b * 10_i128.pow(u32::from(*s)))))
        }
        (Cell::Stamp(_), Cell::Date(b)) => Some(day(cell).cmp(b)),
        (a, b) => Some(a.order(b)),
    }
}
