//! YAML: the only room that parses it. Strict, bounded, and every node knows its line and column.
//!
//! Documents here are approvals and what they rest on, so the parser refuses whatever could be read in two ways:
//! duplicate keys, anchors and aliases, tags, several documents, plain text that YAML 1.1 takes for a number or a
//! truth value. A document becomes a [`Node`] tree; each room decodes its own documents from the tree with a
//! [`Decoder`], which collects every finding instead of stopping at the first.

mod decode;
mod node;
mod parse;
mod scalar;
pub mod schema;
mod strict;
mod words;

pub use decode::{Decoder, Fields};
pub(crate) use decode::{is_steering, listed};
pub use node::{Content, Key, Mark, Node};
pub(crate) use parse::clip;
pub use parse::{BYTES_MAX, DEPTH_MAX, NODES_MAX, parse, read_text};
pub use scalar::{Reading, Scalar, quote};
pub use strict::strict;

/// The codes of this room's findings, each with its meaning.
pub const CODES: &[(&str, &str)] = &[
    ("yaml-syntax", "the text is not YAML"),
    ("document-unreadable", "the file is no text in UTF-8"),
    ("document-empty", "the file holds no document"),
    ("document-too-large", "the file, its number of nodes or its depth is beyond what any document needs"),
    ("several-documents", "the file holds more than one document"),
    ("duplicate-key", "a key stands twice in one map"),
    ("alias", "anchors and aliases are not allowed"),
    ("tag", "tags are not allowed"),
    ("key-not-text", "a key is not plain text"),
    ("control-character", "a text holds characters that cannot be seen"),
    ("unknown-field", "no such field here"),
    ("missing-field", "a field that must be there is not"),
    ("wrong-type", "a value of another shape belongs here"),
    ("null-value", "a value is empty"),
    ("ambiguous-text", "plain text that YAML readers take for a number, date or truth value: quote it"),
    ("unknown-value", "not one of the values that may stand here"),
    ("out-of-range", "a number outside its bounds"),
    ("years-malformed", "not a year like 2012/2013, a range, or a list of both"),
    ("duplicate-value", "a value stands twice in one list"),
    ("name-malformed", "a name without the shape of its kind"),
    ("release-malformed", "not a form in which a variable can be released"),
    ("too-many-findings", "further findings of the document are not shown"),
];
