//! Projects whose newest extract is what a build would make: nothing is to be done for them, and no row is read to tell.

use super::cut::Before;
use super::digests::{SourceFile, files_of, of_project};
use super::inputs::Inputs;
use super::recipe::of_extract;
use super::standing::Standing;
use super::{Settings, Unchanged};
use crate::keys::Keyring;
use crate::plan::{self, Plan};
use crate::vocab::{Observer, Result, SourceRecord};

/// The projects of a plan whose newest extract stands as it is. Footers and what is remembered of the sources tell; a source
/// is read only where nothing else shows a change and its digest is not known.
pub(super) fn unchanged(
    plan: &Plan,
    inputs: &Inputs,
    before: &mut Before,
    (settings, keyring): (&Settings, &Keyring),
    observer: &dyn Observer,
) -> Result<Vec<Unchanged>> {
    let files = files_of(plan);
    before.digests.recall(&files);
    let mut unchanged = Vec::new();
    for (index, project) in plan.projects.iter().enumerate() {
        let Some(old) = before.standing.get(project.id()).filter(|old| old.is_there()) else { continue };
        let names = of_project(plan, index);
        let own: Vec<SourceFile> = files.iter().filter(|file| names.contains(&file.name)).cloned().collect();
        let told = plan::of_project(project);
        // As if no source had changed: where even that shows another extract, none need be read.
        let same = |sources: &[SourceRecord]| {
            let inputs = of_extract(&project.approved, (&told, sources), &inputs.catalogue, settings, keyring);
            inputs == old.record.inputs
        };
        if !same(&old.sources()) || !may_be_the_same(&own, old) {
            continue;
        }
        let unknown = before.digests.unknown(own);
        before.digests.read(&unknown, settings.threads, observer)?;
        let records = before.digests.records();
        let now: Vec<SourceRecord> = names.iter().filter_map(|name| records.get(name)).cloned().collect();
        if same(&now) {
            unchanged.push(Unchanged { project: project.id().clone(), version: old.version, path: old.folder.clone() });
        }
    }
    Ok(unchanged)
}

/// Whether the files have the names, lengths and rows that a record names.
fn may_be_the_same(own: &[SourceFile], old: &Standing) -> bool {
    let recorded = old.sources();
    own.len() == recorded.len() && own.iter().all(|file| file.may_be_one_of(&recorded))
}
