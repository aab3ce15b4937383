//! That no two projects share a pseudonym, over all that a run stages and all that is published beside it.

use super::cut::Cut;
use crate::files::operation;
use crate::publish::version_of;
use crate::verify::{first_people, share_people};
use crate::vocab::{Finding, Findings, Place, Result};
use std::path::{Path, PathBuf};

/// The first people of each project, by the project's name.
pub(super) type Peoples = Vec<(String, Vec<u128>)>;

/// The first people of the newest extract of each project in a folder of extracts, but for those named.
pub(super) fn published(extracts: &Path, but: &[&str]) -> Peoples {
    let mut peoples = Peoples::new();
    for home in operation::list(extracts).unwrap_or_default() {
        let Some(name) = home.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || but.contains(&name) || !home.is_dir() {
            continue;
        }
        if let Some((_, newest)) = newest(&home) {
            peoples.push((name.to_owned(), first_people(&newest.join("data"))));
        }
    }
    peoples
}

/// The newest version in a project's folder of extracts, by number.
pub(super) fn newest(home: &Path) -> Option<(u32, PathBuf)> {
    let versions = operation::list(home).ok()?.into_iter();
    versions.filter_map(|path| Some((version_of(path.file_name()?.to_str()?)?, path))).max()
}

/// Refuses a project that calls people as another does.
pub(super) fn check(project: &str, people: &[u128], all: &Peoples) -> Findings {
    let others = all.iter().filter(|(name, others)| name != project && share_people(people, others));
    let refuse = |(name, _): &(String, Vec<u128>)| {
        let message = format!("people have the same person_id as in {name}");
        Finding::error("pseudonyms-shared", Place::file("data/persons"), message)
            .help("no two projects may share a pseudonym: do not use the extract, and report this as a fault")
            .project(project)
    };
    others.map(refuse).collect()
}

impl Cut {
    /// The first people of all projects that are staged, and of all others that are published.
    pub(super) fn peoples(&self, extracts: &Path) -> Result<Peoples> {
        let mut staged = Peoples::new();
        for project in self.ready() {
            let people = first_people(&self.staged(project)?.join("data"));
            staged.push((self.account(project)?.project.to_string(), people));
        }
        let names: Vec<&str> = staged.iter().map(|(name, _)| name.as_str()).collect();
        let others = published(extracts, &names);
        Ok(staged.into_iter().chain(others).collect())
    }

    /// Whether a staged project calls nobody as another project does.
    pub(super) fn apart(&self, project: usize, peoples: &Peoples) -> Result<Findings> {
        let name = self.account(project)?.project.as_str();
        let own = peoples.iter().find(|(of, _)| of == name).map_or(&[][..], |(_, people)| people);
        Ok(check(name, own, peoples))
    }
}
