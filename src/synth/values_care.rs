//! Values of the children that social services know of.

use super::calendar::{NEVER, day};
use super::plans::Plan;
use super::random::{below, happens, hash, place, signed};
use super::values::{Cell, Make, code, date, flag, text, whole as number};
use crate::catalogue::Variable;
use std::fmt::Write;

/// A maker for a variable of these elements.
pub(super) fn make(plan: Plan, name: &str, variable: &Variable) -> Option<Make> {
    match plan {
        Plan::InNeed => in_need(name, variable),
        _ => in_care(name),
    }
}

/// Whether the child has a protection plan.
fn planned(c: &Cell) -> bool {
    c.holds(251, 0.14)
}

fn in_need(name: &str, variable: &Variable) -> Option<Make> {
    let codes = variable.codes.clone();
    Some(match name {
        "cinat31march" | "anycasesopen31march" | "caseopen31march" => flag(|c| c.row.to == NEVER || c.holds(252, 0.4)),
        "asylumseeking" => flag(|c| happens(hash(c.person.key, 253), 0.01)),
        "disability" => flag(|c| c.person.needs >= 2),
        "cppindicator" => flag(|c| planned(c)),
        "latestreferraldate" | "cinreferraldate" => date(|c| Some(c.row.from)),
        "latestclosuredate" | "cinclosuredate" => date(|c| (c.row.to != NEVER).then_some(c.row.to)),
        "reasonforclosure" => text(move |c, out| {
            if c.row.to == NEVER || codes.is_empty() {
                return false;
            }
            out.push_str(&codes[place(c.bits(254), codes.len())]);
            true
        }),
        "dateofinitialcpc" => date(|c| planned(c).then(|| c.row.from + 20)),
        "cppstartdate" => date(|c| planned(c).then(|| c.row.from + 30)),
        "cppenddate" => date(|c| (planned(c) && c.row.to != NEVER).then_some(c.row.to)),
        "initialcategoryofabuse" | "latestcategoryofabuse" => {
            code(|c| planned(c).then(|| ["NEG", "EMO", "NEG", "PHY", "SAB", "MUL"][place(c.bits(255), 6)]))
        }
        "numberofpreviouscpp" => number(|c| planned(c).then(|| i64::from(super::random::repeats(c.bits(256), 0.3, 9)))),
        "referralnfa" => flag(|c| c.holds(257, 0.1)),
        "agestartofcinperiod" => number(|c| Some(i64::from((c.row.from - c.person.born) / 365).max(0))),
        _ => return None,
    })
}

/// Days in care up to the end of the year of the row.
fn length(c: &Cell) -> i64 {
    let end = if c.row.to == NEVER { day(c.year() + 1, 3, 31) } else { c.row.to };
    i64::from((end - c.row.from).max(1))
}

fn in_care(name: &str) -> Option<Make> {
    Some(match name {
        "poc_start" | "date_epi_comm" => date(|c| Some(c.row.from)),
        "date_epi_ceased" => date(|c| (c.row.to != NEVER).then_some(c.row.to)),
        "poc_length" => number(|c| Some(length(c))),
        "epi_idx" => number(|c| Some(1 + signed(below(c.bits(261), 5)))),
        "uasc_status" => flag(|c| happens(hash(c.person.key, 253), 0.03)),
        "31_march" => flag(|c| c.row.to == NEVER),
        "6_months" | "pp_6_months" => flag(|c| length(c) >= 182),
        "12_months" => flag(|c| length(c) >= 365),
        "pp_1_day" => flag(|_| true),
        "rec" => text(|c, out| c.row.to != NEVER && write!(out, "E{}", 2 + below(c.bits(262), 12)).is_ok()),
        _ => return None,
    })
}
