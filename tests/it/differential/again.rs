//! A world that changes and is built again over what was published: what is kept from the version before must be what a
//! clean build makes, and where nothing changed nothing may be made.

use super::coverage::{Coverage, Feature, Seen};
use super::random::Random;
use super::spec::{Fault, Project, World};
use super::{documents, run, store};
use crate::support::files;
use std::path::Path;

/// How a world changes between two builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Nothing,
    /// A file loses its last row.
    RowLost,
    /// The rows of a file stand the other way round.
    Reversed,
    /// A project asks for one variable less.
    VariableDropped,
    /// A project's cohort has one step less.
    StepDropped,
    /// A project's rows pass no condition any more.
    ConditionDropped,
}

/// Builds a world that agreed once more, changed or not, and compares again.
pub(super) fn agree(world: &World, root: &Path, coverage: &mut Coverage) -> Result<(), String> {
    let r = &mut Random::new(world.seed ^ 0x0a9a_1a55);
    let mut now = world.clone();
    now.settings.rebuild = true;
    let wanted = r.one(&[
        Change::Nothing,
        Change::RowLost,
        Change::RowLost,
        Change::Reversed,
        Change::VariableDropped,
        Change::StepDropped,
        Change::ConditionDropped,
    ]);
    let change = if apply(wanted, &mut now, root, r) { wanted } else { Change::Nothing };
    documents::write(&now, root);
    let before = files(&root.join("extracts"));
    let again = run::build(&now, root);
    let report = again.json();
    let told = |list: &str| report[list].as_array().map_or(0, Vec::len);
    let seen = run::judge(&now, root, &again).map_err(|why| format!("built again after {change:?}: {why}"))?;
    coverage.rebuilt += seen.rebuilt;
    let mut noted = Seen::default();
    if change == Change::Nothing {
        if told("built") > 0 {
            return Err("nothing changed, and something was built".to_owned());
        }
        let after = files(&root.join("extracts"));
        // Of what was too young to be remembered the first time, the digests may be by now. A lock may be new.
        let of_extracts = |path: &str| path != ".sources.json" && (before.contains_key(path) || !path.starts_with('.'));
        let mut all = before.keys().chain(after.keys()).filter(|path| of_extracts(path));
        if let Some(path) = all.find(|path| before.get(*path) != after.get(*path)) {
            return Err(format!("nothing changed, and `{path}` did"));
        }
        if told("unchanged") > 0 {
            noted.note(Feature::NothingChanged);
        }
    }
    let kept = |b: &serde_json::Value| b["kept"].as_u64().unwrap_or(0);
    if report["built"].as_array().into_iter().flatten().any(|b| kept(b) > 0) {
        noted.note(Feature::TablesKept);
    }
    coverage.add(&noted);
    Ok(())
}

/// Changes a world and its files; false where it has nothing to change so.
fn apply(change: Change, world: &mut World, root: &Path, r: &mut Random) -> bool {
    match change {
        Change::Nothing => false,
        Change::RowLost | Change::Reversed => {
            let planted = |p: &Project| {
                matches!(
                    p.fault,
                    Some(Fault::ColumnMissing | Fault::ColumnType | Fault::ValueDoesNotConvert | Fault::SourceMissing)
                )
            };
            // What was planted in a file must stay in it.
            if world.projects.iter().any(planted) {
                return false;
            }
            let some: Vec<usize> = (0..world.files.len()).filter(|i| world.files[*i].rows() > 0).collect();
            if some.is_empty() {
                return false;
            }
            let file = &mut world.files[r.one(&some)];
            for column in &mut file.columns {
                if change == Change::Reversed {
                    column.cells.reverse();
                } else {
                    column.cells.pop();
                }
            }
            store::write(std::slice::from_ref(file), root);
            change == Change::RowLost || file.rows() > 1
        }
        Change::VariableDropped => amend(world, r, |project, r| {
            let some = project.requests.iter_mut().filter(|request| request.picks.len() > 1);
            let mut some: Vec<_> = some.collect();
            let count = some.len();
            some.get_mut(r.below(count)).is_some_and(|request| request.picks.pop().is_some())
        }),
        Change::StepDropped => amend(world, r, |project, _| project.steps.len() > 1 && project.steps.pop().is_some()),
        Change::ConditionDropped => amend(world, r, |project, _| {
            project.requests.iter_mut().filter_map(|request| request.rows.condition.take()).count() > 0
        }),
    }
}

/// Changes the spec of one of the projects without a fault.
fn amend(world: &mut World, r: &mut Random, change: impl FnOnce(&mut Project, &mut Random) -> bool) -> bool {
    let mut some: Vec<_> = world.projects.iter_mut().filter(|project| project.fault.is_none()).collect();
    let count = some.len();
    some.get_mut(r.below(count)).is_some_and(|project| change(project, r))
}
