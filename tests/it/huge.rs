//! Documents that are bombs, giants or no text: refused quickly, with a place, and without effect on the good ones beside.

use crate::absurd::run;
use crate::support::{DAY, SMALL, WIDE, World, replace};
use std::fmt::Write as _;

/// A text, what it is, and the code that its refusal has; empty where any will do.
fn bombs(good: &str) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let (mut aliases, mut keys) = (String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n"), String::new());
    for n in 1..60 {
        let _ = writeln!(aliases, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 9].join(", "));
    }
    (0..300_000).for_each(|n| keys += &format!("k{n}: 1\n"));
    let block: String = (0..1500).fold(String::new(), |mut all, n| {
        let _ = writeln!(all, "{}a:", " ".repeat(n));
        all
    });
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with = |at: &str, what: &[u8]| {
        let (before, after) = good.split_at(good.find('\n').unwrap() + 1);
        let _ = at;
        [before.as_bytes(), what, after.as_bytes()].concat()
    };
    vec![
        (
            "50 MB of comment",
            [good.as_bytes(), &b"# filler filler filler\n".repeat(2_300_000)].concat(),
            "document-too-large",
        ),
        ("50 MB in one line", [b"a: \"".as_slice(), &vec![b'x'; 50 << 20], b"\"\n"].concat(), "document-too-large"),
        ("lists 100,000 deep", [b"a: ".as_slice(), &vec![b'['; 100_000]].concat(), "document-too-large"),
        ("maps 100,000 deep", b"{a: ".repeat(100_000), "document-too-large"),
        ("blocks 1,500 deep", block.into_bytes(), "document-too-large"),
        ("dashes 100,000 deep", b"- ".repeat(100_000), "document-too-large"),
        ("300,000 keys", keys.into_bytes(), "document-too-large"),
        (
            "a million empty items",
            [b"a: [".as_slice(), &b"1,".repeat(1_000_000), b"]\n"].concat(),
            "document-too-large",
        ),
        ("a billion laughs", aliases.into_bytes(), "alias"),
        ("an anchor", with("", b"x: &x 1\n"), "alias"),
        ("a tag", with("", b"x: !!python/object/apply:os.system [ls]\n"), "tag"),
        ("a merge", with("", b"<<: {a: 1}\n"), ""),
        ("a NUL", with("", b"x: a\0b\n"), ""),
        ("UTF-16", [vec![0xff, 0xfe], utf16].concat(), "document-unreadable"),
        ("invalid UTF-8", with("", b"x: \xff\xfe\n"), "document-unreadable"),
        ("an overlong form of a slash", with("", b"x: \xc0\xaf\n"), "document-unreadable"),
        ("a surrogate", with("", b"x: \xed\xa0\x80\n"), "document-unreadable"),
        (
            "a quotation without end over 3 MB",
            [b"a: \"".as_slice(), &b"line\n".repeat(600_000)].concat(),
            "yaml-syntax",
        ),
        ("a key of 1 MB", [vec![b'k'; 1 << 20], b": 1\n".to_vec()].concat(), ""),
        ("nothing but line ends", b"\n".repeat(4_000_000), "document-empty"),
        ("two documents", [good.as_bytes(), b"\n---\n", good.as_bytes()].concat(), "several-documents"),
    ]
}

#[test]
fn a_document_that_is_a_bomb_or_a_giant_is_refused_quickly_with_its_place() {
    let pristine = World::new();
    let mut tried = 0;
    for (document, exit, stops_all) in [
        (format!("specs/{WIDE}.yaml"), 65, false),
        (format!("approvals/{WIDE}-r1.yaml"), 77, false),
        ("catalogue/npd.cla.yaml".to_owned(), 65, true),
        ("leo.yaml".to_owned(), 78, true),
        ("leo.keyring".to_owned(), 78, true),
    ] {
        let good = std::fs::read_to_string(pristine.path(&document)).unwrap();
        let world = pristine.copy();
        for (what, text, code) in bombs(&good) {
            // Of the document that every kind shares, all bombs; of the others each third.
            tried += 1;
            if !document.starts_with("specs/") && tried % 3 != 0 {
                continue;
            }
            replace(&world.path(&document), &text);
            let what = format!("{what} as {document}");
            let (ended, said, _) = run(&world, &["check", "--quiet", "--as-of", DAY, WIDE, SMALL], &what);
            // What is wrong with a record ends with 65; that it then approves nothing, with 77.
            assert!(ended == exit || (exit == 77 && ended == 65), "{what}: {ended}: {said}");
            assert!(said.contains(&document) && said.contains("help: "), "{what}: {said}");
            if !document.ends_with("keyring") {
                assert!(said.contains(&format!("error[{code}")), "{what}: no {code}: {said}");
            }
        }
        let (_, said, _) = run(&world, &["build", "--quiet", "--as-of", DAY, WIDE, SMALL], &document);
        world.assert_unpublished(WIDE);
        assert_eq!(world.path(&format!("extracts/{SMALL}/latest")).exists(), !stops_all, "{document}: {said}");
    }
}

#[test]
fn what_a_windows_editor_adds_is_read_or_refused_with_a_place() {
    for (what, change) in [
        ("CRLF", (|text| text.replace('\n', "\r\n")) as fn(String) -> String),
        ("a byte order mark", |text| format!("\u{feff}{text}")),
    ] {
        let world = World::new();
        let path = world.spec(SMALL);
        replace(&path, change(std::fs::read_to_string(&path).unwrap()).as_bytes());
        world.approve(SMALL);
        let run = world.build(&[SMALL]);
        if run.code == 0 {
            assert!(world.latest(SMALL).is_dir());
        } else {
            let run = run.ends(65);
            assert!(run.said().contains(&format!("{SMALL}.yaml:1:")), "{what}: {}", run.said());
        }
    }
}
