//! Bags: whole ones pass, and a file changed, added, removed or misdeclared is refused.

use super::fixture::KS4;
use super::world::World;
use sha2::{Digest, Sha256, Sha512};
use std::path::Path;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Writes the manifests of what is there, as any tamperer can.
fn seal(root: &Path) {
    let (mut short, mut long, mut bytes, mut files) = (String::new(), String::new(), 0, 0);
    let mut waiting = vec![root.join("data")];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            short += &format!("{}  {name}\n", hex(&Sha256::digest(&content)));
            long += &format!("{}  {name}\n", hex(&Sha512::digest(&content)));
            bytes += content.len();
            files += 1;
        }
    }
    let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
    write("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    write("bag-info.txt", &format!("Source-Organization: DfE\nPayload-Oxum: {bytes}.{files}\n"));
    write("manifest-sha256.txt", &short);
    write("manifest-sha512.txt", &long);
    let tags = ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt"];
    let digest = |name: &&str| format!("{}  {name}\n", hex(&Sha256::digest(std::fs::read(root.join(name)).unwrap())));
    write("tagmanifest-sha256.txt", &tags.iter().map(digest).collect::<String>());
}

fn bag(change: impl FnOnce(&Path)) -> Vec<&'static str> {
    let world = World::new();
    seal(world.folder.path());
    change(world.folder.path());
    world.bag_codes()
}

fn append(path: &Path, text: &str) {
    let mut content = std::fs::read_to_string(path).unwrap();
    content.push_str(text);
    std::fs::write(path, content).unwrap();
}

#[test]
fn a_whole_bag_passes() {
    assert_eq!(bag(|_| {}), [""; 0]);
}

#[test]
fn files_changed_added_or_removed_are_refused() {
    let table = format!("data/{KS4}.parquet");
    let changed = bag(|root| {
        let mut bytes = std::fs::read(root.join(&table)).unwrap();
        bytes[20] ^= 1;
        std::fs::write(root.join(&table), bytes).unwrap();
    });
    assert_eq!(changed, ["bag-digest-differs"]);
    assert_eq!(bag(|root| std::fs::remove_file(root.join(&table)).unwrap()), ["bag-incomplete", "bag-oxum-differs"]);
    assert_eq!(
        bag(|root| std::fs::write(root.join("data/x"), "x").unwrap()),
        ["bag-file-unlisted", "bag-oxum-differs"]
    );
    assert_eq!(bag(|root| std::fs::write(root.join("x"), "x").unwrap()), ["bag-file-unlisted"]);
    #[cfg(unix)]
    assert_eq!(bag(|root| std::os::unix::fs::symlink("/", root.join("data/x")).unwrap()), ["bag-file-unlisted"]);
}

#[test]
fn tag_files_changed_or_missing_are_refused() {
    assert_eq!(bag(|root| append(&root.join("bagit.txt"), "x: y\n")), ["bag-declaration", "bag-digest-differs"]);
    assert_eq!(bag(|root| append(&root.join("bag-info.txt"), "x: y\n")), ["bag-digest-differs"]);
    assert_eq!(bag(|root| std::fs::remove_file(root.join("manifest-sha512.txt")).unwrap()), ["bag-incomplete"]);
    assert_eq!(bag(|root| std::fs::remove_file(root.join("tagmanifest-sha256.txt")).unwrap()), ["bag-incomplete"]);
    for line in ["nonsense\n", "00  ../../etc/passwd\n", "00  /etc/passwd\n", "xyz  data/x\n"] {
        let codes = bag(|root| append(&root.join("manifest-sha256.txt"), line));
        assert_eq!(codes, ["bag-digest-differs", "bag-manifest-malformed"]);
    }
    let codes = bag(|root| append(&root.join("manifest-sha256.txt"), "00  data/persons.parquet\n"));
    assert_eq!(codes, ["bag-digest-differs", "bag-manifest-malformed"]);
}

/// Whoever recomputes the manifests still meets the tables' own proof.
#[test]
fn a_resealed_bag_is_whole_and_the_tables_are_refused_all_the_same() {
    let world = World::new();
    std::fs::write(world.data().join("npd.ks4/2012-2013.parquet"), "x").unwrap();
    seal(world.folder.path());
    assert_eq!(world.bag_codes(), [""; 0]);
    assert_eq!(world.codes(), ["file-not-approved"]);
}
