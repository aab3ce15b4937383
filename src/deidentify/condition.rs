//! Conditions on conformed columns, in three-valued logic: true, false, or missing for unknown.

use crate::spec::{Condition, Test};
use crate::vocab::Value;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::kernels::boolean::{and_kleene, is_not_null, is_null, not, or_kleene};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// Evaluates a condition. `column` gives the conformed column of a variable. `None` is a fault of ours: the spec was
/// checked against the catalogue's types.
pub(super) fn evaluate<'a>(
    condition: &Condition,
    rows: usize,
    column: &impl Fn(&str) -> Option<&'a ArrayRef>,
) -> Option<BooleanArray> {
    match condition {
        Condition::All(list) => {
            let mut all = BooleanArray::from(vec![true; rows]);
            for inner in list {
                all = and_kleene(&all, &evaluate(inner, rows, column)?).ok()?;
            }
            Some(all)
        }
        Condition::Any(list) => {
            let mut any = BooleanArray::from(vec![false; rows]);
            for inner in list {
                any = or_kleene(&any, &evaluate(inner, rows, column)?).ok()?;
            }
            Some(any)
        }
        Condition::Not(inner) => not(&evaluate(inner, rows, column)?).ok(),
        Condition::Test { variable, test } => one(column(variable)?, test),
    }
}

/// One test of one column.
fn one(array: &ArrayRef, test: &Test) -> Option<BooleanArray> {
    match test {
        Test::Missing(true) => is_null(array).ok(),
        Test::Missing(false) => is_not_null(array).ok(),
        Test::StartsWith(prefix) => {
            let texts = array.as_string_view_opt()?;
            Some(BooleanArray::from_unary(texts, |text| text.starts_with(prefix.as_str())))
        }
        _ => match array.data_type() {
            DataType::Utf8View => text(array, test),
            DataType::Boolean => {
                let flags = array.as_boolean_opt()?;
                ordered(test, |value| match value {
                    Value::Bool(b) => Some(*b),
                    _ => None,
                })
                .map(|holds| BooleanArray::from_unary(flags, |v| holds(&|b: &bool| Some(v.cmp(b)))))
            }
            DataType::Int8 => integers(test).map(|holds| unary::<Int8Type>(array, |v| holds(v.into()))),
            DataType::Int16 => integers(test).map(|holds| unary::<Int16Type>(array, |v| holds(v.into()))),
            DataType::Int32 => integers(test).map(|holds| unary::<Int32Type>(array, |v| holds(v.into()))),
            DataType::Int64 => integers(test).map(|holds| unary::<Int64Type>(array, holds)),
            DataType::Float32 => floats(test).map(|holds| unary::<Float32Type>(array, |v| holds(v.into()))),
            DataType::Float64 => floats(test).map(|holds| unary::<Float64Type>(array, holds)),
            DataType::Date32 => dates(test).map(|holds| unary::<Date32Type>(array, holds)),
            DataType::Timestamp(_, _) => dates(test).map(|holds| {
                unary::<TimestampMicrosecondType>(array, |v| {
                    holds(i32::try_from(v.div_euclid(MICROSECONDS_A_DAY)).unwrap_or(i32::MAX))
                })
            }),
            DataType::Decimal128(_, scale) => {
                let scale = u8::try_from(*scale).ok()?;
                ordered(test, |value| match value {
                    Value::Decimal(d) => Some(*d),
                    _ => None,
                })
                .map(|holds| {
                    unary::<Decimal128Type>(array, |v| {
                        holds(&|d: &crate::vocab::Decimal| Some(d.compare_scaled(v, scale)))
                    })
                })
            }
            _ => None,
        },
    }
}

fn unary<T: arrow::datatypes::ArrowPrimitiveType>(array: &ArrayRef, holds: impl Fn(T::Native) -> bool) -> BooleanArray {
    BooleanArray::from_unary(array.as_primitive::<T>(), holds)
}

fn text(array: &ArrayRef, test: &Test) -> Option<BooleanArray> {
    let texts = array.as_string_view_opt()?;
    let of = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    // Long lists of codes are common: a set, not a scan.
    if let Test::In(values) | Test::NotIn(values) = test {
        let set: HashSet<String> = values.iter().map(of).collect::<Option<_>>()?;
        let within = matches!(test, Test::In(_));
        return Some(BooleanArray::from_unary(texts, |text| set.contains(text) == within));
    }
    let holds = ordered(test, of)?;
    Some(BooleanArray::from_unary(texts, |text| holds(&|other: &String| Some(text.cmp(other.as_str())))))
}

fn integers(test: &Test) -> Option<impl Fn(i64) -> bool> {
    let of = |value: &Value| match value {
        Value::Int(v) => Some(*v),
        _ => None,
    };
    let set: Option<(BTreeSet<i64>, bool)> = match test {
        Test::In(values) => Some((values.iter().map(of).collect::<Option<_>>()?, true)),
        Test::NotIn(values) => Some((values.iter().map(of).collect::<Option<_>>()?, false)),
        _ => None,
    };
    let holds = if set.is_some() { None } else { Some(ordered(test, of)?) };
    Some(move |v: i64| match (&set, &holds) {
        (Some((set, within)), _) => set.contains(&v) == *within,
        (None, Some(holds)) => holds(&|other: &i64| Some(v.cmp(other))),
        (None, None) => false,
    })
}

fn floats(test: &Test) -> Option<impl Fn(f64) -> bool> {
    let holds = ordered(test, |value| match value {
        Value::Float(v) => Some(*v),
        _ => None,
    })?;
    // A NaN is ordered with nothing: every comparison fails but `not_equals`.
    Some(move |v: f64| holds(&|other: &f64| v.partial_cmp(other)))
}

fn dates(test: &Test) -> Option<impl Fn(i32) -> bool> {
    let holds = ordered(test, |value| match value {
        Value::Date(v) => Some(*v),
        _ => None,
    })?;
    Some(move |v: i32| holds(&|other: &i32| Some(v.cmp(other))))
}

/// A compiled test: given how a cell compares with a value, whether the cell passes.
type Holds<T> = Box<dyn Fn(&dyn Fn(&T) -> Option<Ordering>) -> bool + Send + Sync>;

/// Compiles a test whose values are all of one type.
fn ordered<T: Send + Sync + 'static>(test: &Test, of: impl Fn(&Value) -> Option<T>) -> Option<Holds<T>> {
    use Ordering::{Equal, Greater, Less};
    let single = |value: &Value, passes: fn(Option<Ordering>) -> bool| -> Option<Holds<T>> {
        let value = of(value)?;
        Some(Box::new(move |cmp| passes(cmp(&value))))
    };
    match test {
        Test::Equals(v) => single(v, |o| o == Some(Equal)),
        Test::NotEquals(v) => single(v, |o| o != Some(Equal)),
        Test::LessThan(v) => single(v, |o| o == Some(Less)),
        Test::AtMost(v) => single(v, |o| matches!(o, Some(Less | Equal))),
        Test::MoreThan(v) => single(v, |o| o == Some(Greater)),
        Test::AtLeast(v) => single(v, |o| matches!(o, Some(Greater | Equal))),
        Test::Between(low, high) => {
            let (low, high) = (of(low)?, of(high)?);
            Some(Box::new(move |cmp| {
                matches!(cmp(&low), Some(Greater | Equal)) && matches!(cmp(&high), Some(Less | Equal))
            }))
        }
        Test::In(values) | Test::NotIn(values) => {
            let within = matches!(test, Test::In(_));
            let values: Vec<T> = values.iter().map(of).collect::<Option<_>>()?;
            Some(Box::new(move |cmp| values.iter().any(|v| cmp(v) == Some(Equal)) == within))
        }
        Test::Missing(_) | Test::StartsWith(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Float64Array, Int32Array, StringViewArray};
    use std::sync::Arc;

    fn check(array: &ArrayRef, test: &Test, expected: &[Option<bool>]) {
        let found = one(array, test).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{test:?}");
    }

    #[test]
    fn a_missing_value_satisfies_only_missing() {
        let ints: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
        check(&ints, &Test::Equals(Value::Int(1)), &[Some(true), None, Some(false)]);
        check(&ints, &Test::NotIn(vec![Value::Int(1)]), &[Some(false), None, Some(true)]);
        check(&ints, &Test::Missing(true), &[Some(false), Some(true), Some(false)]);
        check(&ints, &Test::Between(Value::Int(2), Value::Int(3)), &[Some(false), None, Some(true)]);
        let unknown =
            Condition::Not(Box::new(Condition::Test { variable: "x".into(), test: Test::Equals(Value::Int(1)) }));
        let found = evaluate(&unknown, 3, &|_| Some(&ints)).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), [Some(false), None, Some(true)]);
    }

    #[test]
    fn floats_decimals_and_texts_compare_by_value() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![-0.0, f64::NAN, 0.1]));
        check(&floats, &Test::Equals(Value::Float(0.0)), &[Some(true), Some(false), Some(false)]);
        check(&floats, &Test::NotEquals(Value::Float(0.0)), &[Some(false), Some(true), Some(true)]);
        let money: ArrayRef = Arc::new(Decimal128Array::from(vec![150, 200]).with_precision_and_scale(10, 2).unwrap());
        let value = |t| Value::Decimal(crate::vocab::Decimal::parse(t).unwrap());
        check(&money, &Test::Equals(value("1.5")), &[Some(true), Some(false)]);
        check(&money, &Test::LessThan(value("1.999")), &[Some(true), Some(false)]);
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["E01", "e01", ""]));
        check(&texts, &Test::StartsWith("E".into()), &[Some(true), Some(false), Some(false)]);
        check(&texts, &Test::In(vec![Value::Text(String::new())]), &[Some(false), Some(false), Some(true)]);
    }
}
