//! `links.yaml`: the person kind and the link tables.

use super::{LinkTable, Links, column, element, location};
use crate::vocab::Kind;
use crate::yaml::{Decoder, Node, clip};

/// Reads `links.yaml`. `None` where it cannot be read.
pub(super) fn decode(decoder: &mut Decoder, root: &Node) -> Option<Links> {
    let what = "links.yaml";
    let fields = decoder.fields(root, what, &["person", "version", "tables"])?;
    let person = decoder.required(&fields, "person", what).and_then(|n| decoder.kind(n));
    let version = decoder.required(&fields, "version", what).and_then(|n| decoder.text(n, "the version"));
    let items = decoder.required(&fields, "tables", what).and_then(|n| decoder.list(n, "tables"));
    let mut tables: Vec<LinkTable> = Vec::new();
    for item in items.unwrap_or_default() {
        let Some(table) = table(decoder, item, person.as_ref()) else { continue };
        if tables.iter().any(|t| t.name == table.name) {
            let message = format!("two link tables have the name `{}`", clip(&table.name));
            decoder.error("duplicate-link", item.mark, message, "give each its own name");
        }
        tables.push(table);
    }
    Some(Links { person: person?, version: version?, tables })
}

fn table(decoder: &mut Decoder, node: &Node, person_kind: Option<&Kind>) -> Option<LinkTable> {
    let what = "a link table";
    let fields = decoder.fields(node, what, &["name", "location", "person", "identifier"])?;
    let name = decoder.required(&fields, "name", what).and_then(|n| column::name(decoder, n));
    let place = decoder
        .required(&fields, "location", what)
        .and_then(|n| location::location(decoder, n, location::Placeholders::None));
    let person = decoder.required(&fields, "person", what).and_then(|n| column::name(decoder, n));
    let identifier = decoder.required(&fields, "identifier", what).and_then(|n| element::identifier(decoder, n));
    let (identifier, kind_at) = identifier?;
    let mut fits = true;
    if person_kind == Some(&identifier.kind) {
        let message = format!("`{}` is the person kind itself", identifier.kind);
        decoder.error("link-of-person", kind_at, message, "a link table leads from another kind to the person kind");
        fits = false;
    }
    let (name, place, person) = (name?, place?, person?);
    if person.to_lowercase() == identifier.column.to_lowercase() {
        let message = "person and identifier stand in one column";
        decoder.error("duplicate-column", node.mark, message, "name the two columns of the link table");
        fits = false;
    }
    let at = decoder.at(fields.get("name").map_or(node.mark, |n| n.mark));
    fits.then(|| LinkTable { name, location: place.as_str().to_owned(), person, identifier, at })
}
