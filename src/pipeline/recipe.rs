//! Recipes: for each table a digest over everything that its bytes, and the fates of its rows, depend on; and one for all
//! that an extract's `data/` depends on. That of the table of people stands for the cohort, its attrition and its links too.

use super::Settings;
use crate::approval::Approved;
use crate::catalogue::{Catalogue, Element};
use crate::files::sha256_bytes;
use crate::keys::{Keyring, MasterKey};
use crate::plan::{ExclusionScan, PEOPLE, Plan, ProjectPlan};
use crate::spec::{Linked, Request, Step};
use crate::survey::FileFacts;
use crate::vocab::{ElementName, SourceRecord};
use crate::write::ENCODING;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// How recipes are put together: another number, and nothing that was made before is kept.
const RECIPE: u32 = 3;

/// The recipes of a run: what all tables of a project share, its people and their order among it, and what each depends on
/// beside it.
pub(super) struct Recipes {
    people: Vec<String>,
    shared: Vec<Value>,
    tables: Vec<BTreeMap<String, Value>>,
}

/// The digests of a run's source files, by name.
type Sources = BTreeMap<String, SourceRecord>;

fn digest(sources: &Sources, file: &str) -> String {
    sources.get(file).map(|source| source.sha256.clone()).unwrap_or_default()
}

impl Recipes {
    /// Puts the recipes of all projects together. `ids` are the people of each by pseudonym; none where it has no cohort.
    pub(super) fn new(
        plan: &Plan,
        catalogue: &Catalogue,
        key: &MasterKey,
        ids: &[Option<&[[u8; 16]]>],
        sources: &Sources,
    ) -> Self {
        let everybody = everybody(plan, sources);
        // Cohorts are large, and tables many: each project is a task of its own.
        let shared = plan.projects.par_iter().zip(ids).map(|(project, ids)| {
            let ids = ids.map(|ids| sha256_bytes(ids.as_flattened())).unwrap_or_default();
            json!({"of": of_all(project, key), "everybody": everybody, "cohort": ids})
        });
        let shared = shared.collect();
        let tables = plan.projects.par_iter().map(|p| tables(p, catalogue, sources)).collect();
        Self { people: people(plan, catalogue, key, sources), shared, tables }
    }

    /// The recipe of a table, hex.
    pub(super) fn of(&self, project: usize, path: &str) -> String {
        if path == PEOPLE {
            return self.people.get(project).cloned().unwrap_or_default();
        }
        let own = self.tables.get(project).and_then(|t| t.get(path));
        let recipe = json!([self.shared.get(project), path, own]);
        sha256_bytes(recipe.to_string().as_bytes())
    }
}

/// The recipe of each project's table of people, hex.
pub(super) fn people(plan: &Plan, catalogue: &Catalogue, key: &MasterKey, sources: &Sources) -> Vec<String> {
    let everybody = everybody(plan, sources);
    let people = plan.projects.iter().enumerate().map(|(index, project)| {
        let steps = &project.approved.spec().cohort.steps;
        let elements = steps.iter().filter_map(Step::selection).map(|rows| catalogue.element(&rows.element));
        let files = plan.selected_from(index).into_iter().map(|file| json!([file, digest(sources, file)]));
        let recipe = json!({
            "of": of_all(project, key), "everybody": everybody, "kinds": plan.kinds, "steps": steps,
            "elements": elements.collect::<Vec<_>>(), "sources": files.collect::<Vec<_>>(),
        });
        sha256_bytes(recipe.to_string().as_bytes())
    });
    people.collect()
}

/// What all tables of a project depend on.
fn of_all(project: &ProjectPlan, key: &MasterKey) -> Value {
    json!({
        "recipe": RECIPE, "tool": env!("CARGO_PKG_VERSION"), "encoding": ENCODING,
        "project": project.id(), "key": key.fingerprint(), "epoch": project.approved.spec().epoch,
    })
}

/// What says who is whom, and who must never be released.
fn everybody(plan: &Plan, sources: &Sources) -> Value {
    let links = plan.links.iter().map(|link| {
        let files = link.files.iter();
        let files = files.map(|(facts, person, id)| json!([digest(sources, &facts.shown), person.name, id.name]));
        json!([link.table, link.kind, files.collect::<Vec<_>>()])
    });
    let exclusions = plan.exclusions.iter().map(|exclusion| {
        let name = |facts: &FileFacts| exclusion_name(exclusion, &facts.shown);
        let files = exclusion.files.iter().map(|(facts, id)| json!([digest(sources, &name(facts)), id.name]));
        json!([exclusion.kind, files.collect::<Vec<_>>()])
    });
    let (links, exclusions) = (links.collect::<Vec<_>>(), exclusions.collect::<Vec<_>>());
    json!({"person": plan.person, "links": links, "exclusions": exclusions})
}

fn tables(project: &ProjectPlan, catalogue: &Catalogue, sources: &Sources) -> BTreeMap<String, Value> {
    let spec = project.approved.spec();
    let digest = |file: &String| digest(sources, file);
    let of = |name: &ElementName| (spec.elements.iter().find(|r| r.rows.element == *name), catalogue.element(name));
    let mut tables = BTreeMap::new();
    for table in &project.tables {
        let (request, element) = of(&table.element);
        // Where each slice has its own files, a table is the same whatever other years are asked for.
        let sliced = element.is_some_and(|e| matches!(e.period, crate::catalogue::Period::Slice { .. }));
        let sources: Vec<String> = table.sources.iter().map(&digest).collect();
        let request = request.map(|request| rows_and_columns(request, !sliced));
        tables.insert(table.path(), json!({"request": request, "element": element, "sources": sources}));
    }
    for (linked, plan) in spec.linked.iter().zip(&project.linked) {
        let sources: Vec<String> = project.sources.iter().map(&digest).collect();
        let base = of(&linked.from).0.map(|request| rows_and_columns(request, true));
        let elements = elements(linked, catalogue);
        tables.insert(plan.path(), json!({"linked": linked, "base": base, "elements": elements, "sources": sources}));
    }
    tables
}

/// What a request says of its tables: all but why it was made.
fn rows_and_columns(request: &Request, with_years: bool) -> Value {
    let rows = &request.rows;
    let years = with_years.then_some((&rows.years, &rows.terms));
    json!({
        "element": rows.element, "years": years, "spells": rows.spells, "where": rows.condition,
        "variables": request.variables,
    })
}

/// The base and the joined elements of a linked table.
fn elements<'a>(linked: &Linked, catalogue: &'a Catalogue) -> Vec<Option<&'a Element>> {
    let joined = linked.joins.iter().map(|join| &join.rows.element);
    std::iter::once(&linked.from).chain(joined).map(|name| catalogue.element(name)).collect()
}

/// The name by which a file of people never to be released stands in the records.
pub(super) fn exclusion_name(exclusion: &ExclusionScan, shown: &str) -> String {
    let above = Path::new(&exclusion.location).parent().unwrap_or(Path::new(""));
    above.join(shown).to_string_lossy().into_owned()
}

/// The digest of all that an extract's `data/` depends on: with the same, it would come out the same. `plan` is the
/// project's part of the plan as the record tells it.
pub(super) fn of_extract(
    approved: &Approved,
    (plan, sources): (&Value, &[SourceRecord]),
    catalogue: &Catalogue,
    settings: &Settings,
    keyring: &Keyring,
) -> String {
    let (key, mut sources) = (keyring.current(), sources.to_vec());
    sources.sort();
    let inputs = json!({
        "recipe": RECIPE, "tool": env!("CARGO_PKG_VERSION"), "encoding": ENCODING,
        "spec": approved.spec().sha256, "approval": approved.record(), "uses": approved.uses(),
        "as_of": (!settings.as_of_is_today).then(|| settings.as_of.to_string()),
        "catalogue": catalogue.digest, "plan": plan, "sources": sources,
        "key": [key.id().to_string(), key.fingerprint().to_owned()],
        "test_key": keyring.is_published_test_key(),
    });
    sha256_bytes(inputs.to_string().as_bytes())
}
