//! The counted parts of the report: cohort, linkage, rows, tables, checks. Every count is safe before it is shown.

use super::chart::{Bar, bars, share};
use super::table;
use crate::publish::manifest::{FatesRecord, Manifest};
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

/// How much of the cohort has an identifier of each kind.
pub(super) fn linkage(manifest: &Manifest) -> Markup {
    let whole = manifest.attrition.persons;
    let rows: Vec<Vec<String>> =
        manifest.linked.iter().map(|l| vec![l.kind.clone(), safe_text(l.persons), share(l.persons, whole)]).collect();
    let tables: Vec<Vec<String>> = manifest
        .links
        .iter()
        .map(|l| {
            let mut row = vec![l.table.clone(), l.kind.clone()];
            row.extend(
                [l.rows, l.missing, l.malformed, l.wrong_check, l.identifiers, l.ambiguous, l.persons].map(safe_text),
            );
            row
        })
        .collect();
    let head =
        ["Table", "Kind", "Rows", "Missing", "Malformed", "Wrong check digit", "Identifiers", "Ambiguous", "People"];
    html! {
        p { "People of the cohort with at least one unambiguous identifier of a kind. Whoever has none has no rows from there." }
        (table("Linkage of the cohort", &["Kind", "People", "Share"], 1, &rows))
        (table("What the link tables held, all people", &head, 2, &tables))
    }
}

/// The fates of the rows, by element.
pub(super) fn rows(manifest: &Manifest) -> Markup {
    let mut sums: BTreeMap<&str, [u64; 11]> = BTreeMap::new();
    for slice in &manifest.slices {
        let sum = sums.entry(&slice.element).or_default();
        sum.iter_mut().zip(fates(&slice.fates)).for_each(|(sum, n)| *sum += n);
    }
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|(element, sum)| std::iter::once((*element).to_owned()).chain(sum.map(safe_text)).collect())
        .collect();
    let head = [
        "Element",
        "Rows read",
        "Released",
        "No identifier",
        "Malformed",
        "Unlinked",
        "Ambiguous",
        "Never released",
        "Out of cohort",
        "Unreadable period",
        "Other period",
        "Filtered",
    ];
    html! {
        p {
            "Every row that was read, by the first reason that applied to it. The exact counts add up to the rows read; "
            "rounded ones may not."
        }
        (table("Rows by element", &head, 1, &rows))
    }
}

fn fates(f: &FatesRecord) -> [u64; 11] {
    [
        f.rows_read,
        f.kept,
        f.missing,
        f.malformed,
        f.unlinked,
        f.ambiguous,
        f.excluded,
        f.out_of_cohort,
        f.unreadable_period,
        f.other_period,
        f.filtered,
    ]
}

/// The tables, and values outside their codes.
pub(super) fn tables(manifest: &Manifest) -> Markup {
    let rows: Vec<Vec<String>> = manifest
        .tables
        .iter()
        .map(|t| {
            vec![t.path.clone(), safe_text(t.rows), safe_text(t.persons), t.columns.len().to_string(), size(t.bytes)]
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

/// The verifier's checks.
pub(super) fn checks(manifest: &Manifest) -> Markup {
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
