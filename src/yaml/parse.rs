//! Text becomes a tree of nodes, within a budget: a bomb, a giant or a deep document ends early with a finding.

use super::{Content, Key, Mark, Node, Scalar, is_steering};
use crate::vocab::{Error, Finding, Findings, Place};
use serde_yaml::granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

/// The largest document, in bytes.
pub const BYTES_MAX: usize = 4 << 20;
/// The most nodes in a document.
pub const NODES_MAX: usize = 200_000;
/// The deepest nesting of a document.
pub const DEPTH_MAX: usize = 200;
/// After so many refused constructs the rest is not looked at.
const REFUSALS_MAX: usize = 50;

/// Reads the text of a document. A file that is not there ends as an input that is missing; one that is too large or
/// is no UTF-8 is a finding.
///
/// # Errors
/// [`Error::File`] where the file cannot be read, [`Error::Findings`] where it cannot be a document.
pub fn read_text(path: &Path, shown_as: &str) -> Result<String, Error> {
    // To open a pipe would wait for a writer, for ever.
    if std::fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
        let finding =
            Finding::error("document-unreadable", Place::file(shown_as), "it is a pipe, a device or the like");
        return Err(Error::finding(finding.help("name a file")));
    }
    let file = fs_err::File::open(path).map_err(|e| Error::reading("read", path, e))?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|e| Error::reading("read", path, e))?;
    if bytes.len() > BYTES_MAX {
        return Err(Error::finding(too_large(Place::file(shown_as))));
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::finding(
            Finding::error("document-unreadable", Place::file(shown_as), "the file is not text in UTF-8")
                .help("save it as UTF-8"),
        )
    })
}

fn too_large(at: Place) -> Finding {
    Finding::error("document-too-large", at, format!("the document is larger than {} MiB", BYTES_MAX >> 20))
        .help("no document of ours needs as much: is it the right file?")
}

/// Parses one document. `None` where the text is not YAML or holds no document; the findings then say why. A tree may
/// come with findings: what was refused in it is marked as such.
#[must_use]
pub fn parse(name: &str, text: &str) -> (Option<Node>, Findings) {
    if text.len() > BYTES_MAX {
        return (None, vec![too_large(Place::file(name))]);
    }
    let mut options = Options::default();
    options.emit_comments = false;
    options.disallow_directives = true;
    options.emit_unresolved_aliases = true;
    let mut builder =
        Builder { name, lines: None, text, open: Vec::new(), root: None, nodes: 0, documents: 0, findings: Vec::new() };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => {
                if !builder.event(event, span) {
                    return (None, builder.findings);
                }
            }
            Err(error) => {
                let finding = builder.syntax(&error);
                builder.findings.push(finding);
                return (None, builder.findings);
            }
        }
    }
    if builder.root.is_none() && builder.findings.is_empty() {
        let finding = Finding::error("document-empty", Place::file(name), "the file holds no document");
        builder.findings.push(finding.help("write the document, or take the file away"));
    }
    (builder.root, builder.findings)
}

/// A collection that is still open.
enum Open {
    List { mark: Mark, items: Vec<Node> },
    Map { mark: Mark, block: bool, pairs: Vec<(Key, Node)>, seen: HashMap<String, u32>, key: Option<PendingKey> },
}

/// A key whose value has not come yet. `None`: the key was refused, its value is dropped.
type PendingKey = Option<Key>;

struct Builder<'t> {
    name: &'t str,
    text: &'t str,
    lines: Option<Vec<u32>>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    findings: Findings,
}

impl Builder<'_> {
    /// Takes an event; `false` ends the parse.
    fn event(&mut self, event: Event<'_>, span: Span) -> bool {
        let mark = self.mark(span);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    self.refuse("several-documents", mark, "the file holds more than one document", "keep one a file");
                    return false;
                }
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse("alias", mark, "aliases are not allowed", "write the value out where it is used");
                self.place(Node { mark, content: Content::Refused });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let refused = self.properties(anchor, tag.is_some(), mark);
                let plain = style == ScalarStyle::Plain;
                let content =
                    if refused { Content::Refused } else { Content::Scalar(Scalar { text: text.into_owned(), plain }) };
                self.place(Node { mark, content });
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.properties(anchor, tag.is_some(), mark);
                self.open.push(Open::List { mark: Mark { length: 1, ..mark }, items: Vec::new() });
            }
            Event::MappingStart(style, anchor, tag) => {
                self.properties(anchor, tag.is_some(), mark);
                let block = style == serde_yaml::granit_parser::StructureStyle::Block;
                let mark = Mark { length: 1, ..mark };
                self.open.push(Open::Map { mark, block, pairs: Vec::new(), seen: HashMap::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { mark, items }) => self.place(Node { mark, content: Content::List(items) }),
                Some(Open::Map { mut mark, block, pairs, .. }) => {
                    if let (true, Some((first, _))) = (block, pairs.first()) {
                        mark = first.mark;
                    }
                    self.place(Node { mark, content: Content::Map(pairs) });
                }
                None => {}
            },
            _ => return true,
        }
        self.nodes += 1;
        if self.nodes > NODES_MAX || self.open.len() > DEPTH_MAX {
            let what = if self.open.len() > DEPTH_MAX { "nested too deeply" } else { "of too many parts" };
            let message = format!("the document is {what}");
            self.refuse("document-too-large", mark, &message, "no document of ours needs as much");
            return false;
        }
        self.findings.len() < REFUSALS_MAX
    }

    /// Refuses anchors and tags. Whether the node carried one.
    fn properties(&mut self, anchor: usize, tagged: bool, mark: Mark) -> bool {
        if anchor != 0 {
            self.refuse("alias", mark, "anchors are not allowed", "write the value out where it is used");
        }
        if tagged {
            self.refuse("tag", mark, "tags are not allowed", "leave the `!…` out; quote text that needs it");
        }
        anchor != 0 || tagged
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { pairs, seen, key, .. }) => match key.take() {
                Some(Some(pending)) => pairs.push((pending, node)),
                Some(None) => {}
                None => {
                    let mark = node.mark;
                    let text = match node.content {
                        Content::Scalar(scalar) if !scalar.is_null() => Some(scalar.text),
                        Content::Refused => {
                            *key = Some(None);
                            return;
                        }
                        _ => None,
                    };
                    let Some(text) = text else {
                        *key = Some(None);
                        self.refuse("key-not-text", mark, "a key must be text", "write `key: value`");
                        return;
                    };
                    if let Some(line) = seen.get(&text) {
                        let name = field_name(&text).unwrap_or_else(|| "this key".to_owned());
                        let message = format!("{name} stands a second time; first in line {line}");
                        *key = Some(None);
                        self.refuse("duplicate-key", mark, &message, "keep one of them");
                        return;
                    }
                    seen.insert(text.clone(), mark.line);
                    *key = Some(Some(Key { text, mark }));
                }
            },
        }
    }

    fn refuse(&mut self, code: &'static str, mark: Mark, message: &str, help: &str) {
        let at = Place { file: self.name.to_owned(), line: mark.line, column: mark.column, length: mark.length };
        self.findings.push(Finding::error(code, at, message).help(help));
    }

    /// The mark of a span: for one over several lines, what lies on the first.
    fn mark(&mut self, span: Span) -> Mark {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (line, column) = (small(span.start.line()), small(span.start.col()));
        let length = if span.end.line() == span.start.line() {
            small(span.end.col().saturating_sub(span.start.col()))
        } else {
            self.line_length(span.start.line()).saturating_sub(column)
        };
        Mark { line: line.max(1), column: column + 1, length: length.max(1) }
    }

    /// Characters of a line, from a table made when first needed.
    fn line_length(&mut self, line: usize) -> u32 {
        let text = self.text;
        let lines = self.lines.get_or_insert_with(|| {
            text.lines().map(|l| u32::try_from(l.chars().count()).unwrap_or(u32::MAX)).collect()
        });
        line.checked_sub(1).and_then(|i| lines.get(i)).copied().unwrap_or(0)
    }

    /// A syntax error in our words. The parser's own may quote the document, which may be a keyring.
    fn syntax(&self, error: &ScanError) -> Finding {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let at = Place {
            file: self.name.to_owned(),
            line: small(error.marker().line()).max(1),
            column: small(error.marker().col()) + 1,
            length: 1,
        };
        let (code, what, help) = in_our_words(error.kind());
        Finding::error(code, at, what).help(help)
    }
}

fn in_our_words(kind: &ErrorKind) -> (&'static str, &'static str, &'static str) {
    const SYNTAX: &str = "yaml-syntax";
    match kind {
        ErrorKind::RecursionLimitExceeded => {
            ("document-too-large", "the document is nested too deeply", "no document of ours needs as much")
        }
        ErrorKind::DirectiveDisallowed => {
            (SYNTAX, "directives are not allowed", "leave out the line that begins with `%`")
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            (SYNTAX, "a quotation mark is never closed", "close it, or double a `'` inside single quotes")
        }
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::MisplacedFlowCollectionEnd => (
            SYNTAX,
            "a bracket or brace does not match, or a comma is missing",
            "check every `[`, `]`, `{`, `}` and `,` up to here; quote text that holds one of them",
        ),
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => (SYNTAX, "a tab stands where only spaces may", "indent with spaces"),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent => (
            SYNTAX,
            "the indentation does not fit what stands above",
            "line up the keys of one map, and the `-` of a list",
        ),
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::InvalidMappingValueWhitespace => {
            (SYNTAX, "a key and its value cannot stand here", "check the indentation; quote text that holds `: `")
        }
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape => {
            (SYNTAX, "an escape in a quoted text is not known", "double the backslash, or use single quotes")
        }
        _ => (SYNTAX, "the text is not YAML here", "check the line and the one above it"),
    }
}

/// A key of a map as it may be shown. A long one that is no plain word could be a piece of a secret: a keyring can be
/// given as any document by mistake, and in one that was spoilt a secret may stand anywhere.
pub(super) fn field_name(text: &str) -> Option<String> {
    const SHORT: usize = 20;
    let word = |word: &str| word.len() < SHORT && word.chars().all(|c| c.is_ascii_lowercase());
    let plain = text.len() < SHORT || text.split('_').all(word);
    plain.then(|| format!("`{}`", clip(text)))
}

/// A name from a document, short enough to show and without control characters.
pub(crate) fn clip(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() || is_steering(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[(&str, u32, u32)]) {
        let (_, findings) = parse("t.yaml", text);
        let have: Vec<_> = findings.iter().map(|f| (f.code, f.at.line, f.at.column)).collect();
        assert_eq!(have, want, "{text}");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        check("a: 1\nb: 2\n", &[]);
        check("a: 1\nb: 2\na: 3\n", &[("duplicate-key", 3, 1)]);
        check("a: {b: 1, b: 2}\n", &[("duplicate-key", 1, 11)]);
        check("a: &x 1\nb: *x\n", &[("alias", 1, 7), ("alias", 2, 4)]);
        check("a: *x\n", &[("alias", 1, 4)]);
        check("a: !!str 1\n", &[("tag", 1, 10)]);
        check("a: 1\n---\nb: 2\n", &[("several-documents", 2, 1)]);
        check("", &[("document-empty", 0, 0)]);
        check("# only a comment\n", &[("document-empty", 0, 0)]);
        check("? [a]\n: 1\n", &[("key-not-text", 1, 3)]);
        check("%YAML 1.1\n---\na: 1\n", &[("yaml-syntax", 1, 1)]);
    }

    #[test]
    fn syntax_errors_are_told_in_our_words() {
        for text in [
            "a: [1, 2\n",
            "a: {b: 1\n",
            "a: \"x\n",
            "a: b: c\n",
            "a:\n\t- b\n",
            "a: 1\n b: 2\n",
            "a: ]\n",
            "- a\nb: 1\n",
            "a: \"\\q\"\n",
        ] {
            let (node, findings) = parse("t.yaml", text);
            assert!(node.is_none(), "{text}");
            assert_eq!(findings.len(), 1, "{text}");
            assert_eq!(findings[0].code, "yaml-syntax", "{text}");
            assert!(findings[0].at.line >= 1 && findings[0].at.column >= 1, "{text}");
        }
    }

    #[test]
    fn bombs_end_early() {
        let mut bomb = String::from("a0: &a0 [x]\n");
        for i in 1..400 {
            bomb.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1));
        }
        let (_, findings) = parse("t.yaml", &bomb);
        assert!(findings.iter().all(|f| f.code == "alias") && findings.len() <= REFUSALS_MAX + 1);
        assert_eq!(parse("t.yaml", &"[".repeat(5000)).1[0].code, "document-too-large");
        assert_eq!(parse("t.yaml", &format!("a: [{}]", "1,".repeat(NODES_MAX))).1[0].code, "document-too-large");
        assert_eq!(parse("t.yaml", &"a".repeat(BYTES_MAX + 1)).1[0].code, "document-too-large");
    }

    #[test]
    fn marks_count_characters() {
        let (node, _) = parse("t.yaml", "é: {ü: \"x y\"}\nlist:\n  - name: 'z'\n    b: 007\n");
        let node = node.unwrap();
        let inner = node.get("é").unwrap().get("ü").unwrap();
        assert_eq!(inner.mark, Mark { line: 1, column: 8, length: 5 });
        let Content::List(items) = &node.get("list").unwrap().content else { panic!() };
        assert_eq!(items[0].mark, Mark { line: 3, column: 5, length: 4 });
        assert_eq!(items[0].get("b").unwrap().scalar().unwrap().text, "007");
    }
}
