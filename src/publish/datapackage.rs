//! `data/datapackage.json`: the dictionary for programs, as a Data Package 2.0 with a table schema for each file.
//!
//! A Parquet resource has no `bytes`: the reference validator would call a good file invalid for it. Categories are only
//! declared where every value is among them, and a primary key only where no person has two rows: the catalogue's grain
//! is what its owner intends, these are what the file keeps.

use super::manifest::{FileRecord, Manifest};
use super::publication::Publication;
use crate::vocab::{ColumnRecord, Release, TableRecord, Type};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The data package of a publication.
pub(super) fn datapackage(publication: &Publication<'_>, manifest: &Manifest, identifier: Uuid) -> Value {
    let project = &manifest.project;
    let output = publication.approved.spec().output;
    let mut tables: Vec<&TableRecord> = publication.account.tables.iter().collect();
    tables.sort_by(|a, b| a.path.cmp(&b.path));
    let mut resources: Vec<Value> = Vec::new();
    if output.parquet {
        resources.extend(tables.iter().map(|t| resource(publication, t, None)));
    }
    for twin in &manifest.csv {
        let of = tables.iter().find(|t| t.path.strip_suffix(".parquet") == twin.path.strip_suffix(".csv"));
        resources.extend(of.map(|t| resource(publication, t, Some(twin))));
    }
    json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": format!("{}-r{}", project.id.to_lowercase(), manifest.revision),
        "id": identifier.urn().to_string(),
        "title": format!("{}: {}", project.id, project.title),
        "description": "The tables that the project's approved spec names, and no others. manifest.json is the record.",
        "licenses": [{"name": "other-closed", "title": super::bag::LICENCE_TITLE}],
        "contributors": [{"title": project.organisation, "roles": ["recipient"]}],
        "resources": resources,
    })
}

fn resource(publication: &Publication<'_>, table: &TableRecord, csv: Option<&FileRecord>) -> Value {
    let suffix = if csv.is_some() { "-csv" } else { "" };
    let stem = table.path.strip_suffix(".parquet").unwrap_or(&table.path);
    let mut out = Map::new();
    out.insert("name".to_owned(), format!("{}{suffix}", stem.replace('/', "-")).into());
    out.insert("type".to_owned(), "table".into());
    out.insert("title".to_owned(), title(publication, table).into());
    match csv {
        None => {
            out.insert("path".to_owned(), table.path.clone().into());
            out.insert("format".to_owned(), "parquet".into());
            out.insert("mediatype".to_owned(), super::bag::PARQUET.into());
            out.insert("hash".to_owned(), format!("sha256:{}", table.sha256).into());
        }
        Some(twin) => {
            out.insert("path".to_owned(), twin.path.clone().into());
            out.insert("format".to_owned(), "csv".into());
            out.insert("mediatype".to_owned(), "text/csv".into());
            out.insert("encoding".to_owned(), "utf-8".into());
            out.insert("bytes".to_owned(), twin.bytes.into());
            out.insert("hash".to_owned(), format!("sha256:{}", twin.sha256).into());
        }
    }
    out.insert("schema".to_owned(), schema(publication, table, suffix));
    Value::Object(out)
}

fn title(publication: &Publication<'_>, table: &TableRecord) -> String {
    let slice = table.slice.map(|s| format!(", {s}")).unwrap_or_default();
    match table.element.as_ref().and_then(|e| publication.catalogue.element(e)) {
        Some(element) => format!("{}{slice}", element.title),
        None if is_persons(table) => "People of the cohort".to_owned(),
        None => format!("Linked table {}", table.path),
    }
}

fn is_persons(table: &TableRecord) -> bool {
    table.path == "persons.parquet"
}

fn schema(publication: &Publication<'_>, table: &TableRecord, suffix: &str) -> Value {
    let fields: Vec<Value> = table.columns.iter().map(|c| field(publication, c)).collect();
    let mut out = Map::new();
    out.insert("fields".to_owned(), fields.into());
    out.insert("missingValues".to_owned(), json!([""]));
    let one_row_each = table.rows == table.persons;
    if is_persons(table) || (one_row_each && declares_people(publication, table)) {
        out.insert("primaryKey".to_owned(), json!(["person_id"]));
    }
    if !is_persons(table) {
        let key = json!({
            "fields": ["person_id"],
            "reference": {"resource": format!("persons{suffix}"), "fields": ["person_id"]},
        });
        out.insert("foreignKeys".to_owned(), json!([key]));
    }
    Value::Object(out)
}

/// Whether the catalogue means a file of the element to have one row a person.
fn declares_people(publication: &Publication<'_>, table: &TableRecord) -> bool {
    let element = table.element.as_ref().and_then(|e| publication.catalogue.element(e));
    element.is_some_and(|e| {
        e.grain.iter().any(|g| g == "person")
            && e.grain.iter().all(|g| matches!(g.as_str(), "person" | "period" | "term"))
    })
}

fn field(publication: &Publication<'_>, column: &ColumnRecord) -> Value {
    let element = column.element.as_ref().and_then(|e| publication.catalogue.element(e));
    let variable = element.zip(column.variable.as_deref()).and_then(|(e, name)| e.variable(name));
    let mut out = Map::new();
    out.insert("name".to_owned(), column.name.clone().into());
    out.insert("type".to_owned(), field_type(column.kind).into());
    let label = match variable {
        Some(v) => v.label.clone(),
        None => own_label(&column.name),
    };
    out.insert("title".to_owned(), label.into());
    if let Some(categories) = variable.filter(|_| column.release == Release::AsIs && column.unknown_codes == 0) {
        out.extend(categories_of(&categories.codes, column.kind).map(|c| ("categories".to_owned(), c)));
    }
    if column.name == "person_id" && variable.is_none() {
        out.insert("constraints".to_owned(), json!({"required": true, "pattern": "^[0-9a-hjkmnp-tv-z]{16}$"}));
    }
    if column.release.coarsens() {
        out.insert("description".to_owned(), format!("Released coarsened: {}.", column.release).into());
    }
    Value::Object(out)
}

fn field_type(kind: Type) -> &'static str {
    match kind {
        Type::Bool => "boolean",
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => "integer",
        Type::Float32 | Type::Float64 | Type::Decimal { .. } => "number",
        Type::Text => "string",
        Type::Date => "date",
        Type::Timestamp => "datetime",
    }
}

/// What the columns say that the catalogue does not know.
fn own_label(name: &str) -> String {
    match name {
        "person_id" => "The project's own pseudonym of a person".to_owned(),
        "academic_year" => "Academic year".to_owned(),
        "tax_year" => "Tax year".to_owned(),
        "term" => "Term".to_owned(),
        other => match other.strip_prefix("linked_") {
            Some(kind) => format!("Has an unambiguous identifier of the kind {kind}"),
            None => other.to_owned(),
        },
    }
}

/// Known values in the field's own type; none for types that have no categories.
fn categories_of(codes: &[String], kind: Type) -> Option<Value> {
    if codes.is_empty() {
        return None;
    }
    if kind == Type::Text {
        return Some(json!(codes));
    }
    let numbers: Option<Vec<i64>> = codes.iter().map(|c| c.parse().ok()).collect();
    numbers.filter(|_| kind.is_integer()).map(|numbers| json!(numbers))
}
