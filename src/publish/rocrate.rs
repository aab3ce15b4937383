//! `ro-crate-metadata.json`: RO-Crate 1.1 with the Process Run Crate 0.5 profile: what was made, from what, with what, by
//! whose leave. Written so that the public validators pass it; the tests of this room say which.

use super::bag::{LICENCE_TITLE, PARQUET};
use super::manifest::{DecisionRecord, FileRecord, Manifest};
use super::publication::{Publication, time_text, version_name};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The versions that the process-run profile of the validator knows.
const CRATE_VERSION: &str = "https://w3id.org/ro/crate/1.1";
const PROFILE: &str = "https://w3id.org/ro/wfrun/process/0.5";
const DONE: &str = "http://schema.org/CompletedActionStatus";

/// The crate of an extract. `files` are all files of the bag but the bag's own.
pub(super) fn crate_of(
    publication: &Publication<'_>,
    manifest: &Manifest,
    version: u32,
    identifier: Uuid,
    files: &[&FileRecord],
) -> Value {
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": id("./"),
            "conformsTo": id(CRATE_VERSION),
        }),
        root(publication, manifest, version, identifier, files),
        json!({"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}),
        json!({
            "@id": "#licence", "@type": "CreativeWork", "name": LICENCE_TITLE,
            "description": "Released under the decisions listed here, for the purpose that they name, until they expire.",
        }),
        json!({"@id": DFE, "@type": "Organization", "name": "Department for Education", "url": DFE}),
        project(manifest),
        json!({
            "@id": tool_id(manifest), "@type": "SoftwareApplication", "name": manifest.tool.name,
            "url": LEO, "softwareVersion": manifest.tool.version,
        }),
        build(publication, manifest, files),
        spec(manifest),
    ];
    graph.extend(decisions(manifest));
    graph.extend(manifest.sources.iter().enumerate().map(|(i, source)| {
        json!({
            "@id": source_id(i), "@type": "CreativeWork", "name": source.path, "sha256": source.sha256,
            "encodingFormat": PARQUET,
        })
    }));
    graph.extend(properties(publication, manifest));
    graph.extend(files.iter().map(|f| file(manifest, f)));
    json!({"@context": [format!("{CRATE_VERSION}/context"), {"sha256": "https://schema.org/sha256"}], "@graph": graph})
}

const DFE: &str = "https://www.gov.uk/government/organisations/department-for-education";

/// About the data that the program is for.
const LEO: &str = "https://www.gov.uk/government/publications/longitudinal-education-outcomes-leo-dataset/\
     longitudinal-education-outcomes-leo-data";

fn id(of: &str) -> Value {
    json!({"@id": of})
}

/// A list of references; a single one stands alone, as the profile asks.
fn ids(of: impl IntoIterator<Item = String>) -> Value {
    let mut list: Vec<Value> = of.into_iter().map(|of| id(&of)).collect();
    if list.len() == 1 { list.remove(0) } else { Value::Array(list) }
}

/// The program has no page of its own: it is named below that of its data, as the profile wants an address.
fn tool_id(manifest: &Manifest) -> String {
    format!("{LEO}#{}-{}", manifest.tool.name, manifest.tool.version)
}

fn source_id(index: usize) -> String {
    format!("#source-{}", index + 1)
}

fn decision_id(index: usize) -> String {
    format!("#decision-{}", index + 1)
}

fn root(
    publication: &Publication<'_>,
    manifest: &Manifest,
    version: u32,
    identifier: Uuid,
    files: &[&FileRecord],
) -> Value {
    let project = &manifest.project;
    let mentions = std::iter::once("#build".to_owned()).chain((0..manifest.approval.decisions.len()).map(decision_id));
    json!({
        "@id": "./", "@type": "Dataset",
        "name": format!("{} {}: {}", project.id, version_name(version), project.title),
        "description": format!(
            "Extract of linked education, employment, earnings and benefits data for the approved project {}, pseudonymised; \
             people, elements, years and variables as its approved spec names them.", project.id),
        "identifier": identifier.urn().to_string(),
        "datePublished": time_text(publication.run.finished),
        "license": id("#licence"),
        "conformsTo": id(PROFILE),
        "publisher": id(DFE),
        "author": id(DFE),
        "sourceOrganization": id("#project"),
        "mentions": ids(mentions),
        "additionalProperty": ids(properties(publication, manifest).iter().filter_map(|p| Some(p["@id"].as_str()?.to_owned()))),
        "hasPart": ids(files.iter().map(|f| f.path.clone())),
    })
}

fn project(manifest: &Manifest) -> Value {
    let project = &manifest.project;
    json!({
        "@id": "#project", "@type": "Project", "name": project.title, "identifier": project.id,
        "description": format!(
            "{}; gateway {}, section {}", project.organisation, project.gateway_act, project.gateway_section),
    })
}

/// The build: what it read, what it made.
fn build(publication: &Publication<'_>, manifest: &Manifest, files: &[&FileRecord]) -> Value {
    let read = std::iter::once("#spec".to_owned()).chain((0..manifest.sources.len()).map(source_id));
    let made = files.iter().filter(|f| f.path.starts_with("data/")).map(|f| f.path.clone());
    json!({
        "@id": "#build", "@type": "CreateAction",
        "name": format!("Build of the extract of {}", manifest.project.id),
        "description": "Identifiers pseudonymised with keyed HMAC-SHA-256, joined, cut to the approved spec, verified.",
        "instrument": id(&tool_id(manifest)),
        "agent": id(DFE),
        "object": ids(read),
        "result": ids(made),
        "startTime": time_text(publication.run.started),
        "endTime": time_text(publication.run.finished),
        "actionStatus": DONE,
    })
}

fn spec(manifest: &Manifest) -> Value {
    json!({
        "@id": "#spec", "@type": "CreativeWork",
        "name": format!("Approved spec of {}, revision {}", manifest.project.id, manifest.revision),
        "description": "Its text stands in data/manifest.json.",
        "sha256": manifest.spec.sha256, "encodingFormat": "application/yaml",
    })
}

/// The approvals, as assessments of the spec, and the bodies that made them.
fn decisions(manifest: &Manifest) -> Vec<Value> {
    let decisions = &manifest.approval.decisions;
    let assess = |(i, decision): (usize, &DecisionRecord)| {
        json!({
            "@id": decision_id(i), "@type": "AssessAction",
            "name": format!("Decision {} of {}", decision.reference, decision.body),
            "description": format!("In force until {}.", decision.expires),
            "agent": id(&body_id(&decision.body)),
            "object": id("#spec"),
            "endTime": format!("{}T00:00:00+00:00", decision.decided),
            "actionStatus": DONE,
        })
    };
    let bodies: BTreeSet<&str> = decisions.iter().map(|d| d.body.as_str()).collect();
    let body = |body: &str| match body_url(body) {
        Some(url) => json!({"@id": body_id(body), "@type": "Organization", "name": body, "url": url}),
        None => json!({"@id": body_id(body), "@type": "Organization", "name": body}),
    };
    decisions.iter().enumerate().map(assess).chain(bodies.into_iter().map(body)).collect()
}

fn body_id(body: &str) -> String {
    let slug: String =
        body.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("#body-{slug}")
}

/// Where the bodies that decide can be met.
fn body_url(body: &str) -> Option<&'static str> {
    Some(match body {
        "DSAP" | "DfE" => DFE,
        "HMRC" => "https://www.gov.uk/government/organisations/hm-revenue-customs",
        "DWP" => "https://www.gov.uk/government/organisations/department-for-work-pensions",
        "ESFA" => "https://www.gov.uk/government/organisations/education-and-skills-funding-agency",
        "HESA" => "https://www.hesa.ac.uk",
        "UCAS" => "https://www.ucas.com",
        _ => return None,
    })
}

/// Our own terms, as property values. No count is among them: the crate may travel further than the data.
fn properties(publication: &Publication<'_>, manifest: &Manifest) -> Vec<Value> {
    let mut list = vec![
        ("spec_sha256", "SHA-256 of the approved spec", manifest.spec.sha256.clone()),
        ("approval_sha256", "SHA-256 of the approval record", manifest.approval.sha256.clone()),
        ("catalogue_digest", "Digest of the catalogue", manifest.catalogue.digest.clone()),
        ("link_version", "Version of the link tables", manifest.catalogue.link_version.clone()),
        ("key_id", "Name of the key behind the pseudonyms", manifest.key.id.clone()),
        ("key_fingerprint", "Fingerprint of that key", manifest.key.fingerprint.clone()),
        ("epoch", "Epoch of the pseudonyms", manifest.key.epoch.to_string()),
        ("as_of", "Day on which the approvals were in force", publication.run.as_of.to_string()),
    ];
    if !publication.run.as_of_is_today {
        list.push(("as_of_note", "That day", "not the day of the build".to_owned()));
    }
    if publication.published_test_key {
        list.push(("key_note", "The key", "published for tests: protects nobody".to_owned()));
    }
    let property = |(name, label, value): (&str, &str, String)| {
        json!({
            "@id": format!("#{name}"), "@type": "PropertyValue", "propertyID": name, "name": label, "value": value,
        })
    };
    list.into_iter().map(property).collect()
}

fn file(manifest: &Manifest, file: &FileRecord) -> Value {
    let name = file.path.strip_prefix("data/").unwrap_or(&file.path);
    let (format, description) = match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "parquet" => (PARQUET, "A table of the extract, by person_id.".to_owned()),
        "html" => ("text/html", "The report for people; its counts are safe to carry out.".to_owned()),
        "csv" if name == "codebook.csv" => ("text/csv", "The dictionary, one line per delivered variable.".to_owned()),
        "csv" => ("text/csv", "A table of the extract, by person_id.".to_owned()),
        _ if name == "manifest.json" => {
            ("application/json", format!("The record of the extract of {}.", manifest.project.id))
        }
        _ if name == "run.json" => {
            ("application/json", "What is true of this run only: times, host, means.".to_owned())
        }
        _ => ("application/json", "The dictionary as a Data Package.".to_owned()),
    };
    json!({
        "@id": file.path, "@type": "File", "name": name, "description": description, "encodingFormat": format,
        "contentSize": file.bytes.to_string(), "sha256": file.sha256,
    })
}
