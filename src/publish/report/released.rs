//! What was released: element by element, the years, the variables with their ratings, and how coarse they left.

use super::table;
use crate::catalogue::Element;
use crate::publish::manifest::Manifest;
use crate::publish::publication::Publication;
use crate::spec::{Pick, Selection};
use crate::vocab::Spells;
use maud::{Markup, html};

/// Everything that the spec releases, and what it only looks at.
pub(super) fn released(publication: &Publication<'_>, manifest: &Manifest) -> Markup {
    let spec = publication.approved.spec();
    let element = |selection: &Selection| publication.catalogue.element(&selection.element);
    let looked_at: Vec<Vec<String>> = manifest
        .uses
        .iter()
        .filter(|u| u.released.is_empty() || !u.selection_only.is_empty())
        .map(|u| {
            let variables = if u.selection_only.is_empty() {
                "only whether a person has a row".to_owned()
            } else {
                u.selection_only.join(", ")
            };
            vec![u.element.clone(), u.owner.clone(), variables]
        })
        .collect();
    html! {
        @for request in &spec.elements {
            @if let Some(element) = element(&request.rows) {
                h3 { (element.name) ": " (element.title) }
                p { "Owner " (element.owner.as_str()) "; " (rows(&request.rows)) ". " (request.justification) }
                (variables(element, &request.variables, ""))
            }
        }
        @for linked in &spec.linked {
            h3 { "Linked table " (linked.name) ": one row per row of " (linked.from) }
            @for join in &linked.joins {
                @if let Some(element) = element(&join.rows) {
                    p { "Beside it " (element.name) "; " (rows(&join.rows)) "." }
                    (variables(element, &join.variables, &join.prefix))
                }
            }
        }
        @if !looked_at.is_empty() {
            (table("Looked at for selection only, not released", &["Element", "Owner", "Variables"], usize::MAX, &looked_at))
        }
    }
}

/// Which rows, in words.
fn rows(selection: &Selection) -> String {
    let mut text = match (selection.years.is_empty(), selection.spells) {
        (true, _) => "all rows".to_owned(),
        (false, Spells::Starting) => format!("spells that start in {}", selection.years),
        (false, Spells::Overlapping) => selection.years.to_string(),
    };
    if !selection.terms.is_empty() {
        let terms: Vec<&str> = selection.terms.iter().map(|t| t.as_str()).collect();
        text.push_str(", ");
        text.push_str(&terms.join(" and "));
    }
    if let Some(condition) = &selection.condition {
        text.push_str(", where conditions on ");
        text.push_str(&condition.variables().join(", "));
        text.push_str(" hold");
    }
    text
}

fn variables(element: &Element, picks: &[Pick], prefix: &str) -> Markup {
    let rows: Vec<Vec<String>> = picks
        .iter()
        .filter_map(|pick| element.variable(&pick.variable).map(|v| (pick, v)))
        .map(|(pick, v)| {
            let years = v.years.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
            let release = if pick.release.coarsens() { pick.release.to_string() } else { "as it is".to_owned() };
            vec![
                format!("{prefix}{}", v.name),
                v.label.clone(),
                release,
                v.identifiability.to_string(),
                v.sensitivity.to_string(),
                years,
            ]
        })
        .collect();
    let head = ["Variable", "What it is", "Released", "Identifiability", "Sensitivity", "Collected"];
    table(&format!("Variables of {}", element.name), &head, usize::MAX, &rows)
}
