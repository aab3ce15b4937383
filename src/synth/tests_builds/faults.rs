//! Fault injection into whole builds: each file operation of a build that replaces an older version fails, in each way,
//! and every time the old version or the new one is whole, and the next run repairs.
//!
//! `LEO_FAULTS=all` fails every single operation in every way and builds twice after each; without it a build is failed at
//! a spread of them. `cargo test --release --lib every_fault -- --nocapture` shows the counts.

use super::judge::Judge;
use super::{KEEPS, Kind, SPILLS, TINY, World};
use crate::files::faults::{After, Fault, Told};
use crate::files::operation::Kind as Operation;
use crate::vocab::ExitCode;
use std::collections::BTreeMap;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every kind of operation.
const KINDS: [Operation; 10] = [
    Operation::Create,
    Operation::Write,
    Operation::Truncate,
    Operation::Sync,
    Operation::Rename,
    Operation::Link,
    Operation::Remove,
    Operation::Folder,
    Operation::Read,
    Operation::List,
];

/// Panics in our own code since the first build: one that is caught and told as something else is found here.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let ours = |file: &str| file.starts_with("src/") && !file.contains("tests");
            PANICS.fetch_add(usize::from(panic.location().is_some_and(|l| ours(l.file()))), Ordering::Relaxed);
            before(panic);
        }));
    });
}

fn everything() -> bool {
    std::env::var("LEO_FAULTS").is_ok_and(|value| value == "all")
}

/// How many of each kind there are in a log.
fn by_kind(told: &Told) -> BTreeMap<Operation, usize> {
    let mut counts = BTreeMap::new();
    told.log.iter().for_each(|(kind, _)| *counts.entry(*kind).or_default() += 1);
    counts
}

/// What all rounds came to.
#[derive(Debug, Default)]
struct Tally {
    failed: BTreeMap<Operation, usize>,
    new: usize,
    repaired: usize,
}

impl Tally {
    fn total(&self) -> usize {
        self.failed.values().sum()
    }
}

/// Fails every `stride`-th operation of the kinds, in one way, until no fault is reached any more.
fn sweep(
    judge: &Judge<'_>,
    world: &World,
    of: Option<Operation>,
    how: (After, bool),
    stride: usize,
    tally: &mut Tally,
) {
    let (after, half) = how;
    // Not always the same ones: each kind and way begins elsewhere.
    let first = tally.total() % stride;
    for at in (first..).step_by(stride) {
        let fault = Fault { at, of, after, half };
        let name = format!("round-{of:?}-{after:?}-{half}-{at}");
        let settings = world.next_round(&name);
        let (result, told) = world.build(&settings, Some(fault));
        let Some(failed) = told.failed else {
            assert!(result.is_ok(), "failed without a fault: {:?}", result.err());
            break;
        };
        let when = format!("{fault:?} at {:?} {}", failed.0, failed.1.display());
        let came = judge.after_fault(&settings, &result, &failed, &when);
        judge.next_runs(&settings, if everything() { 2 } else { 1 }, &when);
        *tally.failed.entry(failed.0).or_default() += 1;
        tally.new += usize::from(came.new > 0);
        tally.repaired += usize::from(came.repair);
        std::fs::remove_dir_all(world.root.path().join(name)).unwrap();
    }
}

/// Fails the operations of a build: every `dead`-th with all that follow, every `alone`-th alone.
fn inject(name: &str, kind: Kind, (dead, alone): (usize, usize)) -> Tally {
    count_panics();
    let world = World::new(kind);
    let judge = Judge::new(&world);
    let settings = world.next_round("count");
    let (result, told) = world.build(&settings, None);
    result.unwrap();
    let there = by_kind(&told);
    if world.kind.scratch {
        // Rows as they are and in buckets, and whom rows lead to.
        for end in ["rows", "arrow", "persons"] {
            let spilled =
                |kind| told.log.iter().any(|(k, path)| *k == kind && path.extension().is_some_and(|e| e == end));
            assert!(spilled(Operation::Write) && spilled(Operation::Read), "no {end} were spilled and read back");
        }
    }
    let mut tally = Tally::default();
    let stride = |stride: usize| if everything() { 1 } else { stride };
    sweep(&judge, &world, None, (After::Dead, true), stride(dead), &mut tally);
    for kind in KINDS {
        sweep(&judge, &world, Some(kind), (After::Works, false), stride(alone), &mut tally);
    }
    sweep(&judge, &world, Some(Operation::Write), (After::Works, true), stride(alone), &mut tally);
    println!(
        "{name}: {} operations {there:?}; {} failed {:?}; torn extracts 0; the new version whole in {}, the old one \
         current in {}; repaired by the next run {}",
        told.log.len(),
        tally.total(),
        tally.failed,
        tally.new,
        tally.total() - tally.new,
        tally.repaired,
    );
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "a fault made our own code panic");
    // The sweep would prove nothing if it failed nothing, or never at both sides of the rename.
    for kind in there.keys().filter(|_| everything()) {
        assert!(tally.failed.get(kind).is_some_and(|n| *n >= there[kind]), "{kind:?} was not failed each time");
    }
    assert!(tally.new > 0 && tally.new < tally.total() && tally.repaired > 0, "{tally:?}");
    tally
}

#[test]
fn every_fault_of_a_small_build_leaves_the_old_version_or_the_new_one() {
    let tally = inject("small", TINY, (3, 9));
    assert!(tally.total() > 60, "{tally:?}");
}

#[test]
fn every_fault_of_a_build_that_keeps_tables_leaves_the_old_version_or_the_new_one() {
    let tally = inject("keeps", KEEPS, (3, 9));
    assert!(tally.total() > 40 && tally.failed.contains_key(&Operation::Link), "{tally:?}");
}

#[test]
fn every_fault_of_a_build_that_spills_leaves_the_old_versions_or_the_new_ones() {
    let tally = inject("spills", SPILLS, (11, 23));
    assert!(tally.total() > 40, "{tally:?}");
}

#[test]
fn a_table_that_the_disk_lost_is_told_before_a_source_that_cannot_be_read() {
    let world = World::new(TINY);
    for source in std::fs::read_dir(world.root.path().join("world/sources/npd/ks5")).unwrap() {
        let source = source.unwrap().path();
        let mut bytes = std::fs::read(&source).unwrap();
        let footer = u32::from_le_bytes(*bytes[..bytes.len() - 4].last_chunk().unwrap()) as usize;
        let end = bytes.len() - 8 - footer;
        bytes[4..end].iter_mut().for_each(|byte| *byte = !*byte);
        std::fs::write(&source, bytes).unwrap();
    }
    let (result, told) = world.build(&world.next_round("damaged"), None);
    assert_eq!(ExitCode::of(&result.unwrap().findings), ExitCode::Invalid);
    let mut synced = told.log.iter().filter(|(kind, _)| *kind == Operation::Sync);
    let at = synced.position(|(_, path)| path.extension().is_some_and(|e| e == "parquet")).unwrap();
    let fault = Fault { at, of: Some(Operation::Sync), after: After::Works, half: false };
    let (result, told) = world.build(&world.next_round("both"), Some(fault));
    assert!(told.failed.unwrap().1.extension().is_some_and(|e| e == "parquet"));
    assert_eq!(result.unwrap_err().exit_code(), ExitCode::Output);
}
