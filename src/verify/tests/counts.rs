//! What the builder counted against what is there: every count that differs is refused.

use super::fixture::{JOBS, KS4, LATER, LEAVERS, PEOPLE};
use super::world::World;
use crate::catalogue::Template;
use crate::vocab::{ProjectAccount, SourceRecord};
use arrow::array::UInt32Array;

fn refused(change: fn(&mut ProjectAccount), code: &str) {
    let mut world = World::new();
    world.count();
    change(world.account.as_mut().unwrap());
    assert_eq!(world.codes(), [code]);
}

#[test]
fn counts_that_differ_are_refused() {
    let differ = "counts-differ";
    refused(|a| a.tables[1].rows += 1, differ);
    refused(|a| a.tables[2].persons -= 1, differ);
    refused(|a| a.tables[2].columns[3].missing += 1, differ);
    refused(|a| drop(a.tables.pop()), differ);
    refused(|a| a.tables[0].path = "npd.cla/all.parquet".to_owned(), differ);
}

#[test]
fn bytes_that_differ_are_refused() {
    refused(|a| a.tables[1].bytes += 1, "digest-differs");
    refused(|a| a.tables[1].sha256.replace_range(..1, "g"), "digest-differs");
}

#[test]
fn fates_and_attrition_must_add_up() {
    refused(|a| a.slices[0].fates.unlinked += 1, "fates-do-not-add-up");
    refused(|a| (a.slices[0].fates.unlinked, a.slices[0].fates.kept) = (6, PEOPLE as u64 + 1), "counts-differ");
    refused(|a| a.attrition.steps[1].people_before -= 1, "attrition-broken");
    refused(|a| a.attrition.steps[0].people_before = 1, "attrition-broken");
    refused(|a| a.attrition.steps[1].people_matched = 3, "attrition-broken");
    refused(|a| a.attrition.steps[1].step.push('!'), "attrition-broken");
    refused(|a| drop(a.attrition.steps.pop()), "attrition-broken");
    refused(|a| a.linked[1].1 += 1, "counts-differ");
}

#[test]
fn fates_that_no_row_can_have_had_are_refused() {
    let moved = |a: &mut ProjectAccount, slice: usize| {
        a.slices[slice].fates.unlinked -= 1;
    };
    let (ks4, jobs) = (0, 3);
    let mut world = World::new();
    world.count();
    for (slice, fate) in [(jobs, "filtered"), (ks4, "other"), (ks4, "unreadable")] {
        let mut world = World::new();
        world.count();
        let account = world.account.as_mut().unwrap();
        moved(account, slice);
        let fates = &mut account.slices[slice].fates;
        *match fate {
            "filtered" => &mut fates.filtered,
            "other" => &mut fates.other_period,
            _ => &mut fates.unreadable_period,
        } += 1;
        assert_eq!(world.codes(), ["fates-impossible"], "{fate}");
    }
    // What can have been is not refused: a condition that some rows failed, spells of other years.
    let account = world.account.as_mut().unwrap();
    (account.slices[ks4].fates.unlinked, account.slices[ks4].fates.filtered) = (3, 4);
    (account.slices[jobs].fates.unlinked, account.slices[jobs].fates.other_period) = (3, 4);
    assert!(world.verdict().passes(), "{:?}", world.verdict().findings);
}

#[test]
fn as_many_rows_must_be_read_as_the_sources_have() {
    let mut world = World::new();
    world.count();
    for element in &mut world.catalogue.elements {
        let by_year = element.period.year_kind().is_some();
        element.location = Template::for_tests(&format!("{}{}", element.name, if by_year { "/{yyyy}" } else { "/" }));
    }
    let source = |path: &str, rows: usize| SourceRecord {
        path: path.to_owned(),
        bytes: 0,
        rows: rows as u64,
        sha256: String::new(),
    };
    let read = |more: usize| {
        vec![
            source("npd.ks4/2011", PEOPLE + 7),
            source("npd.ks4/2012/a.parquet", PEOPLE),
            source("npd.ks4/2012/b.parquet", 7),
            source("npd.school_census/2011", PEOPLE + 7),
            source("hmrc.employment/x.parquet", 2 * PEOPLE + 7 + more),
            source("hmrc.employment2/x.parquet", 1),
        ]
    };
    world.sources = Some(read(0));
    assert!(world.verdict().passes(), "{:?}", world.verdict().findings);
    world.sources = Some(read(1));
    assert_eq!(world.codes(), ["fates-impossible"]);
}

#[test]
fn rows_added_or_removed_are_refused_though_the_tables_are_whole() {
    for rows in [0..PEOPLE - 1, 1..PEOPLE] {
        let mut world = World::new();
        world.count();
        world.change(KS4, |columns| {
            let rows: UInt32Array = rows.map(|i| u32::try_from(i).ok()).collect();
            columns.iter_mut().for_each(|(_, array)| *array = arrow::compute::take(array, &rows, None).unwrap());
        });
        assert_eq!(world.codes(), ["counts-differ", "digest-differs"]);
    }
    let mut world = World::new();
    world.count();
    world.change(LATER, |columns| {
        let rows: UInt32Array = (0..PEOPLE).chain([PEOPLE - 1]).map(|i| u32::try_from(i).ok()).collect();
        columns.iter_mut().for_each(|(_, array)| *array = arrow::compute::take(array, &rows, None).unwrap());
    });
    assert_eq!(world.codes(), ["counts-differ", "digest-differs"]);
}

#[test]
fn expectations_are_held() {
    let mut world = World::new();
    world.spec.expect.persons = Some((21, 30));
    assert_eq!(world.codes(), ["expectation-missed"]);
    let mut world = World::new();
    world.spec.expect.linked[0].1 = 0.51;
    assert_eq!(world.codes(), ["expectation-missed"]);
}

#[test]
fn a_missing_table_is_refused_once_and_not_for_its_counts_too() {
    for stem in [KS4, JOBS, LEAVERS] {
        let mut world = World::new();
        world.count();
        std::fs::remove_file(world.path(stem)).unwrap();
        assert_eq!(world.codes(), ["file-missing"]);
    }
}
