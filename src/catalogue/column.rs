//! Column names: their shape, and that no two variables of an element read the same column.

use super::Period;
use super::variable::{Context, Parsed};
use crate::vocab::Year;
use crate::yaml::{Decoder, Node, clip, is_steering};
use std::collections::{BTreeMap, BTreeSet};

/// Reads a column's or a variable's name: printable, at most 128 characters, no blanks at its ends.
pub(super) fn name(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let word = decoder.word(node, "a name")?;
    let fits = word.trim() == word
        && (1..=128).contains(&word.chars().count())
        && !word.chars().any(|c| c.is_control() || is_steering(c));
    if !fits {
        let message = format!("`{}` cannot be the name of a column", clip(word));
        decoder.error("name-malformed", node.mark, message, "up to 128 printable characters, no blank at either end");
    }
    fits.then(|| word.to_owned())
}

/// Checks the names of an element's variables against each other, the identifier and the extract's own columns.
pub(super) fn check(decoder: &mut Decoder, variables: &[Parsed], context: &Context<'_>, identifier: Option<&str>) {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for Parsed { variable, mark } in variables {
        let name = &variable.name;
        if let Some(line) = seen.insert(name.to_lowercase(), mark.line) {
            let message = format!("`{name}` is described twice, upper and lower case apart; first in line {line}");
            decoder.error("duplicate-variable", *mark, message, "keep one of them");
        }
        let own = context.period.and_then(Period::year_kind).map(crate::vocab::YearKind::column);
        if name == "person_id" || Some(name.as_str()) == own || (context.terms && name == "term") {
            let message = format!("`{name}` is the name of a column that the extract makes itself");
            decoder.error("reserved-name", *mark, message, "give the variable another name");
        }
        let names = std::iter::once(name).chain(variable.was.iter().map(|w| &w.name));
        if let Some(identifier) = identifier
            && names.into_iter().any(|n| n.to_lowercase() == identifier.to_lowercase())
        {
            let message = format!("`{name}` is the identifier column, which is never a variable");
            decoder.error("identifier-as-variable", *mark, message, "take it out of `variables`");
        }
    }
    shared_columns(decoder, variables, context);
}

/// Reports variables that would read one column in the same year: a `was` that names another variable's column.
fn shared_columns(decoder: &mut Decoder, variables: &[Parsed], context: &Context<'_>) {
    if !context.has_years() || variables.iter().all(|v| v.variable.was.is_empty()) {
        return;
    }
    let mut reported: BTreeSet<(usize, usize)> = BTreeSet::new();
    for year in context.coverage.iter() {
        let mut columns: BTreeMap<String, usize> = BTreeMap::new();
        for (i, Parsed { variable, mark }) in variables.iter().enumerate() {
            if !variable.collected_in(Some(year)) {
                continue;
            }
            let column = variable.name_in(Some(year)).to_lowercase();
            let Some(other) = columns.insert(column, i) else { continue };
            let same_name = variables[other].variable.name.to_lowercase() == variable.name.to_lowercase();
            if same_name || !reported.insert((other, i)) {
                continue;
            }
            let message = shared(&variables[other].variable.name, &variable.name, year);
            decoder.error("duplicate-column", *mark, message, "mend `was`, or the years of one of them");
        }
    }
}

fn shared(one: &str, other: &str, year: Year) -> String {
    format!("`{one}` and `{other}` would read the same column in {year}")
}
