//! Tests of the whole room: the same bytes twice, a kill at every step, a ledger that tells of every change.

use super::ledger::{self, LEDGER};
use super::sample::{Sample, mac, mac_of, run};
use super::{Manifest, Published, manifest_schema, prepare, recover, seal, version_name, write_twins};
use crate::files::faults::{After, with};
use crate::files::{Staging, operation};
use crate::spec::Output;
use crate::vocab::{Fates, Finding, ProjectId, Result, Silent};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PARQUET: Output = Output { parquet: true, csv: false };
const BOTH: Output = Output { parquet: true, csv: true };
const CSV: Output = Output { parquet: false, csv: true };

/// Publishes one version of the sample; everything in it may be made to fail.
fn publish(sample: &mut Sample) -> Result<Published> {
    let staging = Staging::begin(&sample.extracts, None)?;
    let staged = staging.project(&sample.account.project)?;
    sample.stage(&staged);
    let publication = sample.publication(&staged);
    write_twins(
        &publication.staged.join("data"),
        publication.approved.spec().output,
        &publication.account.tables,
        (staging.disk(), &Silent),
    )?;
    staging.disk().wait()?;
    prepare(&publication)?;
    seal(&publication, &mac)
}

/// Every file below a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in operation::list(folder).unwrap() {
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path).into_iter().map(|(p, b)| (Path::new(path.file_name().unwrap()).join(p), b)));
        } else {
            found.insert(path.file_name().unwrap().into(), std::fs::read(&path).unwrap());
        }
    }
    found
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|f| f.code).collect()
}

#[test]
fn data_is_the_same_bytes_whatever_clock_host_version_and_means() {
    for output in [PARQUET, BOTH, CSV] {
        let folder = tempfile::tempdir().unwrap();
        let mut sample = Sample::new(folder.path(), output);
        let first = publish(&mut sample).unwrap();
        sample.run = run(Timestamp::from_second(1_000_000).unwrap());
        sample.run.host = "another".to_owned();
        sample.run.threads = 7;
        sample.run.memory = 1;
        sample.account.slices.reverse();
        sample.account.tables.reverse();
        let second = publish(&mut sample).unwrap();
        assert_eq!((first.version, second.version), (1, 2));
        assert_eq!(files(&first.path.join("data")), files(&second.path.join("data")));
        assert_ne!(files(&first.path), files(&second.path));
        let text = String::from_utf8_lossy(&std::fs::read(first.path.join("data/manifest.json")).unwrap()).into_owned();
        assert!(!text.contains("a-host") && !text.contains(folder.path().to_str().unwrap()) && !text.contains("v0001"));
    }
}

#[test]
fn an_extract_holds_what_the_contract_names() {
    let folder = tempfile::tempdir().unwrap();
    let published = publish(&mut Sample::new(folder.path(), PARQUET)).unwrap();
    let names: Vec<String> = files(&published.path).into_keys().map(|p| p.display().to_string()).collect();
    assert_eq!(
        names,
        [
            "bag-info.txt",
            "bagit.txt",
            "data/codebook.csv",
            "data/datapackage.json",
            "data/hmrc.employment/all.parquet",
            "data/linked/leavers.parquet",
            "data/manifest.json",
            "data/npd.ks4/2010-2011.parquet",
            "data/persons.parquet",
            "manifest-sha256.txt",
            "manifest-sha512.txt",
            "report.html",
            "ro-crate-metadata.json",
            "run.json",
            "tagmanifest-sha256.txt",
        ]
    );
    assert_eq!(std::fs::read_link(folder.path().join("LEO-2019-003/latest")).unwrap(), Path::new("v0001"));
    let info = std::fs::read_to_string(published.path.join("bag-info.txt")).unwrap();
    assert!(info.contains("As-Of: 2020-01-02\n") && info.contains("Bagging-Date: 1970-01-01\n"));
    let codebook = std::fs::read_to_string(published.path.join("data/codebook.csv")).unwrap();
    assert_eq!(codebook.lines().count(), 1 + 9 + 1 + 1);
    let manifest = Manifest::read(&published.path).unwrap();
    assert_eq!(manifest.absent.len(), 1);
    let documents: Vec<_> = manifest.catalogue.documents.iter().map(|d| d.name.as_str()).collect();
    assert_eq!(documents, ["hmrc.employment.yaml", "links.yaml", "npd.ks4.yaml", "rules.yaml"]);
    assert_eq!(manifest.reuse.len(), 4);
    assert!(manifest_schema()["properties"]["slices"].is_object());
}

#[test]
fn csv_alone_leaves_no_parquet() {
    let folder = tempfile::tempdir().unwrap();
    let published = publish(&mut Sample::new(folder.path(), CSV)).unwrap();
    let ends = |p: &Path, end: &str| p.extension().is_some_and(|e| e == end);
    let files = files(&published.path.join("data"));
    assert_eq!(files.keys().filter(|p| ends(p, "parquet")).count(), 0);
    assert_eq!(files.keys().filter(|p| ends(p, "csv")).count(), 5);
}

#[test]
fn a_file_that_nobody_declared_is_never_published() {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = Sample::new(folder.path(), PARQUET);
    let staging = Staging::begin(folder.path(), None).unwrap();
    let staged = staging.project(&sample.account.project).unwrap();
    sample.stage(&staged);
    let publication = sample.publication(&staged);
    write_twins(
        &publication.staged.join("data"),
        publication.approved.spec().output,
        &publication.account.tables,
        (staging.disk(), &Silent),
    )
    .unwrap();
    prepare(&publication).unwrap();
    for extra in ["data/npd.ks4/extra.parquet", "extra.txt"] {
        std::fs::write(staged.join(extra), "x").unwrap();
        assert!(seal(&publication, &mac).is_err());
        std::fs::remove_file(staged.join(extra)).unwrap();
    }
    assert!(!folder.path().join("LEO-2019-003").exists());
}

#[test]
fn a_fault_or_kill_at_any_step_leaves_the_old_version_or_the_new_one() {
    for after in [After::Works, After::Dead] {
        for n in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let mut sample = Sample::new(folder.path(), PARQUET);
            let home = folder.path().join("LEO-2019-003");
            publish(&mut sample).unwrap();
            let old = files(&home.join("v0001"));
            let (result, reached) = with(n, after, || publish(&mut sample));
            // The old one is whole, and `latest` points at it or at a whole new one.
            assert_eq!(files(&home.join("v0001")), old);
            let latest = std::fs::read_link(home.join("latest")).unwrap();
            assert!(latest == Path::new("v0001") || latest == Path::new("v0002"), "step {n}");
            if home.join("v0002").exists() {
                assert_eq!(files(&home.join("v0002")).len(), old.len(), "step {n}");
            }
            // The next run repairs: the chain is good, every version is in it once, and nothing is left behind.
            drop(Staging::begin(folder.path(), None).unwrap());
            recover(folder.path(), &mac).unwrap();
            let now = ledger::read(folder.path()).unwrap();
            let next = publish(&mut sample).unwrap();
            let ledger = ledger::read(folder.path()).unwrap();
            assert_eq!(codes(&ledger.check(&mac_of)), Vec::<&str>::new(), "step {n}");
            let versions: Vec<u32> = ledger.entries().filter_map(|e| e.version).collect();
            let expected: Vec<u32> = (1..=next.version).collect();
            assert_eq!(versions, expected, "step {n}");
            assert_eq!(now.entries().count() + 1, next.version as usize, "recovered at once, step {n}");
            assert_eq!(std::fs::read_link(home.join("latest")).unwrap(), Path::new(&version_name(next.version)));
            let left: Vec<_> = operation::list(&home).unwrap();
            assert_eq!(left.len(), next.version as usize + 1, "step {n}: {left:?}");
            if !reached {
                result.unwrap();
                break;
            }
        }
    }
}

#[test]
fn a_version_number_is_never_used_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = Sample::new(folder.path(), PARQUET);
    let first = publish(&mut sample).unwrap();
    std::fs::remove_dir_all(first.path).unwrap();
    assert_eq!(publish(&mut sample).unwrap().version, 2);
}

#[test]
fn a_folder_that_somebody_put_there_is_never_vouched_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = Sample::new(folder.path(), PARQUET);
    publish(&mut sample).unwrap();
    let home = folder.path().join("LEO-2019-003");
    std::fs::create_dir(home.join("v0007")).unwrap();
    std::fs::write(home.join(".pending.json"), "{\"seq\":1}").unwrap();
    assert_eq!(codes(&recover(folder.path(), &mac).unwrap()), ["publication-unsigned"]);
    assert_eq!(ledger::read(folder.path()).unwrap().entries().count(), 1);
}

#[test]
fn every_change_of_the_ledger_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = Sample::new(folder.path(), PARQUET);
    for _ in 0..3 {
        publish(&mut sample).unwrap();
    }
    let path = folder.path().join(LEDGER);
    let good = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let check = |text: &str| {
        std::fs::write(&path, text).unwrap();
        codes(&ledger::read(folder.path()).unwrap().check(&mac_of))
    };
    assert!(check(&good).is_empty());
    let project = ProjectId::new("LEO-2019-003").unwrap();
    assert_eq!(ledger::read(folder.path()).unwrap().latest_for(&project).unwrap().version, Some(3));
    let cases = [
        ("a field altered", good.replacen("\"version\":2", "\"version\":9", 1)),
        ("a field added", good.replacen("{\"seq\":2", "{\"note\":1,\"seq\":2", 1)),
        ("a field hidden", good.replacen("{\"seq\":2", "{\"kind\":\"x\",\"seq\":2", 1)),
        ("white space", good.replacen("\"seq\":2", "\"seq\": 2", 1)),
        ("a line removed", format!("{}\n{}\n", lines[0], lines[2])),
        ("the first removed", format!("{}\n{}\n", lines[1], lines[2])),
        ("lines moved", format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2])),
        ("a line doubled", format!("{good}{}\n", lines[2])),
        ("an empty line", format!("{good}\n")),
        ("no JSON", format!("{good}x\n")),
        ("a cut line", good.trim_end().to_owned()),
    ];
    for (what, text) in cases {
        assert!(!check(&text).is_empty(), "{what}");
    }
    assert!(check(&good.replace("2026a", "2025z")).contains(&"ledger-key-unknown"));
    // A line cut short is removed by the next append; a line that is no entry stops it.
    std::fs::write(&path, format!("{good}{{\"seq\":")).unwrap();
    publish(&mut sample).unwrap();
    assert!(ledger::read(folder.path()).unwrap().check(&mac_of).is_empty());
    std::fs::write(&path, format!("{good}x\n")).unwrap();
    assert!(publish(&mut sample).is_err());
}

#[test]
fn the_report_tells_no_small_count_and_fetches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut sample = Sample::new(folder.path(), PARQUET);
    let page = |sample: &mut Sample| std::fs::read_to_string(publish(sample).unwrap().report).unwrap();
    let first = page(&mut sample);
    for bad in ["<script", "http:", "https:", "src=", "@import", "url("] {
        assert!(!first.contains(bad), "{bad}");
    }
    assert!(first.contains("fewer than 10") && first.contains("&lt;young people&gt;"));
    assert!(first.contains("protect nobody") && first.contains("2020-01-02"));
    // Two extracts whose counts differ, but not when made safe, have the same report but for the digest and the version.
    sample.account.attrition.persons = 7;
    sample.account.attrition.steps[0].people_after = 1_236;
    sample.account.slices[0].fates =
        Fates { rows_read: 4_322, missing: 6, out_of_cohort: 4_312, kept: 4, ..Fates::default() };
    let plain = |page: &str, version: &str| {
        let digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let words = page.replace(version, "").replace(['<', '>'], " ");
        words.split(' ').filter(|w| !digest(w)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(plain(&first, "v0001"), plain(&page(&mut sample), "v0002"));
}

#[test]
fn a_manifest_that_was_altered_is_told_without_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let published = publish(&mut Sample::new(folder.path(), PARQUET)).unwrap();
    std::fs::write(published.path.join("data/manifest.json"), "{\"manifest\": \"secret\"}").unwrap();
    let error = Manifest::read(&published.path).unwrap_err();
    assert!(!format!("{error:?}").contains("secret"));
}

/// `LEO_KEEP_SAMPLE=folder` keeps an extract in each form, for the validators of `tests/validators.py`.
#[test]
fn a_sample_for_the_validators_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keep = std::env::var_os("LEO_KEEP_SAMPLE").map_or_else(|| folder.path().to_owned(), PathBuf::from);
    for (name, output) in [("parquet", PARQUET), ("both", BOTH), ("csv", CSV)] {
        let published = publish(&mut Sample::new(&keep.join(name), output)).unwrap();
        assert!(published.report.is_file());
    }
    std::fs::write(keep.join("manifest.schema.json"), manifest_schema().to_string()).unwrap();
}
