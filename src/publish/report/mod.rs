//! `report.html`: the extract for a person. One file, no script, nothing fetched; reads on a phone and in print.
//!
//! It may be carried out of the secure room, so every count in it goes through `vocab::safe_text`, percentages and bars
//! are reckoned from safe counts only, and sizes are rounded up: no small count can be read off or worked out of a width.

mod chart;
mod counts;
mod released;
mod summary;

use super::manifest::Manifest;
use super::publication::{Publication, version_name};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style, written into the page.
const STYLE: &str = include_str!("style.css");

/// The parts of the page: anchor, heading.
const PARTS: [(&str, &str); 8] = [
    ("allowed", "Who allowed it"),
    ("released", "What was released"),
    ("cohort", "Cohort"),
    ("linkage", "Linkage"),
    ("rows", "What became of the rows"),
    ("tables", "Tables"),
    ("checks", "What was checked"),
    ("verify", "How to verify it"),
];

/// The page of an extract. `record` is the SHA-256 of its manifest.
pub(super) fn page(publication: &Publication<'_>, manifest: &Manifest, record: &str, version: u32) -> String {
    let name = format!("{} {}", manifest.project.id, version_name(version));
    let parts: [Markup; 8] = [
        summary::allowed(publication, manifest),
        released::released(publication, manifest),
        counts::cohort(manifest, &publication.approved.spec().cohort.description),
        counts::linkage(manifest),
        counts::rows(manifest),
        counts::tables(publication, manifest),
        counts::checks(manifest, publication.verdict.proved_before),
        summary::verify(manifest, record, version),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (name) ": " (manifest.project.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.quiet { "Extract of linked education, employment, earnings and benefits data" }
                    h1 { (name) ": " (manifest.project.title) }
                }
                main {
                    (summary::warnings(publication, manifest))
                    (summary::facts(publication, manifest, version))
                    nav aria-label="Contents" {
                        ul { @for (anchor, heading) in PARTS { li { a href={ "#" (anchor) } { (heading) } } } }
                    }
                    @for ((anchor, heading), part) in PARTS.iter().zip(parts) {
                        section aria-labelledby=(anchor) {
                            h2 id=(anchor) { (heading) }
                            (part)
                        }
                    }
                }
                footer {
                    p {
                        "Counts under 10 are hidden, others are rounded to the nearest 5; percentages are of rounded counts. "
                        "The exact record is data/manifest.json, which stays with the data. Made by "
                        (manifest.tool.name) " " (manifest.tool.version) "."
                    }
                }
            }
        }
    };
    page.into_string()
}

/// A table that scrolls by itself on a narrow screen.
fn table(caption: &str, head: &[&str], numbers_from: usize, rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for (i, cell) in head.iter().enumerate() {
                            th scope="col" class=[(i >= numbers_from).then_some("n")] { (cell) }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } }
                                @else { td class=[(i >= numbers_from).then_some("n")] { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Pairs of a name and what it is.
fn pairs(list: &[(&str, Markup)]) -> Markup {
    html! { dl { @for (name, what) in list { dt { (name) } dd { (what) } } } }
}
