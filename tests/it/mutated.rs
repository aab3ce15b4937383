//! Real files, changed at random and read by the library as the commands read them: a few seconds of what `tests/fuzz` does
//! for hours. `LEO_FUZZ_SECONDS` makes each reader's share longer. Nothing panics, and what is told steers no terminal and
//! holds no piece of a secret.

use crate::regions::Dice;
use leo_extract::approval::Records;
use leo_extract::catalogue::{Catalogue, Document};
use leo_extract::config::Config;
use leo_extract::keys::Keyring;
use leo_extract::publish::ledger;
use leo_extract::survey::Survey;
use leo_extract::vocab::{Error, Findings};
use leo_extract::{cli, spec};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// How long a reader is fed.
fn share() -> Duration {
    let seconds = std::env::var("LEO_FUZZ_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1.0);
    Duration::from_secs_f64(seconds)
}

/// Changes a few places: bits, bytes, pieces left out, said twice, or taken from another file of the kind.
fn mutated(seeds: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut out = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(4) {
        if out.is_empty() {
            break;
        }
        let at = dice.below(out.len());
        let length = 1 + dice.below(12.min(out.len() - at));
        match dice.below(8) {
            0 => out[at] ^= 1 << dice.below(8),
            1 => out[at] = u8::try_from(dice.below(256)).unwrap(),
            2 => drop(out.drain(at..at + length)),
            3 => {
                let piece = out[at..at + length].to_vec();
                let to = dice.below(out.len());
                out.splice(to..to, piece);
            }
            4 => {
                const WORDS: [&[u8]; 10] =
                    [b"\x1b[2J", "\u{202e}".as_bytes(), b"&a ", b"*a", b"!!x ", b"\xff", b"\0", b"[", b": ", b"- "];
                let word = WORDS[dice.below(WORDS.len())];
                out.splice(at..at, word.iter().copied());
            }
            5 => out.truncate(at),
            6 => out[at] = b"0123456789-\"'{}[],:\n #"[dice.below(22)],
            _ => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len());
                let piece = other[from..other.len().min(from + 1 + dice.below(60))].to_vec();
                out.splice(at..at, piece);
            }
        }
    }
    out
}

/// Feeds a reader until its share is over. It gives the findings.
#[expect(clippy::print_stdout, reason = "the figures of a test")]
fn feed(what: &str, seeds: &[Vec<u8>], mut reader: impl FnMut(&[u8]) -> Findings) {
    assert!(!seeds.is_empty() && seeds.iter().all(|seed| !seed.is_empty()), "{what}: no seeds");
    let (began, mut dice, mut inputs, mut refused) = (Instant::now(), Dice(0x5eed_0003), 0_u64, 0_u64);
    while began.elapsed() < share() || inputs < 20 {
        let input = mutated(seeds, &mut dice);
        let slow = Instant::now();
        let findings = reader(&input);
        assert!(slow.elapsed().as_secs() < 10, "{what}: slow");
        let (text, json) = cli::rendered(&findings, root());
        let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(bad) && !json.contains(bad), "{what}: {text:?}");
        inputs += 1;
        refused += u64::from(!findings.is_empty());
    }
    println!("{what}: {inputs} inputs, {refused} with findings");
    assert!(refused > 0, "{what}: nothing was ever wrong");
}

fn bytes(paths: impl IntoIterator<Item = PathBuf>) -> Vec<Vec<u8>> {
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn folder(below: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(root().join(below)).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

fn findings<T>(result: Result<T, Error>) -> Findings {
    match result {
        Err(Error::Findings(findings)) => findings,
        Err(Error::Internal(what)) => panic!("a fault of the tool: {what}"),
        _ => Findings::new(),
    }
}

#[test]
fn a_document_changed_at_random_is_read_or_refused() {
    let catalogue = Catalogue::read(&root().join("specs/catalogue"), "catalogue").unwrap();
    let text = |input: &[u8]| String::from_utf8_lossy(input).into_owned();
    feed("specs", &bytes(folder("specs/projects")), |input| spec::from_text(&text(input), "x.yaml", &catalogue).1);
    feed("approvals", &bytes(folder("specs/approvals")), |input| {
        Records::from_documents(&[("x.yaml".to_owned(), text(input))], "").1
    });
    let links = std::fs::read_to_string(root().join("specs/catalogue/links.yaml")).unwrap();
    let small = |name: &str, input: &[u8]| {
        let mut documents = vec![Document { name: name.to_owned(), text: text(input) }];
        if name != "links.yaml" {
            documents.push(Document { name: "links.yaml".to_owned(), text: links.clone() });
        }
        findings(Catalogue::from_documents(documents, ""))
    };
    let elements = folder("specs/catalogue").into_iter().filter(|p| p.to_string_lossy().matches('.').count() > 1);
    feed("elements", &bytes(elements), |input| small("npd.x.yaml", input));
    feed("links", &bytes([root().join("specs/catalogue/links.yaml")]), |input| small("links.yaml", input));
    feed("rules", &bytes([root().join("specs/catalogue/rules.yaml")]), |input| small("rules.yaml", input));
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("leo.yaml");
    feed("config", &bytes([root().join("testdata/leo.yaml")]), |input| {
        std::fs::write(&path, input).unwrap();
        findings(Config::read(&path))
    });
}

#[test]
fn a_keyring_changed_at_random_shows_no_piece_of_its_secret() {
    const PIECE: usize = 20;
    let seeds = bytes([root().join("testdata/leo.keyring")]);
    let secret = String::from_utf8(seeds[0].clone()).unwrap();
    let secret = secret.split("secret: \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let pieces: Vec<&str> = (0..=secret.len() - PIECE).map(|at| &secret[at..at + PIECE]).collect();
    let here = tempfile::tempdir().unwrap();
    let (ring, yaml) = (here.path().join("leo.keyring"), here.path().join("ring.yaml"));
    feed("keyring", &seeds, |input| {
        std::fs::write(&ring, input).unwrap();
        std::fs::write(&yaml, input).unwrap();
        // Also where it is taken for another document.
        let mut all = findings(Keyring::load(&ring));
        all.extend(findings(Config::read(&yaml)));
        let text = String::from_utf8_lossy(input).into_owned();
        all.extend(Records::from_documents(&[("ring.yaml".to_owned(), text)], &here.path().to_string_lossy()).1);
        let (text, json) = cli::rendered(&all, here.path());
        assert!(pieces.iter().all(|piece| !text.contains(piece) && !json.contains(piece)), "{text}");
        all
    });
}

#[test]
fn a_table_or_ledger_changed_at_random_is_read_or_refused() {
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("x.parquet");
    let seeds = ["link/ae_id_pmr.parquet", "npd/ks4/KS4_2009_2010.parquet"];
    feed("survey", &bytes(seeds.map(|seed| root().join("testdata/sources").join(seed))), |input| {
        // Most of a file is pages, which the survey never sees: half of the changes are wanted in the footer.
        let mut input = input.to_vec();
        let end = input.len().saturating_sub(8);
        if input.len() % 2 == 0
            && let [a, b, c, d, ..] = input[end..]
            && let Some(start) = end.checked_sub(u32::from_le_bytes([a, b, c, d]) as usize)
        {
            let mut dice = Dice(u64::from(a) * 257 + input.len() as u64 + 1);
            let footer = mutated(&[input[start..end].to_vec()], &mut dice);
            let length = u32::try_from(footer.len()).unwrap().to_le_bytes();
            input.splice(start..end + 4, footer.into_iter().chain(length));
        }
        std::fs::write(&path, input).unwrap();
        let mut survey = Survey::default();
        survey.read(&[(path.clone(), "x.parquet".to_owned())], 1).into_values().collect()
    });
    let line = "{\"seq\":1,\"time\":\"2020-01-06T00:00:00+00:00\",\"kind\":\"published\",\"project\":\"LEO-2019-001\",\
                \"version\":1,\"key_id\":\"2026a\",\"tool_version\":\"0.1.0\",\"previous\":\"00\",\"mac\":\"00\"}\n";
    feed("ledger", &[line.repeat(3).into_bytes()], |input| {
        std::fs::write(here.path().join(ledger::LEDGER), input).unwrap();
        ledger::read(here.path()).unwrap().check(&|_, message| message.first().map(|b| [*b; 32]))
    });
}
