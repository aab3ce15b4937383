//! Conditions: every value of its variable's type, every coded value among the codes, nothing nested beyond sense.

use super::{Condition, Test};
use crate::catalogue::{Element, Variable};
use crate::vocab::{Decimal, Type, Value, denied_variable, near};
use crate::yaml::{Content, Decoder, Fields, Node, clip, listed};
use std::cmp::Ordering;

/// How deeply groups may be nested.
const DEPTH_MAX: usize = 64;

const TESTS: [&str; 11] = [
    "equals",
    "not_equals",
    "in",
    "not_in",
    "less_than",
    "at_most",
    "more_than",
    "at_least",
    "between",
    "missing",
    "starts_with",
];
const GROUPS: [&str; 3] = ["all", "any", "not"];
const HELP: &str =
    "write {variable: NAME, equals: VALUE} or another test, or a group: {all: […]}, {any: […]}, {not: …}";

/// Reads a condition: a test, a group, or a list that is `all`. `None` where something in it is wrong.
pub(super) fn decode(decoder: &mut Decoder, node: &Node, element: &Element) -> Option<Condition> {
    at_depth(decoder, node, element, 1)
}

fn at_depth(decoder: &mut Decoder, node: &Node, element: &Element, depth: usize) -> Option<Condition> {
    if depth > DEPTH_MAX {
        let message = format!("a condition is nested more than {DEPTH_MAX} deep");
        decoder.error("condition-too-deep", node.mark, message, "say it with fewer groups");
        return None;
    }
    let pairs = match &node.content {
        Content::List(_) => return members(decoder, node, element, depth).map(Condition::All),
        Content::Map(pairs) => pairs,
        _ => {
            decoder.wrong(node, "a condition is a map or a list", HELP);
            return None;
        }
    };
    match pairs.iter().find(|(key, _)| GROUPS.contains(&key.text.as_str())) {
        Some((key, _)) if pairs.len() > 1 => {
            let message = format!("`{}` stands alone in its map", key.text);
            decoder.error("condition-malformed", key.mark, message, "put each group and each test into its own map");
            None
        }
        Some((key, value)) => match key.text.as_str() {
            "all" => members(decoder, value, element, depth).map(Condition::All),
            "any" => members(decoder, value, element, depth).map(Condition::Any),
            _ => at_depth(decoder, value, element, depth + 1).map(|c| Condition::Not(Box::new(c))),
        },
        None => test(decoder, node, element),
    }
}

fn members(decoder: &mut Decoder, node: &Node, element: &Element, depth: usize) -> Option<Vec<Condition>> {
    let items = decoder.list(node, "a group of conditions")?;
    if items.is_empty() {
        decoder.error("condition-empty", node.mark, "the list of conditions is empty", "name one, or leave it out");
        return None;
    }
    let all: Vec<Option<Condition>> = items.iter().map(|item| at_depth(decoder, item, element, depth + 1)).collect();
    all.into_iter().collect()
}

fn test(decoder: &mut Decoder, node: &Node, element: &Element) -> Option<Condition> {
    let mut known = vec!["variable"];
    known.extend(TESTS);
    known.extend(GROUPS);
    let fields = decoder.fields(node, "a condition", &known)?;
    let variable = decoder.required(&fields, "variable", "a condition").and_then(|n| variable(decoder, n, element));
    let tests: Vec<&str> = fields.names().filter(|name| TESTS.contains(name)).collect();
    let [name] = tests.as_slice() else {
        let unknown = fields.names().any(|name| !known.contains(&name));
        if !(tests.is_empty() && unknown) {
            let message = if tests.is_empty() {
                "the condition has no test".to_owned()
            } else {
                format!("the condition has {} tests", tests.len())
            };
            decoder.error("condition-malformed", fields.mark, message, format!("give it one of {}", listed(&TESTS)));
        }
        return None;
    };
    let variable = variable?;
    let value = fields.get(name)?;
    if denied_variable(&variable.name) && *name != "missing" {
        let message = format!("`{}` names or locates people, so a spec cannot compare it", variable.name);
        decoder.error("denied-by-name", fields.mark_of("variable"), message, "only `missing` can be asked of it");
        return None;
    }
    let test = typed(decoder, &fields, name, value, variable)?;
    Some(Condition::Test { variable: variable.name.clone(), test })
}

/// The variable that a node names; the identifier column is told apart from what is unknown.
pub(super) fn variable<'e>(decoder: &mut Decoder, node: &Node, element: &'e Element) -> Option<&'e Variable> {
    let word = decoder.word(node, "a variable")?;
    let found = element.variable(word);
    if found.is_none() && word.eq_ignore_ascii_case(&element.identifier.column) {
        let message = format!("`{}` is the identifier of {}", clip(word), element.name);
        let help = "identifiers stay inside: people are told apart by person_id, which every table has";
        decoder.error("identifier-requested", node.mark, message, help);
    } else if found.is_none() {
        let known = element.variables.iter().map(|v| v.name.as_str());
        decoder.unknown("unknown-variable", node.mark, &format!("in {}, the variable", element.name), word, known);
    }
    found
}

fn typed(decoder: &mut Decoder, fields: &Fields<'_>, name: &str, node: &Node, variable: &Variable) -> Option<Test> {
    let of = variable.kind;
    match name {
        "missing" => decoder.boolean(node, "missing").map(Test::Missing),
        "starts_with" => {
            if of != Type::Text {
                let message = format!("`{}` is of type {of}, and starts_with compares text", variable.name);
                decoder.error("test-unfit", fields.mark_of(name), message, "use `equals`, `at_least` or another test");
                return None;
            }
            match decoder.value(node, of, &variable.name)? {
                Value::Text(text) if !text.is_empty() => Some(Test::StartsWith(text)),
                _ => {
                    decoder.error(
                        "null-value",
                        node.mark,
                        "every text starts with nothing",
                        "write what it starts with",
                    );
                    None
                }
            }
        }
        "in" | "not_in" => {
            let items = decoder.list(node, &format!("`{name}`"))?;
            if items.is_empty() {
                decoder.error("condition-empty", node.mark, format!("`{name}` lists no value"), "list at least one");
                return None;
            }
            let values: Vec<Option<Value>> = items.iter().map(|item| coded(decoder, item, variable)).collect();
            let values: Vec<Value> = values.into_iter().collect::<Option<_>>()?;
            Some(if name == "in" { Test::In(values) } else { Test::NotIn(values) })
        }
        "equals" => coded(decoder, node, variable).map(Test::Equals),
        "not_equals" => coded(decoder, node, variable).map(Test::NotEquals),
        _ if of == Type::Bool => {
            let message = format!("`{}` is true or false, which have no order", variable.name);
            decoder.error("test-unfit", fields.mark_of(name), message, "use `equals`");
            None
        }
        "between" => between(decoder, node, variable),
        "less_than" => bounded(decoder, node, variable).map(Test::LessThan),
        "at_most" => bounded(decoder, node, variable).map(Test::AtMost),
        "more_than" => bounded(decoder, node, variable).map(Test::MoreThan),
        _ => bounded(decoder, node, variable).map(Test::AtLeast),
    }
}

fn between(decoder: &mut Decoder, node: &Node, variable: &Variable) -> Option<Test> {
    let items = decoder.list(node, "between")?;
    let [low, high] = items else {
        decoder.error("condition-malformed", node.mark, "between takes two values", "write it like [1, 5]");
        return None;
    };
    let (low, high) = (bounded(decoder, low, variable), bounded(decoder, high, variable));
    let (low, high) = (low?, high?);
    if order(&low, &high) == Some(Ordering::Greater) {
        decoder.error("between-backwards", node.mark, "the first value is above the second", "swap the two");
        return None;
    }
    Some(Test::Between(low, high))
}

fn order(low: &Value, high: &Value) -> Option<Ordering> {
    match (low, high) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Decimal(a), Value::Decimal(b)) => Some(b.compare_scaled(a.unscaled, a.scale)),
        (Value::Text(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// A value to compare by order: of the type, and a warning where the type cannot hold it.
fn bounded(decoder: &mut Decoder, node: &Node, variable: &Variable) -> Option<Value> {
    let value = decoder.value(node, variable.kind, &variable.name)?;
    if let Value::Int(number) = value {
        let (low, high) = match variable.kind {
            Type::Int8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
            Type::Int16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
            Type::Int32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        if !(low..=high).contains(&number) {
            let message = format!("`{}` is of type {}, which never reaches this value", variable.name, variable.kind);
            decoder.warning("value-out-of-range", node.mark, message, format!("it holds {low} to {high}"));
        }
    }
    Some(value)
}

/// A value to compare for equality: of the type, and among the codes where they are listed.
fn coded(decoder: &mut Decoder, node: &Node, variable: &Variable) -> Option<Value> {
    let value = bounded(decoder, node, variable)?;
    if variable.codes.is_empty() {
        return Some(value);
    }
    let text = match &value {
        Value::Text(text) => text.clone(),
        Value::Float(_) => Decimal::parse(&node.scalar()?.text)?.to_string(),
        other => other.to_string(),
    };
    if variable.codes.contains(&text) {
        return Some(value);
    }
    let codes: Vec<&str> = variable.codes.iter().map(String::as_str).collect();
    let help = match near(&text, codes.iter().copied()).as_slice() {
        [] if codes.len() <= 24 => format!("its codes are {}", listed(&codes)),
        [] => "look its codes up in the catalogue".to_owned(),
        names => format!("did you mean {}?", listed(names)),
    };
    decoder.error("value-not-in-codes", node.mark, format!("`{}` has no code `{}`", variable.name, clip(&text)), help);
    None
}
