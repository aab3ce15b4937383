//! A plan for people and as JSON: what will be read, joined, kept and written, with estimates.

use super::model::{ElementScan, Plan, ProjectPlan, Purpose};
use super::need::columns_read;
use crate::vocab::Release;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Rows a core reads, links and filters in a second, and cells that it writes: rough, for estimates only.
const ROWS_READ_PER_SECOND: f64 = 4.0e6;
const CELLS_WRITTEN_PER_SECOND: f64 = 25.0e6;
/// Bytes that a written cell takes, about.
const BYTES_PER_CELL: u64 = 3;

/// What a build would read and write, at most.
#[derive(Debug, Clone, Copy, Default)]
struct Estimate {
    rows_read: u64,
    bytes_read: u64,
    rows_written: u64,
    cells_written: u64,
}

fn estimate(plan: &Plan) -> Estimate {
    let mut total = Estimate::default();
    for scan in plan.selection.iter().chain(&plan.release) {
        for (file, columns) in files_of(scan) {
            total.rows_read += file.1;
            total.bytes_read += columns;
        }
    }
    for link in &plan.links {
        for (facts, person, identifier) in &link.files {
            total.rows_read += facts.rows;
            total.bytes_read += facts.bytes_of(&[&person.name, &identifier.name]);
        }
    }
    for project in 0..plan.projects.len() {
        for rows in written(plan, project).values() {
            total.rows_written += rows.0;
            total.cells_written += rows.0 * rows.1;
        }
    }
    total
}

/// The files of a scan, with their rows, and the bytes of the columns read.
fn files_of(scan: &ElementScan) -> Vec<((&str, u64), u64)> {
    let mut seen: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for unit in &scan.units {
        let bytes = unit.facts.bytes_of(&columns_read(unit));
        seen.insert(&unit.facts.shown, (unit.facts.rows, bytes));
    }
    seen.into_iter().map(|(name, (rows, bytes))| ((name, rows), bytes)).collect()
}

/// For each element that a project releases: rows at most, and columns.
fn written(plan: &Plan, project: usize) -> BTreeMap<String, (u64, u64)> {
    let mut rows = BTreeMap::new();
    for scan in &plan.release {
        for want in &scan.wants {
            let Purpose::Table { project: of, .. } = &want.purpose else { continue };
            if *of != project {
                continue;
            }
            let n: u64 = scan.units.iter().filter(|u| want.asks_for(u)).map(|u| u.rows).sum();
            let columns = u64::try_from(want.columns.len()).unwrap_or(0) + 2;
            rows.insert(scan.element.name.to_string(), (n, columns));
        }
    }
    rows
}

/// The plan as JSON, with estimates; deterministic for the same sources.
#[must_use]
pub fn as_json(plan: &Plan, threads: usize) -> Value {
    let total = estimate(plan);
    let scans = |scans: &[std::sync::Arc<ElementScan>]| -> Vec<Value> {
        scans
            .iter()
            .map(|scan| {
                let files: Vec<Value> = files_of(scan)
                    .into_iter()
                    .map(|((file, rows), bytes)| json!({"file": file, "rows": rows, "bytes": bytes}))
                    .collect();
                json!({"element": scan.element.name, "projects": projects_of(plan, scan), "files": files})
            })
            .collect()
    };
    json!({
        "as_of": plan.as_of.to_string(),
        "links": {"version": plan.link_version, "person": plan.person, "tables": plan.links.iter().map(|l| json!({
            "table": l.table, "kind": l.kind, "rows": l.files.iter().map(|(f, _, _)| f.rows).sum::<u64>(),
        })).collect::<Vec<_>>()},
        "selection": scans(&plan.selection),
        "release": scans(&plan.release),
        "projects": plan.projects.iter().map(of_project).collect::<Vec<_>>(),
        "estimate": {
            "rows_read": total.rows_read, "bytes_read": total.bytes_read, "rows_written_at_most": total.rows_written,
            "bytes_written_at_most": total.cells_written * BYTES_PER_CELL, "seconds_at_most": seconds(&total, threads),
        },
    })
}

fn projects_of(plan: &Plan, scan: &ElementScan) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for want in &scan.wants {
        let of: Vec<usize> = match &want.purpose {
            Purpose::Table { project, .. } | Purpose::Join { project, .. } => vec![*project],
            Purpose::Set(set) => {
                (0..plan.projects.len()).filter(|p| plan.projects[*p].steps.contains(&Some(*set))).collect()
            }
        };
        for id in of.into_iter().filter_map(|p| plan.projects.get(p)).map(|p| p.id().to_string()) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    ids.sort();
    ids
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn seconds(total: &Estimate, threads: usize) -> f64 {
    let one_core =
        total.rows_read as f64 / ROWS_READ_PER_SECOND + total.cells_written as f64 / CELLS_WRITTEN_PER_SECOND;
    (one_core / threads.max(1) as f64 * 10.0).ceil() / 10.0
}

/// One project's part of the plan as JSON: nothing in it depends on the machine.
#[must_use]
pub fn of_project(project: &ProjectPlan) -> Value {
    let columns = |columns: &[super::model::OutColumn]| -> Vec<Value> {
        columns
            .iter()
            .map(|c| json!({"name": c.name, "element": c.element, "type": c.kind, "release": c.release}))
            .collect()
    };
    let spec = project.approved.spec();
    json!({
        "project": project.id(),
        "steps": spec.cohort.steps.iter().map(crate::spec::Step::in_words).collect::<Vec<_>>(),
        "tables": project.tables.iter().map(|t| json!({
            "path": t.path(), "columns": columns(&t.layout.columns), "sources": t.sources,
        })).collect::<Vec<_>>(),
        "linked": project.linked.iter().map(|l| json!({
            "path": l.path(), "columns": columns(&l.layout.columns),
        })).collect::<Vec<_>>(),
        "sources": project.sources,
    })
}

/// The plan for a person, at most 80 columns wide.
#[must_use]
pub fn as_text(plan: &Plan, threads: usize) -> String {
    let mut text = String::new();
    let total = estimate(plan);
    for (index, project) in plan.projects.iter().enumerate() {
        let spec = project.approved.spec();
        let _ = writeln!(text, "{}  {}", project.id(), spec.project.title);
        for step in &spec.cohort.steps {
            let detail = step.selection().map_or_else(String::new, |s| {
                let years = if s.years.is_empty() { String::new() } else { format!(", {}", s.years) };
                let filter = if s.condition.is_some() { ", filtered" } else { "" };
                format!("{years}{filter}")
            });
            let _ = writeln!(text, "  cohort: {}{detail}", step.in_words());
        }
        for (element, (rows, _)) in written(plan, index) {
            let tables = project.tables.iter().filter(|t| t.element.as_str() == element).count();
            let request = spec.elements.iter().find(|r| r.rows.element.as_str() == element);
            let coarse = request.map_or(0, |r| r.variables.iter().filter(|p| p.release != Release::AsIs).count());
            let variables = request.map_or(0, |r| r.variables.len());
            let _ = writeln!(
                text,
                "  {element:<24} {} of {variables} variables ({coarse} coarsened), up to {} rows",
                plural(tables, "table"),
                grouped(rows)
            );
        }
        for linked in &project.linked {
            let _ =
                writeln!(text, "  {:<24} {} columns, one row a base row", linked.path(), linked.layout.columns.len());
        }
        let _ = writeln!(text);
    }
    let _ = writeln!(
        text,
        "reads    {} rows, {} of columns, in {} shared scans",
        grouped(total.rows_read),
        size(total.bytes_read),
        plan.selection.len() + plan.release.len()
    );
    let _ = writeln!(
        text,
        "writes   up to {} rows, about {}",
        grouped(total.rows_written),
        size(total.cells_written * BYTES_PER_CELL)
    );
    let _ = writeln!(text, "time     at most about {} s on {}", seconds(&total, threads), plural(threads, "thread"));
    text
}

fn plural(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn size(bytes: u64) -> String {
    let (mut amount, mut unit) = (bytes as f64, "B");
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if amount < 1024.0 {
            break;
        }
        (amount, unit) = (amount / 1024.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{amount:.1} {unit}") }
}
