//! What stands in `data/` beside the tables: the codebook and the data package, against the approval and the account. Both
//! are reckoned here anew, from spec and catalogue.

use super::expected::{Part, Role, Table};
use super::layout::Forms;
use super::tally::Tally;
use super::{Against, expected};
use crate::catalogue::{Element, Variable};
use crate::files::operation;
use crate::vocab::{Type, Years};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// No such document is larger.
const LARGEST: u64 = 256 << 20;
const CODEBOOK: &str = "codebook.csv";
const PACKAGE: &str = "datapackage.json";

/// Looks at both; gives how many lines and files should be declared.
pub(super) fn check(data: &Path, against: &Against<'_>, tally: &mut Tally) -> u64 {
    let mut tables = expected::tables(against.spec, against.catalogue, &mut Tally::default());
    tables.sort_by_key(|table| format!("{}.parquet", table.stem));
    let output = &against.spec.output;
    let forms = Forms { parquet: output.parquet, csv: output.csv };
    let mut looked = 0;
    match read(&data.join(CODEBOOK)) {
        Some(text) => looked += codebook(&text, &tables, tally),
        None => tally.refuse("dictionary-differs", CODEBOOK, "the codebook is not there, or is no text"),
    }
    match read(&data.join(PACKAGE)).and_then(|text| serde_json::from_str(&text).ok()) {
        Some(package) => looked += datapackage(&package, &tables, forms, against, tally),
        None => tally.refuse("dictionary-differs", PACKAGE, "the data package is not there, or is no JSON"),
    }
    looked
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    operation::open(path).ok()?.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// One line for each variable of each kind of table, in the order of tables and columns.
fn codebook(text: &str, tables: &[Table<'_>], tally: &mut Tally) -> u64 {
    let mut lines: Vec<(String, String, Line<'_>)> = Vec::new();
    for table in tables {
        let pattern = match (table.slice(), table.stem.split_once('/')) {
            (Some(_), Some((folder, _))) => format!("{folder}/*.parquet"),
            _ => format!("{}.parquet", table.stem),
        };
        for (part, index, variable) in variables(table) {
            let Some(column) = table.columns.get(index) else { continue };
            let known = lines.iter().position(|(of, name, _)| *of == pattern && *name == column.name);
            let at = known.unwrap_or_else(|| {
                let Role::Variable { release, .. } = column.role else { return 0 };
                let line = Line { part, variable, release: release.to_string(), kind: column.kind, slices: Vec::new() };
                lines.push((pattern.clone(), column.name.clone(), line));
                lines.len() - 1
            });
            if let (Some((_, _, line)), Some(slice)) = (lines.get_mut(at), table.slice()) {
                line.slices.push(slice);
            }
        }
    }
    let header = "table,element,column,variable,label,type,release,identifiability,sensitivity,owner,years,terms,codes";
    let mut rest = text.strip_prefix(header).and_then(|rest| rest.strip_prefix("\r\n"));
    for (pattern, column, line) in &lines {
        let wanted = line.text(pattern, column);
        rest = rest.and_then(|rest| rest.strip_prefix(wanted.as_str()));
        if rest.is_none() {
            let what =
                format!("the line of `{column}` of {pattern} is not what spec and catalogue say, or is not there");
            tally.refuse("dictionary-differs", CODEBOOK, what);
            return lines.len() as u64;
        }
    }
    if rest != Some("") {
        tally.refuse("dictionary-differs", CODEBOOK, "there are lines of what is not delivered");
    }
    lines.len() as u64
}

/// A table's variables in the order of its columns, each with the part that it comes from.
fn variables<'t>(table: &'t Table<'_>) -> impl Iterator<Item = (&'t Part<'t>, usize, &'t Variable)> {
    table.parts.iter().flat_map(|part| part.columns.iter().map(move |(index, variable, _)| (part, *index, *variable)))
}

/// A line of the codebook.
struct Line<'t> {
    part: &'t Part<'t>,
    variable: &'t Variable,
    release: String,
    kind: Type,
    slices: Vec<crate::vocab::Slice>,
}

impl Line<'_> {
    fn text(&self, pattern: &str, column: &str) -> String {
        let element: &Element = self.part.element;
        let years: Years = self.slices.iter().map(|slice| slice.year).collect();
        let mut terms: Vec<&str> = Vec::new();
        for term in self.slices.iter().filter_map(|slice| slice.term) {
            if !terms.contains(&term.as_str()) {
                terms.push(term.as_str());
            }
        }
        let of = self.variable;
        let cells = [
            pattern.to_owned(),
            element.name.to_string(),
            column.to_owned(),
            of.name.clone(),
            of.label.clone(),
            self.kind.to_string(),
            self.release.clone(),
            of.identifiability.to_string(),
            of.sensitivity.to_string(),
            element.owner.as_str().to_owned(),
            years.to_string(),
            terms.join("|"),
            of.codes.join("|"),
        ];
        let quoted = |cell: &String| {
            let plain = !cell.contains([',', '"', '\r', '\n']) && !cell.starts_with(' ') && !cell.ends_with(' ');
            if plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
        };
        cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n"
    }
}

/// One resource for each file: its digest, and its fields by name and type.
fn datapackage(package: &Value, tables: &[Table<'_>], forms: Forms, against: &Against<'_>, tally: &mut Tally) -> u64 {
    let mut resources: BTreeMap<&str, &Value> = BTreeMap::new();
    let listed = package["resources"].as_array().map_or(&[][..], Vec::as_slice);
    resources.extend(listed.iter().filter_map(|resource| Some((resource["path"].as_str()?, resource))));
    let wanted: usize = tables.iter().map(|table| forms.of(table).len()).sum();
    if resources.len() != listed.len() || listed.len() != wanted {
        tally.refuse("dictionary-differs", PACKAGE, "it does not declare each file once, and no other");
    }
    for table in tables {
        let record = |path: &str| against.account?.tables.iter().find(|record| record.path == path);
        for path in forms.of(table) {
            let Some(resource) = resources.get(path.as_str()) else {
                tally.refuse("dictionary-differs", PACKAGE, format!("{path} is not declared"));
                continue;
            };
            let same_digest = record(&path).is_none_or(|r| resource["hash"] == format!("sha256:{}", r.sha256));
            let fields = resource["schema"]["fields"].as_array().map_or(&[][..], Vec::as_slice);
            let same_fields = fields.len() == table.columns.len()
                && fields
                    .iter()
                    .zip(&table.columns)
                    .all(|(field, column)| field["name"] == column.name && field["type"] == field_type(column.kind));
            if !same_digest || !same_fields {
                let what = format!("{path} is declared with another digest, or other fields, than it has");
                tally.refuse("dictionary-differs", PACKAGE, what);
            }
        }
    }
    wanted as u64
}

/// The Data Package's name of a type.
fn field_type(kind: Type) -> &'static str {
    match kind {
        Type::Text => "string",
        Type::Bool => "boolean",
        Type::Date => "date",
        Type::Timestamp => "datetime",
        Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 => "integer",
        Type::Float32 | Type::Float64 | Type::Decimal { .. } => "number",
    }
}
