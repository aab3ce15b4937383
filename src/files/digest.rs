//! Digests: of files, of bytes, and SHA-256 of what is being written.

use super::{Disk, operation};
use crate::vocab::{Error, Observer, Result, Silent};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The size of a file and its digests, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: String,
    /// SHA-512.
    pub sha512: String,
}

/// Both digests of a file.
///
/// # Errors
/// The file cannot be read.
pub fn digest_file(path: &Path) -> Result<Digests> {
    let mut hash = Hash::default();
    operation::read_through(path, |piece| {
        hash.update(piece);
        Ok(())
    })?;
    Ok(hash.finish())
}

/// The bytes and the SHA-256 of a file.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_file(path: &Path) -> Result<(u64, String)> {
    sha256_file_while(path, &Silent)
}

/// The same of a file that may be large, as long as the run may go on.
///
/// # Errors
/// The file cannot be read, or the run is interrupted.
pub fn sha256_file_while(path: &Path, observer: &dyn Observer) -> Result<(u64, String)> {
    let (mut bytes, mut sha256) = (0_u64, Sha256::new());
    operation::read_through(path, |piece| {
        observer.go_on()?;
        bytes += piece.len() as u64;
        sha256.update(piece);
        Ok(())
    })?;
    Ok((bytes, hex(&sha256.finalize())))
}

/// The SHA-256 of bytes, in lower-case hexadecimal.
#[must_use]
pub fn sha256_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Both digests of bytes.
#[must_use]
pub fn digest_bytes(bytes: &[u8]) -> Digests {
    let mut hash = Hash::default();
    hash.update(bytes);
    hash.finish()
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

#[derive(Default)]
struct Hash {
    bytes: u64,
    sha256: Sha256,
    sha512: Sha512,
}

impl Hash {
    fn update(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        // In turns: one of the two waits for its own last step all the time, and the other goes on meanwhile.
        for some in piece.chunks(IN_TURNS) {
            self.sha256.update(some);
            self.sha512.update(some);
        }
    }

    fn finish(self) -> Digests {
        Digests { bytes: self.bytes, sha256: hex(&self.sha256.finalize()), sha512: hex(&self.sha512.finalize()) }
    }
}

/// How many bytes one of two digests takes before the other does.
const IN_TURNS: usize = 512;

/// How many bytes are gathered before they are hashed and written: few system calls, and still warm in the cache.
const BUFFER: usize = 1 << 17;

/// A new file that is hashed while it is written. Without `finish` it is not whole.
pub struct HashingWriter {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    bytes: u64,
    hash: Sha256,
}

/// What was written: its size, and its digest as it left this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

impl HashingWriter {
    /// Creates a file that must not be there yet.
    ///
    /// # Errors
    /// The path cannot be written, or is taken.
    pub fn create(path: &Path) -> Result<Self> {
        let file = operation::create_new(path)?;
        let buffer = Vec::with_capacity(BUFFER);
        Ok(Self { file, path: path.to_owned(), buffer, bytes: 0, hash: Sha256::new() })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is left, has it brought to the disk, and tells the digest. The disk has it when [`Disk::wait`] says so.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn finish(mut self, disk: &Disk) -> Result<Written> {
        self.drain().map_err(|e| Error::writing("write", &self.path, e))?;
        disk.sync(self.file, self.path);
        Ok(Written { bytes: self.bytes, sha256: hex(&self.hash.finalize()) })
    }

    fn drain(&mut self) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        if !buffer.is_empty() {
            self.put(&buffer)?;
        }
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.hash.update(bytes);
        operation::write_raw(&mut self.file, &self.path, bytes)
    }
}

impl io::Write for HashingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.drain()?;
        }
        if bytes.len() >= BUFFER {
            self.put(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn digests_are_the_published_ones() {
        assert_eq!(sha256_bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(digest_bytes(b"abc").sha512.starts_with("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"));
    }

    #[test]
    fn what_is_written_is_what_is_hashed() {
        let (folder, disk) = (tempfile::tempdir().unwrap(), Disk::begin().unwrap());
        for (n, sizes) in [vec![], vec![1, 2, 3], vec![BUFFER - 1, 1, 1], vec![BUFFER, 5], vec![7, 3 * BUFFER + 1]]
            .into_iter()
            .enumerate()
        {
            let path = folder.path().join(n.to_string());
            let mut writer = HashingWriter::create(&path).unwrap();
            let mut all = Vec::new();
            for size in sizes {
                let piece: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
                writer.write_all(&piece).unwrap();
                all.extend(piece);
            }
            let written = writer.finish(&disk).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), all);
            let digests = digest_bytes(&all);
            assert_eq!(written, Written { bytes: digests.bytes, sha256: digests.sha256.clone() });
            assert_eq!(digests, digest_file(&path).unwrap());
            assert_eq!(sha256_file(&path).unwrap(), (digests.bytes, digests.sha256));
        }
    }

    #[test]
    fn an_existing_file_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "kept").unwrap();
        assert!(HashingWriter::create(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
    }
}
