//! What this process's memory holds of a secret: all of it is read, as a core dump or a debugger would see it.

use super::{Keyring, Mac, Secret};
use crate::vocab::KeyId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A search of all memory that this process may read and write. Its own buffers are made once, before anything is freed:
/// else they would take the place of what they are to look for.
struct Search {
    memory: File,
    maps: String,
    piece: Vec<u8>,
}

const PIECE: usize = 1 << 16;

/// A pattern that is nowhere in memory itself: every byte is inverted.
struct Hidden(Vec<u8>);

impl Hidden {
    /// The latter half is looked for: allocators write over the beginning of what was freed.
    fn of(bytes: &[u8]) -> Self {
        Self(bytes[bytes.len() / 2..].iter().map(|b| !b).collect())
    }
}

impl Search {
    fn new() -> Self {
        let memory = File::open("/proc/self/mem").unwrap();
        Self { memory, maps: String::with_capacity(1 << 20), piece: vec![0; PIECE] }
    }

    /// How often the pattern stands in memory.
    fn count(&mut self, hidden: &Hidden) -> usize {
        let Self { memory, maps, piece } = self;
        maps.clear();
        File::open("/proc/self/maps").unwrap().read_to_string(maps).unwrap();
        let own = piece.as_ptr().addr()..piece.as_ptr().addr() + PIECE;
        let (length, first) = (hidden.0.len(), !hidden.0[0]);
        let step = PIECE - length;
        let mut found = 0;
        for map in maps.lines().filter(|m| m.split_whitespace().nth(1).is_some_and(|mode| mode.starts_with("rw"))) {
            let (start, end) = map.split_whitespace().next().unwrap().split_once('-').unwrap();
            let (mut at, end) = (usize::from_str_radix(start, 16).unwrap(), usize::from_str_radix(end, 16).unwrap());
            while at < end {
                let want = (end - at).min(PIECE);
                let got = memory.read_at(&mut piece[..want], at as u64).unwrap_or(0);
                for (i, window) in piece[..got].windows(length).enumerate().filter(|(_, w)| w[0] == first) {
                    // What begins beyond the step is met again in the next piece.
                    let new = i < step || got < PIECE;
                    let same = window.iter().zip(&hidden.0).all(|(byte, inverted)| *byte == !inverted);
                    found += usize::from(new && same && !own.contains(&(at + i)));
                }
                // Else a find would lie here, and be found once more.
                piece[..got].fill(0);
                at += step;
            }
        }
        found
    }
}

fn id() -> KeyId {
    KeyId::new("a").unwrap()
}

#[test]
fn secrets_are_wiped_by_their_types() {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<Secret>();
    wiped::<super::page::Kept<[u8; 32]>>();
}

#[test]
fn no_memory_holds_a_secret_that_was_dropped() {
    let mut search = Search::new();
    let secret = Secret::random().unwrap();
    let hidden = Hidden::of(secret.bytes());
    assert_eq!(search.count(&hidden), 1, "the search finds it where it lives, and it lives once");
    drop(secret);
    assert_eq!(search.count(&hidden), 0, "after it is dropped");
    // Of what nobody wipes, it finds what is left after it was freed, unless another thread has taken the place already.
    let mut left = || {
        let secret = Secret::random().unwrap();
        let hidden = Hidden::of(secret.bytes());
        let mut careless = vec![0_u8; 4096];
        careless[2048..2080].copy_from_slice(secret.bytes());
        assert_eq!(search.count(&hidden), 2);
        drop((careless, secret));
        search.count(&hidden) == 1
    };
    assert!((0..20).any(|_| left()), "the search sees freed memory");
}

#[test]
fn no_memory_holds_a_derived_key_that_was_dropped() {
    let mut search = Search::new();
    let secret = Secret::random().unwrap();
    let mac = Mac::new(secret.bytes());
    let hidden = Hidden::of(&mac.in_memory());
    super::page::scrub();
    let clones = vec![mac.clone(); 3];
    assert_eq!(search.count(&hidden), 1, "clones share it");
    drop(mac);
    assert_eq!(search.count(&hidden), 1, "until the last is dropped");
    drop(clones);
    assert_eq!(search.count(&hidden), 0, "after the last is dropped");
}

/// A file is read, parsed, derived from: of the secret itself nothing is left, though the keyring lives on.
#[test]
fn no_memory_holds_the_secret_of_a_keyring_that_was_read() {
    let mut search = Search::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leo.keyring");
    Keyring::create(&path, id()).unwrap();
    // The pattern is taken without ever holding the secret in memory that stays.
    let (raw, text) = {
        let text = Zeroizing::new(std::fs::read(&path).unwrap());
        let at = text.windows(9).position(|w| w == b"secret: \"").unwrap() + 9;
        let mut raw = Zeroizing::new([0_u8; 33]);
        STANDARD.decode_slice(&text[at..at + 44], raw.as_mut_slice()).unwrap();
        (Hidden::of(&raw[..32]), Hidden::of(&text[at..at + 43]))
    };
    super::page::scrub();
    assert_eq!((search.count(&raw), search.count(&text)), (0, 0), "before");
    let ring = Keyring::load(&path).unwrap();
    let mac = ring.current().ledger();
    assert_eq!((search.count(&raw), search.count(&text)), (0, 0), "while the keyring is in use");
    let again = std::fs::read(&path).unwrap();
    assert_eq!(search.count(&text), 1, "the search finds it where it is");
    drop((ring, mac, again));
}
