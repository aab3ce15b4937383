//! The world that was built: its plan, made as the build makes it, and where its extracts lie.

use super::pool::Fallible;
use leo_extract::approval::{Records, approve};
use leo_extract::catalogue::Catalogue;
use leo_extract::config::Config;
use leo_extract::plan::{Ground, Input, Plan, make};
use leo_extract::spec;
use std::path::{Path, PathBuf};

/// A plan, and the `data/` folders of the extracts that were made by it.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) data: Vec<PathBuf>,
}

/// Reads the documents and all footers.
pub(crate) fn read(
    config: &Path,
    as_of: &str,
    projects: &[String],
    extracts: Option<&Path>,
    threads: usize,
) -> Fallible<World> {
    let config = Config::read(config)?;
    let as_of = as_of.parse().map_err(|_| "--as-of takes a day like 2020-01-06")?;
    let catalogue = Catalogue::read(&config.catalogue, "catalogue")?;
    let (records, _) = Records::read(&config.approvals, "approvals");
    let mut approved = Vec::new();
    for project in projects {
        let path = config.specs.join(format!("{project}.yaml"));
        let (spec, _) = spec::read(&path, project, &catalogue);
        let spec = spec.ok_or_else(|| format!("{project} has no sound spec: `leo-extract check` says why"))?;
        let (one, _) = approve(spec, &catalogue, &records, as_of, config.allowed_signers.as_deref());
        approved.push(one.ok_or_else(|| format!("{project} is not approved for that day"))?);
    }
    let ground = Ground { sources: config.sources.clone(), threads };
    let exclusions = &config.exclusions;
    let (plan, _) = make(Input { catalogue: &catalogue, approved, as_of, exclusions, ground: &ground });
    let plan = plan.filter(|plan| plan.projects.len() == projects.len());
    let plan = plan.ok_or("some project cannot be built: `leo-extract check` says why")?;
    let root = extracts.unwrap_or(&config.extracts);
    let data: Vec<PathBuf> = projects.iter().map(|project| root.join(project).join("latest/data")).collect();
    match projects.iter().zip(&data).find(|(_, folder)| !folder.is_dir()) {
        Some((project, _)) => {
            Err(format!("{project} has no extract: build it first, with all projects in one run").into())
        }
        None => Ok(World { plan, data }),
    }
}
