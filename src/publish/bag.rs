//! The bag: BagIt 1.0 (RFC 8493) around an extract. Its manifests name every byte of it, in two digests.

use super::manifest::FileRecord;
use super::publication::{Publication, version_name};
use crate::vocab::{Error, Result};
use std::fmt::Write as _;
use uuid::Uuid;

/// The media type of Parquet.
pub(super) const PARQUET: &str = "application/vnd.apache.parquet";
/// Under what terms an extract may be used, in a line.
pub(super) const LICENCE_TITLE: &str =
    "For the approved project and its accredited researchers only; not to be passed on";
/// The declaration of a bag.
pub(super) const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";

/// The identifier of an extract's content: the same project and the same record give the same.
pub(super) fn identifier(project: &str, manifest_sha256: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("leo-extract/{project}/{manifest_sha256}").as_bytes())
}

/// `bag-info.txt`, its labels in order.
pub(super) fn bag_info(
    publication: &Publication<'_>,
    version: u32,
    identifier: Uuid,
    payload: &[FileRecord],
) -> String {
    let spec = publication.approved.spec();
    let run = publication.run;
    let octets: u64 = payload.iter().map(|f| f.bytes).sum();
    let finished = run.finished.strftime("%Y-%m-%d").to_string();
    let mut lines = vec![
        ("Bag-Software-Agent", format!("leo-extract {}", run.tool_version)),
        ("Bagging-Date", finished),
        ("External-Description", format!("{}: {}", spec.project.id, spec.project.title)),
        ("External-Identifier", identifier.urn().to_string()),
        ("Internal-Sender-Identifier", format!("{}/{}", spec.project.id, version_name(version))),
        ("Payload-Oxum", format!("{octets}.{}", payload.len())),
        ("Source-Organization", "Department for Education".to_owned()),
    ];
    if !run.as_of_is_today {
        lines.push(("As-Of", run.as_of.to_string()));
    }
    if publication.published_test_key {
        lines.push(("Key-Warning", "made with the key published for tests: protects nobody".to_owned()));
    }
    lines.sort();
    let mut out = String::new();
    for (label, value) in lines {
        // A label ends its line: a title must not begin another.
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        writeln!(out, "{label}: {}", value.trim()).ok();
    }
    out
}

/// A manifest of files, sorted by path: the digest that `of` picks, two spaces, the path.
pub(super) fn manifest_lines(files: &[FileRecord], of: impl Fn(&FileRecord) -> &str) -> Result<String> {
    let mut sorted: Vec<&FileRecord> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut out = String::new();
    for file in sorted {
        // The names are our own; one that BagIt would have encoded is a fault of ours.
        if file.path.contains(['\n', '\r', '%', '\\']) {
            return Err(Error::Internal("a file has a name that no bag may list".to_owned()));
        }
        writeln!(out, "{}  {}", of(file), file.path).ok();
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::digest_bytes;

    #[test]
    fn manifests_are_sorted_and_name_no_strange_file() {
        let file = |path: &str| FileRecord::new(path.to_owned(), digest_bytes(b"x"));
        let lines = manifest_lines(&[file("data/b"), file("data/a")], |f| &f.sha256).unwrap();
        let digest = crate::files::sha256_bytes(b"x");
        assert_eq!(lines, format!("{digest}  data/a\n{digest}  data/b\n"));
        assert!(manifest_lines(&[file("data/a\nb")], |f| &f.sha256).is_err());
    }

    #[test]
    fn the_same_content_has_the_same_identifier() {
        assert_eq!(identifier("LEO-1", "ab"), identifier("LEO-1", "ab"));
        assert_ne!(identifier("LEO-1", "ab"), identifier("LEO-2", "ab"));
    }
}
