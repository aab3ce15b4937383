//! Digests of files that were read before: so that a run need not read a file again only to find that it has not changed.
//!
//! A file is taken for the one it was where its length, its times of change (that of its entry too, which nobody can set),
//! its number in the file system and its footer are the same. That is the word of the file system, not a proof: whoever
//! reads a file's rows digests it again, and nothing is verified by it. What is remembered carries an HMAC, so that only
//! who holds the key can make a run pass a change over.

use super::{digest, operation};
use crate::vocab::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock of a file system may be as coarse as this: what was changed more lately may be changed again unseen.
const COARSEST: Duration = Duration::from_secs(2);
/// No footer is larger.
const LARGEST: u64 = 256 << 20;

/// By what a file is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    bytes: u64,
    /// When its bytes were changed: seconds, nanoseconds.
    modified: (i64, i64),
    /// When its entry was changed.
    changed: (i64, i64),
    inode: u64,
    /// SHA-256 of the footer and the eight bytes behind it.
    footer: String,
}

/// A digest, and the file that had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    stamp: Stamp,
    sha256: String,
}

/// Digests by the name of the file, as a run before knew them.
#[derive(Debug, Default)]
pub struct Known {
    files: BTreeMap<String, Seen>,
    changed: bool,
}

/// What stands on the disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    known: u32,
    files: BTreeMap<String, Seen>,
    mac: String,
}

impl Stamp {
    /// The stamp of a Parquet file as it is now; `None` where it cannot be read or has no footer.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let mut file = operation::open(path).ok()?;
        let facts = file.metadata().ok()?;
        let mut tail = [0; 8];
        file.seek(SeekFrom::End(-8)).ok()?;
        file.read_exact(&mut tail).ok()?;
        let [a, b, c, d, ..] = tail;
        let footer = u64::from(u32::from_le_bytes([a, b, c, d]));
        if footer > LARGEST || footer + 8 > facts.len() {
            return None;
        }
        let mut bytes = vec![0; usize::try_from(footer + 8).ok()?];
        file.seek(SeekFrom::Start(facts.len() - footer - 8)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(Self {
            bytes: facts.len(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
            inode: facts.ino(),
            footer: digest::hex(&Sha256::digest(&bytes)),
        })
    }

    /// Whether a change to come would show: the last one is longer ago than the clock is coarse.
    fn has_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let settled =
            |(seconds, _): (i64, i64)| u64::try_from(seconds).is_ok_and(|at| Duration::from_secs(at) + COARSEST < now);
        settled(self.modified) && settled(self.changed)
    }
}

impl Known {
    /// What a run before wrote to `file`; nothing where there is no such file, or it is not ours.
    #[must_use]
    pub fn read(file: &Path, mac: &dyn Fn(&[u8]) -> [u8; 32]) -> Self {
        let read = || {
            let document: Document = serde_json::from_slice(&operation::read_if_there(file).ok()??).ok()?;
            let right = tag(&document.files, mac)?;
            let ours = bool::from(subtle::ConstantTimeEq::ct_eq(right.as_bytes(), document.mac.as_bytes()));
            (ours && document.known == 1).then_some(document.files)
        };
        Self { files: read().unwrap_or_default(), changed: false }
    }

    /// The digest of a file, where it is the one that was read.
    #[must_use]
    pub fn digest_of(&self, name: &str, path: &Path) -> Option<&str> {
        let seen = self.files.get(name)?;
        (Stamp::of(path)? == seen.stamp).then_some(seen.sha256.as_str())
    }

    /// Remembers the digest of a file that had this stamp before it was read, if it has it still.
    pub fn remember(&mut self, name: &str, path: &Path, before: Option<Stamp>, sha256: &str) {
        let same = before.filter(|before| before.has_settled() && Stamp::of(path).as_ref() == Some(before));
        let seen = same.map(|stamp| Seen { stamp, sha256: sha256.to_owned() });
        if self.files.get(name) != seen.as_ref() {
            self.changed = true;
            match seen {
                Some(seen) => self.files.insert(name.to_owned(), seen),
                None => self.files.remove(name),
            };
        }
    }

    /// Writes what is known, where that is more or other than was read: to `new` in the staging of the run, which is swept
    /// whatever happens, and from there in the place of `file`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, file: &Path, new: &Path, mac: &dyn Fn(&[u8]) -> [u8; 32]) -> Result<()> {
        let Some(mac) = tag(&self.files, mac).filter(|_| self.changed) else { return Ok(()) };
        let document = Document { known: 1, files: self.files.clone(), mac };
        super::write_new(new, &serde_json::to_vec(&document).unwrap_or_default())?;
        operation::rename(new, file)?;
        super::sync_dir(file.parent().unwrap_or(file))
    }
}

/// The HMAC of what is known. No line of a ledger begins so.
fn tag(files: &BTreeMap<String, Seen>, mac: &dyn Fn(&[u8]) -> [u8; 32]) -> Option<String> {
    let mut message = b"known sources\n".to_vec();
    serde_json::to_writer(&mut message, files).ok()?;
    Some(digest::hex(&mac(&message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const OURS: &dyn Fn(&[u8]) -> [u8; 32] = &|message| Sha256::digest([b"ours", message].concat()).into();

    fn file(folder: &Path, body: &str) -> PathBuf {
        let path = folder.join("a.parquet");
        std::fs::write(&path, [body.as_bytes(), b"foot", &4_u32.to_le_bytes(), b"PAR1"].concat()).unwrap();
        path
    }

    fn wait_until_settled(path: &Path) {
        while !Stamp::of(path).unwrap().has_settled() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[test]
    fn a_file_that_changed_or_may_have_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "body");
        let mut known = Known::default();
        // Too young: it could be changed again within one tick of the clock.
        known.remember("a", &path, Stamp::of(&path), "d1");
        assert_eq!(known.digest_of("a", &path), None);
        wait_until_settled(&path);
        known.remember("a", &path, Stamp::of(&path), "d1");
        assert_eq!(known.digest_of("a", &path), Some("d1"));
        // Changed while it was read.
        let before = Stamp::of(&path);
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        file(folder.path(), "BODY");
        known.remember("a", &path, before, "d2");
        assert_eq!(known.digest_of("a", &path), None);
        // Changed with its old time given back: the entry's own time tells.
        wait_until_settled(&path);
        known.remember("a", &path, Stamp::of(&path), "d3");
        assert_eq!(known.digest_of("a", &path), Some("d3"));
        file(folder.path(), "Body");
        std::fs::File::open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(known.digest_of("a", &path), None);
    }

    #[test]
    fn only_what_we_wrote_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "body");
        wait_until_settled(&path);
        let note = folder.path().join("note");
        let mut known = Known::default();
        known.remember("a", &path, Stamp::of(&path), "digest1");
        known.write(&note, &folder.path().join("new"), OURS).unwrap();
        assert_eq!(Known::read(&note, OURS).digest_of("a", &path), Some("digest1"));
        let other: &dyn Fn(&[u8]) -> [u8; 32] = &|message| Sha256::digest(message).into();
        assert_eq!(Known::read(&note, other).digest_of("a", &path), None);
        let text = std::fs::read_to_string(&note).unwrap().replace("digest1", "digest2");
        std::fs::write(&note, text).unwrap();
        assert_eq!(Known::read(&note, OURS).digest_of("a", &path), None);
        std::fs::write(&note, "[").unwrap();
        assert_eq!(Known::read(&note, OURS).digest_of("a", &path), None);
    }
}
