//! What each project needs of each element, and whether the sources hold it.

use crate::catalogue::{Element, Period};
use crate::spec::Selection;
use crate::survey::{ColumnFacts, Conversion, FileFacts, conversion, files_at};
use crate::vocab::{ElementName, Finding, Findings, Place, Slice, Type, Year, Years, near};
use crate::yaml::clip;
use arrow::datatypes::DataType;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::model::{Stand, Unit};

/// The part of an element that a use reads: a slice, or all of it.
pub(super) type Part = (ElementName, Option<Slice>);

/// The parts of an element that a selection reads.
pub(super) fn parts(element: &Element, rows: &Selection) -> Vec<Part> {
    match element.period {
        Period::Slice { .. } => {
            element.slices(&rows.years, &rows.terms).into_iter().map(|s| (element.name.clone(), Some(s))).collect()
        }
        Period::Column { .. } | Period::Spell { .. } | Period::None => vec![(element.name.clone(), None)],
    }
}

/// The files of one part, or why there are none.
pub(super) fn files_of(
    root: &std::path::Path,
    element: &Element,
    slice: Option<Slice>,
) -> Result<Vec<(PathBuf, String)>, Box<Finding>> {
    files_at(root, &element.location.fill(slice)).map_err(|mut finding| {
        let part = slice.map_or_else(String::new, |s| format!(", {s}"));
        finding.message = format!("{} ({}{part})", finding.message, element.name);
        finding
    })
}

/// Finds the one column of a name, with or without the slice's suffix.
pub(super) fn column(
    facts: &FileFacts,
    element: &Element,
    slice: Option<Slice>,
    name: &str,
    what: &str,
    findings: &mut Findings,
) -> Option<ColumnFacts> {
    let suffixed = element.suffix.as_ref().filter(|_| slice.is_some()).map(|s| format!("{name}{}", s.fill(slice)));
    for candidate in suffixed.iter().map(String::as_str).chain([name]) {
        let mut found = facts.columns(candidate);
        match found.len() {
            0 => {}
            1 => return found.pop(),
            _ => {
                findings.push(
                    Finding::error(
                        "column-ambiguous",
                        Place::file(&facts.shown),
                        format!(
                            "several columns are called {candidate} but for their case ({what} of {})",
                            element.name
                        ),
                    )
                    .help("rename all but one of them"),
                );
                return None;
            }
        }
    }
    let wanted = suffixed.as_deref().unwrap_or(name);
    // Of a file of a million columns the first will do.
    let offers: Vec<String> = near(wanted, facts.names().take(10_000)).into_iter().map(clip).collect();
    let help = if offers.is_empty() {
        "restore the column, or correct the variable's `years` or `was` in the catalogue".to_owned()
    } else {
        format!("the file has {}; correct the source, or the variable's `was` in the catalogue", offers.join(", "))
    };
    findings.push(
        Finding::error(
            "column-missing",
            Place::file(&facts.shown),
            format!("there is no column {wanted} ({what} of {})", element.name),
        )
        .help(help),
    );
    None
}

/// Whether a stored type may hold an identifier: text or integers.
pub(super) fn identifies(stored: &DataType) -> bool {
    matches!(
        stored,
        DataType::Utf8View
            | DataType::BinaryView
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64
            | DataType::Decimal128(_, _)
            | DataType::Null
    )
}

/// A finding for a column whose stored type cannot be used.
pub(super) fn wrong_type(facts: &FileFacts, column: &ColumnFacts, wanted: &str) -> Finding {
    Finding::error(
        "column-type",
        Place::file(&facts.shown),
        format!(
            "the column {} is stored as {}, which cannot be read as {wanted}",
            column.name,
            stored_as(&column.data_type)
        ),
    )
    .help("convert the source, or correct the type in the catalogue")
}

/// A stored type in words that fit one line.
fn stored_as(stored: &DataType) -> String {
    match stored {
        DataType::Utf8View => "text".to_owned(),
        DataType::BinaryView => "bytes".to_owned(),
        DataType::Struct(_) | DataType::List(_) | DataType::Map(_, _) | DataType::LargeList(_) => {
            "a nested type".to_owned()
        }
        other => format!("{other}").to_lowercase(),
    }
}

/// Where the values of one variable stand in a file: one column, or one a spelling for elements with a year column.
/// `years` are the years that anybody asks for.
pub(super) fn stands(
    facts: &FileFacts,
    element: &Element,
    slice: Option<Slice>,
    variable: &str,
    kind: Type,
    years: &Years,
    findings: &mut Findings,
) -> Vec<Stand> {
    let Some(variable) = element.variable(variable) else { return Vec::new() };
    let by_row = matches!(element.period, Period::Column { .. });
    let mut spellings: BTreeMap<&str, Vec<Year>> = BTreeMap::new();
    if by_row {
        for year in years.iter().filter(|y| variable.collected_in(Some(*y))) {
            spellings.entry(variable.name_in(Some(year))).or_default().push(year);
        }
    } else {
        let year = slice.map(|s| s.year);
        if variable.collected_in(year) {
            spellings.insert(variable.name_in(year), Vec::new());
        }
    }
    let mut stands = Vec::new();
    for (name, of) in spellings {
        let Some(column) = column(facts, element, slice, name, "a variable", findings) else { continue };
        if conversion(&column.data_type, kind) == Conversion::Never {
            findings.push(wrong_type(facts, &column, &kind.to_string()));
            continue;
        }
        stands.push(Stand { column, years: by_row.then(|| of.into_iter().collect()) });
    }
    stands
}

/// How a file is cut into units: runs of row groups of about `rows_max` rows, so that no core idles at the end.
pub(super) fn cut(facts: &FileFacts, rows_max: u64) -> Vec<(std::ops::Range<usize>, u64)> {
    let mut cuts = Vec::new();
    let (mut start, mut rows) = (0, 0);
    for (i, group) in facts.row_groups.iter().enumerate() {
        if rows > 0 && rows + group.rows > rows_max {
            cuts.push((start..i, rows));
            (start, rows) = (i, 0);
        }
        rows += group.rows;
    }
    cuts.push((start..facts.row_groups.len(), rows));
    cuts
}

/// The columns that a unit reads, each once, by physical name.
#[must_use]
pub(super) fn columns_read(unit: &Unit) -> Vec<&str> {
    let mut names: Vec<&str> = vec![&unit.key.name];
    names.extend(unit.year.iter().map(|c| c.name.as_str()));
    names.extend(unit.spell.iter().flat_map(|(a, b)| [a.name.as_str(), b.name.as_str()]));
    names.extend(unit.variables.iter().flatten().map(|s| s.column.name.as_str()));
    names.sort_unstable();
    names.dedup();
    names
}
