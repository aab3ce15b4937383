//! What cohorts come to: who is linked, and whether a spec's expectations are met.

use crate::cohort::Cohort;
use crate::link::Members;
use crate::spec::Spec;
use crate::vocab::{ExitCode, Finding, Findings, Kind, safe_text};

/// For each link kind, by rank: whether the person has an unambiguous identifier.
pub(super) fn flags(cohort: &Cohort, members: &Members, kinds: &[Kind]) -> Vec<(Kind, Vec<bool>)> {
    kinds
        .iter()
        .map(|kind| {
            let linked = members.linked(kind);
            let flags = cohort.persons().iter().map(|p| linked.is_some_and(|l| l.contains(*p))).collect();
            (kind.clone(), flags)
        })
        .collect()
}

/// How many are flagged.
pub(super) fn count(flags: &[bool]) -> u64 {
    u64::try_from(flags.iter().filter(|flag| **flag).count()).unwrap_or(0)
}

/// What the spec expects of the counts and does not find. `linked` tells how many of the cohort's `persons` a kind leads to.
pub(super) fn unmet(spec: &Spec, persons: u64, kinds: &[Kind], linked: impl Fn(&Kind) -> u64) -> Findings {
    let mut findings = Findings::new();
    let finding = |message: String| {
        Finding::error("expectation-not-met", spec.at.clone(), message)
            .help(
                "find out why the count changed; then correct the sources, or have the spec amended and approved again",
            )
            .exit(ExitCode::Refused)
            .project(spec.project.id.as_str())
    };
    if let Some((low, high)) = spec.expect.persons
        && !(low..=high).contains(&persons)
    {
        let persons = safe_text(persons);
        findings.push(finding(format!("the cohort holds {persons} people; the spec expects {low} to {high}")));
    }
    for (kind, low, high) in &spec.expect.linked {
        let linked = linked(kind);
        #[expect(clippy::cast_precision_loss, reason = "a share of people")]
        let share = if persons == 0 { 0.0 } else { linked as f64 / persons as f64 };
        if !kinds.contains(kind) || share < *low || share > *high {
            findings.push(finding(format!(
                "{:.0} per cent of the cohort have an identifier of kind {kind}; the spec expects {low} to {high}",
                share * 100.0
            )));
        }
    }
    findings
}
