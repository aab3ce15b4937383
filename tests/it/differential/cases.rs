//! What random worlds found: each a small world of its own, so that it stays found.

use super::model::{
    Absent, Cell, Column, Element, Encoding, File, Kind, Layout, LinkTable, Pack, Period, Release, Stored, Variable,
};
use super::run;
use super::spec::{Join, Linked, Output, Project, Request, Selection, Settings, Step, World};

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

/// A join of the element with itself.
fn join() -> Join {
    let request = world().projects.remove(0).requests.remove(0);
    Join { rows: request.rows, picks: request.picks, prefix: "j_".to_owned() }
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

#[test]
fn a_year_called_absent_holds_no_row_whatever_its_column_says() {
    let mut world = world();
    let years = [2010, 2011, 2011, 2012, 2012].map(Cell::Int).to_vec();
    world.files[1].columns.push(column("Yr", Kind::Int64, years));
    let element = &mut world.elements[0];
    element.period = Period::Column { tax: false, column: "Yr".to_owned(), encoding: Encoding::StartYear };
    element.absent.push(Absent { year: 2011, terms: Vec::new() });
    let project = &mut world.projects[0];
    project.requests[0].rows.years = vec![(2010, 2012)];
    project.steps = vec![Step::Include(project.requests[0].rows.clone())];
    let join = Join { rows: Selection { years: vec![(2012, 2012)], ..project.requests[0].rows.clone() }, ..join() };
    project.linked.push(Linked { name: "beside".to_owned(), from: "npd.one".to_owned(), joins: vec![join] });
    agrees(&world);
}
