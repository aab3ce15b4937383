//! What this process's memory holds of a secret: all of it is read, as a core dump or a debugger would see it.

use super::{Keyring, Secret};
use crate::vocab::KeyId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// A pattern that is nowhere in memory itself: every byte is inverted.
struct Hidden(Vec<u8>);

impl Hidden {
    fn of(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|b| !b).collect())
    }

    fn is_at(&self, window: &[u8]) -> bool {
        window.iter().zip(&self.0).all(|(byte, hidden)| *byte == !hidden)
    }

    /// How often it stands in the memory that this process may read and write.
    fn count(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let maps: Vec<String> = BufReader::new(File::open("/proc/self/maps").unwrap()).lines().map(Result::unwrap).collect();
        // Wiped after each piece, else it would be found in here.
        let mut buffer = Zeroizing::new(vec![0_u8; 1 << 16]);
        let own = buffer.as_ptr().addr() as u64..buffer.as_ptr().addr() as u64 + (1 << 16);
        let (mut found, step) = (0, (1 << 16) - self.0.len() as u64);
        for map in maps.iter().filter(|m| m.split_whitespace().nth(1).is_some_and(|mode| mode.starts_with("rw"))) {
            let (start, end) = map.split_whitespace().next().unwrap().split_once('-').unwrap();
            let (mut at, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
            while at < end {
                let want = usize::try_from((end - at).min(1 << 16)).unwrap();
                let got = memory.read_at(&mut buffer[..want], at).unwrap_or(0);
                for (i, window) in buffer[..got].windows(self.0.len()).enumerate() {
                    // Whatever begins in the second part of a piece is met again in the next.
                    let new = (i as u64) < step || got < 1 << 16;
                    found += usize::from(new && self.is_at(window) && !own.contains(&(at + i as u64)));
                }
                buffer[..got].fill(0);
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
    let secret = Secret::random().unwrap();
    let hidden = Hidden::of(secret.bytes());
    assert_eq!(hidden.count(), 1, "the search finds it where it lives, and it lives once");
    let other = Zeroizing::new(secret.bytes().to_vec());
    assert_eq!(hidden.count(), 2, "the search finds a copy");
    drop(other);
    drop(secret);
    assert_eq!(hidden.count(), 0, "after it is dropped");
}

/// A file is read, parsed, derived from: of the secret itself nothing is left, though the keyring lives on.
#[test]
fn no_memory_holds_the_secret_of_a_keyring_that_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leo.keyring");
    Keyring::create(&path, id()).unwrap();
    // The pattern is taken without ever holding the secret's text in one piece of memory that stays.
    let (raw, text) = {
        let text = Zeroizing::new(std::fs::read(&path).unwrap());
        let at = text.windows(9).position(|w| w == b"secret: \"").unwrap() + 9;
        let mut raw = Zeroizing::new([0_u8; 33]);
        STANDARD.decode_slice(&text[at..at + 44], raw.as_mut_slice()).unwrap();
        (Hidden::of(&raw[..32]), Hidden::of(&text[at..at + 43]))
    };
    super::page::scrub();
    assert_eq!((raw.count(), text.count()), (0, 0), "before");
    let ring = Keyring::load(&path).unwrap();
    let mac = ring.current().ledger();
    assert_eq!((raw.count(), text.count()), (0, 0), "while the keyring is in use");
    let again = std::fs::read(&path).unwrap();
    assert_eq!(text.count(), 1, "the search finds it where it is");
    drop((ring, mac, again));
}
