//! The one gate: a spec, a day and the records become an approved spec, or refusals that say who must decide what.

use super::records::Entry;
use super::{Approved, Decision, Records, Use};
use crate::catalogue::Catalogue;
use crate::spec::{Pick, Selection, Spec};
use crate::vocab::{ElementName, ExitCode, Finding, Findings, Owner, Place};
use jiff::civil::Date;
use std::path::Path;

/// Approves a spec for a day. `signers` is the file of allowed signers where the config names one: then every decision
/// would have to be signed, and since signatures are not built in, the spec is refused rather than taken on trust.
///
/// Every finding is an error, carries the project, and ends a run with exit code 77.
#[must_use]
pub fn approve(
    spec: Spec,
    catalogue: &Catalogue,
    records: &Records,
    as_of: Date,
    signers: Option<&Path>,
) -> (Option<Approved>, Findings) {
    let project = spec.project.id.to_string();
    let mut findings = Findings::new();
    if signers.is_some() {
        let message = "the config requires signed decisions, and checking signatures is not built in";
        let help = "take `allowed_signers` out of the config, or wait for a version that checks signatures";
        findings.push(Finding::error("signatures-not-built", spec.at.clone(), message).help(help));
    }
    if spec.secondment.ends < as_of {
        let message = format!("the secondment ended on {}, before {as_of}", spec.secondment.ends);
        let help = "nothing is built for a secondment that is over: the panel must approve a new one";
        findings.push(Finding::error("secondment-over", spec.at.clone(), message).help(help));
    }
    let uses = uses(&spec, catalogue);
    for name in looked_at(&spec).filter(|name| catalogue.element(name).is_none()) {
        // Cannot happen with the catalogue that the spec was read against; without an owner there is nobody to ask.
        let message = format!("the catalogue names no owner of {name}");
        findings
            .push(Finding::error("decision-missing", spec.at.clone(), message).help("describe it in the catalogue"));
    }
    let mut chosen = None;
    match matching(&spec, records) {
        Err(finding) => findings.push(*finding),
        Ok(entries) => {
            // Where several records approve these bytes, one that is in force is enough.
            let mut last = Findings::new();
            for entry in entries {
                last = judge(entry, &spec, catalogue, &uses, as_of);
                if last.is_empty() {
                    chosen = Some(entry.record.clone());
                    break;
                }
            }
            findings.extend(last);
        }
    }
    for finding in &mut findings {
        finding.project = Some(project.clone());
        finding.exit = ExitCode::Refused;
    }
    findings.sort_by(Finding::order);
    match chosen {
        Some(record) if findings.is_empty() => (Some(Approved { spec, record, uses, as_of }), findings),
        _ => (None, findings),
    }
}

/// The records that approve exactly these bytes under this revision, the newest name last; or why there is none.
fn matching<'r>(spec: &Spec, records: &'r Records) -> Result<Vec<&'r Entry>, Box<Finding>> {
    let id = &spec.project.id;
    let of_project: Vec<&Entry> = records.entries.iter().filter(|e| e.project == *id).collect();
    let Some(newest) = of_project.last() else {
        let message = format!("no record in {} approves {id}", records.shown_as);
        let help = format!("the DSAP must decide about it: add {}/{id}-r{}.yaml", records.shown_as, spec.revision);
        return Err(Box::new(Finding::error("approval-missing", spec.at.clone(), message).help(help)));
    };
    let same_bytes: Vec<&Entry> = of_project.iter().copied().filter(|e| e.spec_sha256 == spec.sha256).collect();
    let Some(wrong_revision) = same_bytes.last() else {
        let message = format!("{} approves another text of this spec", newest.record.file);
        let help = format!(
            "the DSAP must decide about this text (its SHA-256 is {}), or restore the text that was approved",
            spec.sha256
        );
        return Err(Box::new(Finding::error("spec-changed-since-approval", spec.at.clone(), message).help(help)));
    };
    let entries: Vec<&Entry> = same_bytes.iter().copied().filter(|e| e.record.revision == spec.revision).collect();
    if entries.is_empty() {
        let message = format!(
            "{} approves this text as revision {}, and the spec says {}",
            wrong_revision.record.file, wrong_revision.record.revision, spec.revision
        );
        let help = "mend the record: the panel approves a revision by its number and its text";
        return Err(Box::new(Finding::error("revision-differs", wrong_revision.at.clone(), message).help(help)));
    }
    Ok(entries)
}

/// Everything that keeps one record from allowing the spec on a day.
fn judge(entry: &Entry, spec: &Spec, catalogue: &Catalogue, uses: &[Use], as_of: Date) -> Findings {
    let mut findings = Findings::new();
    let mut bodies: Vec<(Owner, Vec<&ElementName>)> = vec![(Owner::DfE, Vec::new())];
    for each in uses {
        match bodies.iter_mut().find(|(owner, _)| *owner == each.owner) {
            Some((_, elements)) => elements.push(&each.element),
            None => bodies.push((each.owner, vec![&each.element])),
        }
    }
    for (owner, elements) in &bodies {
        decided(entry, *owner, elements, spec, as_of, &mut findings);
    }
    for each in uses {
        cleared(entry, each, catalogue, as_of, &mut findings);
    }
    findings
}

/// Whether a body has decided, and the decision is in force; for HESA also whether its fee is paid.
fn decided(entry: &Entry, owner: Owner, elements: &[&ElementName], spec: &Spec, as_of: Date, findings: &mut Findings) {
    let body = owner.body();
    let about = if elements.is_empty() {
        spec.project.id.to_string()
    } else {
        elements.iter().map(|e| e.as_str()).collect::<Vec<_>>().join(", ")
    };
    let of_body: Vec<(&Decision, &Place)> =
        entry.record.decisions.iter().zip(&entry.decisions_at).filter(|(d, _)| d.body == body).collect();
    let Some((newest, at)) = of_body.iter().max_by_key(|(d, _)| d.expires) else {
        let message = format!("{body} has not decided about {about}");
        let help = format!("{body} must decide, and its decision be added to {}", entry.record.file);
        findings.push(Finding::error("decision-missing", entry.at.clone(), message).help(help));
        return;
    };
    let in_force: Vec<&(&Decision, &Place)> = of_body.iter().filter(|(d, _)| is_in_force(d, as_of)).collect();
    if in_force.is_empty() {
        let (code, message) = if newest.decided > as_of {
            ("approval-not-yet-in-force", format!("{body} decides about {about} on {}, after {as_of}", newest.decided))
        } else {
            (
                "approval-expired",
                format!("{body}'s decision about {about} expired on {}, before {as_of}", newest.expires),
            )
        };
        let help = format!("{body} must decide for {as_of}, or the build wait for its day");
        findings.push(Finding::error(code, (*at).clone(), message).help(help));
        return;
    }
    let paid = in_force.iter().any(|(d, _)| d.fee_paid.is_some_and(|day| day <= as_of));
    if owner == Owner::HESA && !paid {
        let message = format!("HESA's fee for {about} is not paid on {as_of}");
        let help = "once it is paid, add `fee_paid: DATE` to HESA's decision";
        let place = in_force.first().map_or_else(|| entry.at.clone(), |(_, at)| (*at).clone());
        findings.push(Finding::error("fee-unpaid", place, message).help(help));
    }
}

fn is_in_force(decision: &Decision, as_of: Date) -> bool {
    decision.decided <= as_of && as_of <= decision.expires
}

/// Whether the panel or the owner has cleared released variables of sensitivity B.
fn cleared(entry: &Entry, each: &Use, catalogue: &Catalogue, as_of: Date, findings: &mut Findings) {
    let Some(element) = catalogue.element(&each.element) else { return };
    let sensitive: Vec<String> = each
        .released
        .iter()
        .filter(|name| element.variable(name).is_some_and(|v| v.sensitivity == 'B'))
        .map(|name| format!("`{name}`"))
        .collect();
    let body = each.owner.body();
    let clears = |d: &Decision| {
        (d.body == "DSAP" || d.body == body) && is_in_force(d, as_of) && d.clearances.iter().any(|c| c == "B")
    };
    if sensitive.is_empty() || entry.record.decisions.iter().any(clears) {
        return;
    }
    let message = format!("{} of {} have sensitivity B, and nobody cleared that", sensitive.join(", "), each.element);
    let who = if body == "DSAP" { "the DSAP".to_owned() } else { format!("the DSAP or {body}") };
    let help = format!("{who} must clear it: `clearances: [B]` in its decision");
    findings.push(Finding::error("clearance-missing", entry.at.clone(), message).help(help));
}

/// Every element that the spec looks at, in the order of requests, linked tables and steps, with what for.
fn uses(spec: &Spec, catalogue: &Catalogue) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    let linked = spec.linked.iter().flat_map(|l| &l.joins);
    let releases = spec.elements.iter().map(|r| (&r.rows, r.variables.as_slice()));
    let releases: Vec<(&Selection, &[Pick])> =
        releases.chain(linked.map(|j| (&j.rows, j.variables.as_slice()))).collect();
    for (rows, picks) in &releases {
        let Some(each) = of(&mut uses, rows, catalogue) else { continue };
        for pick in *picks {
            if !each.released.contains(&pick.variable) {
                each.released.push(pick.variable.clone());
            }
        }
    }
    let steps = spec.cohort.steps.iter().filter_map(|s| s.selection());
    for rows in releases.iter().map(|(rows, _)| *rows).chain(steps) {
        let Some(each) = of(&mut uses, rows, catalogue) else { continue };
        for name in rows.condition.as_ref().map(|c| c.variables()).unwrap_or_default() {
            let known = each.released.iter().chain(&each.selection_only).any(|n| n == name);
            if !known {
                each.selection_only.push(name.to_owned());
            }
        }
    }
    uses
}

/// The elements of all selections of a spec.
fn looked_at(spec: &Spec) -> impl Iterator<Item = &ElementName> {
    let joins = spec.linked.iter().flat_map(|l| &l.joins).map(|j| &j.rows);
    let steps = spec.cohort.steps.iter().filter_map(|s| s.selection());
    spec.elements.iter().map(|r| &r.rows).chain(joins).chain(steps).map(|rows| &rows.element)
}

fn of<'u>(uses: &'u mut Vec<Use>, rows: &Selection, catalogue: &Catalogue) -> Option<&'u mut Use> {
    let found = uses.iter().position(|u| u.element == rows.element);
    let i = match found {
        Some(i) => i,
        None => {
            let owner = catalogue.element(&rows.element)?.owner;
            let element = rows.element.clone();
            uses.push(Use { element, owner, released: Vec::new(), selection_only: Vec::new() });
            uses.len() - 1
        }
    };
    uses.get_mut(i)
}
