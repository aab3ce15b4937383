//! From the file to settings, paths made absolute against its folder.

use super::{Config, Exclusion};
use crate::vocab::{Error, ExitCode, Finding, Place, Result};
use crate::yaml::{self, Decoder, Fields, Node, clip};
use std::path::{Path, PathBuf};

const FIELDS: [&str; 11] = [
    "config",
    "catalogue",
    "specs",
    "approvals",
    "sources",
    "extracts",
    "keyring",
    "exclusions",
    "scratch",
    "memory",
    "threads",
];

impl Config {
    /// Reads the config file.
    ///
    /// # Errors
    /// [`Error::Findings`], exit code 78, with everything wrong in it; also where it is not there.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.to_string_lossy();
        let text = match yaml::read_text(path, &shown) {
            Ok(text) => text,
            Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                let finding = Finding::error("config-missing", Place::file(shown), "there is no config file");
                let help = "name it with --config or LEO_CONFIG, or run where leo.yaml lies";
                return Err(Error::finding(finding.help(help).exit(ExitCode::Config)));
            }
            Err(Error::Findings(findings)) => {
                return Err(Error::Findings(findings.into_iter().map(|f| f.exit(ExitCode::Config)).collect()));
            }
            Err(other) => return Err(other),
        };
        let file = std::path::absolute(path).map_err(|e| Error::reading("find", path, e))?;
        let (node, syntax) = yaml::parse(&shown, &text);
        let mut decoder = Decoder::new(&shown).with_exit(ExitCode::Config);
        decoder.take_all(syntax);
        let config = node.and_then(|node| decode(&mut decoder, &node, file));
        match config {
            Some(config) if !decoder.failed() => Ok(config),
            _ => Err(Error::Findings(decoder.into_findings())),
        }
    }
}

fn decode(decoder: &mut Decoder, root: &Node, file: PathBuf) -> Option<Config> {
    let what = "the config";
    let fields = decoder.fields(root, what, &FIELDS)?;
    let base = file.parent().map(Path::to_path_buf).unwrap_or_default();
    if let Some(node) = decoder.required(&fields, "config", what) {
        decoder.integer(node, "the version of the config", 1, 1);
    }
    let catalogue = folder(decoder, &fields, "catalogue", &base);
    let specs = folder(decoder, &fields, "specs", &base);
    let sources = folder(decoder, &fields, "sources", &base);
    let extracts = folder(decoder, &fields, "extracts", &base);
    let approvals = decoder.required(&fields, "approvals", what).and_then(|n| approvals(decoder, n, &base));
    let keyring = optional(decoder, &fields, "keyring", &base);
    let scratch = optional(decoder, &fields, "scratch", &base);
    let exclusions = fields.get("exclusions").map(|n| exclusions(decoder, n, &base)).unwrap_or_default();
    let memory = fields.get("memory").and_then(|n| memory(decoder, n));
    let threads = fields.get("threads").and_then(|n| decoder.integer(n, "the number of threads", 1, 4096));
    if let (Some(sources), Some(extracts)) = (&sources, &extracts)
        && extracts == sources
    {
        let at = fields.get("extracts").map_or(fields.mark, |n| n.mark);
        let message = "extracts and sources are one folder";
        decoder.error("folders-overlap", at, message, "give the extracts a folder of their own");
    }
    let (approvals, allowed_signers) = approvals?;
    Some(Config {
        catalogue: catalogue?,
        specs: specs?,
        approvals,
        allowed_signers,
        sources: sources?,
        extracts: extracts?,
        keyring,
        exclusions,
        scratch,
        memory,
        threads: threads.and_then(|n| usize::try_from(n).ok()),
        file,
    })
}

/// A path against the folder of the config.
fn path(decoder: &mut Decoder, node: &Node, what: &str, base: &Path) -> Option<PathBuf> {
    let word = decoder.word(node, what)?;
    if word.contains("://") {
        let message = format!("{what} is a URL, and only folders are built in");
        decoder.error("url-not-built", node.mark, message, "mount it, and name the folder");
        return None;
    }
    if word.chars().any(char::is_control) {
        decoder.error("name-malformed", node.mark, format!("{what} holds a control character"), "mend the path");
        return None;
    }
    Some(base.join(word))
}

fn folder(decoder: &mut Decoder, fields: &Fields<'_>, name: &str, base: &Path) -> Option<PathBuf> {
    let node = decoder.required(fields, name, "the config")?;
    path(decoder, node, &format!("`{name}`"), base)
}

fn optional(decoder: &mut Decoder, fields: &Fields<'_>, name: &str, base: &Path) -> Option<PathBuf> {
    path(decoder, fields.get(name)?, &format!("`{name}`"), base)
}

fn approvals(decoder: &mut Decoder, node: &Node, base: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
    let fields = decoder.fields(node, "`approvals`", &["directory", "allowed_signers"])?;
    let directory = decoder.required(&fields, "directory", "`approvals`");
    let directory = directory.and_then(|n| path(decoder, n, "`directory`", base));
    let signers = match fields.get("allowed_signers") {
        None => Some(None),
        Some(n) => path(decoder, n, "`allowed_signers`", base).map(Some),
    };
    Some((directory?, signers?))
}

fn exclusions(decoder: &mut Decoder, node: &Node, base: &Path) -> Vec<Exclusion> {
    let mut all = Vec::new();
    for item in decoder.list(node, "exclusions").unwrap_or_default() {
        let what = "an exclusion";
        let Some(fields) = decoder.fields(item, what, &["location", "kind", "column"]) else { continue };
        let location = decoder.required(&fields, "location", what);
        let place = location.and_then(|n| path(decoder, n, "the location of an exclusion", base));
        let kind = decoder.required(&fields, "kind", what).and_then(|n| decoder.kind(n));
        let column = decoder.required(&fields, "column", what).and_then(|n| decoder.text(n, "a column"));
        let (Some(location), Some(path), Some(kind), Some(column)) = (location, place, kind, column) else { continue };
        let written = location.scalar().map(|s| s.text.clone()).unwrap_or_default();
        all.push(Exclusion { location: written, path, kind, column, at: decoder.at(location.mark) });
    }
    all
}

fn memory(decoder: &mut Decoder, node: &Node) -> Option<u64> {
    let word = decoder.word(node, "memory")?;
    let size = parse_size(word).filter(|size| *size > 0);
    if size.is_none() {
        let message = format!("`{}` is no size", clip(word));
        decoder.error("size-malformed", node.mark, message, "write it like 512MiB or 8GiB");
    }
    size
}

/// Reads a size: a whole number and `B`, `KiB`, `MiB`, `GiB`, `TiB`, `KB`, `MB`, `GB` or `TB`, with or without a blank
/// between them; a number alone is bytes. `None` where it is no size or does not fit.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "config: 1\ncatalogue: specs/catalogue\nspecs: specs/projects\n\
        approvals: {directory: specs/approvals}\nsources: /data/leo\nextracts: out\nkeyring: leo.keyring\n\
        exclusions:\n  - {location: exclusions/objections.parquet, kind: pmr, column: pmr}\nmemory: 8GiB\nthreads: 4\n";

    fn read(text: &str) -> Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("leo.yaml");
        fs_err::write(&file, text).unwrap();
        Config::read(&file)
    }

    fn check(text: &str, code: &str) {
        match read(text) {
            Err(Error::Findings(findings)) => {
                assert!(findings.iter().any(|f| f.code == code), "{text}: {findings:?}");
                assert!(findings.iter().all(|f| f.exit == ExitCode::Config), "{text}: {findings:?}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_good_config_reads() {
        let config = read(GOOD).unwrap();
        assert_eq!(config.memory, Some(8 << 30));
        assert_eq!(config.threads, Some(4));
        assert_eq!(config.sources, Path::new("/data/leo"));
        assert!(config.extracts.is_absolute() && config.extracts.ends_with("out"));
        assert_eq!(config.exclusions[0].location, "exclusions/objections.parquet");
        assert!(config.exclusions[0].path.is_absolute());
        assert!(config.allowed_signers.is_none());
    }

    #[test]
    fn what_is_wrong_is_found() {
        check(&GOOD.replace("config: 1", "config: 2"), "out-of-range");
        check(&GOOD.replace("sources: /data/leo\n", ""), "missing-field");
        check(&GOOD.replace("threads: 4", "treads: 4"), "unknown-field");
        check(&GOOD.replace("threads: 4", "threads: 0"), "out-of-range");
        check(&GOOD.replace("8GiB", "8GiG"), "size-malformed");
        check(&GOOD.replace("/data/leo", "s3://bucket/leo"), "url-not-built");
        check(&GOOD.replace("out\n", "/data/leo\n"), "folders-overlap");
        check(&GOOD.replace("keyring: leo.keyring", "keyring:"), "null-value");
        check(&format!("{GOOD}config: 1\n"), "duplicate-key");
        check("[1, 2", "yaml-syntax");
        match Config::read(Path::new("no/such/leo.yaml")) {
            Err(error) => assert_eq!(error.exit_code(), ExitCode::Config),
            Ok(_) => panic!("a missing config was read"),
        }
    }

    #[test]
    fn sizes_read() {
        for (text, size) in [
            ("512MiB", Some(512 << 20)),
            ("8 GiB", Some(8 << 30)),
            ("8gib", Some(8 << 30)),
            ("1KB", Some(1000)),
            ("7", Some(7)),
            ("7B", Some(7)),
            ("", None),
            ("GiB", None),
            ("1.5GiB", None),
            ("-1MiB", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(parse_size(text), size, "{text}");
        }
    }
}
