//! `rules.yaml`: combinations that must not be released together.

use super::{Element, Rule};
use crate::vocab::ElementName;
use crate::yaml::{Content, Decoder, Mark, Node, clip};

const FIELDS: [&str; 9] = [
    "code",
    "element",
    "years",
    "variables",
    "forbids_tag",
    "forbids_variables",
    "allows_pseudonyms",
    "needs_purpose",
    "why",
];

/// Reads `rules.yaml`: a list, or a map with the list under `rules`. `elements` are all elements that could be read,
/// `whole` says whether that is all there are: where another document is faulty, a name that is not among them may
/// still be right.
pub(super) fn decode(decoder: &mut Decoder, root: &Node, elements: &[Element], whole: bool) -> Vec<Rule> {
    let items = match &root.content {
        Content::List(items) => Some(items.as_slice()),
        _ => decoder
            .fields(root, "rules.yaml", &["rules"])
            .and_then(|fields| decoder.required(&fields, "rules", "rules.yaml"))
            .and_then(|node| decoder.list(node, "rules")),
    };
    let mut rules: Vec<Rule> = Vec::new();
    for item in items.unwrap_or_default() {
        let Some(rule) = rule(decoder, item, elements, whole) else { continue };
        if rules.iter().any(|r| r.code == rule.code) {
            let message = format!("two rules have the code `{}`", rule.code);
            decoder.error("duplicate-rule", item.mark, message, "give each its own code");
        }
        rules.push(rule);
    }
    rules
}

fn rule(decoder: &mut Decoder, node: &Node, elements: &[Element], whole: bool) -> Option<Rule> {
    let what = "a rule";
    let fields = decoder.fields(node, what, &FIELDS)?;
    let code = decoder.required(&fields, "code", what).and_then(|n| code(decoder, n));
    let element_node = decoder.required(&fields, "element", what);
    let name = element_node.and_then(|n| decoder.element_name(n));
    let element = name.as_ref().and_then(|name| elements.iter().find(|e| e.name == *name));
    if let (Some(node), Some(name), None, true) = (element_node, &name, element, whole) {
        let known = elements.iter().map(|e| e.name.as_str());
        decoder.unknown("unknown-element", node.mark, "the element", name.as_str(), known);
    }
    let years = fields.get("years").and_then(|n| decoder.years(n));
    let variables = fields.get("variables").map(|n| decoder.words(n, "variables").unwrap_or_default());
    let mut triggers = Vec::new();
    for (variable, mark) in variables.unwrap_or_default() {
        if let Some(element) = element.filter(|e| whole && e.variable(&variable).is_none()) {
            unknown_variable(decoder, mark, &variable, element);
        }
        triggers.push(variable);
    }
    let forbids_tag = fields.get("forbids_tag").and_then(|n| tag(decoder, n, elements, whole));
    let forbidden = fields.get("forbids_variables").map(|n| decoder.words(n, "forbids_variables").unwrap_or_default());
    let mut forbids_variables = Vec::new();
    for (word, mark) in forbidden.unwrap_or_default() {
        forbids_variables
            .extend(name.as_ref().and_then(|own| forbidden_name(decoder, &word, mark, own, elements, whole)));
    }
    let allows = fields.get("allows_pseudonyms").map(|n| decoder.boolean(n, "allows_pseudonyms"));
    let needs_purpose = fields.get("needs_purpose").and_then(|n| decoder.kind(n)).map(|k| k.to_string());
    let why = decoder.required(&fields, "why", what).and_then(|n| decoder.text(n, "why"));
    let effects = ["forbids_tag", "forbids_variables", "needs_purpose"];
    if effects.iter().all(|name| fields.get(name).is_none()) {
        let help = "add `forbids_tag`, `forbids_variables` or `needs_purpose`";
        decoder.error("rule-without-effect", fields.mark, "the rule forbids nothing and asks for nothing", help);
    }
    Some(Rule {
        code: code?,
        element: name?,
        years,
        variables: triggers,
        forbids_tag,
        forbids_variables,
        allows_pseudonyms: allows.flatten().unwrap_or(false),
        needs_purpose,
        why: why?,
        at: decoder.at(fields.get("code").map_or(node.mark, |n| n.mark)),
    })
}

fn code(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let word = decoder.word(node, "a code")?;
    let fits = word.len() <= 60
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits {
        let message = format!("`{}` cannot be the code of a rule", clip(word));
        decoder.error("name-malformed", node.mark, message, "lower-case letters, digits and `-`, a letter first");
    }
    fits.then(|| word.to_owned())
}

/// A tag; a warning where no variable carries it, since a mistyped tag would forbid nothing.
fn tag(decoder: &mut Decoder, node: &Node, elements: &[Element], whole: bool) -> Option<String> {
    let tag = decoder.kind(node)?.to_string();
    let mut tags: Vec<&str> =
        elements.iter().flat_map(|e| &e.variables).flat_map(|v| &v.tags).map(String::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    if whole && !tags.contains(&tag.as_str()) {
        let message = format!("no variable carries the tag `{tag}`, so it forbids nothing");
        decoder.warning("unknown-tag", node.mark, message, format!("tags in use are {}", tags.join(", ")));
    }
    Some(tag)
}

/// `VARIABLE` of the rule's own element, or `dataset.name.VARIABLE`, as `dataset.name.VARIABLE`.
fn forbidden_name(
    decoder: &mut Decoder,
    word: &str,
    mark: Mark,
    own: &ElementName,
    elements: &[Element],
    whole: bool,
) -> Option<String> {
    let named = elements.iter().find_map(|e| {
        let variable = word.strip_prefix(e.name.as_str())?.strip_prefix('.')?;
        Some((e, variable))
    });
    // Where the rule's own element is unknown, that is already reported.
    let (element, variable) = named.or_else(|| Some((elements.iter().find(|e| e.name == *own)?, word)))?;
    if whole && element.variable(variable).is_none() {
        unknown_variable(decoder, mark, variable, element);
        return None;
    }
    Some(format!("{}.{variable}", element.name))
}

fn unknown_variable(decoder: &mut Decoder, mark: Mark, name: &str, element: &Element) {
    let known = element.variables.iter().map(|v| v.name.as_str());
    decoder.unknown("unknown-variable", mark, &format!("in {}, the variable", element.name), name, known);
}
