//! Reading the link tables, the exclusions and the people that elements carry themselves.

use super::lookup::Lookup;
use super::recall::Recall;
use super::registry::Registry;
use super::{AMBIGUOUS, Members, PersonSet};
use crate::deidentify::{KeysMet, read_keys};
use crate::engine::{Engine, Fault};
use crate::files::ScratchFile;
use crate::keys::{Mac, MasterKey};
use crate::plan::{Linking, Plan};
use crate::survey::{ColumnFacts, FileFacts};
use crate::vocab::{Error, Kind, LinkAccount, Result};
use arrow::array::{Array, FixedSizeBinaryArray};
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// A de-identified key as two numbers, which sort as its bytes do and take no more room.
type Key = [u64; 2];

fn key_of(bytes: &[u8; 16]) -> Key {
    let half = |half: Option<&[u8; 8]>| half.copied().map_or(0, u64::from_be_bytes);
    [half(bytes.first_chunk()), half(bytes.last_chunk())]
}

fn bytes_of([first, last]: Key) -> [u8; 16] {
    (u128::from(first) << 64 | u128::from(last)).to_be_bytes()
}

fn key_at(keys: &FixedSizeBinaryArray, row: usize) -> Option<[u8; 16]> {
    if keys.is_null(row) { None } else { keys.value(row).try_into().ok() }
}

/// A file, and its identifier columns with their kinds and keys.
type KeyFile = (Arc<FileFacts>, Vec<(ColumnFacts, Kind, Mac)>);

/// The share of the memory, one in so many, that may remember whom rows lead to; the rest waits in scratch.
const RECALL_SHARE: u64 = 32;

/// Batches of one file that wait to be taken in.
const AHEAD: usize = 8;

/// Reads the keys of files, several at a time, each on a task of its own, and hands the batches on in the files' order:
/// one array of keys a column. No more than a few batches a file wait. Returns what was met in each file.
fn read(
    engine: &Engine,
    files: Vec<KeyFile>,
    mut take: impl FnMut(&[FixedSizeBinaryArray]) -> Result<()>,
) -> Result<Vec<KeysMet>> {
    let mut coming = files.into_iter();
    let mut under_way = VecDeque::new();
    let mut start = || {
        let (facts, columns) = coming.next()?;
        let (sender, receiver) = tokio::sync::mpsc::channel(AHEAD);
        let shown = facts.shown.clone();
        let reading = read_keys(engine.task(), engine.memory(), facts, columns, sender);
        Some((shown, receiver, engine.handle().spawn(reading)))
    };
    under_way.extend((0..engine.threads()).map_while(|_| start()));
    engine.block_on(async {
        let mut all = Vec::new();
        while let Some((shown, mut receiver, reading)) = under_way.pop_front() {
            while let Some(batch) = receiver.recv().await {
                if engine.observer().interrupted() {
                    return Err(Error::Interrupted);
                }
                take(&batch)?;
            }
            // A decoder that gives up with a panic has met a corrupt page.
            let met = reading.await.map_err(|_| Fault::Corrupt.at(&shown, "reading keys", engine.memory()))?;
            all.push(met?);
            under_way.extend(start());
        }
        Ok(all)
    })
}

/// Builds the members, from what a plan reads to tell who is whom, or from a part of it: then of kinds that it leaves out nothing
/// is known. What is remembered of rows may go to the folder `scratch`, as long as the members live.
///
/// # Errors
/// Where a link table or a table of exclusions cannot be read.
pub fn build(
    engine: &Engine,
    key: &MasterKey,
    (plan, linking): (&Plan, &Linking<'_>),
    scratch: &Path,
) -> Result<Members> {
    let person_mac = key.link(&plan.person);
    let mut registry = Registry::default();
    let mut pairs: BTreeMap<Kind, Vec<(Key, u32)>> = BTreeMap::new();
    let mut accounts = Vec::with_capacity(linking.tables.len());
    for link in &linking.tables {
        let mac = key.link(&link.kind);
        let files = link
            .files
            .iter()
            .map(|(facts, person, identifier)| {
                let columns = vec![
                    (person.clone(), plan.person.clone(), person_mac.clone()),
                    (identifier.clone(), link.kind.clone(), mac.clone()),
                ];
                (Arc::clone(facts), columns)
            })
            .collect();
        let of_kind = pairs.entry(link.kind.clone()).or_default();
        // Room for all at once, so that nothing is copied; what footers tell may be more than there is.
        let rows = link.files.iter().map(|(facts, ..)| facts.rows).fold(0, u64::saturating_add);
        let _ = usize::try_from(rows).map(|rows| of_kind.try_reserve(rows));
        let mut account = LinkAccount {
            table: link.table.clone(),
            kind: link.kind.clone(),
            rows: 0,
            missing: 0,
            malformed: 0,
            wrong_check: 0,
            identifiers: 0,
            ambiguous: 0,
            persons: 0,
        };
        let mut unusable = 0;
        let met = read(engine, files, |arrays| {
            let [persons, identifiers] = arrays else { return Ok(()) };
            let usable = |row| Some((key_at(persons, row)?, key_of(&key_at(identifiers, row)?)));
            let (people, keys): (Vec<_>, Vec<_>) = (0..persons.len()).filter_map(usable).unzip();
            unusable += u64::try_from(persons.len() - people.len()).unwrap_or(0);
            of_kind.extend(keys.into_iter().zip(registry.number(&people)?));
            Ok(())
        })?;
        let counts = || met.iter().flat_map(|m| &m.counts);
        account.rows = met.iter().map(|m| m.rows).sum();
        account.malformed = counts().map(|c| c.malformed).sum::<u64>().min(unusable);
        account.missing = unusable - account.malformed;
        account.wrong_check = counts().map(|c| c.wrong_check).sum();
        accounts.push(account);
    }
    people_of_elements(engine, key, (plan, linking), &mut registry)?;
    let objections = objections(engine, key, plan, &mut registry)?;

    let people = registry.len();
    let of_kinds = pairs.par_iter_mut().map(|(kind, pairs)| {
        engine.observer().go_on()?;
        pairs.par_sort_unstable();
        pairs.dedup();
        Ok((kind, members_of(pairs, people)))
    });
    let mut keys = BTreeMap::new();
    let mut linked = BTreeMap::new();
    for (kind, (lookup, set, ambiguous)) in of_kinds.collect::<Result<Vec<_>>>()? {
        for account in accounts.iter_mut().filter(|a| a.kind == *kind) {
            account.identifiers = u64::try_from(lookup.len()).unwrap_or(0);
            account.ambiguous = ambiguous;
            account.persons = set.len();
        }
        keys.insert(kind.clone(), Arc::new(lookup));
        linked.insert(kind.clone(), set);
    }
    let excluded = excluded(&objections, plan, &registry, &pairs);
    let mut scans = plan.release.iter().chain(linking.carriers.iter().copied());
    if scans.any(|scan| scan.element.identifier.kind == plan.person) {
        let mut everybody: Vec<(Key, u32)> = registry.keys().iter().map(key_of).zip(0..).collect();
        everybody.par_sort_unstable();
        keys.insert(
            plan.person.clone(),
            Arc::new(Lookup::new(everybody.len(), everybody.iter().map(|(key, person)| (bytes_of(*key), *person)))),
        );
    }
    let in_scratch = ScratchFile::new(scratch.join("recalled.persons"));
    let recall = Arc::new(Recall::new(&plan.release, engine.memory() / RECALL_SHARE, in_scratch));
    Ok(Members { persons: registry.into_keys(), keys, linked, excluded, recall, accounts })
}

/// Elements that carry the person kind itself: every non-missing value is a person, linked or not.
fn people_of_elements(
    engine: &Engine,
    key: &MasterKey,
    (plan, linking): (&Plan, &Linking<'_>),
    registry: &mut Registry,
) -> Result<()> {
    let mac = key.link(&plan.person);
    for scan in &linking.carriers {
        let mut seen: Vec<&Path> = Vec::new();
        let mut files = Vec::new();
        for unit in &scan.units {
            if !seen.contains(&unit.facts.path.as_path()) {
                seen.push(&unit.facts.path);
                files.push((Arc::clone(&unit.facts), vec![(unit.key.clone(), plan.person.clone(), mac.clone())]));
            }
        }
        read(engine, files, |arrays| {
            for keys in arrays {
                let people: Vec<_> = (0..keys.len()).filter_map(|row| key_at(keys, row)).collect();
                registry.number(&people)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The members of one kind from its sorted, distinct pairs: each identifier once, ambiguous ones marked.
fn members_of(pairs: &[(Key, u32)], people: usize) -> (Lookup, PersonSet, u64) {
    let identifiers = || pairs.chunk_by(|a, b| a.0 == b.0);
    let set = PersonSet::new(people);
    let mut ambiguous = 0;
    let members = identifiers().filter_map(|run| match run {
        [(key, person)] => {
            set.insert(*person);
            Some((bytes_of(*key), *person))
        }
        [(key, _), ..] => {
            ambiguous += 1;
            Some((bytes_of(*key), AMBIGUOUS))
        }
        [] => None,
    });
    let lookup = Lookup::new(identifiers().count(), members);
    (lookup, set, ambiguous)
}

/// The identifiers of people never to be released, each with its kind. Those of the person kind are people whether or
/// not anything else knows them, so that what is counted does not depend on which projects a run builds.
fn objections(
    engine: &Engine,
    key: &MasterKey,
    plan: &Plan,
    registry: &mut Registry,
) -> Result<Vec<(Kind, Vec<[u8; 16]>)>> {
    let mut objections = Vec::with_capacity(plan.exclusions.len());
    for exclusion in &plan.exclusions {
        let mac = key.link(&exclusion.kind);
        let files = exclusion
            .files
            .iter()
            .map(|(facts, column)| (Arc::clone(facts), vec![(column.clone(), exclusion.kind.clone(), mac.clone())]))
            .collect();
        let mut wanted = Vec::new();
        read(engine, files, |arrays| {
            wanted.extend(arrays.iter().flat_map(|keys| (0..keys.len()).filter_map(|row| key_at(keys, row))));
            Ok(())
        })?;
        if exclusion.kind == plan.person {
            registry.number(&wanted)?;
        }
        objections.push((exclusion.kind.clone(), wanted));
    }
    Ok(objections)
}

/// People never to be released: by their own identifier, or by any of another kind that leads to them, even ambiguously.
fn excluded(
    objections: &[(Kind, Vec<[u8; 16]>)],
    plan: &Plan,
    registry: &Registry,
    pairs: &BTreeMap<Kind, Vec<(Key, u32)>>,
) -> PersonSet {
    let set = PersonSet::new(registry.len());
    for (kind, wanted) in objections {
        for wanted in wanted {
            if *kind == plan.person {
                if let Some(person) = registry.find(wanted) {
                    set.insert(person);
                }
            } else if let Some(pairs) = pairs.get(kind) {
                let wanted = key_of(wanted);
                let first = pairs.partition_point(|(k, _)| *k < wanted);
                pairs[first..].iter().take_while(|(k, _)| *k == wanted).for_each(|(_, p)| set.insert(*p));
            }
        }
    }
    set
}
