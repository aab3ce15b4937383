//! Values that describe a person or a place, under the names they have in any element.

use super::calendar::civil;
use super::identifiers::{forename, push_husid, push_nino, push_opaque, push_postcode, push_uln, push_upn, surname};
use super::places::{ETHNIC, School, authority_number, deprivation, home, provider, university};
use super::random::{below, happens, hash, place, signed, upto};
use super::rows::DUPLICATE;
use super::values::{Cell, Make, code, date, flag, real, text, whole};
use crate::catalogue::Variable;
use crate::vocab::Type;
use std::fmt::Write;

/// The codes of special educational need types.
const NEEDS: [&str; 12] = ["SPLD", "MLD", "SLD", "PMLD", "SEMH", "SLCN", "HI", "VI", "MSI", "PD", "ASD", "OTH"];

/// A maker for a name that means the same in every element.
pub(super) fn make(name: &str, variable: &Variable) -> Option<Make> {
    let is_text = variable.kind == Type::Text;
    Some(match name {
        "gender" | "sex" | "sexid" if is_text => code(|c| Some(if c.person.male { "M" } else { "F" })),
        "gender" | "sex" | "sexid" => whole(|c| Some(if c.person.male { 1 } else { 2 })),
        "yearofbirth" => whole(|c| Some(i64::from(c.person.birth_year))),
        "monthofbirth" => whole(|c| Some(i64::from(c.person.birth_month))),
        "dateofbirth" => date(|c| Some(c.person.born)),
        "ageatstartofacademicyear" | "age_start" | "acage" | "xagea01" | "age_aug" => {
            whole(|c| Some(i64::from(c.age())))
        }
        "childage31march" => whole(|c| Some(i64::from(c.age() + i32::from(!(4..=8).contains(&c.person.birth_month))))),
        "month_part" | "monthpartofageatstartofacademicyear" => {
            whole(|c| Some(i64::from((8 - c.person.birth_month).rem_euclid(12))))
        }
        "ethnicgroupmajor" => code(|c| Some(ETHNIC[usize::from(c.person.ethnicity)].1)),
        "ethnicgroupminor" | "ethnicity" | "ethnic" | "ethnic_code" if is_text => {
            code(|c| Some(ETHNIC[usize::from(c.person.ethnicity)].0))
        }
        "ethnicity" => {
            let codes: Vec<i64> = variable.codes.iter().filter_map(|code| code.parse().ok()).collect();
            whole(move |c| codes.get((usize::from(c.person.ethnicity) * 2 + 1) % codes.len().max(1)).copied())
        }
        "firstlanguage" => code(|c| Some(if c.person.english { "ENG" } else { "OTH" })),
        "languagegroupmajor" => code(|c| Some(if c.person.english { "1_ENG" } else { "2_OTH" })),
        "flang" => flag(|c| !c.person.english),
        "fsmeligible" | "fsm" | "ks4_fsm" => flag(|c| c.person.meals_in(c.year())),
        "everfsm_3" | "everfsm_6" | "everfsm_6_p" | "everfsm_all" | "fsm6" | "fsm6cla1a" | "fsm6_cla" | "fsm_cla"
        | "ks4_disadvantage" => flag(|c| c.person.meals > 0),
        "senprovision" | "senf" | "censussen" => code(|c| Some(needs_code(c))),
        "senprovisionmajor" => code(|c| {
            Some(match c.person.needs {
                0 => "1_NON",
                3 => "3_SS",
                _ => "2_SNS",
            })
        }),
        "cla_6_months" | "cla_pp_6_months" => flag(|c| c.person.care.nth(c.year()).is_some()),
        "servicechild" => code(|c| Some(if happens(hash(c.person.key, 81), 0.01) { "Y" } else { "N" })),
        "senps" => flag(|c| c.person.needs >= 2),
        "sena" => flag(|c| c.person.needs == 1),
        "primarysentype" | "sentype" => code(|c| needs_type(c, 71, 1)),
        "secondarysentype" => code(|c| needs_type(c, 72, 2)),
        "lsoa01" | "lsoa11" => text(|c, out| write!(out, "E010{:05}", home(c.person, c.year())).is_ok()),
        "coa" | "coa_2011" | "oa11" => {
            text(|c, out| write!(out, "E00{:06}", home(c.person, c.year()) * 5 + below(c.person.key, 5)).is_ok())
        }
        "msoa11" => text(|c, out| write!(out, "E020{:05}", home(c.person, c.year()) / 5).is_ok()),
        "idaciscore" | "idaci_s" | "idaci" | "idaciscore_15" => {
            real(|c| Some((deprivation(home(c.person, c.year())) * 1e4).round() / 1e4))
        }
        "idacirank" => {
            whole(|c| Some(1 + super::random::whole((1.0 - deprivation(home(c.person, c.year()))) * 32_000.0)))
        }
        _ => return school(name, is_text).or_else(|| secret(name)).or_else(|| years(name)),
    })
}

/// The level of support: other letters since the reform of 2014, both for a while.
fn needs_code(c: &mut Cell) -> &'static str {
    let reformed = c.year() >= 2015 || (c.year() == 2014 && c.holds(73, 0.7));
    match (c.person.needs, reformed) {
        (0, _) => "N",
        (3, true) => "E",
        (_, true) => "K",
        (1, false) => "A",
        (2, false) => "P",
        (_, false) => "S",
    }
}

/// The type of need of someone with at least that level of support.
fn needs_type(c: &Cell, label: u64, level: u8) -> Option<&'static str> {
    let bits = hash(c.person.key, label);
    let known = c.person.needs >= level && happens(hash(bits, 1), 0.9);
    // The older code for behavioural needs before the reform.
    known.then(|| NEEDS[place(bits, 12)]).map(|code| if code == "SEMH" && c.year() < 2014 { "BESD" } else { code })
}

/// Schools, providers and authorities, by their numbers.
fn school(name: &str, is_text: bool) -> Option<Make> {
    fn here(c: &Cell) -> School {
        School::of(c.person, c.year(), c.row.is(DUPLICATE))
    }
    Some(match name {
        "laestab" | "dfe_no" => whole(|c| Some(signed(here(c).laestab()))),
        "urn" => whole(|c| Some(signed(here(c).urn()))),
        "la" if is_text => text(|c, out| write!(out, "E09{:06}", c.person.authority).is_ok()),
        "la" | "lead_lea_code" | "lea_code_at_year_11" => whole(|c| Some(signed(here(c).authority_number()))),
        "homela" | "lea_code_currently_educated" => whole(|c| Some(signed(authority_number(c.person.authority)))),
        "transferred_to_la_code" => {
            whole(|c| c.holds(74, 0.05).then(|| signed(authority_number(c.person.authority + 1))))
        }
        "la_anon" | "la_placement" => text(|c, out| write!(out, "{}", authority_number(c.person.authority)).is_ok()),
        "ukprn" => whole(|c| Some(10_000_000 + signed(provider(c.person, u64::from(c.row.which))) * 37)),
        "upin" => whole(|c| Some(105_000 + signed(provider(c.person, u64::from(c.row.which))) * 7)),
        "xinstid01" => text(|c, out| write!(out, "{:04}", 1 + university(c.person)).is_ok()),
        "employerid" => text(|c, out| {
            let works = happens(hash(c.person.key, 75), 0.3);
            works && write!(out, "{:09}", 900_000_000 + below(hash(c.person.key, 76), 40_000_000)).is_ok()
        }),
        _ => return None,
    })
}

/// What identifies a person and is never released.
fn secret(name: &str) -> Option<Make> {
    let entry = |c: &Cell| u64::from((c.person.cohort + 5).unsigned_abs());
    Some(match name {
        "upn" => text(move |c, out| {
            push_upn(out, c.person.key, authority_number(c.person.authority), entry(c));
            true
        }),
        "uln" => text(|c, out| {
            let known = c.year() >= 2007 && c.age() >= 13;
            if known {
                push_uln(out, c.person.key);
            }
            known
        }),
        "husid" => text(|c, out| {
            push_husid(out, c.person.key, u64::from(c.person.higher.from.unsigned_abs()));
            true
        }),
        "nino" | "ninumber" => text(|c, out| {
            push_nino(out, c.person.key);
            true
        }),
        "surname" => code(|c| Some(surname(c.person.key))),
        "forename" | "forenames" => code(|c| Some(forename(c.person.key))),
        "postcode" | "currentpstcode" | "delivery_postcode" => text(|c, out| {
            push_postcode(out, home(c.person, c.year()));
            true
        }),
        "priorpstcode" => text(|c, out| {
            push_postcode(out, home(c.person, c.year() - 5));
            true
        }),
        "pupilmatchingrefnonanonymous" => text(|c, out| {
            push_opaque(out, c.seed, 7_777, c.person.number, 0, 18);
            true
        }),
        "learner_id" => text(|c, out| {
            let own = hash(hash(c.person.key, 77), u64::from(c.row.which));
            write!(out, "L{:08}", below(own, 100_000_000)).is_ok()
        }),
        "child_id" | "lachildid" | "childtableid" => {
            text(|c, out| write!(out, "C{:08}", below(hash(c.person.key, 80), 100_000_000)).is_ok())
        }
        "cindetailstableid" => text(|c, out| write!(out, "D{:08}", below(c.bits(77), 100_000_000)).is_ok()),
        "examno" => text(|c, out| write!(out, "{:04}", below(hash(c.person.key, 78), 9_000)).is_ok()),
        _ => return None,
    })
}

/// The year, as each collection writes it, and days that many elements have.
fn years(name: &str) -> Option<Make> {
    Some(match name {
        "academicyear" | "acadyr" | "reportingacademicyear" => {
            text(|c, out| write!(out, "{}/{}", c.year(), c.year() + 1).is_ok())
        }
        "processing_year" => whole(|c| Some(i64::from(c.year() + 1))),
        "entrydate" | "entrydat" => date(|c| (c.row.from != super::calendar::NEVER).then_some(c.row.from)),
        "leavingdate" => date(|c| (c.row.to != super::calendar::NEVER).then_some(c.row.to)),
        "monthno" => whole(|c| Some(i64::from(civil(c.row.from).1))),
        "yearstu" | "yearprg" => whole(|c| c.person.higher.nth(c.year()).map(|nth| i64::from(nth) + 1)),
        "poc_length" => whole(|c| Some(1 + i64::from(upto(c.bits(79), 2_000)))),
        _ => return None,
    })
}
