//! What reaches the disk in which order: a power cut after any operation must find either version whole, so every byte and
//! every name is on the disk before anything points at it. No test can cut the power; the log of a build's operations
//! shows the order.

use super::{SPILLS, TINY, World};
use crate::files::operation::Kind::{self, Create, Folder, Link, Remove, Rename, Sync, Write};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The operations of a build, with what is asked of them.
struct Log(Vec<(Kind, PathBuf)>);

impl Log {
    fn all<'a>(&'a self, kind: Kind, path: &'a Path) -> impl DoubleEndedIterator<Item = usize> + 'a {
        let same = move |(_, (k, p)): &(usize, &(Kind, PathBuf))| *k == kind && p == path;
        self.0.iter().enumerate().filter(same).map(|(at, _)| at)
    }

    /// When an operation first happened after another.
    fn first_after(&self, kind: Kind, path: &Path, after: usize) -> usize {
        let found = self.all(kind, path).find(|at| *at > after);
        found.unwrap_or_else(|| panic!("no {kind:?} of {} after operation {after}", path.display()))
    }

    fn last_before(&self, kind: Kind, path: &Path, before: usize) -> Option<usize> {
        self.all(kind, path).rfind(|at| *at < before)
    }

    /// Whether the folder's entries were on the disk before an operation: its last change is synced.
    fn holds(&self, folder: &Path, before: usize) -> bool {
        let changes = |(_, (kind, path)): &(usize, &(Kind, PathBuf))| {
            matches!(kind, Create | Folder | Link | Remove | Rename) && path.parent() == Some(folder)
        };
        let changed = self.0.iter().enumerate().take(before).rfind(changes).map(|(at, _)| at);
        changed.is_none_or(|changed| self.last_before(Sync, folder, before).is_some_and(|synced| synced > changed))
    }

    /// Where a project was staged.
    fn staged(&self, extracts: &Path, project: &str) -> PathBuf {
        let staging = extracts.join(".staging");
        let of = |path: &Path| {
            let run = path.strip_prefix(&staging).ok()?.components().next()?;
            Some(staging.join(run).join(project)).filter(|staged| path.starts_with(staged))
        };
        self.0.iter().find_map(|(_, path)| of(path)).unwrap()
    }

    /// Which files and folders of a staged extract would be lost if the power went right before it is renamed.
    fn lost(&self, staged: &Path, renamed: usize) -> Vec<PathBuf> {
        let below = self.0.iter().take(renamed).filter(|(_, path)| path.starts_with(staged));
        let paths: BTreeSet<&PathBuf> = below.map(|(_, path)| path).collect();
        let gone = |path: &Path| self.last_before(Remove, path, renamed).is_some();
        let mut lost: Vec<PathBuf> = Vec::new();
        for path in paths.into_iter().filter(|path| !gone(path)) {
            let written = self.last_before(Write, path, renamed).or(self.last_before(Create, path, renamed));
            if let Some(written) = written
                && self.last_before(Sync, path, renamed).is_none_or(|synced| synced < written)
            {
                lost.push(path.clone());
            }
            let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(staged));
            lost.extend(folders.filter(|folder| !self.holds(folder, renamed)).map(Path::to_path_buf));
        }
        lost
    }
}

/// Holds the log of a build that published `version` of a project to the order.
fn check(log: &Log, extracts: &Path, project: &str, version: &str) {
    let home = extracts.join(project);
    let renamed = log.first_after(Rename, &home.join(version), 0);
    let staged = log.staged(extracts, project);
    assert_eq!(log.lost(&staged, renamed), Vec::<PathBuf>::new(), "not on the disk before the rename");
    // The note is there before the version, the version before `latest`, `latest` before the ledger's entry.
    let (note, latest, ledger) = (home.join(".pending.json"), home.join("latest"), extracts.join("ledger.jsonl"));
    let written = |path: &Path, before: usize| log.last_before(Write, path, before).unwrap();
    let noted = log.last_before(Rename, &note, renamed).unwrap();
    // A file that replaces another is written beside it, under a name with a dot in front.
    let beside = home.join("..pending.json.new");
    assert!(log.first_after(Sync, &beside, written(&beside, noted)) < noted, "the note is whole");
    assert!(log.first_after(Sync, &home, noted) < renamed, "the note comes before the version");
    let pointed = log.first_after(Rename, &latest, renamed);
    assert!(log.first_after(Sync, &home, renamed) < pointed, "the version comes before `latest`");
    let entered = log.first_after(Write, &ledger, pointed);
    assert!(log.first_after(Sync, &home, pointed) < entered, "`latest` comes before the entry");
    let kept = log.first_after(Sync, &ledger, entered);
    assert!(kept < log.first_after(Remove, &note, entered), "the entry comes before the note goes");
    // An entry must not outlive the folder that it tells of.
    let made = log.last_before(Folder, &home, renamed).unwrap();
    assert!(log.first_after(Sync, extracts, made) < entered, "the project's own name is on the disk");
}

#[test]
fn everything_is_on_the_disk_before_anything_points_at_it() {
    for kind in [TINY, SPILLS] {
        let world = World::new(kind);
        for (settings, version) in [(world.round("anew"), "v0001"), (world.next_round("next"), "v0002")] {
            let (result, told) = world.build(&settings, None);
            result.unwrap();
            let log = Log(told.log);
            let extracts = &settings.config.extracts;
            kind.projects.iter().for_each(|project| check(&log, extracts, project, version));
            if version == "v0001" {
                let made = log.first_after(Folder, extracts, 0);
                assert!(
                    log.first_after(Sync, extracts.parent().unwrap(), made) > made,
                    "the extracts folder's own name"
                );
            }
            // The rule can fail: without any one of its syncs, a file or folder would be lost.
            let renamed = log.first_after(Rename, &extracts.join(kind.projects[0]).join(version), 0);
            let staged = log.staged(extracts, kind.projects[0]);
            let kept = |path: &Path| path.starts_with(&staged) && log.last_before(Remove, path, renamed).is_none();
            let synced = |at: &usize| log.0[*at].0 == Sync && kept(&log.0[*at].1);
            let syncs: Vec<usize> = (0..renamed).filter(synced).collect();
            assert!(syncs.len() > 15, "{}", syncs.len());
            for at in syncs {
                let mut less = log.0.clone();
                less.remove(at);
                assert!(!Log(less).lost(&staged, renamed - 1).is_empty(), "{:?} is not needed", log.0[at]);
            }
        }
    }
}
