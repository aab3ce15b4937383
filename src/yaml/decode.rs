//! Decoding: from nodes to values, every finding kept. Each room decodes its own documents with one [`Decoder`].

use super::parse::{clip, field_name};
use super::{Content, Key, Mark, Node, Reading};
use crate::vocab::{ExitCode, Finding, Findings, Place, Severity, near};
use jiff::civil::Date;

/// Errors kept of one document; what comes after is not shown.
const ERRORS_MAX: usize = 200;
/// Warnings kept of one document.
const WARNINGS_MAX: usize = 200;

/// Collects the findings of one document while a room reads it.
#[derive(Debug)]
pub struct Decoder {
    file: String,
    project: Option<String>,
    exit: ExitCode,
    findings: Findings,
    errors: usize,
    warnings: usize,
}

/// The fields of a map; unknown ones are already reported.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'n> {
    /// Where the map lies.
    pub mark: Mark,
    pairs: &'n [(Key, Node)],
}

impl<'n> Fields<'n> {
    /// The value of a field, where it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.pairs.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// Where a field's name stands; the map's own place where the field is not there.
    #[must_use]
    pub fn mark_of(&self, name: &str) -> Mark {
        self.pairs.iter().find(|(key, _)| key.text == name).map_or(self.mark, |(key, _)| key.mark)
    }

    /// The names that are there, in order.
    pub fn names(&self) -> impl Iterator<Item = &'n str> {
        self.pairs.iter().map(|(key, _)| key.text.as_str())
    }
}

impl Decoder {
    /// A decoder for one file, as the user knows it. Its findings end a run with exit code 65.
    #[must_use]
    pub fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            project: None,
            exit: ExitCode::Invalid,
            findings: Vec::new(),
            errors: 0,
            warnings: 0,
        }
    }

    /// The same with findings that end a run with another exit code.
    #[must_use]
    pub fn with_exit(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// All findings from here on, and those so far, concern this project alone.
    pub fn concerns(&mut self, project: &str) {
        self.project = Some(project.to_owned());
        for finding in &mut self.findings {
            finding.project = Some(project.to_owned());
        }
    }

    /// The place of a mark in this document.
    #[must_use]
    pub fn at(&self, mark: Mark) -> Place {
        Place { file: self.file.clone(), line: mark.line, column: mark.column, length: mark.length }
    }

    /// Whether an error was reported.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.errors > 0
    }

    /// Whether further errors are counted and not kept, so that looking for near names is wasted.
    fn full(&self) -> bool {
        self.errors >= ERRORS_MAX
    }

    /// The findings in the order of their places.
    #[must_use]
    pub fn into_findings(mut self) -> Findings {
        if self.errors > ERRORS_MAX {
            let more = self.errors - ERRORS_MAX;
            let mut last = Finding::error(
                "too-many-findings",
                Place::file(self.file.clone()),
                format!("{more} more errors of this document are not shown"),
            );
            last.help = Some("mend those shown, then look again".to_owned());
            last.project = self.project.clone();
            last.exit = self.exit;
            self.findings.push(last);
        }
        self.findings.sort_by(Finding::order);
        self.findings
    }

    /// Keeps a finding.
    pub fn report(&mut self, mut finding: Finding) {
        finding.project = finding.project.or_else(|| self.project.clone());
        if finding.exit == ExitCode::Invalid {
            finding.exit = self.exit;
        }
        let (count, most) = match finding.severity {
            Severity::Error => (&mut self.errors, ERRORS_MAX),
            Severity::Warning => (&mut self.warnings, WARNINGS_MAX),
        };
        *count += 1;
        if *count <= most {
            self.findings.push(finding);
        }
    }

    /// Reports an error at a mark.
    pub fn error(&mut self, code: &'static str, mark: Mark, message: impl Into<String>, help: impl Into<String>) {
        self.report(Finding::error(code, self.at(mark), message).help(help));
    }

    /// Reports a warning at a mark.
    pub fn warning(&mut self, code: &'static str, mark: Mark, message: impl Into<String>, help: impl Into<String>) {
        self.report(Finding::warning(code, self.at(mark), message).help(help));
    }

    /// Keeps findings of the parser.
    pub fn take_all(&mut self, findings: Findings) {
        findings.into_iter().for_each(|finding| self.report(finding));
    }

    /// Reports a name that is not known, with the nearest that are.
    pub fn unknown<'k>(
        &mut self,
        code: &'static str,
        mark: Mark,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let message = format!("{what} `{}` is not known", clip(name));
        if self.full() {
            self.error(code, mark, message, String::new());
            return;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let help = match near(name, known.iter().copied()).as_slice() {
            [] if known.len() <= 12 && !known.is_empty() => format!("known are {}", listed(&known)),
            [] => "check the spelling".to_owned(),
            [same, ..] if same.eq_ignore_ascii_case(name) => format!("upper and lower case count: write `{same}`"),
            names => format!("did you mean {}?", alternatives(names)),
        };
        self.error(code, mark, message, help);
    }

    /// The fields of a map. `what` names it for people: `a project`, `the spec`. Unknown fields are reported.
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let Content::Map(pairs) = &node.content else {
            self.wrong(node, &format!("{what} is a map"), &format!("give it the fields {}", listed(known)));
            return None;
        };
        for (key, _) in pairs {
            if !known.contains(&key.text.as_str()) && self.full() {
                self.error("unknown-field", key.mark, String::new(), String::new());
            } else if !known.contains(&key.text.as_str()) {
                let message = match field_name(&key.text) {
                    Some(name) => format!("{what} has no field {name}"),
                    None => format!("{what} has no field of this name"),
                };
                let help = match near(&key.text, known.iter().copied()).as_slice() {
                    [] => format!("its fields are {}", listed(known)),
                    names => format!("did you mean {}?", alternatives(names)),
                };
                self.error("unknown-field", key.mark, message, help);
            }
        }
        Some(Fields { mark: node.mark, pairs })
    }

    /// A field that must be there.
    pub fn required<'n>(&mut self, fields: &Fields<'n>, name: &str, what: &str) -> Option<&'n Node> {
        let found = fields.get(name);
        if found.is_none() {
            self.error("missing-field", fields.mark, format!("{what} needs `{name}`"), format!("add `{name}: …`"));
        }
        found
    }

    /// Reports that a node has the wrong shape; silent on what is already refused.
    pub fn wrong(&mut self, node: &Node, expected: &str, help: &str) {
        match &node.content {
            Content::Refused => {}
            Content::Scalar(scalar) if scalar.is_null() => {
                let help = format!("give a value, or leave the field out: {expected}");
                self.error("null-value", node.mark, "there is no value here", help);
            }
            _ => {
                self.error("wrong-type", node.mark, format!("{expected}, and here is {}", node.in_words()), help);
            }
        }
    }

    /// The items of a list.
    pub fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        if let Content::List(items) = &node.content {
            return Some(items);
        }
        self.wrong(node, &format!("{what} is a list"), "write `[a, b]`, or one `- a` a line");
        None
    }

    /// Text for people: any scalar that holds something. Numbers and dates are taken as they are written.
    pub fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        match node.scalar() {
            Some(scalar) if !scalar.is_null() => {
                let text = scalar.text.trim();
                if text.is_empty() {
                    self.error("null-value", node.mark, format!("{what} is empty"), "write it out");
                    return None;
                }
                if text.chars().any(|c| (c.is_control() && c != '\n' && c != '\t') || is_steering(c)) {
                    let message = format!("{what} holds a character that steers terminals instead of being read");
                    self.error("control-character", node.mark, message, "write it in printable characters");
                    return None;
                }
                Some(text.to_owned())
            }
            _ => {
                self.wrong(node, &format!("{what} is text"), "write text, in quotes where it holds `: ` or ` #`");
                None
            }
        }
    }

    /// A word with a meaning (a name, a kind): the scalar's text as it stands.
    pub fn word<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match node.scalar() {
            Some(scalar) if !scalar.is_null() && !scalar.text.is_empty() => Some(&scalar.text),
            _ => {
                self.wrong(node, &format!("{what} is a word"), "write one word");
                None
            }
        }
    }

    /// One of a few words.
    pub fn one_of<'k>(&mut self, node: &Node, what: &str, known: &[&'k str]) -> Option<&'k str> {
        let word = self.word(node, what)?;
        let found = known.iter().find(|k| **k == word).copied();
        if found.is_none() {
            let help = match near(word, known.iter().copied()).as_slice() {
                [] => format!("write one of {}", listed(known)),
                names => format!("did you mean {}?", alternatives(names)),
            };
            self.error("unknown-value", node.mark, format!("{what} cannot be `{}`", clip(word)), help);
        }
        found
    }

    /// A whole number within bounds, both included.
    pub fn integer(&mut self, node: &Node, what: &str, low: i64, high: i64) -> Option<i64> {
        let scalar = node.scalar().filter(|s| s.reading() == Reading::Integer);
        let Some(scalar) = scalar else {
            self.wrong(node, &format!("{what} is a whole number"), "write it in digits, without quotes");
            return None;
        };
        match scalar.text.parse::<i64>() {
            Ok(value) if (low..=high).contains(&value) => Some(value),
            _ => {
                let help = if high == i64::MAX || high == i64::from(u32::MAX) {
                    format!("write {low} or more")
                } else {
                    format!("write {low} to {high}")
                };
                self.error("out-of-range", node.mark, format!("{what} is out of range"), help);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, node: &Node, what: &str) -> Option<bool> {
        match node.scalar().map(super::Scalar::reading) {
            Some(Reading::Bool(value)) => Some(value),
            _ => {
                self.wrong(node, &format!("{what} is true or false"), "write true or false, without quotes");
                None
            }
        }
    }

    /// A day: `2019-11-22`, plain or quoted.
    pub fn date(&mut self, node: &Node, what: &str) -> Option<Date> {
        let Some(scalar) = node.scalar().filter(|s| !s.is_null()) else {
            self.wrong(node, &format!("{what} is a date"), "write it like 2019-11-22");
            return None;
        };
        let date = parse_date(&scalar.text);
        if date.is_none() {
            let message = format!("{what} is not a date of the calendar");
            self.error("wrong-type", node.mark, message, "write it like 2019-11-22");
        }
        date
    }
}

/// Characters that are not seen and change how others are: directions, joiners, marks of byte order.
pub(crate) fn is_steering(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Reads `2019-11-22` and nothing else.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    let b = text.as_bytes();
    let shaped = b.len() == 10
        && b.iter().enumerate().all(|(i, c)| if matches!(i, 4 | 7) { *c == b'-' } else { c.is_ascii_digit() });
    shaped.then(|| text.parse().ok())?
}

/// `` `a`, `b`, `c` ``.
pub(crate) fn listed(names: &[&str]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
}

/// `` `a`, `b` or `c` ``.
fn alternatives(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => format!("`{last}`"),
        Some((last, rest)) => format!("{} or `{last}`", listed(rest)),
        None => String::new(),
    }
}
