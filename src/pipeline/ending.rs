//! What ends a cut, for all projects at a time: tables of people, SHA-512 of all tables, twins in CSV, accounts.

use super::expect::{count, flags};
use super::kept::Taken;
use super::recipe::Recipes;
use crate::cohort::Cohort;
use crate::engine::Engine;
use crate::extract::Extracted;
use crate::files::{Disk, sha512_files};
use crate::link::Members;
use crate::plan::{PEOPLE, Plan, ProjectPlan};
use crate::publish::write_twins;
use crate::vocab::{Error, Kind, ProjectAccount, Result, SliceAccount, TableRecord};
use crate::write::persons;
use rayon::prelude::*;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// What a cut has when its rows are written.
pub(super) struct Ending<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cohorts: &'a [Option<Cohort>],
    pub(super) members: &'a Members,
    pub(super) staged: &'a [PathBuf],
    pub(super) recipes: &'a Recipes,
    pub(super) engine: &'a Engine,
    pub(super) disk: &'a Disk,
}

/// What is made of a project anew.
type Made = (Vec<TableRecord>, Vec<SliceAccount>);

/// A project whose rows are written.
struct Project<'a> {
    index: usize,
    plan: &'a ProjectPlan,
    folder: &'a Path,
    cohort: &'a Cohort,
    linked: Vec<(Kind, u64)>,
    made: Made,
    taken: Taken,
}

impl Ending<'_> {
    /// Ends the cut. Returns the account of each project that is staged whole.
    ///
    /// # Errors
    /// A file cannot be written or read, or the run is interrupted.
    pub(super) fn accounts(&self, extracted: Extracted, taken: Vec<Taken>) -> Result<Vec<Option<ProjectAccount>>> {
        let made = extracted.tables.into_iter().zip(extracted.slices);
        let projects = self.plan.projects.iter().zip(self.staged).zip(self.cohorts).zip(made.zip(taken)).enumerate();
        let whole = projects.filter(|(index, _)| !extracted.out.contains(index));
        let mut projects: Vec<Project<'_>> = whole
            .filter_map(|(index, (((plan, folder), cohort), (made, taken)))| {
                Some(Project { index, plan, folder, cohort: cohort.as_ref()?, linked: Vec::new(), made, taken })
            })
            .collect();
        // The people of all projects at a time: each table is written by one core.
        projects.par_iter_mut().try_for_each(|project| self.people(project))?;
        self.hash(&mut projects)?;
        projects.par_iter().try_for_each(|project| {
            let (data, output) = (project.folder.join("data"), project.plan.approved.spec().output);
            write_twins(&data, output, &project.made.0, (self.disk, self.engine.observer().as_ref()))
        })?;
        let mut accounts: Vec<Option<ProjectAccount>> = self.plan.projects.iter().map(|_| None).collect();
        for project in projects {
            if let Some(place) = accounts.get_mut(project.index) {
                *place = Some(project.account());
            }
        }
        Ok(accounts)
    }

    /// Writes a project's table of people, unless it is kept.
    fn people(&self, project: &mut Project<'_>) -> Result<()> {
        if let Some(linked) = project.taken.linked.take() {
            project.linked = linked;
            return Ok(());
        }
        let recipe = self.recipes.of(project.index, PEOPLE);
        let flags = flags(project.cohort, self.members, &self.plan.kinds);
        project.linked = flags.iter().map(|(kind, flags)| (kind.clone(), count(flags))).collect();
        let beside = (self.disk, self.engine.observer().as_ref());
        let ids = project.cohort.ids();
        project.made.0.push(persons(&project.folder.join("data"), ids, &flags, recipe, beside)?);
        Ok(())
    }

    /// Tells the SHA-512 of all tables that were written, the largest first.
    fn hash(&self, projects: &mut [Project<'_>]) -> Result<()> {
        let written = projects.iter_mut().flat_map(|Project { folder, made, .. }| {
            let data = folder.join("data");
            made.0.iter_mut().map(move |table| (data.join(&table.path), table))
        });
        let mut written: Vec<_> = written.collect();
        written.sort_by_key(|(_, table)| Reverse(table.bytes));
        let (paths, tables): (Vec<PathBuf>, Vec<&mut TableRecord>) = written.into_iter().unzip();
        let found = sha512_files(&paths, self.engine.threads(), self.engine.observer().as_ref())?;
        if found.len() != tables.len() || found.iter().any(String::is_empty) {
            return Err(Error::Internal("a table without a digest".to_owned()));
        }
        tables.into_iter().zip(found).for_each(|(table, sha512)| table.sha512 = sha512);
        Ok(())
    }
}

impl Project<'_> {
    fn account(self) -> ProjectAccount {
        let (mut tables, mut slices) = self.made;
        tables.extend(self.taken.tables);
        slices.extend(self.taken.slices);
        tables.sort_by(|a, b| a.path.cmp(&b.path));
        slices.sort_by(|a, b| (&a.element, a.slice).cmp(&(&b.element, b.slice)));
        let (project, attrition) = (self.plan.id().clone(), self.cohort.attrition().clone());
        ProjectAccount { project, attrition, linked: self.linked, slices, tables }
    }
}
