//! What lies in an extracts folder, with one file of it as the fuzzer has it: `verify`, `audit`'s reading of the ledger,
//! and the recovery of a publication that was cut short. The first byte chooses the file.
#![no_main]

mod common;

use common::{folder, found, told};
use leo_extract::config::Config;
use leo_extract::keys::Keyring;
use leo_extract::pipeline::{self, Settings};
use leo_extract::publish::{self, ledger};
use leo_extract::vocab::{Finding, Findings, KeyId, Observer, Severity, Silent};
use leo_extract::{synth, verify};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

const PROJECT: &str = "LEO-2019-001";
/// Files of the extract that are verified as a whole.
const WHOLE: [&str; 3] = ["data/manifest.json", "data/npd.ks4/2010-2011.parquet", "data/persons.parquet"];
/// Files of the bag alone.
const BAG: [&str; 8] = [
    "bagit.txt",
    "bag-info.txt",
    "manifest-sha256.txt",
    "manifest-sha512.txt",
    "tagmanifest-sha256.txt",
    "data/datapackage.json",
    "data/codebook.csv",
    "run.json",
];

/// A world of a few people with one published extract.
struct World {
    settings: Settings,
    keyring: Keyring,
    extract: PathBuf,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let out = folder().join("world");
        let options = synth::Options {
            out: out.clone(),
            persons: 20,
            threads: 1,
            published_key: true,
            ..synth::Options::default()
        };
        synth::write_world(&options, &Silent).expect("a world");
        let spec = out.join("specs").join(format!("{PROJECT}.yaml"));
        let config = Config::read(&out.join("leo.yaml")).expect("its config");
        let settings = Settings {
            keyring: config.keyring.clone().expect("it names a keyring"),
            config,
            threads: 1,
            memory: 1 << 30,
            as_of: jiff::civil::date(2020, 1, 6),
            as_of_is_today: false,
            anew: false,
        };
        let observer: Arc<dyn Observer> = Arc::new(Silent);
        let outcome = pipeline::build(&settings, &[spec.to_string_lossy().into_owned()], &observer).expect("a build");
        let extract = outcome.built.first().unwrap_or_else(|| panic!("{:?}", outcome.findings)).path.clone();
        let keyring = Keyring::load(&settings.keyring).expect("the keyring reads");
        if let Some(seeds) = std::env::var_os("LEO_FUZZ_SEEDS") {
            write_seeds(Path::new(&seeds), &settings.config.extracts, &extract);
        }
        World { settings, keyring, extract }
    })
}

/// Writes each file that the fuzzer may change, with the byte before it that chooses it.
fn write_seeds(seeds: &Path, extracts: &Path, extract: &Path) {
    let files = std::iter::repeat_n(extracts.join(ledger::LEDGER), 2)
        .chain(WHOLE.iter().chain(&BAG).map(|name| extract.join(name)));
    for (n, file) in (0_u8..).zip(files) {
        let mut seed = vec![n];
        seed.extend(std::fs::read(file).expect("a file of the extract"));
        // A note is a line of the ledger without its end.
        let seed = if n == 1 { seed.trim_ascii_end() } else { &seed };
        std::fs::write(seeds.join(n.to_string()), seed).expect("a seed");
    }
}

/// Runs with a file's bytes in place of its own.
fn with<T>(path: &Path, data: &[u8], run: impl FnOnce() -> T) -> T {
    let own = std::fs::read(path).ok();
    std::fs::write(path, data).expect("the file can be written");
    let result = run();
    match own {
        Some(own) => std::fs::write(path, own).expect("the file can be written back"),
        None => drop(std::fs::remove_file(path)),
    }
    result
}

fn refuses(findings: &Findings) -> bool {
    findings.iter().any(|f: &Finding| f.severity == Severity::Error)
}

libfuzzer_sys::fuzz_target!(init: common::judge_panics(), |data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let world = world();
    let extracts = &world.settings.config.extracts;
    let mac = world.keyring.current().ledger();
    match first % 13 {
        0 => {
            let file = extracts.join(ledger::LEDGER);
            with(&file, data, || {
                let Ok(read) = ledger::read(extracts) else { return };
                let findings = read.check(&|id, message| {
                    Some(world.keyring.key(&KeyId::new(id)?)?.ledger().tag(message))
                });
                told(&findings, folder());
                let entries = read.entries().count();
                let whole = data.iter().filter(|b| **b == b'\n').count();
                assert!(entries <= whole);
            });
        }
        1 => {
            let home = extracts.join(PROJECT);
            let before = std::fs::read(extracts.join(ledger::LEDGER)).expect("the ledger");
            let note = home.join(".pending.json");
            let (_, findings) = with(&note, data, || {
                assert!(publish::unfinished(&home, &|m| mac.tag(m)).is_none() || data.len() > 64);
                found(publish::recover(extracts, &|m| mac.tag(m)))
            });
            told(&findings, folder());
            let after = std::fs::read(extracts.join(ledger::LEDGER)).expect("the ledger");
            assert_eq!(before, after, "a note that we did not sign was entered");
        }
        n @ 2..=4 => {
            let path = world.extract.join(WHOLE[usize::from(n - 2)]);
            let same = std::fs::read(&path).is_ok_and(|own| own == data);
            let observer: Arc<dyn Observer> = Arc::new(Silent);
            let extract = std::slice::from_ref(&world.extract);
            let (view, findings) = with(&path, data, || {
                found(pipeline::verify(&world.settings, extract, false, &observer))
            });
            told(&findings, folder());
            for (_, findings, _) in view.into_iter().flat_map(|v| v.extracts) {
                told(&findings, folder());
                assert!(same || refuses(&findings), "an altered extract was verified");
            }
        }
        n => {
            let path = world.extract.join(BAG[usize::from((n - 5) % 8)]);
            let same = std::fs::read(&path).is_ok_and(|own| own == data);
            let verdict = with(&path, data, || verify::bag(&world.extract));
            told(&verdict.findings, folder());
            // The tag manifest is held by the ledger, and may be written in more than one way.
            assert!(same || n == 9 || !verdict.passes(), "an altered bag was verified");
        }
    }
});
