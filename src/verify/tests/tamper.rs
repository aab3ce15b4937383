//! Each way of tampering with the tables of an extract, one test for each kind of thing that is wrong.

use super::fixture::{CENSUS, Columns, JOBS, KS4, LATER, LEAVERS, PEOPLE, decimals, person, rows, text};
use super::world::{World, properties};
use crate::spec::Step;
use crate::vocab::{Kind, Release};
use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int8Array, Int16Array, Int64Array, UInt32Array};
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::EnabledStatistics;
use std::sync::Arc;

/// The one refusal that a change must bring about.
fn refused(world: &World, code: &str) {
    let verdict = world.verdict();
    assert!(!verdict.passes());
    assert_eq!(world.codes(), [code], "{:#?}", verdict.findings);
}

fn changed(stem: &'static str, column: &str, array: ArrayRef, code: &str) {
    let mut world = World::new();
    world.replace(stem, column, array);
    refused(&world, code);
}

fn take(columns: &mut Columns, rows: impl Iterator<Item = usize>) {
    let rows: UInt32Array = rows.map(|i| u32::try_from(i).ok()).collect();
    for (_, array) in columns {
        *array = arrow::compute::take(array, &rows, None).unwrap();
    }
}

fn days(of: impl Fn(usize) -> Option<i32>, rows: usize) -> ArrayRef {
    Arc::new((0..rows).map(of).collect::<Date32Array>())
}

#[test]
fn a_clean_extract_passes_and_every_check_has_looked() {
    let mut world = World::new();
    assert_eq!(world.codes(), [""; 0], "{:#?}", world.verdict().findings);
    world.count();
    let verdict = world.verdict();
    assert!(verdict.passes(), "{:#?}", verdict.findings);
    for check in verdict.checks.iter().filter(|check| !["statistics", "sampled-people"].contains(&check.check)) {
        assert!(check.looked_at > 0, "{} looked at nothing", check.check);
    }
}

#[test]
fn statistics_and_other_writers_of_right_values_pass() {
    for level in [EnabledStatistics::Chunk, EnabledStatistics::Page] {
        let world = World::new();
        for stem in world.tables.keys() {
            world.write(stem, properties().set_statistics_enabled(level).set_max_row_group_row_count(Some(7)));
        }
        assert_eq!(world.codes(), [""; 0], "{:#?}", world.verdict().findings);
        let looked = world.verdict().checks.iter().find(|c| c.check == "statistics").unwrap().looked_at;
        assert!(looked > 50);
    }
}

#[test]
fn a_bit_flipped_anywhere_is_refused() {
    let mut world = World::new();
    world.count();
    let path = world.path(KS4);
    let clean = std::fs::read(&path).unwrap();
    for at in (0..clean.len()).step_by(13) {
        let mut bytes = clean.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, bytes).unwrap();
        assert!(!world.verdict().passes(), "byte {at}");
    }
    for end in [0, 3, 11, clean.len() / 2, clean.len() - 1] {
        std::fs::write(&path, &clean[..end]).unwrap();
        assert!(world.codes().contains(&"file-unreadable"), "cut at {end}");
    }
}

#[test]
fn files_missing_added_and_linked_are_refused() {
    let world = World::new();
    std::fs::remove_file(world.path(LATER)).unwrap();
    refused(&world, "file-missing");
    for extra in
        ["x.parquet", "npd.ks4/2012-2013.parquet", "npd.ks4/.hidden", "npd.ks4/2010-2011.csv", "manifest.json.bak"]
    {
        let world = World::new();
        std::fs::write(world.data().join(extra), "").unwrap();
        refused(&world, "file-not-approved");
    }
    let world = World::new();
    std::fs::create_dir(world.data().join("npd.cla")).unwrap();
    refused(&world, "file-not-approved");
    for beside in ["manifest.json", "datapackage.json", "codebook.csv"] {
        std::fs::write(world.data().join(beside), "").unwrap();
    }
    std::fs::remove_dir(world.data().join("npd.cla")).unwrap();
    assert!(world.verdict().passes());
}

#[cfg(unix)]
#[test]
fn a_link_is_no_file() {
    let world = World::new();
    let elsewhere = world.folder.path().join("elsewhere");
    std::fs::rename(world.path(KS4), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, world.path(KS4)).unwrap();
    assert_eq!(world.codes(), ["file-is-link", "file-missing"]);
}

#[test]
fn columns_renamed_added_removed_reordered_or_of_another_type_are_refused() {
    let change = |change: fn(&mut Columns)| {
        let mut world = World::new();
        world.change(KS4, change);
        refused(&world, "columns-differ");
    };
    change(|columns| columns[2].0 = "level2".to_owned());
    change(|columns| columns.push(("Secret".to_owned(), decimals(PEOPLE))));
    change(|columns| drop(columns.pop()));
    change(|columns| columns.swap(2, 3));
    change(|columns| columns[2].1 = Arc::new(Int16Array::from(vec![1; PEOPLE])));
    change(|columns| columns[6].1 = decimals(PEOPLE));
}

#[test]
fn people_from_outside_malformed_or_twice_are_refused() {
    let others =
        |last: &'static str| text(move |i| Some(if i + 1 == PEOPLE { last.to_owned() } else { person(i) }), PEOPLE);
    changed(CENSUS, "person_id", others("zzzzzzzzzzzzzzzz"), "person-not-in-cohort");
    changed(CENSUS, "person_id", others("short"), "person-malformed");
    let unsure = text(|i| (i > 0).then(|| person(i)), PEOPLE);
    changed(CENSUS, "person_id", unsure, "person-malformed");
    let mut world = World::new();
    world.change("persons", |columns| take(columns, (0..PEOPLE).chain([PEOPLE - 1])));
    refused(&world, "person-twice");
    let mut world = World::new();
    world.replace("persons", "person_id", others("iiiiiiiiiiiiiiii"));
    assert_eq!(world.codes(), ["person-malformed", "person-not-in-cohort"]);
}

#[test]
fn rows_out_of_order_are_refused() {
    let mut world = World::new();
    world.change(KS4, |columns| take(columns, (0..PEOPLE).rev()));
    refused(&world, "rows-unsorted");
    // Within a person: by start, then end, missing first.
    let mut world = World::new();
    world.change(JOBS, |columns| take(columns, [1, 0].into_iter().chain(2..2 * PEOPLE)));
    refused(&world, "rows-unsorted");
    changed(
        JOBS,
        "StartDate",
        days(|i| Some(if i < 2 { 16_600 } else { 16_600 + 100 * i32::try_from(i % 2).unwrap() }), 2 * PEOPLE),
        "rows-unsorted",
    );
    let mut world = World::new();
    world.change("persons", |columns| take(columns, [1, 0].into_iter().chain(2..PEOPLE)));
    refused(&world, "rows-unsorted");
    // Also where the two rows lie in different batches.
    let mut world = World::new();
    world.change(JOBS, |columns| take(columns, (0..2 * PEOPLE - 2).chain([2 * PEOPLE - 1, 2 * PEOPLE - 2])));
    for rows in [1, 3, 2 * PEOPLE - 1] {
        world.write(JOBS, properties().set_max_row_group_row_count(Some(rows)));
        refused(&world, "rows-unsorted");
    }
}

#[test]
fn periods_that_were_not_approved_are_refused() {
    let year = |year: &'static str| text(move |i| (i != 3).then_some(if i == 2 { year } else { "2010/2011" }), PEOPLE);
    for (stem, other) in [(KS4, "2009/2010"), (CENSUS, "2011/2012")] {
        changed(stem, "academic_year", year(other), "period-not-approved");
    }
    changed(CENSUS, "term", text(|i| Some(if i == 2 { "summer" } else { "spring" }), PEOPLE), "period-not-approved");
    let years = text(|i| Some(["2010/2011", "2012/2013"][i % 2]), 2 * PEOPLE);
    changed(LEAVERS, "academic_year", years, "period-not-approved");
}

#[test]
fn rows_that_cannot_have_passed_the_condition_are_refused() {
    let level =
        |value: Option<i8>| Arc::new((0..PEOPLE).map(|i| if i == 4 { value } else { Some(1) }).collect::<Int8Array>());
    for stem in [CENSUS, KS4] {
        let column = if stem == CENSUS { "OnRoll" } else { "Level2" };
        for wrong in [Some(-1), None] {
            changed(stem, column, level(wrong), "condition-not-met");
        }
    }
}

#[test]
fn spells_outside_the_years_are_refused() {
    // 2015/2016 and 2016/2017 are the days 16,531 to 17,261.
    let start = |other: Option<i32>| {
        days(
            move |i| if i + 1 == 2 * PEOPLE { other } else { Some(16_600 + 100 * i32::try_from(i % 2).unwrap()) },
            2 * PEOPLE,
        )
    };
    changed(JOBS, "StartDate", start(Some(17_262)), "spell-outside-years");
    assert_eq!(
        {
            let mut world = World::new();
            world.replace(JOBS, "StartDate", start(None));
            world.codes()
        },
        ["rows-unsorted", "spell-outside-years"],
    );
    changed(
        JOBS,
        "EndDate",
        days(|i| (i % 2 == 0).then_some(if i == 4 { 16_530 } else { 16_531 }), 2 * PEOPLE),
        "spell-outside-years",
    );
}

#[test]
fn joins_that_fan_out_are_refused() {
    let earnings: Int16Array = (0..2 * PEOPLE).map(|i| Some(if i == 7 { 1 } else { 0 })).collect();
    changed(LEAVERS, "y2015_Earnings", Arc::new(earnings), "join-not-single");
}

#[test]
fn values_that_are_not_coarsened_are_refused() {
    changed(KS4, "DateOfBirth", days(|i| Some(if i == 3 { 91 } else { 90 }), PEOPLE), "not-coarsened");
    let scores: Float64Array = (0..PEOPLE).map(|i| Some(if i == 3 { 0.11 } else { 0.15 })).collect();
    changed(KS4, "Score", Arc::new(scores), "not-coarsened");
    changed(KS4, "Points", text(|i| Some(if i == 3 { "12.5" } else { "<10" }), PEOPLE), "not-coarsened");
    changed(
        KS4,
        "LAESTAB",
        text(|i| Some(if i == 3 { "2024567" } else { "3g80mycebt800000" }), PEOPLE),
        "not-coarsened",
    );
    changed(CENSUS, "Gender", text(|i| Some(if i == 3 { "Female" } else { "F" }), PEOPLE), "not-coarsened");
    let mut world = World::new();
    let top: Int16Array = (0..2 * PEOPLE).map(|i| Some(if i < 2 { 1001 } else { 1000 })).collect();
    world.replace(LEAVERS, "y2015_Earnings", Arc::new(top));
    refused(&world, "not-coarsened");
    changed(
        KS4,
        "Late",
        Arc::new((0..PEOPLE).map(|i| (i == 3).then_some(1)).collect::<Int16Array>()),
        "value-not-collected",
    );
    let late = Arc::new((0..2 * PEOPLE).map(|i| (i % 2 == 1 || i == 8).then_some(1)).collect::<Int16Array>());
    changed(LEAVERS, "Late", late, "value-not-collected");
}

#[test]
fn cells_that_look_like_identifiers_are_refused_and_never_shown() {
    let one = |value: &'static str| {
        text(move |i| Some(if i == 3 { value.to_owned() } else { format!("E0100{i:04}") }), PEOPLE)
    };
    for (value, code) in [
        ("AB123456C", "nino-shaped"),
        ("ab 12 34 56 c", "nino-shaped"),
        ("EC1A 1BB", "postcode-shaped"),
        ("someone@example.ac.uk", "address-shaped"),
    ] {
        let mut world = World::new();
        world.replace(KS4, "LSOA", one(value));
        refused(&world, code);
        let shown = format!("{:?}", world.verdict().findings);
        assert!(!shown.to_lowercase().contains(&value.to_lowercase()), "{shown}");
    }
    let ulns: Vec<String> = (1_000_000_000_u64..)
        .map(|n| n.to_string())
        .filter(|n| crate::vocab::check_digit_is_valid("uln", n))
        .take(5)
        .collect();
    let column = text(|i| Some(ulns.get(i).cloned().unwrap_or_else(|| "E01".to_owned())), PEOPLE);
    changed(KS4, "LSOA", column, "identifier-numbers");
    // Ten digits by chance are none.
    let mut world = World::new();
    world.replace(KS4, "LSOA", text(|i| Some(format!("{}", 3_141_592_653_u64 + 7 * i as u64)), PEOPLE));
    world.relink();
    assert!(world.verdict().passes(), "{:?}", world.verdict().findings);
}

#[test]
fn numbers_that_are_learners_are_refused() {
    let mut world = World::new();
    let variable =
        world.catalogue.elements.iter_mut().flat_map(|e| &mut e.variables).find(|v| v.name == "Gender").unwrap();
    variable.kind = crate::vocab::Type::Int64;
    world.spec.elements[1].variables[1].release = Release::AsIs;
    let ulns = (1_000_000_000_i64..).filter(|n| crate::vocab::check_digit_is_valid("uln", &n.to_string()));
    world.replace(CENSUS, "Gender", Arc::new(ulns.take(PEOPLE).collect::<Int64Array>()));
    refused(&world, "identifier-numbers");
    world.replace(CENSUS, "Gender", Arc::new((0..20).map(|i| 3_141_592_653_i64 + 7 * i).collect::<Int64Array>()));
    assert!(world.verdict().passes());
}

#[test]
fn what_a_file_says_beside_its_columns_is_refused() {
    let write = |properties| {
        let world = World::new();
        world.write(KS4, properties);
        world
    };
    refused(&write(properties().set_created_by("parquet-rs version 59.3.2".to_owned())), "file-metadata");
    let pair = KeyValue::new("host".to_owned(), "build-7".to_owned());
    refused(&write(properties().set_created_by("leo-extract 0.1.0 on build-7".to_owned())), "file-metadata");
    refused(&write(properties().set_compression(Compression::SNAPPY)), "file-metadata");
    refused(&write(properties().set_key_value_metadata(Some(vec![pair]))), "file-metadata");
    assert!(write(properties().set_bloom_filter_enabled(true)).codes().contains(&"file-metadata"));
    // Bytes between the magic and the first column.
    let world = World::new();
    let mut bytes = std::fs::read(world.path(KS4)).unwrap();
    let tail = bytes.len() - 8;
    let footer = tail - usize::try_from(u32::from_le_bytes(bytes[tail..tail + 4].try_into().unwrap())).unwrap();
    bytes.splice(footer..footer, *b"a withheld value");
    std::fs::write(world.path(KS4), bytes).unwrap();
    refused(&world, "file-bytes-unaccounted");
}

#[test]
fn statistics_of_other_values_are_refused() {
    let mut world = World::new();
    let with = || properties().set_statistics_enabled(EnabledStatistics::Chunk);
    world.write(KS4, with());
    let clean = std::fs::read(world.path(KS4)).unwrap();
    // The greatest LSOA stands in the footer, once for each form of statistics; raise its last digit there.
    let tail = clean.len() - 8;
    let footer = tail - usize::try_from(u32::from_le_bytes(clean[tail..tail + 4].try_into().unwrap())).unwrap();
    let mut bytes = clean.clone();
    let places: Vec<usize> = (footer..tail - 9)
        .filter(|at| &clean[*at..*at + 9] == b"SW1A 1AA\x00" || clean[*at..].starts_with(b"SW1A 1AA"))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 8].copy_from_slice(b"SW1A 1AB");
    }
    std::fs::write(world.path(KS4), bytes).unwrap();
    world.count();
    refused(&world, "statistics-differ");
}

#[test]
fn a_spec_that_demands_what_may_never_leave_is_refused() {
    let mut world = World::new();
    world.spec.elements[0].variables[3].release = Release::AsIs; // DateOfBirth has identifiability 1
    assert!(world.codes().contains(&"never-released"));
    let mut world = World::new();
    world.spec.elements[0].variables[1].variable = "PMR".to_owned();
    assert!(world.codes().contains(&"never-released"));
    let mut world = World::new();
    world.spec.elements[0].variables[1].variable = "NoSuch".to_owned();
    assert!(world.codes().contains(&"not-in-catalogue"));
}

#[test]
fn links_that_the_cohort_requires_are_required() {
    let linked = |of: fn(usize) -> bool| Arc::new((0..PEOPLE).map(|i| Some(of(i))).collect::<BooleanArray>());
    changed("persons", "linked_pmr", linked(|i| i != 5), "link-missing");
    // A later include may bring people whom nobody asked for links.
    let mut world = World::new();
    let steps = &mut world.spec.cohort.steps;
    steps.push(Step::Include(rows("hmrc.earnings", "2015/2016")));
    let of = world.catalogue.elements.iter_mut().find(|e| e.name.as_str() == "hmrc.earnings").unwrap();
    of.identifier.kind = Kind::new("edukey").unwrap();
    assert!(matches!(steps[1], Step::RequireLink(ref kind) if *kind == Kind::new("pmr").unwrap()));
    // No step asks for the link; but rows show that there is one.
    world.replace("persons", "linked_pmr", linked(|i| i != 5));
    refused(&world, "link-contradicted");
}
