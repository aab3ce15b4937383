//! Approved specs and the survey become a plan; whatever the sources lack becomes findings, per project.

use super::model::{ExclusionScan, Ground, LinkScan, Plan, ProjectPlan};
use super::need::{Part, column, files_of, identifies, parts, stands, wrong_type};
use super::scan::{self, Wanting};
use super::tables;
use crate::approval::Approved;
use crate::catalogue::{Catalogue, Element, Period};
use crate::config::Exclusion;
use crate::spec::{Selection, Spec, Step};
use crate::survey::{FileFacts, Survey, files_at};
use crate::vocab::{ExitCode, Finding, Findings, Place, Type, Years};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What a plan is made from.
pub struct Input<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// The approved specs.
    pub approved: Vec<Approved>,
    /// The day on which approvals must be in force.
    pub as_of: Date,
    /// The tables of people never to be released.
    pub exclusions: &'a [Exclusion],
    /// Where things lie.
    pub ground: &'a Ground,
}

/// One use of an element by a project: rows, and the variables that it reads.
struct Use<'a> {
    element: &'a Arc<Element>,
    rows: &'a Selection,
    variables: BTreeSet<&'a str>,
}

/// The files of each part, with their footers, or why there are none.
type Parts = BTreeMap<Part, Result<Vec<Arc<FileFacts>>, Box<Finding>>>;

/// The files of one part, each with its path below the sources folder, or why there are none.
type Located = Result<Vec<(PathBuf, String)>, Box<Finding>>;

/// Makes the plan. `None` where a finding concerns all projects, or no project is left; else the plan of those that
/// pass, beside the findings of the others.
#[must_use]
pub fn make(input: Input<'_>) -> (Option<Plan>, Findings) {
    let mut findings = Findings::new();
    let elements: BTreeMap<_, Arc<Element>> =
        input.catalogue.elements.iter().map(|e| (e.name.clone(), Arc::new(e.clone()))).collect();
    let mut survey = Survey::default();
    let links = links(&input, &mut survey, &mut findings);
    let exclusions = exclusions(&input, &mut survey, &mut findings);
    if !findings.is_empty() {
        return (None, findings);
    }

    let files = survey_parts(&input, &elements, &mut survey);
    let mut per_project: Vec<(Finding, String)> = Vec::new();
    let mut refused = BTreeSet::new();
    for approved in &input.approved {
        let spec = approved.spec();
        let mut own = Findings::new();
        if let Some(version) = spec.link_version.as_ref().filter(|v| **v != input.catalogue.links.version) {
            own.push(
                Finding::error(
                    "link-version",
                    spec.at.clone(),
                    format!(
                        "the spec asks for link version {version}; the link tables are {}",
                        input.catalogue.links.version
                    ),
                )
                .help("wait for those link tables, or have the spec amended and approved again")
                .exit(ExitCode::Refused),
            );
        }
        for used in uses(spec, &elements) {
            check_use(&used, &files, &mut own);
        }
        if !own.is_empty() {
            refused.insert(spec.project.id.clone());
        }
        per_project.extend(own.into_iter().map(|f| (f, spec.project.id.to_string())));
    }
    findings.extend(merge(per_project));

    let approved: Vec<Approved> =
        input.approved.into_iter().filter(|a| !refused.contains(&a.spec().project.id)).collect();
    if approved.is_empty() {
        return (None, findings);
    }
    let mut sets: Vec<Selection> = Vec::new();
    let mut wanting = Wanting::default();
    let mut projects = Vec::with_capacity(approved.len());
    for (index, approved) in approved.into_iter().enumerate() {
        let spec = approved.spec();
        let steps = spec.cohort.steps.iter().map(|step| step.selection().map(|s| set_of(&mut sets, s))).collect();
        wanting.release(index, spec, &elements);
        let sources = uses(spec, &elements)
            .iter()
            .flat_map(|u| parts(u.element, u.rows))
            .filter_map(|part| files.get(&part)?.as_ref().ok())
            .flatten()
            .map(|f| f.shown.clone())
            .collect();
        let tables = tables::tables(spec, &elements, |part| source_names(&files, part));
        let linked = tables::linked(spec, &elements);
        projects.push(ProjectPlan { steps, tables, linked, sources, approved });
    }
    wanting.sets(&sets);
    let (selection, release) = wanting.into_scans(&elements, &files_only(files), input.ground);
    let plan = Plan {
        as_of: input.as_of,
        person: input.catalogue.links.person.clone(),
        kinds: input.catalogue.link_kinds().into_iter().cloned().collect(),
        link_version: input.catalogue.links.version.clone(),
        links,
        exclusions,
        projects,
        sets,
        selection,
        release,
    };
    (Some(plan), findings)
}

fn set_of(sets: &mut Vec<Selection>, wanted: &Selection) -> usize {
    sets.iter().position(|s| s == wanted).unwrap_or_else(|| {
        sets.push(wanted.clone());
        sets.len() - 1
    })
}

fn source_names(files: &Parts, part: &Part) -> Vec<String> {
    files.get(part).and_then(|f| f.as_ref().ok()).into_iter().flatten().map(|f| f.shown.clone()).collect()
}

fn files_only(files: Parts) -> scan::Files {
    files.into_iter().filter_map(|(part, files)| Some((part, files.ok()?))).collect()
}

/// Every use that a spec makes of elements: cohort steps, released elements, joins.
fn uses<'a>(spec: &'a Spec, elements: &'a BTreeMap<crate::vocab::ElementName, Arc<Element>>) -> Vec<Use<'a>> {
    let of_steps = spec.cohort.steps.iter().filter_map(Step::selection).map(|s| (s, &[][..]));
    let of_elements = spec.elements.iter().map(|r| (&r.rows, &r.variables[..]));
    let of_joins = spec.linked.iter().flat_map(|l| &l.joins).map(|j| (&j.rows, &j.variables[..]));
    of_steps
        .chain(of_elements)
        .chain(of_joins)
        .filter_map(|(rows, picks)| {
            let element = elements.get(&rows.element)?;
            let mut variables: BTreeSet<&str> = picks.iter().map(|p| p.variable.as_str()).collect();
            variables.extend(rows.condition.iter().flat_map(|c| c.variables()));
            Some(Use { element, rows, variables })
        })
        .collect()
}

/// Resolves all parts that any project reads, and reads their footers.
fn survey_parts(
    input: &Input<'_>,
    elements: &BTreeMap<crate::vocab::ElementName, Arc<Element>>,
    survey: &mut Survey,
) -> Parts {
    let mut wanted: BTreeMap<Part, Located> = BTreeMap::new();
    for approved in &input.approved {
        for used in uses(approved.spec(), elements) {
            for part in parts(used.element, used.rows) {
                let slice = part.1;
                wanted.entry(part).or_insert_with(|| files_of(&input.ground.sources, used.element, slice));
            }
        }
    }
    let paths: Vec<(PathBuf, String)> = wanted.values().flatten().flatten().cloned().collect();
    let problems = survey.read(&paths, input.ground.threads);
    wanted
        .into_iter()
        .map(|(part, files)| {
            let facts = files.and_then(|files| {
                files
                    .into_iter()
                    .map(|(path, shown)| match (survey.facts(&path), problems.get(&path)) {
                        (Some(facts), _) => Ok(Arc::clone(facts)),
                        (None, Some(problem)) => Err(Box::new(problem.clone())),
                        (None, None) => Err(Box::new(Finding::error(
                            "source-unreadable",
                            Place::file(shown),
                            "the file was not read",
                        ))),
                    })
                    .collect()
            });
            (part, facts)
        })
        .collect()
}

/// Everything that one use needs of its files.
fn check_use(used: &Use<'_>, files: &Parts, findings: &mut Findings) {
    let element = used.element;
    for part in parts(element, used.rows) {
        let slice = part.1;
        let facts = match files.get(&part) {
            Some(Ok(facts)) => facts,
            Some(Err(finding)) => {
                findings.push((**finding).clone());
                continue;
            }
            None => continue,
        };
        for facts in facts {
            if let Some(key) = column(facts, element, slice, &element.identifier.column, "the identifier", findings)
                && !identifies(&key.data_type)
            {
                findings.push(wrong_type(facts, &key, "an identifier (text or integer)"));
            }
            match &element.period {
                Period::Column { column: name, .. } => {
                    if let Some(year) = column(facts, element, slice, name, "the period", findings)
                        && !identifies(&year.data_type)
                    {
                        findings.push(wrong_type(facts, &year, "a year (text or integer)"));
                    }
                }
                Period::Spell { start, end, .. } => {
                    for (name, what) in [(start, "the start"), (end, "the end")] {
                        if let Some(day) = column(facts, element, slice, name, what, findings)
                            && crate::survey::conversion(&day.data_type, Type::Date) == crate::survey::Conversion::Never
                        {
                            findings.push(wrong_type(facts, &day, "a date"));
                        }
                    }
                }
                Period::Slice { .. } | Period::None => {}
            }
            for name in &used.variables {
                if let Some(variable) = element.variable(name) {
                    stands(facts, element, slice, name, variable.kind, &used.rows.years, findings);
                }
            }
        }
    }
}

/// The same finding for several projects becomes one that names them all.
fn merge(findings: Vec<(Finding, String)>) -> Findings {
    let mut merged: Vec<(Finding, Vec<String>)> = Vec::new();
    for (finding, project) in findings {
        match merged.iter_mut().find(|(f, _)| *f == finding) {
            Some((_, projects)) => {
                if !projects.contains(&project) {
                    projects.push(project);
                }
            }
            None => merged.push((finding, vec![project])),
        }
    }
    merged.into_iter().map(|(f, projects)| f.project(projects.join(", "))).collect()
}

fn links(input: &Input<'_>, survey: &mut Survey, findings: &mut Findings) -> Vec<LinkScan> {
    let mut scans = Vec::new();
    for table in &input.catalogue.links.tables {
        let files = read_all(files_at(&input.ground.sources, &table.location), survey, input, findings);
        let mut scan = LinkScan { table: table.name.clone(), kind: table.identifier.kind.clone(), files: Vec::new() };
        for facts in files {
            let person = key_column(&facts, &table.person, &table.name, findings);
            let identifier = key_column(&facts, &table.identifier.column, &table.name, findings);
            if let (Some(person), Some(identifier)) = (person, identifier) {
                scan.files.push((facts, person, identifier));
            }
        }
        scans.push(scan);
    }
    scans
}

fn exclusions(input: &Input<'_>, survey: &mut Survey, findings: &mut Findings) -> Vec<ExclusionScan> {
    let mut scans = Vec::new();
    for exclusion in input.exclusions {
        let known =
            exclusion.kind == input.catalogue.links.person || input.catalogue.link_kinds().contains(&&exclusion.kind);
        if !known {
            findings.push(
                Finding::error(
                    "exclusion-kind",
                    exclusion.at.clone(),
                    format!("no link table maps the kind {}, so these people cannot be found", exclusion.kind),
                )
                .help("use the person kind or a kind of links.yaml")
                .exit(ExitCode::Config),
            );
            continue;
        }
        let (root, name) = match (exclusion.path.parent(), exclusion.path.file_name()) {
            (Some(root), Some(name)) => (root.to_path_buf(), name.to_string_lossy().into_owned()),
            _ => (PathBuf::from("/"), exclusion.location.clone()),
        };
        let files = files_at(&root, &name).map_err(|mut finding| {
            finding.at = Place::file(&exclusion.location);
            finding.help = Some("put the table of objections there, or correct `exclusions` in the config".to_owned());
            finding
        });
        let mut scan =
            ExclusionScan { location: exclusion.location.clone(), kind: exclusion.kind.clone(), files: Vec::new() };
        for facts in read_all(files, survey, input, findings) {
            if let Some(key) = key_column(&facts, &exclusion.column, "the exclusions", findings) {
                scan.files.push((facts, key));
            }
        }
        scans.push(scan);
    }
    scans
}

fn read_all(
    files: Result<Vec<(PathBuf, String)>, Box<Finding>>,
    survey: &mut Survey,
    input: &Input<'_>,
    findings: &mut Findings,
) -> Vec<Arc<FileFacts>> {
    match files {
        Ok(files) => {
            findings.extend(survey.read(&files, input.ground.threads).into_values());
            files.iter().filter_map(|(path, _)| survey.facts(path)).map(Arc::clone).collect()
        }
        Err(finding) => {
            findings.push(*finding);
            Vec::new()
        }
    }
}

fn key_column(facts: &FileFacts, name: &str, of: &str, findings: &mut Findings) -> Option<crate::survey::ColumnFacts> {
    let mut found = facts.columns(name);
    match (found.len(), found.pop()) {
        (1, Some(column)) if identifies(&column.data_type) => Some(column),
        (1, Some(column)) => {
            findings.push(wrong_type(facts, &column, "an identifier (text or integer)"));
            None
        }
        (0, _) => {
            findings.push(
                Finding::error(
                    "column-missing",
                    Place::file(&facts.shown),
                    format!("there is no column {name} ({of})"),
                )
                .help("restore the column, or correct its name in links.yaml or the config"),
            );
            None
        }
        _ => {
            findings.push(
                Finding::error(
                    "column-ambiguous",
                    Place::file(&facts.shown),
                    format!("several columns are called {name} but for their case ({of})"),
                )
                .help("rename all but one of them"),
            );
            None
        }
    }
}

/// The years that any of some uses ask for.
#[must_use]
pub(super) fn all_years<'a>(years: impl Iterator<Item = &'a Years>) -> Years {
    let mut all = Years::default();
    years.for_each(|y| all.extend(y));
    all
}
