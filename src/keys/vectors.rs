//! `testdata/vectors.yaml`: what an independent program computed, which this room must compute too.

use super::{Keyring, Mac, document, pseudonym_text};
use crate::vocab::{Canonical, KeyId, Kind, ProjectId, canonical_integer, canonical_text, canonical_unshaped};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    secret: String,
    fingerprint: String,
    prk: String,
    ledger_key: String,
    identifiers: Vec<Identifier>,
    missing: Vec<String>,
    persons: Vec<Person>,
    pseudonyms: Vec<Pseudonym>,
    rfc4231: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    kind: String,
    text: Option<String>,
    integer: Option<i64>,
    canonical: String,
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    project: String,
    epoch: u32,
    kind: String,
    canonical: String,
    person_id: String,
    sample_numerator: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pseudonym {
    project: String,
    epoch: u32,
    kind: String,
    text: String,
    pseudonym: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: u32,
    key: String,
    data: String,
    tag: String,
}

fn vectors() -> Vectors {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/vectors.yaml");
    document::read(&std::fs::read_to_string(path).unwrap(), "vectors.yaml").unwrap()
}

fn ring(vectors: &Vectors) -> Keyring {
    use base64::Engine as _;
    let secret = base64::engine::general_purpose::STANDARD.decode(&vectors.secret).unwrap();
    Keyring::from_secret(KeyId::new("test").unwrap(), secret.try_into().unwrap())
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

fn first10(tag: &[u8; 32]) -> [u8; 10] {
    tag[..10].try_into().unwrap()
}

#[test]
fn keys_and_de_identified_keys_are_those_of_the_other_program() {
    let vectors = vectors();
    let ring = ring(&vectors);
    assert!(ring.is_published_test_key());
    let key = ring.current();
    assert_eq!(key.fingerprint(), vectors.fingerprint);
    assert_eq!(key.ledger().tag(b"entry"), Mac::new(&bytes(&vectors.ledger_key)).tag(b"entry"));
    assert_eq!(Mac::new(&bytes(&vectors.prk)).tag(b"ledger\x01").to_vec(), bytes(&vectors.ledger_key));
    assert!(vectors.identifiers.len() > 15);
    for vector in &vectors.identifiers {
        let canonical = match (&vector.text, vector.integer) {
            (Some(text), None) => canonical_text(&vector.kind, text),
            (None, Some(integer)) => canonical_integer(&vector.kind, integer.into()),
            _ => panic!("a vector has a text or an integer"),
        };
        let Canonical::Text(canonical) = canonical else { panic!("{}: not canonical", vector.canonical) };
        assert_eq!(canonical, vector.canonical);
        let mac = key.link(&Kind::new(&vector.kind).unwrap());
        assert_eq!(mac.key16(canonical.as_bytes()).to_vec(), bytes(&vector.key), "{}", vector.canonical);
    }
    for text in &vectors.missing {
        assert_eq!(canonical_text("pmr", text), Canonical::Missing);
    }
}

#[test]
fn pseudonyms_and_samples_are_those_of_the_other_program() {
    let vectors = vectors();
    let ring = ring(&vectors);
    let key = ring.current();
    for vector in &vectors.persons {
        let person_key = key.link(&Kind::new(&vector.kind).unwrap()).key16(vector.canonical.as_bytes());
        let project = ProjectId::new(&vector.project).unwrap();
        let tag = key.project(&project, vector.epoch, "person").tag(&person_key);
        assert_eq!(pseudonym_text(&first10(&tag)), vector.person_id.as_bytes());
        assert_eq!(u64::from_be_bytes(tag[..8].try_into().unwrap()), vector.sample_numerator);
    }
    for vector in &vectors.pseudonyms {
        let project = ProjectId::new(&vector.project).unwrap();
        let canonical = canonical_unshaped(&vector.kind, &vector.text).unwrap();
        let tag = key.project(&project, vector.epoch, &vector.kind).tag(canonical.as_bytes());
        assert_eq!(pseudonym_text(&first10(&tag)), vector.pseudonym.as_bytes());
    }
    assert!(vectors.persons.len() >= 12 && vectors.pseudonyms.len() >= 6);
}

#[test]
fn hmac_of_rfc_4231() {
    let vectors = vectors();
    assert_eq!(vectors.rfc4231.len(), 7);
    for vector in &vectors.rfc4231 {
        let want = bytes(&vector.tag);
        let tag = Mac::new(&bytes(&vector.key)).tag(&bytes(&vector.data));
        assert_eq!(tag[..want.len()], want, "case {}", vector.case);
    }
}
