//! JSON Schemas of the catalogue's documents, for editors.

use serde_json::{Value, json};

/// The schema of an element's document (draft-07).
#[must_use]
pub fn schema() -> Value {
    json!({})
}

/// The schema of `links.yaml`.
#[must_use]
pub fn schema_links() -> Value {
    json!({})
}

/// The schema of `rules.yaml`.
#[must_use]
pub fn schema_rules() -> Value {
    json!({})
}
