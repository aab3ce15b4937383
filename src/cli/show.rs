//! Findings and errors for people: place, source line, caret, what to do. Text from files is made harmless first.

use super::args::Format;
use super::commands::findings_of;
use crate::vocab::{Error, Finding, Findings, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::Path;

/// Where something is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// Standard output: results.
    Out,
    /// Standard error: all else.
    Err,
}

/// Columns of a terminal that everybody has.
const WIDTH: usize = 80;

/// Prints a result. A reader that went away is no fault.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Prints a result for programs.
pub(super) fn print_json(value: &Value) {
    print(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// Prints a line to standard error.
pub(super) fn to_stderr(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Only what stops.
pub(super) fn only_errors(findings: &Findings) -> Findings {
    findings.iter().filter(|f| f.severity == Severity::Error).cloned().collect()
}

/// Shows findings, in order, with a line that sums them up.
pub(super) fn findings(findings: &Findings, stream: Stream) {
    if findings.is_empty() {
        return;
    }
    let colour = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && match stream {
            Stream::Out => std::io::stdout().is_terminal(),
            Stream::Err => std::io::stderr().is_terminal(),
        };
    let text = render(findings, colour);
    match stream {
        Stream::Out => print(&text),
        Stream::Err => {
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        }
    }
}

/// Shows an error that ended the run.
pub(super) fn error(error: &Error, format: Format) {
    if let Some(found) = findings_of(error) {
        if format == Format::Json {
            print_json(&json!({"findings": found, "exit": error.exit_code() as u8}));
        } else {
            findings(found, Stream::Err);
        }
        return;
    }
    if format == Format::Json {
        print_json(&json!({"error": error.to_string(), "exit": error.exit_code() as u8}));
    }
    to_stderr(&format!("error: {}", harmless(&error.to_string())));
    if let Error::File { source, .. } = error {
        to_stderr(&format!("  cause: {}", reason(source)));
    }
    let help = match error {
        Error::File { writing: true, .. } => "make room or give the right to write there, and run again",
        Error::File { .. } => "check the path and the right to read it",
        Error::Locked(_) => "wait until it has ended, and try again",
        Error::Memory { .. } => "give more memory with --memory, or fewer threads with --threads",
        Error::Interrupted => "nothing was published by the part that was stopped; run again when ready",
        Error::Findings(_) | Error::Engine { .. } | Error::Internal(_) => {
            "this is a fault of the tool: please report it"
        }
    };
    to_stderr(&format!("  help: {help}"));
}

/// What the system said, without paths.
fn reason(source: &std::io::Error) -> String {
    match source.raw_os_error() {
        Some(code) => std::io::Error::from_raw_os_error(code).to_string(),
        None => source.kind().to_string(),
    }
}

fn render(all: &Findings, colour: bool) -> String {
    let mut sorted: Vec<&Finding> = all.iter().collect();
    sorted.sort_by(|a, b| a.order(b));
    sorted.dedup();
    let mut files: BTreeMap<&str, Option<Vec<String>>> = BTreeMap::new();
    let mut text = String::new();
    for finding in &sorted {
        let lines = files.entry(&finding.at.file).or_insert_with(|| lines_of(&finding.at.file)).as_deref();
        one(&mut text, finding, lines, colour);
    }
    let count = |severity, word: &str| {
        let n = sorted.iter().filter(|f| f.severity == severity).count();
        (n > 0).then(|| format!("{n} {word}{}", if n == 1 { "" } else { "s" }))
    };
    let counts: Vec<String> =
        [count(Severity::Error, "error"), count(Severity::Warning, "warning")].into_iter().flatten().collect();
    let places = files.keys().filter(|f| !f.is_empty()).count();
    let _ = writeln!(text, "{} in {places} file{}", counts.join(", "), if places == 1 { "" } else { "s" });
    text
}

/// The lines of a document; of nothing but YAML, so that no row of a source is ever shown.
fn lines_of(file: &str) -> Option<Vec<String>> {
    let path = Path::new(file);
    let yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    if !yaml || std::fs::metadata(path).ok()?.len() > 4 << 20 {
        return None;
    }
    Some(std::fs::read_to_string(path).ok()?.lines().map(str::to_owned).collect())
}

fn one(text: &mut String, finding: &Finding, lines: Option<&[String]>, colour: bool) {
    let (word, code) = match finding.severity {
        Severity::Error => ("error", "31;1"),
        Severity::Warning => ("warning", "33;1"),
    };
    let paint = |s: &str, code: &str| if colour { format!("\x1b[{code}m{s}\x1b[0m") } else { s.to_owned() };
    let head = format!("{word}[{}]", finding.code);
    let message = wrap(&harmless(&finding.message), WIDTH.saturating_sub(head.len() + 2), 4);
    let _ = writeln!(text, "{}: {message}", paint(&head, code));
    let place = &finding.at;
    if !place.file.is_empty() {
        let file = harmless(&place.file);
        let _ = match place.line {
            0 => writeln!(text, "  --> {file}"),
            line => writeln!(text, "  --> {file}:{line}:{}", place.column.max(1)),
        };
    }
    // A keyring is YAML too, and holds secrets: its lines are never shown.
    let secret = finding.code.starts_with("keyring");
    let line = lines.filter(|_| !secret).and_then(|l| l.get(usize::try_from(place.line).ok()?.checked_sub(1)?));
    if let Some(line) = line {
        let (shown, at, length) = clip(line, place.column.max(1), place.length.max(1));
        let number = place.line.to_string();
        let gap = " ".repeat(number.len());
        let _ = writeln!(text, " {gap} |");
        let _ = writeln!(text, " {number} | {shown}");
        let _ = writeln!(text, " {gap} | {}{}", " ".repeat(at), paint(&"^".repeat(length), code));
    }
    if let Some(help) = &finding.help {
        let _ = writeln!(text, "  help: {}", wrap(&harmless(help), WIDTH - 8, 8));
    }
    if let Some(project) = &finding.project
        && !finding.at.file.contains(project.as_str())
    {
        let _ = writeln!(text, "  for: {}", wrap(&harmless(project), WIDTH - 7, 7));
    }
    let _ = writeln!(text);
}

/// The part of a line around a column that fits, with the caret's offset and length in it.
fn clip(line: &str, column: u32, length: u32) -> (String, usize, usize) {
    let room = WIDTH - 12;
    let characters: Vec<char> = harmless(line).chars().collect();
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1).min(characters.len());
    let start = if column + 10 > room { column.saturating_sub(room / 2) } else { 0 };
    let end = (start + room).min(characters.len());
    let mut shown: String = characters.get(start..end).unwrap_or_default().iter().collect();
    let mut at = column - start;
    if start > 0 {
        shown.insert(0, '…');
        at += 1;
    }
    if end < characters.len() {
        shown.push('…');
    }
    let length = usize::try_from(length).unwrap_or(1).min(shown.chars().count().saturating_sub(at)).max(1);
    (shown, at, length)
}

/// Text without anything that a terminal would obey: control characters and direction marks become `?`, tabs spaces.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '?',
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '?',
            c => c,
        })
        .collect()
}

/// Wraps at spaces: the first line has `room` columns, the others are indented.
fn wrap(text: &str, room: usize, indent: usize) -> String {
    let (mut out, mut width, mut room) = (String::new(), 0, room.max(20));
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > room {
            let _ = write!(out, "\n{}", " ".repeat(indent));
            (width, room) = (0, WIDTH - indent);
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::{ExitCode, Place};

    #[test]
    fn a_finding_fits_eighty_columns_and_obeys_no_escape() {
        let at = Place { file: "specs/none.yaml".into(), line: 3, column: 5, length: 4 };
        let finding = Finding::error("unknown-variable", at, format!("no \x1b[31m variable {}", "word ".repeat(40)))
            .help("did you mean KS4_FSM, or something that is longer than the line that is left for it here?");
        let text = render(&vec![finding.clone()], false);
        assert!(text.lines().all(|l| l.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains('\x1b'));
        assert!(text.contains("specs/none.yaml:3:5"));
        assert!(text.ends_with("1 error in 1 file\n"));
        assert_eq!(ExitCode::of(&[finding]), ExitCode::Invalid);
    }

    #[test]
    fn a_long_line_is_clipped_around_its_caret() {
        let line = format!("{}HERE{}", "x".repeat(200), "y".repeat(200));
        let (shown, at, length) = clip(&line, 201, 4);
        let under: String = shown.chars().skip(at).take(length).collect();
        assert_eq!(under, "HERE");
        assert!(shown.chars().count() <= WIDTH);
    }
}
