//! The files of an element: rows about people, with identifiers good and bad, periods read and unread, decoys beside.

use super::super::coverage::Seen;
use super::super::model::{Cell, Column, Element, Encoding, File, Kind, Period, Stored, Term, Variable};
use super::super::random::Random;
use super::super::reference::{fill, slices};
use super::super::spec::World;
use super::values::{layout, mood, stored, value};
use super::{People, identifier, identifiers, untidy};
use std::collections::BTreeMap;

/// Days since 1970-01-01 of 1997-01-01.
const SPELLS_BEGIN: i32 = 9_862;

/// Makes the files of an element.
pub(super) fn tables(world: &mut World, e: &Element, people: &People, r: &mut Random) {
    let parts: Vec<Option<(i32, Option<Term>)>> = match e.period {
        Period::Slice { .. } => slices(e, &[e.coverage], &[]).into_iter().map(Some).collect(),
        _ => vec![None],
    };
    for slice in parts {
        let location = fill(&e.location, slice, &mut Seen::default());
        let rows = if slice.is_some() { r.one(&[0, 1, 20, 60, 150]) } else { r.one(&[0, 60, 150, 300]) };
        if location.ends_with(".parquet") {
            file(world, e, people, slice, &location, rows, r);
            continue;
        }
        let hive = r.chance(50);
        for part in 0..r.one(&[1, 2, 3]) {
            // Where no person may have two rows, one file holds all of them.
            let rows = if e.single && part > 0 { 0 } else { rows };
            let rows = if r.chance(15) { 0 } else { rows };
            let name = if hive { format!("part={part}/rows.parquet") } else { format!("p{part}.parquet") };
            file(world, e, people, slice, &format!("{location}/{name}"), rows, r);
        }
    }
}

/// The identifiers of some rows.
fn who(e: &Element, people: &People, rows: usize, r: &mut Random) -> Vec<Cell> {
    let chosen: Vec<i32> =
        if e.single { r.some(&people.all, rows) } else { (0..rows).map(|_| r.one(&people.all)).collect() };
    let by_person = e.id_kind == people.kind;
    let one = |person: i32, r: &mut Random| {
        if by_person {
            let stranger = person + 50_000;
            return people.name(if r.chance(90) { person } else { stranger });
        }
        let kind = people.kinds.iter().find(|k| **k == e.id_kind).unwrap();
        let own = people.identifiers[kind].get(&person);
        own.map_or(Cell::Null, |own| untidy(kind, if e.single { own[0].clone() } else { r.one(own) }, r))
    };
    chosen
        .into_iter()
        .map(|person| {
            let cell = one(person, r);
            let text = matches!(cell, Cell::Text(_));
            match r.below(40) {
                0 | 1 => Cell::Null,
                2 if !by_person => identifier(&e.id_kind, 7_000),
                3 if text => Cell::text(r.one(&["bad", "A", "0"])),
                4 if text => Cell::text(r.one(&["  ", "", "\t"])),
                _ => cell,
            }
        })
        .collect()
}

/// A column's physical spelling: letters of another case, where that is harmless.
fn spelt(name: &str, r: &mut Random) -> String {
    match r.below(6) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

fn file(
    world: &mut World,
    e: &Element,
    people: &People,
    slice: Option<(i32, Option<Term>)>,
    path: &str,
    rows: usize,
    r: &mut Random,
) {
    let ids = who(e, people, rows, r);
    let rows = ids.len();
    let suffix = e.suffix.as_ref().filter(|_| r.chance(80)).map(|s| fill(s, slice, &mut Seen::default()));
    let suffix = suffix.unwrap_or_default();
    let name = |plain: &str, r: &mut Random| spelt(&format!("{plain}{suffix}"), r);
    let mut columns = vec![identifiers(&name(&e.id_column, r), ids, r)];
    if e.id_kind == people.kind && !people.text && rows == 0 {
        columns[0].kind = Kind::Int64;
    }
    let year = slice.map(|s| s.0);
    let mut taken: BTreeMap<String, ()> = columns.iter().map(|c| (c.name.to_lowercase(), ())).collect();
    let mut wanted: Vec<(String, &Variable)> = Vec::new();
    for v in &e.variables {
        let collected = year.is_none_or(|y| v.years.is_none_or(|(a, b)| a <= y && y <= b));
        let was = v.was.iter().find(|(_, (a, b))| year.is_some_and(|y| *a <= y && y <= *b));
        if collected {
            wanted.push((was.map_or(&v.name, |(old, _)| old).clone(), v));
        }
        if matches!(e.period, Period::Column { .. }) {
            wanted.extend(v.was.iter().map(|(old, _)| (old.clone(), v)));
        }
    }
    let of_period = ["Yr", "St", "En"];
    wanted.retain(|(plain, _)| !of_period.contains(&plain.as_str()));
    wanted.dedup_by(|a, b| a.0 == b.0);
    for (plain, v) in &wanted {
        if taken.contains_key(&format!("{plain}{suffix}").to_lowercase()) {
            continue;
        }
        let physical = name(plain, r);
        taken.insert(physical.to_lowercase(), ());
        columns.push(cells(&physical, v.kind, rows, r));
    }
    // Decoys: columns that nothing describes, other years' names, and the plain name beside the suffixed one.
    let mut decoys: Vec<(String, Kind)> = vec![("Extra".to_owned(), Kind::Text)];
    for v in &e.variables {
        decoys.extend(v.was.iter().map(|(old, _)| (old.clone(), v.kind)));
        decoys.push((v.name.clone(), v.kind));
    }
    for (decoy, kind) in decoys {
        if r.chance(30) && !of_period.contains(&decoy.as_str()) && taken.insert(decoy.to_lowercase(), ()).is_none() {
            let mut column = cells(&decoy, kind, rows, r);
            if r.chance(20) {
                column.stored = Stored::Nested;
            }
            columns.push(column);
        }
    }
    match &e.period {
        Period::Column { encoding, column, .. } => columns.push(years(&spelt(column, r), e, *encoding, rows, r)),
        Period::Spell { start, end, .. } => columns.extend(spells([&spelt(start, r), &spelt(end, r)], rows, r)),
        Period::Slice { .. } | Period::None => {}
    }
    // A file with an int96 is written by Parquet's own writer, which here stores all else plainly.
    if columns.iter().any(|c| c.stored == Stored::Int96) {
        for column in columns.iter_mut().filter(|c| c.stored != Stored::Int96) {
            column.stored = Stored::Plain;
        }
        if columns.iter().any(|c| !super::super::int96::fits(c)) {
            columns.iter_mut().for_each(|c| c.stored = Stored::Plain);
        }
    }
    r.shuffle(&mut columns);
    world.files.push(File { path: format!("sources/{path}"), columns, layout: layout(r) });
}

fn cells(name: &str, kind: Kind, rows: usize, r: &mut Random) -> Column {
    let mood = mood(r);
    let cells: Vec<Cell> = (0..rows).map(|_| value(kind, mood, r)).collect();
    let stored = stored(kind, &cells, r);
    Column { name: name.to_owned(), kind, stored, cells }
}

/// A column of years, some of them outside the coverage, some unreadable.
fn years(name: &str, e: &Element, encoding: Encoding, rows: usize, r: &mut Random) -> Column {
    let integer = matches!(encoding, Encoding::EndYear | Encoding::StartYear | Encoding::Joined) && r.chance(50);
    let one = |r: &mut Random| {
        let year = r.between(e.coverage.0 - 1, e.coverage.1 + 1);
        let short = (year + 1) % 100;
        let said = match encoding {
            Encoding::LongPair => format!("{year}/{}", year + 1),
            Encoding::ShortPair => format!("{year}/{short:02}"),
            Encoding::EndYear => format!("{}", year + 1),
            Encoding::StartYear => format!("{year}"),
            Encoding::Joined => format!("{year}{short:02}"),
        };
        match r.below(25) {
            0 => Cell::Null,
            1 if integer => Cell::Int(r.one(&[0, 99, 201_299, 99_999_999])),
            1 => Cell::text(r.one(&["?", "2012/2014", "", "201299", "two", "20/13", "2012-2013"])),
            2 if !integer => Cell::Text(format!(" {said} ")),
            _ if integer => Cell::Int(said.parse().unwrap()),
            _ => Cell::Text(said),
        }
    };
    let cells: Vec<Cell> = (0..rows).map(|_| one(r)).collect();
    let (kind, ways) = if integer {
        (Kind::Int64, [Stored::Plain, Stored::Int32, Stored::UInt32, Stored::WholeDecimal])
    } else {
        (Kind::Text, [Stored::Plain, Stored::Dictionary, Stored::LargeText, Stored::ViewText])
    };
    Column { name: name.to_owned(), kind, stored: r.one(&ways), cells }
}

/// Columns of spells: open, without a start, backwards, on the days on which years turn.
fn spells(names: [&str; 2], rows: usize, r: &mut Random) -> [Column; 2] {
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let mut start = SPELLS_BEGIN + r.between(0, 6_000);
        if r.chance(20) {
            let year = i16::try_from(r.between(1998, 2012)).unwrap();
            let (month, day) = r.one(&[(4, 5), (4, 6), (8, 31), (9, 1)]);
            let date = jiff::civil::date(year, month, day);
            start = date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days();
        }
        starts.push(if r.chance(7) { Cell::Null } else { Cell::Date(start) });
        ends.push(match r.below(20) {
            0..=2 => Cell::Null,
            3 => Cell::Date(2_932_896),
            4 => Cell::Date(start),
            5 => Cell::Date(start + 365),
            _ => Cell::Date(start + r.between(-400, 1_500)),
        });
    }
    let column = |name: &str, cells: Vec<Cell>, r: &mut Random| {
        let way = if r.chance(40) { stored(Kind::Date, &cells, r) } else { Stored::Plain };
        Column { name: name.to_owned(), kind: Kind::Date, stored: way, cells }
    };
    [column(names[0], starts, r), column(names[1], ends, r)]
}
