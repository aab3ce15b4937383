//! The variables of an element.

use super::{Period, Variable, Was, column};
use crate::vocab::{Decimal, Release, Type, Years};
use crate::yaml::{Content, Decoder, Mark, Node, clip};
use std::collections::BTreeSet;

const FIELDS: [&str; 11] = [
    "name",
    "label",
    "type",
    "years",
    "identifiability",
    "sensitivity",
    "selection",
    "codes",
    "tags",
    "release",
    "was",
];

/// What the variables need to know of their element.
pub(super) struct Context<'e> {
    pub(super) coverage: &'e Years,
    /// `None` where the period could not be read.
    pub(super) period: Option<&'e Period>,
    pub(super) terms: bool,
}

impl Context<'_> {
    /// Whether rows lie in years, so that a variable's own years mean something.
    pub(super) fn has_years(&self) -> bool {
        self.period.is_none_or(|p| p.year_kind().is_some())
    }
}

/// A variable and where its name stands.
pub(super) struct Parsed {
    pub(super) variable: Variable,
    pub(super) mark: Mark,
}

/// Reads all variables; one that cannot be read is left out.
pub(super) fn decode_all(decoder: &mut Decoder, node: &Node, context: &Context<'_>) -> Vec<Parsed> {
    let Some(items) = decoder.list(node, "variables") else { return Vec::new() };
    if items.is_empty() {
        decoder.error("no-variables", node.mark, "the element has no variables", "list at least one");
    }
    items.iter().filter_map(|item| decode(decoder, item, context)).collect()
}

fn decode(decoder: &mut Decoder, node: &Node, context: &Context<'_>) -> Option<Parsed> {
    let what = "a variable";
    let fields = decoder.fields(node, what, &FIELDS)?;
    let name_node = decoder.required(&fields, "name", what);
    let name = name_node.and_then(|n| column::name(decoder, n));
    let label = fields.get("label").and_then(|n| decoder.text(n, "a label"));
    let kind = decoder.required(&fields, "type", what).and_then(|n| type_of(decoder, n));
    let years = fields.get("years").and_then(|n| years(decoder, n, context, name.as_deref()));
    let identifiability =
        decoder.required(&fields, "identifiability", what).and_then(|n| decoder.integer(n, "identifiability", 1, 5));
    let sensitivity = decoder
        .required(&fields, "sensitivity", what)
        .and_then(|n| decoder.one_of(n, "sensitivity", &["A", "B", "C", "D", "E"]));
    let selection = fields.get("selection").map(|n| decoder.one_of(n, "selection", &["default", "by_request"]));
    let codes = fields.get("codes").map(|n| codes(decoder, n, kind)).unwrap_or_default();
    let tags = fields.get("tags").map(|n| tags(decoder, n)).unwrap_or_default();
    let release = match fields.get("release") {
        None => Some(Release::AsIs),
        Some(n) => decoder.release(n).inspect(|release| {
            if let Some(kind) = kind.filter(|k| !release.fits(*k)) {
                let message = format!("`{release}` cannot be applied to a variable of type {kind}");
                decoder.error("release-unfit", n.mark, message, "choose another form, or another type");
            }
        }),
    };
    let was = fields.get("was").map(|n| was(decoder, n, context)).unwrap_or_default();
    let name = name?;
    Some(Parsed {
        variable: Variable {
            label: label.unwrap_or_else(|| name.clone()),
            name,
            kind: kind?,
            years,
            identifiability: u8::try_from(identifiability?).ok()?,
            sensitivity: sensitivity?.chars().next()?,
            by_request: selection.flatten() != Some("default"),
            codes,
            tags,
            release: release?,
            was,
        },
        mark: name_node?.mark,
    })
}

fn type_of(decoder: &mut Decoder, node: &Node) -> Option<Type> {
    const NAMES: [&str; 11] = [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "float32",
        "float64",
        "decimal(p,s)",
        "string",
        "date",
        "timestamp",
    ];
    let word = decoder.word(node, "a type")?;
    let found = Type::parse(word);
    if found.is_none() && word.starts_with("decimal") {
        let help =
            "write it like decimal(10,2): 1 to 38 digits in all, of which the second number stand behind the point";
        decoder.error("unknown-value", node.mark, "the decimal type cannot be read", help);
    } else if found.is_none() {
        let message = format!("a type cannot be `{}`", clip(word));
        decoder.error("unknown-value", node.mark, message, format!("write one of {}", NAMES.join(", ")));
    }
    found
}

/// A variable's own years, cut to the coverage.
fn years(decoder: &mut Decoder, node: &Node, context: &Context<'_>, name: Option<&str>) -> Option<Years> {
    let years = decoder.years(node)?;
    if context.coverage.is_empty() || !context.has_years() {
        return Some(years);
    }
    let beyond = years.difference(context.coverage);
    if beyond.is_empty() {
        return Some(years);
    }
    let inside = years.intersection(context.coverage);
    let name = name.unwrap_or("the variable");
    let message = format!("`{name}` has {beyond}, outside the element's coverage {}", context.coverage);
    if inside.is_empty() {
        decoder.error("years-outside-coverage", node.mark, message, "name years of the coverage");
        return None;
    }
    decoder.warning("years-outside-coverage", node.mark, message, "those years are taken as not collected");
    Some(inside)
}

/// Known values as text, in one spelling each.
fn codes(decoder: &mut Decoder, node: &Node, kind: Option<Type>) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for item in decoder.list(node, "codes").unwrap_or_default() {
        let Content::Scalar(scalar) = &item.content else {
            decoder.wrong(item, "a code is one value", "write it as text or a number");
            continue;
        };
        if scalar.is_null() {
            decoder.wrong(item, "a code is one value", "write it as text or a number");
            continue;
        }
        let Some(kind) = kind else { continue };
        match code_text(&scalar.text, kind) {
            None => {
                let message = format!("`{}` is no value of type {kind}", clip(&scalar.text));
                decoder.error("code-malformed", item.mark, message, "mend the code or the type");
            }
            Some(text) if !seen.insert(text.clone()) => {
                let message = format!("the code `{}` is listed twice", clip(&text));
                decoder.warning("duplicate-value", item.mark, message, "list it once");
            }
            Some(text) => codes.push(text),
        }
    }
    codes
}

/// A code's text in the one spelling that values of the type are shown in. `None` where it is no value of the type.
fn code_text(text: &str, kind: Type) -> Option<String> {
    let within =
        |low: i64, high: i64| text.parse::<i64>().ok().filter(|v| (low..=high).contains(v)).map(|v| v.to_string());
    match kind {
        Type::Int8 => within(i8::MIN.into(), i8::MAX.into()),
        Type::Int16 => within(i16::MIN.into(), i16::MAX.into()),
        Type::Int32 => within(i32::MIN.into(), i32::MAX.into()),
        Type::Int64 => within(i64::MIN, i64::MAX),
        Type::Bool => match text {
            "true" | "True" | "TRUE" => Some("true".to_owned()),
            "false" | "False" | "FALSE" => Some("false".to_owned()),
            _ => None,
        },
        Type::Float32 | Type::Float64 | Type::Decimal { .. } => Decimal::parse(text).map(|d| d.to_string()),
        Type::Date | Type::Timestamp => text.parse::<jiff::civil::Date>().ok().map(|d| d.to_string()),
        Type::Text => Some(text.to_owned()),
    }
}

fn tags(decoder: &mut Decoder, node: &Node) -> Vec<String> {
    let mut tags = Vec::new();
    for (tag, mark) in decoder.words(node, "tags").unwrap_or_default() {
        if crate::vocab::Kind::new(&tag).is_some() {
            tags.push(tag);
        } else {
            let message = format!("`{}` cannot be a tag", clip(&tag));
            decoder.error("name-malformed", mark, message, "lower-case letters, digits and `_`, a letter first");
        }
    }
    tags
}

fn was(decoder: &mut Decoder, node: &Node, context: &Context<'_>) -> Vec<Was> {
    let mut all: Vec<Was> = Vec::new();
    for item in decoder.list(node, "was").unwrap_or_default() {
        let what = "an earlier name";
        let Some(fields) = decoder.fields(item, what, &["name", "years"]) else { continue };
        let name = decoder.required(&fields, "name", what).and_then(|n| column::name(decoder, n));
        let years = decoder.required(&fields, "years", what).and_then(|n| decoder.years(n));
        let (Some(name), Some(years)) = (name, years) else { continue };
        if !context.has_years() {
            let message = "rows of this element lie in no year, so the earlier name is never used";
            decoder.warning("was-without-years", item.mark, message, "leave `was` out");
        } else if !context.coverage.is_empty() && years.intersection(context.coverage).is_empty() {
            let message = format!("{years} lies outside the element's coverage {}", context.coverage);
            decoder.warning("years-outside-coverage", fields.mark_of("years"), message, "name years of the coverage");
        }
        for other in &all {
            if let Some(year) = other.years.intersection(&years).iter().next() {
                let message = format!("the variable has two earlier names in {year}");
                decoder.error("was-overlaps", fields.mark_of("years"), message, "give each year one name");
            }
        }
        all.push(Was { name, years });
    }
    all
}
