//! The distinct values of a column, numbered from 1 in the order in which they are met; 0 stands for a missing one.

use hashbrown::HashTable;
use std::hash::{BuildHasher as _, RandomState};

/// What a value is known again by.
pub(super) trait Key: Copy + Eq {
    /// Its two halves.
    fn halves(self) -> (u64, u64);
}

impl Key for u64 {
    fn halves(self) -> (u64, u64) {
        (self, 0)
    }
}

impl Key for u128 {
    fn halves(self) -> (u64, u64) {
        (low(self), low(self >> 64))
    }
}

fn low(wide: u128) -> u64 {
    u64::try_from(wide & u128::from(u64::MAX)).unwrap_or(0)
}

/// Numbers by key: open addressing over places that hold numbers alone; the keys stand with whoever numbers them. Seeded,
/// so that no source can be made whose values all meet in one place.
#[derive(Debug)]
struct Places {
    places: Vec<u32>,
    shift: u32,
    seed: (u64, u64),
    used: usize,
}

const EMPTY: u32 = 0;
const FIRST_PLACES: u32 = 64;

impl Places {
    fn new() -> Self {
        let random = RandomState::new();
        let seed = (random.hash_one(1) | 1, random.hash_one(2) | 1);
        Self { places: vec![EMPTY; FIRST_PLACES as usize], shift: u64::BITS - FIRST_PLACES.ilog2(), seed, used: 0 }
    }

    fn start<K: Key>(&self, key: K) -> usize {
        let (a, b) = key.halves();
        let product = u128::from(a ^ self.seed.0) * u128::from(b ^ self.seed.1);
        let folded = (low(product) ^ low(product >> 64)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(folded >> self.shift).unwrap_or(0)
    }

    /// The number of a key, or the place where it would stand.
    #[inline]
    fn find<K: Key>(&self, keys: &[K], key: K) -> Result<u32, usize> {
        let mask = self.places.len() - 1;
        let mut place = self.start(key);
        loop {
            let number = self.places[place];
            if number == EMPTY {
                return Err(place);
            }
            if keys.get(number as usize - 1) == Some(&key) {
                return Ok(number);
            }
            place = (place + 1) & mask;
        }
    }

    /// Puts a number where `find` found nothing; grows where half of the places are taken.
    fn put<K: Key>(&mut self, place: usize, number: u32, keys: &[K]) {
        self.places[place] = number;
        self.used += 1;
        if self.used * 2 <= self.places.len() {
            return;
        }
        self.shift -= 1;
        let old = std::mem::take(&mut self.places);
        self.places = vec![EMPTY; old.len() * 2];
        for number in old.into_iter().filter(|n| *n != EMPTY) {
            if let Some(Err(place)) = keys.get(number as usize - 1).map(|key| self.find(keys, *key)) {
                self.places[place] = number;
            }
        }
    }
}

/// Integers that lie so near to the first one that is met are found without a search.
const NEAR: usize = 32 * 1024;

/// Distinct values of at most 64 bits.
#[derive(Debug)]
pub(super) struct Words {
    places: Places,
    values: Vec<u64>,
    base: u64,
    near: Vec<u16>,
}

impl Words {
    pub(super) fn new() -> Self {
        Self { places: Places::new(), values: Vec::new(), base: 0, near: Vec::new() }
    }

    /// The number of a value.
    #[inline]
    pub(super) fn number(&mut self, value: u64) -> u32 {
        let near = usize::try_from(value.wrapping_sub(self.base)).unwrap_or(usize::MAX);
        match self.near.get(near) {
            Some(0) | None => self.search(value, near),
            Some(number) => (*number).into(),
        }
    }

    fn search(&mut self, value: u64, near: usize) -> u32 {
        let number = self.number_far(value);
        if self.near.is_empty() {
            self.base = value.wrapping_sub(wide(NEAR / 2));
            self.near.resize(NEAR, 0);
        } else if let (Some(place), Ok(number)) = (self.near.get_mut(near), u16::try_from(number)) {
            *place = number;
        }
        number
    }

    fn number_far(&mut self, value: u64) -> u32 {
        match self.places.find(&self.values, value) {
            Ok(number) => number,
            Err(place) => {
                self.values.push(value);
                let number = count(self.values.len());
                self.places.put(place, number, &self.values);
                number
            }
        }
    }

    pub(super) fn values(&self) -> &[u64] {
        &self.values
    }

    pub(super) fn into_values(self) -> Vec<u64> {
        self.values
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Byte strings, one after the other.
#[derive(Debug, Default, Clone)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Strings {
    /// Strings whose bytes end there, each behind the one before; `None` where they do not.
    pub(super) fn of(bytes: Vec<u8>, ends: Vec<usize>) -> Option<Self> {
        let whole = ends.is_sorted() && ends.last().copied().unwrap_or(0) == bytes.len();
        whole.then_some(Self { bytes, ends })
    }

    /// The bytes of all, one string after the other.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each ends.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// The string at an index.
    #[inline]
    pub(super) fn get(&self, index: usize) -> &[u8] {
        let (start, end) = self.span(index);
        &self.bytes[start..end]
    }

    /// Where the string at an index begins and ends among the bytes of all.
    #[inline]
    pub(super) fn span(&self, index: usize) -> (usize, usize) {
        (index.checked_sub(1).map_or(0, |before| self.ends[before]), self.ends[index])
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn heap(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<usize>()
    }
}

/// Long strings that are known again by where they stand.
const REMEMBERED: usize = 256;

/// Distinct texts. Those of at most 12 bytes are known by their view, which holds them whole.
#[derive(Debug)]
pub(super) struct Texts {
    strings: Strings,
    views: Vec<u128>,
    short: Places,
    long: HashTable<u32>,
    hasher: RandomState,
    recent: Vec<(u128, u32)>,
}

/// No view of a text of at most 12 bytes.
const LONG: u128 = u128::MAX;

impl Texts {
    pub(super) fn new() -> Self {
        Self {
            strings: Strings::default(),
            views: Vec::new(),
            short: Places::new(),
            long: HashTable::new(),
            hasher: RandomState::new(),
            recent: Vec::new(),
        }
    }

    /// Forgets where long texts stand: another array follows.
    pub(super) fn next_array(&mut self) {
        self.recent.clear();
    }

    /// The number of a text by its view; `text` is asked for where the view is not enough.
    #[inline]
    pub(super) fn number<'a>(&mut self, view: u128, text: impl FnOnce() -> &'a [u8]) -> u32 {
        if view & 0xffff_ffff <= 12 {
            return match self.short.find(&self.views, view) {
                Ok(number) => number,
                Err(place) => {
                    self.strings.push(text());
                    self.views.push(view);
                    let number = count(self.views.len());
                    self.short.put(place, number, &self.views);
                    number
                }
            };
        }
        // The same view of the same array is the same text: dictionaries of a source come as such.
        let at = usize::try_from((view >> 96 ^ view >> 64) & (REMEMBERED as u128 - 1)).unwrap_or(0);
        if let Some((_, number)) = self.recent.get(at).filter(|(known, _)| *known == view) {
            return *number;
        }
        let number = self.number_long(text());
        if self.recent.is_empty() {
            self.recent.resize(REMEMBERED, (0, 0));
        }
        self.recent[at] = (view, number);
        number
    }

    fn number_long(&mut self, text: &[u8]) -> u32 {
        let Self { strings, views, long, hasher, .. } = self;
        let hash = hasher.hash_one(text);
        if let Some(number) = long.find(hash, |number| strings.get(*number as usize - 1) == text) {
            return *number;
        }
        strings.push(text);
        views.push(LONG);
        let number = count(views.len());
        long.insert_unique(hash, number, |number| hasher.hash_one(strings.get(*number as usize - 1)));
        number
    }

    /// The number of bytes that are no view's.
    pub(super) fn number_bytes(&mut self, bytes: &[u8]) -> u32 {
        let mut view = [0; 16];
        match view.get_mut(4..4 + bytes.len()).filter(|_| bytes.len() <= 12) {
            Some(place) => {
                place.copy_from_slice(bytes);
                view[..4].copy_from_slice(&count(bytes.len()).to_le_bytes());
                self.number(u128::from_le_bytes(view), || bytes)
            }
            None => self.number_long(bytes),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.strings.len()
    }

    pub(super) fn strings(&self) -> &Strings {
        &self.strings
    }

    pub(super) fn into_strings(self) -> Strings {
        self.strings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringViewArray;

    #[test]
    fn equal_values_share_a_number_and_others_do_not() {
        let mut words = Words::new();
        let numbers: Vec<u32> = (0..10_000_u64).map(|v| words.number((v % 777) << 40)).collect();
        assert!(numbers.iter().zip(0..).all(|(number, i)| *number == i % 777 + 1));
        assert_eq!(words.values().len(), 777);
    }

    #[test]
    fn texts_are_known_by_view_and_by_bytes() {
        let long = "a text that is too long for its view";
        let of = |array: &StringViewArray, texts: &mut Texts| -> Vec<u32> {
            texts.next_array();
            let numbers = array.views().iter().enumerate().map(|(i, v)| texts.number(*v, || array.value(i).as_bytes()));
            numbers.collect()
        };
        let mut texts = Texts::new();
        let first = StringViewArray::from_iter_values(["M", long, "", "M", "F", long]);
        assert_eq!(of(&first, &mut texts), [1, 2, 3, 1, 4, 2]);
        let second = StringViewArray::from_iter_values(["exactly 12 b", "another text too long for a view", long, ""]);
        assert_eq!(of(&second, &mut texts), [5, 6, 2, 3]);
        assert_eq!([texts.number_bytes(b"F"), texts.number_bytes(long.as_bytes())], [4, 2]);
        assert_eq!(texts.strings().get(4), b"exactly 12 b");
    }
}
