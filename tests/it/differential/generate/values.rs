//! Values of every type, and the ways in which each type may be stored without loss.

use super::super::model::{Cell, Kind, Layout, Pack, Stored};
use super::super::random::Random;

/// Texts: short and long, with accents, blanks at the ends, quotes, commas and line ends.
const TEXTS: [&str; 16] = [
    "M",
    "F",
    "A1",
    "E01000001",
    "E0",
    "alpha",
    "",
    "naïve café",
    "a long text of more than twelve bytes",
    "Zz",
    "é",
    " led",
    "say \"so\"",
    "one, two",
    "two\nlines",
    "日本語の文字",
];

/// The ways of storing a type. All convert to it without loss, as long as the values fit (see `fits`).
pub(in super::super) fn ways(kind: Kind) -> Vec<Stored> {
    use Stored::*;
    let mut all = match kind {
        Kind::Bool => vec![Plain],
        Kind::Int8 => vec![Plain, Dictionary, Int16, Int32, Int64, UInt8, UInt16, WholeDecimal],
        Kind::Int16 => vec![Plain, Dictionary, Int8, Int32, Int64, UInt8, UInt16, UInt32, WholeDecimal],
        Kind::Int32 => vec![Plain, Dictionary, Int8, Int16, Int64, UInt8, UInt16, UInt32, UInt64, WholeDecimal],
        Kind::Int64 => vec![Plain, Int8, Int16, Int32, UInt8, UInt32, UInt64, WholeDecimal],
        Kind::Float32 => vec![Plain, Half, Int8, Int16, Int32, UInt8],
        Kind::Float64 => vec![Plain, Float32, Half, Int8, Int16, Int32, Int64, UInt16],
        Kind::Decimal(_, _) => vec![Plain, SmallDecimal, WholeDecimal, Int8, Int32, Int64],
        Kind::Text => vec![Plain, Dictionary, LargeText, ViewText, Binary],
        Kind::Date => vec![Plain, Millis, Micros, Nanos, Utc, Int96],
        Kind::Timestamp => vec![Plain, Millis, Nanos, Utc, Int96, Days],
    };
    all.push(AllNull);
    all
}

/// Whether a value can be stored so.
fn fits(cell: &Cell, stored: Stored) -> bool {
    let whole = match cell {
        Cell::Int(v) => Some(*v),
        Cell::Float(v) if v.fract() == 0.0 && v.abs() < 1e6 && !(*v == 0.0 && v.is_sign_negative()) => {
            v.to_string().parse().ok()
        }
        Cell::Decimal(v, s) => {
            let one = 10_i128.pow(u32::from(*s));
            if v % one == 0 { i64::try_from(v / one).ok() } else { None }
        }
        _ => None,
    };
    let within = |low: i64, high: i64| whole.is_some_and(|v| low <= v && v <= high);
    const DAY: i64 = 86_400_000_000;
    match (stored, cell) {
        (Stored::AllNull, cell) => cell.is_null(),
        (_, Cell::Null) => true,
        (Stored::Int8, _) => within(i8::MIN.into(), i8::MAX.into()),
        (Stored::Int16, _) => within(i16::MIN.into(), i16::MAX.into()),
        (Stored::Int32, _) => within(i32::MIN.into(), i32::MAX.into()),
        (Stored::UInt8, _) => within(0, u8::MAX.into()),
        (Stored::UInt16, _) => within(0, u16::MAX.into()),
        (Stored::UInt32, _) => within(0, u32::MAX.into()),
        (Stored::UInt64, _) => within(0, i64::MAX),
        (Stored::Int64 | Stored::WholeDecimal, _) => whole.is_some(),
        (Stored::SmallDecimal, Cell::Decimal(v, s)) => v % 10 == 0 && *s > 0,
        (Stored::Float32, Cell::Float(v)) => v.is_nan() || single(*v) == *v,
        (Stored::Half, Cell::Float(v)) => v.is_nan() || v.abs() < 512.0 && (v * 4.0).fract() == 0.0,
        (Stored::Millis, Cell::Stamp(v)) => v % 1_000 == 0,
        (Stored::Days, Cell::Stamp(v)) => v.rem_euclid(DAY) == 0,
        // Nanoseconds reach from 1677 to 2262; so do int96 timestamps as Arrow reads them.
        (Stored::Nanos | Stored::Int96, Cell::Stamp(v)) => v.abs() < 290 * 365 * DAY,
        (Stored::Nanos | Stored::Int96, Cell::Date(v)) => v.abs() < 290 * 365,
        _ => true,
    }
}

/// The nearest single, as a double.
pub(super) fn single(value: f64) -> f64 {
    let single: f32 = format!("{value:e}").parse().unwrap();
    f64::from(single)
}

/// A way of storing some values: plain as often as not.
pub(super) fn stored(kind: Kind, cells: &[Cell], r: &mut Random) -> Stored {
    if r.chance(35) {
        return Stored::Plain;
    }
    let fit: Vec<Stored> = ways(kind).into_iter().filter(|way| cells.iter().all(|c| fits(c, *way))).collect();
    if fit.contains(&Stored::AllNull) && r.chance(70) { Stored::AllNull } else { r.one(&fit) }
}

/// How the values of a column are drawn: a column of small whole numbers can be stored in more ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Any,
    Whole,
    Missing,
}

pub(super) fn mood(r: &mut Random) -> Mood {
    match r.below(20) {
        0 => Mood::Missing,
        1..=8 => Mood::Whole,
        _ => Mood::Any,
    }
}

/// A value, missing in one of seven.
pub(super) fn value(kind: Kind, mood: Mood, r: &mut Random) -> Cell {
    if mood == Mood::Missing || r.chance(14) { Cell::Null } else { present(kind, mood, r) }
}

/// A value that is not missing.
pub(super) fn present(kind: Kind, mood: Mood, r: &mut Random) -> Cell {
    if mood == Mood::Whole {
        let whole = r.one(&[0, 0, 1, 2, 5, 7, 10, 25, 99]);
        match kind {
            Kind::Float32 | Kind::Float64 => return Cell::Float(f64::from(whole)),
            Kind::Decimal(_, s) => return Cell::Decimal(i128::from(whole) * 10_i128.pow(s.into()), s),
            _ if kind.is_integer() => return Cell::Int(whole.into()),
            Kind::Timestamp => return Cell::Stamp(i64::from(r.between(-4_000, 18_000)) * 86_400_000_000),
            _ => {}
        }
    }
    match kind {
        Kind::Bool => Cell::Bool(r.chance(50)),
        Kind::Int8 => Cell::Int(r.one(&[-128, -3, -1, 0, 1, 2, 5, 7, 10, 25, 99, 127])),
        Kind::Int16 => Cell::Int(r.one(&[-32_768, -30, -1, 0, 1, 2, 5, 7, 10, 25, 99, 100, 32_767])),
        Kind::Int32 => Cell::Int(r.one(&[-2_147_483_648, -30, -1, 0, 1, 2, 5, 7, 10, 25, 99, 100, 2_147_483_647])),
        Kind::Int64 => {
            Cell::Int(r.one(&[-9_007_199_254_740_993, -30, -1, 0, 1, 2, 5, 7, 10, 25, 100, 9_007_199_254_740_995]))
        }
        Kind::Float32 | Kind::Float64 => {
            let value = r.one(&[
                -0.0,
                0.0,
                0.25,
                -0.25,
                0.125,
                1.5,
                -2.5,
                2.5,
                0.1,
                0.3,
                0.35,
                -0.075,
                100.75,
                3.0,
                1e-9,
                1e12,
                0.025,
                12.675,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ]);
            Cell::Float(if kind == Kind::Float32 && value.is_finite() { single(value) } else { value })
        }
        Kind::Decimal(p, s) => {
            let value = r.one(&[-250_i128, -125, -1, 0, 1, 5, 15, 25, 150, 1_000, 9_995]);
            let places = u32::from(r.one(&[0, 1, 2, 2]).min(s));
            let large = if p > 30 && r.chance(20) { 10_i128.pow(20) } else { 1 };
            Cell::Decimal(value * large * 10_i128.pow(u32::from(s) - places), s)
        }
        Kind::Text => Cell::text(r.one(&TEXTS)),
        Kind::Date => match r.below(20) {
            0 => Cell::Date(2_932_896),
            1 => Cell::Date(r.between(-60_000, -20_000)),
            _ => Cell::Date(r.between(-4_000, 18_000)),
        },
        Kind::Timestamp if r.chance(30) => Cell::Stamp(i64::from(r.between(-4_000, 18_000)) * 86_400_000_000),
        Kind::Timestamp => {
            let micros = i64::from(r.between(-300_000_000, 1_500_000_000)) * 1_000_000;
            Cell::Stamp(micros + r.one(&[0, 0, 250_000, 1]))
        }
    }
}

/// A layout of a file.
pub(super) fn layout(r: &mut Random) -> Layout {
    Layout {
        group_rows: if r.chance(35) { Some(r.one(&[1, 7, 20])) } else { None },
        page_rows: if r.chance(35) { Some(r.one(&[2, 5, 16])) } else { None },
        dictionary: r.chance(60),
        second_pages: r.chance(35),
        pack: r.one(&[Pack::None, Pack::Snappy, Pack::Zstd]),
        statistics: r.chance(80),
    }
}
