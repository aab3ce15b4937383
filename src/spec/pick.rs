//! Picks: the variables that a request or a join releases, and in what form. What may never leave is refused here.

use super::condition::variable;
use super::selection::warn_of_gaps;
use super::{Pick, Selection};
use crate::catalogue::{Element, Variable};
use crate::vocab::{DENIED_KINDS, ElementName, Release, Years, denied_variable};
use crate::yaml::{Content, Decoder, Mark, Node};

/// A released variable with what the rules look at.
pub(super) struct Released {
    pub(super) element: ElementName,
    /// Empty where rows have no year, `None` where the years cannot be read.
    pub(super) years: Option<Years>,
    pub(super) variable: String,
    pub(super) tags: Vec<String>,
    pub(super) release: Release,
    pub(super) mark: Mark,
}

/// Reads a list of variables of an element. `rows` is what they are asked for, where that could be read.
pub(super) fn decode(
    decoder: &mut Decoder,
    node: &Node,
    element: &Element,
    rows: Option<&Selection>,
    released: &mut Vec<Released>,
) -> Option<Vec<Pick>> {
    let items = decoder.list(node, "variables")?;
    if items.is_empty() {
        decoder.error("nothing-requested", node.mark, "the list of variables is empty", "name at least one");
        return None;
    }
    let mut picks: Vec<Pick> = Vec::new();
    let mut whole = true;
    for item in items {
        let Some((pick, mark)) = one(decoder, item, element) else {
            whole = false;
            continue;
        };
        if picks.iter().any(|p| p.variable == pick.variable) {
            let message = format!("`{}` is requested twice", pick.variable);
            decoder.error("duplicate-variable", mark, message, "name it once");
            whole = false;
            continue;
        }
        if let Some(rows) = rows {
            warn_of_gaps(decoder, mark, element, &pick.variable, &rows.years);
        }
        released.push(Released {
            element: element.name.clone(),
            years: rows.map(|r| r.years.clone()),
            tags: element.variable(&pick.variable).map(|v| v.tags.clone()).unwrap_or_default(),
            variable: pick.variable.clone(),
            release: pick.release.clone(),
            mark,
        });
        picks.push(pick);
    }
    whole.then_some(picks)
}

fn one(decoder: &mut Decoder, node: &Node, element: &Element) -> Option<(Pick, Mark)> {
    let (name_node, wish_node) = match &node.content {
        Content::Scalar(_) => (node, None),
        _ => {
            let fields = decoder.fields(node, "a requested variable", &["name", "release"])?;
            let name = decoder.required(&fields, "name", "a requested variable");
            (name?, fields.get("release"))
        }
    };
    let variable = variable(decoder, name_node, element);
    let wish = match wish_node {
        None => None,
        Some(node) => Some((decoder.release(node)?, node.mark)),
    };
    let variable = variable?;
    let release = allowed(decoder, name_node.mark, variable, wish)?;
    Some((Pick { variable: variable.name.clone(), release }, name_node.mark))
}

/// The form in which a variable leaves, or `None` with a finding where it may not leave so.
fn allowed(decoder: &mut Decoder, mark: Mark, variable: &Variable, wish: Option<(Release, Mark)>) -> Option<Release> {
    let name = &variable.name;
    let floor = &variable.release;
    if variable.release == Release::Never || variable.sensitivity == 'A' {
        let why = if variable.sensitivity == 'A' { "its sensitivity is A" } else { "the catalogue says never" };
        let message = format!("`{name}` is never released: {why}");
        decoder.error("never-released", mark, message, "take it out of the list");
        return None;
    }
    let (release, release_mark) = match wish {
        None => (floor.clone(), mark),
        Some((Release::Never, mark)) => {
            let message = format!("`{name}` is asked for and refused in one line");
            decoder.error("release-unfit", mark, message, "take the variable out of the list");
            return None;
        }
        Some((wish, mark)) => (wish, mark),
    };
    let denied_kind = |r: &Release| matches!(r, Release::Pseudonymise(k) if DENIED_KINDS.contains(&k.as_str()));
    if denied_variable(name) || denied_kind(&release) || denied_kind(floor) {
        let message = format!("`{name}` names, locates or identifies people");
        let help = "it is refused whatever its rating, also as a pseudonym: take it out of the list";
        decoder.error("denied-by-name", mark, message, help);
        return None;
    }
    if !release.at_least_as_coarse_as(floor) {
        let message = format!("`{name}` cannot leave as `{release}`: the catalogue allows `{floor}` or coarser");
        decoder.error("release-too-fine", release_mark, message, format!("leave `release` out for `{floor}`"));
        return None;
    }
    if !release.fits(variable.kind) {
        let message = format!("`{release}` cannot be applied to `{name}`, which is of type {}", variable.kind);
        decoder.error("release-unfit", release_mark, message, "choose another form");
        return None;
    }
    if variable.identifiability <= 2 && !release.coarsens() {
        let message = format!("`{name}` identifies people (identifiability {})", variable.identifiability);
        let help = "ask for a coarser form, like `release: {truncate: month}`, or take it out";
        decoder.error("identifying-uncoarsened", mark, message, help);
        return None;
    }
    Some(release)
}
