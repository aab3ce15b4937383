//! Tables that are kept: of a project's last version, those whose recipe is the same and whose bytes are still the ones that
//! were recorded. They get a second name in staging; nothing of them is read or written again but by the verifier.

use super::digests::{Digests, of_people, of_rows};
use super::recipe::Recipes;
use super::standing::{All, Standing};
use crate::engine::Engine;
use crate::files::{link_or_copy, sha256_file_while};
use crate::plan::{PEOPLE, Paths, Plan};
use crate::publish::twin_of;
use crate::spec::Output;
use crate::vocab::{Finding, Findings, Kind, Observer, Place, Result, SliceAccount, TableRecord};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// What is kept, by project.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The tables, below `data/`.
    pub(super) paths: Vec<Paths>,
    /// Of files that are not what was recorded any more.
    pub(super) findings: Findings,
}

/// What is recorded of a project's tables that are kept.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The tables.
    pub(super) tables: Vec<TableRecord>,
    /// The fates of their rows.
    pub(super) slices: Vec<SliceAccount>,
    /// How many people each link kind leads to, where the table of people is kept.
    pub(super) linked: Option<Vec<(Kind, u64)>>,
}

impl Kept {
    /// Decides what is kept. A source whose rows will be read, or that tells who is whom in them, is digested first, where its
    /// digest was only remembered: one that turns out otherwise changes what is kept.
    pub(super) fn decide(
        plan: &Plan,
        standing: &All,
        digests: &mut Digests,
        recipes: &dyn Fn(&Digests) -> Recipes,
        engine: &Engine,
    ) -> Result<(Self, Recipes)> {
        let (mut kept, mut damaged) = (Self::default(), vec![Paths::new(); plan.projects.len()]);
        loop {
            let recipes = recipes(digests);
            kept.paths.clear();
            for ((index, project), damaged) in plan.projects.iter().enumerate().zip(&damaged) {
                let same = standing.get(project.id()).map_or_else(Paths::new, |old| {
                    let output = project.approved.spec().output;
                    let same = |path: &String| old.has(path, &recipes.of(index, path), output);
                    project.paths().filter(|path| same(path) && !damaged.contains(path)).collect()
                });
                kept.paths.push(plan.can_keep(index, &same));
            }
            let release = plan.without(&kept.paths);
            let people = of_people(plan, &plan.linking_of(&release), &[]);
            let unread = digests.not_read([people, of_rows(&release)].concat());
            if !unread.is_empty() {
                digests.read(&unread, engine.threads(), engine.observer().as_ref())?;
                continue;
            }
            // The bytes last: they are many.
            let mut found = false;
            for ((project, paths), damaged) in plan.projects.iter().zip(&kept.paths).zip(&mut damaged) {
                let Some(old) = standing.get(project.id()) else { continue };
                for path in old.damaged(paths, project.approved.spec().output, engine)? {
                    kept.findings.push(old.finding(&path));
                    found |= damaged.insert(path);
                }
            }
            if !found {
                return Ok((kept, recipes));
            }
        }
    }

    /// Brings a project's kept tables into its staged data folder; gives what is recorded of them.
    pub(super) fn take_over(&self, (plan, project): (&Plan, usize), standing: &All, data: &Path) -> Result<Taken> {
        let Some((of, paths)) = plan.projects.get(project).zip(self.paths.get(project)) else {
            return Ok(Taken::default());
        };
        let Some(old) = standing.get(of.id()).filter(|_| !paths.is_empty()) else { return Ok(Taken::default()) };
        for path in paths {
            for name in forms(path, of.approved.spec().output) {
                link_or_copy(&old.data().join(&name), &data.join(&name))?;
            }
        }
        let tables = old.account.tables.iter().filter(|table| paths.contains(&table.path)).cloned().collect();
        let kept = of.tables.iter().filter(|table| paths.contains(&table.path()));
        let counted: BTreeSet<_> = kept.map(|table| (&table.element, plan.counted_under(table))).collect();
        let slices =
            old.account.slices.iter().filter(|of| counted.contains(&(&of.element, of.slice))).cloned().collect();
        let linked = paths.contains(PEOPLE).then(|| old.account.linked.clone());
        Ok(Taken { tables, slices, linked })
    }
}

impl Standing {
    /// Whether a table was made by this recipe, and is there in the forms asked for.
    fn has(&self, path: &str, recipe: &str, output: Output) -> bool {
        let there = |name: &String| self.digest_of(name).is_some() && self.data().join(name).is_file();
        self.record.reuse.get(path).is_some_and(|made| made == recipe) && forms(path, output).iter().all(there)
    }

    /// The recorded digest of a table or of its twin.
    fn digest_of(&self, name: &str) -> Option<&str> {
        let table = self.record.tables.iter().find(|table| table.path == name).map(|table| &table.sha256);
        table
            .or_else(|| self.record.csv.iter().find(|twin| twin.path == name).map(|twin| &twin.sha256))
            .map(String::as_str)
    }

    /// Whether a file has the bytes that were recorded.
    pub(super) fn is_whole(&self, name: &str, observer: &dyn Observer) -> Result<bool> {
        let read = sha256_file_while(&self.data().join(name), observer);
        observer.go_on()?;
        Ok(read.is_ok_and(|(_, sha256)| Some(sha256.as_str()) == self.digest_of(name)))
    }

    /// Of some tables those whose files are not what was recorded.
    fn damaged(&self, paths: &Paths, output: Output, engine: &Engine) -> Result<Paths> {
        let observer = engine.observer().as_ref();
        let check = |path: &String| {
            let whole = forms(path, output).into_iter().map(|name| self.is_whole(&name, observer));
            let whole = whole.collect::<Result<Vec<bool>>>()?;
            Ok((!whole.into_iter().all(|whole| whole)).then(|| path.clone()))
        };
        let checked = paths.par_iter().map(check).collect::<Result<Vec<_>>>()?;
        Ok(checked.into_iter().flatten().collect())
    }

    fn finding(&self, path: &str) -> Finding {
        let message = "the file is not what was published any more; its table is cut again";
        let place = Place::file(self.data().join(path).display().to_string());
        Finding::warning("published-file-damaged", place, message)
            .help("find out what changed it; `leo-extract verify` tells what else of that version did")
            .project(self.account.project.as_str())
    }
}

/// The files of a table, below `data/`.
fn forms(path: &str, output: Output) -> Vec<String> {
    let parquet = output.parquet.then(|| path.to_owned());
    parquet.into_iter().chain(output.csv.then(|| twin_of(path))).collect()
}
