//! The set of people of each distinct selection: one narrow scan an element, for all steps of all projects.

use crate::engine::{Engine, Fault};
use crate::keys::MasterKey;
use crate::link::{Joined, Members, NOBODY, PersonSet, Rows, UnitFault};
use crate::plan::{ElementScan, Plan, Purpose, Want};
use crate::vocab::{Error, Event, Finding, Result, YearPlaces};
use arrow::array::Array;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// For each set that a source fault touches: its index and the finding.
pub(super) type Faults = Vec<(usize, Finding)>;

/// Reads selections of a plan. Returns its sets, empty where no scan asks for them, and for each set that a source fault touches,
/// the finding.
pub(super) fn read(
    engine: &Engine,
    key: &MasterKey,
    (plan, selection): (&Plan, &[Arc<ElementScan>]),
    members: &Members,
) -> Result<(Vec<PersonSet>, Faults)> {
    let sets: Arc<Vec<PersonSet>> = Arc::new(plan.sets.iter().map(|_| PersonSet::new(members.len())).collect());
    let gate = Arc::new(Semaphore::new(engine.threads()));
    let mut faults = Vec::new();
    let outcome: Result<()> = engine.block_on(async {
        let mut work = tokio::task::JoinSet::new();
        for scan in selection {
            announce(engine, scan);
            let joined = Arc::new(Joined::remembering(engine, key, members, scan)?);
            for unit in 0..scan.units.len() {
                let (gate, sets, joined) = (Arc::clone(&gate), Arc::clone(&sets), Arc::clone(&joined));
                work.spawn(async move {
                    let _permit = gate.acquire().await;
                    let guarded = std::panic::AssertUnwindSafe(read_unit(&joined, unit, &sets));
                    let result = futures::FutureExt::catch_unwind(guarded).await;
                    // A decoder may panic on a corrupt page: that is a fault of the source.
                    let result = result.unwrap_or_else(|_| Err(joined.corrupt(unit)));
                    (joined, unit, result)
                });
            }
        }
        while let Some(done) = work.join_next().await {
            let Ok((joined, unit, result)) = done else {
                return Err(Error::Internal("a worker was lost".to_owned()));
            };
            if let Err(fault) = result {
                let finding = fault.into_finding(engine.memory())?;
                let Some(unit) = joined.scan().units.get(unit) else { continue };
                for (_, want) in joined.wants(unit) {
                    if let Purpose::Set(set) = want.purpose {
                        faults.push((set, finding.clone()));
                    }
                }
            }
        }
        Ok(())
    });
    outcome?;
    if engine.observer().interrupted() {
        return Err(Error::Interrupted);
    }
    for scan in selection {
        engine.observer().on(Event::ElementFinished { element: &scan.element.name });
    }
    let sets = Arc::into_inner(sets).ok_or_else(|| Error::Internal("a worker still runs".to_owned()))?;
    Ok((sets, faults))
}

fn announce(engine: &Engine, scan: &ElementScan) {
    let rows = scan.units.iter().map(|u| u.rows).sum();
    engine.observer().on(Event::ElementStarted { element: &scan.element.name, rows });
}

async fn read_unit(joined: &Joined, unit: usize, sets: &[PersonSet]) -> std::result::Result<(), UnitFault> {
    let Some(facts) = joined.scan().units.get(unit) else { return Ok(()) };
    let wants: Vec<(&Want, &PersonSet, Option<YearPlaces>)> = joined
        .wants(facts)
        .filter_map(|(_, want)| match want.purpose {
            Purpose::Set(set) => Some((want, sets.get(set)?, want.years.as_ref().map(YearPlaces::of))),
            Purpose::Table { .. } | Purpose::Join { .. } => None,
        })
        .collect();
    joined
        .read(unit, |rows| {
            for (want, set, years) in &wants {
                mark(&rows, want, set, years.as_ref());
            }
            Ok::<(), Fault>(())
        })
        .await
        .map(|_| ())
}

/// Adds the people of all rows that pass.
fn mark(rows: &Rows, want: &Want, set: &PersonSet, asked: Option<&YearPlaces>) {
    let persons = rows.persons();
    let years = rows.years().zip(asked);
    let spell = want.spell.map(|i| rows.flag(i));
    let condition = want.condition.map(|i| rows.flag(i));
    for (row, person) in persons.values().iter().enumerate() {
        let passes = *person < NOBODY
            && years
                .as_ref()
                .is_none_or(|(column, asked)| column.is_valid(row) && asked.place(column.value(row)).is_some())
            && spell.is_none_or(|f| f.is_valid(row) && f.value(row))
            && condition.is_none_or(|f| f.is_valid(row) && f.value(row));
        if passes {
            set.insert(*person);
        }
    }
}
