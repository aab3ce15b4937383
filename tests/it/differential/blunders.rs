//! That the comparison can fail: blunders that a program could make, each made here by reckoning with another world than the
//! one that was built. Every one must be seen.

use super::generate;
use super::model::{Cell, Release, Stored};
use super::spec::{Condition, Step, World};
use super::{documents, run, store};

/// A blunder: its name, and how the world that is reckoned with differs. False where the world has no place for it.
type Blunder = (&'static str, fn(&mut World) -> bool);

/// The first project, where it is a good one.
fn first_is_good(world: &World) -> bool {
    world.projects.first().is_some_and(|p| p.fault.is_none() && p.linked.is_empty())
}

/// The files of an element.
fn location(world: &World, element: &str) -> String {
    let template = &world.element(element).location;
    format!("sources/{}", template.split('{').next().unwrap())
}

const BLUNDERS: [Blunder; 9] = [
    ("a row is lost", |w| {
        let path = location(w, &w.projects[0].requests[0].rows.element.clone());
        let files = w.files.iter_mut().filter(|f| f.path.starts_with(&path));
        for file in files {
            file.columns.iter_mut().for_each(|c| drop(c.cells.pop()));
        }
        true
    }),
    ("a value is another", |w| {
        let request = w.projects[0].requests[0].clone();
        let path = location(w, &request.rows.element);
        let mut changed = false;
        for column in w.files.iter_mut().filter(|f| f.path.starts_with(&path)).flat_map(|f| &mut f.columns) {
            if column.name.to_lowercase().contains(&request.picks[0].0.to_lowercase())
                && column.stored != Stored::AllNull
            {
                column.cells.iter_mut().for_each(|c| *c = Cell::Null);
                changed = true;
            }
        }
        changed
    }),
    ("the pseudonyms are of another epoch", |w| {
        w.projects[0].epoch = 3;
        true
    }),
    ("the key is another", |w| {
        w.seed += 1;
        true
    }),
    ("an ambiguous identifier is kept for one of its people", |w| {
        let mut seen: Vec<(String, String)> = Vec::new();
        let mut dropped = false;
        let (tables, files) = (w.links.clone(), &mut w.files);
        for table in tables {
            let below = format!("sources/{}", table.location);
            for file in files.iter_mut().filter(|f| f.path.starts_with(&below)) {
                let at = file.columns.iter().position(|c| c.name.eq_ignore_ascii_case(&table.column)).unwrap();
                let kept = |cell: &Cell| {
                    let of = (table.kind.clone(), format!("{cell:?}"));
                    let again = !cell.is_null() && seen.contains(&of);
                    seen.push(of);
                    !again
                };
                let keep: Vec<bool> = file.columns[at].cells.iter().map(kept).collect();
                dropped |= keep.contains(&false);
                for column in &mut file.columns {
                    let mut keep = keep.iter();
                    column.cells.retain(|_| *keep.next().unwrap());
                }
            }
        }
        dropped
    }),
    ("a step of the cohort is left out", |w| {
        let steps = &mut w.projects[0].steps;
        let last = steps.len() > 1 && !matches!(steps.last(), Some(Step::Sample("1")));
        last && steps.pop().is_some()
    }),
    ("a condition is left out", |w| w.projects[0].requests[0].rows.condition.take().is_some()),
    ("a condition is turned round", |w| {
        let condition = &mut w.projects[0].requests[0].rows.condition;
        let Some(inner) = condition.take() else { return false };
        *condition = Some(Condition::Not(Box::new(inner)));
        true
    }),
    ("a value is not coarsened", |w| {
        let request = &w.projects[0].requests[0];
        let (element, picks) = (request.rows.element.clone(), request.picks.clone());
        let own = w.projects[0].requests[0].picks.iter_mut().find(|(_, own)| own.is_some());
        match own {
            Some((_, own)) => *own = Some(Release::AsIs),
            None => {
                let of = w.elements.iter_mut().find(|e| e.name == element).unwrap();
                let asked = |name: &str| picks.iter().any(|(pick, _)| pick == name);
                let coarse = of.variables.iter_mut().find(|v| asked(&v.name) && v.release != Release::AsIs);
                let Some(coarse) = coarse else { return false };
                coarse.release = Release::AsIs;
            }
        }
        true
    }),
];

/// Some of a blunder's worlds: how often it had a place, and how often it was seen.
#[test]
fn the_comparison_sees_every_kind_of_blunder() {
    let (mut placed, mut seen) = ([0; BLUNDERS.len()], [0; BLUNDERS.len()]);
    for seed in 2_000..2_012 {
        let world = generate::world(seed);
        if !first_is_good(&world) {
            continue;
        }
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        documents::write(&world, root.path());
        store::write(&world.files, root.path());
        let run = run::build(&world, root.path());
        run::judge(&world, root.path(), &run).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        for (n, (_, blunder)) in BLUNDERS.iter().enumerate() {
            let mut other = world.clone();
            if blunder(&mut other) {
                placed[n] += 1;
                seen[n] += u32::from(run::judge(&other, root.path(), &run).is_err());
            }
        }
    }
    for (n, (name, _)) in BLUNDERS.iter().enumerate() {
        println!("{name}: seen in {} of {} worlds", seen[n], placed[n]);
        // A blunder may change nothing in one world: there is no difference to be seen then.
        assert!(seen[n] > 0, "{name}: never seen in {} worlds", placed[n]);
    }
}
