//! `run.json`: what cannot be the same twice. Times, host, means, estimates against what came of them.

use super::manifest::Manifest;
use super::publication::{Publication, time_text, version_name};
use serde_json::{Map, Value, json};

/// What is true of this run only.
pub(super) fn run(publication: &Publication<'_>, manifest: &Manifest, version: u32) -> Value {
    let run = publication.run;
    let timings: Map<String, Value> =
        run.timings.iter().map(|(step, seconds)| (step.clone(), thousandths(*seconds).into())).collect();
    let elapsed = run.finished.as_millisecond().saturating_sub(run.started.as_millisecond());
    let rows_read: u64 = manifest.slices.iter().map(|s| s.fates.rows_read).sum();
    json!({
        "run": 1,
        "project": manifest.project.id,
        "version": version_name(version),
        "started": time_text(run.started),
        "finished": time_text(run.finished),
        "host": run.host,
        "threads": run.threads,
        "memory_bytes": run.memory,
        "tool_version": run.tool_version,
        "as_of": run.as_of.to_string(),
        "as_of_is_today": run.as_of_is_today,
        "seconds": timings,
        "tables_proved_before": publication.verdict.proved_before,
        "estimates": run.estimates,
        "actual": {
            "rows_read": rows_read,
            "rows_written": manifest.tables.iter().map(|t| t.rows).sum::<u64>(),
            "bytes_written": manifest.tables.iter().map(|t| t.bytes).sum::<u64>(),
            "source_bytes": manifest.sources.iter().map(|s| s.bytes).sum::<u64>(),
            "persons": manifest.attrition.persons,
            "seconds": thousandths(elapsed.max(0) as f64 / 1000.0),
        },
    })
}

fn thousandths(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
