//! How a variable is released: as it is, never, pseudonymised, or coarsened; and which release is coarser.

use super::{Decimal, Kind, Type};
use serde::Serialize;
use std::fmt;

/// The first day of what a date is truncated to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Truncate {
    Month,
    Quarter,
    Year,
}

/// The form in which a variable leaves.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// Unchanged.
    AsIs,
    /// Not at all.
    Never,
    /// As the project's own pseudonym of an identifier of this kind.
    Pseudonymise(Kind),
    /// As the first day of the month, quarter or year.
    Truncate(Truncate),
    /// As the first N characters.
    Prefix(u32),
    /// As the nearest multiple of N, halves away from zero.
    Round(#[serde(serialize_with = "as_text")] Decimal),
    /// With what is above N replaced by N.
    TopCode(#[serde(serialize_with = "as_text")] Decimal),
    /// With what is below N replaced by N.
    BottomCode(#[serde(serialize_with = "as_text")] Decimal),
    /// As the text of the band it lies in; the edges rise.
    Bands(Vec<Edge>),
}

/// An edge between two bands: its value, and how labels write it (`10`, `10.0` and `0.25` as the document has them).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Edge {
    /// The value.
    pub value: Decimal,
    /// Its text in labels.
    pub text: String,
}

impl Edge {
    /// Reads an edge. `None` if it is no number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let value = Decimal::parse(text)?;
        let whole = !text.contains(['.', 'e', 'E']);
        let text = if whole { value.to_string() } else { format!("{:?}", value.as_f64()) };
        Some(Self { value, text })
    }
}

impl Serialize for Edge {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

fn as_text<S: serde::Serializer>(value: &Decimal, s: S) -> Result<S::Ok, S::Error> {
    s.collect_str(value)
}

impl Release {
    /// Whether it makes a directly identifying variable releasable: anything but as it is.
    #[must_use]
    pub fn coarsens(&self) -> bool {
        !matches!(self, Self::AsIs | Self::Never)
    }

    /// Whether the release can be applied to a variable of this type.
    #[must_use]
    pub fn fits(&self, of: Type) -> bool {
        match self {
            Self::AsIs | Self::Never => true,
            Self::Pseudonymise(_) => of == Type::Text || of.is_integer(),
            Self::Truncate(_) => matches!(of, Type::Date | Type::Timestamp),
            Self::Prefix(_) => of == Type::Text,
            Self::Round(n) => match of {
                Type::Decimal { scale, .. } => i16::from(n.scale) <= i16::from(scale),
                _ => of.is_number() && (!of.is_integer() || n.as_integer().is_some()),
            },
            Self::TopCode(n) | Self::BottomCode(n) => of.is_number() && of.holds(*n),
            Self::Bands(_) => of.is_number(),
        }
    }

    /// The type of a released column: bands and pseudonyms are text, truncated timestamps are dates, rounded integers
    /// are `int64` (a rounded `int8` may not fit), coarsened `float32` are `float64` (0.3 has no exact `float32`).
    #[must_use]
    pub fn released_type(&self, of: Type) -> Type {
        match self {
            Self::AsIs | Self::Never | Self::Prefix(_) => of,
            Self::Pseudonymise(_) | Self::Bands(_) => Type::Text,
            Self::Truncate(_) => Type::Date,
            Self::Round(_) if of.is_integer() => Type::Int64,
            Self::Round(_) if matches!(of, Type::Decimal { .. }) => match of {
                // 99.9 to the nearest 10 needs one digit more.
                Type::Decimal { precision, scale } => Type::Decimal { precision: (precision + 1).min(38), scale },
                other => other,
            },
            Self::Round(_) | Self::TopCode(_) | Self::BottomCode(_) => {
                if of == Type::Float32 {
                    Type::Float64
                } else {
                    of
                }
            }
        }
    }

    /// Whether a spec that asks for `self` asks for no finer a value than the catalogue's `floor` allows.
    /// The same release always passes; otherwise only one that can be reckoned from the floor's output.
    #[must_use]
    pub fn at_least_as_coarse_as(&self, floor: &Self) -> bool {
        if self == floor {
            return *floor != Self::Never;
        }
        match (self, floor) {
            (_, Self::Never) | (Self::AsIs | Self::Never, _) => false,
            (_, Self::AsIs) => true,
            (Self::Truncate(a), Self::Truncate(b)) => a > b,
            (Self::Prefix(a), Self::Prefix(b)) => a < b,
            (Self::Round(a), Self::Round(b)) => is_multiple(*a, *b),
            (Self::TopCode(a), Self::TopCode(b)) => a.as_f64() < b.as_f64(),
            (Self::BottomCode(a), Self::BottomCode(b)) => a.as_f64() > b.as_f64(),
            (Self::Bands(a), Self::Bands(b)) => {
                !a.is_empty() && a.iter().all(|edge| b.iter().any(|other| other.value == edge.value))
            }
            (Self::Bands(a), Self::TopCode(n)) => a.iter().all(|edge| edge.value.as_f64() <= n.as_f64()),
            (Self::Bands(a), Self::BottomCode(n)) => a.iter().all(|edge| edge.value.as_f64() > n.as_f64()),
            _ => false,
        }
    }
}

/// Whether `a` is a whole multiple of `b`, above one.
fn is_multiple(a: Decimal, b: Decimal) -> bool {
    let top = a.scale.max(b.scale);
    let up = |d: Decimal| 10_i128.checked_pow(u32::from(top - d.scale)).and_then(|p| d.unscaled.checked_mul(p));
    match (up(a), up(b)) {
        (Some(a), Some(b)) => b != 0 && a.abs() > b.abs() && a % b == 0,
        _ => false,
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsIs => f.write_str("as_is"),
            Self::Never => f.write_str("never"),
            Self::Pseudonymise(kind) => write!(f, "pseudonymise: {kind}"),
            Self::Truncate(Truncate::Month) => f.write_str("truncate: month"),
            Self::Truncate(Truncate::Quarter) => f.write_str("truncate: quarter"),
            Self::Truncate(Truncate::Year) => f.write_str("truncate: year"),
            Self::Prefix(n) => write!(f, "prefix: {n}"),
            Self::Round(n) => write!(f, "round: {n}"),
            Self::TopCode(n) => write!(f, "top_code: {n}"),
            Self::BottomCode(n) => write!(f, "bottom_code: {n}"),
            Self::Bands(edges) => {
                f.write_str("bands: [")?;
                for (i, edge) in edges.iter().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { ", " }, edge.text)?;
                }
                f.write_str("]")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn a_code_must_be_a_value_of_the_type() {
        for (n, of, fits) in [
            ("100", "int8", true),
            ("300", "int8", false),
            ("0.5", "int32", false),
            ("0.05", "decimal(6,2)", true),
            ("0.125", "decimal(6,2)", false),
            ("10000", "decimal(6,2)", false),
            ("0.125", "float32", true),
            ("1", "string", false),
        ] {
            let of = Type::parse(of).unwrap();
            assert_eq!(Release::TopCode(number(n)).fits(of), fits, "{n} {of}");
        }
        assert!(Release::Round(number("300")).fits(Type::Int8));
        assert!(!Release::Round(number("0.125")).fits(Type::Decimal { precision: 6, scale: 2 }));
    }

    #[test]
    fn a_finer_release_is_never_coarse_enough() {
        let month = Release::Truncate(Truncate::Month);
        assert!(Release::Truncate(Truncate::Year).at_least_as_coarse_as(&month));
        assert!(!month.at_least_as_coarse_as(&Release::Truncate(Truncate::Quarter)));
        assert!(!Release::AsIs.at_least_as_coarse_as(&month));
        assert!(Release::Prefix(2).at_least_as_coarse_as(&Release::Prefix(4)));
        assert!(!Release::Prefix(5).at_least_as_coarse_as(&Release::Prefix(4)));
        assert!(Release::Round(number("0.1")).at_least_as_coarse_as(&Release::Round(number("0.05"))));
        assert!(!Release::Round(number("0.07")).at_least_as_coarse_as(&Release::Round(number("0.05"))));
        assert!(!Release::Never.at_least_as_coarse_as(&Release::Never));
        assert!(!Release::Round(number("5")).at_least_as_coarse_as(&Release::Pseudonymise(Kind::new("urn").unwrap())));
    }
}
