//! `data/codebook.csv`: the dictionary as one line per delivered variable, for people and spreadsheets.

use super::csv::push_row;
use super::publication::Publication;
use crate::vocab::{ColumnRecord, ElementName, TableRecord, Years};

/// What each line says, in this order.
const HEADER: [&str; 13] = [
    "table",
    "element",
    "column",
    "variable",
    "label",
    "type",
    "release",
    "identifiability",
    "sensitivity",
    "owner",
    "years",
    "terms",
    "codes",
];

struct Line<'a> {
    table: String,
    column: &'a ColumnRecord,
    element: &'a ElementName,
    years: Years,
    terms: Vec<&'static str>,
}

/// The codebook of a publication.
pub(super) fn codebook(publication: &Publication<'_>) -> String {
    let mut out = String::new();
    push_row(&mut out, HEADER);
    for line in lines(publication) {
        let (variable, owner) = match publication.catalogue.element(line.element) {
            Some(element) => {
                (line.column.variable.as_deref().and_then(|name| element.variable(name)), element.owner.as_str())
            }
            None => (None, ""),
        };
        let text = |of: &dyn Fn(&crate::catalogue::Variable) -> String| variable.map(of).unwrap_or_default();
        push_row(
            &mut out,
            [
                line.table.as_str(),
                line.element.as_str(),
                &line.column.name,
                line.column.variable.as_deref().unwrap_or_default(),
                &text(&|v| v.label.clone()),
                &line.column.kind.to_string(),
                &line.column.release.to_string(),
                &text(&|v| v.identifiability.to_string()),
                &text(&|v| v.sensitivity.to_string()),
                owner,
                &line.years.to_string(),
                &line.terms.join("|"),
                &text(&|v| v.codes.join("|")),
            ],
        );
    }
    out
}

/// Each variable once a table pattern, in the order of the tables and of their columns.
fn lines<'a>(publication: &Publication<'a>) -> Vec<Line<'a>> {
    let mut tables: Vec<&TableRecord> = publication.account.tables.iter().collect();
    tables.sort_by(|a, b| a.path.cmp(&b.path));
    let mut lines: Vec<Line<'a>> = Vec::new();
    for table in tables {
        let pattern = pattern(table);
        for column in &table.columns {
            let (Some(element), Some(_)) = (&column.element, &column.variable) else { continue };
            let known = lines.iter().position(|l| l.table == pattern && l.column.name == column.name);
            let at = known.unwrap_or_else(|| {
                let (years, terms) = (Years::default(), Vec::new());
                lines.push(Line { table: pattern.clone(), column, element, years, terms });
                lines.len() - 1
            });
            if let (Some(line), Some(slice)) = (lines.get_mut(at), table.slice) {
                line.years.extend(&[slice.year].into_iter().collect());
                let term = slice.term.map(crate::vocab::Term::as_str);
                line.terms.extend(term.filter(|t| !line.terms.contains(t)));
            }
        }
    }
    lines
}

/// `npd.ks4/*.parquet` for a table cut by slice, else its path.
fn pattern(table: &TableRecord) -> String {
    match (&table.slice, table.path.rsplit_once('/')) {
        (Some(_), Some((folder, _))) => format!("{folder}/*.parquet"),
        _ => table.path.clone(),
    }
}
