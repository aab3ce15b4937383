//! Words that several documents share: years, terms, kinds, element names, releases, ranges.

use super::decode::parse_date;
use super::parse::clip;
use super::{Content, Decoder, Mark, Node, Reading, Scalar};
use crate::vocab::{Decimal, Edge, ElementName, Kind, Release, Term, Truncate, Type, Value, Years};
use std::collections::BTreeSet;

const YEARS_HELP: &str = "write a year like 2012/2013, a range like 2001/2002..2011/2012, or a list of both";

impl Decoder {
    /// Years: a year, a range, or a list of both. Never empty.
    pub fn years(&mut self, node: &Node) -> Option<Years> {
        match &node.content {
            Content::Scalar(scalar) if !scalar.is_null() => {
                let years = Years::parse(&scalar.text);
                if years.is_none() {
                    let message = format!("`{}` is neither a year nor a range of years", clip(&scalar.text));
                    self.error("years-malformed", node.mark, message, YEARS_HELP);
                }
                years
            }
            Content::List(items) if items.is_empty() => {
                self.error("years-malformed", node.mark, "the list of years is empty", YEARS_HELP);
                None
            }
            Content::List(items) => {
                let mut all = Some(Years::default());
                for item in items {
                    if !matches!(item.content, Content::Scalar(_)) {
                        self.wrong(item, "each of the years is a year or a range", YEARS_HELP);
                        all = None;
                        continue;
                    }
                    let part = self.years(item);
                    if let (Some(have), Some(part)) = (&all, &part)
                        && let Some(first) = have.intersection(part).iter().next()
                    {
                        let message = format!("{first} is named twice in one list of years");
                        self.error("duplicate-value", item.mark, message, "name each year once");
                    }
                    all = match (all, part) {
                        (Some(mut all), Some(part)) => {
                            all.extend(&part);
                            Some(all)
                        }
                        _ => None,
                    };
                }
                all
            }
            _ => {
                self.wrong(node, "years are text or a list", YEARS_HELP);
                None
            }
        }
    }

    /// Terms in the order of a school year, each once. Never empty.
    pub fn terms(&mut self, node: &Node) -> Option<Vec<Term>> {
        let items = self.list(node, "terms")?;
        if items.is_empty() {
            self.error("out-of-range", node.mark, "the list of terms is empty", "name a term, or leave `terms` out");
            return None;
        }
        let mut terms = Vec::new();
        let mut whole = true;
        for item in items {
            match self.one_of(item, "a term", &["autumn", "spring", "summer"]).and_then(Term::parse) {
                None => whole = false,
                Some(term) if terms.contains(&term) => {
                    self.error("duplicate-value", item.mark, format!("{term} is named twice"), "name each term once");
                }
                Some(term) => terms.push(term),
            }
        }
        terms.sort_unstable();
        whole.then_some(terms)
    }

    /// An identifier kind.
    pub fn kind(&mut self, node: &Node) -> Option<Kind> {
        let word = self.word(node, "a kind")?;
        let kind = Kind::new(word);
        if kind.is_none() {
            let message = format!("`{}` cannot be a kind of identifier", clip(word));
            self.error("name-malformed", node.mark, message, "lower-case letters, digits and `_`, a letter first");
        }
        kind
    }

    /// An element's name.
    pub fn element_name(&mut self, node: &Node) -> Option<ElementName> {
        let word = self.word(node, "an element")?;
        let name = ElementName::new(word);
        if name.is_none() {
            let message = format!("`{}` cannot be the name of an element", clip(word));
            let help = "write `dataset.name` in lower-case letters, digits and `_`, like npd.ks4";
            self.error("name-malformed", node.mark, message, help);
        }
        name
    }

    /// A list of words, each once.
    pub fn words(&mut self, node: &Node, what: &str) -> Option<Vec<(String, Mark)>> {
        let items = self.list(node, what)?;
        let mut words: Vec<(String, Mark)> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for item in items {
            let Some(word) = self.word(item, &format!("each of {what}")) else { continue };
            if !seen.insert(word) {
                let message = format!("`{}` is named twice", clip(word));
                self.error("duplicate-value", item.mark, message, "name each once");
            } else {
                words.push((word.to_owned(), item.mark));
            }
        }
        Some(words)
    }

    /// A form of release.
    pub fn release(&mut self, node: &Node) -> Option<Release> {
        const HELP: &str = "write as_is, never, or one of {pseudonymise: KIND}, {truncate: month|quarter|year}, \
                            {prefix: N}, {round: N}, {top_code: N}, {bottom_code: N}, {bands: [a, b]}";
        let pairs = match &node.content {
            Content::Scalar(scalar) if scalar.text == "as_is" => return Some(Release::AsIs),
            Content::Scalar(scalar) if scalar.text == "never" => return Some(Release::Never),
            Content::Map(pairs) => pairs,
            Content::Scalar(scalar) if !scalar.is_null() => {
                let message = format!("`{}` is no form of release", clip(&scalar.text));
                self.error("release-malformed", node.mark, message, HELP);
                return None;
            }
            _ => {
                self.wrong(node, "a release is a word or a map", HELP);
                return None;
            }
        };
        let [(key, value)] = pairs.as_slice() else {
            self.error("release-malformed", node.mark, "a release has exactly one form", HELP);
            return None;
        };
        match key.text.as_str() {
            "pseudonymise" => {
                let kind = self.kind(value)?;
                if kind.as_str() == "person" {
                    // The domain of `person_id` itself: a pseudonym of that name could meet it.
                    self.error("name-malformed", value.mark, "the kind `person` is reserved", "name another kind");
                    return None;
                }
                Some(Release::Pseudonymise(kind))
            }
            "truncate" => match self.one_of(value, "truncate", &["month", "quarter", "year"])? {
                "month" => Some(Release::Truncate(Truncate::Month)),
                "quarter" => Some(Release::Truncate(Truncate::Quarter)),
                _ => Some(Release::Truncate(Truncate::Year)),
            },
            "prefix" => {
                let n = self.integer(value, "prefix", 1, 1_000)?;
                u32::try_from(n).ok().map(Release::Prefix)
            }
            "round" => {
                let n = self.number(value, "round")?;
                if n.unscaled <= 0 {
                    self.error("out-of-range", value.mark, "round takes a number above 0", "write it like 0.05 or 100");
                    return None;
                }
                Some(Release::Round(n))
            }
            "top_code" => self.number(value, "top_code").map(Release::TopCode),
            "bottom_code" => self.number(value, "bottom_code").map(Release::BottomCode),
            "bands" => self.bands(value),
            _ => {
                let known = ["pseudonymise", "truncate", "prefix", "round", "top_code", "bottom_code", "bands"];
                self.unknown("release-malformed", key.mark, "the form of release", &key.text, known);
                None
            }
        }
    }

    fn bands(&mut self, node: &Node) -> Option<Release> {
        let items = self.list(node, "bands")?;
        let mut edges: Vec<Edge> = Vec::new();
        for item in items {
            self.number(item, "an edge of bands")?;
            let edge = Edge::parse(&item.scalar()?.text)?;
            if edges.last().is_some_and(|last| {
                last.value.compare_scaled(edge.value.unscaled, edge.value.scale) != std::cmp::Ordering::Greater
            }) {
                self.error("out-of-range", item.mark, "the edges of bands must rise", "order them from low to high");
                return None;
            }
            edges.push(edge);
        }
        if edges.is_empty() {
            self.error("out-of-range", node.mark, "bands need an edge", "write them like [10, 20]");
            return None;
        }
        Some(Release::Bands(edges))
    }

    /// A number, exact.
    pub fn number(&mut self, node: &Node, what: &str) -> Option<Decimal> {
        let reading = node.scalar().map(Scalar::reading);
        if !matches!(reading, Some(Reading::Integer | Reading::Number)) {
            self.wrong(node, &format!("{what} takes a number"), "write it in digits, without quotes");
            return None;
        }
        let number = node.scalar().and_then(|s| Decimal::parse(&s.text));
        if number.is_none() {
            self.error("out-of-range", node.mark, format!("{what} is out of range"), "write a number of fewer digits");
        }
        number
    }

    /// A value of a variable's type, as a condition names it.
    pub fn value(&mut self, node: &Node, of: Type, variable: &str) -> Option<Value> {
        let Some(scalar) = node.scalar().filter(|s| !s.is_null()) else {
            self.wrong(node, &format!("`{variable}` is compared with one value"), "write one value, or use `in`");
            return None;
        };
        let reading = scalar.reading();
        let number = matches!(reading, Reading::Integer | Reading::Number);
        let value = match of {
            Type::Bool => match reading {
                Reading::Bool(value) => Some(Value::Bool(value)),
                _ => None,
            },
            Type::Int8 | Type::Int16 | Type::Int32 | Type::Int64 if reading == Reading::Integer => {
                scalar.text.parse().ok().map(Value::Int)
            }
            Type::Float32 | Type::Float64 if number => {
                scalar.text.parse::<f64>().ok().filter(|v| v.is_finite()).map(Value::Float)
            }
            Type::Decimal { .. } if number => Decimal::parse(&scalar.text).map(Value::Decimal),
            Type::Text if reading == Reading::Text => Some(Value::Text(scalar.text.clone())),
            Type::Date | Type::Timestamp => parse_date(&scalar.text).and_then(days_since_1970).map(Value::Date),
            _ => None,
        };
        if value.is_none() {
            let (code, help) = match of {
                Type::Text if reading == Reading::Doubtful => ("ambiguous-text", "put it in quotes"),
                Type::Text => ("wrong-type", "put it in quotes, so that it is text"),
                Type::Date | Type::Timestamp => ("wrong-type", "write a date like 2010-08-31"),
                Type::Bool => ("wrong-type", "write true or false, without quotes"),
                _ if of.is_integer() => ("wrong-type", "write a whole number in digits, without quotes"),
                _ => ("wrong-type", "write a number in digits, without quotes"),
            };
            let message = format!("`{variable}` is of type {of}, and here is {}", scalar.in_words());
            self.error(code, node.mark, message, help);
        }
        value
    }

    /// A range `low..high` of numbers, both included, the low not above the high.
    pub fn range(&mut self, node: &Node, what: &str) -> Option<(Decimal, Decimal)> {
        let Some(scalar) = node.scalar().filter(|s| !s.is_null()) else {
            self.wrong(node, &format!("{what} is a range"), "write it like 0.85..1.0");
            return None;
        };
        let range = scalar.text.split_once("..").and_then(|(low, high)| {
            let (low, high) = (Decimal::parse(low.trim())?, Decimal::parse(high.trim())?);
            (low.compare_scaled(high.unscaled, high.scale) != std::cmp::Ordering::Less).then_some((low, high))
        });
        if range.is_none() {
            let message = format!("{what} is a range from a number to one no smaller");
            self.error("wrong-type", node.mark, message, "write it like 500000..620000 or 0.85..1.0");
        }
        range
    }
}

/// Days since 1970-01-01.
fn days_since_1970(date: jiff::civil::Date) -> Option<i32> {
    let span = jiff::civil::date(1970, 1, 1).until((jiff::Unit::Day, date)).ok()?;
    Some(span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn decode<T>(text: &str, read: impl Fn(&mut Decoder, &Node) -> Option<T>) -> Result<T, &'static str> {
        let (node, findings) = parse("t.yaml", text);
        assert!(findings.is_empty(), "{findings:?}");
        let mut decoder = Decoder::new("t.yaml");
        let value = read(&mut decoder, &node.unwrap());
        match (value, decoder.into_findings().first()) {
            (Some(value), None) => Ok(value),
            (_, Some(finding)) => Err(finding.code),
            (None, None) => panic!("no value and no finding for {text}"),
        }
    }

    #[test]
    fn years_are_a_year_a_range_or_a_list_of_both() {
        let years = |text: &str| decode(text, |d, n| d.years(n)).map(|y| y.to_string());
        assert_eq!(years("2010/2011"), Ok("2010/2011".into()));
        assert_eq!(years("[2009/2010, 2011/2012..2012/2013]"), Ok("2009/2010, 2011/2012..2012/2013".into()));
        for (text, code) in [
            ("2010", "years-malformed"),
            ("2010/11", "years-malformed"),
            ("2012/2013..2010/2011", "years-malformed"),
            ("[]", "years-malformed"),
            ("~", "null-value"),
            ("[[2010/2011]]", "wrong-type"),
            ("{a: 1}", "wrong-type"),
            ("[2010/2011, 2009/2010..2011/2012]", "duplicate-value"),
        ] {
            assert_eq!(years(text), Err(code), "{text}");
        }
    }

    #[test]
    fn releases_read() {
        let release = |text: &str| decode(text, |d, n| d.release(n)).map(|r| r.to_string());
        for (text, shown) in [
            ("as_is", "as_is"),
            ("{pseudonymise: laestab}", "pseudonymise: laestab"),
            ("{truncate: quarter}", "truncate: quarter"),
            ("{round: 0.05}", "round: 0.05"),
            ("{bands: [10, 20.5]}", "bands: [10, 20.5]"),
            ("{bottom_code: -1}", "bottom_code: -1"),
        ] {
            assert_eq!(release(text).as_deref(), Ok(shown));
        }
        for (text, code) in [
            ("exact", "release-malformed"),
            ("{}", "release-malformed"),
            ("{round: 1, prefix: 2}", "release-malformed"),
            ("{rond: 1}", "release-malformed"),
            ("{round: 0}", "out-of-range"),
            ("{round: \"1\"}", "wrong-type"),
            ("{prefix: 0}", "out-of-range"),
            ("{prefix: 1.5}", "wrong-type"),
            ("{truncate: day}", "unknown-value"),
            ("{bands: [2, 1]}", "out-of-range"),
            ("{bands: [1, 1.0]}", "out-of-range"),
            ("{bands: []}", "out-of-range"),
            ("{pseudonymise: LAESTAB}", "name-malformed"),
        ] {
            assert_eq!(release(text).err(), Some(code), "{text}");
        }
    }

    #[test]
    fn values_take_their_variables_type() {
        let value = |text: &str, of: &str| decode(text, |d, n| d.value(n, Type::parse(of).unwrap(), "V"));
        assert_eq!(value("1", "int8"), Ok(Value::Int(1)));
        assert_eq!(value("N", "string"), Ok(Value::Text("N".into())));
        assert_eq!(value("\"1\"", "string"), Ok(Value::Text("1".into())));
        assert_eq!(value("0.1", "float64"), Ok(Value::Float(0.1)));
        assert_eq!(value("2", "float32"), Ok(Value::Float(2.0)));
        assert_eq!(value("1970-01-03", "date"), Ok(Value::Date(2)));
        assert_eq!(value("\"1969-12-31\"", "timestamp"), Ok(Value::Date(-1)));
        assert_eq!(value("true", "bool"), Ok(Value::Bool(true)));
        for (text, of, code) in [
            ("1", "string", "wrong-type"),
            ("no", "string", "ambiguous-text"),
            ("\"1\"", "int8", "wrong-type"),
            ("1.0", "int8", "wrong-type"),
            ("99999999999999999999", "int64", "wrong-type"),
            ("2010-02-30", "date", "wrong-type"),
            ("1", "bool", "wrong-type"),
            ("[1]", "int8", "wrong-type"),
            ("~", "string", "null-value"),
        ] {
            assert_eq!(value(text, of), Err(code), "{text} as {of}");
        }
    }
}
