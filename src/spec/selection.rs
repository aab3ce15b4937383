//! Selections: the rows of an element that a step, a request or a join looks at.

use super::{Selection, condition};
use crate::catalogue::{Catalogue, Element, Period};
use crate::vocab::{Slice, Spells, Term, Years};
use crate::yaml::{Decoder, Fields, Mark, Node};

/// The fields of a selection, beside the one that names the element.
pub(super) const FIELDS: [&str; 4] = ["years", "terms", "spells", "where"];

/// The element that a node names.
pub(super) fn element<'c>(decoder: &mut Decoder, node: &Node, catalogue: &'c Catalogue) -> Option<&'c Element> {
    let word = decoder.word(node, "an element")?;
    let found = catalogue.elements.iter().find(|e| e.name.as_str() == word);
    if found.is_none() {
        let known = catalogue.elements.iter().map(|e| e.name.as_str());
        decoder.unknown("unknown-element", node.mark, "the element", word, known);
    }
    found
}

/// Reads years, terms, spells and condition. `None` where one of them is wrong.
pub(super) fn decode(decoder: &mut Decoder, fields: &Fields<'_>, element: &Element) -> Option<Selection> {
    let years = years(decoder, fields, element);
    let terms = terms(decoder, fields, element);
    let spells = spells(decoder, fields, element);
    let condition = match fields.get("where") {
        None => Some(None),
        Some(node) => condition::decode(decoder, node, element).map(Some),
    };
    if let (Some(years), Some(terms)) = (&years, &terms) {
        warn_of_absent(decoder, fields.mark_of("years"), element, years, terms);
        if let Some(Some(condition)) = &condition {
            for name in condition.variables() {
                warn_of_gaps(decoder, fields.mark_of("where"), element, name, years);
            }
        }
    }
    Some(Selection {
        element: element.name.clone(),
        years: years?,
        terms: terms?,
        spells: spells?,
        condition: condition?,
    })
}

fn years(decoder: &mut Decoder, fields: &Fields<'_>, element: &Element) -> Option<Years> {
    let node = match (fields.get("years"), &element.period) {
        (Some(_), Period::None) => {
            let message = format!("{} has no years", element.name);
            decoder.error("years-not-applicable", fields.mark_of("years"), message, "leave `years` out");
            return None;
        }
        (None, Period::None) => return Some(Years::default()),
        (None, _) => {
            let (message, help) = (format!("{} needs `years`", element.name), examples(element));
            decoder.error("missing-field", fields.mark, message, help);
            return None;
        }
        (Some(node), _) => node,
    };
    let years = decoder.years(node)?;
    let beyond = years.difference(&element.coverage);
    if element.coverage.is_empty() || beyond.is_empty() {
        return Some(years);
    }
    let message = format!("{} was not collected in {beyond}", element.name);
    decoder.error("year-outside-coverage", node.mark, message, format!("it covers {}", element.coverage));
    None
}

fn examples(element: &Element) -> String {
    match element.coverage.bounds() {
        Some(_) => format!("it covers {}: name those you need", element.coverage),
        None => "write a year like 2012/2013, a range, or a list of both".to_owned(),
    }
}

fn terms(decoder: &mut Decoder, fields: &Fields<'_>, element: &Element) -> Option<Vec<Term>> {
    let Some(node) = fields.get("terms") else { return Some(Vec::new()) };
    if element.terms.is_empty() {
        let message = format!("{} has no terms", element.name);
        decoder.error("terms-not-applicable", fields.mark_of("terms"), message, "leave `terms` out");
        return None;
    }
    let terms = decoder.terms(node)?;
    let unknown: Vec<&Term> = terms.iter().filter(|t| !element.terms.contains(t)).collect();
    for term in &unknown {
        let has: Vec<&str> = element.terms.iter().map(|t| t.as_str()).collect();
        let message = format!("{} has no {term} term", element.name);
        decoder.error("term-unknown", node.mark, message, format!("it has {}", has.join(", ")));
    }
    unknown.is_empty().then_some(terms)
}

fn spells(decoder: &mut Decoder, fields: &Fields<'_>, element: &Element) -> Option<Spells> {
    let Some(node) = fields.get("spells") else { return Some(Spells::default()) };
    if !matches!(element.period, Period::Spell { .. }) {
        let message = format!("{} has no spells", element.name);
        decoder.error("spells-not-applicable", fields.mark_of("spells"), message, "leave `spells` out");
        return None;
    }
    let word = decoder.one_of(node, "spells", &["overlapping", "starting"])?;
    Some(if word == "starting" { Spells::Starting } else { Spells::Overlapping })
}

/// Tells which of the slices asked for were never collected, once for each reason.
fn warn_of_absent(decoder: &mut Decoder, mark: Mark, element: &Element, years: &Years, terms: &[Term]) {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for year in years.iter() {
        let all = element.terms.iter().filter(|t| terms.is_empty() || terms.contains(t)).map(|t| Some(*t));
        let of_year: Vec<Option<Term>> = if element.terms.is_empty() { vec![None] } else { all.collect() };
        for slice in of_year.into_iter().map(|term| Slice { year, term }) {
            let Some(why) = element.absent(slice) else { continue };
            match reasons.iter_mut().find(|(reason, _)| *reason == why) {
                Some((_, slices)) => slices.push(slice.to_string()),
                None => reasons.push((why, vec![slice.to_string()])),
            }
        }
    }
    for (why, slices) in reasons {
        let message = format!("{} has nothing for {}: {why}", element.name, slices.join(", "));
        decoder.warning("slice-absent", mark, message, "there will be no file; leave it out if it is not needed");
    }
}

/// Tells that a variable was not collected in some of the years asked for.
pub(super) fn warn_of_gaps(decoder: &mut Decoder, mark: Mark, element: &Element, name: &str, years: &Years) {
    if element.period.year_kind().is_none() {
        return;
    }
    let Some(collected) = element.variable(name).and_then(|v| v.years.as_ref()) else { return };
    let gaps = years.difference(collected);
    if !gaps.is_empty() {
        let message = format!("`{name}` was not collected in {gaps}");
        let help = format!("it will be missing there; it was collected in {collected}");
        decoder.warning("variable-not-collected", mark, message, help);
    }
}
