//! Values of the school collections: census, absence, key stages, exclusions.

use super::calendar::{NEVER, civil, day};
use super::plans::Plan;
use super::random::{below, hash, normal, place, signed, unit, upto, whole};
use super::rows::{DUPLICATE, DUPLICATED, OFF_ROLL};
use super::values::{Cell, Make, code, date, flag, real, text, whole as number};
use crate::catalogue::Variable;
use crate::vocab::{Term, Type};
use std::fmt::Write;

/// Year groups by age at the start of the year, from 3.
const GROUPS: [&str; 16] = ["N2", "R", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"];

/// A maker for a variable of these elements.
pub(super) fn make(plan: Plan, name: &str, variable: &Variable) -> Option<Make> {
    let own = match plan {
        Plan::Census => census(name),
        Plan::Absence => absence(name),
        Plan::Stage(age) => stage(age, name, variable),
        Plan::Exclusions => exclusion(name),
        _ => None,
    };
    own.or_else(|| common(name))
}

/// What the school collections share.
fn common(name: &str) -> Option<Make> {
    Some(match name {
        "recordstatus" => number(record_status),
        "enrolstatus" => code(|c| {
            let dual = c.row.is(DUPLICATE | DUPLICATED);
            Some(if dual && c.row.is(DUPLICATE) {
                "S"
            } else if dual {
                "M"
            } else if c.holds(81, 0.99) {
                "C"
            } else {
                "G"
            })
        }),
        "ncyearactual" | "ncyear" | "actyrgrp" | "yeargrp" => code(|c| Some(group(c))),
        "phase" => code(|c| Some(if c.age() < 11 { "PS" } else { "SS" })),
        _ => return None,
    })
}

/// The duplicate marker: missing for most, 1 to 10 on the record to count, 101 to 110 on the other.
pub(super) fn record_status(c: &mut Cell) -> Option<i64> {
    let rule = 1 + signed(below(c.bits(82), 10));
    match (c.row.is(DUPLICATE), c.row.is(DUPLICATED)) {
        (true, _) => Some(100 + rule),
        (_, true) => Some(rule),
        _ => None,
    }
}

/// The year group in which the pupil is taught: some are held back, some follow none.
fn group(c: &Cell) -> &'static str {
    let held = i32::from(c.holds(83, 0.004));
    if c.holds(84, 0.003) {
        return "X";
    }
    usize::try_from(c.age() - 3 - held).ok().and_then(|place| GROUPS.get(place)).copied().unwrap_or("N1")
}

fn census(name: &str) -> Option<Make> {
    Some(match name {
        "censusdate" => date(|c| {
            let moved = c.year() % 7;
            Some(match c.term {
                Some(Term::Autumn) => day(c.year(), 10, 1 + moved),
                Some(Term::Summer) => day(c.year() + 1, 5, 15 + moved),
                _ => day(c.year() + 1, 1, 15 + moved),
            })
        }),
        "censusterm" => code(|c| c.term.map(Term::long)),
        "onroll" => flag(|c| !c.row.is(OFF_ROLL)),
        "sourcetable" => code(|c| Some(if c.row.is(OFF_ROLL) { "PupilsNoLongerOnRoll" } else { "PupilsOnRoll" })),
        "ncyearleaving" => code(|c| (c.row.to != NEVER).then(|| group(c))),
        "leavingdate" => date(|c| (c.row.to != NEVER).then_some(c.row.to)),
        "distcurrsch" => real(|c| Some(((0.2 + (0.3 + 1.1 * normal(c.bits(85))).exp()) * 1000.0).round() / 1000.0)),
        "parttime" | "senunitindicator" | "topupfunding" => number(|c| Some(i64::from(c.draw.chance(0.015)))),
        "boarder" => code(|c| Some(if c.draw.chance(0.003) { "B" } else { "N" })),
        "typeofclass" => code(|c| (c.age() <= 3).then_some("N").or(Some("O"))),
        "fundedhours" => real(|c| (c.age() <= 4).then(|| if c.holds(86, 0.7) { 15.0 } else { 30.0 })),
        "hoursatsetting" => real(|c| (c.age() <= 4).then(|| f64::from(12 + upto(c.bits(87), 20)))),
        "qualhrs" => number(|c| (c.age() >= 16).then(|| 400 + i64::from(upto(c.bits(88), 300)))),
        "nonqualhrs" | "non-qualhrspreviousyear" => {
            number(|c| (c.age() >= 16).then(|| i64::from(upto(c.bits(89), 120))))
        }
        "schoollunchtaken" => number(|c| (c.age() <= 7).then(|| i64::from(c.holds(90, 0.8)))),
        _ => return None,
    })
}

/// Sessions of one term: possible, missed with leave, missed without.
fn sessions(c: &Cell, term: u64) -> (i64, i64, i64) {
    let bits = c.bits(300 + term);
    let possible = 110 + i64::from(upto(bits, 32));
    let habit = f64::from(u32::try_from(c.row.amount).unwrap_or(0)) / 1e6;
    // A draw that is mostly small and sometimes large.
    let u = unit(hash(bits, 1));
    let missed = (f64::from(u32::try_from(possible).unwrap_or(0)) * habit * 2.0 * u * (0.4 + u * u)).min(100.0);
    let without = missed * 0.25 * unit(hash(bits, 2));
    (possible, whole(missed - without), whole(without))
}

/// `SessionsPossible_Autumn`, `OverallAbsence_3Term` and the like, all of them adding up.
fn absence(name: &str) -> Option<Make> {
    match name {
        "mainrecord" => return Some(flag(|c| !c.row.is(DUPLICATE))),
        "onroll_1" | "onroll_2" | "onroll_3" => return Some(number(|c| Some(i64::from(!c.draw.chance(0.02))))),
        "entrydate" | "leavingdate" => return None,
        _ => {}
    }
    let (what, when) = name.split_once('_')?;
    let terms: &[u64] = match when {
        "autumn" => &[0],
        "spring" => &[1],
        "summer" => &[2],
        "annual" => &[0, 1],
        "3term" | "6halfterms" | "exact_6halfterms" => &[0, 1, 2],
        _ => return None,
    };
    let sums = move |c: &Cell| {
        terms.iter().map(|term| sessions(c, *term)).fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2))
    };
    Some(match what {
        "sessionspossible" => number(move |c| Some(sums(c).0)),
        "authorisedabsence" => number(move |c| Some(sums(c).1)),
        "unauthorisedabsence" => number(move |c| Some(sums(c).2)),
        "overallabsence" => number(move |c| Some(sums(c).1 + sums(c).2)),
        "persistentabsentee" | "persistentabsentee15" | "pa10" => {
            let bar = if what == "pa10" { 10 } else { 15 };
            flag(move |c| {
                let (possible, with, without) = sums(c);
                (with + without) * 100 >= possible * bar
            })
        }
        _ => return None,
    })
}

/// How well someone did, about normal, the same in every column of the row.
fn score(c: &Cell) -> f64 {
    c.person.ability + 0.35 * normal(c.bits(92))
}

fn stage(age: i32, name: &str, variable: &Variable) -> Option<Make> {
    // A second record of a key stage is the one that did not count.
    let passed = |bar: f64| flag(move |c| !c.row.is(DUPLICATE) && score(c) > bar);
    let tagged = variable.tags.iter().any(|tag| tag == "attainment");
    Some(match name {
        "endks" | "natres" | "schres" | "lares" | "natmtdres" | "trigger" => {
            flag(|c| !c.row.is(DUPLICATE) && c.holds(93, 0.97))
        }
        "fiveac" => passed(-0.1),
        "fiveag" | "level1" | "anypass" => passed(-1.4),
        "level2" | "level2_ptq" | "level2_ptq_ee" => passed(-0.25),
        "level2_em" | "level2_em_ptq" => passed(0.05),
        "ebacc" | "ebacc_ptq_ee" => passed(0.9),
        "gcse_ac" | "pass_91" => real(|c| Some((5.5 + 3.0 * score(c)).clamp(0.0, 14.0).round())),
        "gcse_ag" => real(|c| Some((8.5 + 2.0 * score(c)).clamp(0.0, 16.0).round())),
        "entries" => number(|c| Some(whole((9.5 + 1.5 * score(c)).clamp(0.0, 18.0)))),
        "ptstnewg" | "ptstnewe" | "ptscnewe" | "ptstnewe_ptq_ee" => {
            real(|c| Some(((330.0 + 110.0 * score(c)).clamp(0.0, 1_200.0) * 2.0).round() / 2.0))
        }
        "avptsent" => real(|c| Some(((34.0 + 9.0 * score(c)).clamp(0.0, 58.0) * 100.0).round() / 100.0)),
        "hgmath" => code(|c| Some(["U", "G", "F", "E", "D", "C", "B", "A", "*"][grade(c, 9)])),
        "hgmath_ptq_ee" => code(|c| {
            let numbers = c.year() >= 2016;
            let place = grade(c, 9);
            Some(if numbers {
                ["U", "1", "2", "3", "4", "5", "6", "7", "9"][place]
            } else {
                ["U", "G", "F", "E", "D", "C", "B", "A", "*"][place]
            })
        }),
        "englev" | "matlev" | "scilev" | "readlev" | "ks2eng24p" | "ks2mat24p" => {
            code(|c| Some(["A", "N", "2", "3", "4", "4", "5", "5", "6"][grade(c, 9)]))
        }
        "readmrk" | "mattotmrk" => text(|c, out| {
            if c.holds(94, 0.02) {
                out.push_str(if c.holds(95, 0.5) { "A" } else { "B" });
                return true;
            }
            write!(out, "{}", whole((30.0 + 9.0 * score(c)).clamp(0.0, 50.0))).is_ok()
        }),
        "matfine" | "readfine" => real(|c| Some(((4.4 + 0.7 * score(c)).clamp(2.0, 6.5) * 100.0).round() / 100.0)),
        "matpoints" => number(|c| Some([0, 15, 21, 21, 27, 27, 33, 33, 39][grade(c, 9)])),
        "readscore" | "matscore" | "gpsscore" => number(|c| Some(whole((104.0 + 7.0 * score(c)).clamp(80.0, 120.0)))),
        "totents" | "totents_alev" => real(|c| Some(((3.2 + 0.6 * score(c)).clamp(0.0, 8.0) * 2.0).round() / 2.0)),
        "entry_ga" => number(|c| Some(whole((3.0 + 0.8 * score(c)).clamp(0.0, 6.0)))),
        "totptse_alev" | "totptse_acad" | "totptse_agen" => {
            real(|c| Some(((95.0 + 30.0 * score(c)).clamp(0.0, 400.0) * 4.0).round() / 4.0))
        }
        _ if tagged && matches!(variable.kind, Type::Int8) && variable.codes.len() == 2 => {
            let bar = f64::from(age) * 0.0 + normal(super::random::label(name)) * 0.5;
            passed(bar)
        }
        _ => return None,
    })
}

/// A grade, from the worst at 0 to the best at `n - 1`.
fn grade(c: &Cell, n: i64) -> usize {
    usize::try_from(whole(5.2 + 1.7 * score(c)).clamp(0, n - 1)).unwrap_or(0)
}

/// How many exclusions the year of the row had.
fn count(c: &Cell) -> i64 {
    1 + signed(below(c.bits(96), 4)).max(i64::from(c.row.seq))
}

fn exclusion(name: &str) -> Option<Make> {
    if let Some((what, place)) = name.rsplit_once('_')
        && let Ok(place) = place.parse::<i64>()
        && place < 15
    {
        let label = 400 + place.unsigned_abs();
        return Some(match what {
            "category" => code(move |c| (place <= count(c)).then(|| category(c, label))),
            "startdate" => date(move |c| (place <= count(c)).then(|| c.row.from - upto(c.bits(label), 30))),
            "sessions" => number(move |c| (place <= count(c)).then(|| 1 + i64::from(upto(c.bits(label + 40), 20)))),
            "reason" => code(move |c| (place <= count(c)).then(|| reason(c, label + 80))),
            _ => return None,
        });
    }
    Some(match name {
        "term" => code(|c| {
            Some(match civil(c.row.from).1 {
                9..=12 => "Autumn",
                1..=3 => "Spring",
                4..=7 => "Summer",
                _ => "Invalid",
            })
        }),
        "category" => code(|c| Some(category(c, 97))),
        "startdate" => date(|c| Some(c.row.from)),
        "sessions" => number(|c| Some(1 + i64::from(upto(c.bits(98), 20)))),
        "reason" => code(|c| Some(reason(c, 99))),
        "perm_duplicate" => flag(|c| c.row.is(DUPLICATE)),
        "totalfixedexclusions" => number(|c| Some(count(c))),
        "totalfixedsessions" => number(|c| Some(count(c) * 5 + i64::from(upto(c.bits(98), 9)))),
        "permanentexclusionindicator" | "permanentexclusioncount" => flag(|c| category(c, 97) == "PERM"),
        _ => return None,
    })
}

fn category(c: &Cell, label: u64) -> &'static str {
    match below(c.bits(label), 100) {
        0..93 => "FIXD",
        93..97 => "PERM",
        _ => "LNCH",
    }
}

fn reason(c: &Cell, label: u64) -> &'static str {
    ["DB", "PP", "VA", "DB", "PA", "OT", "VP", "DM", "BU", "DA", "TH", "RA", "SM"][place(c.bits(label), 13)]
}
