//! Fills the manifest: from what the rooms counted to the record that stays with the data.

use super::manifest::{
    AbsentSlice, CatalogueRecord, DocumentRecord, FileRecord, KeyRecord, Linkage, Manifest, ProofRecord, SliceRecord,
    SpecRecord, Table, Tool,
};
use super::publication::Publication;
use crate::catalogue::Document;
use crate::verify::RULES;
use crate::vocab::{ElementName, Error, Result, Slice};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::Path;

/// The version of the manifest's layout.
const LAYOUT: u32 = 1;

/// The record of a publication. `csv` are the tables' twins.
pub(super) fn manifest(publication: &Publication<'_>, csv: Vec<FileRecord>) -> Result<Manifest> {
    let Publication { approved, catalogue, account, .. } = *publication;
    let spec = approved.spec();
    let mut tables: Vec<Table> = same(&account.tables)?;
    tables.sort_by(|a, b| a.path.cmp(&b.path));
    let mut slices = account.slices.clone();
    slices.sort_by(|a, b| (&a.element, a.slice).cmp(&(&b.element, b.slice)));
    let mut sources = publication.sources.to_vec();
    sources.sort();
    sources.dedup();
    Ok(Manifest {
        manifest: LAYOUT,
        tool: Tool { name: "leo-extract".to_owned(), version: publication.run.tool_version.to_owned() },
        project: same(&spec.project)?,
        revision: spec.revision,
        spec: SpecRecord { sha256: spec.sha256.clone(), text: spec.text.clone(), parsed: same(spec)? },
        as_of: (!publication.run.as_of_is_today).then(|| approved.as_of().to_string()),
        approval: same(approved.record())?,
        uses: same(approved.uses())?,
        plan: publication.plan.clone(),
        sources: same(&sources)?,
        catalogue: CatalogueRecord {
            digest: catalogue.digest.clone(),
            link_version: catalogue.links.version.clone(),
            documents: documents(publication),
        },
        links: same(publication.links)?,
        exclusions: publication.exclusions,
        key: KeyRecord {
            id: publication.key_id.to_string(),
            fingerprint: publication.key_fingerprint.to_owned(),
            published_test_key: publication.published_test_key,
            epoch: spec.epoch,
        },
        attrition: same(&account.attrition)?,
        linked: account.linked.iter().map(|(k, n)| Linkage { kind: k.to_string(), persons: *n }).collect(),
        slices: same(&slices)?,
        reuse: tables.iter().map(|t| (t.path.clone(), t.recipe.clone())).collect(),
        tables,
        csv,
        absent: absent(publication)?,
        checks: same(&publication.verdict.checks)?,
        proof: ProofRecord { rules: RULES, tables: same(&publication.verdict.of_tables)? },
        inputs: publication.inputs.to_owned(),
    })
}

/// The same thing as the manifest's own type. The fields have the same names by intent; a drift is a fault of ours.
fn same<T: Serialize + ?Sized, U: DeserializeOwned>(value: &T) -> Result<U> {
    let fault = |e: serde_json::Error| Error::Internal(format!("the manifest's layout: {e}"));
    serde_json::from_value(serde_json::to_value(value).map_err(fault)?).map_err(fault)
}

/// The catalogue files that the extract depends on: links, rules, and those of the elements used.
fn documents(publication: &Publication<'_>) -> Vec<DocumentRecord> {
    let used: BTreeSet<String> =
        publication.approved.uses().iter().map(|u| document_name(publication, &u.element)).collect();
    let needed = |d: &&Document| matches!(d.name.as_str(), "links.yaml" | "rules.yaml") || used.contains(&d.name);
    let record = |d: &Document| DocumentRecord { name: d.name.clone(), text: d.text.clone() };
    let mut documents: Vec<_> = publication.catalogue.documents.iter().filter(needed).map(record).collect();
    documents.sort_by(|a, b| a.name.cmp(&b.name));
    documents
}

/// The file that defines an element, without folders.
fn document_name(publication: &Publication<'_>, element: &ElementName) -> String {
    let file = publication.catalogue.element(element).and_then(|e| Path::new(&e.at.file).file_name()?.to_str());
    file.map_or_else(|| format!("{element}.yaml"), str::to_owned)
}

/// Approved slices that the catalogue calls absent. A slice asked for twice is told once.
fn absent(publication: &Publication<'_>) -> Result<Vec<AbsentSlice>> {
    let mut absent = BTreeSet::new();
    for request in &publication.approved.spec().elements {
        let Some(element) = publication.catalogue.element(&request.rows.element) else { continue };
        if element.period.year_kind().is_none() {
            continue;
        }
        for year in request.rows.years.iter() {
            let terms = element.terms.iter().copied();
            let asked = terms.filter(|t| request.rows.terms.is_empty() || request.rows.terms.contains(t));
            let terms: Vec<_> = if element.terms.is_empty() { vec![None] } else { asked.map(Some).collect() };
            for slice in terms.into_iter().map(|term| Slice { year, term }) {
                if let Some(why) = element.absent(slice) {
                    absent.insert((element.name.clone(), slice, why.to_owned()));
                }
            }
        }
    }
    let record = |(element, slice, why): (ElementName, Slice, String)| {
        Ok(AbsentSlice { element: element.to_string(), slice: same::<_, SliceRecord>(&slice)?, why })
    };
    absent.into_iter().map(record).collect()
}
