//! HMAC-SHA-256 with its two keyed states computed once: a short message costs two compressions and no allocation.

use super::page::Kept;
use crate::hash::{InStep, SHORT as IN_STEP, SHORT_START};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;
use zeroize::{Zeroize, Zeroizing};

const BLOCK: usize = 64;
/// What fits one block beside the padding bit and the length.
const SHORT: usize = BLOCK - 9;

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
        (*inner, *outer) = (SHORT_START, SHORT_START);
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
    pub fn key16(&self, message: &[u8]) -> [u8; 16] {
        first_half(self.state(message))
    }

    /// Makes de-identified keys of many messages, some at a time.
    #[must_use]
    pub fn keyed(&self) -> Keyed<'_> {
        Keyed { mac: self, blocks: [[0; BLOCK]; TOGETHER], places: [0; TOGETHER], waiting: 0, longest: 0 }
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
            compress256(&mut inner, &[closed(message)]);
        } else {
            absorb(&mut inner, message);
        }
        compress256(&mut outer, &[over(&inner)]);
        outer
    }
}

/// Messages that are hashed together: all in step; or else with the steps of several under way at a time, since each step waits
/// for the one before. That takes blocks that were written long before.
const TOGETHER: usize = IN_STEP;

/// So many messages are hashed as quickly one after the other as in step.
const FEW: usize = TOGETHER / 2;

/// Messages that wait for their de-identified keys: the first 16 bytes of their tags.
pub struct Keyed<'m> {
    mac: &'m Mac,
    blocks: [[u8; BLOCK]; TOGETHER],
    places: [usize; TOGETHER],
    waiting: usize,
    /// The bytes of the longest message that waits.
    longest: usize,
}

impl Keyed<'_> {
    /// Takes a message in. Keys are given away with the places of their messages, sooner or later.
    #[inline]
    pub fn take(&mut self, place: usize, message: &[u8], mut give: impl FnMut(usize, [u8; 16])) {
        if message.len() > SHORT {
            return give(place, first_half(self.mac.state(message)));
        }
        fill(&mut self.blocks[self.waiting], message);
        self.places[self.waiting] = place;
        self.longest = self.longest.max(message.len());
        self.waiting += 1;
        if self.waiting == TOGETHER {
            self.give(give);
        }
    }

    /// Gives away the keys of all messages that wait.
    pub fn give(&mut self, mut give: impl FnMut(usize, [u8; 16])) {
        let (places, waiting) = (self.places, self.waiting);
        let places = places.iter().take(waiting);
        match InStep::new().filter(|_| waiting > FEW) {
            Some(step) => {
                let states = self.in_step(step);
                let key = |message: usize| first_half(states.iter().map(|word| word[message]));
                places.enumerate().for_each(|(message, place)| give(*place, key(message)));
            }
            None => places.zip(self.one_by_one()).for_each(|(place, state)| give(*place, first_half(state))),
        }
        (self.waiting, self.longest) = (0, 0);
    }

    /// The final states of all messages, each word of all of them together.
    fn in_step(&self, step: InStep) -> [[u32; TOGETHER]; 8] {
        let States { inner, outer }: &States = &self.mac.0;
        let mut words = [[0; TOGETHER]; 16];
        // The words behind the longest message are nothing but the length, which fits the last.
        let last = words.len() - 1;
        for (lane, block) in self.blocks.iter().enumerate() {
            let bytes = block.as_chunks::<4>().0;
            let used = words.iter_mut().zip(bytes).take(self.longest / 4 + 1);
            used.for_each(|(word, bytes)| word[lane] = u32::from_be_bytes(*bytes));
            words[last][lane] = u32::from_be_bytes(bytes[last]);
        }
        let mut states = inner.map(|word| [word; TOGETHER]);
        step.short(&mut states, &words);
        let empty = over(&[0; 8]);
        let (message, rest) = words.split_at_mut(states.len());
        message.copy_from_slice(&states);
        let padding = empty.as_chunks::<4>().0.iter().skip(states.len());
        rest.iter_mut().zip(padding).for_each(|(word, bytes)| *word = [u32::from_be_bytes(*bytes); TOGETHER]);
        states = outer.map(|word| [word; TOGETHER]);
        step.short(&mut states, &words);
        states
    }

    /// The final states of all messages.
    fn one_by_one(&mut self) -> [[u32; 8]; TOGETHER] {
        let States { inner, outer }: &States = &self.mac.0;
        let mut states = [*inner; TOGETHER];
        let blocks = &mut self.blocks[..self.waiting];
        states.iter_mut().zip(&*blocks).for_each(|(state, block)| compress256(state, std::slice::from_ref(block)));
        blocks.iter_mut().zip(&states).for_each(|(block, state)| *block = over(state));
        states = [*outer; TOGETHER];
        states.iter_mut().zip(&*blocks).for_each(|(state, block)| compress256(state, std::slice::from_ref(block)));
        states
    }
}

/// The key of a tag, from the words of the final state.
#[inline]
fn first_half(state: impl IntoIterator<Item = u32>) -> [u8; 16] {
    let mut key = [0; 16];
    key.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    key
}

/// The only block of a short message.
#[inline]
fn closed(message: &[u8]) -> [u8; BLOCK] {
    let mut block = [0_u8; BLOCK];
    fill(&mut block, message);
    block
}

/// Makes a block the only one of a short message, in its place: bytes that were just written would have to be waited for.
#[inline]
fn fill(block: &mut [u8; BLOCK], message: &[u8]) {
    *block = [0; BLOCK];
    block[..message.len()].copy_from_slice(message);
    block[message.len()] = 0x80;
    close(block, message.len());
}

/// The block of the outer hash over an inner one.
#[inline]
fn over(inner: &[u32; 8]) -> [u8; BLOCK] {
    let mut block = [0_u8; BLOCK];
    block.as_chunks_mut::<4>().0.iter_mut().zip(inner).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    block[32] = 0x80;
    close(&mut block, 32);
    block
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

        #[test]
        fn keys_of_many_messages_are_the_first_halves_of_their_tags(
            messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..50),
        ) {
            let mac = Mac::new(b"key");
            let mut keys = vec![None; messages.len()];
            let mut keyed = mac.keyed();
            messages.iter().enumerate().for_each(|(at, m)| keyed.take(at, m, |place, key| keys[place] = Some(key)));
            keyed.give(|place, key| keys[place] = Some(key));
            keyed.give(|_, _| unreachable!("all were given away"));
            for (key, message) in keys.iter().zip(&messages) {
                prop_assert_eq!(&key.unwrap()[..], &reference(b"key", message)[..16]);
            }
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
