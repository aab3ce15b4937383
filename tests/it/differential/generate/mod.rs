//! The generator: a seed becomes a world. It knows what a valid document is, and nothing of what comes out.

mod elements;
mod faults;
mod specs;
mod tables;
pub(super) mod values;

use super::model::{Cell, Column, Exclusion, File, Kind, LinkTable, Stored};
use super::random::Random;
use super::spec::{Settings, World};
use std::collections::BTreeMap;

/// The kinds of identifiers that link tables lead from.
const KINDS: [&str; 7] = ["pmr", "edukey", "recordid", "nino", "uln", "upn", "husid"];

/// People and their identifiers.
struct People {
    /// The person kind.
    kind: String,
    /// Whether people are named by text.
    text: bool,
    all: Vec<i32>,
    kinds: Vec<&'static str>,
    /// By kind and person: the person's identifiers.
    identifiers: BTreeMap<&'static str, BTreeMap<i32, Vec<Cell>>>,
}

impl People {
    fn name(&self, person: i32) -> Cell {
        if self.text { Cell::Text(format!("P{person}")) } else { Cell::Int(person.into()) }
    }
}

/// The n-th identifier of a kind. Some have wrong check digits, which link all the same.
fn identifier(kind: &str, n: i32) -> Cell {
    match kind {
        "nino" => Cell::Text(format!("AB{:06}C", 100_000 + n)),
        "uln" => Cell::Text(format!("{}", 1_000_000_000 + n * 7)),
        "upn" => Cell::Text(format!("B{:011}{}", 801_200_050_i64 + i64::from(n), if n % 5 == 0 { "A" } else { "7" })),
        "husid" => Cell::Text(format!("{:013}", 911_234_500_000_i64 + i64::from(n) * 3)),
        "recordid" => Cell::Int((5_000 + n).into()),
        kind => Cell::Text(format!("{kind}Key{n:05}X")),
    }
}

/// What a text looks like when people type it: letters small, blanks within and around, where the kind forgives them.
fn untidy(kind: &str, cell: Cell, r: &mut Random) -> Cell {
    let Cell::Text(mut text) = cell else { return cell };
    if ["nino", "upn"].contains(&kind) && r.chance(20) {
        text = text.to_lowercase();
    }
    if ["nino", "upn", "uln", "husid"].contains(&kind) && r.chance(15) {
        text.insert(r.one(&[2, 4, 6]), ' ');
    }
    if r.chance(12) {
        text = format!("{}{text}{}", r.one(&["", " ", "\t"]), r.one(&["", "  ", "\n"]));
    }
    Cell::Text(text)
}

/// Everything that a seed decides.
pub(super) fn world(seed: u64) -> World {
    let r = &mut Random::new(seed);
    let mut people = People {
        kind: r.one(&["ae_id", "ae_id", "person_no"]).to_owned(),
        text: r.chance(30),
        all: (1_000..1_000 + r.one(&[15, 60, 150])).collect(),
        kinds: Vec::new(),
        identifiers: BTreeMap::new(),
    };
    let count = r.one(&[1, 2, 3, 4]);
    people.kinds = r.some(&KINDS, count);
    let mut world = World {
        seed,
        person: people.kind.clone(),
        links: Vec::new(),
        elements: Vec::new(),
        exclusions: Vec::new(),
        files: Vec::new(),
        projects: Vec::new(),
        settings: Settings {
            memory: r.chance(30).then_some("64MiB"),
            threads: r.one(&[None, Some(1), Some(2), Some(3)]),
            rebuild: r.chance(15),
        },
    };
    for kind in people.kinds.clone() {
        links(&mut world, &mut people, kind, r);
    }
    let count = r.one(&[2, 3, 4, 5]);
    for n in 0..count {
        let element = elements::element(n, &people, r);
        tables::tables(&mut world, &element, &people, r);
        world.elements.push(element);
    }
    if r.chance(50) {
        exclusions(&mut world, &people, r);
    }
    specs::projects(&mut world, &people, r);
    faults::plant(&mut world, r);
    world
}

/// A column of identifiers in one of the ways that hold them.
fn identifiers(name: &str, cells: Vec<Cell>, r: &mut Random) -> Column {
    let kind = if cells.iter().any(|c| matches!(c, Cell::Int(_))) { Kind::Int64 } else { Kind::Text };
    let stored = match kind {
        _ if cells.iter().all(Cell::is_null) && r.chance(50) => Stored::AllNull,
        Kind::Text => r.one(&[Stored::Plain, Stored::Dictionary, Stored::LargeText, Stored::ViewText, Stored::Binary]),
        _ => r.one(&[Stored::Plain, Stored::Int32, Stored::UInt32, Stored::UInt64, Stored::WholeDecimal]),
    };
    Column { name: name.to_owned(), kind, stored, cells }
}

/// The link tables of a kind, with all the faults that real ones have.
fn links(world: &mut World, people: &mut People, kind: &'static str, r: &mut Random) {
    let mut rows: Vec<(Cell, Cell)> = Vec::new();
    for (n, person) in (0..).zip(people.all.clone()) {
        if r.chance(10) {
            continue;
        }
        for j in 0..r.one(&[1, 1, 1, 2]) {
            let id = identifier(kind, n * 3 + j);
            people.identifiers.entry(kind).or_default().entry(person).or_default().push(id.clone());
            rows.push((people.name(person), untidy(kind, id.clone(), r)));
            if r.chance(5) {
                rows.push((people.name(person), id.clone()));
            }
            if r.chance(5) {
                rows.push((people.name(r.one(&people.all)), id));
            }
        }
    }
    people.identifiers.entry(kind).or_default();
    let somebody = |r: &mut Random| people.name(r.one(&people.all));
    rows.push((somebody(r), Cell::Null));
    rows.push((Cell::Null, identifier(kind, 9_999)));
    if kind != "recordid" {
        rows.push((somebody(r), Cell::text(r.one(&["", "   ", "\t"]))));
        rows.push((somebody(r), Cell::text(r.one(&["bad", "A", "0"]))));
    }
    if people.text {
        rows.push((Cell::text("  "), identifier(kind, 9_998)));
    }
    r.shuffle(&mut rows);
    if r.chance(4) {
        rows.clear();
    }
    let halves: Vec<Vec<(Cell, Cell)>> = match r.below(10) {
        0..=3 => {
            let (a, b) = rows.split_at(rows.len() / 2);
            vec![a.to_vec(), b.to_vec()]
        }
        _ => vec![rows],
    };
    let folder = halves.len() == 1 && r.chance(40);
    for (half, rows) in halves.into_iter().enumerate() {
        let location = if folder { format!("link/{kind}") } else { format!("link/{kind}{half}.parquet") };
        let parts: Vec<(String, &[(Cell, Cell)])> = if folder {
            let (a, b) = rows.split_at(rows.len() / 3);
            vec![(format!("{location}/part=1/a.parquet"), a), (format!("{location}/b/c.parquet"), b)]
        } else {
            vec![(location.clone(), &rows[..])]
        };
        for (path, part) in parts {
            let (persons, ids) = part.iter().cloned().unzip();
            let mut columns = vec![identifiers(r.one(&["AE_ID", "ae_id"]), persons, r), identifiers("IDENT", ids, r)];
            r.shuffle(&mut columns);
            world.files.push(File { path: format!("sources/{path}"), columns, layout: values::layout(r) });
        }
        world.links.push(LinkTable {
            name: format!("link.{kind}{half}"),
            location,
            person: "ae_id".to_owned(),
            column: "Ident".to_owned(),
            kind: kind.to_owned(),
        });
    }
}

/// A table of people never to be released, by their own identifier or another.
fn exclusions(world: &mut World, people: &People, r: &mut Random) {
    let some = r.some(&people.all, 4);
    let by_person = r.chance(40);
    let kind = r.one(&people.kinds);
    let mut cells: Vec<Cell> = if by_person {
        some.iter().map(|p| people.name(*p)).collect()
    } else {
        some.iter().filter_map(|p| people.identifiers[kind].get(p)).flatten().cloned().collect()
    };
    cells.push(Cell::Null);
    let column = identifiers("Objection", cells, r);
    world.files.push(File { path: "objections.parquet".to_owned(), columns: vec![column], layout: values::layout(r) });
    world.exclusions.push(Exclusion {
        location: "objections.parquet".to_owned(),
        kind: if by_person { people.kind.clone() } else { kind.to_owned() },
        column: "objection".to_owned(),
    });
}
