//! No identifier of the sources occurs in any byte that the tool leaves, passes through, or says; also where it fails.

use crate::support::{DAY, Run, SMALL, WIDE, World, files, read, replace, texts, write};
use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::file::properties::WriterProperties;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

/// What a column that holds an identifier of a person is called, in part.
const NAMES: [&str; 8] = ["pupilmatchingref", "edukey", "recordid", "ae_id", "nino", "husid", "upn", "uln"];

/// Texts that must occur nowhere, found by windows of their lengths.
struct Canaries {
    of_length: BTreeMap<usize, HashSet<Vec<u8>>>,
    /// Whether any begins with these three bytes: most windows are dismissed by it.
    beginnings: Vec<bool>,
}

fn beginning(window: &[u8]) -> usize {
    usize::from(window[0]) << 16 | usize::from(window[1]) << 8 | usize::from(window[2])
}

impl Canaries {
    /// Every identifier in the sources of a world.
    ///
    /// Left out: what is shorter than eight characters, and numbers of fewer than ten digits. Such texts also occur by
    /// chance, as part of a digest or a count, so that finding them would say nothing.
    fn of(world: &World) -> Self {
        let mut found = BTreeSet::new();
        let mut take = |path: &Path| {
            let batch = read(path);
            for field in batch.schema().fields() {
                let name = field.name().to_ascii_lowercase();
                if NAMES.iter().any(|part| name.contains(part)) {
                    found.extend(texts(&batch, field.name()).into_iter().flatten());
                }
            }
        };
        for folder in ["sources", "exclusions"] {
            for (path, _) in files(&world.path(folder)) {
                take(&world.path(&format!("{folder}/{path}")));
            }
        }
        // An exclusion's column may be called anything.
        for (path, _) in files(&world.path("exclusions")) {
            let batch = read(&world.path(&format!("exclusions/{path}")));
            for field in batch.schema().fields() {
                found.extend(texts(&batch, field.name()).into_iter().flatten());
            }
        }
        let mut of_length: BTreeMap<usize, HashSet<Vec<u8>>> = BTreeMap::new();
        for text in found {
            let text = text.trim().to_owned();
            let number = text.bytes().all(|b| b.is_ascii_digit());
            if text.len() >= 8 && (!number || text.len() >= 10) {
                of_length.entry(text.len()).or_default().insert(text.into_bytes());
            }
        }
        let mut beginnings = vec![false; 1 << 24];
        for text in of_length.values().flatten() {
            beginnings[beginning(text)] = true;
        }
        Self { of_length, beginnings }
    }

    fn count(&self) -> usize {
        self.of_length.values().map(HashSet::len).sum()
    }

    /// Whether any occurs in the bytes.
    fn in_bytes(&self, bytes: &[u8]) -> bool {
        let (begins, lengths) = (&self.beginnings, &self.of_length);
        let at = |i: usize| lengths.iter().any(|(n, set)| bytes.get(i..i + n).is_some_and(|w| set.contains(w)));
        (0..bytes.len().saturating_sub(7)).any(|i| begins[beginning(&bytes[i..])] && at(i))
    }

    #[track_caller]
    fn assert_absent(&self, what: &str, bytes: &[u8]) {
        assert!(!self.in_bytes(bytes), "{what} holds an identifier");
    }

    /// In no file below a folder, neither in its bytes nor, of a table, in its decoded cells.
    #[track_caller]
    fn assert_absent_below(&self, folder: &Path) {
        for (path, bytes) in files(folder) {
            self.assert_absent(&path, &bytes);
            if path.ends_with(".parquet") {
                let batch = read(&folder.join(&path));
                for field in batch.schema().fields() {
                    let cells: Vec<String> = texts(&batch, field.name()).into_iter().flatten().collect();
                    self.assert_absent(&path, cells.join("\n").as_bytes());
                }
            }
        }
    }

    #[track_caller]
    fn assert_unsaid(&self, run: &Run) {
        self.assert_absent("standard output", run.out.as_bytes());
        self.assert_absent("standard error", run.err.as_bytes());
    }
}

/// Projects whose rows together do not fit into 64 MiB: everybody who ever worked, all spells, several times.
const CROWD: [&str; 6] = [WIDE, "LEO-2019-911", "LEO-2019-912", "LEO-2019-913", "LEO-2019-914", "LEO-2019-915"];

fn crowded() -> World {
    let world = World::made(&["--persons", "1500", "--fault", "heavy_person=700000"]);
    let path = world.spec(WIDE);
    let text = std::fs::read_to_string(&path).unwrap();
    let head = &text[..text.find("cohort:").unwrap()];
    let years = "1997/1998..2020/2021";
    let spec = format!(
        "{head}cohort:\n  description: Everybody who ever worked\n  steps:\n    - include: hmrc.employment\n      years: {years}\n\
         elements:\n  - element: hmrc.employment\n    years: {years}\n    \
         variables: [StartDate, EndDate, UncertainStartDate]\n    \
         spells: overlapping\n    justification: All of it.\noutput: {{format: parquet}}\n"
    );
    replace(&path, spec.as_bytes());
    world.approve(WIDE);
    for twin in &CROWD[1..] {
        world.add_twin(WIDE, twin);
    }
    world
}

#[test]
fn no_identifier_in_any_byte() {
    let world = crowded();
    let canaries = Canaries::of(&world);
    assert!(canaries.count() > 4_000, "{}", canaries.count());
    // The search finds what is there: the sources themselves are full of them.
    let link = read(&world.source("link/ae_id_edukey.parquet"));
    let column = link.schema().field(1).name().clone();
    let known: Vec<String> = texts(&link, &column).into_iter().flatten().collect();
    assert!(canaries.in_bytes(format!("..{}..", known.iter().find(|k| k.len() >= 10).unwrap()).as_bytes()));

    // Everything that appears below extracts while the build runs is looked at as it is, scratch and spill among it.
    let mut child = world.spawn(&[&["--memory", "64MiB", "--threads", "16"], &CROWD as &[&str]].concat());
    let (mut spilled, mut looked) = (BTreeSet::new(), 0);
    let mut seen = BTreeSet::new();
    while child.try_wait().unwrap().is_none() {
        for (path, bytes) in files(&world.path("extracts/.staging")) {
            if !seen.insert((path.clone(), bytes.len())) {
                continue;
            }
            canaries.assert_absent(&path, &bytes);
            looked += 1;
            if path.contains("scratch") && !bytes.is_empty() {
                spilled.insert(path);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    canaries.assert_absent("standard output", &output.stdout);
    canaries.assert_absent("standard error", &output.stderr);
    assert!(!spilled.is_empty(), "nothing was spilled, of {looked} files looked at: the test must be made larger");
    canaries.assert_absent_below(&world.path("extracts"));
    world.assert_clean();
}

#[test]
fn no_identifier_is_left_by_a_killed_build() {
    let world = crowded();
    let canaries = Canaries::of(&world);
    let mut child = world.spawn(&[&["--memory", "64MiB", "--threads", "16"], &CROWD as &[&str]].concat());
    let staging = world.path("extracts/.staging");
    // Killed as soon as something lies in scratch.
    while child.try_wait().unwrap().is_none() {
        if files(&staging).iter().any(|(path, bytes)| path.contains("scratch") && bytes.len() > 1 << 16) {
            child.kill().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success(), "it was killed before its end");
    assert!(!files(&staging).is_empty(), "a killed build leaves its scratch");
    canaries.assert_absent_below_raw(&world.path("extracts"));
    canaries.assert_absent("standard error", &output.stderr);
    // The next build sweeps it.
    world.build(&[SMALL]).ends(0);
    world.assert_clean();
}

impl Canaries {
    /// As [`Self::assert_absent_below`], of files that may be half written.
    #[track_caller]
    fn assert_absent_below_raw(&self, folder: &Path) {
        for (path, bytes) in files(folder) {
            self.assert_absent(&path, &bytes);
        }
    }
}

/// The batch with a column's every cell replaced by a text.
fn planted(batch: &RecordBatch, column: &str, text: &str) -> RecordBatch {
    let index = batch.schema().fields().iter().position(|f| f.name().eq_ignore_ascii_case(column)).unwrap();
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    fields[index] = Field::new(fields[index].name().clone(), DataType::Utf8, true);
    let mut columns = batch.columns().to_vec();
    columns[index] = Arc::new(StringArray::from(vec![text; batch.num_rows()])) as ArrayRef;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

#[test]
fn no_identifier_is_said_or_left_by_a_failing_run() {
    const NINO: &str = "AB123456C";
    const SOURCE: &str = "npd/ks4/KS4_2004_2005.parquet";
    let pristine = World::new();
    let canaries = Canaries::of(&pristine);
    let batch = read(&pristine.source(SOURCE));
    let bytes = std::fs::read(pristine.source(SOURCE)).unwrap();

    let failing = |what: &str, change: &dyn Fn(&World), exit: i32| {
        let world = pristine.copy();
        change(&world);
        for more in [&["--log-format", "json"] as &[&str], &["--format", "json"]] {
            // Not quiet: all that a run tells is looked at.
            let run = world.run(&[&["build", "--as-of", DAY], more].concat());
            assert_eq!(run.code, exit, "{what}: {}", run.said());
            assert!(!run.said().contains(NINO) && !run.said().contains(&NINO[..8]), "{what}: {}", run.said());
            canaries.assert_unsaid(&run);
        }
        world.assert_unpublished(SMALL);
        for (path, bytes) in files(&world.path("extracts")) {
            assert!(!bytes.windows(8).any(|w| w == &NINO.as_bytes()[..8]), "{what}: in {path}");
            canaries.assert_absent(&path, &bytes);
        }
    };
    // A number that holds a National Insurance number, as text: nothing may quote it.
    let write_column = |world: &World, column: &str| {
        write(&world.source(SOURCE), &planted(&batch, column, NINO), WriterProperties::default());
    };
    failing("a bad cast", &|w| write_column(w, "KS4_YEAROFBIRTH"), 65);
    // A text column that holds them: the verifier refuses to publish, and does not say why by example.
    failing("a text that should not be there", &|w| write_column(w, "KS4_GENDER"), 65);
    // A date that cannot be one.
    failing(
        "a page cut out of the middle",
        &|w| {
            let mut bytes = bytes.clone();
            let middle = bytes.len() / 4;
            bytes[4..middle].fill(0xff);
            replace(&w.source(SOURCE), &bytes);
        },
        65,
    );
    failing("a disk of no room", &|w| w.edit(&w.path("leo.yaml"), "extracts: extracts", "extracts: leo.keyring/x"), 73);
}

#[test]
fn no_identifier_is_in_what_check_plan_and_verify_say() {
    let world = World::new();
    let canaries = Canaries::of(&world);
    world.build(&[]).ends(0);
    let latest = world.latest(SMALL);
    for arguments in [
        &["check", "--as-of", DAY] as &[&str],
        &["plan", "--as-of", DAY],
        &["plan", "--as-of", DAY, "--format", "json"],
        &["verify", latest.to_str().unwrap()],
    ] {
        let mut command = world.command(arguments);
        canaries.assert_unsaid(&Run::of(command.stdin(Stdio::null())).ends(0));
    }
}
