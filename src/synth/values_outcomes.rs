//! Values of the outcome elements: pay, industries, spells, benefits, furlough, homes.

use super::calendar::NEVER;
use super::places::{REGIONS, home, region};
use super::plans::Plan;
use super::random::{below, happens, hash, place, repeats, signed, unit, whole as floor};
use super::rows::{UNSURE_END, UNSURE_START};
use super::values::{Cell, Make, code, date, flag, text, whole as number};
use crate::catalogue::Variable;
use crate::vocab::Type;
use std::fmt::Write;

/// Industry classes with their sections, frequent ones several times.
const INDUSTRIES: [(&str, u32); 24] = [
    ("G", 47_110),
    ("G", 47_110),
    ("G", 47_190),
    ("I", 56_101),
    ("I", 56_302),
    ("I", 55_100),
    ("Q", 86_101),
    ("Q", 87_100),
    ("Q", 88_990),
    ("P", 85_200),
    ("P", 85_310),
    ("P", 85_421),
    ("N", 78_200),
    ("N", 81_210),
    ("C", 10_890),
    ("C", 25_990),
    ("F", 41_202),
    ("F", 43_210),
    ("H", 49_410),
    ("H", 53_202),
    ("K", 64_191),
    ("M", 69_201),
    ("J", 62_020),
    ("A", 1_500),
];

/// Benefits: code, whether paid to people out of work, frequent ones several times.
const BENEFITS: [(&str, bool); 20] = [
    ("JSA", true),
    ("JSA", true),
    ("JSA", true),
    ("JSA", true),
    ("JSA", true),
    ("ESA", true),
    ("ESA", true),
    ("IS", true),
    ("IS", true),
    ("UAA", true),
    ("UAA", true),
    ("UAB", false),
    ("UBD", false),
    ("UBC", true),
    ("UCE", true),
    ("DLA", false),
    ("PIP", false),
    ("ICA", true),
    ("JTA", true),
    ("WB", false),
];

/// A maker for a variable of these elements.
pub(super) fn make(plan: Plan, name: &str, variable: &Variable) -> Option<Make> {
    match plan {
        Plan::Earnings => earnings(name, variable),
        Plan::SelfAssessment => self_assessment(name),
        Plan::Furlough => furlough(name),
        Plan::Homes => homes(name),
        Plan::Employment | Plan::Benefits | Plan::Other => spell(name),
        _ => None,
    }
}

/// How many jobs the year of the row had.
fn jobs(c: &Cell) -> u16 {
    1 + repeats(c.bits(271), 0.28, 14)
}

/// The industry that paid most: the same for some years.
fn industry(c: &Cell) -> (&'static str, u32) {
    let period = u64::from((c.year() / 4).unsigned_abs());
    INDUSTRIES[place(hash(hash(c.person.key, 272), period), 24)]
}

/// The share of a year's pay that came from the main one of several.
fn main_share(c: &Cell, label: u64) -> i64 {
    if jobs(c) == 1 {
        return c.row.amount;
    }
    let share = 0.5 + 0.5 * unit(c.bits(label));
    floor(share * f64::from(i32::try_from(c.row.amount).unwrap_or(i32::MAX)))
}

fn earnings(name: &str, variable: &Variable) -> Option<Make> {
    let is_text = variable.kind == Type::Text;
    Some(match name {
        "earnings" => number(|c| Some(c.row.amount)),
        "main_enterprise" => text(|c, out| {
            // Few enterprises employ many people, many employ few.
            let u = unit(hash(hash(c.person.key, 273), u64::from((c.year() / 4).unsigned_abs())));
            write!(out, "ENT{:07}", floor(u * u * u * 2_000_000.0)).is_ok()
        }),
        "enterprise_earnings" => number(|c| Some(main_share(c, 274))),
        "section_earnings" => number(|c| Some(main_share(c, 275))),
        "sic_earnings" => number(|c| Some(main_share(c, 276))),
        "num_employments" => number(|c| Some(i64::from(jobs(c)))),
        "num_sections" | "num_sic" => number(|c| Some(i64::from(jobs(c)).min(1 + signed(below(c.bits(277), 3))))),
        "tied_main_record_enterprise_sic_fg" | "tied_main_section_flag" | "tied_main_sic_flag" => {
            number(|c| Some(i64::from(jobs(c) > 1 && c.draw.chance(0.01))))
        }
        "main_section" | "main_enterprise_linked_section" => code(|c| c.holds(278, 0.97).then(|| industry(c).0)),
        "main_sic2007" if is_text => text(|c, out| c.holds(278, 0.97) && write!(out, "{:05}", industry(c).1).is_ok()),
        "main_enterprise_linked_sic2007" | "main_sic2007" => {
            number(|c| c.holds(278, 0.97).then(|| i64::from(industry(c).1)))
        }
        _ => return None,
    })
}

fn spell(name: &str) -> Option<Make> {
    Some(match name {
        "startdate" | "start_date" => date(|c| (c.row.from != NEVER).then_some(c.row.from)),
        "enddate" | "end_date" => date(|c| (c.row.to != NEVER).then_some(c.row.to)),
        "uncertainstartdate" => flag(|c| c.row.is(UNSURE_START)),
        "uncertainenddate" => flag(|c| c.row.is(UNSURE_END)),
        "benefit_type" => code(|c| Some(benefit(c).0)),
        "out_of_work_benefit" => flag(|c| benefit(c).1),
        _ => return None,
    })
}

/// The benefit of a spell; universal credit did not exist before 2013.
fn benefit(c: &Cell) -> (&'static str, bool) {
    let (name, idle) = BENEFITS[place(c.bits(281), 20)];
    if name.starts_with('U') && c.year() < 2013 { ("JSA", true) } else { (name, idle) }
}

fn self_assessment(name: &str) -> Option<Make> {
    // Most work alone, some in partnerships, few both.
    let partner = |c: &Cell| happens(hash(c.person.key, 291), 0.15);
    let alone = move |c: &Cell| !partner(c) || c.holds(292, 0.2);
    Some(match name {
        "self_employed" => number(|c| Some(i64::from(c.row.amount != 0 && c.holds(293, 0.98)))),
        "earnings_ptr" => number(move |c| partner(c).then(|| if alone(c) { c.row.amount / 2 } else { c.row.amount })),
        "earnings_sole" => {
            number(move |c| alone(c).then(|| if partner(c) { c.row.amount - c.row.amount / 2 } else { c.row.amount }))
        }
        "earnings_self_employment" => number(|c| Some(c.row.amount)),
        _ => return None,
    })
}

fn furlough(name: &str) -> Option<Make> {
    let marks = |label| {
        text(move |c: &mut Cell, out: &mut String| {
            let bits = c.bits(label);
            let months = usize::try_from(c.row.amount / 5 + 1).unwrap_or(1);
            let first = place(bits, 12);
            out.extend((0..12).map(|month| if (month + 12 - first) % 12 < months { '1' } else { '0' }));
            true
        })
    };
    Some(match name {
        "cjrs_eom_ind" => marks(294),
        "cjrs_dtm_ind" => marks(294),
        "cjrs_wks_capped" => number(|c| Some(c.row.amount.min(52))),
        "cjrs_tot_wks" => number(|c| Some(c.row.amount + signed(below(c.bits(295), 4)))),
        _ => return None,
    })
}

/// The country of a home: England for nearly all.
fn country(c: &Cell) -> (&'static str, &'static str) {
    match below(hash(c.person.bits(296, c.year() / 3), 1), 1_000) {
        0..950 => ("E92000001", "England"),
        950..965 => ("W92000004", "Wales"),
        965..973 => ("S92000003", "Scotland"),
        973..975 => ("N92000002", "Northern Ireland"),
        975..992 => ("X99999999", "Abroad"),
        _ => ("Z99999999", "Unknown"),
    }
}

/// Whether the home is in England, where smaller areas are known.
fn english(c: &Cell) -> bool {
    country(c).1 == "England"
}

fn homes(name: &str) -> Option<Make> {
    let seat = |c: &Cell| home(c.person, c.year()) / 62 % 533;
    Some(match name {
        "coa_2011" => text(|c, out| {
            let prefix = match country(c).1 {
                "England" => 'E',
                "Wales" => 'W',
                "Scotland" => 'S',
                _ => return false,
            };
            write!(out, "{prefix}00{:06}", home(c.person, c.year()) * 5 + below(c.person.key, 5)).is_ok()
        }),
        "laua" => text(|c, out| english(c) && write!(out, "E09{:06}", c.person.authority).is_ok()),
        "pcon" => text(move |c, out| english(c) && write!(out, "E14{:06}", 530 + seat(c)).is_ok()),
        "pconnm" => text(move |c, out| english(c) && write!(out, "Constituency {}", 1 + seat(c)).is_ok()),
        "gor" => code(|c| english(c).then(|| REGIONS[region(c.person.authority)].0)),
        "gornm" => code(|c| english(c).then(|| REGIONS[region(c.person.authority)].1)),
        "ctry" => code(|c| Some(country(c).0)),
        "ctrynm" => code(|c| Some(country(c).1)),
        _ => return None,
    })
}
