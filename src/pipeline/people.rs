//! Who is in which project, and which tables of the version before are kept. A cohort whose sources, steps, links and exclusions
//! are what they were is the one that the version before lists: it is not selected again, and where all are, nobody need be
//! linked whom no table asks for.

use super::cut::{Before, Clock};
use super::digests::{Digests, SourceFile, files_of, of_people, of_rows};
use super::expect::{count, flags, unmet};
use super::kept::Kept;
use super::recipe::{self, Recipes};
use super::standing::{All, Standing};
use crate::catalogue::Catalogue;
use crate::cohort::{self, Cohort, Listed};
use crate::engine::Engine;
use crate::files::Staging;
use crate::keys::MasterKey;
use crate::link::{self, Members};
use crate::plan::{ElementScan, Linking, PEOPLE, Plan, ProjectPlan};
use crate::vocab::{Error, Event, Findings, Kind, LinkAccount, Observer, Result};
use crate::write::people_of;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who is whom, and who is in which project.
pub(super) struct People {
    pub(super) members: Members,
    pub(super) cohorts: Vec<Option<Cohort>>,
    /// What the link tables held, in the order of `links.yaml`.
    pub(super) links: Vec<LinkAccount>,
    /// Why projects have no cohort.
    pub(super) findings: Findings,
}

/// What is settled before rows are read.
pub(super) type Settled = (People, Kept, Recipes);

/// What it takes to settle it.
pub(super) struct Settling<'a> {
    pub(super) engine: &'a Engine,
    pub(super) key: &'a MasterKey,
    pub(super) catalogue: &'a Catalogue,
    pub(super) plan: &'a Plan,
    pub(super) staging: &'a Staging,
}

impl Settling<'_> {
    /// Settles who is in which project, and what is kept.
    ///
    /// # Errors
    /// Where the run as a whole cannot go on.
    pub(super) fn settle(&self, before: &mut Before, clock: &mut Clock) -> Result<Settled> {
        let listed = self.listed(&before.standing, &mut before.digests)?;
        if let Some(settled) = self.settle_with(listed, before, clock)? {
            return Ok(settled);
        }
        // A source turned out not to be what was remembered of it: all are selected.
        let nobody = self.plan.projects.iter().map(|_| None).collect();
        self.settle_with(nobody, before, clock)?.ok_or_else(|| Error::Internal("a cohort of nothing".to_owned()))
    }

    /// The same with cohorts that are believed to be those of the versions before; `None` where one of them is not.
    fn settle_with(
        &self,
        listed: Vec<Option<Listed>>,
        Before { standing, digests }: &mut Before,
        clock: &mut Clock,
    ) -> Result<Option<Settled>> {
        let plan = self.plan;
        let known: Vec<bool> = listed.iter().map(Option::is_some).collect();
        let as_listed = |kept: &Kept| {
            let mut of_known = kept.paths.iter().zip(&known).filter(|(_, known)| **known);
            of_known.all(|(paths, _)| paths.contains(PEOPLE))
        };
        if known.iter().all(|known| *known) {
            let ids: Vec<_> = listed.iter().map(|of| of.as_ref().map(|of| of.ids.as_slice())).collect();
            let rows = digests.unknown(of_rows(&plan.release));
            digests.read(&rows, self.engine.threads(), self.engine.observer().as_ref())?;
            let (kept, recipes) = self.keep(&ids, standing, digests)?;
            clock.tick("keep");
            if !as_listed(&kept) {
                return Ok(None);
            }
            let linking = plan.linking_of(&plan.without(&kept.paths));
            let people = self.people((&linking, &[]), listed, (standing, digests), clock)?;
            return Ok(Some((people, kept, recipes)));
        }
        let people =
            self.people((&plan.linking(), &plan.selection_without(&known)), listed, (standing, digests), clock)?;
        let ids: Vec<_> = people.cohorts.iter().map(|of| of.as_ref().map(Cohort::ids)).collect();
        let (kept, recipes) = self.keep(&ids, standing, digests)?;
        clock.tick("keep");
        Ok(as_listed(&kept).then_some((people, kept, recipes)))
    }

    /// What is kept where projects have these people.
    fn keep(&self, ids: &[Option<&[[u8; 16]]>], standing: &All, digests: &mut Digests) -> Result<(Kept, Recipes)> {
        let of = |digests: &Digests| Recipes::new(self.plan, self.catalogue, self.key, ids, digests.records());
        Kept::decide(self.plan, standing, digests, &of, self.engine)
    }

    /// Links people, and selects the cohorts that no version before lists.
    fn people(
        &self,
        (linking, selection): (&Linking<'_>, &[Arc<ElementScan>]),
        listed: Vec<Option<Listed>>,
        (standing, digests): (&All, &mut Digests),
        clock: &mut Clock,
    ) -> Result<People> {
        let (engine, plan) = (self.engine, self.plan);
        let observer = engine.observer();
        // Linking leaves cores idle, which digests can use; of two errors that of the digests is told, whichever came first.
        observer.on(Event::Step("digest and link"));
        let rows = digests.unknown(of_rows(&plan.release));
        let first = [of_people(plan, linking, selection), rows].concat();
        let (read, members) = std::thread::scope(|scope| {
            let read = scope.spawn(|| digests.read(&first, engine.threads(), observer.as_ref()));
            let members = link::build(engine, self.key, (plan, linking), self.staging.scratch());
            (read.join(), members)
        });
        read.map_err(|_| Error::Internal("a digest was lost".to_owned()))??;
        let members = members?;
        clock.tick("digest and link");

        observer.on(Event::Step("cohort"));
        let known: Vec<bool> = listed.iter().map(Option::is_some).collect();
        let (mut cohorts, mut findings) = cohort::select(engine, self.key, (plan, selection), &members, listed)?;
        for ((project, cohort), known) in plan.projects.iter().zip(&mut cohorts).zip(known) {
            let Some(of) = cohort.as_ref() else { continue };
            let before = standing.get(project.id()).filter(|_| known).map(|old| &old.account.linked);
            let linked = |kind: &Kind| match before {
                Some(counts) => counts.iter().find(|(of, _)| of == kind).map_or(0, |(_, count)| *count),
                None => flags(of, &members, std::slice::from_ref(kind)).first().map_or(0, |(_, flags)| count(flags)),
            };
            let unmet = unmet(project.approved.spec(), of.attrition().persons, &plan.kinds, linked);
            if !unmet.is_empty() {
                findings.extend(unmet);
                *cohort = None;
            }
        }
        clock.tick("cohort");
        let links = links(plan, &members, standing);
        Ok(People { members, cohorts, links, findings })
    }

    /// The cohorts that the versions before list, for all that is known of the sources; those that nothing is known of are read.
    fn listed(&self, standing: &All, digests: &mut Digests) -> Result<Vec<Option<Listed>>> {
        let plan = self.plan;
        let files = files_of(plan);
        let everybody = of_people(plan, &plan.linking(), &[]);
        let may_be = |(index, project): (usize, &ProjectPlan)| {
            let old = standing.get(project.id()).filter(|old| old.publishes_parquet())?;
            let selected = plan.selected_from(index);
            let selected = files.iter().filter(|file| selected.contains(file.name.as_str()));
            let own: BTreeSet<&SourceFile> = everybody.iter().chain(selected).collect();
            let recorded = old.sources();
            own.iter()
                .all(|file| file.may_be_one_of(&recorded))
                .then(|| (old, own.into_iter().cloned().collect::<Vec<_>>()))
        };
        let candidates: Vec<_> = plan.projects.iter().enumerate().map(may_be).collect();
        let own = candidates.iter().flatten().flat_map(|(_, own)| own).cloned().collect();
        digests.read(&digests.unknown(own), self.engine.threads(), self.engine.observer().as_ref())?;
        let recipes = recipe::people(plan, self.catalogue, self.key, digests.records());
        let same = |(candidate, recipe): (Option<(&Standing, Vec<SourceFile>)>, String)| {
            let same = candidate.filter(|(old, _)| old.record.reuse.get(PEOPLE) == Some(&recipe));
            same.map_or(Ok(None), |(old, _)| list(old, self.engine.observer().as_ref()))
        };
        candidates.into_iter().zip(recipes).map(same).collect()
    }
}

/// The cohort that a version lists, where its table of people is the one that was published.
fn list(old: &Standing, observer: &dyn Observer) -> Result<Option<Listed>> {
    let ids = if old.is_whole(PEOPLE, observer)? { people_of(&old.data().join(PEOPLE)) } else { None };
    let attrition = old.account.attrition.clone();
    let all_there = ids.filter(|ids| u64::try_from(ids.len()) == Ok(attrition.persons));
    Ok(all_there.map(|ids| Listed { ids, attrition }))
}

/// What the link tables held: as they were read, or as the record of a version tells it for which they were the same.
fn links(plan: &Plan, members: &Members, standing: &All) -> Vec<LinkAccount> {
    let before = plan.projects.iter().find_map(|project| standing.get(project.id())).map(Standing::links);
    let before = before.unwrap_or_default();
    let of = |table: &str| members.accounts().iter().chain(&before).find(|account| account.table == table).cloned();
    plan.links.iter().filter_map(|link| of(&link.table)).collect()
}
