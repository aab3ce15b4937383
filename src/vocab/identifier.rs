//! Canonical text of an identifier, its shape, its check digit. DESIGN section 4.4, to the letter.

use std::borrow::Cow;

/// What an identifier comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Canonical<'a> {
    /// Null, empty or white space: it never links.
    Missing,
    /// It has not the shape of its kind: it never links.
    Malformed(Malformed),
    /// The text to hash.
    Text(Cow<'a, str>),
}

/// Why an identifier is malformed. There is one reason so far: its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Not the letters and digits of its kind, in their places.
    Shape,
}

/// Canonical text with the shape of its kind required: for linking.
#[must_use]
pub fn canonical_text<'a>(kind: &str, text: &'a str) -> Canonical<'a> {
    match canonical_unshaped(kind, text) {
        None => Canonical::Missing,
        Some(text) if has_shape(kind, &text) => Canonical::Text(text),
        Some(_) => Canonical::Malformed(Malformed::Shape),
    }
}

/// Canonical text of an integer with the shape of its kind required.
#[must_use]
pub fn canonical_integer(kind: &str, value: i128) -> Canonical<'static> {
    match canonical_text(kind, &value.to_string()) {
        Canonical::Text(text) => Canonical::Text(Cow::Owned(text.into_owned())),
        Canonical::Malformed(why) => Canonical::Malformed(why),
        Canonical::Missing => Canonical::Missing,
    }
}

/// Canonical text whatever its shape, `None` where missing: for `release: {pseudonymise: KIND}`.
#[must_use]
pub fn canonical_unshaped<'a>(kind: &str, text: &'a str) -> Option<Cow<'a, str>> {
    let bytes = text.as_bytes();
    // Nearly all begin and end with a letter or a digit.
    let bare = bytes.first().is_some_and(u8::is_ascii_graphic) && bytes.last().is_some_and(u8::is_ascii_graphic);
    let white = |c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
    let trimmed = if bare { text } else { text.trim_matches(white) };
    let text = match kind {
        "nino" | "upn" | "uln" | "husid" => {
            let plain = trimmed.bytes().all(|b| b.is_ascii() && b != b' ' && !b.is_ascii_lowercase());
            let folded =
                if plain { Cow::Borrowed(trimmed) } else { Cow::Owned(trimmed.to_uppercase().replace(' ', "")) };
            if kind == "nino" { first_characters(folded, 8) } else { folded }
        }
        _ => Cow::Borrowed(trimmed),
    };
    (!text.is_empty()).then_some(text)
}

fn first_characters(text: Cow<'_, str>, count: usize) -> Cow<'_, str> {
    match text.char_indices().nth(count) {
        None => text,
        Some((end, _)) => match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        },
    }
}

/// Whether canonical text has the shape of its kind. Kinds without a shape take any.
fn has_shape(kind: &str, text: &str) -> bool {
    let b = text.as_bytes();
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    match kind {
        "nino" => b.len() == 8 && b[..2].iter().all(u8::is_ascii_uppercase) && digits(&b[2..]),
        "upn" => {
            b.len() == 13
                && b[0].is_ascii_uppercase()
                && digits(&b[1..12])
                && (b[12].is_ascii_digit() || b[12].is_ascii_uppercase())
        }
        "uln" => b.len() == 10 && digits(b),
        "husid" => b.len() == 13 && digits(b),
        _ => true,
    }
}

/// Whether the check digit of a canonical, well-shaped identifier is right, or a NINO's prefix in use.
/// Such identifiers still link; they are counted. Kinds without a check are always valid.
#[must_use]
pub fn check_digit_is_valid(kind: &str, text: &str) -> bool {
    let b = text.as_bytes();
    if !has_shape(kind, text) {
        return false;
    }
    let digit = |i: usize| u32::from(b[i] - b'0');
    match kind {
        "nino" => {
            let (first, second) = (b[0], b[1]);
            let barred = |c: u8| matches!(c, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
            let unused = matches!(&b[..2], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ");
            !barred(first) && !barred(second) && second != b'O' && !unused
        }
        "upn" => {
            const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
            let value = |c: u8| {
                if c.is_ascii_digit() {
                    Some(u32::from(c - b'0'))
                } else {
                    LETTERS.iter().position(|l| *l == c).and_then(|p| u32::try_from(p).ok())
                }
            };
            let values: Option<Vec<u32>> = b[1..].iter().map(|c| value(*c)).collect();
            let Some(values) = values else { return false };
            let sum: u32 = values.iter().zip(2..).map(|(v, position)| v * position).sum();
            LETTERS[(sum % 23) as usize] == b[0]
        }
        "uln" => {
            b[0] != b'0' && (0..10).map(|i| digit(i) * (10 - u32::try_from(i).unwrap_or(0))).sum::<u32>() % 11 == 10
        }
        "husid" => {
            let sum: u32 = (0..12).map(|i| digit(i) * [1, 3, 7, 9][i % 4]).sum();
            (10 - sum % 10) % 10 == digit(12)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_text_is_what_the_contract_says() {
        let text = |kind, raw| match canonical_text(kind, raw) {
            Canonical::Text(t) => Some(t.into_owned()),
            _ => None,
        };
        assert_eq!(text("nino", " qq 12 34 56 c "), Some("QQ123456".into()));
        assert_eq!(text("pmr", "\x0b aBc \x0c"), Some("aBc".into()));
        assert_eq!(canonical_text("pmr", " \t"), Canonical::Missing);
        assert_eq!(canonical_text("uln", "12345"), Canonical::Malformed(Malformed::Shape));
        assert_eq!(text("upn", "b801200005001"), Some("B801200005001".into()));
        assert_eq!(canonical_integer("ae_id", -5), Canonical::Text("-5".into()));
        assert_eq!(canonical_unshaped("nino", "short"), Some("SHORT".into()));
    }

    #[test]
    fn check_digits_of_published_examples() {
        assert!(check_digit_is_valid("upn", "B801200005001"));
        assert!(!check_digit_is_valid("upn", "Q207000016049"));
        assert!(check_digit_is_valid("uln", "9276308686"));
        assert!(!check_digit_is_valid("nino", "QQ123456"));
        assert!(check_digit_is_valid("nino", "AB123456"));
    }
}
