//! Names that are paths, links that lead elsewhere: nothing outside the folders of the config is touched, and a finding
//! says what is wrong.

use crate::support::{COARSE, DAY, Run, SMALL, WIDE, World, command, files, replace, sha256};
use std::os::unix::fs::symlink;
use std::path::Path;

/// Everything around the extracts, links and empty folders too, as one digest.
fn surroundings(world: &World) -> String {
    fn walk(folder: &Path, told: &mut Vec<String>) {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap()).collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let what = if kind.is_dir() {
                "folder".to_owned()
            } else if kind.is_symlink() {
                format!("{:?}", std::fs::read_link(&path).unwrap())
            } else {
                sha256(&std::fs::read(&path).unwrap())
            };
            told.push(format!("{} {what}", path.display()));
            if kind.is_dir() && !path.ends_with("extracts") {
                walk(&path, told);
            }
        }
    }
    let mut told = Vec::new();
    walk(&world.path(""), &mut told);
    assert!(told.len() > 100);
    sha256(told.join("\n").as_bytes())
}

/// A world with something around its extracts that nobody may touch.
fn world() -> World {
    let world = World::new();
    for file in ["outside/kept.txt", "outside/deep/kept.txt", "outside/v0001/kept.txt"] {
        std::fs::create_dir_all(world.path(file).parent().unwrap()).unwrap();
        std::fs::write(world.path(file), "kept").unwrap();
    }
    std::fs::create_dir_all(world.path("extracts")).unwrap();
    world
}

/// Runs, and holds the run to its end and to leaving everything around as it was.
#[track_caller]
fn untouched(world: &World, arguments: &[&str], codes: &[i32], what: &str) -> Run {
    let before = surroundings(world);
    let run = world.run(arguments);
    assert!(codes.contains(&run.code), "{what}: {}: {}", run.code, run.said());
    assert!(run.code == 0 || run.said().contains("help: ") || run.said().contains("REFUSED"), "{what}: {}", run.said());
    assert!(!run.said().contains("fault of the tool"), "{what}: {}", run.said());
    assert_eq!(before, surroundings(world), "{what}: something outside was touched");
    run
}

const BUILD: [&str; 4] = ["build", "--quiet", "--as-of", DAY];

/// Names that are no names.
fn tricks() -> Vec<String> {
    let mut tricks: Vec<String> = [
        "..",
        ".",
        "../../outside",
        "../outside/x",
        "/etc/x",
        "~",
        "~/x",
        "$HOME",
        "%2e%2e",
        "..%2foutside",
        ".staging",
        ".lock",
        ".pending.json",
        "ledger.jsonl",
        "latest",
        "con",
        "nul",
        "CON.",
        "aux.txt",
        "a/b",
        "a\\b",
        "a:b",
        "a\u{0}b",
        "ＬＥＯ-2019-001",
        "LEO‐2019‐001",
        "LEО-2019-001",
        "LEO-2019-001.",
        "LEO-2019-001 ",
        " LEO-2019-001",
        "-rf",
        "--",
        "",
        "*",
        "x\ny",
    ]
    .map(str::to_owned)
    .to_vec();
    tricks.extend([33, 255, 256, 5_000].map(|n| "A".repeat(n)));
    tricks
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn an_id_that_is_a_path_is_refused() {
    let world = world();
    let good = std::fs::read_to_string(world.spec(WIDE)).unwrap();
    let record = std::fs::read_to_string(world.approval(WIDE)).unwrap();
    for id in tricks() {
        replace(
            &world.spec(WIDE),
            good.replacen(&format!("id: {WIDE}"), &format!("id: {}", quoted(&id)), 1).as_bytes(),
        );
        let project = format!("project: {}", quoted(&id));
        replace(&world.approval(WIDE), record.replacen(&format!("project: {WIDE}"), &project, 1).as_bytes());
        world.approve(WIDE);
        untouched(&world, &[&BUILD[..], &[WIDE]].concat(), &[65], &format!("the id {id:?}"));
        let there: Vec<_> =
            std::fs::read_dir(world.path("extracts")).into_iter().flatten().map(|e| e.unwrap()).collect();
        let names: Vec<_> = there.iter().map(std::fs::DirEntry::file_name).collect();
        assert!(names.iter().all(|n| n == ".lock" || n == ".staging"), "{id:?}: {names:?}");
    }
}

#[test]
fn the_name_of_an_element_a_linked_table_or_a_location_that_is_a_path_is_refused() {
    let world = world();
    let element = world.path("catalogue/npd.cla.yaml");
    let good = std::fs::read_to_string(&element).unwrap();
    let location = good.lines().find(|l| l.starts_with("location: ")).unwrap();
    for (n, name) in tricks().into_iter().enumerate() {
        let name = if n % 2 == 0 { name } else { format!("npd.{name}") };
        replace(&element, good.replacen("element: npd.cla", &format!("element: {}", quoted(&name)), 1).as_bytes());
        untouched(&world, &[&BUILD[..], &[SMALL]].concat(), &[65], &format!("the element {name:?}"));
    }
    let more = ["../leo.keyring", "npd/../../leo.keyring"].map(str::to_owned);
    for (n, place) in tricks().into_iter().chain(more).enumerate() {
        // What is a good name below the sources is a file that is not there.
        let place = if n % 2 == 0 { format!("{place}/{{yyyy}}") } else { format!("npd/{place}/{{yyyy}}") };
        replace(&element, good.replacen(location, &format!("location: {}", quoted(&place)), 1).as_bytes());
        untouched(&world, &[&BUILD[..], &[WIDE]].concat(), &[65, 66], &format!("the location {place:?}"));
    }
    replace(&element, good.as_bytes());
    let spec = std::fs::read_to_string(world.spec(COARSE)).unwrap();
    let linked = spec.split("linked:\n").find_map(|part| part.trim().strip_prefix("- name: ")?.lines().next()).unwrap();
    for name in tricks() {
        let changed = spec.replacen(&format!("- name: {linked}"), &format!("- name: {}", quoted(&name)), 1);
        assert_ne!(changed, spec);
        replace(&world.spec(COARSE), changed.as_bytes());
        world.approve(COARSE);
        let run = untouched(&world, &[&BUILD[..], &[COARSE]].concat(), &[0, 65], &format!("the linked table {name:?}"));
        // Where it was a name after all, the table lies where tables lie.
        if run.code == 0 {
            let tables = files(&world.latest(COARSE).join("data/linked"));
            assert!(tables.contains_key(&format!("{name}.parquet")), "{:?}", tables.keys());
            assert!(tables.keys().all(|table| table.starts_with(&format!("{name}."))), "{:?}", tables.keys());
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name:?}");
        }
    }
}

#[test]
fn links_that_lead_out_are_not_followed_to_write_nor_to_read() {
    // A source, a folder of sources.
    let links = world();
    let ks4 = "npd/ks4/KS4_2004_2005.parquet";
    std::fs::rename(links.source(ks4), links.path("outside/x.parquet")).unwrap();
    symlink("../../../outside/x.parquet", links.source(ks4)).unwrap();
    let run = untouched(&links, &[&BUILD[..], &[SMALL]].concat(), &[65], "a source that is a link out");
    assert!(run.block("source-outside-root").is_some(), "{}", run.said());
    std::fs::rename(links.source("npd/nccis"), links.path("outside/nccis")).unwrap();
    symlink("../../outside/nccis", links.source("npd/nccis")).unwrap();
    let run = untouched(&links, &[&BUILD[..], &[WIDE]].concat(), &[65], "a folder of sources that is a link out");
    assert!(run.block("source-outside-root").is_some(), "{}", run.said());

    // A spec that is a link to something else is no spec, and is not quoted.
    let spec = world();
    std::fs::write(spec.path("outside/secret.yaml"), "name: Canary Person\n").unwrap();
    std::fs::remove_file(spec.spec(WIDE)).unwrap();
    symlink("../outside/secret.yaml", spec.spec(WIDE)).unwrap();
    let run = untouched(&spec, &[&BUILD[..], &[WIDE]].concat(), &[65], "a spec that is a link out");
    assert!(!run.said().contains("Canary"), "{}", run.said());
}

/// What a tamperer, or a tired hand, may have put where the tool writes.
#[test]
fn links_where_extracts_are_written_lead_nowhere() {
    for (link, target) in [
        (SMALL.to_owned(), "../outside"),
        (SMALL.to_owned(), "../nowhere"),
        (format!("{SMALL}/latest"), "../../outside"),
        (format!("{SMALL}/v0001"), "../../outside"),
        (format!("{SMALL}/.pending.json"), "../../outside/kept.txt"),
        (".staging".to_owned(), "../outside"),
        (".lock".to_owned(), "../outside/kept.txt"),
        ("ledger.jsonl".to_owned(), "../outside/kept.txt"),
        ("ledger.jsonl".to_owned(), "../outside/new.txt"),
    ] {
        let world = world();
        let at = world.path("extracts").join(&link);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        symlink(target, &at).unwrap();
        let what = format!("{link} -> {target}");
        let run = untouched(&world, &[&BUILD[..], &[SMALL]].concat(), &[0, 65, 73, 75], &what);
        if run.code == 0 {
            let home = world.path(&format!("extracts/{SMALL}"));
            let newest = home.join("latest").canonicalize().unwrap();
            assert_eq!(newest.parent().unwrap(), home.canonicalize().unwrap(), "{what}");
            world.run(&["verify", "--quiet", newest.to_str().unwrap()]).ends(0);
        }
    }
}

#[test]
fn arguments_that_are_paths_touch_nothing_and_quote_nothing() {
    let world = world();
    std::fs::write(world.path("outside/data.csv"), "nino\nQQ123456C\n").unwrap();
    let outside = world.path("outside/data.csv");
    let root = world.path("");
    for spec in ["/etc/passwd", outside.to_str().unwrap(), "../../../../etc/hosts", "..", "/", "/dev/null", "~", ""] {
        let run = untouched(&world, &[&BUILD[..], &[spec]].concat(), &[65, 66], &format!("the spec {spec}"));
        assert!(!run.said().contains("QQ123456C") && !run.said().contains("root:"), "{}", run.said());
    }
    world.build(&[SMALL]).ends(0);
    for extract in [
        "/",
        ".",
        "..",
        "/dev/null",
        "/etc/passwd",
        "/nowhere",
        "~",
        root.to_str().unwrap(),
        world.path("extracts").to_str().unwrap(),
        world.path(&format!("extracts/{SMALL}")).to_str().unwrap(),
        outside.to_str().unwrap(),
    ] {
        let run = untouched(&world, &["verify", "--quiet", extract], &[65, 66], &format!("the extract {extract}"));
        assert!(!run.said().contains("QQ123456C"), "{}", run.said());
    }
    let roundabout = world.path(&format!("extracts/../extracts/{SMALL}/./latest/../latest"));
    untouched(&world, &["verify", "--quiet", roundabout.to_str().unwrap()], &[0], "a roundabout way to an extract");
}

#[test]
fn a_config_named_by_a_path_with_dots_builds_the_same() {
    let world = World::new();
    world.build(&[SMALL]).ends(0);
    let straight = files(&world.latest(SMALL).join("data"));
    let name = world.path("").file_name().unwrap().to_str().unwrap().to_owned();
    for config in [format!("../{name}/leo.yaml"), "./leo.yaml".to_owned(), "sources/../leo.yaml".to_owned()] {
        std::fs::remove_dir_all(world.path("extracts")).unwrap();
        let mut run = command();
        run.current_dir(world.path("")).args(BUILD).args(["--config", &config, SMALL]);
        Run::of(&mut run).ends(0);
        assert_eq!(files(&world.latest(SMALL).join("data")), straight, "{config}");
    }
}
