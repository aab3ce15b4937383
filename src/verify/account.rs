//! What was read against what the builder counted, and the builder's counts against each other.

use super::Against;
use super::expected::{Role, Table};
use super::rows::Facts;
use super::tally::{Check, Tally};
use crate::catalogue::Period;
use crate::files::operation;
use crate::spec::{Spec, Step};
use crate::vocab::{Attrition, ElementName, Observer, ProjectAccount, SliceAccount, StepCount, TableRecord, safe_text};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

/// A table that was read, with what it came to.
pub(super) struct Seen<'a> {
    /// The path below `data/`, with extension.
    pub(super) path: String,
    /// What should be there.
    pub(super) table: &'a Table<'a>,
    /// What is.
    pub(super) facts: Facts,
}

/// By path below `data/`, length and SHA-256 of the files that the account knows and that could be read.
pub(super) type Digests = BTreeMap<String, (u64, String)>;

/// Digests those of the files at `paths` that the account knows by their digests.
pub(super) fn digests(data: &Path, against: &Against<'_>, paths: &[String], observer: &dyn Observer) -> Digests {
    let known = |path: &&String| {
        against.account.is_some_and(|account| account.tables.iter().any(|record| record.path == **path))
    };
    let digest = |path: &String| digest(&data.join(path), observer).map(|found| (path.clone(), found));
    paths.par_iter().with_max_len(1).filter(known).filter_map(digest).collect()
}

/// Compares the tables that were read with the account, and with what the spec expects.
///
/// A table that is missing or unreadable has been refused as such: what its rows would have counted for is left out.
pub(super) fn check(
    against: &Against<'_>,
    wanted: &[Table<'_>],
    seen: &[Seen<'_>],
    digests: &Digests,
    tally: &mut Tally,
) {
    expectations(against.spec, seen, tally);
    let Some(account) = against.account else { return };
    for table in seen {
        match account.tables.iter().find(|record| is_of(record, table.table)) {
            Some(record) => compare(table, record, digests, tally),
            None => tally.refuse("counts-differ", &table.path, "the builder's account does not know the table"),
        }
    }
    for record in &account.tables {
        tally.look(Check::Counts, 1);
        if !wanted.iter().any(|table| is_of(record, table)) {
            tally.refuse("counts-differ", "data/", "the builder's account knows a table that the approval does not");
        }
    }
    fates(account, against, wanted, seen, tally);
    attrition(&account.attrition, against.spec, tally);
    people(account, seen, tally);
}

/// Whether a record is of a table. The builder counts Parquet files, also where only their CSV twins are published.
fn is_of(record: &TableRecord, table: &Table<'_>) -> bool {
    record.path.strip_suffix(".parquet") == Some(table.stem.as_str())
}

fn compare(seen: &Seen<'_>, record: &TableRecord, digests: &Digests, tally: &mut Tally) {
    let (facts, path) = (&seen.facts, seen.path.as_str());
    let mut differ = |what: &str, same: bool| {
        tally.look(Check::Counts, 1);
        if !same {
            tally.refuse("counts-differ", path, format!("{what} are not those that the builder counted"));
        }
    };
    differ("rows", facts.rows == record.rows);
    differ("people", facts.people == record.persons);
    differ(
        "its element and slice",
        seen.table.element == record.element.as_ref() && seen.table.slice() == record.slice,
    );
    let names = |i: usize| seen.table.columns.get(i).map(|column| column.name.as_str());
    let same_columns = record.columns.len() == seen.table.columns.len()
        && record.columns.iter().enumerate().all(|(i, column)| names(i) == Some(&column.name));
    differ("columns", same_columns);
    for (column, missing) in record.columns.iter().zip(&facts.missing) {
        differ(&format!("missing cells of `{}`", column.name), column.missing == *missing);
    }
    if seen.path != record.path {
        return; // its digests are those of the Parquet file that is gone
    }
    tally.look(Check::Digests, 1);
    match digests.get(path) {
        Some((bytes, sha256)) if *bytes == record.bytes && sha256.eq_ignore_ascii_case(&record.sha256) => {}
        Some(_) => tally.refuse("digest-differs", path, "the file's bytes are not those that the builder wrote"),
        None => tally.refuse("file-unreadable", path, "the file cannot be read to its end"),
    }
}

/// A file's length and SHA-256, as long as the run may go on.
fn digest(path: &Path, observer: &dyn Observer) -> Option<(u64, String)> {
    let mut file = operation::open(path).ok()?;
    let (mut hasher, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 18], 0);
    loop {
        observer.go_on().ok()?;
        match file.read(&mut buffer).ok()? {
            0 => break,
            read => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    Some((bytes, super::bag::hex(&hasher.finalize())))
}

/// Every row read has one fate, and those kept are the rows of the tables.
fn fates(account: &ProjectAccount, against: &Against<'_>, wanted: &[Table<'_>], seen: &[Seen<'_>], tally: &mut Tally) {
    for slice in &account.slices {
        tally.look(Check::Counts, 1);
        let path = format!("{}/", slice.element);
        if !slice.fates.add_up() {
            tally.refuse("fates-do-not-add-up", &path, "rows read and their fates do not add up");
        }
        if let Some(what) = impossible(slice, against) {
            tally.refuse("fates-impossible", &path, what);
        }
        rows_of_sources(slice, against, &path, tally);
    }
    let elements: BTreeSet<&ElementName> = wanted.iter().filter_map(|table| table.element).collect();
    for element in elements {
        let kept = account.slices.iter().filter(|slice| slice.element == *element);
        let tables = || seen.iter().filter(|table| table.table.element == Some(element));
        // An element that is cut by a column has one account for all its periods.
        if kept.clone().all(|slice| slice.slice.is_none()) {
            if tables().count() == wanted.iter().filter(|table| table.element == Some(element)).count() {
                tally.look(Check::Counts, 1);
                let kept: u64 = kept.map(|slice| slice.fates.kept).sum();
                if kept != tables().map(|table| table.facts.rows).sum::<u64>() {
                    tally.refuse("counts-differ", &format!("{element}/"), "rows are not those that the builder kept");
                }
            }
            continue;
        }
        for table in tables() {
            tally.look(Check::Counts, 1);
            let of_slice = kept.clone().filter(|slice| slice.slice == table.table.slice());
            if of_slice.map(|slice| slice.fates.kept).sum::<u64>() != table.facts.rows {
                tally.refuse("counts-differ", &table.path, "rows are not those that the builder kept");
            }
        }
    }
}

/// A fate that no row of the slice can have had, by what the approval asks of the element and the catalogue says of it.
fn impossible(slice: &SliceAccount, against: &Against<'_>) -> Option<&'static str> {
    let element = against.catalogue.element(&slice.element)?;
    let fates = &slice.fates;
    let mut requests = against.spec.elements.iter().filter(|request| request.rows.element == slice.element);
    if requests.all(|request| request.rows.condition.is_none()) && fates.filtered > 0 {
        return Some("rows are said to have failed a condition where the approval has none");
    }
    let by_row = matches!(element.period, Period::Column { .. } | Period::Spell { .. });
    if !by_row && fates.other_period + fates.unreadable_period > 0 {
        return Some("rows are said to be of another period where the rows themselves have none");
    }
    if element.identifier.kind == against.catalogue.links.person && fates.unlinked + fates.ambiguous > 0 {
        return Some("rows are said not to link where the identifier is the person's own");
    }
    None
}

/// As many rows were read as the footers of the slice's source files say.
fn rows_of_sources(slice: &SliceAccount, against: &Against<'_>, path: &str, tally: &mut Tally) {
    let (Some(sources), Some(element)) = (against.sources, against.catalogue.element(&slice.element)) else { return };
    let location = element.location.fill(slice.slice);
    let location = location.trim_end_matches('/');
    let below = |file: &str| file.strip_prefix(location).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let rows: u64 = sources.iter().filter(|source| below(&source.path)).map(|source| source.rows).sum();
    tally.look(Check::Counts, 1);
    if rows != slice.fates.rows_read {
        tally.refuse("fates-impossible", path, "the rows read are not those that the source files have");
    }
}

/// Each step of the cohort begins with what the one before left, and moves the count the way that it can.
fn attrition(attrition: &Attrition, spec: &Spec, tally: &mut Tally) {
    let steps = &attrition.steps;
    let mut refuse = |what: &str| tally.refuse("attrition-broken", "cohort", what);
    if steps.len() != spec.cohort.steps.len() {
        return refuse("the builder counted other steps than the spec has");
    }
    let mut before = 0;
    for (i, (count, step)) in steps.iter().zip(&spec.cohort.steps).enumerate() {
        if count.step != step.in_words() || count.people_before != before || !is_possible(step, count) {
            refuse(&format!("the counts of step {} cannot be", i + 1));
        }
        before = count.people_after;
    }
    if before != attrition.persons {
        refuse("the last step leaves another count than the cohort's");
    }
    tally.look(Check::Counts, steps.len() + 1);
}

fn is_possible(step: &Step, count: &StepCount) -> bool {
    let StepCount { people_before: before, people_matched: matched, people_after: after, .. } = *count;
    match step {
        Step::Include(_) => after >= before && after <= before.saturating_add(matched),
        Step::Exclude(_) => after <= before && after >= before.saturating_sub(matched),
        Step::Require(_) | Step::RequireLink(_) | Step::Sample(_) => after <= before && after <= matched,
    }
}

/// The cohort is the table of people, and so are its links.
fn people(account: &ProjectAccount, seen: &[Seen<'_>], tally: &mut Tally) {
    for table in seen.iter().filter(|table| table.table.stem == "persons") {
        tally.look(Check::Counts, 1 + account.linked.len());
        if table.facts.rows != account.attrition.persons {
            tally.refuse("counts-differ", &table.path, "people are not those that the cohort's last step left");
        }
        for (kind, count) in &account.linked {
            if linked(table, kind.as_str()) != Some(*count) {
                tally.refuse(
                    "counts-differ",
                    &table.path,
                    format!("people linked by {kind} are not those that the builder counted"),
                );
            }
        }
    }
}

fn linked(persons: &Seen<'_>, wanted: &str) -> Option<u64> {
    let is = |role: &Role<'_>| matches!(role, Role::Linked { kind, .. } if kind.as_str() == wanted);
    let index = persons.table.columns.iter().position(|column| is(&column.role))?;
    persons.facts.linked.get(index).copied()
}

/// The counts that the spec expects.
fn expectations(spec: &Spec, seen: &[Seen<'_>], tally: &mut Tally) {
    let Some(persons) = seen.iter().find(|table| table.table.stem == "persons") else { return };
    let people = persons.facts.rows;
    if let Some((least, most)) = spec.expect.persons {
        tally.look(Check::Counts, 1);
        if !(least..=most).contains(&people) {
            let what = format!("{} people are outside the {least} to {most} that the spec expects", safe_text(people));
            tally.refuse("expectation-missed", &persons.path, what);
        }
    }
    for (kind, least, most) in &spec.expect.linked {
        tally.look(Check::Counts, 1);
        let share =
            linked(persons, kind.as_str()).map(|linked| if people == 0 { 0.0 } else { linked as f64 / people as f64 });
        if !share.is_some_and(|share| (*least..=*most).contains(&share)) {
            let what =
                format!("the share of people linked by {kind} is outside the {least} to {most} that the spec expects");
            tally.refuse("expectation-missed", &persons.path, what);
        }
    }
}
