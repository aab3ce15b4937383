//! HMAC-SHA-256 with its two keyed states computed once: a short message costs two compressions and no allocation.

use super::page::Kept;
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

const BLOCK: usize = 64;
/// What fits one block beside the padding bit and the length.
const SHORT: usize = BLOCK - 9;
/// The state from which SHA-256 starts (FIPS 180-4, 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A keyed hash, ready for any number of messages. Shared between threads; clones share one page, which is wiped with the
/// last of them.
#[derive(Clone)]
pub struct Mac(Arc<Kept<States>>);

/// The two states: as good as the key.
#[derive(Default, Zeroize)]
struct States {
    /// After the block `key ^ ipad`.
    inner: [u32; 8],
    /// After the block `key ^ opad`.
    outer: [u32; 8],
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(..)")
    }
}

impl Mac {
    /// A keyed hash under a key of any length.
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = Zeroizing::new([0_u8; BLOCK]);
        if key.len() > BLOCK {
            let mut digest: [u8; 32] = Sha256::digest(key).into();
            block[..32].copy_from_slice(&digest);
            digest.zeroize();
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let mut states: Kept<States> = Kept::default();
        let States { inner, outer } = &mut *states;
        (*inner, *outer) = (START, START);
        block.iter_mut().for_each(|byte| *byte ^= 0x36);
        compress256(inner, std::slice::from_ref(&*block));
        block.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        compress256(outer, std::slice::from_ref(&*block));
        Self(Arc::new(states))
    }

    /// The tag of a message: 32 bytes.
    #[must_use]
    pub fn tag(&self, message: &[u8]) -> [u8; 32] {
        let state = self.state(message);
        let mut tag = [0_u8; 32];
        for (bytes, word) in tag.chunks_exact_mut(4).zip(state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        tag
    }

    /// The first 16 bytes of the tag: a de-identified key.
    #[must_use]
    #[inline]
    pub fn key16(&self, message: &[u8]) -> [u8; 16] {
        let state = self.state(message);
        let mut key = [0_u8; 16];
        for (bytes, word) in key.chunks_exact_mut(4).zip(state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        key
    }

    /// The bytes that lie in memory for the inner state.
    #[cfg(test)]
    pub(super) fn in_memory(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(32));
        self.0.inner.iter().for_each(|word| bytes.extend_from_slice(&word.to_ne_bytes()));
        bytes
    }

    /// The tag as the eight words of the final state.
    #[inline]
    fn state(&self, message: &[u8]) -> [u32; 8] {
        let (mut inner, mut outer) = (self.0.inner, self.0.outer);
        if message.len() <= SHORT {
            let mut block = [0_u8; BLOCK];
            block[..message.len()].copy_from_slice(message);
            block[message.len()] = 0x80;
            close(&mut block, message.len());
            compress256(&mut inner, &[block]);
        } else {
            absorb(&mut inner, message);
        }
        let mut block = [0_u8; BLOCK];
        for (bytes, word) in block.chunks_exact_mut(4).zip(inner) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        block[32] = 0x80;
        close(&mut block, 32);
        compress256(&mut outer, &[block]);
        outer
    }
}

/// Writes the length in bits, the key block included, into the last 8 bytes of the last block.
#[inline]
fn close(block: &mut [u8; BLOCK], message_bytes: usize) {
    let bits = (BLOCK as u64 + message_bytes as u64) * 8;
    block[BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
}

/// The rest of an inner hash whose message does not fit one block.
fn absorb(state: &mut [u32; 8], message: &[u8]) {
    let (blocks, rest) = message.as_chunks::<BLOCK>();
    compress256(state, blocks);
    let mut block = [0_u8; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block[rest.len()] = 0x80;
    if rest.len() > SHORT {
        compress256(state, &[block]);
        block = [0; BLOCK];
    }
    close(&mut block, message.len());
    compress256(state, &[block]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, KeyInit, Mac as _};
    use proptest::prelude::*;

    fn reference(key: &[u8], message: &[u8]) -> [u8; 32] {
        Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes().into()
    }

    proptest! {
        #[test]
        fn agrees_with_the_hmac_crate(
            key in proptest::collection::vec(any::<u8>(), 0..150),
            message in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let tag = Mac::new(&key).tag(&message);
            prop_assert_eq!(tag, reference(&key, &message));
            prop_assert_eq!(&Mac::new(&key).key16(&message)[..], &tag[..16]);
        }
    }

    #[test]
    fn agrees_at_every_length_around_the_blocks() {
        let message: Vec<u8> = (0..=255).collect();
        for end in 0..=200 {
            assert_eq!(Mac::new(b"key").tag(&message[..end]), reference(b"key", &message[..end]), "{end} bytes");
        }
    }

    #[test]
    fn prints_nothing_and_wipes() {
        let mut mac = Mac::new(b"key");
        assert_eq!(format!("{mac:?}"), "Mac(..)");
        let states = Arc::get_mut(&mut mac.0).unwrap();
        assert_ne!((states.inner, states.outer), ([0; 8], [0; 8]));
        states.zeroize();
        assert_eq!((states.inner, states.outer), ([0; 8], [0; 8]));
    }
}
