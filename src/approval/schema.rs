//! JSON Schema of an approval record, for editors.

use super::BODIES;
use crate::yaml::schema::{count, date, document, list, map, one_of, text, word};
use serde_json::{Value, json};

/// The schema of an approval record (draft-07).
#[must_use]
pub fn schema() -> Value {
    let clearances = json!({
        "type": "array",
        "description": "B clears variables of sensitivity B.",
        "items": {"enum": ["B"]},
    });
    let decision = map(
        "The decision of one body. It is in force from `decided` to `expires`, both included.",
        &[
            ("body", one_of("Who decides. The DSAP decides for DfE.", &BODIES)),
            ("reference", text("The body's own reference.")),
            ("decided", date("The day of the decision.")),
            ("expires", date("The last day on which it holds.")),
            ("clearances?", clearances),
            ("fee_paid?", date("The day on which the body's fee was paid; HESA's decision needs it.")),
        ],
    );
    let body = map(
        "",
        &[
            ("approval", json!({"const": 1, "description": "The version of this file's form."})),
            ("project", word("The project's id.", "^[A-Z0-9-]{3,32}$")),
            ("revision", count("The spec's revision.")),
            (
                "spec_sha256",
                word("SHA-256 of the spec file's bytes: exactly these were approved.", "^[0-9a-fA-F]{64}$"),
            ),
            ("decisions", list("Who decided, until when.", &decision)),
        ],
    );
    document("leo-extract approval", "Who approved a spec with exactly these bytes, until when.", body)
}
