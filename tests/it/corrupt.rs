//! Every part of every file, damaged: a published extract is refused whatever was touched; a source is refused wherever
//! its damage shows, and where it does not show in principle, the record tells.

use crate::regions::{DAMAGES, Dice, damaged, regions};
use crate::support::{DAY, Run, SMALL, World, data, files, manifest, read, replace, sha256};
use leo_extract::config::Config;
use leo_extract::pipeline::{self, Settings};
use leo_extract::vocab::{ExitCode, Observer, Silent};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How often each way of damaging is tried on each kind of part; `LEO_CORRUPT_ROUNDS` says otherwise.
fn rounds(usual: usize) -> usize {
    std::env::var("LEO_CORRUPT_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// The library's own proof of an extract, as the binary makes it: the exit code.
fn proof(world: &World, extract: &Path) -> ExitCode {
    let config = Config::read(&world.path("leo.yaml")).unwrap();
    let settings = Settings {
        keyring: world.path("leo.keyring"),
        config,
        threads: 1,
        memory: 1 << 30,
        as_of: DAY.parse().unwrap(),
        as_of_is_today: false,
        anew: false,
    };
    let observer: Arc<dyn Observer> = Arc::new(Silent);
    match pipeline::verify(&settings, &[extract.to_path_buf()], false, &observer) {
        Ok(view) => pipeline::exit_of(&view),
        Err(error) => error.exit_code(),
    }
}

#[test]
fn a_published_extract_damaged_anywhere_is_refused() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let extract = world.latest(SMALL);
    assert_eq!(proof(&world, &extract), ExitCode::Done);
    let mut dice = Dice(0x5eed_0001);
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    let all = files(&extract);
    let tables = all.iter().filter(|(path, _)| path.starts_with("data/npd.ks4/"));
    let largest = tables.max_by_key(|(_, bytes)| bytes.len()).unwrap().0;
    let mut seldom = 0;
    for (path, bytes) in &all {
        let parts: Vec<(String, std::ops::Range<usize>)> = if path == largest {
            regions(bytes).into_iter().map(|r| (format!("table: {}", r.name), r.range)).collect()
        } else {
            vec![(path.rsplit('/').next().unwrap().to_owned(), 0..bytes.len())]
        };
        let by_name = parts.iter().fold(BTreeMap::<&str, Vec<_>>::new(), |mut all, (name, range)| {
            all.entry(name).or_default().push(range.clone());
            all
        });
        for (name, ranges) in by_name {
            for damage in DAMAGES {
                for _ in 0..rounds(if path.ends_with(".parquet") && path != largest { 1 } else { 2 }) {
                    let range = &ranges[dice.below(ranges.len())];
                    let Some(bad) = damaged(bytes, range, damage, &mut dice) else { continue };
                    replace(&extract.join(path), &bad);
                    let code = proof(&world, &extract);
                    assert_eq!(code, ExitCode::Invalid, "{damage:?} in {name} of {path} was accepted");
                    *tried.entry(name.to_owned()).or_default() += 1;
                    // The binary says the same: asked now and then, since a process costs more than the proof.
                    seldom += 1;
                    if seldom % 40 == 0 {
                        world.run(&["verify", "--quiet", extract.to_str().unwrap()]).ends(65);
                    }
                }
            }
        }
        replace(&extract.join(path), bytes);
    }
    assert_eq!(proof(&world, &extract), ExitCode::Done, "what was put back is whole again");
    let total: usize = tried.values().sum();
    println!("published: {total} tried, {total} refused, 0 accepted: {tried:?}");
    assert!(total > 200 && tried.len() >= 20, "{tried:?}");
    for part in ["magic", "page header", "data", "footer", "footer length"] {
        assert!(tried.contains_key(&format!("table: {part}")), "no {part} was damaged: {tried:?}");
    }
}

/// The slice that is damaged, and what is read of it.
const SOURCE: &str = "npd/ks4/KS4_2009_2010.parquet";

/// The forms in which the source is written: by other programs too, which put into a file what ours does not.
fn forms() -> [(&'static str, WriterPropertiesBuilder); 3] {
    let paged = WriterProperties::builder().set_data_page_row_count_limit(40).set_write_batch_size(40);
    [
        ("version 1, not compressed", paged.clone()),
        (
            "version 2, snappy, bloom filters",
            paged
                .clone()
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_compression(Compression::SNAPPY)
                .set_bloom_filter_enabled(true),
        ),
        ("version 1, zstd", paged.set_compression(Compression::ZSTD(ZstdLevel::default()))),
    ]
}

fn recorded(extract: &Path) -> String {
    let manifest = manifest(extract);
    let sources = manifest["sources"].as_array().unwrap();
    let entry = sources.iter().find(|s| s["path"].as_str().unwrap().ends_with("KS4_2009_2010.parquet")).unwrap();
    entry["sha256"].as_str().unwrap().to_owned()
}

/// What came of the damages of one kind of part.
#[derive(Debug, Default)]
struct Tally {
    tried: usize,
    refused: usize,
    /// Stopped by what the spec expects of the cohort: the damage left hardly anybody.
    unexpected: usize,
    /// The extract came out the same: padding, statistics, an index that nobody reads.
    harmless: usize,
    /// Other values decode, and no checksum is there that could tell.
    unseen: usize,
    /// Of these, told by a warning.
    told: usize,
}

#[test]
fn a_damaged_source_is_refused_or_its_digest_tells() {
    let world = World::made(&["--persons", "300", "--years", "2009/2010"]);
    let batch = read(&world.source(SOURCE));
    let mut dice = Dice(0x5eed_0002);
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for (form, properties) in forms() {
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        replace(&world.source(SOURCE), &bytes);
        world.build(&[SMALL]).ends(0);
        let good = world.latest(SMALL);
        let pristine: BTreeMap<_, _> = tables_only(&good);
        assert_eq!(recorded(&good), sha256(&bytes));
        let by_name = regions(&bytes).into_iter().fold(BTreeMap::<_, Vec<_>>::new(), |mut all, region| {
            all.entry(region.name).or_default().push(region.range);
            all
        });
        let (mut asked, mut current, mut length) = (false, good.clone(), bytes.len());
        for (name, ranges) in by_name {
            for damage in DAMAGES {
                for _ in 0..rounds(1) {
                    let range = &ranges[dice.below(ranges.len())];
                    let Some(bad) = damaged(&bytes, range, damage, &mut dice) else { continue };
                    replace(&world.source(SOURCE), &bad);
                    let began = std::time::Instant::now();
                    let run = world.build(&[SMALL]);
                    assert!(began.elapsed().as_secs() < 20, "{form}: {damage:?} in {name}: a hang");
                    let tally = tallies.entry(name).or_default();
                    tally.tried += 1;
                    let newest = world.latest(SMALL);
                    if run.code != 0 {
                        assert_eq!(newest, current, "{form}: {damage:?} in {name}: refused, and published");
                        if run.code == 77 && run.block("expectation-not-met").is_some() {
                            tally.unexpected += 1;
                        } else {
                            assert_refused(&run, &format!("{form}: {damage:?} in {name}"));
                            tally.refused += 1;
                        }
                        continue;
                    }
                    current.clone_from(&newest);
                    let in_place = std::mem::replace(&mut length, bad.len()) == bad.len();
                    // The record names the bytes that were read: whoever compares it with the last one sees the change.
                    assert_eq!(recorded(&newest), sha256(&bad), "{form}: {damage:?} in {name}");
                    assert_ne!(recorded(&newest), recorded(&good));
                    if tables_only(&newest) == pristine {
                        tally.harmless += 1;
                        continue;
                    }
                    tally.unseen += 1;
                    // Nor is it accepted in silence: the last version's record knows the file.
                    if in_place {
                        assert!(run.said().contains("warning[source-changed-in-place]"), "{}", run.said());
                        tally.told += 1;
                    }
                    if !asked {
                        asked = true;
                        let run = world.run(&["verify", "--quiet", "--rebuild", good.to_str().unwrap()]).ends(65);
                        assert!(run.block("rebuild-differs").is_some(), "{}", run.said());
                    }
                }
            }
        }
        std::fs::remove_dir_all(world.path("extracts")).unwrap();
    }
    let of = |count: fn(&Tally) -> usize| tallies.values().map(count).sum::<usize>();
    println!(
        "source: {} tried, {} refused, {} beyond expectations, {} harmless, {} decode to other values, of which {} are \
         told as changed in place: {tallies:#?}",
        of(|t| t.tried),
        of(|t| t.refused),
        of(|t| t.unexpected),
        of(|t| t.harmless),
        of(|t| t.unseen),
        of(|t| t.told)
    );
    for part in ["magic", "page header", "dictionary", "levels", "data", "column index", "offset index", "bloom filter"]
    {
        assert!(tallies.contains_key(part), "no {part} was damaged");
    }
    assert!(of(|t| t.refused) * 3 > of(|t| t.tried), "{tallies:#?}");
    assert!(of(|t| t.told) > 0 && of(|t| t.told) <= of(|t| t.unseen), "{tallies:#?}");
    assert_eq!(tallies["footer length"].unseen + tallies["footer length"].harmless, 0, "{tallies:#?}");
}

fn tables_only(extract: &Path) -> BTreeMap<String, Vec<u8>> {
    data(extract).into_iter().filter(|(path, _)| path.ends_with(".parquet")).collect()
}

/// Refused as a fault of that file, with a remedy and nothing of a cell.
#[track_caller]
fn assert_refused(run: &Run, what: &str) {
    assert_eq!(run.code, 65, "{what}:\n{}", run.said());
    assert!(run.said().contains("KS4_2009_2010.parquet"), "{what}: no file named:\n{}", run.said());
    assert!(run.said().contains("help: "), "{what}: no remedy:\n{}", run.said());
}
