//! Requests: what is released of each element.

use super::pick::{self, Released};
use super::{Request, selection};
use crate::catalogue::Catalogue;
use crate::vocab::ElementName;
use crate::yaml::{Decoder, Node};

/// Requests, and the names of all elements requested, readable or not.
pub(super) struct Requests {
    /// `None` where one of them is wrong.
    pub(super) list: Option<Vec<Request>>,
    pub(super) named: Vec<ElementName>,
}

/// Reads the list of requests.
pub(super) fn decode(
    decoder: &mut Decoder,
    node: &Node,
    catalogue: &Catalogue,
    released: &mut Vec<Released>,
) -> Requests {
    let mut named: Vec<ElementName> = Vec::new();
    let Some(items) = decoder.list(node, "elements") else { return Requests { list: None, named } };
    if items.is_empty() {
        decoder.error("nothing-requested", node.mark, "the spec requests no element", "list at least one");
        return Requests { list: None, named };
    }
    let mut list = Vec::new();
    for item in items {
        list.push(one(decoder, item, catalogue, &mut named, released));
    }
    Requests { list: list.into_iter().collect(), named }
}

fn one(
    decoder: &mut Decoder,
    node: &Node,
    catalogue: &Catalogue,
    named: &mut Vec<ElementName>,
    released: &mut Vec<Released>,
) -> Option<Request> {
    let what = "a requested element";
    let mut known = vec!["element", "variables", "justification"];
    known.extend(selection::FIELDS);
    let fields = decoder.fields(node, what, &known)?;
    let element_node = decoder.required(&fields, "element", what);
    let element = element_node.and_then(|n| selection::element(decoder, n, catalogue));
    let justification =
        decoder.required(&fields, "justification", what).and_then(|n| decoder.text(n, "the justification"));
    let variables = decoder.required(&fields, "variables", what);
    let (element, element_node) = (element?, element_node?);
    let again = named.contains(&element.name);
    if again {
        let message = format!("{} is requested twice", element.name);
        decoder.error("duplicate-element", element_node.mark, message, "join the two requests into one");
    }
    named.push(element.name.clone());
    let rows = selection::decode(decoder, &fields, element);
    let picks = variables.and_then(|n| pick::decode(decoder, n, element, rows.as_ref(), released));
    Some(Request { rows: rows?, variables: picks?, justification: justification? })
}
