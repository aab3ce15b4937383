//! The tables at the end of a command, at most 80 columns wide, with counts that are safe to carry out.

use super::show::harmless;
use crate::keys::Keyring;
use crate::pipeline::{AuditView, Built, State, Unchanged};
use crate::vocab::{CheckCount, ExitCode, Findings, safe_count, safe_text};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(80).set_header(header.to_vec());
    for index in numbers {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    harmless(&path.strip_prefix(&here).unwrap_or(path).display().to_string())
}

/// What was published, and where it lies.
pub(super) fn built(all: &[Built]) -> String {
    let mut shape = table(&["project", "version", "people", "tables", "rows", "bytes", "time"], &[2, 3, 4, 5, 6]);
    for one in all {
        shape.add_row(vec![
            one.project.to_string(),
            crate::publish::version_name(one.version),
            safe_text(one.persons),
            one.tables.to_string(),
            safe_text(one.rows),
            indicatif::HumanBytes(one.bytes).to_string(),
            format!("{:.1} s", one.seconds),
        ]);
    }
    let mut text = format!("{shape}\n\n");
    for one in all {
        let _ = writeln!(text, "extract  {}", shown(&one.path));
        let _ = writeln!(text, "report   {}", shown(&one.report));
    }
    text
}

/// The same for programs.
pub(super) fn built_json(one: &Built) -> Value {
    json!({
        "project": one.project, "version": one.version, "path": one.path, "report": one.report,
        "persons": safe_count(one.persons), "tables": one.tables, "rows": safe_count(one.rows), "bytes": one.bytes,
        "seconds": one.seconds, "kept": one.kept,
    })
}

/// The projects for which nothing was to be done.
pub(super) fn unchanged(all: &[Unchanged]) -> String {
    let mut text = String::new();
    for one in all {
        let _ =
            writeln!(text, "{}: nothing has changed since {}", one.project, crate::publish::version_name(one.version));
        let _ = writeln!(text, "extract  {}", shown(&one.path));
    }
    text
}

/// The same for programs.
pub(super) fn unchanged_json(one: &Unchanged) -> Value {
    json!({"project": one.project, "version": one.version, "path": one.path})
}

/// What was verified, and what came of it.
pub(super) fn verified(path: &Path, findings: &Findings, checks: &[CheckCount]) -> String {
    let mut shape = table(&["check", "looked at"], &[1]);
    for check in checks {
        let looked = if check.looked_at == 0 { "nothing".to_owned() } else { safe_text(check.looked_at) };
        shape.add_row(vec![check.check.to_owned(), looked]);
    }
    let verdict = if super::commands::fails(findings) { "REFUSED" } else { "verified" };
    format!("{shape}\n\n{verdict}  {}\n", shown(path))
}

/// What the ledger says was published, whether it is there, and the head to note down.
pub(super) fn audited(view: &AuditView) -> String {
    let mut shape = table(&["project", "version", "published", "key", "extract"], &[]);
    for one in &view.published {
        let state = match (one.signed, one.state) {
            (Some(false), _) => "NOT SIGNED BY US",
            (_, State::There) => "there",
            (_, State::Differs) => "DIFFERS",
            (_, State::Missing) => "not there",
        };
        let key = one.key.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        let version = crate::publish::version_name(one.version);
        let time: String = harmless(&one.time).chars().take(25).collect();
        shape.add_row(vec![one.project.to_string(), version, time, key, state.to_owned()]);
    }
    let verdict = if super::commands::fails(&view.findings) { "REFUSED" } else { "sound" };
    let head = view.head.as_deref().unwrap_or("none");
    format!("{shape}\n\nentries  {}\nhead     {head}\n{verdict}  {}\n", view.lines, shown(&view.ledger))
}

/// The same for programs.
pub(super) fn audited_json(view: &AuditView, findings: &Findings, exit: ExitCode) -> Value {
    let published = view.published.iter().map(|one| {
        let state = match one.state {
            State::There => "there",
            State::Differs => "differs",
            State::Missing => "missing",
        };
        json!({
            "line": one.line, "project": one.project, "version": one.version, "revision": one.revision, "time": one.time,
            "key_id": one.key, "signed": one.signed, "extract": state,
        })
    });
    json!({
        "ledger": view.ledger, "entries": view.lines, "head": view.head, "published": published.collect::<Vec<_>>(),
        "findings": findings, "exit": exit as u8,
    })
}

/// The keys of a keyring: names and fingerprints.
pub(super) fn keys(path: &Path, keyring: &Keyring) -> String {
    let mut shape = table(&["key", "current", "fingerprint"], &[]);
    for (id, current, fingerprint) in keyring.entries() {
        shape.add_row(vec![id.to_string(), if current { "yes" } else { "" }.to_owned(), fingerprint]);
    }
    let note = if keyring.is_published_test_key() {
        "\nthis is the published test key: everybody knows it; use it for synthetic data only"
    } else {
        ""
    };
    let memory = if crate::keys::kept_from_swap() {
        "kept out of swap"
    } else {
        "may be written to swap: raise the limit on locked memory"
    };
    format!("{shape}\n\nkeyring  {}\nmemory   {memory}{note}\n", shown(path))
}
