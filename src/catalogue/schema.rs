//! JSON Schemas of the catalogue's documents, for editors.

use crate::vocab::{Encoding, Owner};
use crate::yaml::schema::{SNAKE, document, identifier, list, map, one_of, release, terms, text, word, years};
use serde_json::{Value, json};

const ELEMENT: &str = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$";

/// The schema of an element's document (draft-07).
#[must_use]
pub fn schema() -> Value {
    let body = map(
        "",
        &[
            ("element", word("`dataset.name`: the element as researchers know it.", ELEMENT)),
            ("title?", text("What it is, for people.")),
            ("owner", one_of("The controller, who decides about it.", &Owner::ALL.map(Owner::as_str))),
            ("identifier", identifier("The column that identifies the person.")),
            ("period", period()),
            ("location", word("A file, a folder, or a template with placeholders, below the sources folder.", "")),
            ("terms?", terms("The terms that have slices of their own.")),
            ("suffix?", word("How physical column names end, with placeholders.", "")),
            ("coverage?", years("The years that were collected.")),
            ("absent?", list("Slices that were never collected.", &absent())),
            ("grain?", list("What a row is one of: person, period, term, spell, or variables.", &word("", ""))),
            ("variables", list("The variables, in the order of the dictionary.", &variable())),
        ],
    );
    document("leo-extract catalogue element", "One source table as researchers know it.", body)
}

fn period() -> Value {
    let kind = json!({"enum": ["academic_year", "tax_year"]});
    let column = word("The column that holds the year.", "");
    let encoding = one_of("How the column writes the year.", &Encoding::ALL.map(Encoding::as_str));
    let calendar = one_of("Which years spells count in.", &["tax_year", "academic_year"]);
    json!({"description": "When a row counts.", "anyOf": [
        map(
            "One file group a year: the year comes from the location.",
            &[("kind", kind.clone()), ("from", json!({"const": "slice"}))],
        ),
        map("The year stands in a column.", &[("kind", kind), ("column", column), ("encoding", encoding)]),
        map("A spell with a first and a last day.", &[
            ("kind", json!({"const": "spell"})),
            ("start", word("The column of the first day.", "")),
            ("end", word("The column of the last day; missing is open.", "")),
            ("calendar?", calendar),
        ]),
        map("No period.", &[("kind", json!({"const": "none"}))]),
    ]})
}

fn absent() -> Value {
    map(
        "Slices that were never collected.",
        &[("years", years("The years.")), ("terms?", terms("The terms; all by default.")), ("why", text("Why."))],
    )
}

fn variable() -> Value {
    let types = r"^(bool|int8|int16|int32|int64|float32|float64|string|date|timestamp|decimal\(\s*\d+\s*,\s*\d+\s*\))$";
    let code = json!({"type": ["string", "number", "boolean"]});
    let was = map("An earlier name.", &[("name", word("The name then.", "")), ("years", years("When."))]);
    map(
        "One variable.",
        &[
            ("name", word("The name researchers know; extracts use this spelling.", "")),
            ("label?", text("What it is, for people.")),
            ("type", word("The type delivered.", types)),
            ("years?", years("The years in which it was collected; all of the element's by default.")),
            (
                "identifiability",
                json!({"type": "integer", "minimum": 1, "maximum": 5, "description": "1 identifies directly, 5 does not."}),
            ),
            (
                "sensitivity",
                one_of("A is most sensitive and never released; B needs a clearance.", &["A", "B", "C", "D", "E"]),
            ),
            ("selection?", one_of("Whether a request must name it.", &["default", "by_request"])),
            ("codes?", list("The known values. Others are delivered, counted and reported.", &code)),
            ("tags?", list("Tags that rules use.", &word("", SNAKE))),
            ("release?", release("The finest form in which it may leave.", true)),
            ("was?", list("Earlier names.", &was)),
        ],
    )
}

/// The schema of `links.yaml`.
#[must_use]
pub fn schema_links() -> Value {
    let table = map(
        "A table that leads from another kind of identifier to people.",
        &[
            ("name", word("For people.", "")),
            ("location", word("A file or folder below the sources folder.", "")),
            ("person", word("The column of the person identifier.", "")),
            ("identifier", identifier("The other identifier.")),
        ],
    );
    let tables = json!({"type": "array", "description": "The link tables, in order.", "items": table});
    let body = map(
        "",
        &[
            ("person", word("The kind of the person identifier.", SNAKE)),
            ("version", text("The version of the link tables.")),
            ("tables", tables),
        ],
    );
    document("leo-extract links", "The person kind and the link tables.", body)
}

/// The schema of `rules.yaml`.
#[must_use]
pub fn schema_rules() -> Value {
    let name = word("", "");
    let rule = map(
        "A combination that must not be released together.",
        &[
            ("code", word("Shown with the refusal.", "^[a-z][a-z0-9-]*$")),
            ("element", word("The element that brings the rule into force.", ELEMENT)),
            ("years?", years("The years of that element that do; any by default.")),
            ("variables?", list("The variables of that element that do; any by default.", &name)),
            ("forbids_tag?", word("No variable with this tag may be released beside it.", SNAKE)),
            (
                "forbids_variables?",
                list("None of these may be released beside it: NAME of the same element, or dataset.name.NAME.", &name),
            ),
            (
                "allows_pseudonyms?",
                json!({"type": "boolean", "description": "Whether a pseudonymised variable with the tag may pass."}),
            ),
            ("needs_purpose?", word("The purpose that the project must hold.", SNAKE)),
            ("why", text("Why, for the people refused.")),
        ],
    );
    let body = map("", &[("rules", json!({"type": "array", "items": rule}))]);
    document("leo-extract rules", "Combinations that must not be released together.", body)
}
