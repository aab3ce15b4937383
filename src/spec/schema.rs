//! JSON Schema of a spec, for editors.

use crate::catalogue::Catalogue;
use crate::yaml::schema::{SNAKE, count, date, document, list, map, one_of, release, terms, text, word, years};
use serde_json::{Value, json};

/// The schema of a spec (draft-07). With a catalogue, the names of its elements and link kinds are listed.
#[must_use]
pub fn schema(catalogue: Option<&Catalogue>) -> Value {
    let elements: Option<Vec<&str>> = catalogue.map(|c| c.elements.iter().map(|e| e.name.as_str()).collect());
    let kinds: Option<Vec<&str>> = catalogue.map(|c| c.link_kinds().iter().map(|k| k.as_str()).collect());
    let element = |about: &str| match &elements {
        Some(names) => one_of(about, names),
        None => word(about, r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"),
    };
    let kind = |about: &str| match &kinds {
        Some(names) => one_of(about, names),
        None => word(about, SNAKE),
    };
    let body = map(
        "",
        &[
            ("spec", json!({"const": 1, "description": "The version of the language."})),
            ("project", project()),
            ("secondment", secondment()),
            ("revision", count("Goes up whenever the panel approves another text.")),
            ("pseudonyms?", map("", &[("epoch", count("Another epoch gives every person another pseudonym."))])),
            ("linkage?", map("", &[("version", text("Refuse other versions of the link tables."))])),
            ("cohort", cohort(&element, &kind)),
            ("elements", list("What is released, element by element.", &request(&element))),
            ("linked?", list("One row per base row, columns of other elements beside it.", &linked(&element))),
            ("expect?", expect(kinds.as_deref())),
            ("output?", output()),
        ],
    );
    let mut schema = document("leo-extract spec", "What one project's panel approved.", body);
    if let Value::Object(head) = &mut schema {
        head.insert("definitions".to_owned(), json!({"condition": condition()}));
    }
    schema
}

fn project() -> Value {
    let gateway = map(
        "The power under which the data are shared.",
        &[("act", text("The act.")), ("section", text("The section, in quotes."))],
    );
    let purposes = json!({
        "type": "array",
        "description": "Purposes that rules ask for, like equal_opportunities.",
        "items": {"type": "string"},
    });
    map(
        "Who and what for.",
        &[
            ("id", word("The project's id; the file is named after it.", "^[A-Z0-9-]{3,32}$")),
            ("title", text("What the project is about.")),
            ("organisation", text("Who does the research.")),
            ("gateway", gateway),
            ("purposes?", purposes),
        ],
    )
}

fn secondment() -> Value {
    map(
        "When the researchers are here: at most two years.",
        &[
            ("starts", date("The first day.")),
            ("ends", date("The last day.")),
            ("researchers", count("How many researchers are seconded.")),
        ],
    )
}

/// The fields of a selection, beside the one that names the element.
fn selection() -> Vec<(&'static str, Value)> {
    let condition = json!({"description": "What each row must pass; a list means all.", "anyOf": [
        {"$ref": "#/definitions/condition"},
        {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/condition"}},
    ]});
    vec![
        ("years?", years("A year, a range, or a list of both; left out where the element has no period.")),
        ("terms?", terms("Left out: all terms.")),
        ("spells?", one_of("Spells that overlap the years, or start in them.", &["overlapping", "starting"])),
        ("where?", condition),
    ]
}

fn cohort(element: &dyn Fn(&str) -> Value, kind: &dyn Fn(&str) -> Value) -> Value {
    let on_rows = |act: &'static str, about: &str| {
        let mut fields = vec![(act, element(about))];
        fields.extend(selection());
        map(about, &fields)
    };
    let link = kind("The person has at least one unambiguous identifier of this kind.");
    let share = json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1});
    let step = json!({"anyOf": [
        on_rows("include", "Adds people with a matching row."),
        on_rows("require", "Keeps only people with a matching row."),
        on_rows("exclude", "Drops people with a matching row."),
        map("Keeps people with an identifier of a kind.", &[("require_link", link)]),
        map("Keeps a stable share of people.", &[("sample", share)]),
    ]});
    map(
        "Who is selected.",
        &[("description", text("In words.")), ("steps", list("In order; the first must be include.", &step))],
    )
}

fn variables() -> Value {
    let wish = map(
        "",
        &[
            ("name", word("The variable, as the catalogue spells it.", "")),
            ("release?", release("A coarser form than the catalogue's.", false)),
        ],
    );
    list("The variables released, in order.", &json!({"anyOf": [{"type": "string", "minLength": 1}, wish]}))
}

fn request(element: &dyn Fn(&str) -> Value) -> Value {
    let mut fields = vec![("element", element("The element."))];
    fields.extend(selection());
    fields.push(("variables", variables()));
    fields.push(("justification", text("Why the project needs it.")));
    map("What is released of one element.", &fields)
}

fn linked(element: &dyn Fn(&str) -> Value) -> Value {
    let mut fields = vec![("element", element("The element joined: at most one row a person."))];
    fields.extend(selection());
    fields.push(("variables", variables()));
    fields.push(("prefix?", word("What the columns' names begin with.", "^[A-Za-z0-9_]*$")));
    let join = map("Columns of one element.", &fields);
    map(
        "A linked table.",
        &[
            ("name", word("The file's name.", SNAKE)),
            ("from", element("The base: an element that the spec requests.")),
            ("join", list("What is put beside the base's rows.", &join)),
        ],
    )
}

fn condition() -> Value {
    let value = json!({"type": ["string", "number", "boolean"]});
    let values = json!({"type": "array", "minItems": 1, "items": value});
    let inner = json!({"$ref": "#/definitions/condition"});
    let group = json!({"type": "array", "minItems": 1, "items": inner});
    let test = |name: &'static str, about: &str, schema: &Value| {
        map(about, &[("variable", word("The variable, as the catalogue spells it.", "")), (name, schema.clone())])
    };
    let pair = json!({"type": "array", "minItems": 2, "maxItems": 2, "items": value});
    json!({"description": "A test of one variable, or a group. A missing value satisfies only `missing: true`.", "anyOf": [
        test("equals", "Is this value.", &value),
        test("not_equals", "Is another value.", &value),
        test("in", "Is one of these.", &values),
        test("not_in", "Is none of these.", &values),
        test("less_than", "Is below.", &value),
        test("at_most", "Is this or below.", &value),
        test("more_than", "Is above.", &value),
        test("at_least", "Is this or above.", &value),
        test("between", "Lies between the two, both included.", &pair),
        test("missing", "Is missing, or is not.", &json!({"type": "boolean"})),
        test("starts_with", "Begins with this text.", &json!({"type": "string", "minLength": 1})),
        map("Every one holds.", &[("all", group.clone())]),
        map("At least one holds.", &[("any", group.clone())]),
        map("It does not hold.", &[("not", json!({"anyOf": [inner, group]}))]),
    ]})
}

fn expect(kinds: Option<&[&str]>) -> Value {
    let share = word("A range of shares, like 0.85..1.0.", r"^[0-9.]+\.\.[0-9.]+$");
    let linked = match kinds {
        Some(kinds) => {
            let names: Vec<String> = kinds.iter().map(|k| format!("{k}?")).collect();
            let fields: Vec<(&str, Value)> = names.iter().map(|n| (n.as_str(), share.clone())).collect();
            map("The share of the cohort with an identifier of a kind.", &fields)
        }
        None => json!({"type": "object", "additionalProperties": share}),
    };
    map(
        "Outside it, the build refuses to publish.",
        &[("persons?", word("A range, like 500000..620000.", r"^\d+\.\.\d+$")), ("linked?", linked)],
    )
}

fn output() -> Value {
    map(
        "In what form the tables are written.",
        &[
            ("format?", one_of("Parquet, CSV, or both.", &["parquet", "csv", "both"])),
            ("encryption?", one_of("Not built in yet.", &["uniform-aes256"])),
        ],
    )
}
