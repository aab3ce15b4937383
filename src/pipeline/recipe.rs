//! Recipes: for each table a digest over everything that its bytes depend on.

use crate::catalogue::{Catalogue, Element};
use crate::cohort::Cohort;
use crate::files::sha256_bytes;
use crate::keys::MasterKey;
use crate::plan::{Plan, ProjectPlan};
use crate::vocab::SourceRecord;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The recipes of a run: what all tables share, and what each depends on beside it.
pub(super) struct Recipes {
    shared: Vec<Value>,
    tables: Vec<BTreeMap<String, Value>>,
}

impl Recipes {
    /// Puts the recipes of all projects together.
    pub(super) fn new(
        plan: &Plan,
        catalogue: &Catalogue,
        key: &MasterKey,
        cohorts: &[Option<Cohort>],
        sources: &BTreeMap<String, SourceRecord>,
    ) -> Self {
        let digest = |path: &String| sources.get(path).map(|s| s.sha256.clone()).unwrap_or_default();
        let links: Vec<String> =
            plan.links.iter().flat_map(|l| &l.files).map(|(facts, _, _)| digest(&facts.shown)).collect();
        let shared = plan
            .projects
            .iter()
            .zip(cohorts)
            .map(|(project, cohort)| {
                let ids = cohort.as_ref().map(|c| sha256_bytes(&c.ids().concat())).unwrap_or_default();
                json!({
                    "tool": env!("CARGO_PKG_VERSION"), "project": project.id(), "key": key.fingerprint(),
                    "epoch": project.approved.spec().epoch, "links": links, "cohort": ids,
                })
            })
            .collect();
        let tables = plan.projects.iter().map(|p| tables(p, catalogue, &digest)).collect();
        Self { shared, tables }
    }

    /// The recipe of a table, hex.
    pub(super) fn of(&self, project: usize, path: &str) -> String {
        let own = self.tables.get(project).and_then(|t| t.get(path));
        let recipe = json!([self.shared.get(project), path, own]);
        sha256_bytes(recipe.to_string().as_bytes())
    }
}

fn tables(
    project: &ProjectPlan,
    catalogue: &Catalogue,
    digest: &impl Fn(&String) -> String,
) -> BTreeMap<String, Value> {
    let spec = project.approved.spec();
    let mut tables = BTreeMap::new();
    for table in &project.tables {
        let request = spec.elements.iter().find(|r| r.rows.element == table.element);
        let element: Option<&Element> = catalogue.element(&table.element);
        let sources: Vec<String> = table.sources.iter().map(digest).collect();
        tables.insert(table.path(), json!({"request": request, "element": element, "sources": sources}));
    }
    for (linked, plan) in spec.linked.iter().zip(&project.linked) {
        let sources: Vec<String> = project.sources.iter().map(digest).collect();
        let elements: Vec<Option<&Element>> = linked.joins.iter().map(|j| catalogue.element(&j.rows.element)).collect();
        tables.insert(plan.path(), json!({"linked": linked, "elements": elements, "sources": sources}));
    }
    tables
}
