//! An attacker holds extracts, the source code and everything public, and tries whole spaces of identifiers. Plain and
//! salted hashes of the same people fall to that; ours do not.
//!
//! `LEO_FIGURES=1` tells what was tried and recovered, and in what time. `LEO_PERSON_NUMBERS=N` tries that many of the
//! 2^36 numbers that a person may have (default: 2^20, a 65,536th; unoptimised 2^16), beside all that are in use.

use crate::reckon::{Reckoner, Ten, bytes_of, figure, give_keyring, hmac, secret, tag, ten};
use crate::support::{COARSE, SMALL, World, read, tables, texts};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::io::Write as _;
use std::time::Instant;

/// A way to make a pseudonym of an identifier.
type Hash<'a> = dyn Fn(&[u8]) -> Ten + Sync + 'a;
/// One that an attacker tries, with its name.
type Guess<'a> = (String, Box<Hash<'a>>);

/// A space of identifiers: those in use, and all numbers of a range.
struct Space {
    name: &'static str,
    known: Vec<String>,
    numbers: std::ops::Range<u64>,
}

impl Space {
    fn size(&self) -> u64 {
        self.known.len() as u64 + (self.numbers.end - self.numbers.start)
    }

    /// The targets that some identifier of the space is hashed to, of each list.
    fn enumerate(&self, hash: &Hash<'_>, targets: &[&HashSet<Ten>]) -> Vec<usize> {
        let hits = |identifier: &[u8]| {
            let hashed = hash(identifier);
            targets.iter().map(|set| set.contains(&hashed).then_some(hashed)).collect::<Vec<_>>()
        };
        let empty = || vec![HashSet::new(); targets.len()];
        let add = |mut found: Vec<HashSet<Ten>>, hits: Vec<Option<Ten>>| {
            found.iter_mut().zip(hits).for_each(|(set, hit)| set.extend(hit));
            found
        };
        let join = |mut a: Vec<HashSet<Ten>>, b: Vec<HashSet<Ten>>| {
            a.iter_mut().zip(b).for_each(|(a, b)| a.extend(b));
            a
        };
        let known = self.known.par_iter().map(|text| hits(text.as_bytes())).fold(empty, add).reduce(empty, join);
        let step = 1 << 14;
        let starts = self.numbers.clone().step_by(step).collect::<Vec<_>>();
        let numbers = starts.par_iter().map(|start| {
            let (mut found, mut text) = (empty(), Vec::with_capacity(20));
            for number in *start..(start + step as u64).min(self.numbers.end) {
                text.clear();
                write!(text, "{number}").unwrap();
                let hashed = hash(&text);
                for (set, targets) in found.iter_mut().zip(targets) {
                    if targets.contains(&hashed) {
                        set.insert(hashed);
                    }
                }
            }
            found
        });
        join(known, numbers.reduce(empty, join)).iter().map(HashSet::len).collect()
    }
}

/// What an attacker without the key can make of an identifier: every form of hash that a tool like this might use, and ours
/// itself, with everything public in the place of the key.
fn guesses<'a>(project: &str, kind: &'a str) -> Vec<Guess<'a>> {
    let public = [
        "leo-extract/v1",
        project,
        kind,
        "privacy",
        &format!("link|{kind}"),
        &format!("project|{project}|1|{kind}"),
        &format!("project|{project}|1|person"),
    ]
    .map(str::to_owned);
    let mut guesses: Vec<Guess<'a>> = vec![("SHA-256".to_owned(), Box::new(|x| ten(&Sha256::digest(x))))];
    for salt in public.clone() {
        let name = salt.clone();
        guesses.push((format!("salt {name} before"), {
            let salt = salt.clone();
            Box::new(move |x| ten(&Sha256::new().chain_update(&salt).chain_update(x).finalize()))
        }));
        guesses.push((format!("salt {name} behind"), {
            let salt = salt.clone();
            Box::new(move |x| ten(&Sha256::new().chain_update(x).chain_update(&salt).finalize()))
        }));
        let mac = hmac(salt.as_bytes());
        guesses.push((format!("HMAC under {name}"), Box::new(move |x| ten(&tag(&mac, x)))));
    }
    let published = Sha256::digest(b"leo-extract published test key: synthetic data only");
    let mut secrets: Vec<(String, Vec<u8>)> =
        vec![("the published key".to_owned(), published.to_vec()), ("32 zeros".to_owned(), vec![0; 32])];
    secrets.extend(public.iter().map(|text| (format!("SHA-256 of {text}"), Sha256::digest(text).to_vec())));
    for (name, secret) in secrets {
        let ours = Reckoner::new(&secret);
        let name = format!("ours under {name}");
        match kind {
            "ae_id" => guesses.push((name, Box::new(ours.person(project, 1)))),
            _ => guesses.push((name, Box::new(ours.body(project, 1, kind)))),
        }
    }
    guesses
}

/// The distinct pseudonyms in a column of an extract.
fn pseudonyms(world: &World, project: &str, element: &str, column: &str) -> HashSet<Ten> {
    let latest = world.latest(project);
    let of_element = tables(&latest).into_keys().filter(|p| p.starts_with(element));
    let cells = of_element.flat_map(|path| texts(&read(&latest.join("data").join(path)), column)).flatten();
    cells.map(|text| bytes_of(&text).unwrap()).collect()
}

/// The distinct identifiers in a column of the sources.
fn identifiers(world: &World, folder: &str, column: &str) -> Vec<String> {
    let mut all = HashSet::new();
    for path in crate::support::files(&world.path(&format!("sources/{folder}"))).keys() {
        let batch = read(&world.source(&format!("{folder}/{path}")));
        let name = batch.schema().fields().iter().map(|f| f.name().clone()).find(|n| n.eq_ignore_ascii_case(column));
        let cells = name.map(|name| texts(&batch, &name)).unwrap_or_default();
        all.extend(cells.into_iter().flatten().map(|text| text.trim().to_owned()));
    }
    all.remove("");
    all.into_iter().collect()
}

#[test]
fn whole_spaces_of_identifiers_recover_plain_and_salted_hashes_and_none_of_ours() {
    let world = World::made(&["--persons", "2000"]);
    give_keyring(&world, &["privacy"]);
    world.build(&[SMALL, COARSE]).ends(0);
    let key = Reckoner::new(&secret("privacy"));
    let few = if cfg!(debug_assertions) { 1 << 16 } else { 1 << 20 };
    let people: u64 = std::env::var("LEO_PERSON_NUMBERS").map_or(few, |n| n.parse().unwrap()).min(1 << 36);
    let persons = identifiers(&world, "link", "AE_ID");
    assert!(persons.len() > 1500, "{}", persons.len());
    // An unoptimised test takes one authority's schools beside those in use; an optimised one all numbers of the form.
    let schools = if cfg!(debug_assertions) { 9_000_000..9_010_000 } else { 1_000_000..10_000_000 };
    let person_space = |name| Space { name, known: persons.clone(), numbers: 10_000_000_000..10_000_000_000 + people };
    let columns = [
        (SMALL, "persons", "person_id", "ae_id", person_space("people of LEO-2019-001")),
        (COARSE, "persons", "person_id", "ae_id", person_space("people of LEO-2019-003")),
        (
            SMALL,
            "npd.ks4",
            "KS4_LAESTAB",
            "laestab",
            Space { name: "schools", known: identifiers(&world, "npd/ks4", "KS4_LAESTAB"), numbers: schools },
        ),
        (
            COARSE,
            "hesa.student",
            "HE_XINSTID01",
            "instid",
            Space { name: "institutions", known: identifiers(&world, "hesa", "HE_XINSTID01"), numbers: 0..10_000 },
        ),
    ];
    for (project, element, column, kind, space) in columns {
        let ours = pseudonyms(&world, project, element, column);
        assert!(ours.len() > 10, "{}: {}", space.name, ours.len());
        // Who they are, by the key: the space holds all of them, so that no attack fails for want of the right identifier.
        let with_key: Box<Hash<'_>> = match kind {
            "ae_id" => Box::new(key.person(project, 1)),
            _ => Box::new(key.body(project, 1, kind)),
        };
        let known: Vec<&String> = space.known.iter().filter(|x| ours.contains(&with_key(x.as_bytes()))).collect();
        assert_eq!(known.len(), ours.len(), "{}: with the key everything is recovered", space.name);

        // The same column as a plain hash, and as one with a public salt, would be.
        let salted = |x: &[u8]| ten(&Sha256::new().chain_update("leo-extract/v1").chain_update(x).finalize());
        let plain = |x: &[u8]| ten(&Sha256::digest(x));
        let published_key = Sha256::digest(b"leo-extract published test key: synthetic data only");
        let wrong = Reckoner::new(&published_key);
        let wrong: Box<Hash<'_>> = match kind {
            "ae_id" => Box::new(wrong.person(project, 1)),
            _ => Box::new(wrong.body(project, 1, kind)),
        };
        let whole: [(&str, &Hash<'_>); 3] =
            [("plain SHA-256", &plain), ("salted SHA-256", &salted), ("ours under a wrong key", &*wrong)];
        for (name, hash) in whole {
            let naive: HashSet<Ten> = known.iter().map(|x| hash(x.as_bytes())).collect();
            let began = Instant::now();
            let found = space.enumerate(hash, &[&naive, &ours]);
            figure(&format!(
                "{}: {name}: {} identifiers tried in {:.2} s: {} of {} recovered if published so, {} of {} of ours",
                space.name,
                space.size(),
                began.elapsed().as_secs_f64(),
                found[0],
                naive.len(),
                found[1],
                ours.len()
            ));
            assert_eq!(found, [known.len(), 0], "{}: {name}", space.name);
        }
        // Every other guess, for all identifiers that are in use.
        let in_use = Space { numbers: 0..0, name: space.name, known: space.known.clone() };
        let guesses = guesses(project, kind);
        let count = guesses.len();
        assert!(count > 25, "{count}");
        for (name, hash) in guesses {
            let naive: HashSet<Ten> = known.iter().map(|x| hash(x.as_bytes())).collect();
            assert_eq!(in_use.enumerate(&*hash, &[&naive, &ours]), [naive.len(), 0], "{}: {name}", in_use.name);
        }
        figure(&format!("{}: {count} other guesses, each for the {} in use: 0 recovered", in_use.name, in_use.size()));
    }
}
