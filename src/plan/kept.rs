//! What need not be made again: tables of a project's last version that would come out the same. What only they need is
//! not read.

use super::model::{ElementScan, LinkedPlan, Linking, PEOPLE, Plan, ProjectPlan, Purpose, TablePlan, Unit, Want};
use crate::catalogue::{Element, Period};
use crate::vocab::{ElementName, Kind, Slice};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Paths below `data/` of a project's tables.
pub type Paths = BTreeSet<String>;

impl Plan {
    /// Of the tables of a project that would come out the same, those that can be kept: rows are read, and their fates
    /// counted, for all tables of a slice or for none; and for linked tables with all tables of their elements, or for none.
    #[must_use]
    pub fn can_keep(&self, project: usize, same: &Paths) -> Paths {
        let Some(of) = self.projects.get(project) else { return Paths::new() };
        let mut kept: Paths = of.paths().filter(|path| same.contains(path)).collect();
        for scan in self.release.iter().filter(|scan| !is_cut_by_slice(&scan.element)) {
            of.all_or_none(&BTreeSet::from([&scan.element.name]), &[], &mut kept);
        }
        let linked: Vec<String> = of.linked.iter().map(LinkedPlan::path).collect();
        if !linked.is_empty() {
            of.all_or_none(&self.elements_of_linked(project), &linked, &mut kept);
        }
        kept
    }

    /// The elements whose rows a project's linked tables hold.
    fn elements_of_linked(&self, project: usize) -> BTreeSet<&ElementName> {
        let feeds = |purpose: &Purpose| match purpose {
            Purpose::Table { project: of, bases } => *of == project && !bases.is_empty(),
            Purpose::Join { project: of, .. } => *of == project,
            Purpose::Set(_) => false,
        };
        let scans = self.release.iter().filter(|scan| scan.wants.iter().any(|want| feeds(&want.purpose)));
        scans.map(|scan| &scan.element.name).collect()
    }

    /// The scans that release rows, without all that only tables which are kept need. `kept` holds for each project what
    /// [`Plan::can_keep`] gave.
    #[must_use]
    pub fn without(&self, kept: &[Paths]) -> Vec<Arc<ElementScan>> {
        narrowed(&self.release, |wants, element| narrow(wants, element, &Leaving { plan: self, kept }))
    }

    /// The files that a project's cohort is selected from, below the sources folder.
    #[must_use]
    pub fn selected_from(&self, project: usize) -> BTreeSet<&str> {
        let sets = self.sets_of(|of| of == project);
        let scans = self.selection.iter().flat_map(|scan| {
            let asked = |unit: &&Unit| scan.wants.iter().any(|want| is_of(want, &sets) && want.asks_for(unit));
            scan.units.iter().filter(asked).map(|unit| unit.facts.shown.as_str()).collect::<Vec<_>>()
        });
        scans.collect()
    }

    /// The scans that select cohorts, without all that only the cohorts need which are `known`, by project.
    #[must_use]
    pub fn selection_without(&self, known: &[bool]) -> Vec<Arc<ElementScan>> {
        let sets = self.sets_of(|project| known.get(project) != Some(&true));
        narrowed(&self.selection, |wants, _| wants.retain(|want| is_of(want, &sets)))
    }

    /// What tells who is whom, of everybody.
    #[must_use]
    pub fn linking(&self) -> Linking<'_> {
        let carriers = self.selection.iter().filter(|scan| scan.element.identifier.kind == self.person);
        Linking { tables: self.links.iter().collect(), carriers: carriers.collect() }
    }

    /// What tells who is whom where all cohorts are known: of the rows that some scans release, and of people never to be
    /// released.
    #[must_use]
    pub fn linking_of(&self, release: &[Arc<ElementScan>]) -> Linking<'_> {
        let asked: BTreeSet<&Kind> = release.iter().map(|scan| &scan.element.identifier.kind).collect();
        let mut linking = self.linking();
        // Where rows carry the person kind itself, everybody must be known, whatever led to them.
        if !asked.contains(&self.person) {
            let excluded = |kind: &Kind| self.exclusions.iter().any(|exclusion| exclusion.kind == *kind);
            linking.tables.retain(|link| asked.contains(&link.kind) || excluded(&link.kind));
            linking.carriers.clear();
        }
        linking
    }

    /// The sets that the steps of some projects look at.
    fn sets_of(&self, projects: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let of = self.projects.iter().enumerate().filter(|(project, _)| projects(*project));
        of.flat_map(|(_, of)| of.steps.iter().flatten().copied()).collect()
    }

    /// Takes the tables that are kept out of the plan, and out of its scans all that only they need.
    pub fn leave_out(&mut self, kept: &[Paths]) {
        self.release = self.without(kept);
        for (project, kept) in self.projects.iter_mut().zip(kept) {
            project.tables.retain(|table| !kept.contains(&table.path()));
            project.linked.retain(|linked| !kept.contains(&linked.path()));
        }
    }

    /// The slice under which the fates of a table's rows are counted: its own, or none where all of an element is read
    /// together.
    #[must_use]
    pub fn counted_under(&self, table: &TablePlan) -> Option<Slice> {
        let mut scans = self.release.iter().filter(|scan| scan.element.name == table.element);
        table.slice.filter(|_| scans.next().is_some_and(|scan| is_cut_by_slice(&scan.element)))
    }
}

impl ProjectPlan {
    /// The paths of all its tables below `data/`, that of people among them.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        let rows = self.tables.iter().map(TablePlan::path).chain(self.linked.iter().map(LinkedPlan::path));
        rows.chain(std::iter::once(PEOPLE.to_owned()))
    }

    /// Takes the tables of some elements, and others beside them, out of what is kept, unless all of them are in it.
    fn all_or_none(&self, elements: &BTreeSet<&ElementName>, beside: &[String], kept: &mut Paths) {
        let tables = self.tables.iter().filter(|table| elements.contains(&table.element));
        let together: Vec<String> = tables.map(TablePlan::path).chain(beside.iter().cloned()).collect();
        if !together.iter().all(|path| kept.contains(path)) {
            together.iter().for_each(|path| {
                kept.remove(path);
            });
        }
    }
}

/// Whether each slice of an element lies in files of its own.
fn is_cut_by_slice(element: &Element) -> bool {
    matches!(element.period, Period::Slice { .. })
}

/// Tables that are taken out of a plan.
struct Leaving<'a> {
    plan: &'a Plan,
    kept: &'a [Paths],
}

impl Leaving<'_> {
    fn is_kept(&self, project: usize, path: &str) -> bool {
        self.kept.get(project).is_some_and(|paths| paths.contains(path))
    }

    /// Whether a project's linked tables are kept: all are, or none.
    fn linked(&self, project: usize) -> bool {
        let linked = self.plan.projects.get(project).and_then(|p| p.linked.first());
        linked.is_some_and(|linked| self.is_kept(project, &linked.path()))
    }

    /// Whether a project's table of an element is kept; without a slice, all of them.
    fn table(&self, project: usize, element: &ElementName, slice: Option<Slice>) -> bool {
        let tables = self.plan.projects.get(project).into_iter().flat_map(|p| &p.tables);
        let mut mine = tables.filter(|t| t.element == *element && (slice.is_none() || t.slice == slice)).peekable();
        mine.peek().is_some() && mine.all(|table| self.is_kept(project, &table.path()))
    }
}

/// Scans whose wants were made fewer: without the units that nobody wants any more, and without those of which nothing is left.
fn narrowed(scans: &[Arc<ElementScan>], fewer: impl Fn(&mut Vec<Want>, &Element)) -> Vec<Arc<ElementScan>> {
    let narrow = |scan: &Arc<ElementScan>| {
        let mut scan = ElementScan::clone(scan);
        fewer(&mut scan.wants, &scan.element);
        let wants = &scan.wants;
        scan.units.retain(|unit| wants.iter().any(|want| want.asks_for(unit)));
        (!scan.wants.is_empty() && !scan.units.is_empty()).then(|| Arc::new(scan))
    };
    scans.iter().filter_map(narrow).collect()
}

/// Takes out of an element's wants what only tables that are kept need.
fn narrow(wants: &mut Vec<Want>, element: &Element, leaving: &Leaving<'_>) {
    let sliced = is_cut_by_slice(element);
    wants.retain_mut(|want| match &mut want.purpose {
        Purpose::Set(_) => true,
        Purpose::Join { project, .. } => !leaving.linked(*project),
        Purpose::Table { project, bases } => {
            if leaving.linked(*project) {
                bases.clear();
            }
            match &mut want.slices {
                Some(slices) if sliced => {
                    slices.retain(|slice| !leaving.table(*project, &element.name, Some(*slice)));
                    !slices.is_empty()
                }
                _ => !leaving.table(*project, &element.name, None),
            }
        }
    });
}

/// Whether a want is for one of these sets.
fn is_of(want: &Want, sets: &BTreeSet<usize>) -> bool {
    matches!(want.purpose, Purpose::Set(set) if sets.contains(&set))
}
