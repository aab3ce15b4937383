//! Pieces that the JSON Schemas of several documents share. Draft-07, which editors' YAML servers know best.

use serde_json::{Map, Value, json};

/// The head of a schema: its draft, title and description, around the schema of the document.
#[must_use]
pub fn document(title: &str, description: &str, body: Value) -> Value {
    let mut out = Map::new();
    out.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    out.insert("title".to_owned(), json!(title));
    out.insert("description".to_owned(), json!(description));
    if let Value::Object(body) = body {
        out.extend(body.into_iter().filter(|(key, _)| key != "description"));
    }
    Value::Object(out)
}

/// A map with these fields and no others. Fields whose names end in `?` may be left out.
#[must_use]
pub fn map(description: &str, fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        let (name, optional) = name.strip_suffix('?').map_or((*name, false), |name| (name, true));
        properties.insert(name.to_owned(), schema.clone());
        if !optional {
            required.push(name.to_owned());
        }
    }
    let mut out = json!({"type": "object", "additionalProperties": false, "properties": properties});
    if let Value::Object(map) = &mut out {
        if !required.is_empty() {
            map.insert("required".to_owned(), json!(required));
        }
        if !description.is_empty() {
            map.insert("description".to_owned(), json!(description));
        }
    }
    out
}

/// A list that is not empty.
#[must_use]
pub fn list(description: &str, items: &Value) -> Value {
    json!({"type": "array", "description": description, "minItems": 1, "items": items})
}

/// Text for people. Plain numbers are taken as they are written.
#[must_use]
pub fn text(description: &str) -> Value {
    json!({"type": ["string", "number"], "description": description})
}

/// A word, of a shape where one is given.
#[must_use]
pub fn word(description: &str, pattern: &str) -> Value {
    if pattern.is_empty() {
        json!({"type": "string", "description": description, "minLength": 1})
    } else {
        json!({"type": "string", "description": description, "pattern": pattern})
    }
}

/// One of a few words.
#[must_use]
pub fn one_of(description: &str, words: &[&str]) -> Value {
    json!({"description": description, "enum": words})
}

/// A whole number from 1.
#[must_use]
pub fn count(description: &str) -> Value {
    json!({"type": "integer", "description": description, "minimum": 1})
}

/// A day.
#[must_use]
pub fn date(description: &str) -> Value {
    json!({"type": "string", "description": description, "pattern": r"^\d{4}-\d{2}-\d{2}$"})
}

/// The identifier kind's shape, which tags, prefixes and table names share.
pub const SNAKE: &str = "^[a-z][a-z0-9_]*$";

/// Years: a year, a range, or a list of both.
#[must_use]
pub fn years(description: &str) -> Value {
    let one = json!({"type": "string", "pattern": r"^\d{4}/\d{4}(\.\.\d{4}/\d{4})?$"});
    json!({"description": description, "anyOf": [one, {"type": "array", "minItems": 1, "items": one}]})
}

/// Terms of a school year.
#[must_use]
pub fn terms(description: &str) -> Value {
    let term = json!({"enum": ["autumn", "spring", "summer"]});
    json!({"type": "array", "description": description, "minItems": 1, "uniqueItems": true, "items": term})
}

/// Forms of release; `never` only where the catalogue says so.
#[must_use]
pub fn release(description: &str, never: bool) -> Value {
    let form = |name: &str, about: &str, schema: Value| map(about, &[(name, schema)]);
    let words: &[&str] = if never { &["as_is", "never"] } else { &["as_is"] };
    let number = json!({"type": "number"});
    json!({"description": description, "anyOf": [
        {"enum": words},
        form("pseudonymise", "The project's own pseudonym of an identifier of this kind.", word("", SNAKE)),
        form("truncate", "The first day of the month, quarter or year.", one_of("", &["month", "quarter", "year"])),
        form("prefix", "The first N characters.", count("")),
        form("round", "The nearest multiple of N, halves away from zero.", json!({"type": "number", "exclusiveMinimum": 0})),
        form("top_code", "What is above N becomes N.", number.clone()),
        form("bottom_code", "What is below N becomes N.", number.clone()),
        form(
            "bands",
            "The band that the value lies in; the edges rise.",
            json!({"type": "array", "minItems": 1, "items": number}),
        ),
    ]})
}

/// `{column: C, kind: K}`.
#[must_use]
pub fn identifier(description: &str) -> Value {
    map(
        description,
        &[
            ("column", word("The column that identifies. Never released.", "")),
            ("kind", word("The kind of identifier: pmr, edukey, ae_id…", SNAKE)),
        ],
    )
}
