//! The catalogue: what exists, who controls it, and how finely it may be released.
//!
//! One document per element, one for the link tables, one for the rules. A catalogue is whole or not at all: a fault in
//! one document stops every project, because any of them could rest on it.

mod column;
mod element;
#[cfg(test)]
pub(crate) mod fixture;
mod links;
mod location;
mod model;
mod read;
mod rules;
mod schema;
mod variable;

pub use model::{
    Absent, Catalogue, Document, Element, Identifier, LinkTable, Links, Period, Rule, Template, Variable, Was,
};
pub use schema::{schema, schema_links, schema_rules};

/// The codes of this room's findings, each with its meaning. Those of the room `yaml` may stand beside them.
pub const CODES: &[(&str, &str)] = &[
    ("links-missing", "the catalogue has no links.yaml"),
    ("catalogue-empty", "the catalogue has no element"),
    ("duplicate-element", "two documents describe one element"),
    ("file-name-differs", "a document is not named after its element"),
    ("location-outside", "a location is absolute, leads out of the sources folder, or is no path"),
    ("placeholder-unknown", "no such placeholder, or one that does not fit the element"),
    ("slices-share-location", "two slices of an element would read the same place"),
    ("suffix-without-slices", "only elements cut by slice have suffixed columns"),
    ("terms-without-slices", "only elements cut by slice have terms"),
    ("coverage-missing", "an element cut by year must say which years there are"),
    ("coverage-without-years", "an element without years cannot have a coverage"),
    ("years-outside-coverage", "years beyond the coverage of the element"),
    ("term-unknown", "a term that the element has not"),
    ("grain-unknown", "no part of a grain"),
    ("no-variables", "an element without variables"),
    ("duplicate-variable", "two variables of one element have the same name, upper and lower case apart"),
    ("duplicate-column", "two variables of one element read the same column in one year"),
    ("identifier-as-variable", "the identifier column stands among the variables"),
    ("reserved-name", "the name of a column that every extract has"),
    ("was-overlaps", "two earlier names of a variable in one year"),
    ("was-without-years", "an earlier name where rows have no year"),
    ("code-malformed", "a code that is not of the variable's type"),
    ("release-unfit", "a form of release that does not fit the variable's type"),
    ("kind-unlinked", "a kind of identifier that no link table leads to people"),
    ("duplicate-link", "two link tables of one name"),
    ("link-of-person", "a link table that links the person kind with itself"),
    ("unknown-element", "no such element"),
    ("unknown-variable", "no such variable"),
    ("unknown-tag", "a tag that no variable carries"),
    ("rule-without-effect", "a rule that forbids nothing and asks for nothing"),
    ("duplicate-rule", "two rules of one code"),
];
