//! Files of scratch: any number of workers write to one, each a stretch of its own, and read it back.

use super::operation;
use crate::vocab::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are written or read at a time.
const PIECE: usize = 1 << 20;

/// A file of scratch. It is removed with the last stretch.
#[derive(Debug)]
pub struct ScratchFile {
    path: PathBuf,
    end: AtomicU64,
}

impl ScratchFile {
    /// A file that is made with the first stretch.
    #[must_use]
    pub fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, end: AtomicU64::new(0) })
    }

    /// Whether anything was written to it.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.end.load(Ordering::Relaxed) > 0
    }

    /// Begins a stretch of so many bytes.
    ///
    /// # Errors
    /// Scratch cannot be written.
    pub fn begin(self: &Arc<Self>, length: u64) -> Result<ScratchWriter> {
        let start = self.end.fetch_add(length, Ordering::Relaxed);
        let mut file = operation::open_kept(&self.path)?;
        file.seek(SeekFrom::Start(start)).map_err(|e| Error::writing("spill to", self.path.clone(), e))?;
        let stretch = Stretch { of: Arc::clone(self), start, length };
        Ok(ScratchWriter { file, stretch, bytes: Vec::new(), left: length })
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        if self.is_begun() {
            // Scratch is swept as a whole later; a file that cannot be removed now is no loss.
            operation::remove(&self.path).ok();
        }
    }
}

/// A stretch on its way to the file.
#[derive(Debug)]
pub struct ScratchWriter {
    file: File,
    stretch: Stretch,
    bytes: Vec<u8>,
    left: u64,
}

impl ScratchWriter {
    /// Writes cells of `N` bytes each.
    ///
    /// # Errors
    /// Scratch cannot be written; or a fault of ours: it would write beyond its stretch.
    pub fn all<T: Copy, const N: usize>(&mut self, cells: &[T], bytes: impl Fn(T) -> [u8; N]) -> Result<()> {
        let beyond = || Error::Internal("more is written to scratch than there was to be".to_owned());
        for piece in cells.chunks(PIECE / N) {
            let length = u64::try_from(piece.len() * N).unwrap_or(u64::MAX);
            self.left = self.left.checked_sub(length).ok_or_else(beyond)?;
            self.bytes.resize(piece.len() * N, 0);
            self.bytes.as_chunks_mut().0.iter_mut().zip(piece).for_each(|(to, cell)| *to = bytes(*cell));
            operation::write_all(&mut self.file, &self.stretch.of.path, &self.bytes)?;
        }
        Ok(())
    }

    /// The stretch; `None` where not all of it was written.
    #[must_use]
    pub fn finish(self) -> Option<Stretch> {
        (self.left == 0).then_some(self.stretch)
    }
}

/// What was written at one place of a file.
#[derive(Debug)]
pub struct Stretch {
    of: Arc<ScratchFile>,
    start: u64,
    length: u64,
}

impl Stretch {
    /// How many bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads from so many bytes behind its beginning on, by a call that may find more wrong than the disk does.
    ///
    /// # Errors
    /// Scratch cannot be read (exit code 73), or the call's own error.
    pub fn read<T>(&self, from: u64, read: impl FnOnce(&mut ScratchReader) -> io::Result<T>) -> Result<T> {
        let all = || {
            let mut file = operation::open(&self.of.path)?;
            file.seek(SeekFrom::Start(self.start.saturating_add(from)))?;
            let left = self.length.saturating_sub(from);
            read(&mut ScratchReader { file: file.take(left), bytes: Vec::new() })
        };
        all().map_err(|e| Error::writing("read back from", self.of.path.clone(), e))
    }
}

/// A stretch on its way back.
#[derive(Debug)]
pub struct ScratchReader {
    file: io::Take<File>,
    bytes: Vec<u8>,
}

impl ScratchReader {
    /// The next so many cells of `N` bytes each.
    ///
    /// # Errors
    /// The stretch ends before, or the disk fails.
    pub fn all<T, const N: usize>(&mut self, count: usize, of: impl Fn([u8; N]) -> T) -> io::Result<Vec<T>> {
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            let piece = (count - all.len()).min(PIECE / N);
            self.bytes.resize(piece * N, 0);
            self.file.read_exact(&mut self.bytes)?;
            all.extend(self.bytes.as_chunks().0.iter().map(|bytes| of(*bytes)));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stretch_comes_back_from_anywhere_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = ScratchFile::new(folder.path().join("numbers"));
        assert!(!file.is_begun());
        // More than a piece each, by turns.
        let numbers = |of: u32| (0..400_000).map(move |n: u32| n.wrapping_mul(of)).collect::<Vec<_>>();
        let mut writers = [3, 7].map(|of| (numbers(of), file.begin(1_600_000).unwrap()));
        for half in [0..150_000, 150_000..400_000] {
            for (numbers, writer) in &mut writers {
                writer.all(&numbers[half.clone()], u32::to_le_bytes).unwrap();
            }
        }
        let stretches = writers.map(|(numbers, writer)| (numbers, writer.finish().unwrap()));
        for (numbers, stretch) in &stretches {
            for (from, count) in [(0, 400_000), (399_999, 1), (17, 300_000), (5, 0)] {
                let back = stretch.read(from * 4, |of| of.all(count, u32::from_le_bytes)).unwrap();
                let from = usize::try_from(from).unwrap();
                assert_eq!(back, numbers[from..from + count]);
            }
        }
        // Neither into the next stretch nor behind the last.
        for (_, stretch) in &stretches {
            let beyond = stretch.read(4, |of| of.all(400_000, u32::from_le_bytes)).unwrap_err();
            assert_eq!((beyond.exit_code(), stretch.length()), (crate::vocab::ExitCode::Output, 1_600_000));
        }
        let path = file.path.clone();
        drop(file);
        assert!(path.exists());
        drop(stretches);
        assert!(!path.exists(), "the file goes with the last stretch");
    }

    #[test]
    fn a_stretch_is_written_whole_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let file = ScratchFile::new(folder.path().join("numbers"));
        let mut short = file.begin(8).unwrap();
        short.all(&[1_u32], u32::to_le_bytes).unwrap();
        assert!(short.all(&[1_u64], u64::to_le_bytes).is_err());
        assert!(short.finish().is_none());
    }
}
