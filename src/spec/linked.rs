//! Linked tables: a base element's rows with columns of other elements beside them.

use super::pick::{self, Released};
use super::request::Requests;
use super::{Join, Linked, Pick, Request, selection};
use crate::catalogue::{Catalogue, Element};
use crate::yaml::{Decoder, Mark, Node, clip};
use std::collections::BTreeMap;

/// Reads the list of linked tables. `None` where one of them is wrong.
pub(super) fn decode(
    decoder: &mut Decoder,
    node: &Node,
    catalogue: &Catalogue,
    requests: &Requests,
    released: &mut Vec<Released>,
) -> Option<Vec<Linked>> {
    let mut all = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for item in decoder.list(node, "linked")? {
        all.push(one(decoder, item, catalogue, requests, &mut names, released));
    }
    all.into_iter().collect()
}

fn one(
    decoder: &mut Decoder,
    node: &Node,
    catalogue: &Catalogue,
    requests: &Requests,
    names: &mut Vec<String>,
    released: &mut Vec<Released>,
) -> Option<Linked> {
    let what = "a linked table";
    let fields = decoder.fields(node, what, &["name", "from", "join"])?;
    let name = decoder.required(&fields, "name", what).and_then(|n| name(decoder, n, names));
    let from_node = decoder.required(&fields, "from", what);
    let from = from_node.and_then(|n| selection::element(decoder, n, catalogue));
    if let (Some(node), Some(from)) = (from_node, from)
        && !requests.named.contains(&from.name)
    {
        let message = format!("the spec does not request {}", from.name);
        decoder.error("base-not-requested", node.mark, message, "request it under `elements`, or choose another base");
    }
    let join_node = decoder.required(&fields, "join", what)?;
    let items = decoder.list(join_node, "join")?;
    if items.is_empty() {
        decoder.error("nothing-requested", join_node.mark, "the linked table joins nothing", "list at least one join");
        return None;
    }
    let mut joins = Vec::new();
    for item in items {
        joins.push(join(decoder, item, catalogue, released));
    }
    let from = from?;
    let base = requests.list.as_ref().and_then(|all| all.iter().find(|r| r.rows.element == from.name));
    if let Some(base) = base {
        distinct_columns(decoder, from, base, &joins);
    }
    let joins: Option<Vec<Join>> = joins.into_iter().map(|j| j.map(|(join, _)| join)).collect();
    Some(Linked { name: name?, from: from.name.clone(), joins: joins? })
}

fn name(decoder: &mut Decoder, node: &Node, names: &mut Vec<String>) -> Option<String> {
    let word = decoder.word(node, "the name of a linked table")?;
    if crate::vocab::Kind::new(word).is_none() {
        let message = format!("`{}` cannot be the name of a linked table", clip(word));
        decoder.error("name-malformed", node.mark, message, "lower-case letters, digits and `_`, a letter first");
        return None;
    }
    if names.iter().any(|n| n == word) {
        let message = format!("two linked tables have the name `{word}`");
        decoder.error("duplicate-linked", node.mark, message, "give each its own name");
        return None;
    }
    names.push(word.to_owned());
    Some(word.to_owned())
}

fn join(
    decoder: &mut Decoder,
    node: &Node,
    catalogue: &Catalogue,
    released: &mut Vec<Released>,
) -> Option<(Join, Mark)> {
    let what = "a join";
    let mut known = vec!["element", "variables", "prefix"];
    known.extend(selection::FIELDS);
    let fields = decoder.fields(node, what, &known)?;
    let element = decoder.required(&fields, "element", what).and_then(|n| selection::element(decoder, n, catalogue));
    let variables = decoder.required(&fields, "variables", what);
    let prefix = match fields.get("prefix") {
        None => Some(String::new()),
        Some(n) => prefix(decoder, n),
    };
    let element = element?;
    let rows = selection::decode(decoder, &fields, element);
    let variables_node = variables?;
    let picks = pick::decode(decoder, variables_node, element, rows.as_ref(), released);
    Some((Join { rows: rows?, variables: picks?, prefix: prefix? }, variables_node.mark))
}

fn prefix(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let word = decoder.word(node, "a prefix")?;
    let fits = word.len() <= 40 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !fits {
        let message = format!("`{}` cannot be a prefix", clip(word));
        decoder.error("name-malformed", node.mark, message, "letters, digits and `_`, like y2015_");
    }
    fits.then(|| word.to_owned())
}

/// Reports columns of a linked table that would have one name, upper and lower case apart.
fn distinct_columns(decoder: &mut Decoder, from: &Element, base: &Request, joins: &[Option<(Join, Mark)>]) {
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    seen.insert("person_id".to_owned(), ());
    if let Some(kind) = from.period.year_kind() {
        seen.insert(kind.column().to_owned(), ());
    }
    if !from.terms.is_empty() {
        seen.insert("term".to_owned(), ());
    }
    for Pick { variable, .. } in &base.variables {
        seen.insert(variable.to_lowercase(), ());
    }
    for (join, mark) in joins.iter().flatten() {
        for Pick { variable, .. } in &join.variables {
            let column = format!("{}{variable}", join.prefix);
            if seen.insert(column.to_lowercase(), ()).is_some() {
                let message = format!("the linked table already has a column `{column}`");
                decoder.error("duplicate-column", *mark, message, "give the join a `prefix` of its own");
            }
        }
    }
}
