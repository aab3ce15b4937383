//! What the tests share: a small synthetic world made once and copied cheaply, runs of the binary, and readers.

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The day on which the worlds' approvals are in force.
pub(crate) const DAY: &str = "2020-01-06";
/// The smallest project: Key Stage 4 over eleven years.
pub(crate) const SMALL: &str = "LEO-2019-001";
/// The project with the most kinds of elements: terms, spells, conditions.
pub(crate) const WIDE: &str = "LEO-2019-002";
/// The project with coarsened values, HESA's fee and a linked table.
pub(crate) const COARSE: &str = "LEO-2019-003";

/// The binary under test, in an environment that holds nothing of ours.
pub(crate) fn command() -> Command {
    command_of(env!("CARGO_BIN_EXE_leo-extract").as_ref())
}

/// The same of a copy of the binary.
pub(crate) fn command_of(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().env("NO_COLOR", "1").env("TZ", "UTC");
    // Where coverage is counted, the program says what it ran as the tests do.
    if let Some(counts) = std::env::var_os("LLVM_PROFILE_FILE") {
        command.env("LLVM_PROFILE_FILE", counts);
    }
    command
}

/// How a run ended, and what it said.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.stdin(Stdio::null()).output().unwrap();
        let run = Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!run.said().contains("panicked at"), "a panic is no message:\n{}", run.said());
        run
    }

    /// Both streams, for searching: wrapped lines joined.
    pub(crate) fn said(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    /// Both streams with all runs of white space as one blank.
    pub(crate) fn flat(&self) -> String {
        self.said().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The first `error[CODE]` or `warning[CODE]` block of a code, with its place and help.
    pub(crate) fn block(&self, code: &str) -> Option<String> {
        let said = self.said();
        let start = said.find(&format!("error[{code}]"))?;
        let rest = &said[start..];
        Some(rest[..rest.find("\n\n").unwrap_or(rest.len())].to_owned())
    }

    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.said());
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.said()))
    }
}

/// A copy of the synthetic world that one test may change.
pub(crate) struct World {
    root: TempDir,
}

impl World {
    /// A copy of the world of 300 people.
    pub(crate) fn new() -> Self {
        static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
        Self::copy_of(TEMPLATE.get_or_init(|| template(&["--persons", "300"])).path())
    }

    /// A world of its own, as the arguments of `synth` say.
    pub(crate) fn made(arguments: &[&str]) -> Self {
        Self { root: template(arguments) }
    }

    /// A copy of this world as it is; symbolic links are left out.
    pub(crate) fn copy(&self) -> Self {
        Self::copy_of(self.root.path())
    }

    fn copy_of(template: &Path) -> Self {
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for (path, _) in files(template) {
            let (from, to) = (template.join(&path), root.path().join(&path));
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            // Sources are linked, not copied: whoever changes one replaces it (see `replace`).
            if !path.starts_with("sources/") || std::fs::hard_link(&from, &to).is_err() {
                std::fs::copy(&from, &to).unwrap();
            }
        }
        Self { root }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub(crate) fn spec(&self, project: &str) -> PathBuf {
        self.path(&format!("specs/{project}.yaml"))
    }

    pub(crate) fn approval(&self, project: &str) -> PathBuf {
        self.path(&format!("approvals/{project}-r1.yaml"))
    }

    /// The newest version of a project's extract.
    pub(crate) fn latest(&self, project: &str) -> PathBuf {
        self.path(&format!("extracts/{project}/latest")).canonicalize().unwrap()
    }

    /// The binary in this world, with `--config` and the arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(arguments).arg("--config").arg(self.path("leo.yaml"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// `build --as-of DAY`, quietly, with more arguments.
    pub(crate) fn build(&self, more: &[&str]) -> Run {
        self.run(&[&["build", "--anew", "--as-of", DAY, "--quiet"], more].concat())
    }

    /// The same, running: its output is kept for `wait_with_output`.
    pub(crate) fn spawn(&self, more: &[&str]) -> Child {
        let arguments = [&["build", "--anew", "--as-of", DAY, "--quiet"], more].concat();
        self.command(&arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Changes a text file; the change must change something.
    #[track_caller]
    pub(crate) fn edit(&self, path: &Path, from: &str, to: &str) {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{} holds no {from:?}", path.display());
        replace(path, text.replacen(from, to, 1).as_bytes());
    }

    /// Changes a spec and has the change approved.
    #[track_caller]
    pub(crate) fn amend(&self, project: &str, from: &str, to: &str) {
        self.edit(&self.spec(project), from, to);
        self.approve(project);
    }

    /// Writes the spec's digest as it is now into its approval record.
    pub(crate) fn approve(&self, project: &str) {
        let digest = sha256(&std::fs::read(self.spec(project)).unwrap());
        let path = self.approval(project);
        let text = std::fs::read_to_string(&path).unwrap();
        let old = text.lines().find_map(|l| l.strip_prefix("spec_sha256: ")).unwrap();
        replace(&path, text.replace(old, &digest).as_bytes());
    }

    /// Adds a project whose spec and approval are another's, but for the identifier.
    pub(crate) fn add_twin(&self, of: &str, twin: &str) {
        let text = |path: PathBuf| std::fs::read_to_string(path).unwrap().replace(of, twin);
        std::fs::write(self.spec(twin), text(self.spec(of))).unwrap();
        std::fs::write(self.approval(twin), text(self.approval(of))).unwrap();
        self.approve(twin);
    }

    /// The catalogue's sources, by path below `sources`.
    pub(crate) fn source(&self, below: &str) -> PathBuf {
        self.path(&format!("sources/{below}"))
    }

    /// Nothing was published for the project, and nothing else lies about.
    #[track_caller]
    pub(crate) fn assert_unpublished(&self, project: &str) {
        let folder = self.path(&format!("extracts/{project}"));
        assert!(!folder.exists(), "{} was published", folder.display());
        self.assert_clean();
    }

    /// The newest extracts of some projects are what a build from nothing makes, byte for byte, and all about them is in order.
    #[track_caller]
    pub(crate) fn assert_as_built_anew(&self, projects: &[&str]) {
        for project in projects {
            let latest = self.latest(project);
            self.run(&["verify", "--quiet", "--rebuild", latest.to_str().unwrap()]).ends(0);
        }
        self.run(&["audit", "--quiet"]).ends(0);
        self.assert_clean();
    }

    /// No staging and no scratch is left.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let staging = self.path("extracts/.staging");
        if staging.exists() {
            let left: Vec<_> = files(&staging).into_keys().collect();
            assert!(left.is_empty(), "left behind: {left:?}");
            assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 0, "a folder was left behind");
        }
    }
}

fn template(arguments: &[&str]) -> TempDir {
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut command = command();
    command.args(["synth", "--quiet", "--seed", "1", "--published-key"]).args(arguments).arg("--out").arg(root.path());
    Run::of(&mut command).ends(0);
    root
}

/// Writes a file anew: what is linked to the old one elsewhere stays as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) {
    let mode = std::fs::metadata(path).map(|m| m.permissions()).ok();
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
    if let Some(mode) = mode {
        std::fs::set_permissions(path, mode).unwrap();
    }
}

/// Lower-case hex of the SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// All files below a folder with their bytes, by path with `/`; symbolic links are not followed.
pub(crate) fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                // A file may vanish while a build runs.
                let Ok(bytes) = std::fs::read(entry.path()) else { continue };
                let below = entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(below, bytes);
            }
        }
    }
    found
}

/// The tables of an extract: everything below `data/`.
pub(crate) fn data(extract: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = files(&extract.join("data"));
    assert!(!files.is_empty(), "{} holds no data", extract.display());
    files
}

/// The Parquet files of an extract.
pub(crate) fn tables(extract: &Path) -> BTreeMap<String, Vec<u8>> {
    data(extract).into_iter().filter(|(path, _)| path.ends_with(".parquet")).collect()
}

/// A Parquet file as one batch.
pub(crate) fn read(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let schema = std::sync::Arc::clone(reader.schema());
    let batches: Vec<_> = reader.build().unwrap().map(|b| b.unwrap()).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// Writes a Parquet file anew.
pub(crate) fn write(path: &Path, batch: &RecordBatch, properties: WriterProperties) {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    replace(path, &bytes);
}

/// A column as text, nulls apart.
pub(crate) fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("no column {column}"));
    let array = arrow::compute::cast(array, &arrow::datatypes::DataType::Utf8).unwrap();
    let array = array.as_any().downcast_ref::<arrow::array::StringArray>().unwrap().clone();
    array.iter().map(|v| v.map(str::to_owned)).collect()
}

/// The people of a table.
pub(crate) fn people(path: &Path) -> BTreeSet<String> {
    texts(&read(path), "person_id").into_iter().flatten().collect()
}

/// The record of an extract.
pub(crate) fn manifest(extract: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(extract.join("data/manifest.json")).unwrap()).unwrap()
}
