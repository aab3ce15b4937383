//! Example projects: the embedded specs and, for more of them, variants, each with an approval for exactly its bytes.

use super::embedded::{APPROVALS, PROJECTS};
use crate::files::sha256_bytes;

/// A spec and its approval, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    /// The project's identifier.
    pub id: String,
    /// The spec's text.
    pub spec: String,
    /// The approval's file name.
    pub approval_file: String,
    /// The approval's text.
    pub approval: String,
}

/// So many projects: the embedded ones first, then variants of them; `None` for the embedded ones.
pub(super) fn projects(wanted: Option<usize>) -> Vec<Project> {
    (0..wanted.unwrap_or(PROJECTS.len()))
        .filter_map(|i| {
            let (file, spec) = PROJECTS.get(i % PROJECTS.len().max(1))?;
            let base = file.trim_end_matches(".yaml");
            let (approval_file, approval) = APPROVALS.iter().find(|(name, _)| name.starts_with(base))?;
            let id = if i < PROJECTS.len() { base.to_owned() } else { renumbered(base, i + 1) };
            let spec = if i < PROJECTS.len() { (*spec).to_owned() } else { variant(spec, base, &id, i) };
            Some(Project {
                approval: approve(&approval.replace(base, &id), &spec),
                approval_file: approval_file.replace(base, &id),
                id,
                spec,
            })
        })
        .collect()
}

/// `LEO-2019-003` with another last part.
fn renumbered(base: &str, number: usize) -> String {
    match base.rsplit_once('-') {
        Some((head, _)) => format!("{head}-{number:03}"),
        None => format!("{base}-{number:03}"),
    }
}

/// Another project over the same sources: its own identifier, so other pseudonyms; for every other one a sample of the
/// cohort, where the base has none; and, where it can be spared, one element fewer.
fn variant(spec: &str, base: &str, id: &str, number: usize) -> String {
    let mut lines: Vec<String> = spec.lines().map(|line| line.replace(base, id)).collect();
    if let Some(title) = lines.iter_mut().find(|line| line.trim_start().starts_with("title:")) {
        title.push_str(&format!(", variant {number}"));
    }
    if number % 2 == 1
        && !spec.contains("- sample:")
        && let Some(end) = lines.iter().position(|line| line.starts_with("elements:"))
    {
        lines.insert(end, format!("    - sample: 0.{}", 9 - number % 4));
    }
    drop_an_element(&mut lines, number);
    lines.join("\n") + "\n"
}

/// Takes one element out, unless it is the only one or a linked table begins with it.
fn drop_an_element(lines: &mut Vec<String>, number: usize) {
    let Some(begin) = lines.iter().position(|line| line.starts_with("elements:")) else { return };
    let end = lines
        .iter()
        .skip(begin + 1)
        .position(|line| line.starts_with(|c: char| !c.is_whitespace() && c != '#'))
        .map_or(lines.len(), |after| begin + 1 + after);
    let starts: Vec<usize> = (begin + 1..end).filter(|i| lines[*i].starts_with("  - element:")).collect();
    let name = |at: usize| lines[at].trim_start_matches("  - element:").trim().to_owned();
    let linked = |at: usize| lines.iter().any(|line| line.trim() == format!("from: {}", name(at)));
    let spare: Vec<usize> = starts.iter().copied().filter(|at| !linked(*at)).collect();
    if starts.len() < 2 || spare.is_empty() {
        return;
    }
    let from = spare[number % spare.len()];
    let to = starts.iter().copied().find(|at| *at > from).unwrap_or(end);
    lines.drain(from..to);
}

/// The approval with the digest of the spec's bytes.
fn approve(approval: &str, spec: &str) -> String {
    let digest = sha256_bytes(spec.as_bytes());
    let mut text = String::with_capacity(approval.len());
    for line in approval.lines() {
        if line.starts_with("spec_sha256:") {
            text.push_str("spec_sha256: ");
            text.push_str(&digest);
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::world::catalogue;
    use crate::vocab::Severity;
    use std::collections::BTreeSet;

    #[test]
    fn every_project_is_valid_and_approved_by_its_digest() {
        let catalogue = catalogue().unwrap();
        let all = projects(Some(20));
        assert_eq!(all.len(), 20);
        assert_eq!(all.iter().map(|p| &p.id).collect::<BTreeSet<_>>().len(), 20);
        for project in &all {
            let (spec, findings) = crate::spec::from_text(&project.spec, &project.id, &catalogue);
            let errors: Vec<_> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", project.id);
            let spec = spec.unwrap();
            assert_eq!(spec.project.id.as_str(), project.id);
            assert!(project.approval.contains(&format!("spec_sha256: {}", spec.sha256)));
            assert!(project.approval.contains(&format!("project: {}", project.id)));
            assert_eq!(project.approval_file, format!("{}-r1.yaml", project.id));
        }
        let embedded = projects(None);
        assert_eq!(embedded[..], all[..embedded.len()]);
        assert_eq!(projects(Some(2)).len(), 2);
    }
}
