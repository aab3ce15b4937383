//! The counted parts of the report: cohort, linkage, rows, tables, checks. Every count is safe before it is shown.

use super::chart::{Bar, bars, share};
use super::table;
use crate::publish::manifest::{FatesRecord, Link, Manifest};
use crate::publish::publication::Publication;
use crate::vocab::safe_text;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// The attrition, drawn and in figures.
pub(super) fn cohort(manifest: &Manifest, description: &str) -> Markup {
    let attrition = &manifest.attrition;
    let drawn: Vec<Bar> = attrition
        .steps
        .iter()
        .map(|s| Bar { label: s.step.clone(), count: s.people_after, before: s.people_before })
        .collect();
    let rows: Vec<Vec<String>> = attrition
        .steps
        .iter()
        .enumerate()
        .map(|(i, s)| {
            vec![
                format!("{}. {}", i + 1, s.step),
                safe_text(s.people_before),
                safe_text(s.people_matched),
                safe_text(s.people_after),
            ]
        })
        .collect();
    html! {
        p { (description) }
        p {
            "The cohort has " strong { (safe_text(attrition.persons)) } " people. Left out because they must never be "
            "released: " (safe_text(attrition.excluded)) "."
        }
        (bars("People in the cohort after each step", &drawn))
        (table("People by step", &["Step", "Before", "Matched by the step", "After"], 1, &rows))
    }
}

/// What is told of a link table.
type Measure = (&'static str, fn(&Link) -> u64);

/// Measures down, tables across: there are few link tables, and a page is narrow.
const MEASURES: [Measure; 7] = [
    ("Rows", |l| l.rows),
    ("Rows without an identifier or person", |l| l.missing),
    ("Malformed", |l| l.malformed),
    ("Wrong check digit, linked all the same", |l| l.wrong_check),
    ("Identifiers", |l| l.identifiers),
    ("Of them ambiguous, in no extract", |l| l.ambiguous),
    ("People with an unambiguous identifier", |l| l.persons),
];

/// How much of the cohort has an identifier of each kind.
pub(super) fn linkage(manifest: &Manifest) -> Markup {
    let whole = manifest.attrition.persons;
    let rows: Vec<Vec<String>> =
        manifest.linked.iter().map(|l| vec![l.kind.clone(), safe_text(l.persons), share(l.persons, whole)]).collect();
    let tables: Vec<Vec<String>> = MEASURES
        .iter()
        .map(|(name, of)| {
            std::iter::once((*name).to_owned()).chain(manifest.links.iter().map(|l| safe_text(of(l)))).collect()
        })
        .collect();
    let head: Vec<&str> = std::iter::once("").chain(manifest.links.iter().map(|l| l.table.as_str())).collect();
    html! {
        p { "People of the cohort with at least one unambiguous identifier of a kind. Whoever has none has no rows from there." }
        (table("Linkage of the cohort", &["Kind", "People", "Share"], 1, &rows))
        (table("What the link tables held, all people", &head, 1, &tables))
    }
}

/// The fates of the rows, by element.
pub(super) fn rows(manifest: &Manifest) -> Markup {
    let mut sums: BTreeMap<&str, FatesRecord> = BTreeMap::new();
    for slice in &manifest.slices {
        add(sums.entry(&slice.element).or_default(), &slice.fates);
    }
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|(element, sum)| {
            let left_out = sum.rows_read.saturating_sub(sum.kept);
            vec![(*element).to_owned(), safe_text(sum.rows_read), safe_text(sum.kept), safe_text(left_out)]
        })
        .collect();
    let reasons: Vec<Vec<String>> = sums
        .iter()
        .flat_map(|(element, sum)| reasons(sum).map(|(why, rows)| (*element, why, rows)))
        .filter(|(_, _, rows)| *rows > 0)
        .map(|(element, why, rows)| vec![element.to_owned(), why.to_owned(), safe_text(rows)])
        .collect();
    html! {
        p {
            "Every row that was read was released, or left out for the first reason that applied to it. The exact counts add "
            "up to the rows read; rounded ones may not."
        }
        (table("Rows by element", &["Element", "Rows read", "Released", "Left out"], 1, &rows))
        @if !reasons.is_empty() {
            (table("Why rows were left out", &["Element", "Reason", "Rows"], 2, &reasons))
        }
    }
}

fn add(sum: &mut FatesRecord, f: &FatesRecord) {
    sum.rows_read += f.rows_read;
    sum.missing += f.missing;
    sum.malformed += f.malformed;
    sum.unlinked += f.unlinked;
    sum.ambiguous += f.ambiguous;
    sum.excluded += f.excluded;
    sum.out_of_cohort += f.out_of_cohort;
    sum.unreadable_period += f.unreadable_period;
    sum.other_period += f.other_period;
    sum.filtered += f.filtered;
    sum.kept += f.kept;
}

/// Why rows were left out, in the order in which the reasons are tried.
fn reasons(f: &FatesRecord) -> [(&'static str, u64); 9] {
    [
        ("no identifier", f.missing),
        ("malformed identifier", f.malformed),
        ("identifier that no link table knows", f.unlinked),
        ("identifier of more than one person", f.ambiguous),
        ("person never to be released", f.excluded),
        ("person outside the cohort", f.out_of_cohort),
        ("period that cannot be read", f.unreadable_period),
        ("period that was not approved", f.other_period),
        ("conditions of the spec", f.filtered),
    ]
}

/// The tables, and values outside their codes.
pub(super) fn tables(publication: &Publication<'_>, manifest: &Manifest) -> Markup {
    let rows: Vec<Vec<String>> = manifest
        .tables
        .iter()
        .map(|t| {
            let stem = t.path.strip_suffix(".parquet").unwrap_or(&t.path);
            let twin = manifest.csv.iter().find(|c| c.path.strip_suffix(".csv") == Some(stem));
            let (name, bytes) = match twin {
                Some(twin) if publication.approved.spec().output.parquet => {
                    (format!("{} and .csv", t.path), t.bytes + twin.bytes)
                }
                Some(twin) => (twin.path.clone(), twin.bytes),
                None => (t.path.clone(), t.bytes),
            };
            vec![name, safe_text(t.rows), safe_text(t.persons), t.columns.len().to_string(), size(bytes)]
        })
        .collect();
    let unknown: Vec<Vec<String>> = manifest
        .tables
        .iter()
        .flat_map(|t| t.columns.iter().map(move |c| (t, c)))
        .filter(|(_, c)| c.unknown_codes > 0)
        .map(|(t, c)| vec![t.path.clone(), c.name.clone(), safe_text(c.unknown_codes)])
        .collect();
    html! {
        (table("Tables", &["Table", "Rows", "People", "Columns", "Size"], 1, &rows))
        @if !unknown.is_empty() {
            (table("Values that the catalogue does not list, delivered as they are", &["Table", "Column", "Values"], 2, &unknown))
        }
    }
}

/// A size rounded up to two figures: the exact one of a small file might tell how many rows it has.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut value, mut unit) = (bytes.div_ceil(1_000).max(1), 0);
    while value >= 1_000 && unit + 1 < UNITS.len() {
        value = value.div_ceil(1_000);
        unit += 1;
    }
    let step = if value >= 100 { 10 } else { 1 };
    format!("{} {}", value.div_ceil(step) * step, UNITS.get(unit).unwrap_or(&"TB"))
}

/// The verifier's checks. So many tables were read for an earlier version, and not again.
pub(super) fn checks(manifest: &Manifest, proved_before: u64) -> Markup {
    let rows: Vec<Vec<String>> = manifest
        .checks
        .iter()
        .map(|c| {
            let seen = if c.looked_at == 0 { "nothing to look at".to_owned() } else { safe_text(c.looked_at) };
            vec![c.check.clone(), seen]
        })
        .collect();
    html! {
        p {
            "Before it was published, the extract was read again and held against the approval by a part of the program "
            "that shares nothing with the part that made it. It passed each of these."
        }
        @if proved_before > 0 {
            p {
                "Of its " (manifest.tables.len()) " tables, " (proved_before) " are those of the version before, to the byte: "
                "their rows were read when they were first published, and their digests now. "
                code { "leo-extract verify" } " reads all of them again."
            }
        }
        (table("Checks", &["Check", "Things looked at"], 1, &rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        for (bytes, text) in
            [(0, "1 kB"), (1, "1 kB"), (1_001, "2 kB"), (123_456, "130 kB"), (999_999, "1 MB"), (5_200_000_000, "6 GB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
