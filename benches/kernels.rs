//! The innermost work, each kernel alone, on made-up rows: `benches/README.md` says how to run it and what it measures.
//!
//! All inputs come from one seed; how many rows there are, the names say. Before a kernel is measured its outcome is
//! looked at once, so that no bench measures nothing.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed, and says so")]

#[path = "kernels/made.rs"]
mod made;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema};
use criterion::{BatchSize, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use leo_extract::cohort::Cohort;
use leo_extract::engine::Budget;
use leo_extract::files::Disk;
use leo_extract::kernels::{Chunks, FanOut, cohort_of, gather, keys_of, ranks_of, rows_of, sort};
use leo_extract::keys::Keyring;
use leo_extract::link::{NOBODY, Rows};
use leo_extract::plan::{Layout, OutColumn, Purpose, TablePlan, Want};
use leo_extract::vocab::{ElementName, KeyId, Kind, Marks, Release, Silent, Type};
use leo_extract::write::{Encoders, Part, Pick, Room, RowSet, Sink, StoreBuilder, TableJob, Taken, table};
use made::Made;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// As in the command: many small things are allocated.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of a batch, as the engine gives them.
const BATCH: usize = 8 * 1024;
/// Batches of a unit.
const BATCHES: usize = 32;
/// People of the world.
const PEOPLE: u32 = 1_000_000;
/// Rows of a table: one row group.
const ROWS: usize = 512 * 1024;

fn rows(count: usize) -> Throughput {
    Throughput::Elements(count.try_into().unwrap())
}

/// Identifiers become de-identified keys.
fn keys(c: &mut Criterion) {
    const COUNT: usize = 64 * 1024;
    let ring = Keyring::from_secret(KeyId::new("bench").unwrap(), [7; 32]);
    let mut group = c.benchmark_group("keys of 64 Ki identifiers");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(rows(COUNT));
    let mut made = Made::new(1);
    let columns = [
        ("pmr", "18 characters", made.opaque(COUNT, 18)),
        ("upn", "13 characters, checked", made.upns(COUNT)),
        ("ae_id", "int64", made.numbers(COUNT, 10_000_000_000, 69_000_000_000)),
        ("recordid", "int32", made.small(COUNT, 0, i32::MAX)),
    ];
    for (kind, shape, column) in columns {
        let kind = Kind::new(kind).unwrap();
        let mac = ring.current().link(&kind);
        let (keys, met) = keys_of(&column, &kind, &mac).unwrap();
        assert_eq!((keys.len(), keys.null_count(), met.missing + met.malformed), (COUNT, 0, 0));
        group.bench_function(format!("{kind} ({shape})"), |b| b.iter(|| keys_of(black_box(&column), &kind, &mac)));
    }
    group.finish();
}

/// The columns that tables have: few and many texts, codes, amounts, dates, flags; some are missing.
fn columns(made: &mut Made, count: usize) -> Vec<ArrayRef> {
    vec![
        made.texts(count, 40),
        made.texts(count, 3_000),
        made.small(count, 0, 12),
        made.small(count, 0, 30_000),
        made.amounts(count),
        made.dates(count, 4_000),
        made.flags(count),
    ]
}

/// What the columns are called, and their types.
fn out_columns() -> Vec<OutColumn> {
    let kinds = [
        ("text", Type::Text),
        ("place", Type::Text),
        ("code", Type::Int32),
        ("points", Type::Int32),
        ("pay", Type::Float64),
        ("day", Type::Date),
        ("flag", Type::Bool),
    ];
    let column = |(name, kind): (&str, Type)| OutColumn {
        name: name.to_owned(),
        element: ElementName::new("npd.ks4").unwrap(),
        variable: name.to_owned(),
        kind,
        release: Release::AsIs,
        codes: Vec::new(),
    };
    kinds.into_iter().map(column).collect()
}

/// A project's wish for all columns, and a cohort of every n-th person or so.
fn wish(project: usize, nth: u32, made: &mut Made) -> (Want, Cohort) {
    let purpose = Purpose::Table { project, bases: Vec::new() };
    let columns = (0..7).collect();
    let want = Want { purpose, slices: None, years: None, spell: None, condition: None, columns };
    let people: Vec<u32> = (0..PEOPLE).filter(|_| made.below(nth) == 0).collect();
    (want, cohort_of(&made.pseudonyms(&people)))
}

/// A unit's rows, in the order of a source: nobody's order. One in twenty leads to nobody.
fn unit(made: &mut Made) -> Vec<Rows> {
    let batch = |_| {
        let person = |made: &mut Made| if made.below(20) == 0 { NOBODY } else { made.below(PEOPLE) };
        let persons = UInt32Array::from_iter_values((0..BATCH).map(|_| person(made)));
        let mut all: Vec<ArrayRef> = vec![Arc::new(persons)];
        all.extend(columns(made, BATCH));
        let named = all.into_iter().enumerate().map(|(i, column)| (format!("c{i}"), column));
        rows_of(RecordBatch::try_from_iter(named).unwrap())
    };
    (0..BATCHES).map(batch).collect()
}

/// A unit's rows fan out to the stores and picks of projects.
fn fan_out(c: &mut Criterion) {
    let mut made = Made::new(2);
    let unit = unit(&mut made);
    let count = BATCH * BATCHES;
    // As in the race: everybody, half, and others.
    let wishes = [1, 2, 3, 5, 3, 2, 8].iter().enumerate().map(|(i, nth)| wish(i, *nth, &mut made));
    let (wants, cohorts): (Vec<_>, Vec<_>) = wishes.unzip();
    let led = unit.iter().flat_map(|rows| rows.persons().values()).filter(|person| **person != NOBODY).count();
    let mut group = c.benchmark_group("fan-out of 256 Ki rows of 7 columns");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(rows(count));
    for (name, of) in [("one project, everybody", 0..1), ("one, an eighth", 6..7), ("seven", 0..7)] {
        let (wants, ranks) = (&wants[of.clone()], ranks_of(cohorts[of].iter(), PEOPLE as usize));
        let run = || {
            let mut out = FanOut::new(count, wants, &ranks);
            unit.iter().for_each(|rows| out.take(rows).unwrap());
            out
        };
        let kept: Vec<usize> = run().kept().into_iter().map(|n| n.try_into().unwrap()).collect();
        let share = if wants.len() == 1 && name.contains("eighth") { 8 } else { 1 };
        let near = |n: usize, of: usize| n >= of * 9 / 10 && n <= of * 11 / 10;
        assert!(kept.len() == wants.len() && near(kept[0], led / share), "the projects keep the rows of their people");
        group.bench_function(name, |b| b.iter(run));
    }
    group.finish();
}

/// A store of rows of these people, all of which the first taker takes.
fn owned(columns: &[ArrayRef], persons: &[u32]) -> Part {
    let mut builder = StoreBuilder::with_room(ROWS);
    builder.append(ROWS, columns, None).unwrap();
    let mut takers = Marks::new(ROWS, 1);
    takers.mark_all(&[true; ROWS], 0);
    builder.append_people(persons, &takers, &(0..ROWS.try_into().unwrap()).collect::<Vec<u32>>());
    let store = Arc::new(builder.finish());
    Part { columns: (0..store.width()).collect(), store }
}

/// A store of some rows.
fn store(columns: &[ArrayRef]) -> Part {
    let mut builder = StoreBuilder::with_room(ROWS);
    builder.append(ROWS, columns, None).unwrap();
    let store = Arc::new(builder.finish());
    Part { columns: (0..store.width()).collect(), store }
}

/// A table's rows, of any of so many people each, in nobody's order.
fn picked(made: &mut Made, part: &Part, people: u32) -> RowSet {
    let picks = (0..ROWS.try_into().unwrap()).map(|row| Pick { rank: made.below(people), row }).collect();
    RowSet::of(part.clone(), picks)
}

fn rises(rows: &RowSet) -> bool {
    rows.picks().is_sorted_by_key(|pick| pick.rank)
}

/// Rows are sorted by person and all columns; and put together as arrays, as linked tables and scratch need them.
fn sort_and_gather(c: &mut Criterion) {
    let mut made = Made::new(3);
    let part = store(&columns(&mut made, ROWS));
    let (all, ties) = (picked(&mut made, &part, PEOPLE), picked(&mut made, &part, PEOPLE / 6));
    let mut sorted = all.clone();
    sort(&mut sorted).unwrap();
    assert!(rises(&sorted) && !rises(&all) && sorted.len() == ROWS);
    let mut group = c.benchmark_group("sort and gather 512 Ki rows");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(rows(ROWS));
    for (name, rows) in [("sort, most people with a row", &all), ("sort, three rows a person", &ties)] {
        let run = |mut rows: RowSet| sort(&mut rows).map(|()| rows);
        group.bench_function(name, |b| b.iter_batched(|| rows.clone(), run, BatchSize::LargeInput));
    }
    let gathered = gather(&sorted).unwrap();
    assert!(gathered.len() == 7 && gathered.iter().all(|column| column.len() == ROWS));
    group.bench_function("gather 7 columns", |b| b.iter(|| gather(black_box(&sorted))));
    group.finish();
}

/// Sorted rows become column chunks, each kind of column alone.
fn encode(c: &mut Criterion) {
    let mut made = Made::new(4);
    let ids: Vec<[u8; 16]> = made.ids(PEOPLE);
    let mut columns = columns(&mut made, ROWS);
    columns.push(made.texts(ROWS, 200_000));
    columns.push(made.numbers(ROWS, 0, i64::MAX));
    // The rows stand in the store as they came: reading them jumps, as it does in a build.
    let mut set = picked(&mut made, &store(&columns), PEOPLE);
    sort(&mut set).unwrap();
    let ranks: Vec<u32> = set.picks().iter().map(|pick| pick.rank).collect();
    let at: Vec<u32> = set.picks().iter().map(|pick| pick.row).collect();
    let mut fields = vec![Field::new("person_id", DataType::Utf8, false)];
    fields.extend(columns.iter().enumerate().map(|(i, c)| Field::new(format!("c{i}"), c.data_type().clone(), true)));
    let mut chunks = Chunks::new(&Schema::new(fields)).unwrap();
    let mut group = c.benchmark_group("encode 512 Ki rows");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(rows(ROWS));
    // Eight bytes of an id differ at most, and two at least.
    let bytes = chunks.ids(&ranks, &ids).unwrap();
    assert!(bytes > ROWS * 2 && bytes < ROWS * 16, "person_id takes {bytes} bytes");
    group.bench_function("person_id", |b| b.iter(|| chunks.ids(black_box(&ranks), &ids)));
    let names = [
        "text, 40 values",
        "text, 3000 values",
        "int32, 12 values",
        "int32, 30000 values",
        "float64, most distinct",
        "date, 4000 values",
        "bool",
        "text, 200000 values",
        "int64, all distinct",
    ];
    for (column, name) in names.into_iter().enumerate() {
        let bytes = chunks.column(&set, &at, column).unwrap();
        assert!(bytes > ROWS / 16 && bytes < ROWS * 32, "{name} takes {bytes} bytes");
        group.bench_function(name, |b| b.iter(|| chunks.column(black_box(&set), &at, column)));
    }
    group.finish();
}

/// A whole table: rows are sorted, encoded, digested and written.
fn tables(c: &mut Criterion) {
    let mut made = Made::new(5);
    let ids = made.ids(PEOPLE);
    // Everybody is in the project; each row is of anybody, and taken.
    let everybody: Vec<u32> = (0..PEOPLE).collect();
    let ranks = ranks_of([cohort_of(&made.pseudonyms(&everybody))].iter(), PEOPLE as usize);
    let persons: Vec<u32> = (0..ROWS).map(|_| made.below(PEOPLE)).collect();
    let part = owned(&columns(&mut made, ROWS), &persons);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("npd.ks4")).unwrap();
    let layout = Layout { year: None, term: false, columns: out_columns() };
    let plan = TablePlan { element: ElementName::new("npd.ks4").unwrap(), slice: None, layout, sources: Vec::new() };
    let (encoders, disk) = (Encoders::default(), Disk::begin().unwrap());
    let budget = Budget::of(8 << 30, 1);
    let sink = || {
        // No table is written over another.
        std::fs::remove_file(folder.path().join(plan.path())).ok();
        let sink = Sink::new(folder.path().join("spill"), 1, Arc::clone(&ranks), 0);
        sink.keep(Taken { part: part.clone(), taker: 0 }).unwrap();
        sink
    };
    let run = |sink: Sink| {
        let (data, recipe) = (folder.path().to_path_buf(), String::new());
        let room = Room { budget: &budget, turn: false };
        let (encoders, disk, observer) = (&encoders, &disk, &Silent);
        let job = TableJob { plan: &plan, data, ids: &ids, recipe, encoders, disk, room, observer };
        table(&job, sink).unwrap()
    };
    let record = run(sink());
    assert_eq!((record.rows, record.columns.len()), (ROWS.try_into().unwrap(), 8));
    assert!(record.bytes > 8 << 20 && record.persons < u64::from(PEOPLE));
    let mut group = c.benchmark_group("a table of 512 Ki rows of 8 columns");
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(rows(ROWS));
    group.bench_function("sort, encode, digest, write", |b| b.iter_batched(sink, run, BatchSize::PerIteration));
    group.finish();
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = keys, fan_out, sort_and_gather, encode, tables
}
criterion_main!(kernels);
