//! Scalars: their text as written, and what plain text means. YAML 1.1 and 1.2 disagree on some; those are doubtful.

/// A scalar: its text, and whether it was plain (neither quoted nor a block).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text as written, escapes of quoted text resolved.
    pub text: String,
    /// Neither quoted nor a block.
    pub plain: bool,
}

/// How a scalar reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Plain nothing, `~`, `null`.
    Null,
    /// Plain `true` or `false`.
    Bool(bool),
    /// A plain whole number in decimal, without leading zeros.
    Integer,
    /// A plain number with a point or an exponent.
    Number,
    /// A plain `2010-01-31`.
    Date,
    /// Plain text that some YAML readers take for something else: `no`, `010`, `1_000`, `12:30`, `.inf`.
    Doubtful,
    /// Text: quoted, or plain and nothing else.
    Text,
}

impl Scalar {
    /// How the scalar reads.
    #[must_use]
    pub fn reading(&self) -> Reading {
        if self.plain { plain_reading(&self.text) } else { Reading::Text }
    }

    /// Whether it is a plain null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.reading() == Reading::Null
    }

    /// What a person would call it.
    #[must_use]
    pub fn in_words(&self) -> &'static str {
        match self.reading() {
            Reading::Null => "nothing",
            Reading::Bool(_) => "true or false",
            Reading::Integer => "a whole number",
            Reading::Number => "a number",
            Reading::Date => "a date",
            Reading::Doubtful => "doubtful plain text",
            Reading::Text => "text",
        }
    }
}

fn plain_reading(text: &str) -> Reading {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Reading::Null,
        "true" | "True" | "TRUE" => return Reading::Bool(true),
        "false" | "False" | "FALSE" => return Reading::Bool(false),
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "on" | "On" | "ON" | "off" | "Off" | "OFF" | "=" | "<<" => {
            return Reading::Doubtful;
        }
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let first = unsigned.as_bytes().first().copied().unwrap_or(b'x');
    if !(first.is_ascii_digit() || first == b'.') {
        return Reading::Text;
    }
    if is_date(text) {
        return Reading::Date;
    }
    if digits(unsigned) {
        return if unsigned.len() > 1 && first == b'0' { Reading::Doubtful } else { Reading::Integer };
    }
    if is_number(unsigned) {
        return Reading::Number;
    }
    if looks_otherwise(unsigned) || looks_like_a_time_stamp(text) { Reading::Doubtful } else { Reading::Text }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `1.5`, `1.`, `.5`, `1e3`, `1.5e-3`; a sign is already gone.
fn is_number(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let exponent_fits = exponent.is_none_or(|e| digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let parts_fit = (whole.is_empty() || digits(whole)) && (fraction.is_empty() || digits(fraction));
    exponent_fits && parts_fit && !(whole.is_empty() && fraction.is_empty())
}

/// `2010-01-31`, by shape alone.
fn is_date(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() == 10 && b.iter().enumerate().all(|(i, c)| if matches!(i, 4 | 7) { *c == b'-' } else { c.is_ascii_digit() })
}

/// Octal, hexadecimal, binary, digits with underscores or colons, `.inf`, `.nan`.
fn looks_otherwise(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), ".inf" | ".nan") {
        return true;
    }
    let prefixed = ["0x", "0o", "0b"].iter().any(|prefix| {
        lower
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_'))
    });
    let numeric = lower.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'_' | b':' | b'.'));
    prefixed || (numeric && lower.bytes().any(|b| b.is_ascii_digit()))
}

/// `2010-1-1`, `2010-01-01 10:00:00`, `2010-01-01T10:00:00Z`: what YAML 1.1 takes for a time stamp.
fn looks_like_a_time_stamp(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let day: &str = rest.split(['T', 't', ' ', '\t']).next().unwrap_or("");
    year.len() == 4 && digits(year) && (1..=2).contains(&month.len()) && digits(month) && day.len() <= 2 && digits(day)
}

/// Text as a YAML scalar that reads back as that text: plain where no reader can mistake it, else in double quotes.
#[must_use]
pub fn quote(text: &str) -> String {
    let safe_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '(' | ')' | ' ' | '+');
    let starts = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    let plain = starts && !text.ends_with(' ') && text.chars().all(safe_char);
    if plain && plain_reading(text) == Reading::Text {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_reads_as_people_and_other_parsers_read_it() {
        for (text, want) in [
            ("", Reading::Null),
            ("~", Reading::Null),
            ("true", Reading::Bool(true)),
            ("FALSE", Reading::Bool(false)),
            ("0", Reading::Integer),
            ("-12", Reading::Integer),
            ("007", Reading::Doubtful),
            ("1.50", Reading::Number),
            (".5", Reading::Number),
            ("1e3", Reading::Number),
            ("2010-01-01", Reading::Date),
            ("2010-1-1", Reading::Doubtful),
            ("2010-01-01T10:00:00Z", Reading::Doubtful),
            ("2023-03", Reading::Text),
            ("2012/2013", Reading::Text),
            ("2012/2013..2014/2015", Reading::Text),
            ("N", Reading::Text),
            ("no", Reading::Doubtful),
            ("1_000", Reading::Doubtful),
            ("1_NON", Reading::Text),
            ("12:30", Reading::Doubtful),
            ("0x1F", Reading::Doubtful),
            (".nan", Reading::Doubtful),
            ("10..20", Reading::Doubtful),
            ("E1", Reading::Text),
            ("-", Reading::Text),
        ] {
            assert_eq!(Scalar { text: text.into(), plain: true }.reading(), want, "{text}");
        }
        assert_eq!(Scalar { text: "1".into(), plain: false }.reading(), Reading::Text);
    }

    #[test]
    fn quoted_text_reads_back() {
        for text in ["plain", "1", "no", "a: b", "it's", "\"q\"", "", " x", "a\nb\u{7}", "x #y", "- a", "é", "{a}", "~"]
        {
            let document = format!("k: {}\n", quote(text));
            let (node, findings) = crate::yaml::parse("t.yaml", &document);
            assert!(findings.is_empty(), "{document} {findings:?}");
            assert_eq!(node.unwrap().get("k").unwrap().scalar().unwrap().text, text);
        }
        assert_eq!(quote("plain words"), "plain words");
    }
}
