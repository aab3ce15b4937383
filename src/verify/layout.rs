//! The files below `data/`: exactly those that the approval demands, none beside them, no link that leads elsewhere.

use super::expected::Table;
use super::tally::{Check, Tally};
use crate::files::operation;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files beside the tables, which other checks read.
const BESIDE: [&str; 3] = ["manifest.json", "datapackage.json", "codebook.csv"];

/// The forms in which tables are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forms {
    /// Parquet.
    pub(super) parquet: bool,
    /// CSV.
    pub(super) csv: bool,
}

impl Forms {
    /// The paths below `data/` of a table's files.
    pub(super) fn of(self, table: &Table<'_>) -> Vec<String> {
        let of = |written: bool, form: &str| written.then(|| format!("{}.{form}", table.stem));
        of(self.parquet, "parquet").into_iter().chain(of(self.csv, "csv")).collect()
    }
}

/// Refuses what is missing below `data` and what should not be there. Gives the paths, relative to it, that are there.
pub(super) fn check(data: &Path, tables: &[Table<'_>], forms: Forms, tally: &mut Tally) -> BTreeSet<String> {
    let wanted: BTreeSet<String> = tables.iter().flat_map(|table| forms.of(table)).collect();
    let folders: BTreeSet<&str> =
        wanted.iter().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect();
    let mut there = BTreeSet::new();
    let mut waiting: Vec<(PathBuf, String)> = vec![(data.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = waiting.pop() {
        let Ok(entries) = operation::entries(&folder) else {
            tally.refuse("folder-unreadable", &shown(&prefix), "the folder cannot be read");
            continue;
        };
        for entry in entries {
            // The type is that of the entry itself: a link is a link, whatever it leads to.
            let Ok((entry, kind)) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind))) else {
                tally.refuse("folder-unreadable", &shown(&prefix), "the folder cannot be read");
                break;
            };
            tally.look(Check::Files, 1);
            let path = entry.file_name().to_str().map(|name| format!("{prefix}{name}"));
            let known = |path: &&String| wanted.contains(*path) || BESIDE.contains(&path.as_str());
            match path.as_ref() {
                Some(path) if kind.is_dir() && folders.contains(path.as_str()) => {
                    waiting.push((entry.path(), format!("{path}/")));
                }
                Some(path) if kind.is_file() && known(&path) => {
                    there.insert(path.clone());
                }
                Some(path) if kind.is_symlink() && known(&path) => {
                    tally.refuse("file-is-link", path, "a link stands where a file belongs");
                }
                // The name may be anything: only the folder is shown.
                _ => {
                    let what = if kind.is_dir() {
                        "a folder that no approval allows"
                    } else {
                        "a file that no approval allows"
                    };
                    tally.refuse("file-not-approved", &shown(&prefix), what);
                }
            }
        }
    }
    for path in wanted.difference(&there) {
        tally.refuse("file-missing", path, "the approval demands this file");
    }
    there
}

fn shown(prefix: &str) -> String {
    if prefix.is_empty() { "data/".to_owned() } else { prefix.to_owned() }
}
