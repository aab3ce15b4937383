//! CSV: alone it is looked at as Parquet is; beside Parquet it must say the same.

use super::fixture::{CENSUS, JOBS, KS4, PEOPLE, text};
use super::world::World;
use crate::spec::Output;

fn world(parquet: bool) -> World {
    let mut world = World::new();
    world.spec.output = Output { parquet, csv: true };
    for stem in world.tables.keys() {
        world.write_csv(stem);
        if !parquet {
            std::fs::remove_file(world.path(stem)).unwrap();
        }
    }
    world
}

fn edit(world: &World, stem: &str, change: impl FnOnce(String) -> String) {
    let path = world.data().join(format!("{stem}.csv"));
    std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
}

#[test]
fn whole_twins_and_csv_alone_pass() {
    for parquet in [true, false] {
        let mut world = World::new();
        world.count();
        let account = world.account.take();
        let mut world = self::world(parquet);
        assert_eq!(world.codes(), [""; 0], "{:#?}", world.verdict().findings);
        world.account = account;
        assert_eq!(world.codes(), [""; 0], "{:#?}", world.verdict().findings);
    }
}

#[test]
fn a_twin_that_says_something_else_is_refused() {
    let refused = |change: fn(String) -> String, code: &str| {
        let world = world(true);
        edit(&world, CENSUS, change);
        assert_eq!(world.codes(), [code]);
    };
    refused(|text| text.replacen(",M\r", ",F\r", 1), "twins-differ");
    refused(|text| text.replacen(",M\r", ",\r", 1), "twins-differ");
    refused(|text| text.clone() + text.lines().last().unwrap() + "\r\n", "twins-differ");
    refused(|text| text.lines().take(PEOPLE).map(|line| line.to_owned() + "\r\n").collect(), "twins-differ");
    refused(|text| text.replacen("Gender", "Sex", 1), "columns-differ");
    refused(|text| text.replacen(",1,", ",one,", 1), "columns-differ");
    refused(|text| text.replacen(",1,", ",1,1,", 1), "file-unreadable");
    refused(|text| text + "half a row", "file-unreadable");
    refused(|text| text.replace('\r', ""), "file-unreadable");
}

#[test]
fn a_missing_text_and_an_empty_one_stay_apart() {
    let mut world = World::new();
    world.spec.output.csv = true;
    world.replace(CENSUS, "Gender", text(|i| (i > 3).then_some(""), PEOPLE));
    world.tables.keys().for_each(|stem| world.write_csv(stem));
    assert_eq!(world.codes(), ["twins-differ"]);
    edit(&world, CENSUS, |text| {
        let row = |(i, line): (usize, &str)| if i > 4 { format!("{line}\"\"\r\n") } else { format!("{line}\r\n") };
        text.lines().enumerate().map(row).collect()
    });
    assert_eq!(world.codes(), [""; 0], "{:#?}", world.verdict().findings);
}

#[test]
fn csv_alone_is_looked_at_in_full() {
    for (stem, from, to, code) in [
        (KS4, "3g80mycebt800001", "2024567", "not-coarsened"),
        (KS4, "E01000003", "\"SW1A 2AA\"", "postcode-shaped"),
        (KS4, "2010/2011", "2009/2010", "period-not-approved"),
        (CENSUS, ",1,M", ",0,M", "condition-not-met"),
        (JOBS, "2015-06-14", "2025-06-14", "rows-unsorted"),
    ] {
        let world = world(false);
        edit(&world, stem, |text| text.replacen(from, to, 1));
        assert!(world.codes().contains(&code), "{from}: {:?}", world.codes());
    }
    let world = world(false);
    std::fs::write(world.path(KS4), "").unwrap();
    assert_eq!(world.codes(), ["file-not-approved"]);
}
