//! A full disk: a file system of its own, too small in many steps, for the extracts and for the scratch. Each time the
//! build ends with 73 and names the path, the version that was there stays whole and current, and with room the next
//! build succeeds. `LEO_DISKS=all` takes every step; without it some are taken.

use crate::kill::Published;
use crate::support::{DAY, Run, SMALL, WIDE, World};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A tmpfs, gone on drop.
struct Disk(PathBuf);

impl Disk {
    /// Mounts one; `None` where none can be mounted.
    fn mount(at: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        mount(at, options).then(|| Self(at.to_owned()))
    }

    /// Gives it another size.
    fn resize(&self, options: &str) {
        assert!(mount(&self.0, &format!("remount,{options}")), "{options}");
    }

    /// Kilobytes and inodes in use.
    fn used(&self) -> (u64, u64) {
        let column = |name: &str| -> u64 {
            let output =
                Command::new("df").args(["--block-size=1K", &format!("--output={name}")]).arg(&self.0).output();
            let text = String::from_utf8(output.unwrap().stdout).unwrap();
            text.lines().nth(1).unwrap().trim().parse().unwrap()
        };
        (column("used"), column("iused"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn mount(at: &Path, options: &str) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

const SKIPPED: &str = "skipped: no tmpfs can be mounted here; the limit on file sizes below stands in for it";

/// How many steps of a size are taken at once: all of them, or about `some` in all.
fn stride(steps: u64, some: u64) -> usize {
    let all = std::env::var("LEO_DISKS").is_ok_and(|value| value == "all");
    usize::try_from(if all { 1 } else { (steps / some).max(1) }).unwrap()
}

#[test]
fn a_full_disk_leaves_the_old_version_whole_and_current() {
    let world = World::new();
    let folder = world.path("extracts");
    let Some(disk) = Disk::mount(&folder, "size=64m") else { return println!("{SKIPPED}") };
    let empty = disk.used();
    world.build(&[SMALL]).ends(0);
    let old = disk.used();
    world.amend(SMALL, "{epoch: 1}", "{epoch: 2}");
    let published = Published::new(&world, &[SMALL]);
    // A second version takes about as much as the first: all sizes from none to enough, a page at a time, and all
    // numbers of files.
    let (kilobytes, inodes) = (old.0 - empty.0, old.1 - empty.1);
    let pages = (old.0..old.0 + kilobytes + 32).step_by(4 * stride(kilobytes / 4 + 8, 7));
    let files = (old.1..old.1 + inodes + 8).step_by(stride(inodes + 8, 4));
    let limits = pages.map(|k| format!("size={k}k")).chain(files.map(|n| format!("size=64m,nr_inodes={n}")));
    let (mut full, mut done) = (0, 0);
    for limit in limits {
        published.restore();
        disk.resize(&limit);
        let run = world.build(&[SMALL]);
        let what = format!("{limit}: {}", run.said());
        match run.code {
            0 => done += 1,
            73 => {
                full += 1;
                assert!(run.said().contains("help: ") && run.flat().contains(folder.to_str().unwrap()), "{what}");
            }
            code => panic!("{code}: {what}"),
        }
        published.is_old_or_new(&what);
        disk.resize("size=64m,nr_inodes=100000");
        published.next_build_succeeds(&what);
    }
    println!("extracts on a full disk: {full} sizes too small, {done} large enough, torn extracts 0");
    assert!(full > 5, "{full} {done}");
}

#[test]
fn a_full_scratch_leaves_the_old_version_whole_and_current() {
    let world = World::made(&["--persons", "300", "--fault", "heavy_person=1000000"]);
    // Everybody with a job, the one with a million spells too: more than may wait in the least memory.
    let text = std::fs::read_to_string(world.spec(WIDE)).unwrap();
    let steps = &text[text.find("  steps:\n").unwrap()..text.find("\nelements:").unwrap()];
    world.amend(WIDE, steps, "  steps:\n    - include: hmrc.employment\n      years: 2005/2006..2018/2019");
    world.build(&[WIDE]).ends(0);
    world.amend(WIDE, "{epoch: 1}", "{epoch: 2}");
    let published = Published::new(&world, &[WIDE]);
    let scratch = world.path("scratch");
    world.edit(&world.path("leo.yaml"), "extracts: extracts", "extracts: extracts\nscratch: scratch");
    let little = ["--memory", "64MiB", "--threads", "8", WIDE];
    let Some(disk) = Disk::mount(&scratch, "size=64m") else { return println!("{SKIPPED}") };
    let (mut full, mut done) = (0, 0);
    for kilobytes in (4..8000).step_by(256 * stride(31, 3)) {
        published.restore();
        disk.resize(&format!("size={kilobytes}k"));
        let run = world.build(&little);
        let what = format!("{kilobytes}: {}", run.said());
        match run.code {
            0 => done += 1,
            73 => {
                full += 1;
                assert!(run.said().contains("help: ") && run.flat().contains(scratch.to_str().unwrap()), "{what}");
            }
            code => panic!("{code}: {what}"),
        }
        published.is_old_or_new(&what);
        assert_eq!(std::fs::read_dir(&scratch).unwrap().count(), 0, "{what}");
    }
    disk.resize("size=64m");
    assert_eq!(world.build(&little).ends(0).code, 0);
    published.is_old_or_new("with room");
    println!("scratch on a full disk: {full} sizes too small, {done} large enough, torn extracts 0");
    assert!(full > 1, "nothing was spilled");
}

#[test]
fn a_file_that_may_not_grow_ends_with_73_wherever_tests_run() {
    let world = World::new();
    let limited = format!("trap '' XFSZ; ulimit -f 4; exec {} \"$@\"", env!("CARGO_BIN_EXE_leo-extract"));
    let mut shell = Command::new("sh");
    shell.env_clear().args(["-c", &limited, "sh", "build", "--quiet", "--as-of", DAY, SMALL, "--config"]);
    Run::of(shell.arg(world.path("leo.yaml"))).ends(73);
    world.assert_unpublished(SMALL);
}
