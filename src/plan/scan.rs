//! One scan an element, shared by all who want rows of it.

use super::make::all_years;
use super::model::{ElementScan, Flag, Ground, Purpose, Unit, View, ViewColumn, Want};
use super::need::{Part, column, cut, parts, stands};
use crate::catalogue::{Element, Period};
use crate::spec::{Pick, Selection, Spec};
use crate::survey::FileFacts;
use crate::vocab::{ElementName, Findings, ProjectId, Release, Slice, Years};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The files of each part.
pub(super) type Files = BTreeMap<Part, Vec<Arc<FileFacts>>>;

/// Rows of a file that one unit reads at most, about: small enough that no core idles at the end.
const ROWS_PER_UNIT: u64 = 2_000_000;

/// What is wanted of the elements so far.
#[derive(Default)]
pub(super) struct Wanting {
    selection: Vec<Wish>,
    release: Vec<Wish>,
}

/// Rows and columns of one element, and what for.
struct Wish {
    rows: Selection,
    picks: Vec<Pick>,
    project: Option<(ProjectId, u32)>,
    purpose: Purpose,
}

impl Wanting {
    /// Adds what a spec releases.
    pub(super) fn release(&mut self, project: usize, spec: &Spec, elements: &BTreeMap<ElementName, Arc<Element>>) {
        let named = Some((spec.project.id.clone(), spec.epoch));
        for request in spec.elements.iter().filter(|r| elements.contains_key(&r.rows.element)) {
            let of = |l: &crate::spec::Linked| l.from == request.rows.element;
            let bases = spec.linked.iter().enumerate().filter(|(_, l)| of(l)).map(|(i, _)| i).collect();
            self.release.push(Wish {
                rows: request.rows.clone(),
                picks: request.variables.clone(),
                project: named.clone(),
                purpose: Purpose::Table { project, bases },
            });
        }
        for (linked, plan) in spec.linked.iter().enumerate() {
            for (join, wanted) in plan.joins.iter().enumerate() {
                self.release.push(Wish {
                    rows: wanted.rows.clone(),
                    picks: wanted.variables.clone(),
                    project: named.clone(),
                    purpose: Purpose::Join { project, linked, join },
                });
            }
        }
    }

    /// Adds the selections of all cohort steps.
    pub(super) fn sets(&mut self, sets: &[Selection]) {
        for (i, rows) in sets.iter().enumerate() {
            self.selection.push(Wish {
                rows: rows.clone(),
                picks: Vec::new(),
                project: None,
                purpose: Purpose::Set(i),
            });
        }
    }

    /// Makes the scans: first those that select cohorts, then those that release rows.
    pub(super) fn into_scans(
        self,
        elements: &BTreeMap<ElementName, Arc<Element>>,
        files: &Files,
        ground: &Ground,
    ) -> (Vec<Arc<ElementScan>>, Vec<Arc<ElementScan>>) {
        (scans(self.selection, elements, files, ground), scans(self.release, elements, files, ground))
    }
}

fn scans(
    wishes: Vec<Wish>,
    elements: &BTreeMap<ElementName, Arc<Element>>,
    files: &Files,
    ground: &Ground,
) -> Vec<Arc<ElementScan>> {
    let mut by_element: BTreeMap<ElementName, Vec<Wish>> = BTreeMap::new();
    for wish in wishes {
        by_element.entry(wish.rows.element.clone()).or_default().push(wish);
    }
    by_element
        .into_iter()
        .filter_map(|(name, wishes)| Some(Arc::new(scan(elements.get(&name)?, &wishes, files, ground))))
        .collect()
}

fn scan(element: &Arc<Element>, wishes: &[Wish], files: &Files, ground: &Ground) -> ElementScan {
    let mut view = View::default();
    if let Period::Column { encoding, .. } = &element.period {
        view.year = Some(*encoding);
    }
    let mut wants = Vec::with_capacity(wishes.len());
    let mut needed: BTreeMap<Part, BTreeMap<String, Years>> = BTreeMap::new();
    for wish in wishes {
        let columns = wish.picks.iter().filter_map(|p| view_column(&mut view, element, p, wish.project.as_ref()));
        let columns = columns.collect();
        let condition = wish.rows.condition.as_ref().map(|c| {
            c.variables().iter().for_each(|v| {
                variable_index(&mut view, element, v);
            });
            flag_index(&mut view, Flag::Where(c.clone()))
        });
        let spell = match &element.period {
            Period::Spell { calendar, .. } => Some(flag_index(
                &mut view,
                Flag::Spell { years: wish.rows.years.clone(), mode: wish.rows.spells, calendar: *calendar },
            )),
            _ => None,
        };
        let slices = matches!(element.period, Period::Slice { .. })
            .then(|| element.slices(&wish.rows.years, &wish.rows.terms).into_iter().collect::<BTreeSet<Slice>>());
        // A year that the catalogue calls absent holds no row, whatever a source says.
        let years = matches!(element.period, Period::Column { .. })
            .then(|| element.slices(&wish.rows.years, &[]).into_iter().map(|s| s.year).collect::<Years>());
        for part in parts(element, &wish.rows) {
            let variables = needed.entry(part).or_default();
            let picked = wish.picks.iter().map(|p| p.variable.as_str());
            for name in picked.chain(wish.rows.condition.iter().flat_map(|c| c.variables())) {
                let years = variables.entry(name.to_owned()).or_default();
                *years = all_years([&*years, &wish.rows.years].into_iter());
            }
        }
        wants.push(Want { purpose: wish.purpose.clone(), slices, years, spell, condition, columns });
    }
    let mut units = Vec::new();
    for (group, (part, variables)) in needed.iter().enumerate() {
        for facts in files.get(part).into_iter().flatten() {
            units.extend(units_of(element, part.1, group, facts, variables, &view, ground));
        }
    }
    ElementScan { element: Arc::clone(element), units, view, wants }
}

/// The pieces of one file. Whatever a file lacks was found before, so the findings of this pass are empty.
fn units_of(
    element: &Element,
    slice: Option<Slice>,
    group: usize,
    facts: &Arc<FileFacts>,
    needed: &BTreeMap<String, Years>,
    view: &View,
    ground: &Ground,
) -> Vec<Unit> {
    let mut none = Findings::new();
    let find = |name: &str, none: &mut Findings| column(facts, element, slice, name, "", none);
    let Some(key) = find(&element.identifier.column, &mut none) else { return Vec::new() };
    let year = match &element.period {
        Period::Column { column, .. } => find(column, &mut none),
        _ => None,
    };
    let spell = match &element.period {
        Period::Spell { start, end, .. } => find(start, &mut none).zip(find(end, &mut none)),
        _ => None,
    };
    let variables: Vec<_> = view
        .variables
        .iter()
        .map(|(name, kind)| match needed.get(name) {
            Some(years) => stands(facts, element, slice, name, *kind, years, &mut none),
            None => Vec::new(),
        })
        .collect();
    let share = facts.rows.div_ceil(u64::try_from(ground.threads.max(1)).unwrap_or(1)).max(100_000);
    cut(facts, ROWS_PER_UNIT.min(share))
        .into_iter()
        .map(|(row_groups, rows)| Unit {
            facts: Arc::clone(facts),
            row_groups,
            rows,
            slice,
            group,
            key: key.clone(),
            year: year.clone(),
            spell: spell.clone(),
            variables: variables.clone(),
        })
        .collect()
}

fn variable_index(view: &mut View, element: &Element, name: &str) -> Option<usize> {
    if let Some(i) = view.variables.iter().position(|(n, _)| n == name) {
        return Some(i);
    }
    let variable = element.variable(name)?;
    view.variables.push((variable.name.clone(), variable.kind));
    Some(view.variables.len() - 1)
}

fn flag_index(view: &mut View, flag: Flag) -> usize {
    view.flags.iter().position(|f| *f == flag).unwrap_or_else(|| {
        view.flags.push(flag);
        view.flags.len() - 1
    })
}

fn view_column(view: &mut View, element: &Element, pick: &Pick, project: Option<&(ProjectId, u32)>) -> Option<usize> {
    let variable = variable_index(view, element, &pick.variable)?;
    let kind = pick.release.released_type(view.variables.get(variable)?.1);
    let project = matches!(pick.release, Release::Pseudonymise(_)).then(|| project.cloned()).flatten();
    let column = ViewColumn { variable, release: pick.release.clone(), project, kind };
    Some(view.columns.iter().position(|c| *c == column).unwrap_or_else(|| {
        view.columns.push(column);
        view.columns.len() - 1
    }))
}
