//! Parquet files that nobody would write in good faith, and things that are no files: no panic, no hang, no runaway memory,
//! a clear finding, the right exit code. Footers and pages are made by hand, with a small writer of thrift's compact form.

use crate::support::{DAY, SMALL, WIDE, World, files, replace};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A slice that of all projects only the small one reads.
const SOURCE: &str = "npd/ks4/KS4_2004_2005.parquet";
/// A link table, which every project reads.
const LINK: &str = "link/ae_id_pmr.parquet";
/// No run may work longer, nor take more memory at its peak; one that only waits is given up later.
const LONGEST: Duration = Duration::from_secs(20);
const GIVEN_UP: Duration = Duration::from_secs(120);
const PEAK_KIB: u64 = 1 << 20;

/// A struct in thrift's compact form, field by field in order.
#[derive(Default)]
struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n > 127 {
        out.push(u8::try_from(n & 127).unwrap() | 128);
        n >>= 7;
    }
    out.push(u8::try_from(n).unwrap());
}

impl Struct {
    fn field(mut self, id: u8, kind: u8) -> Self {
        self.bytes.push(((id - self.last) << 4) | kind);
        self.last = id;
        self
    }

    fn number(self, id: u8, kind: u8, n: i64) -> Self {
        let mut this = self.field(id, kind);
        varint(((n << 1) ^ (n >> 63)).cast_unsigned(), &mut this.bytes);
        this
    }

    fn int(self, id: u8, n: i64) -> Self {
        self.number(id, 5, n)
    }

    fn long(self, id: u8, n: i64) -> Self {
        self.number(id, 6, n)
    }

    fn text(self, id: u8, text: &[u8]) -> Self {
        let mut this = self.field(id, 8);
        varint(text.len() as u64, &mut this.bytes);
        this.bytes.extend_from_slice(text);
        this
    }

    fn inner(self, id: u8, inner: Struct) -> Self {
        let mut this = self.field(id, 12);
        this.bytes.extend(inner.end());
        this
    }

    /// A list that claims so many members of a kind, and the bytes of those that are there.
    fn list(self, id: u8, kind: u8, claimed: u64, members: &[u8]) -> Self {
        let mut this = self.field(id, 9);
        this.bytes.push(0xf0 | kind);
        varint(claimed, &mut this.bytes);
        this.bytes.extend_from_slice(members);
        this
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

fn group(name: &[u8], children: i64) -> Vec<u8> {
    Struct::default().int(3, 0).text(4, name).int(5, children).end()
}

/// A column of text.
fn leaf(name: &[u8]) -> Vec<u8> {
    Struct::default().int(1, 6).int(3, 1).text(4, name).int(6, 0).end()
}

/// Groups in one another, and a column in the last.
fn group_of(depth: usize) -> Vec<u8> {
    (0..depth).flat_map(|_| group(b"g", 1)).chain(leaf(b"a")).collect()
}

/// A file of a body and a footer.
#[expect(clippy::needless_pass_by_value, reason = "each case makes its own")]
fn file(body: &[u8], schema: (u64, Vec<u8>), rows: i64, groups: (u64, Vec<u8>)) -> Vec<u8> {
    let footer = Struct::default().int(1, 1).list(2, 12, schema.0, &schema.1).long(3, rows);
    let footer = footer.list(4, 12, groups.0, &groups.1).end();
    let length = u32::try_from(footer.len()).unwrap();
    [b"PAR1", body, &footer, &length.to_le_bytes(), b"PAR1"].concat()
}

fn flat(columns: usize, name: impl Fn(usize) -> Vec<u8>) -> (u64, Vec<u8>) {
    let mut schema = group(b"schema", i64::try_from(columns).unwrap());
    (0..columns).for_each(|i| schema.extend(leaf(&name(i))));
    (columns as u64 + 1, schema)
}

/// A link table of two columns, each of one page whose header is as given; the page's bytes are few.
fn link_table(rows: i64, header: impl Fn(i64) -> Struct) -> Vec<u8> {
    let page = [5_u8, 0, 0, 0, b'a', b'b', b'c', b'd', b'e', 0, 0, 0];
    let (mut body, mut columns) = (Vec::new(), Vec::new());
    for name in ["AE_ID", "PUPILMATCHINGREFANONYMOUS"] {
        let start = i64::try_from(body.len()).unwrap() + 4;
        body.extend(header(i64::try_from(page.len()).unwrap()).end());
        body.extend(page);
        let length = i64::try_from(body.len()).unwrap() + 4 - start;
        let mut path = Vec::new();
        varint(name.len() as u64, &mut path);
        path.extend(name.bytes());
        let facts = Struct::default().int(1, 6).list(2, 5, 1, &[0]).list(3, 8, 1, &path).int(4, 0).long(5, rows);
        let facts = facts.long(6, length).long(7, length).long(9, start);
        columns.extend(Struct::default().long(2, start).inner(3, facts).end());
    }
    let total = i64::try_from(body.len()).unwrap();
    let group = Struct::default().list(1, 12, 2, &columns).long(2, total).long(3, rows).end();
    let schema = flat(2, |i| [&b"AE_ID"[..], b"PUPILMATCHINGREFANONYMOUS"][i].to_vec());
    file(&body, schema, rows, (1, group))
}

fn data_page(uncompressed: i64, compressed: i64, values: i64) -> Struct {
    let page = Struct::default().int(1, values).int(2, 0).int(3, 3).int(4, 3);
    Struct::default().int(1, 0).int(2, uncompressed).int(3, compressed).inner(5, page)
}

/// How a run ended: its code, what it said, its peak memory in KiB.
pub(crate) fn run(world: &World, arguments: &[&str], what: &str) -> (i32, String, u64) {
    // More address space than a run needs, and far less than a lie may ask for.
    let limited = format!("ulimit -v 6000000; exec {} \"$@\"", env!("CARGO_BIN_EXE_leo-extract"));
    let mut shell = Command::new("sh");
    shell.env_clear().env("NO_COLOR", "1").args(["-c", &limited, "sh"]).args(arguments).arg("--config");
    shell.arg(world.path("leo.yaml")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let (began, mut peak) = (Instant::now(), 0);
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let high =
            status.lines().find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
        peak = peak.max(high.unwrap_or(0));
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        let ticks = stat.split(' ').skip(13).take(2).filter_map(|n| n.parse::<u64>().ok());
        let worked = Duration::from_millis(10 * ticks.sum::<u64>());
        if worked > LONGEST || began.elapsed() > GIVEN_UP {
            child.kill().unwrap();
            panic!("{what}: a hang");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(peak < PEAK_KIB, "{what}: {peak} KiB at the peak");
    assert!(said.len() < 100_000, "{what}: {} bytes are told", said.len());
    assert!(!said.contains("panicked") && !said.contains("internal fault"), "{what}: {said}");
    (output.status.code().unwrap_or(-1), said, peak)
}

/// A build refuses the file with the code, names it and a remedy, and publishes nothing of the small project.
fn refused(world: &World, source: &str, exit: i32, code: &str, what: &str) -> u64 {
    let (ended, said, peak) = run(world, &["build", "--quiet", "--as-of", DAY, SMALL], what);
    assert_eq!(ended, exit, "{what}: {said}");
    assert!(said.contains(&format!("error[{code}]")), "{what}: no {code}: {said}");
    let name = Path::new(source).file_name().unwrap().to_str().unwrap();
    assert!(said.contains(name) && said.contains("help: "), "{what}: {said}");
    world.assert_unpublished(SMALL);
    peak
}

#[test]
fn a_footer_that_lies_is_refused_in_no_time_and_little_memory() {
    let world = World::new();
    let one = || flat(1, |_| b"a".to_vec());
    let deep = |depth: usize| (depth as u64 + 1, group_of(depth));
    let groups = |n: i64, bytes: i64| Struct::default().list(1, 12, 0, &[]).long(2, bytes).long(3, n).end();
    let broken = "source-not-parquet";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("no byte", Vec::new(), broken),
        ("PAR1PAR1", b"PAR1PAR1".to_vec(), broken),
        ("2^31 row groups", file(b"", one(), 0, ((1 << 31) - 1, Vec::new())), broken),
        ("2^62 row groups", file(b"", one(), 0, (1 << 62, Vec::new())), broken),
        ("2^31 columns", file(b"", ((1 << 31) - 1, group(b"schema", 1 << 30)), 0, (0, Vec::new())), broken),
        ("2^62 rows", file(b"", one(), 1 << 62, (0, Vec::new())), broken),
        ("2^62 rows in a group of no column", file(b"", one(), 1 << 62, (1, groups(1 << 62, 1))), broken),
        ("less than no row", file(b"", one(), -5, (1, groups(-5, 1))), broken),
        ("nested 10,000 deep", file(b"", deep(10_000), 0, (0, Vec::new())), broken),
        ("nested a million deep", file(b"", deep(1_000_000), 0, (0, Vec::new())), broken),
        (
            "a million columns",
            file(b"", flat(1_000_000, |i| format!("c{i}").into()), 0, (0, Vec::new())),
            "column-missing",
        ),
        ("a name of 10 MB", file(b"", flat(1, |_| vec![b'K'; 10 << 20]), 0, (0, Vec::new())), "column-missing"),
        (
            "a name near ours of 1 MB",
            file(b"", flat(1, |_| [&b"KS4_GENDER"[..], &vec![b'R'; 1 << 20]].concat()), 0, (0, Vec::new())),
            "column-missing",
        ),
        ("no row group and another's columns", file(b"", one(), 0, (0, Vec::new())), "column-missing"),
    ];
    let (count, mut peak) = (cases.len(), 0);
    for (what, bytes, code) in cases {
        replace(&world.source(SOURCE), &bytes);
        peak = peak.max(refused(&world, SOURCE, 65, code, what));
    }
    println!("footers: {count} refused, at most {} MiB", peak >> 10);
}

#[test]
fn a_table_of_an_extract_that_lies_is_refused_in_no_time_and_little_memory() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let path = world.latest(SMALL).join("data/npd.ks4/2004-2005.parquet");
    let none = || (0, Vec::new());
    let most = (1_u64 << 31) - 1;
    // A column whose index of pages claims 2^31 of them.
    let index = Struct::default().list(1, 12, most, &[]).end();
    let length = i64::try_from(index.len()).unwrap();
    let facts = Struct::default().int(1, 6).list(2, 5, 1, &[0]).list(3, 8, 1, &[1, b'a']).int(4, 0).long(5, 0);
    let facts = facts.long(6, 0).long(7, 0).long(9, 4);
    let chunk = Struct::default().long(2, 4).inner(3, facts).long(4, 4).int(5, length).end();
    let group = Struct::default().list(1, 12, 1, &chunk).long(2, 0).long(3, 0).end();
    for (what, bytes) in [
        ("2^31 row groups", file(b"", flat(1, |_| b"a".to_vec()), 0, (most, Vec::new()))),
        ("2^31 columns", file(b"", (most, Vec::new()), 0, none())),
        ("nested 10,000 deep", file(b"", (10_001, group_of(10_000)), 0, none())),
        ("2^31 pages", file(&index, flat(1, |_| b"a".to_vec()), 0, (1, group))),
    ] {
        replace(&path, &bytes);
        let (ended, said, _) = run(&world, &["verify", "--quiet", world.latest(SMALL).to_str().unwrap()], what);
        assert!(ended == 65 && said.contains("error[file-unreadable]"), "{what}: {ended}: {said}");
    }
}

#[test]
fn a_page_that_lies_about_its_size_is_refused_in_no_time_and_little_memory() {
    let world = World::new();
    const MOST: i64 = (1 << 31) - 1;
    let dictionary = |compressed| {
        let page = Struct::default().int(1, MOST).int(2, 0);
        Struct::default().int(1, 2).int(2, MOST).int(3, compressed).inner(7, page)
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("2^31 bytes of values", link_table(1, |n| data_page(MOST, n, 1))),
        ("2^31 bytes compressed", link_table(1, |_| data_page(MOST, MOST, 1))),
        ("2^31 values", link_table(MOST, |n| data_page(n, n, MOST))),
        ("2^31 values in a group of one row", link_table(1, |n| data_page(n, n, MOST))),
        ("one value in a group of 2^39 rows", link_table(1 << 39, |n| data_page(n, n, 1))),
        ("less than no byte", link_table(1, |_| data_page(-1, -1, 1))),
        ("less than no value", link_table(1, |n| data_page(n, n, -1))),
        ("a dictionary of 2^31 values", link_table(1, dictionary)),
    ];
    let (count, mut peak, mut told) = (cases.len(), 0, 0);
    for (what, bytes) in cases {
        replace(&world.source(LINK), &bytes);
        let (ended, said, high) = run(&world, &["build", "--quiet", "--as-of", DAY, SMALL, WIDE], what);
        // Where the values decode all the same, hardly anybody is linked, and the spec expects more.
        let expected = ended == 77 && said.contains("error[expectation-not-met]");
        assert!(expected || ended == 65 && said.contains("ae_id_pmr.parquet"), "{what}: {ended}: {said}");
        assert!(said.contains("help: "), "{what}: {said}");
        told += usize::from(!expected);
        world.assert_unpublished(SMALL);
        world.assert_unpublished(WIDE);
        peak = peak.max(high);
    }
    println!("pages: {count} refused, {told} of them by the page, at most {} MiB", peak >> 10);
    assert!(told >= 5, "{told} of {count}");
}

pub(crate) fn make(program: &str, arguments: &[&str], path: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg(path).args(arguments).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    type Put = fn(&Path) -> bool;
    let cases: [(&str, i32, &str, Put); 6] = [
        ("a folder", 66, "source-missing", |p| std::fs::create_dir(p).is_ok()),
        ("a pipe", 65, "source-unreadable", |p| make("mkfifo", &[], p)),
        ("a link to itself", 66, "source-missing", |p| symlink(p, p).is_ok()),
        ("a link to a device without end", 65, "source-outside-root", |p| symlink("/dev/zero", p).is_ok()),
        ("a device", 65, "source-unreadable", |p| make("mknod", &["c", "1", "5"], p)),
        ("a link to the keyring", 65, "source-outside-root", |p| symlink("../../../leo.keyring", p).is_ok()),
    ];
    let world = World::new();
    for (what, exit, code, put) in cases {
        let path = world.source(SOURCE);
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
        if put(&path) {
            refused(&world, SOURCE, exit, code, what);
        } else {
            eprintln!("skipped: {what} cannot be made here");
        }
    }
    // The same in a folder that is read as a whole; and for every document.
    let world = World::new();
    let folder = world.source("npd/nccis");
    for (what, code, put) in [
        ("a pipe", "source-unreadable", (|p| make("mkfifo", &[], p)) as Put),
        ("a link to itself", "source-unreadable", |p| symlink(p, p).is_ok()),
        ("a link to the folder", "source-twice", |p| symlink(".", p.with_file_name("round")).is_ok()),
    ] {
        let path = folder.join("x.parquet");
        assert!(put(&path));
        let (ended, said, _) = run(&world, &["build", "--quiet", "--as-of", DAY, WIDE, SMALL], what);
        assert!(ended == 65 && said.contains(&format!("error[{code}]")), "{what}: {ended}: {said}");
        world.assert_unpublished(WIDE);
        assert!(world.latest(SMALL).is_dir(), "{what}: the other project was stopped");
        std::fs::remove_dir_all(world.path("extracts")).unwrap();
        let _ = std::fs::remove_file(&path);
    }
    let documents = ["leo.yaml", "leo.keyring", "catalogue/npd.ks4.yaml", "specs/LEO-2019-001.yaml"];
    for (document, exit) in documents.into_iter().zip([78, 78, 65, 65]).chain([("approvals/LEO-2019-001-r1.yaml", 77)])
    {
        let world = World::new();
        std::fs::remove_file(world.path(document)).unwrap();
        assert!(make("mkfifo", &[], &world.path(document)));
        let (ended, said, _) = run(&world, &["build", "--quiet", "--as-of", DAY, SMALL], document);
        assert!(ended == exit || (document.starts_with("approvals") && ended == 65), "{document}: {ended}: {said}");
        world.assert_unpublished(SMALL);
    }
}

#[test]
fn a_pipe_in_a_published_extract_is_refused_and_never_waited_for() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let extract = world.latest(SMALL);
    for path in files(&extract).into_keys() {
        let path = extract.join(path);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(make("mkfifo", &[], &path));
        let (ended, said, _) = run(&world, &["verify", "--quiet", extract.to_str().unwrap()], "verify");
        assert!(matches!(ended, 65 | 66), "{}: {ended}: {said}", path.display());
        replace(&path, &bytes);
    }
    // The ledger, and the note of a publication, are read before a build too.
    for name in ["ledger.jsonl", "LEO-2019-001/.pending.json"] {
        let path = world.path("extracts").join(name);
        let _ = std::fs::remove_file(&path);
        assert!(make("mkfifo", &[], &path));
        let (ended, said, _) = run(&world, &["build", "--quiet", "--as-of", DAY, SMALL], name);
        assert!(ended != 0 && said.contains("error"), "{name}: {ended}: {said}");
        std::fs::remove_file(&path).unwrap();
    }
}
