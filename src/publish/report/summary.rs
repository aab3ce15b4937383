//! The head of the report: warnings, the extract at a glance, who allowed it, and how to verify it.

use super::pairs;
use crate::publish::manifest::Manifest;
use crate::publish::publication::{Publication, version_name};
use crate::vocab::safe_text;
use maud::{Markup, html};

/// What a reader must know before anything else; nothing where there is nothing.
pub(super) fn warnings(publication: &Publication<'_>, manifest: &Manifest) -> Markup {
    let mut list: Vec<String> = Vec::new();
    if publication.published_test_key {
        list.push(
            "The pseudonyms were made with the key that is published for tests. They protect nobody: use this extract for \
             tests only."
                .to_owned(),
        );
    }
    if !publication.run.as_of_is_today {
        list.push(format!(
            "The approvals were checked as of {}, which was not the day of the build.",
            publication.run.as_of
        ));
    }
    for check in manifest.checks.iter().filter(|c| c.looked_at == 0) {
        list.push(format!("The check {} had nothing to look at.", check.check));
    }
    for absent in &manifest.absent {
        let term = absent.slice.term.as_deref().map(|t| format!(" {t}")).unwrap_or_default();
        list.push(format!("{} {}{term} has no file: {}.", absent.element, absent.slice.year, absent.why));
    }
    html! {
        @if !list.is_empty() {
            div.warning role="note" {
                p { strong { "Please note" } }
                ul { @for line in list { li { (line) } } }
            }
        }
    }
}

/// The extract at a glance.
pub(super) fn facts(publication: &Publication<'_>, manifest: &Manifest, version: u32) -> Markup {
    let rows: u64 = manifest.tables.iter().map(|t| t.rows).sum();
    let secondment = &publication.approved.spec().secondment;
    let purposes = match manifest.project.purposes.as_slice() {
        [] => "none named".to_owned(),
        some => some.join(", "),
    };
    pairs(&[
        ("Project", html! { (manifest.project.id) ", " (manifest.project.organisation) }),
        ("Version", html! { (version_name(version)) ", from revision " (manifest.revision) " of the spec" }),
        ("Built", html! { (publication.run.finished.strftime("%-d %B %Y").to_string()) }),
        ("Gateway", html! { (manifest.project.gateway_act) ", section " (manifest.project.gateway_section) }),
        ("Purposes", html! { (purposes) }),
        ("Secondment", html! { (secondment.starts.to_string()) " to " (secondment.ends.to_string()) }),
        ("People", html! { (safe_text(manifest.attrition.persons)) }),
        ("Tables and rows", html! { (manifest.tables.len()) " tables, " (safe_text(rows)) " rows" }),
        ("Link tables", html! { "version " (manifest.catalogue.link_version) }),
        (
            "Pseudonyms",
            html! { "key " (manifest.key.id) " (" code { (manifest.key.fingerprint) } "), epoch " (manifest.key.epoch) },
        ),
    ])
}

/// Who allowed what until when.
pub(super) fn allowed(publication: &Publication<'_>, manifest: &Manifest) -> Markup {
    let approval = &manifest.approval;
    let owns = |body: &str| -> String {
        let of = |owner: &str| (owner == "DfE" && body == "DSAP") || owner == body;
        let elements: Vec<&str> = manifest.uses.iter().filter(|u| of(&u.owner)).map(|u| u.element.as_str()).collect();
        if elements.is_empty() { "–".to_owned() } else { elements.join(", ") }
    };
    let rows: Vec<Vec<String>> = approval
        .decisions
        .iter()
        .map(|d| {
            let none = || "–".to_owned();
            vec![
                d.body.clone(),
                d.reference.clone(),
                d.decided.clone(),
                d.expires.clone(),
                if d.clearances.is_empty() { none() } else { d.clearances.join(", ") },
                d.fee_paid.clone().unwrap_or_else(none),
                owns(&d.body),
            ]
        })
        .collect();
    let head = ["Body", "Reference", "Decided", "Expires", "Clearances", "Fee paid", "Decides for"];
    html! {
        p {
            "These decisions were in force on " (publication.run.as_of) ". They are about the spec with exactly this digest; "
            "a spec that differs by one byte is another."
        }
        (super::table("Decisions", &head, usize::MAX, &rows))
        (pairs(&[
            ("Spec, SHA-256", html! { code { (manifest.spec.sha256) } }),
            ("Approval record", html! { (approval.file) }),
            ("Its SHA-256", html! { code { (approval.sha256) } }),
        ]))
    }
}

/// What a reader can do to prove what the page says.
pub(super) fn verify(manifest: &Manifest, record: &str, version: u32) -> Markup {
    let folder = format!("{}/{}", manifest.project.id, version_name(version));
    html! {
        p {
            "The folder of this report is a BagIt bag: any BagIt program checks that no byte of it has changed. "
            "leo-extract proves again that it holds what was approved, and that the ledger has it:"
        }
        p { code { "leo-extract verify " (folder) } }
        p { code { "leo-extract audit" } }
        (pairs(&[("Record, SHA-256", html! { code { (record) } })]))
        p {
            "The same sources, spec, catalogue and key give the same bytes under data/, and so the same digest. "
            "Verification proves that nothing unapproved was released; that the link tables are right, it cannot prove."
        }
    }
}
