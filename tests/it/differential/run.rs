//! One world from seed to verdict: written, built by the program, read back, compared.

use super::coverage::Coverage;
use super::reference::Reference;
use super::spec::{Project, World};
use super::{again, compare, documents, generate, store};
use crate::support::{Run, command};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Where the worlds of these tests lie while they are compared, and those that disagree stay.
pub(super) fn folder(seed: u64) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential").join(seed.to_string())
}

/// Makes, builds and compares the world of a seed. Where it disagrees, its folder is kept, and the error says why.
pub(super) fn seed(seed: u64) -> Result<Coverage, String> {
    let root = folder(seed);
    let _ = std::fs::remove_dir_all(&root);
    let verdict = std::panic::catch_unwind(|| {
        let world = generate::world(seed);
        let mut coverage = agree(&world, &root)?;
        if seed.is_multiple_of(2) {
            again::agree(&world, &root, &mut coverage)?;
        }
        Ok(coverage)
    });
    let verdict = verdict.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or("a panic".to_owned()))
    });
    match verdict {
        Ok(coverage) => {
            let _ = std::fs::remove_dir_all(&root);
            Ok(coverage)
        }
        Err(why) => Err(format!(
            "seed {seed}: {why}\n  its world is kept in {}\n  again: LEO_WORLDS=1 LEO_WORLDS_FROM={seed} \
             cargo test --release --test it differential\n",
            root.display()
        )),
    }
}

/// Writes a world, builds it, and compares what was published with the reference.
pub(super) fn agree(world: &World, root: &Path) -> Result<Coverage, String> {
    documents::write(world, root);
    store::write(&world.files, root);
    judge(world, root, &build(world, root))
}

/// Compares what a run said and published with what the reference makes of a world.
pub(super) fn judge(world: &World, root: &Path, run: &Run) -> Result<Coverage, String> {
    let mut coverage = Coverage::default();
    coverage.worlds = 1;
    let report = run.json();
    // What stands unchanged is judged as if it had been built.
    let done = ["built", "unchanged"].into_iter().flat_map(|list| report[list].as_array().into_iter().flatten());
    let built: BTreeSet<&str> = done.filter_map(|b| b["project"].as_str()).collect();
    let mut wrong = Vec::new();
    let mut refused = false;
    let mut agreed = Vec::new();
    for project in &world.projects {
        let is_built = built.contains(project.id.as_str());
        // The reference is made anew for each project, so that each notes what it met itself.
        let reference = Reference::new(world);
        if let Some(fault) = project.fault {
            refused = true;
            let mut seen = reference.seen();
            seen.note(super::coverage::Feature::Refused);
            seen.crosses.insert(format!("refused {}", fault.code()));
            wrong.extend(refusal(&report, project, fault.code(), is_built));
            coverage.refused += 1;
            agreed.push(seen);
            continue;
        }
        let expected = reference.expected(project);
        if expected.fans_out {
            refused = true;
            wrong.extend(refusal(&report, project, "join-fans-out", is_built));
            coverage.refused += 1;
        } else if is_built {
            let extract = root.join("extracts").join(&project.id).join("latest");
            let differences = compare::extract(&extract, project, &expected, &mut coverage);
            wrong.extend(differences.into_iter().map(|d| format!("{}: {d}", project.id)));
        } else {
            wrong.push(format!("{} was refused:\n{}", project.id, said(&report)));
        }
        agreed.push(reference.seen());
    }
    let asked = refused || world.projects.is_empty();
    if (run.code == 0) == refused && !world.projects.is_empty() {
        wrong.push(format!(
            "the run ended with {}; refusals were {}expected",
            run.code,
            if asked { "" } else { "not " }
        ));
    }
    if wrong.is_empty() && world.settings.rebuild && !built.is_empty() {
        wrong.extend(rebuild(root, &built));
        coverage.rebuilt += u64::try_from(built.len()).unwrap();
        agreed.iter_mut().for_each(|seen| seen.note(super::coverage::Feature::Rebuilt));
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n  "));
    }
    coverage.projects += u64::try_from(agreed.len()).unwrap();
    agreed.iter().for_each(|seen| coverage.add(seen));
    Ok(coverage)
}

/// Has the program build a world that is written.
pub(super) fn build(world: &World, root: &Path) -> Run {
    let mut command = command();
    command.args(["build", "--as-of", documents::DAY, "--format", "json", "--config"]).arg(root.join("leo.yaml"));
    if let Some(memory) = world.settings.memory {
        command.args(["--memory", memory]);
    }
    if let Some(threads) = world.settings.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    Run::of(&mut command)
}

/// Cuts the published extracts once more: the same bytes must come out.
fn rebuild(root: &Path, built: &BTreeSet<&str>) -> Option<String> {
    let mut command = command();
    command.args(["verify", "--rebuild", "--quiet", "--config"]).arg(root.join("leo.yaml"));
    command.args(built.iter().map(|project| root.join("extracts").join(project).join("latest")));
    let run = Run::of(&mut command);
    (run.code != 0).then(|| format!("verify --rebuild ended with {}: {}", run.code, run.said()))
}

/// The errors of a run, each with its code and project.
fn errors(report: &Value) -> impl Iterator<Item = (&str, &str)> {
    let findings = report["findings"].as_array().into_iter().flatten();
    let errors = findings.filter(|f| f["severity"] == "error");
    errors.map(|f| (f["code"].as_str().unwrap_or_default(), f["project"].as_str().unwrap_or_default()))
}

fn said(report: &Value) -> String {
    let mut text = String::new();
    for finding in report["findings"].as_array().into_iter().flatten().filter(|f| f["severity"] == "error") {
        let at = &finding["at"];
        let line = format!("{} {}:{} {}", finding["code"], at["file"], at["line"], finding["message"]);
        writeln!(text, "    {line} [{}]", finding["project"]).unwrap();
    }
    if text.is_empty() { report.to_string() } else { text }
}

/// What is wrong with a refusal: the project was built all the same, or for another reason.
fn refusal(report: &Value, project: &Project, code: &str, is_built: bool) -> Option<String> {
    if is_built {
        return Some(format!("{} was built, and must be refused with {code}", project.id));
    }
    let named = |of: &str| of.is_empty() || of.split(", ").any(|one| one == project.id);
    let found = errors(report).any(|(have, of)| have == code && named(of));
    (!found).then(|| format!("{} must be refused with {code}:\n{}", project.id, said(report)))
}
