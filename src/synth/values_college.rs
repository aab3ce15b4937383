//! Values of study after 16: sixth forms, activities, further and higher education.

use super::calendar::{NEVER, day};
use super::places::ETHNIC;
use super::plans::Plan;
use super::random::{below, happens, hash, normal, place, signed, upto, whole};
use super::rows::Row;
use super::values::{Cell, Make, code, date, flag, real, text, whole as number};
use super::values_generic::person_flag;
use super::values_school::record_status;
use crate::catalogue::Variable;
use crate::vocab::Type;
use std::fmt::Write;

/// A maker for a variable of these elements.
pub(super) fn make(plan: Plan, name: &str, variable: &Variable) -> Option<Make> {
    match plan {
        Plan::SixthForm => sixth_form(name),
        Plan::Activities => activity(name),
        Plan::Learners => learner(name, variable).or_else(|| further(name)),
        Plan::Aims => aim(name).or_else(|| further(name)),
        Plan::Students => student(name, variable),
        _ => None,
    }
}

/// The first or last day of the row; missing where there is none.
fn from(row: &Row) -> Option<i32> {
    (row.from != NEVER).then_some(row.from)
}

fn to(row: &Row) -> Option<i32> {
    (row.to != NEVER).then_some(row.to)
}

/// A qualification number as the registers write it: one of some hundreds.
fn push_qualification(out: &mut String, bits: u64) -> bool {
    let number = below(hash(bits, 1), 400);
    if happens(hash(bits, 2), 0.5) {
        write!(out, "500{number:04}X").is_ok()
    } else {
        write!(out, "60{:01}/{:04}/{}", number % 10, number * 13, number % 9).is_ok()
    }
}

fn sixth_form(name: &str) -> Option<Make> {
    Some(match name {
        "recordstatus" => number(record_status),
        "onroll" => number(|c| Some(if c.holds(201, 0.92) { 1 } else { 2 * i64::from(c.holds(202, 0.5)) })),
        "ncyear" => number(|c| Some(i64::from(c.age()) - 4)),
        "qan" | "qn" | "qan_att" => text(|c, out| push_qualification(out, c.bits(203))),
        "qual_lev_ref" | "qual_lev_att" => {
            number(|c| Some(if c.holds(204, 0.8) { 3 } else { 1 + i64::from(c.holds(205, 0.7)) }))
        }
        "learningstartdate" => date(|c| from(c.row)),
        "learningplannedenddate" => date(|c| Some(day(c.year() + 1, 7, 31))),
        "learningactualenddate" => date(|c| to(c.row)),
        "learningaimstatus" => number(|c| Some(if c.row.to == NEVER { 1 } else { 2 + i64::from(c.holds(206, 0.1)) })),
        "coreaim" => flag(|c| c.row.seq == 0),
        "gradepassfail" => code(|c| Some(if c.person.ability + normal(c.bits(207)) > -1.8 { "P" } else { "F" })),
        "gradeqcdapoints" => {
            real(|c| Some((210.0 + 45.0 * (c.person.ability + 0.5 * normal(c.bits(207)))).clamp(0.0, 300.0).round()))
        }
        "version" => code(|c| Some(if c.holds(208, 0.7) { "P" } else { "A" })),
        _ => return None,
    })
}

/// What someone did, by the path of the person: school, college, university, work, nothing.
fn doing(c: &Cell) -> i64 {
    let person = c.person;
    let bits = c.bits(211);
    let pick = |list: &[i64]| list[place(hash(bits, 1), list.len())];
    if happens(bits, 0.02) {
        return pick(&[130, 290, 710, 810, 820, 830]);
    }
    let age = c.age();
    if person.sixth_form && age <= 17 {
        pick(&[210, 210, 210, 210, 220])
    } else if person.further.nth(c.year()).is_some() {
        pick(&[220, 220, 220, 230, 320, 330, 410])
    } else if person.higher.nth(c.year()).is_some() {
        pick(&[240, 240, 250, 270])
    } else if happens(hash(bits, 2), 0.55 + 0.1 * person.pay) {
        pick(&[310, 320, 330, 340, 350, 360, 380])
    } else {
        pick(&[610, 615, 616, 619, 619, 619, 620, 630, 640, 650, 660, 670, 540])
    }
}

fn activity(name: &str) -> Option<Make> {
    let idle = |c: &Cell| (610..700).contains(&doing(c));
    Some(match name {
        "current_activity_code" => number(|c| Some(doing(c))),
        "current_activity_start_date" => date(|c| from(c.row)),
        "current_activity_recorded" => date(|c| Some(c.row.from + upto(c.bits(212), 25))),
        "current_activity_verification_date" => {
            date(|c| c.holds(213, 0.85).then(|| c.row.from + upto(c.bits(214), 80)))
        }
        "current_activity_review_date" => date(|c| c.holds(215, 0.6).then(|| c.row.from + 90 + upto(c.bits(216), 120))),
        "neet_start_date" => date(move |c| idle(c).then(|| c.row.from - upto(c.bits(217), 60))),
        "expected_course_end_date" => date(|c| c.holds(218, 0.6).then(|| day(c.year() + 1, 7, 31))),
        "currency_due_to_lapse_date" => date(|c| Some(c.row.from + 365)),
        "cohort_status" => code(|c| Some(["P", "G", "A", "P", "L", "P", "T", "P", "M", "P"][place(c.bits(219), 10)])),
        "send_flag" | "ldd_flag" => code(|c| Some(if c.person.needs > 0 { "Y" } else { "N" })),
        _ => return None,
    })
}

/// What learners and aims share.
fn further(name: &str) -> Option<Make> {
    Some(match name {
        "academicyear" => text(|c, out| write!(out, "{}/{:02}", c.year(), (c.year() + 1) % 100).is_ok()),
        "external_id" => number(|c| Some(c.row.amount)),
        "dataset_identifier" => text(|c, out| write!(out, "ILR{:02}", c.year() % 100).is_ok()),
        _ => return None,
    })
}

fn learner(name: &str, variable: &Variable) -> Option<Make> {
    let codes: Vec<i64> = variable.codes.iter().filter_map(|code| code.parse().ok()).collect();
    Some(match name {
        "lldd" => number(|c| {
            Some(if c.holds(221, 0.05) {
                9
            } else if c.person.needs > 0 {
                1
            } else {
                2
            })
        }),
        "lldd_detail" | "disability" | "learndiff" => {
            number(|c| (c.person.needs > 0).then(|| 1 + i64::from(upto(c.bits(222), 12))))
        }
        "appparticipant" => person_flag(223, 0.3),
        "priorattain" => number(move |c| codes.get(place(c.bits(224), codes.len())).copied()),
        "alscost" => number(|c| Some(if c.person.needs > 0 { 200 + i64::from(upto(c.bits(225), 6_000)) } else { 0 })),
        "l_olass" => number(|c| Some(if c.holds(226, 0.01) { 1 } else { -1 })),
        _ => return None,
    })
}

fn aim(name: &str) -> Option<Make> {
    Some(match name {
        "sequence_index" | "aimrankinyear" => number(|c| Some(i64::from(c.row.seq) + 1)),
        "learning_aim_id" => text(|c, out| push_qualification(out, c.bits(231))),
        "aimtitle" => text(|c, out| write!(out, "Course number {}", below(hash(c.bits(231), 1), 400)).is_ok()),
        "ageaimstart" | "ageprogstart" => number(|c| Some(i64::from((c.row.from - c.person.born) * 4 / 1461))),
        "start_date" => date(|c| if c.holds(232, 0.003) { None } else { from(c.row) }),
        "end_date_expected" => date(|c| Some(c.row.from + 60 + upto(c.bits(233), 600))),
        "end_date" => date(|c| to(c.row)),
        "achievement_date" => date(|c| if achieved(c) { to(c.row) } else { None }),
        "compstatus" => number(|c| {
            Some(match (c.row.to == NEVER, below(c.bits(234), 100)) {
                (true, _) => 1,
                (_, 0..80) => 2,
                (_, 80..95) => 3,
                (_, 95..98) => 6,
                _ => 4,
            })
        }),
        "outcome" => number(|c| {
            Some(if achieved(c) {
                1
            } else if c.row.to == NEVER {
                8
            } else {
                3
            })
        }),
        "achievement" => flag(|c| achieved(c)),
        "completion" => flag(|c| c.row.to != NEVER && below(c.bits(234), 100) < 80),
        "notionalnvqlev" | "notional_level_v2" | "leveloflearning" => {
            real(|c| Some([0.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 4.0][place(c.bits(235), 10)]))
        }
        "fl2width" | "fl3width" => real(|c| Some([0.0, 12.5, 25.0, 50.0, 62.5, 100.0][place(c.bits(236), 6)])),
        "ssatier1" => text(|c, out| write!(out, "{:02}", 1 + below(c.bits(237), 15)).is_ok()),
        "ssatier2" => {
            text(|c, out| write!(out, "{:02}.{}", 1 + below(c.bits(237), 15), 1 + below(c.bits(238), 4)).is_ok())
        }
        "app" => person_flag(223, 0.3),
        "active" => flag(|_| true),
        _ => return None,
    })
}

/// Whether the aim was achieved.
fn achieved(c: &Cell) -> bool {
    c.row.to != NEVER && below(c.bits(234), 100) < 80 && happens(c.bits(239), 0.85)
}

/// Whether the student left with a qualification in the year of the row.
fn qualified(c: &Cell) -> bool {
    c.person.higher.ends_in(c.year()) && c.holds(241, 0.9)
}

fn student(name: &str, variable: &Variable) -> Option<Make> {
    let is_text = variable.kind == Type::Text;
    Some(match name {
        "comdate" => date(|c| c.draw.chance(0.995).then_some(c.row.from)),
        "enddate" => date(|c| to(c.row)),
        "xpqual01" => flag(|c| qualified(c)),
        "xpses01" => flag(|c| c.holds(242, 0.99)),
        "xpsr01" => flag(|c| c.holds(243, 0.96)),
        "xfyear01" => flag(|c| c.person.higher.from == c.year()),
        "xmode01" => code(|c| Some(if happens(hash(c.person.key, 244), 0.85) { "Full-time" } else { "Part-time" })),
        "xlev301" => code(|c| Some(if c.person.higher.years == 1 { "Postgraduate" } else { "Undergraduate" })),
        "xlev501" | "xlev601" => code(|c| Some(level(c))),
        "xqobtn01" | "xqlev501" => code(|c| qualified(c).then(|| level(c))),
        "xqlev301" => {
            code(|c| qualified(c).then_some(if c.person.higher.years == 1 { "Postgraduate" } else { "Undergraduate" }))
        }
        "xclass01" => code(|c| {
            let place = usize::try_from(whole(2.3 + 0.9 * (c.person.ability + 0.6 * normal(c.bits(245)))).clamp(0, 4))
                .unwrap_or(0);
            (qualified(c) && level(c) == "First degree")
                .then(|| ["Pass", "Third", "Lower second", "Upper second", "First"][place])
        }),
        "xjacs01_1" if is_text => text(|c, out| {
            let subject = hash(c.person.key, 246);
            let letter = char::from(b"ABCDFGHIJKLMNPQRTVWX"[place(subject, 20)]);
            write!(out, "{letter}{}00", 1 + below(hash(subject, 1), 9)).is_ok()
        }),
        "xjacsa01_1" => text(|c, out| write!(out, "Area {}", below(hash(c.person.key, 246), 20)).is_ok()),
        "xfpe01_1" => real(|c| Some(if c.holds(247, 0.85) { 100.0 } else { 50.0 })),
        "stuload" => real(|c| Some(if happens(hash(c.person.key, 244), 0.85) { 100.0 } else { 50.0 })),
        "ethnic" => text(|c, out| write!(out, "{:02}", 10 + c.person.ethnicity * 3).is_ok()),
        "xethnic01" => code(|c| {
            Some(match ETHNIC[usize::from(c.person.ethnicity)].1 {
                "WHIT" => "White",
                "BLAC" => "Black",
                "ASIA" | "CHIN" => "Asian",
                "MIXD" | "AOEG" => "Other (including mixed)",
                _ => "Not known",
            })
        }),
        "disable" => {
            text(|c, out| write!(out, "{:02}", if happens(hash(c.person.key, 248), 0.1) { 51 } else { 0 }).is_ok())
        }
        "xtariff" => number(|c| {
            Some(whole((320.0 + 90.0 * c.person.ability).clamp(0.0, 800.0)) + signed(below(c.bits(249), 10)))
        }),
        "xagrpa01" => code(|c| {
            Some(match c.age() {
                ..=20 => "20 and under",
                21..=24 => "21-24 years",
                25..=29 => "25-29 years",
                _ => "30 years and over",
            })
        }),
        _ => return None,
    })
}

/// The level of the course.
fn level(c: &Cell) -> &'static str {
    match c.person.higher.years {
        1 => "Masters taught",
        2 => "Foundation degree",
        _ => "First degree",
    }
}
