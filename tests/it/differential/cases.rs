//! What random worlds found: each a small world of its own, so that it stays found.

use super::model::{Cell, Column, Element, File, Kind, Layout, LinkTable, Pack, Period, Release, Stored, Variable};
use super::run;
use super::spec::{Output, Project, Request, Selection, Settings, Step, World};

fn column(name: &str, kind: Kind, cells: Vec<Cell>) -> Column {
    Column { name: name.to_owned(), kind, stored: Stored::Plain, cells }
}

fn file(path: &str, columns: Vec<Column>) -> File {
    let layout = Layout {
        group_rows: None,
        page_rows: None,
        dictionary: true,
        second_pages: false,
        pack: Pack::Zstd,
        statistics: true,
    };
    File { path: path.to_owned(), columns, layout }
}

/// Five people with an `edukey` each, one element of two variables with a row each, one project that asks for all.
fn world() -> World {
    let keys: Vec<Cell> = (0..5).map(|n| Cell::Text(format!("Key{n}"))).collect();
    let people = (0..5).map(|n| Cell::Int(100 + n)).collect();
    let numbers = (0..5).map(Cell::Int).collect();
    let texts = (0..5).map(|n| Cell::Text(format!("text {n}"))).collect();
    let variable = |name: &str, kind| Variable {
        name: name.to_owned(),
        kind,
        years: None,
        was: Vec::new(),
        release: Release::AsIs,
        identifiability: 5,
        sensitivity: "E",
        codes: Vec::new(),
    };
    let rows = Selection {
        element: "npd.one".to_owned(),
        years: Vec::new(),
        terms: Vec::new(),
        starting: None,
        condition: None,
    };
    World {
        seed: 0,
        person: "ae_id".to_owned(),
        links: vec![LinkTable {
            name: "link.edukey".to_owned(),
            location: "link.parquet".to_owned(),
            person: "AE_ID".to_owned(),
            column: "EDUKEY".to_owned(),
            kind: "edukey".to_owned(),
        }],
        elements: vec![Element {
            name: "npd.one".to_owned(),
            owner: "DfE",
            id_column: "Id".to_owned(),
            id_kind: "edukey".to_owned(),
            period: Period::None,
            location: "one.parquet".to_owned(),
            terms: Vec::new(),
            suffix: None,
            coverage: (2010, 2012),
            absent: Vec::new(),
            variables: vec![variable("Number", Kind::Int32), variable("Words", Kind::Text)],
            single: true,
        }],
        exclusions: Vec::new(),
        files: vec![
            file(
                "sources/link.parquet",
                vec![column("AE_ID", Kind::Int64, people), column("EDUKEY", Kind::Text, keys.clone())],
            ),
            file(
                "sources/one.parquet",
                vec![
                    column("Id", Kind::Text, keys),
                    column("Number", Kind::Int32, numbers),
                    column("Words", Kind::Text, texts),
                ],
            ),
        ],
        projects: vec![Project {
            id: "CASE-1".to_owned(),
            epoch: 1,
            steps: vec![Step::Include(rows.clone())],
            requests: vec![Request { rows, picks: vec![("Number".to_owned(), None), ("Words".to_owned(), None)] }],
            linked: Vec::new(),
            output: Output::Parquet,
            fault: None,
        }],
        settings: Settings { memory: None, threads: None, rebuild: false },
    }
}

#[track_caller]
fn agrees(world: &World) {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    if let Err(why) = run::agree(world, root.path()) {
        panic!("{why}");
    }
}

#[test]
fn a_small_world_agrees() {
    agrees(&world());
}

#[test]
fn rows_are_counted_also_where_a_link_table_holds_nobody() {
    let mut world = world();
    world.files[0].columns.iter_mut().for_each(|c| c.cells.clear());
    agrees(&world);
}
