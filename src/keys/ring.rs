//! The keyring file: read when only its owner can read it, made and changed whole or not at all.

use super::document::{self, Document, Malformed};
use super::page::scrub;
use super::{MasterKey, Secret};
use crate::vocab::{Error, ExitCode, Finding, KeyId, Place, Result};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// No keyring is larger; a file that is was not meant.
const LARGEST: u64 = 1 << 20;

/// The keys of an installation: one current, older ones kept for what they made.
pub struct Keyring {
    current: usize,
    keys: Vec<MasterKey>,
    published: bool,
}

impl Keyring {
    /// Reads a keyring that only its owner can read. One that holds nothing but the published test secret may be
    /// readable by all: it hides nothing, and git cannot keep mode 0600.
    ///
    /// # Errors
    /// Findings (exit 78) where it is missing, readable by others, or malformed.
    pub fn load(path: &Path) -> Result<Self> {
        let (document, others_can_read) = read(path)?;
        let ring = Self::of(&document);
        if others_can_read && !ring.published {
            return Err(readable_by_others(path));
        }
        Ok(ring)
    }

    /// Makes a keyring of one new random key. An existing file is never touched.
    ///
    /// # Errors
    /// Where the file exists or cannot be written (exit 73).
    pub fn create(path: &Path, id: KeyId) -> Result<()> {
        write_new(path, &Document { current: 0, keys: vec![(id, Secret::random()?)] })
    }

    /// Adds a new random key and makes it the current one. The old keys stay, for what they made.
    ///
    /// # Errors
    /// As [`Keyring::load`]; where the id is taken (exit 78); where the file cannot be replaced (exit 73).
    pub fn rotate(path: &Path, id: KeyId) -> Result<()> {
        let (mut document, others_can_read) = read(path)?;
        if others_can_read && !document.keys.iter().all(|(_, secret)| secret.is_published_test()) {
            return Err(readable_by_others(path));
        }
        if document.keys.iter().any(|(known, _)| *known == id) {
            let message = format!("the keyring already has a key {id}");
            return Err(refusal("keyring-id-taken", Place::file(shown(path)), message, "choose another id"));
        }
        document.current = document.keys.len();
        document.keys.push((id, Secret::random()?));
        replace(path, &document)
    }

    /// A keyring of one given secret: for tests and synthetic worlds.
    #[must_use]
    pub fn from_secret(id: KeyId, secret: [u8; 32]) -> Self {
        Self::of(&Document { current: 0, keys: vec![(id, Secret::new(secret))] })
    }

    /// Every key: its id, whether it is the current one, and its fingerprint.
    #[must_use]
    pub fn entries(&self) -> Vec<(KeyId, bool, String)> {
        let entry = |(i, key): (usize, &MasterKey)| (key.id().clone(), i == self.current, key.fingerprint().to_owned());
        self.keys.iter().enumerate().map(entry).collect()
    }

    /// The key that new extracts use.
    #[must_use]
    pub fn current(&self) -> &MasterKey {
        &self.keys[self.current]
    }

    /// The key of that id.
    #[must_use]
    pub fn key(&self, id: &KeyId) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// Whether all its secrets are the published test secret: then it protects nothing, and reports must say so.
    #[must_use]
    pub fn is_published_test_key(&self) -> bool {
        self.published
    }

    fn of(document: &Document) -> Self {
        Self {
            current: document.current,
            keys: document.keys.iter().map(|(id, secret)| MasterKey::new(id.clone(), secret)).collect(),
            published: document.keys.iter().all(|(_, secret)| secret.is_published_test()),
        }
    }
}

/// Writes a keyring of one given secret: for synthetic worlds. A file that is already the same is left alone; any other
/// is never touched.
///
/// # Errors
/// Where another file exists or it cannot be written (exit 73).
pub fn write_keyring(path: &Path, id: KeyId, secret: Secret) -> Result<()> {
    let document = Document { current: 0, keys: vec![(id, secret)] };
    if let Ok(there) = std::fs::read(path).map(Zeroizing::new)
        && there.as_slice() == document::render(&document).as_bytes()
    {
        return Ok(());
    }
    write_new(path, &document)
}

/// Reads the document, and whether anyone but the owner may read or write the file.
fn read(path: &Path) -> Result<(Document, bool)> {
    let place = || Place::file(shown(path));
    let unreadable = |error: &std::io::Error| match error.kind() {
        ErrorKind::NotFound => refusal(
            "keyring-missing",
            place(),
            "the keyring does not exist".to_owned(),
            "make one with `leo-extract keys new`, or name it with --keyring or LEO_KEYRING",
        ),
        kind => {
            refusal("keyring-unreadable", place(), format!("the keyring cannot be read: {kind}"), "check its owner")
        }
    };
    let malformed = |fault: Malformed| {
        let form = "a keyring is `keyring: 1`, `current: ID`, `keys: [{id: ID, secret: BASE64}]`";
        refusal("keyring-malformed", fault.at, fault.message.to_owned(), form)
    };
    let whole = |message| Malformed { at: place(), message };
    // To open a pipe would wait for a writer, for ever.
    if !std::fs::metadata(path).map_err(|e| unreadable(&e))?.is_file() {
        return Err(malformed(whole("the keyring is no file of a keyring's size")));
    }
    // The mode is asked of the open file: the path may mean another by then.
    let file = File::open(path).map_err(|e| unreadable(&e))?;
    let metadata = file.metadata().map_err(|e| unreadable(&e))?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(malformed(whole("the keyring is no file of a keyring's size")));
    }
    let capacity = usize::try_from(metadata.len()).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    let others_can_read = open_to_others(&metadata);
    let document = std::str::from_utf8(&bytes)
        .map_err(|_| whole("the keyring is not UTF-8 text"))
        .and_then(|text| document::parse(text, &shown(path)));
    scrub();
    match document {
        Ok(document) => Ok((document, others_can_read)),
        Err(fault) => Err(match (malformed(fault), others_can_read) {
            (Error::Findings(mut findings), true) => {
                if let Error::Findings(more) = readable_by_others(path) {
                    findings.extend(more);
                }
                Error::Findings(findings)
            }
            (error, _) => error,
        }),
    }
}

#[cfg(unix)]
fn open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

fn write_new(path: &Path, document: &Document) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Error::finding(
            Finding::error("keyring-exists", Place::file(shown(path)), "the file exists and is left as it is")
                .help("add a key with `leo-extract keys rotate`, or name another file")
                .exit(ExitCode::Output),
        ),
        _ => Error::writing("create", path, e),
    })?;
    let written = file.write_all(document::render(document).as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|e| {
        // Half a keyring is of no use; it is ours, made a moment ago.
        let _ = std::fs::remove_file(path);
        Error::writing("write", path, e)
    })?;
    sync_folder(path)
}

fn replace(path: &Path, document: &Document) -> Result<()> {
    let failed = |action| move |e| Error::writing(action, path, e);
    let mut file = tempfile::Builder::new() // made with mode 0600
        .prefix(".keyring-")
        .tempfile_in(folder(path))
        .map_err(failed("create beside"))?;
    file.write_all(document::render(document).as_bytes()).map_err(failed("write"))?;
    file.as_file().sync_all().map_err(failed("sync"))?;
    file.persist(path).map_err(|e| Error::writing("replace", path, e.error))?;
    sync_folder(path)
}

/// Makes the new name last through a power cut.
fn sync_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = folder(path);
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| Error::writing("sync", folder, e))?;
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn readable_by_others(path: &Path) -> Error {
    refusal(
        "keyring-readable-by-others",
        Place::file(shown(path)),
        "others than its owner can read or write the keyring".to_owned(),
        &format!("chmod 600 {}", path.display()),
    )
}

fn refusal(code: &'static str, at: Place, message: String, help: &str) -> Error {
    Error::finding(Finding::error(code, at, message).help(help).exit(ExitCode::Config))
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
