//! Text from files, folders, columns, the command line: whatever it holds, nothing that is shown steers a terminal or turns
//! a line around.

use crate::support::{DAY, Run, SMALL, WIDE, World, files, read, replace, write};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::file::properties::WriterProperties;
use std::sync::Arc;

/// Clear the screen; a C1 control; a line turned around; isolates; delete, bell, carriage return.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{2069}\u{7f}\u{8}\r";
/// The same without what no file name in YAML or on the disk can hold.
const NAME: &str = "e\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{7f}\r";

/// The first character that a terminal would obey.
fn obeyed(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

#[track_caller]
fn assert_harmless(run: &Run, what: &str) {
    for (stream, text) in [("standard output", &run.out), ("standard error", &run.err)] {
        assert_eq!(obeyed(text), None, "{what}: {stream}: {text:?}");
    }
}

/// All commands that show what they read, to people and to programs.
fn all(world: &World, what: &str) {
    for (command, format, log) in [
        ("check", "text", "text"),
        ("check", "json", "text"),
        ("plan", "text", "text"),
        ("build", "text", "json"),
        ("build", "json", "text"),
    ] {
        let run = world.run(&[command, "--as-of", DAY, "--format", format, "--log-format", log, SMALL, WIDE]);
        assert_harmless(&run, &format!("{what}: {command}, {format}, log {log}"));
        assert!(!run.said().contains("internal fault"), "{what}: {}", run.said());
    }
    for (path, bytes) in files(&world.path("extracts")) {
        if path.ends_with(".html") {
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(obeyed(&text), None, "{what}: {path}");
        }
    }
}

fn quoted(text: &str) -> String {
    text.chars().fold(String::from("\""), |all, c| all + &format!("\\U{:08X}", u32::from(c))) + "\""
}

#[test]
fn no_text_of_a_document_steers_a_terminal() {
    // Each is written raw, as far as YAML takes it, and with escapes, which YAML turns into the characters.
    let places: [(&str, &str, &str); 8] = [
        ("specs", "title: ", "\n"),
        ("specs", "id: ", "\n"),
        ("specs", "justification: ", "\n"),
        ("specs", "      - KS4_GENDER", "\n"),
        ("specs", "organisation: ", "\n"),
        ("approvals", "reference: ", ","),
        ("config", "sources: ", "\n"),
        ("config", "extracts: ", "\n"),
    ];
    for (document, after, end) in places {
        let world = World::new();
        let path = match document {
            "specs" => world.spec(SMALL),
            "approvals" => world.approval(SMALL),
            _ => world.path("leo.yaml"),
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let at = text.find(after).unwrap_or_else(|| panic!("{document} has {after}")) + after.len();
        let rest = at + text[at..].find(end).unwrap();
        let before = if after.contains("- KS4") { &text[..at - "KS4_GENDER".len()] } else { &text[..at] };
        for evil in [quoted(&format!("KS4_GENDE{EVIL}")), EVIL.replace('\r', "")] {
            replace(&path, format!("{before}{evil}{}", &text[rest..]).as_bytes());
            if document == "specs" {
                world.approve(SMALL);
            }
            all(&world, &format!("{document}, {after}{evil:?}"));
        }
    }
}

#[test]
fn no_word_of_the_catalogue_steers_a_terminal_or_a_report() {
    let world = World::new();
    let path = world.path("catalogue/npd.ks4.yaml");
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("title: Key Stage 4, pupil level", format!("title: {}", quoted(EVIL))),
        ("label: Year group,", format!("label: {},", quoted(EVIL))),
        ("codes: [0, 1]", format!("codes: [0, 1, {}]", quoted(EVIL))),
        ("codes: [N1, ", format!("codes: [{}, ", quoted(EVIL))),
        ("location: npd/ks4/", format!("location: {} # ", quoted(&format!("npd/{NAME}/{{yyyy}}")))),
        ("name: KS4_ACADYR", format!("name: {}", quoted(&format!("KS4_ACAD{EVIL}")))),
    ] {
        assert!(good.contains(from), "{from}");
        replace(&path, good.replacen(from, &to, 1).as_bytes());
        all(&world, from);
    }
}

#[test]
fn no_name_of_a_file_folder_column_or_argument_steers_a_terminal() {
    let world = World::new();
    // A spec whose file is called so, and a folder and a file among the sources.
    let spec = world.path(&format!("specs/{NAME}.yaml"));
    std::fs::copy(world.spec(SMALL), &spec).unwrap();
    std::fs::create_dir_all(world.source(&format!("npd/nccis/year={NAME}"))).unwrap();
    let first = files(&world.source("npd/nccis")).into_keys().next().unwrap();
    let from = world.source(&format!("npd/nccis/{first}"));
    std::fs::rename(&from, world.source(&format!("npd/nccis/year={NAME}/{NAME}.parquet"))).unwrap();
    all(&world, "names of files");
    replace(&world.source(&format!("npd/nccis/year={NAME}/{NAME}.parquet")), b"PAR1");
    all(&world, "the name of a file that is no Parquet");
    let run = world.run(&["check", "--as-of", DAY]);
    assert_harmless(&run, "every spec of the folder");

    // A column beside the one that is missed.
    let world = World::new();
    let source = world.source("npd/ks4/KS4_2004_2005.parquet");
    let batch = read(&source);
    let fields: Vec<Field> = batch.schema().fields().iter().map(|f| f.as_ref().clone()).collect();
    let evil = |f: Field| if f.name() == "KS4_GENDER" { f.with_name(format!("KS4_GENDER{EVIL}")) } else { f };
    let schema = Arc::new(Schema::new(fields.into_iter().map(evil).collect::<Vec<_>>()));
    write(&source, &RecordBatch::try_new(schema, batch.columns().to_vec()).unwrap(), WriterProperties::default());
    let run = world.build(&[SMALL]).ends(65);
    assert!(run.block("column-missing").is_some_and(|b| b.contains("KS4_GENDER")), "{}", run.said());
    all(&world, "the name of a column");

    // Arguments.
    let path = world.path(NAME);
    let path = path.to_str().unwrap();
    for arguments in [
        vec!["build", NAME],
        vec!["build", path],
        vec!["verify", path],
        vec!["verify", NAME],
        vec!["build", "--keyring", path, "--as-of", DAY, SMALL],
        vec!["keys", "list", "--keyring", path],
        vec!["keys", "new", NAME],
        vec![NAME],
        vec!["build", "--as-of", NAME],
        vec!["build", "--memory", NAME],
        vec!["build", &format!("--{NAME}")[..]],
        vec!["synth", "--persons", "1", "--out", "/proc/\u{1b}[2J"],
    ] {
        for format in ["text", "json"] {
            let run = world.run(&[&arguments[..], &["--format", format]].concat());
            assert_ne!(run.code, 0, "{arguments:?}");
            assert_harmless(&run, &format!("{arguments:?}"));
        }
    }
    let mut command = crate::support::command();
    assert_harmless(&Run::of(command.args(["check", "--config", path])), "a config that is not there");
    // An extract that lies in a folder of that name.
    world.edit(&world.path("leo.yaml"), "extracts: extracts", &format!("extracts: {}", quoted(NAME)));
    let good = World::new();
    std::fs::copy(good.source("npd/ks4/KS4_2004_2005.parquet"), world.source("x.parquet")).unwrap();
    std::fs::rename(world.source("x.parquet"), &source).unwrap();
    for format in ["text", "json"] {
        let run = world.build(&["--format", format, SMALL]);
        assert_harmless(&run, "a folder of extracts");
        let extract = world.path(NAME).join(SMALL).join("v0001");
        assert_harmless(&world.run(&["verify", "--format", format, extract.to_str().unwrap()]), "an extract's folder");
    }
    for (path, bytes) in files(&world.path(NAME)) {
        if path.ends_with(".html") {
            assert_eq!(obeyed(&String::from_utf8(bytes).unwrap()), None, "{path}");
        }
    }
}
