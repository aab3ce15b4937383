//! What holds between projects and over time: only the spec's tables leave, projects cannot be joined, secrets stay
//! secret, the plan tells all.

use crate::support::{COARSE, DAY, Run, SMALL, WIDE, World, command, files, manifest, people, read, replace, tables};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ALL: [&str; 5] = [SMALL, WIDE, COARSE, "LEO-2019-004", "LEO-2019-005"];

/// The second project over the same cohort.
const TWIN: &str = "LEO-2019-901";

#[test]
fn only_what_the_spec_names_is_published() {
    let world = World::new();
    world.build(&[]).ends(0);
    for project in ALL {
        let extract = world.latest(project);
        let record = manifest(&extract);
        let spec = &record["spec"]["parsed"];
        // The elements as the spec's text has them, beside what the tool says that it read.
        let text = std::fs::read_to_string(world.spec(project)).unwrap();
        let released = &text[text.find("\nelements:").unwrap()..];
        let named: BTreeSet<&str> = released.lines().filter_map(|l| l.trim().strip_prefix("- element: ")).collect();
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for element in spec["elements"].as_array().unwrap() {
            let variables = element["variables"].as_array().unwrap().iter().map(|v| v["variable"].as_str().unwrap());
            wanted.insert(element["rows"]["element"].as_str().unwrap(), variables.collect());
        }
        assert_eq!(named, wanted.keys().copied().collect(), "{project}");
        for path in tables(&extract).keys() {
            let batch = read(&extract.join("data").join(path));
            let columns: Vec<String> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
            assert_eq!(columns[0], "person_id", "{project}/{path}");
            let Some((element, _)) = path.split_once('/') else {
                assert!(path == "persons.parquet" && columns[1..].iter().all(|c| c.starts_with("linked_")), "{path}");
                continue;
            };
            if element == "linked" {
                continue;
            }
            let variables = &wanted[element];
            for column in &columns[1..] {
                let known = ["academic_year", "tax_year", "term"].contains(&column.as_str());
                assert!(known || variables.contains(column.as_str()), "{project}/{path}: {column} was not asked for");
            }
            assert!(variables.iter().all(|v| columns.iter().any(|c| c == v)), "{project}/{path}: {columns:?}");
        }
        let odd: Vec<String> = files(&extract).into_keys().filter(|p| !is_known(p)).collect();
        assert!(odd.is_empty(), "{project}: {odd:?}");
    }
}

/// The files of an extract that DESIGN section 5.1 lists.
fn is_known(path: &str) -> bool {
    const TOP: [&str; 8] = [
        "bagit.txt",
        "bag-info.txt",
        "manifest-sha256.txt",
        "manifest-sha512.txt",
        "tagmanifest-sha256.txt",
        "ro-crate-metadata.json",
        "report.html",
        "run.json",
    ];
    const DATA: [&str; 3] = ["data/datapackage.json", "data/codebook.csv", "data/manifest.json"];
    TOP.contains(&path)
        || DATA.contains(&path)
        || (path.starts_with("data/") && (path.ends_with(".parquet") || path.ends_with(".csv")))
}

#[test]
fn every_choice_is_made_in_plan() {
    let world = World::new();
    let plan = world.run(&["plan", "--quiet", "--as-of", DAY, "--format", "json"]).ends(0).json();
    assert!(!world.path("extracts").exists(), "a plan writes nothing");
    world.build(&[]).ends(0);
    for project in ALL {
        let of_project = plan["plan"]["projects"].as_array().unwrap().iter().find(|p| p["project"] == project).unwrap();
        let planned = of_project["tables"].as_array().unwrap().iter().chain(of_project["linked"].as_array().unwrap());
        let planned: BTreeMap<&str, Vec<&str>> = planned
            .map(|table| {
                let columns = table["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap());
                (table["path"].as_str().unwrap(), columns.collect())
            })
            .collect();
        let published = tables(&world.latest(project));
        // The table of people is part of every extract.
        let paths: BTreeSet<&str> = published.keys().map(String::as_str).filter(|p| *p != "persons.parquet").collect();
        assert_eq!(paths, planned.keys().copied().collect(), "{project}");
        for (path, columns) in planned {
            let batch = read(&world.latest(project).join("data").join(path));
            let schema = batch.schema();
            let there: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            assert!(there.ends_with(&columns), "{project}/{path}: planned {columns:?}, published {there:?}");
            assert!(there.len() - columns.len() <= 3, "{project}/{path}: {there:?}");
        }
    }
}

#[test]
fn two_projects_share_no_pseudonym_nor_order() {
    let world = World::made(&["--persons", "1500"]);
    world.add_twin(SMALL, TWIN);
    world.build(&[SMALL, TWIN]).ends(0);
    let (one, two) = (world.latest(SMALL), world.latest(TWIN));
    let (here, there) = (people(&one.join("data/persons.parquet")), people(&two.join("data/persons.parquet")));
    assert_eq!(here.len(), there.len());
    assert!(here.len() > 500 && here.is_disjoint(&there));

    // Rows of both, matched by what they say: those that are unlike all others of their table.
    let mut pairs = Vec::new();
    let texts_of = |extract: &std::path::Path, path: &str| {
        let batch = read(&extract.join("data").join(path));
        let school = batch.schema().index_of("KS4_LAESTAB").unwrap();
        let keep: Vec<usize> = (1..batch.num_columns()).filter(|i| *i != school).collect();
        let batch = batch.project(&keep).unwrap();
        let mut at: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let shown = arrow::util::pretty::pretty_format_batches(&[batch.slice(row, 1)]).unwrap().to_string();
            at.entry(shown.lines().nth(3).unwrap().split_whitespace().collect()).or_default().push(row);
        }
        (at, batch.num_rows())
    };
    for path in tables(&one).keys().filter(|p| p.starts_with("npd.ks4/")) {
        let ((a, rows), (b, other)) = (texts_of(&one, path), texts_of(&two, path));
        assert_eq!(rows, other, "{path}");
        for (text, at) in a.iter().filter(|(_, at)| at.len() == 1) {
            let there = &b[text];
            assert_eq!(there.len(), 1, "{path}");
            #[expect(clippy::cast_precision_loss, reason = "rows of a small table")]
            pairs.push((at[0] as f64 / rows as f64, there[0] as f64 / rows as f64));
        }
    }
    assert!(pairs.len() > 200, "{}", pairs.len());
    let r = correlation(&pairs);
    #[expect(clippy::cast_precision_loss, reason = "some hundred pairs")]
    let bound = 4.0 / (pairs.len() as f64).sqrt();
    assert!(r.abs() < bound, "the orders of {} rows correlate by {r}", pairs.len());

    // A body's pseudonym does not match either.
    let schools = |extract: &std::path::Path| -> BTreeSet<String> {
        let batch = read(&extract.join("data/npd.ks4/2010-2011.parquet"));
        crate::support::texts(&batch, "KS4_LAESTAB").into_iter().flatten().collect()
    };
    assert!(!schools(&one).is_empty() && schools(&one).is_disjoint(&schools(&two)));
}

fn correlation(pairs: &[(f64, f64)]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some hundred pairs")]
    let n = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>();
    let both = sum(&|p| (p.0 - x) * (p.1 - y));
    both / (sum(&|p| (p.0 - x).powi(2)) * sum(&|p| (p.1 - y).powi(2))).sqrt()
}

#[test]
fn secrets_cannot_be_printed() {
    let world = World::new();
    std::fs::remove_file(world.path("leo.keyring")).unwrap();
    let mut runs = vec![world.run(&["keys", "new", "2026a"]).ends(0)];
    runs.push(world.run(&["keys", "rotate", "2026b"]).ends(0));
    let ring = std::fs::read_to_string(world.path("leo.keyring")).unwrap();
    let secrets: Vec<String> = ring
        .split("secret:")
        .skip(1)
        .map(|part| part.trim_start().trim_matches('"').chars().take_while(|c| !"\"}, \n".contains(*c)).collect())
        .collect();
    assert!(secrets.len() == 2 && secrets.iter().all(|s| s.len() == 44), "two secrets of 32 bytes");
    // As written, without padding, and in hex.
    let raw: Vec<Vec<u8>> = secrets.iter().map(|s| decode(s)).collect();
    let mut hidden: Vec<Vec<u8>> = secrets.iter().map(|s| s.trim_end_matches('=').as_bytes().to_vec()).collect();
    hidden.extend(raw.iter().map(|bytes| crate::support::hex(bytes).into_bytes()));
    hidden.extend(raw);
    let absent = |what: &str, bytes: &[u8]| {
        let found = hidden.iter().any(|secret| bytes.windows(secret.len()).any(|w| w == secret.as_slice()));
        assert!(!found, "{what} holds a secret");
    };

    runs.push(world.run(&["keys", "list"]).ends(0));
    runs.push(world.run(&["keys", "list", "--format", "json"]).ends(0));
    runs.push(world.run(&["keys", "new", "2026c"]));
    for help in [&["--help"] as &[&str], &["keys", "--help"], &["build", "--help"]] {
        runs.push(Run::of(command().args(help).env("LEO_KEYRING", world.path("leo.keyring"))).ends(0));
    }
    // While it works, neither its command line nor its environment holds one.
    let mut child = world.spawn(&[]);
    while child.try_wait().unwrap().is_none() {
        for name in ["cmdline", "environ"] {
            absent(name, &std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap_or_default());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    absent("a build", &[output.stdout, output.stderr].concat());
    for (path, bytes) in files(&world.path("extracts")) {
        absent(&path, &bytes);
    }
    // A keyring that cannot be read is told without being shown.
    for broken in [ring.replacen("keyring: 1", "keyring: one", 1), ring.replace("id:", "di:"), format!("{ring}\n  - [")]
    {
        replace(&world.path("leo.keyring"), broken.as_bytes());
        runs.push(world.run(&["keys", "list"]).ends(78));
        runs.push(world.build(&["--format", "json"]).ends(78));
    }
    for run in &runs {
        absent("a run", run.said().as_bytes());
    }
}

fn decode(base64: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for c in base64.trim_end_matches('=').chars() {
        held = (held << 6) | u32::try_from(ALPHABET.find(c).unwrap()).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    bytes
}
