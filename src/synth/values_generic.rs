//! Values by type and codes, for every variable that has no maker of its own: an element that is new gets data by itself.

use super::calendar::day;
use super::random::{happens, hash, label, normal, unit, upto, whole};
use super::values::{Cell, Make, date, flag, real, text, whole as whole_number};
use crate::catalogue::Variable;
use crate::vocab::Type;

/// A maker for any variable at all.
pub(super) fn make(name: &str, variable: &Variable) -> Make {
    let own = label(&variable.name);
    let missing = [0.0, 0.01, 0.03, 0.08, 0.25][upto(hash(own, 1), 5).unsigned_abs() as usize];
    let attainment = variable.tags.iter().any(|tag| tag == "attainment");
    let is_flag = variable.kind == Type::Bool
        || (variable.codes.len() == 2 && variable.codes.iter().all(|c| c == "0" || c == "1"));
    match variable.kind {
        _ if is_flag && attainment => {
            let bar = normal(hash(own, 2)) * 0.5;
            flag(move |cell| cell.person.ability + 0.4 * normal(cell.bits(own)) > bar)
        }
        _ if is_flag => {
            let share = 0.02 + 0.9 * unit(hash(own, 2)).powi(2);
            whole_number(move |cell| (!cell.draw.chance(missing)).then(|| i64::from(cell.draw.chance(share))))
        }
        Type::Text => coded_text(variable, own, missing),
        Type::Date | Type::Timestamp => date(move |cell| {
            let start = day(cell.year(), 9, 1);
            (!cell.draw.chance(missing)).then(|| start + i32::try_from(cell.draw.below(365)).unwrap_or(0))
        }),
        Type::Float32 | Type::Float64 | Type::Decimal { .. } => measure(variable, name, own, missing, attainment),
        Type::Bool | Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => number(variable, name, own, missing),
    }
}

/// Which of `n` codes: the first ones far more often, as codes are in life. 256 places, so that eight bits pick.
pub(super) fn shares(n: usize, own: u64) -> Vec<usize> {
    let slope = 0.4 + unit(hash(own, 3));
    let mut weights: Vec<f64> = Vec::with_capacity(n);
    let mut rank = 1.0_f64;
    for _ in 0..n.max(1) {
        weights.push(rank.powf(-slope));
        rank += 1.0;
    }
    let total: f64 = weights.iter().sum();
    let (mut places, mut reached) = (Vec::with_capacity(256), 0.0);
    for (place, weight) in weights.iter().enumerate() {
        reached += weight / total * 256.0;
        while (places.len() as f64) < reached - 0.5 {
            places.push(place);
        }
    }
    places.resize(256, 0);
    places
}

/// One of the codes, or of codes made up for the variable.
fn coded_text(variable: &Variable, own: u64, missing: f64) -> Make {
    let codes: Vec<String> = if variable.codes.is_empty() {
        let first = char::from(b'A' + u8::try_from(upto(hash(own, 4), 26)).unwrap_or(0));
        (0..4 + upto(hash(own, 5), 40)).map(|i| format!("{first}{i:02}")).collect()
    } else {
        variable.codes.clone()
    };
    let places = shares(codes.len(), own);
    text(move |cell, out| {
        if cell.draw.chance(missing) {
            return false;
        }
        out.push_str(&codes[places[(cell.draw.bits() & 255) as usize]]);
        true
    })
}

/// A measure: about normal round a middle of the variable's own, rounded to two places.
fn measure(variable: &Variable, name: &str, own: u64, missing: f64, attainment: bool) -> Make {
    let most = match variable.kind {
        Type::Decimal { precision, scale } => 10_f64.powi(i32::from(precision) - i32::from(scale)) - 1.0,
        _ => 1e6,
    };
    let middle = if name.contains("hour") {
        15.0
    } else if name.contains("pts") || name.contains("points") {
        300.0
    } else if name.contains("score") {
        0.0
    } else {
        1.0 + 8.0 * unit(hash(own, 6))
    }
    .min(most * 0.6);
    let spread = if middle == 0.0 { 4.0 } else { middle * 0.3 };
    let floor = if name.contains("score") || name.contains("progress") { -most } else { 0.0 };
    real(move |cell| {
        if cell.draw.chance(missing) {
            return None;
        }
        let lift = if attainment { 0.8 * cell.person.ability } else { 0.0 };
        let value = middle + spread * (lift + 0.6 * normal(cell.draw.wide()));
        Some((value.clamp(floor, most) * 100.0).round() / 100.0)
    })
}

/// A whole number: one of the codes, else of a range that the name suggests.
fn number(variable: &Variable, name: &str, own: u64, missing: f64) -> Make {
    let codes: Vec<i64> = variable.codes.iter().filter_map(|c| c.parse().ok()).collect();
    if !codes.is_empty() {
        let places = shares(codes.len(), own);
        return whole_number(move |cell| {
            (!cell.draw.chance(missing)).then(|| codes[places[(cell.draw.bits() & 255) as usize]])
        });
    }
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let (least, most): (i64, i64) = if has(&["hrs", "hours"]) {
        (0, 700)
    } else if has(&["wks", "weeks"]) {
        (0, 52)
    } else if has(&["session", "absence"]) {
        (0, 120)
    } else if has(&["score"]) {
        (80, 120)
    } else if has(&["tariff", "points"]) {
        (0, 500)
    } else if has(&["cost", "earnings", "amount", "length"]) {
        (0, 9_000)
    } else if name.ends_with("id") || has(&["code", "framework", "sof", "status", "destination", "offer"]) {
        return category(variable.kind, own, missing);
    } else {
        (0, 12)
    };
    whole_number(move |cell: &mut Cell| {
        if cell.draw.chance(missing) {
            return None;
        }
        // Skewed to the small, as counts are.
        let u = cell.draw.unit();
        Some(least + whole(u * u * f64::from(u32::try_from(most - least + 1).unwrap_or(1))))
    })
}

/// One of some numbers that stand for something.
fn category(kind: Type, own: u64, missing: f64) -> Make {
    let base = if kind == Type::Int8 { 1 } else { 100 + i64::from(upto(hash(own, 7), 400)) };
    let places = shares(12, own);
    whole_number(move |cell| {
        (!cell.draw.chance(missing))
            .then(|| base + i64::try_from(places[(cell.draw.bits() & 255) as usize]).unwrap_or(0))
    })
}

/// Whether a share of the people, the same in all files, has something.
pub(super) fn person_flag(own: u64, share: f64) -> Make {
    flag(move |cell| happens(hash(cell.person.key, own), share))
}
