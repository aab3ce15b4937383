//! What the builder counted against what is there: every count that differs is refused.

use super::fixture::{JOBS, KS4, LATER, LEAVERS, PEOPLE};
use super::world::World;
use crate::vocab::ProjectAccount;
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
