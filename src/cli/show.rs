//! Findings and errors for people: place, source line, caret, what to do. Text from files is made harmless first.

use super::args::Format;
use super::commands::findings_of;
use super::quote::{Quotable, Read};
use crate::vocab::{Error, Finding, Findings, Severity};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{ErrorKind, IsTerminal, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Whether a result could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a result. A reader that went away is no fault; a disk that is full is.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    note_loss(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Remembers a result that was lost, for the exit code.
pub(super) fn note_loss(written: std::io::Result<()>) {
    if written.is_err_and(|e| e.kind() != ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether some result could not be written.
pub(super) fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints a result for programs.
pub(super) fn print_json(value: &Value) {
    print(&format!("{}\n", as_json(value)));
}

/// JSON that a terminal can be shown too: what `harmless` takes out stands as `\u` and its number, which says the same.
pub(super) fn as_json(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Only in strings can such a character stand: between them the printer puts line ends and blanks.
        if c != '\n' && obeyed(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Prints a line to standard error.
pub(super) fn to_stderr(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The warnings that only a build can give.
const BY_A_BUILD: [&str; 2] = ["published-file-damaged", "source-changed-in-place"];

/// The errors, and the warnings that only a build can give.
pub(super) fn of_a_build(findings: &Findings) -> Findings {
    let told = |f: &&Finding| f.severity == Severity::Error || BY_A_BUILD.contains(&f.code);
    findings.iter().filter(told).cloned().collect()
}

/// Findings as they are told, to people and programs alike: by place, each once.
pub(super) fn sorted(findings: &Findings) -> Findings {
    let mut sorted = findings.clone();
    sorted.sort_by(Finding::order);
    sorted.dedup();
    sorted
}

/// Shows findings, in order, with a line that sums them up.
pub(super) fn findings(findings: &Findings, may: &Quotable, stream: Stream) {
    if findings.is_empty() {
        return;
    }
    let colour = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && match stream {
            Stream::Out => std::io::stdout().is_terminal(),
            Stream::Err => std::io::stderr().is_terminal(),
        };
    let text = render(findings, may, colour);
    match stream {
        Stream::Out => print(&text),
        Stream::Err => {
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        }
    }
}

/// Shows an error that ended the run.
pub(super) fn error(error: &Error, may: &Quotable, format: Format) {
    if let Some(found) = findings_of(error) {
        if format == Format::Json {
            print_json(&json!({"findings": sorted(found), "exit": error.exit_code() as u8}));
        } else {
            findings(found, may, Stream::Err);
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

pub(super) fn render(all: &Findings, may: &Quotable, colour: bool) -> String {
    let sorted = sorted(all);
    let mut files = Read::new(may);
    let mut text = String::new();
    for finding in &sorted {
        // A keyring's lines are never shown; whatever file its finding names.
        let secret = finding.code.starts_with("keyring");
        let line = if secret { None } else { files.line(&finding.at.file, finding.at.line) };
        one(&mut text, finding, line, colour);
    }
    let count = |severity, word: &str| {
        let n = sorted.iter().filter(|f| f.severity == severity).count();
        (n > 0).then(|| format!("{n} {word}{}", if n == 1 { "" } else { "s" }))
    };
    let counts: Vec<String> =
        [count(Severity::Error, "error"), count(Severity::Warning, "warning")].into_iter().flatten().collect();
    let places: BTreeSet<&str> = sorted.iter().map(|f| f.at.file.as_str()).filter(|f| !f.is_empty()).collect();
    let plural = if places.len() == 1 { "" } else { "s" };
    let _ = writeln!(text, "{} in {} file{plural}", counts.join(", "), places.len());
    text
}

fn one(text: &mut String, finding: &Finding, line: Option<&str>, colour: bool) {
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

/// Text without anything that a terminal would obey or hide: control characters, direction marks and characters without
/// a form become `?`, tabs spaces. One for one, so that carets stay under what they mean.
pub(super) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            c if obeyed(c) => '?',
            c => c,
        })
        .collect()
}

/// The same for text of several lines.
pub(super) fn harmless_lines(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

/// Whether a terminal would obey or hide the character.
fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
        let text = render(&vec![finding.clone()], &Quotable::default(), false);
        assert!(text.lines().all(|l| l.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains('\x1b'));
        assert!(text.contains("specs/none.yaml:3:5"));
        assert!(text.ends_with("1 error in 1 file\n"));
        assert_eq!(ExitCode::of(&[finding]), ExitCode::Invalid);
    }

    #[test]
    fn json_shows_no_control_character_and_says_the_same() {
        let value = json!({"a\u{202e}\x1b": "\u{9b}31m\x7f \u{e0041}\u{feff}\u{2069}é\t\r"});
        let text = as_json(&value);
        assert!(!text.chars().any(|c| c != '\n' && obeyed(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(text.contains('é'));
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
