//! Cohort steps become people per project, with attrition counted and ranks by pseudonym.

mod rank;
mod ranks;
mod sets;

pub use rank::{Cohort, Listed};
pub(crate) use ranks::OUTSIDE;
pub use ranks::Ranks;
#[cfg(test)]
pub(crate) use ranks::ranked;

use crate::engine::Engine;
use crate::keys::MasterKey;
use crate::link::{Members, PersonSet};
use crate::plan::{ElementScan, Plan};
use crate::spec::Step;
use crate::vocab::{Attrition, Finding, Findings, Result, StepCount};
use std::sync::Arc;

/// The cohort of each project of the plan, `None` where a source or a pseudonym stands in the way; with the findings. Those
/// that a version before lists are taken as they are; the others are selected by these scans of the plan.
///
/// # Errors
/// Where the run as a whole cannot go on.
pub fn select(
    engine: &Engine,
    key: &MasterKey,
    (plan, selection): (&Plan, &[Arc<ElementScan>]),
    members: &Members,
    listed: Vec<Option<Listed>>,
) -> Result<(Vec<Option<Cohort>>, Findings)> {
    let (sets, faults) = sets::read(engine, key, (plan, selection), members)?;
    let mut findings = Findings::new();
    let mut cohorts = Vec::with_capacity(plan.projects.len());
    for (project, listed) in plan.projects.iter().zip(listed) {
        let spec = project.approved.spec();
        let mac = key.project(&spec.project.id, spec.epoch, "person");
        let cohort = match listed {
            Some(listed) => Cohort::listed(listed, members, &mac, engine.observer().as_ref()),
            None => {
                let own = faults.iter().filter(|(set, _)| project.steps.contains(&Some(*set)));
                let own: Findings = own.map(|(_, f)| f.clone().project(spec.project.id.as_str())).collect();
                if !own.is_empty() {
                    let new: Findings = own.into_iter().filter(|f| !findings.contains(f)).collect();
                    findings.extend(new);
                    cohorts.push(None);
                    continue;
                }
                let sampled = |person, share| rank::sampled(&mac, members, person, share);
                let (people, attrition) = steps(&spec.cohort.steps, &project.steps, &sets, members, sampled);
                Cohort::new(&people, attrition, members, &mac, engine.observer().as_ref())
            }
        };
        engine.observer().go_on()?;
        match cohort {
            Ok(cohort) => cohorts.push(Some(cohort)),
            Err(collision) => {
                findings.push(same_pseudonym(spec, collision));
                cohorts.push(None);
            }
        }
    }
    Ok((cohorts, findings))
}

fn same_pseudonym(spec: &crate::spec::Spec, _: rank::Collision) -> Finding {
    Finding::error("pseudonyms-collide", spec.at.clone(), "two people of the project would share one person_id")
        .help("give the project the next pseudonym epoch, and have the spec approved again")
        .project(spec.project.id.as_str())
}

/// Applies the steps in order.
fn steps(
    steps: &[Step],
    indices: &[Option<usize>],
    sets: &[PersonSet],
    members: &Members,
    sampled: impl Fn(u32, f64) -> bool,
) -> (PersonSet, Attrition) {
    let people = PersonSet::new(members.len());
    let never = PersonSet::new(members.len());
    let mut attrition = Attrition::default();
    for (step, index) in steps.iter().zip(indices) {
        let before = people.len();
        let matched = match (step, index.and_then(|i| sets.get(i))) {
            (Step::Include(_), Some(set)) => {
                never.add_all(set);
                people.add_all(set);
                people.drop_all(members.excluded());
                set.len() - set.shared(members.excluded())
            }
            (Step::Require(_), Some(set)) => {
                people.keep_only(set);
                set.len() - set.shared(members.excluded())
            }
            (Step::Exclude(_), Some(set)) => {
                people.drop_all(set);
                set.len() - set.shared(members.excluded())
            }
            (Step::RequireLink(kind), _) => match members.linked(kind) {
                Some(linked) => {
                    people.keep_only(linked);
                    linked.len() - linked.shared(members.excluded())
                }
                None => 0,
            },
            (Step::Sample(share), _) => {
                let out = PersonSet::new(members.len());
                people.iter().filter(|p| !sampled(*p, *share)).for_each(|p| out.insert(p));
                people.drop_all(&out);
                people.len()
            }
            (Step::Include(_) | Step::Require(_) | Step::Exclude(_), None) => 0,
        };
        attrition.steps.push(StepCount {
            step: step.in_words(),
            people_before: before,
            people_matched: matched,
            people_after: people.len(),
        });
    }
    never.keep_only(members.excluded());
    attrition.excluded = never.len();
    attrition.persons = people.len();
    (people, attrition)
}
