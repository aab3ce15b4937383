//! SHA-512 of many files, eight at a time where the processor hashes eight in step.

use super::digest::hex;
use super::operation;
use crate::hash::{InStep, LONG, LONG_START};
use crate::vocab::{Error, Observer, Result};
use sha2::block_api::compress512;
use sha2::{Digest as _, Sha512};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const BLOCK: usize = 128;
/// How many bytes of a file are read at a time: those of eight stay near.
const BUFFER: usize = 1 << 16;
/// What follows the message: a bit, zeroes up to the end of a block, and the length in 16 bytes.
const LENGTH: usize = 16;
/// So many files are hashed as quickly one after the other as in step.
const FEW: usize = 1;

/// The SHA-512 of each file, in lower-case hexadecimal, read on so many threads. Those that are named first begin first: the
/// largest should.
///
/// # Errors
/// A file cannot be read, or the run is interrupted.
pub fn sha512_files(paths: &[PathBuf], threads: usize, observer: &dyn Observer) -> Result<Vec<String>> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![String::new(); paths.len()]);
    let files = Files { paths, next: &next, found: &found, observer };
    let hash = || match InStep::new() {
        Some(step) => files.in_step(step),
        None => files.one_by_one(),
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(paths.len())).map(|_| scope.spawn(hash)).collect();
        let own = hash();
        let lost = |_| Err(Error::Internal("a digest was lost".to_owned()));
        others.into_iter().map(|other| other.join().unwrap_or_else(lost)).fold(own, Result::and)
    })?;
    found.into_inner().map_err(|_| Error::Internal("a digest was lost".to_owned()))
}

/// The files that threads take one by one, and what was found of them.
#[derive(Clone, Copy)]
struct Files<'a> {
    paths: &'a [PathBuf],
    next: &'a AtomicUsize,
    found: &'a Mutex<Vec<String>>,
    observer: &'a dyn Observer,
}

impl<'a> Files<'a> {
    /// The next file and its place among all.
    fn next(&self) -> Option<(usize, &'a Path)> {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        Some((place, self.paths.get(place)?))
    }

    fn found(&self, place: usize, digest: &[u8]) {
        if let Ok(mut found) = self.found.lock()
            && let Some(slot) = found.get_mut(place)
        {
            *slot = hex(digest);
        }
    }

    fn one_by_one(&self) -> Result<()> {
        while let Some((place, path)) = self.next() {
            let mut hash = Sha512::new();
            operation::read_through(path, |piece| {
                hash.update(piece);
                self.observer.go_on()
            })?;
            self.found(place, &hash.finalize());
        }
        Ok(())
    }

    fn in_step(&self, step: InStep) -> Result<()> {
        let mut states = [[0; LONG]; 8];
        let mut lanes: [Option<Message>; LONG] = std::array::from_fn(|_| None);
        loop {
            self.observer.go_on()?;
            for (lane, message) in lanes.iter_mut().enumerate() {
                self.fill(message, lane, &mut states)?;
            }
            // A lane that has no file any more hashes along what another one does.
            let Some(any) = lanes.iter().flatten().next().map(Message::blocks) else { return Ok(()) };
            if lanes.iter().flatten().count() <= FEW {
                return self.last(lanes, &states);
            }
            let blocks = std::array::from_fn(|lane| lanes[lane].as_ref().map_or(any, Message::blocks));
            let taken = step.long(&mut states, blocks);
            lanes.iter_mut().flatten().for_each(|message| message.take(taken));
        }
    }

    /// Sees to it that a lane has blocks to be hashed: of its file, or else of the next, as long as there is one.
    fn fill(&self, lane: &mut Option<Message<'a>>, number: usize, states: &mut [[u64; LONG]; 8]) -> Result<()> {
        loop {
            if let Some(message) = lane {
                if message.has_blocks()? {
                    return Ok(());
                }
                self.found(message.place, &bytes_of(states.map(|word| word[number])));
            }
            *lane = self.next().map(|(place, path)| Message::open(place, path)).transpose()?;
            if lane.is_none() {
                return Ok(());
            }
            states.iter_mut().zip(LONG_START).for_each(|(word, start)| word[number] = start);
        }
    }

    /// Hashes the rest of the last files one after the other.
    fn last(&self, lanes: [Option<Message>; LONG], states: &[[u64; LONG]; 8]) -> Result<()> {
        for (lane, message) in lanes.into_iter().enumerate() {
            let Some(mut message) = message else { continue };
            let mut state = states.map(|word| word[lane]);
            while message.has_blocks()? {
                self.observer.go_on()?;
                compress512(&mut state, message.blocks());
                message.take(message.blocks().len());
            }
            self.found(message.place, &bytes_of(state));
        }
        Ok(())
    }
}

fn bytes_of(state: [u64; 8]) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes.as_chunks_mut::<8>().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_be_bytes());
    bytes
}

/// A file on its way into its digest.
struct Message<'a> {
    place: usize,
    path: &'a Path,
    file: File,
    bytes: u128,
    /// What was read and is not hashed yet stands from `start` to `end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl<'a> Message<'a> {
    fn open(place: usize, path: &'a Path) -> Result<Self> {
        let file = operation::open(path).map_err(|e| Error::reading("read", path, e))?;
        let buffer = vec![0; BUFFER + 2 * BLOCK];
        Ok(Self { place, path, file, bytes: 0, buffer, start: 0, end: 0, ended: false })
    }

    /// The whole blocks that were read.
    fn blocks(&self) -> &[[u8; BLOCK]] {
        self.buffer.get(self.start..self.end).unwrap_or_default().as_chunks().0
    }

    /// Tells that so many blocks were hashed.
    fn take(&mut self, blocks: usize) {
        self.start += blocks * BLOCK;
    }

    /// Whether there are blocks to be hashed; reads on where there are none.
    fn has_blocks(&mut self) -> Result<bool> {
        while self.blocks().is_empty() {
            if self.ended {
                return Ok(false);
            }
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            let room = self.buffer.get_mut(self.end..BUFFER).unwrap_or_default();
            match self.file.read(room) {
                Ok(0) => self.pad(),
                Ok(read) => (self.end, self.bytes) = (self.end + read, self.bytes + read as u128),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::reading("read", self.path, e)),
            }
        }
        Ok(true)
    }

    /// Puts behind the message what SHA-512 ends with (5.1.2).
    fn pad(&mut self) {
        let end = (self.end + 1 + LENGTH).next_multiple_of(BLOCK);
        self.buffer.truncate(self.end);
        self.buffer.push(0x80);
        self.buffer.resize(end - LENGTH, 0);
        self.buffer.extend_from_slice(&(self.bytes * 8).to_be_bytes());
        (self.end, self.ended) = (end, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::Silent;

    fn files(sizes: &[usize]) -> (tempfile::TempDir, Vec<PathBuf>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let written = sizes.iter().enumerate().map(|(n, size)| {
            let path = folder.path().join(n.to_string());
            let bytes: Vec<u8> = (0..*size).map(|i| u8::try_from((i * 7 + n) % 251).unwrap()).collect();
            std::fs::write(&path, &bytes).unwrap();
            (path, hex(&Sha512::digest(&bytes)))
        });
        let (paths, digests) = written.unzip();
        (folder, paths, digests)
    }

    #[test]
    fn each_file_has_its_own_digest_whatever_lies_beside_it() {
        let around = |n: usize| [n.saturating_sub(1), n, n + 1];
        let mut sizes: Vec<usize> =
            [0, 111, 128, 239, BUFFER - BLOCK, BUFFER, BUFFER + 17, 3 * BUFFER].into_iter().flat_map(around).collect();
        for threads in [1, 3] {
            let (_folder, paths, digests) = files(&sizes);
            assert_eq!(sha512_files(&paths, threads, &Silent).unwrap(), digests);
            sizes.reverse();
        }
        for some in 0..LONG {
            let (_folder, paths, digests) = files(&sizes[..some]);
            assert_eq!(sha512_files(&paths, 1, &Silent).unwrap(), digests, "{some} files");
        }
    }

    #[test]
    fn both_ways_find_the_same() {
        let (_folder, paths, digests) = files(&[5, 300, 70_000, 0, 128]);
        let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![String::new(); paths.len()]));
        Files { paths: &paths, next: &next, found: &found, observer: &Silent }.one_by_one().unwrap();
        assert_eq!(found.into_inner().unwrap(), digests);
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let (folder, mut paths, _) = files(&[5, 300]);
        paths.push(folder.path().join("lacking"));
        for threads in [1, 3] {
            let error = sha512_files(&paths, threads, &Silent).unwrap_err();
            assert!(error.to_string().contains("lacking"));
        }
    }
}
