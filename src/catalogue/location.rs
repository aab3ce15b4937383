//! Locations and suffixes: paths below the sources folder, with placeholders that fit the element.

use super::Template;
use crate::vocab::{Slice, Term, Years};
use crate::yaml::{Decoder, Node, clip};

/// Placeholders that every slice fills.
const OF_YEAR: [&str; 5] = ["yyyy", "yy", "start_yyyy", "start_yy", "tax"];
/// Placeholders that only slices with a term fill.
const OF_TERM: [&str; 4] = ["term", "Term", "term_yyyy", "term_yy"];

/// Which placeholders may stand in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholders {
    /// None: the element is not cut by slice.
    None,
    /// Those of the year.
    Year,
    /// Those of year and term.
    YearAndTerm,
}

/// Reads a location: a relative path without `..`, with the placeholders allowed.
pub(super) fn location(decoder: &mut Decoder, node: &Node, allowed: Placeholders) -> Option<Template> {
    let text = decoder.word(node, "a location")?.to_owned();
    if let Some(why) = why_no_path(&text) {
        decoder.error(
            "location-outside",
            node.mark,
            why,
            "write a path below the sources folder, like npd/ks4.parquet",
        );
        return None;
    }
    template(decoder, node, &text, allowed)
}

/// Reads a suffix of column names.
pub(super) fn suffix(decoder: &mut Decoder, node: &Node, allowed: Placeholders) -> Option<Template> {
    let text = decoder.word(node, "a suffix")?.to_owned();
    template(decoder, node, &text, allowed)
}

/// Why a text is no path below a folder; `None` where it is one.
pub(super) fn why_no_path(text: &str) -> Option<&'static str> {
    if text.starts_with(['/', '\\', '~']) || text.contains(':') {
        return Some("a location is relative to the sources folder");
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\\' | '*' | '?' | '"' | '<' | '>' | '|')) {
        return Some("a location holds a character that no path of ours has");
    }
    if text.trim() != text || text.split('/').any(|part| part == "..") {
        return Some("a location cannot lead out of the sources folder");
    }
    if text.trim_end_matches('/').split('/').any(|part| part.is_empty() || part == ".") {
        return Some("a location has an empty part");
    }
    None
}

fn template(decoder: &mut Decoder, node: &Node, text: &str, allowed: Placeholders) -> Option<Template> {
    let mut rest = text;
    let mut whole = true;
    while let Some(open) = rest.find(['{', '}']) {
        let closed = rest[open..].strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let Some((name, after)) = closed else {
            decoder.error("placeholder-unknown", node.mark, "a brace does not match", "write placeholders like {yyyy}");
            return None;
        };
        rest = after;
        let known_year = OF_YEAR.contains(&name);
        let known_term = OF_TERM.contains(&name);
        if !known_year && !known_term {
            decoder.unknown(
                "placeholder-unknown",
                node.mark,
                "the placeholder",
                name,
                OF_YEAR.into_iter().chain(OF_TERM),
            );
            whole = false;
        } else if allowed == Placeholders::None {
            let message = format!("{{{name}}} can only be filled for an element cut by slice");
            decoder.error("placeholder-unknown", node.mark, message, "give the element `period: {…, from: slice}`");
            whole = false;
        } else if known_term && allowed == Placeholders::Year {
            let message = format!("{{{name}}} can only be filled for an element with terms");
            decoder.error("placeholder-unknown", node.mark, message, "give the element `terms`");
            whole = false;
        }
    }
    whole.then(|| Template(text.to_owned()))
}

/// Reports the first two slices that a location does not tell apart. Case does not count: some file systems ignore it.
pub(super) fn tells_slices_apart(
    decoder: &mut Decoder,
    node: &Node,
    location: &Template,
    coverage: &Years,
    terms: &[Term],
) {
    let mut seen: std::collections::BTreeMap<String, Slice> = std::collections::BTreeMap::new();
    for year in coverage.iter() {
        let of_year: Vec<Option<Term>> =
            if terms.is_empty() { vec![None] } else { terms.iter().copied().map(Some).collect() };
        for term in of_year {
            let slice = Slice { year, term };
            if let Some(other) = seen.insert(location.fill(Some(slice)).to_lowercase(), slice) {
                let message =
                    format!("{other} and {slice} would both be read from `{}`", clip(&location.fill(Some(slice))));
                let help = "put {yyyy} into the location, and {term} where there are terms";
                decoder.error("slices-share-location", node.mark, message, help);
                return;
            }
        }
    }
}
