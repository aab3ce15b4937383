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
        Some(text) if Shape::of(kind).holds(text.as_bytes()) => Canonical::Text(text),
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
    let white = |c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
    let trimmed = if is_bare(text.as_bytes()) { text } else { text.trim_matches(white) };
    let text = match Shape::of(kind) {
        Shape::Any => Cow::Borrowed(trimmed),
        shape => {
            let plain = trimmed.bytes().all(|b| b.is_ascii() && b != b' ' && !b.is_ascii_lowercase());
            let folded =
                if plain { Cow::Borrowed(trimmed) } else { Cow::Owned(trimmed.to_uppercase().replace(' ', "")) };
            if shape == Shape::Nino { first_characters(folded, 8) } else { folded }
        }
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

/// What identifiers of a kind look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Two letters and six digits.
    Nino,
    /// A letter, eleven digits, a letter or digit.
    Upn,
    /// Ten digits.
    Uln,
    /// Thirteen digits.
    Husid,
    /// Whatever is no white space: kinds without a shape take any.
    Any,
}

impl Shape {
    /// The shape of a kind.
    #[must_use]
    pub fn of(kind: &str) -> Self {
        match kind {
            "nino" => Self::Nino,
            "upn" => Self::Upn,
            "uln" => Self::Uln,
            "husid" => Self::Husid,
            _ => Self::Any,
        }
    }

    /// The canonical text within an identifier that stands there as it should, as nearly all do, and whether its check digit is
    /// right. `None` says nothing: [`canonical_text`] must be asked.
    #[inline]
    #[must_use]
    pub fn within(self, text: &str) -> Option<(&[u8], bool)> {
        let text = match self {
            // What comes behind eight characters is left out.
            Self::Nino => text.as_bytes().get(..8)?,
            _ => text.as_bytes(),
        };
        let fits = match self {
            Self::Any => is_bare(text),
            _ => self.holds(text),
        };
        fits.then(|| (text, self.is_checked(text)))
    }

    /// Whether canonical text has the shape.
    #[inline]
    fn holds(self, text: &[u8]) -> bool {
        // All are looked at, without a branch for each.
        let digits = |part: &[u8]| part.iter().fold(true, |all, c| all & c.is_ascii_digit());
        let capitals = |part: &[u8]| part.iter().fold(true, |all, c| all & c.is_ascii_uppercase());
        match self {
            Self::Nino => text.as_array::<8>().is_some_and(|b| capitals(&b[..2]) & digits(&b[2..])),
            Self::Upn => text
                .as_array::<13>()
                .is_some_and(|b| capitals(&b[..1]) & digits(&b[1..12]) & (digits(&b[12..]) | capitals(&b[12..]))),
            Self::Uln => text.as_array::<10>().is_some_and(|b| digits(b)),
            Self::Husid => text.as_array::<13>().is_some_and(|b| digits(b)),
            Self::Any => true,
        }
    }

    /// Whether the check digit of text of the shape is right, or a NINO's prefix in use. Kinds without a check are always right.
    #[inline]
    fn is_checked(self, b: &[u8]) -> bool {
        let digit = |i: usize| u32::from(b[i].wrapping_sub(b'0'));
        match self {
            Self::Nino => {
                let (first, second) = (b[0], b[1]);
                let barred = |c: u8| matches!(c, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
                let unused = matches!(&b[..2], b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ");
                !barred(first) && !barred(second) && second != b'O' && !unused
            }
            Self::Upn => {
                const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";
                let letter = || LETTERS.iter().position(|l| *l == b[12]).and_then(|at| u32::try_from(at).ok());
                let Some(last) = b[12].is_ascii_digit().then(|| digit(12)).or_else(letter) else { return false };
                let sum: u32 = (1..12).zip(2..).map(|(i, position)| digit(i) * position).sum();
                LETTERS[((sum + last * 13) % 23) as usize] == b[0]
            }
            Self::Uln => {
                b[0] != b'0' && (0..10).zip((1..=10).rev()).map(|(i, weight)| digit(i) * weight).sum::<u32>() % 11 == 10
            }
            Self::Husid => {
                let sum: u32 = (0..12).map(|i| digit(i) * [1, 3, 7, 9][i % 4]).sum();
                (10 - sum % 10) % 10 == digit(12)
            }
            Self::Any => true,
        }
    }
}

/// Whether text begins and ends with what is no white space.
#[inline]
fn is_bare(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_graphic) && text.last().is_some_and(u8::is_ascii_graphic)
}

/// Whether the check digit of a canonical, well-shaped identifier is right, or a NINO's prefix in use.
/// Such identifiers still link; they are counted. Kinds without a check are always valid.
#[must_use]
pub fn check_digit_is_valid(kind: &str, text: &str) -> bool {
    let (shape, text) = (Shape::of(kind), text.as_bytes());
    shape.holds(text) && shape.is_checked(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_stands_as_it_should_is_taken_as_all_else_would_be(
            kind in prop::sample::select(vec!["nino", "upn", "uln", "husid", "pmr"]),
            text in prop_oneof![
                "[A-Z]{2}[0-9]{6}[A-D]?", "[A-Z][0-9]{11}[0-9A-Z]", "[0-9]{10}", "[0-9]{13}", "[ \\tA-Za-z0-9é]{0,14}", ".{0,9}",
            ],
        ) {
            let whole = canonical_text(kind, &text);
            match (Shape::of(kind).within(&text), &whole) {
                (Some((taken, checked)), Canonical::Text(whole)) => {
                    prop_assert_eq!(taken, whole.as_bytes());
                    prop_assert_eq!(checked, check_digit_is_valid(kind, whole));
                }
                (Some(_), _) => prop_assert!(false, "taken, and does not link"),
                // Only what may have to be trimmed, folded or cut otherwise is left to the slow way.
                (None, Canonical::Text(whole)) => prop_assert!(*whole != text || !is_bare(text.as_bytes())),
                (None, _) => {}
            }
        }
    }

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
