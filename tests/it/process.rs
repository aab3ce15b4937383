//! The process of a build, looked at from outside: no secret on its command line, in its environment, its memory, its
//! scratch or what it leaves; no core dump; nobody but root may look into it; its keys are kept out of swap.
#![cfg(target_os = "linux")]

use crate::reckon::{figure, give_keyring, secret};
use crate::support::{DAY, SMALL, WIDE, World, command, command_of, files};
use base64::Engine as _;
use std::collections::BTreeSet;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The secret of the keyring as it could be written down: raw, base64 with and without its last characters, hex.
struct Secret(Vec<Vec<u8>>);

impl Secret {
    fn of(name: &str) -> Self {
        let raw = secret(name);
        let text = base64::engine::general_purpose::STANDARD.encode(raw);
        Self(vec![raw.to_vec(), text.as_bytes()[..43].to_vec(), crate::support::hex(&raw).into_bytes()])
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let mut begins = [false; 256];
        self.0.iter().for_each(|form| begins[usize::from(form[0])] = true);
        let at = |i: usize| self.0.iter().any(|form| bytes[i..].starts_with(form));
        bytes.iter().enumerate().any(|(i, byte)| begins[usize::from(*byte)] && at(i))
    }
}

fn proc(child: &Child, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", child.id()))
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
}

/// All memory of a process that it may write and that is there: what was mapped and never touched holds nothing.
fn memory(pid: u32) -> Option<Vec<u8>> {
    const PAGE: u64 = 4096;
    let open = |name: &str| std::fs::File::open(format!("/proc/{pid}/{name}")).ok();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let (memory, pages) = (open("mem")?, open("pagemap")?);
    let mut all = Vec::new();
    for map in maps.lines().filter(|m| m.split_whitespace().nth(1).is_some_and(|mode| mode.starts_with("rw"))) {
        let (start, end) = map.split_whitespace().next()?.split_once('-')?;
        let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        let mut there = vec![0; usize::try_from((end - start) / PAGE * 8).ok()?];
        let read = pages.read_at(&mut there, start / PAGE * 8).unwrap_or(0);
        for (entry, at) in there[..read].as_chunks::<8>().0.iter().zip((start..).step_by(4096)) {
            // In memory, or in swap.
            if u64::from_le_bytes(*entry) >> 62 != 0 {
                let mut page = [0; 4096];
                let n = memory.read_at(&mut page, at).unwrap_or(0);
                all.extend_from_slice(&page[..n]);
            }
        }
    }
    Some(all)
}

/// A build whose keyring is named in one of the ways there are.
fn running(world: &World, way: &str) -> Child {
    let mut command = world.command(&["build", "--anew", "--as-of", DAY, "--quiet", "--memory", "64MiB", SMALL, WIDE]);
    let keyring = world.path("secrets/leo.keyring");
    match way {
        "the flag" => command.arg("--keyring").arg(&keyring),
        "LEO_KEYRING" => command.env("LEO_KEYRING", &keyring),
        "a systemd credential" => command.env("CREDENTIALS_DIRECTORY", keyring.parent().unwrap()),
        _ => &mut command,
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn the_process_of_a_build_shows_no_secret_and_leaves_none() {
    let world = World::made(&["--persons", "4000", "--fault", "heavy_person=100000"]);
    give_keyring(&world, &["hidden"]);
    let hidden = Secret::of("hidden");
    assert!(hidden.is_in(&std::fs::read(world.path("leo.keyring")).unwrap()), "the search finds it where it is");
    std::fs::create_dir(world.path("secrets")).unwrap();
    let (mut memories, mut bytes_searched) = (0, 0);
    for way in ["the config", "the flag", "LEO_KEYRING", "a systemd credential"] {
        // Only the way that is tried leads to the key.
        let (config, elsewhere) = (world.path("leo.keyring"), world.path("secrets/leo.keyring"));
        if way == "the flag" {
            std::fs::rename(&config, &elsewhere).unwrap();
        }
        let mut child = running(&world, way);
        let (mut looked, mut pictures, mut seen) = (0, 0, BTreeSet::new());
        while child.try_wait().unwrap().is_none() {
            // It stands still while it is looked at.
            signal(&child, "STOP");
            for name in ["cmdline", "environ"] {
                let bytes = std::fs::read(proc(&child, name)).unwrap_or_default();
                assert!(!hidden.is_in(&bytes), "{way}: {name} holds the secret");
                looked += usize::from(!bytes.is_empty());
            }
            let staging = files(&world.path("extracts/.staging"));
            for (path, bytes) in &staging {
                let new = !bytes.is_empty() && seen.insert((path.clone(), bytes.len()));
                assert!(!new || !hidden.is_in(bytes), "{way}: {path} holds the secret");
            }
            // Once something is staged, the keyring was read; its secret is wiped, though keys derived from it are in use.
            if !staging.is_empty()
                && pictures < 2
                && let Some(memory) = memory(child.id()).filter(|m| m.len() > 1 << 20)
            {
                assert!(!hidden.is_in(&memory), "{way}: the memory of a build holds the secret after it was read");
                (pictures, memories, bytes_searched) = (pictures + 1, memories + 1, bytes_searched + memory.len());
            }
            signal(&child, "CONT");
            std::thread::sleep(Duration::from_millis(3));
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{way}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(looked > 0 && !seen.is_empty(), "{way}: it ended before it was looked at: {looked}, {}", seen.len());
        assert!(!hidden.is_in(&output.stdout) && !hidden.is_in(&output.stderr), "{way}: it said the secret");
    }
    // Afterwards it is in the keyring and nowhere else.
    let holding: Vec<String> =
        files(&world.path("")).into_iter().filter(|(_, bytes)| hidden.is_in(bytes)).map(|(path, _)| path).collect();
    assert_eq!(holding, ["secrets/leo.keyring"]);
    world.assert_clean();
    // Root may read any memory; others may not read that of a build, which is another test's to show.
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    assert!(!root || memories > 0, "no memory was read");
    figure(&format!("{memories} pictures of a build's memory, {} MiB: no secret", bytes_searched >> 20));
}

fn signal(child: &Child, name: &str) {
    // It may have ended already.
    let _ = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).stderr(Stdio::null()).status();
}

/// A run that has long work to do: there is time to look at it. Killed when dropped.
struct Waiting {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Waiting {
    fn new(user: Option<u32>) -> Self {
        let (folder, mut command) = match user {
            Some(user) => run_as(user),
            None => (tempfile::tempdir().unwrap(), command()),
        };
        let work = ["synth", "--quiet", "--persons", "1000000", "--threads", "1", "--out"];
        command.current_dir("/").args(work).arg(folder.path().join("world"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let waiting = Self { child, _folder: folder };
        // It is shut before it reads its arguments.
        let until = Instant::now() + Duration::from_secs(20);
        while std::fs::read_to_string(proc(&waiting.child, "limits")).is_ok_and(|l| !shut(&l)) && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(100));
        waiting
    }
}

/// The binary as another user may run it, and a folder that is that user's too: the path to the build's own output may
/// be closed to them (a checkout under `/root`), and a folder of temporary files may be, or may let nothing be run.
fn run_as(user: u32) -> (tempfile::TempDir, Command) {
    for place in [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into(), "/dev/shm".into()] {
        let Ok(folder) = tempfile::tempdir_in(&place) else { continue };
        let binary = folder.path().join("leo-extract");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_leo-extract"), &binary).unwrap();
        std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755)).unwrap();
        let run = || {
            let mut run = command_of(binary.as_ref());
            run.uid(user).gid(user).current_dir("/");
            run
        };
        // A child that another test starts at this moment holds the copy open for writing until it becomes its program.
        for _ in 0..100 {
            match run().arg("--version").stdout(Stdio::null()).status() {
                Ok(ended) if ended.success() => return (folder, run()),
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                _ => break,
            }
        }
    }
    panic!("no folder for temporary files lets another user run a program")
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shut(limits: &str) -> bool {
    let core = field(limits, "Max core file size").unwrap_or_default();
    core.split_whitespace().take(2).eq(["0", "0"])
}

#[test]
fn a_run_leaves_no_core_dump_from_its_first_moment_on() {
    let mut waiting = Waiting::new(None);
    let limits = std::fs::read_to_string(proc(&waiting.child, "limits")).unwrap();
    assert!(shut(&limits), "{limits}");
    let filter = std::fs::read_to_string(proc(&waiting.child, "coredump_filter")).unwrap();
    assert_eq!(filter.trim(), "00000000");
    // A signal that would dump it ends it without.
    signal(&waiting.child, "ABRT");
    let ended = waiting.child.wait().unwrap();
    assert!(ended.signal() == Some(6) && !ended.core_dumped());
}

/// Another process of the same user may look into an ordinary process, and not into ours.
#[test]
fn no_other_process_of_the_same_user_may_look_into_a_run() {
    let me = std::fs::metadata("/proc/self").unwrap().uid();
    // Root may look into everything: the run and the one that looks are then nobody's.
    let user = if me == 0 { 65_534 } else { me };
    let looks = |pid: u32| {
        let mut look = Command::new("cat");
        look.arg(format!("/proc/{pid}/environ")).current_dir("/").stdout(Stdio::null()).stderr(Stdio::null());
        if me == 0 {
            look.uid(user).gid(user);
        }
        look.status().unwrap().success()
    };
    let mut open = Command::new("sleep");
    open.arg("60").current_dir("/");
    if me == 0 {
        open.uid(user).gid(user);
    }
    let mut open = open.spawn().unwrap();
    let open_can_be_seen = looks(open.id());
    let waiting = Waiting::new((me == 0).then_some(user));
    let (alive, ours) = (Path::new(&proc(&waiting.child, "status")).exists(), looks(waiting.child.id()));
    let owner = std::fs::metadata(proc(&waiting.child, "environ")).unwrap().uid();
    open.kill().unwrap();
    open.wait().unwrap();
    assert!(open_can_be_seen, "the look itself works");
    assert!(alive && !ours, "another process of the user could read its environment");
    assert_eq!(owner, 0, "the system took its files away from the user");
}

#[test]
fn keys_are_kept_out_of_swap_and_the_command_tells_where_they_cannot() {
    let world = World::made(&["--persons", "3000", "--fault", "heavy_person=100000"]);
    give_keyring(&world, &["hidden"]);
    let list = |limit: &str| {
        // `prlimit`-like: the limit is set by the shell that becomes the run.
        let mut command = Command::new("sh");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let binary = env!("CARGO_BIN_EXE_leo-extract");
        command.args([
            "-c",
            &format!("ulimit -l {limit}; exec \"$0\" \"$@\""),
            binary,
            "keys",
            "list",
            "--format",
            "json",
        ]);
        crate::support::Run::of(command.arg("--keyring").arg(world.path("leo.keyring"))).ends(0).json()
    };
    assert_eq!(list("64")["kept_from_swap"], true);
    // Root may lock memory whatever the limit.
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    assert_eq!(list("0")["kept_from_swap"], root);
    let mut child = world.spawn(&[SMALL, WIDE]);
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(proc(&child, "status")).unwrap_or_default();
        let locked = field(&status, "VmLck:").and_then(|l| l.split(' ').next()?.parse::<u64>().ok());
        most = most.max(locked.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(child.wait_with_output().unwrap().status.success());
    assert!((8..4096).contains(&most), "{most} kB were locked");
}
