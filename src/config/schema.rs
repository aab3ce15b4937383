//! JSON Schema of the config, for editors.

use crate::yaml::schema::{SNAKE, count, document, list, map, word};
use serde_json::{Value, json};

/// The schema of `leo.yaml` (draft-07).
#[must_use]
pub fn schema() -> Value {
    let path = |about: &str| word(about, "");
    let exclusion = map(
        "A table of people never to be released.",
        &[
            ("location", path("A file or folder, relative to this file.")),
            ("kind", word("The kind of identifier in it.", SNAKE)),
            ("column", word("The column that holds it.", "")),
        ],
    );
    let approvals = map(
        "Where the approval records lie.",
        &[
            ("directory", path("The folder of the records.")),
            ("allowed_signers?", path("OpenSSH allowed signers. Where it is set, decisions must be signed.")),
        ],
    );
    let body = map(
        "",
        &[
            ("config", json!({"const": 1, "description": "The version of this file's form."})),
            ("catalogue", path("The folder of the catalogue. Paths are relative to this file.")),
            ("specs", path("The folder of the project specs.")),
            ("approvals", approvals),
            ("sources", path("The folder of the source tables.")),
            ("extracts", path("The folder of the published extracts.")),
            ("keyring?", path("The keyring. --keyring, LEO_KEYRING or a systemd credential may stand in.")),
            ("exclusions?", list("People never to be released: objections, erasure.", &exclusion)),
            ("scratch?", path("Scratch space; inside extracts by default.")),
            ("memory?", word("How much memory a run may take, like 8GiB.", r"^\d+ ?([KMGTkmgt][Ii]?)?[Bb]?$")),
            ("threads?", count("How many threads a run may use.")),
        ],
    );
    document("leo-extract config", "Where everything lies, and how much of the machine a run may take.", body)
}
