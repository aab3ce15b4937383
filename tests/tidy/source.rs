//! What the rules look at: the files of the project; of a Rust file its code, its literals and the rooms that it names.

use super::ROOMS;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every file that is committed or could be, by its path below the root: git says which; without git, all files apart
/// from dot folders and what a build makes.
pub(super) fn files() -> Vec<String> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = Command::new("git").args(arguments).current_dir(root()).output();
    let mut all: Vec<String> = match listed {
        Ok(listed) if listed.status.success() => {
            String::from_utf8_lossy(&listed.stdout).split('\0').map(str::to_owned).collect()
        }
        _ => below(&root()),
    };
    all.retain(|path| !path.is_empty() && root().join(path).is_file());
    all.sort();
    all.dedup();
    assert!(all.len() > 100, "the house has files");
    all
}

fn below(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !name.starts_with('.') && !["target", "extracts"].contains(&name.as_str()) {
            all.extend(below(&path));
        } else if path.is_file() {
            all.extend(path.strip_prefix(root()).map(|p| p.to_string_lossy().into_owned()));
        }
    }
    all
}

/// A Rust file: its text; its code alone, without comments, the insides of literals, and modules of tests; and the text
/// literals that stand in that code.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) code: String,
    pub(super) literals: Vec<String>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (mut code, literals) = lex(&text.chars().collect::<Vec<char>>());
        let tests = test_modules(&code);
        for range in &tests {
            code[range.clone()].iter_mut().filter(|c| **c != '\n').for_each(|c| *c = ' ');
        }
        let literals = literals.into_iter().filter(|(at, _)| !tests.iter().any(|r| r.contains(at)));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: code.into_iter().collect(),
            literals: literals.map(|(_, text)| text).collect(),
        }
    }

    /// The room of a file: `src/link/build.rs` is of `link`; `src/lib.rs` and `src/main.rs` are of none.
    pub(super) fn room(&self) -> &str {
        self.path.strip_prefix("src/").and_then(|p| p.split_once('/')).map_or("", |(room, _)| room)
    }

    /// Whether the file is a module of tests, which no build contains.
    pub(super) fn is_tests(&self) -> bool {
        let words = ["/tests.rs", "/tests/", "/tests_", "_tests.rs", "/fixture.rs", "/sample/"];
        words.iter().any(|word| self.path.contains(word))
    }

    /// Whether a word stands in the code.
    pub(super) fn says(&self, word: &str) -> bool {
        words(&self.code).any(|(_, w)| w == word)
    }

    /// The rooms that the code names: behind `crate::`, alone or in braces, and behind `super::` that leads to the root.
    pub(super) fn rooms(&self) -> BTreeSet<&'static str> {
        let depth = self.path.split('/').count() - 1 - usize::from(self.path.ends_with("/mod.rs"));
        let (mut named, mut supers, mut end) = (BTreeSet::new(), 0, 0);
        for (at, word) in words(&self.code) {
            supers = match word {
                "super" if self.code.get(end..at) == Some("::") => supers + 1,
                "super" => 1,
                _ => 0,
            };
            end = at + word.len();
            let rest = self.code.get(end..).unwrap_or("").trim_start();
            if let Some(rest) = rest.strip_prefix("::").filter(|_| word == "crate" || (supers > 0 && supers >= depth)) {
                let heads = heads(rest.trim_start());
                named.extend(ROOMS.iter().filter(|room| heads.contains(room) || heads.contains(&"*")));
            }
        }
        named.remove(self.room());
        named
    }
}

/// The words of a text, each with where it begins.
pub(super) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
        .filter(|(_, word)| !word.is_empty())
}

/// The first names of a path or of each path of a list in braces: `{a, b::{c, d}}` has `a` and `b`; a glob has `*`.
fn heads(text: &str) -> Vec<&str> {
    let Some(list) = text.strip_prefix('{') else {
        return vec![if text.starts_with('*') { "*" } else { words(text).next().map_or("", |(_, word)| word) }];
    };
    let (mut depth, mut begin, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                parts.push(list[begin..at].trim());
                begin = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    parts.into_iter().filter(|part| !part.is_empty()).flat_map(heads).collect()
}

/// A text with comments and the insides of literals blanked, and the text literals with where each begins.
fn lex(text: &[char]) -> (Vec<char>, Vec<(usize, String)>) {
    let (mut code, mut literals, mut at) = (text.to_vec(), Vec::new(), 0);
    let starts = |at: usize, word: &str| word.chars().enumerate().all(|(i, c)| text.get(at + i) == Some(&c));
    while at < text.len() {
        let end = if starts(at, "//") {
            text[at..].iter().position(|c| *c == '\n').map_or(text.len(), |n| at + n)
        } else if starts(at, "/*") {
            let (mut depth, mut end) = (1, at + 2);
            while depth > 0 && end < text.len() {
                let step = if starts(end, "/*") || starts(end, "*/") { 2 } else { 1 };
                depth = if step == 1 { depth } else { if text[end] == '/' { depth + 1 } else { depth - 1 } };
                end += step;
            }
            end
        } else if text[at] == '"' {
            let hashes = text[..at].iter().rev().take_while(|c| **c == '#').count();
            let raw =
                at > hashes && text[at - 1 - hashes] == 'r' && !(at > hashes + 1 && word_like(text[at - 2 - hashes]));
            let close = format!("\"{}", "#".repeat(hashes));
            let mut end = at + 1;
            while end < text.len() && !(if raw { starts(end, &close) } else { text[end] == '"' }) {
                end += if !raw && text[end] == '\\' { 2 } else { 1 };
            }
            literals.push((at, text[at + 1..end.min(text.len())].iter().collect()));
            end + 1
        } else if text[at] == '\'' && (starts(at + 1, "\\") || starts(at + 2, "'")) {
            let from = if starts(at + 1, "\\") { at + 3 } else { at + 2 };
            text[from.min(text.len())..].iter().position(|c| *c == '\'').map_or(text.len(), |n| from + n + 1)
        } else {
            at += 1;
            continue;
        };
        let end = end.min(text.len());
        code[at..end].iter_mut().filter(|c| **c != '\n').for_each(|c| *c = ' ');
        at = end;
    }
    (code, literals)
}

fn word_like(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where modules of tests stand in a code: `#[cfg(test)] mod x { … }`.
fn test_modules(code: &[char]) -> Vec<Range<usize>> {
    let text: String = code.iter().map(|c| if c.is_ascii() { *c } else { '?' }).collect();
    let mut found = Vec::new();
    for (from, mark) in text.match_indices("#[cfg(test)]") {
        let mut open = text[from + mark.len()..].char_indices().map(|(i, c)| (from + mark.len() + i, c));
        let Some((begin, '{')) = open.find(|(_, c)| *c == '{' || *c == ';') else { continue };
        if !words(&text[from + mark.len()..begin]).any(|(_, word)| word == "mod") {
            continue;
        }
        let mut depth = 0;
        let end = text[begin..].char_indices().find(|(_, c)| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0
        });
        found.push(from..end.map_or(text.len(), |(i, _)| begin + i + 1));
    }
    found
}

/// Every Rust file below some folders.
pub(super) fn sources(folders: &[&str]) -> Vec<Source> {
    let wanted = |path: &&String| path.ends_with(".rs") && folders.iter().any(|f| path.starts_with(&format!("{f}/")));
    let found: Vec<Source> = files().iter().filter(wanted).map(|path| Source::new(path, &read(path))).collect();
    assert!(found.len() > 5, "{folders:?} have files");
    found
}
