//! Coarsening, in decimal and by hand.

use super::super::documents::date;
use super::super::model::{Cell, Kind, Release};
use super::keys::{Keys, base32, canonical};

const DAY_MICROS: i64 = 86_400_000_000;

/// The type in which a variable leaves. Rounded integers are `int64`, coarsened `float32` are `float64`, a rounded decimal
/// has a digit more: `src/ARCHITECTURE.md` says why.
pub(super) fn delivered(kind: Kind, release: &Release) -> Kind {
    match release {
        Release::AsIs | Release::Never | Release::Prefix(_) => kind,
        Release::Pseudonymise(_) | Release::Bands(_) => Kind::Text,
        Release::Truncate(_) => Kind::Date,
        Release::Round(_) if kind.is_integer() => Kind::Int64,
        Release::Round(_) | Release::TopCode(_) | Release::BottomCode(_) => match kind {
            Kind::Float32 => Kind::Float64,
            Kind::Decimal(p, s) if matches!(release, Release::Round(_)) => Kind::Decimal((p + 1).min(38), s),
            other => other,
        },
    }
}

/// A number as digits and how many of them stand behind the point.
pub(super) fn digits(text: &str) -> (i128, u32) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = i32::try_from(fraction.len()).unwrap() - exponent;
    let number: i128 = format!("{whole}{fraction}").parse().unwrap();
    match u32::try_from(places) {
        Ok(places) => (number, places),
        Err(_) => (number * 10_i128.pow(places.unsigned_abs()), 0),
    }
}

/// Two numbers with as many places each.
fn level(a: (i128, u32), b: (i128, u32)) -> (i128, i128, u32) {
    let places = a.1.max(b.1);
    (a.0 * 10_i128.pow(places - a.1), b.0 * 10_i128.pow(places - b.1), places)
}

/// The nearest multiple of `n`, halves away from zero.
fn nearest(value: (i128, u32), n: (i128, u32)) -> (i128, u32) {
    let (value, n, places) = level(value, n);
    let below = value.abs() / n * n;
    let up = (value.abs() - below) * 2 >= n;
    let rounded = if up { below + n } else { below };
    (if value < 0 { -rounded } else { rounded }, places)
}

/// The value of a cell as digits. `None` where it is no finite number.
fn number(cell: &Cell) -> Option<(i128, u32)> {
    match cell {
        Cell::Int(v) => Some((i128::from(*v), 0)),
        Cell::Decimal(v, s) => Some((*v, u32::from(*s))),
        Cell::Float(v) if v.is_finite() => Some(digits(&format!("{v:?}"))),
        _ => None,
    }
}

/// A number as a cell like another one.
fn like(cell: &Cell, (value, places): (i128, u32)) -> Cell {
    match cell {
        Cell::Int(_) => {
            let one = 10_i128.pow(places);
            assert_eq!(value % one, 0, "an integer stays one");
            Cell::Int(i64::try_from(value / one).unwrap())
        }
        Cell::Decimal(_, s) => {
            let (value, _, now) = level((value, places), (0, u32::from(*s)));
            let rest = 10_i128.pow(now - u32::from(*s));
            assert_eq!(value % rest, 0, "a decimal keeps its places");
            Cell::Decimal(value / rest, *s)
        }
        _ => Cell::Float(format!("{value}e-{places}").parse().unwrap()),
    }
}

/// Whether a cell is below a number.
fn below(cell: &Cell, text: &str) -> bool {
    match cell {
        // Doubles are compared as doubles: what is beyond N by less than a double can tell is not beyond.
        Cell::Float(v) => *v < text.parse().unwrap(),
        other => {
            let (a, b, _) = level(number(other).unwrap(), digits(text));
            a < b
        }
    }
}

fn above(cell: &Cell, text: &str) -> bool {
    match cell {
        Cell::Float(v) => *v > text.parse().unwrap(),
        other => {
            let (a, b, _) = level(number(other).unwrap(), digits(text));
            a > b
        }
    }
}

/// The day of a date or timestamp.
pub(super) fn day(cell: &Cell) -> i32 {
    match cell {
        Cell::Date(days) => *days,
        Cell::Stamp(micros) => i32::try_from(micros.div_euclid(DAY_MICROS)).unwrap(),
        other => panic!("{other:?} has no day"),
    }
}

/// A value as it leaves.
pub(super) fn coarsen(cell: &Cell, release: &Release, keys: &Keys, project: &str, epoch: u32) -> Cell {
    if cell.is_null() {
        return Cell::Null;
    }
    match release {
        Release::AsIs => cell.clone(),
        Release::Never => panic!("what is never released was asked for"),
        Release::Pseudonymise(kind) => {
            let text = match cell {
                Cell::Int(v) => v.to_string(),
                Cell::Text(text) => text.clone(),
                other => panic!("{other:?} is no identifier"),
            };
            let pseudonym = |text: String| base32(&keys.project(project, epoch, kind, text.as_bytes()));
            canonical(kind, &text).map_or(Cell::Null, |text| Cell::Text(pseudonym(text)))
        }
        Release::Truncate(to) => {
            let date = date(day(cell));
            let month = match *to {
                "month" => date.month(),
                "quarter" => [1, 1, 1, 4, 4, 4, 7, 7, 7, 10, 10, 10][usize::try_from(date.month() - 1).unwrap()],
                _ => 1,
            };
            let first = jiff::civil::date(date.year(), month, 1);
            Cell::Date(first.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days())
        }
        Release::Prefix(n) => match cell {
            Cell::Text(text) => Cell::Text(text.chars().take(*n).collect()),
            other => panic!("{other:?} is no text"),
        },
        Release::Round(n) => number(cell).map_or_else(|| cell.clone(), |v| like(cell, nearest(v, digits(n)))),
        Release::TopCode(n) if above(cell, n) => like(cell, digits(n)),
        Release::BottomCode(n) if below(cell, n) => like(cell, digits(n)),
        Release::TopCode(_) | Release::BottomCode(_) => cell.clone(),
        Release::Bands(edges) => {
            let first = edges.first().unwrap();
            let mut label = format!("<{first}");
            for (i, edge) in edges.iter().enumerate() {
                // Not a number is below nothing, so it stands in the last band.
                if !below(cell, edge) {
                    label = edges.get(i + 1).map_or_else(|| format!(">={edge}"), |next| format!("{edge}-<{next}"));
                }
            }
            Cell::Text(label)
        }
    }
}
