//! Little memory: an element ten times as large as `--memory` spills, stays within the limit and a fixed overhead, and
//! comes out the same to the byte.

use crate::support::{WIDE, World, data, read};
use arrow::array::Array as _;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::time::Duration;

/// What a process takes beyond `--memory`, at most: the program, its threads, and what decoders and encoders hold.
/// README states it.
const OVERHEAD: u64 = 256 << 20;

/// The limit under test, in MiB: a small one in the suite, and 512 by `LEO_MEMORY=512`.
fn limit() -> u64 {
    std::env::var("LEO_MEMORY").ok().map_or(64, |text| text.parse().unwrap())
}

/// Repeats a table's rows in one file until they take so many bytes in memory. Returns those bytes.
fn swell(path: &Path, bytes: u64) -> u64 {
    let batch = read(path);
    let one: usize = batch.columns().iter().map(|c| c.to_data().get_slice_memory_size().unwrap()).sum();
    let times = bytes.div_ceil(u64::try_from(one).unwrap());
    let swollen = path.with_extension("swollen");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(100_000)).build();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(&swollen).unwrap(), batch.schema(), Some(properties)).unwrap();
    (0..times).for_each(|_| writer.write(&batch).unwrap());
    writer.close().unwrap();
    std::fs::rename(swollen, path).unwrap();
    times * u64::try_from(one).unwrap()
}

/// A build under a limit. Returns the most memory that the process ever had resident, and the most that lay in scratch.
fn measured(world: &World, limit: &str) -> (u64, u64) {
    let mut child = world.spawn(&["--memory", limit, "--threads", "2", WIDE]);
    let status = format!("/proc/{}/status", child.id());
    let (mut peak, mut spilled) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.split_whitespace().next());
        peak = peak.max(kilobytes.map_or(0, |k| k.parse::<u64>().unwrap() * 1024));
        spilled = spilled.max(spills(&world.path("extracts/.staging")));
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (peak, spilled)
}

/// The bytes of spilled rows below a folder.
fn spills(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => spills(&entry.path()),
            Ok(meta)
                if entry.path().extension().is_some_and(|e| ["arrow", "rows", "persons"].iter().any(|of| e == *of)) =>
            {
                meta.len()
            }
            _ => 0,
        })
        .sum()
}

#[test]
fn an_element_ten_times_the_memory_stays_within_it_and_comes_out_the_same() {
    let limit = limit();
    let world = World::made(&["--persons", "2000"]);
    // Everybody in that census, so that most of its rows are released.
    let everybody = "    - include: npd.school_census\n      years: 2010/2011\n      terms: [spring]\n";
    world.amend(WIDE, "    - require: npd.ks4\n      years: 2010/2011\n", everybody);
    let large = swell(&world.source("npd/school_census/Spring_Census_2011.parquet"), (limit * 10) << 20);
    assert!(large >= (limit * 10) << 20);
    let (peak, spilled) = measured(&world, &format!("{limit}MiB"));
    assert!(spilled > 0, "nothing was spilled");
    assert!(peak > 0 && peak < (limit << 20) + OVERHEAD, "{} MiB resident under --memory {limit}MiB", peak >> 20);
    let small = data(&world.latest(WIDE));
    let (roomy, unspilled) = measured(&world, "16GiB");
    assert_eq!(unspilled, 0);
    assert!(small == data(&world.latest(WIDE)), "memory shows in the bytes");
    println!(
        "element {} MiB, limit {limit} MiB: {} MiB resident, {} MiB spilled; with 16 GiB: {} MiB",
        large >> 20,
        peak >> 20,
        spilled >> 20,
        roomy >> 20
    );
}
