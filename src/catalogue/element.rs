//! One element's document.

use super::location::{self, Placeholders};
use super::{Absent, Element, Identifier, Period, column, variable};
use crate::vocab::{Calendar, Encoding, Owner, Term, YearKind, Years};
use crate::yaml::{Content, Decoder, Fields, Mark, Node};

const FIELDS: [&str; 12] = [
    "element",
    "title",
    "owner",
    "identifier",
    "period",
    "location",
    "terms",
    "suffix",
    "coverage",
    "absent",
    "grain",
    "variables",
];

/// An element and the marks that checks over several documents need.
pub(super) struct Parsed {
    pub(super) element: Element,
    pub(super) kind_at: Mark,
}

/// Reads an element's document. `None` where something that the rest rests on cannot be read.
pub(super) fn decode(decoder: &mut Decoder, root: &Node) -> Option<Parsed> {
    let what = "an element";
    let fields = decoder.fields(root, what, &FIELDS)?;
    let name = decoder.required(&fields, "element", what).and_then(|n| decoder.element_name(n));
    let title = fields.get("title").and_then(|n| decoder.text(n, "a title"));
    let owner = decoder.required(&fields, "owner", what).and_then(|n| owner(decoder, n));
    let identifier = decoder.required(&fields, "identifier", what).and_then(|n| identifier(decoder, n));
    let period = decoder.required(&fields, "period", what).and_then(|n| period(decoder, n));
    let terms = terms(decoder, &fields, period.as_ref());
    let coverage = coverage(decoder, &fields, period.as_ref());
    let allowed = match &period {
        // Where the period or the terms cannot be read, every placeholder may be right.
        None => Placeholders::YearAndTerm,
        Some(Period::Slice { .. }) if fields.get("terms").is_some() => Placeholders::YearAndTerm,
        Some(Period::Slice { .. }) => Placeholders::Year,
        Some(_) => Placeholders::None,
    };
    let location_node = decoder.required(&fields, "location", what);
    let location = location_node.and_then(|n| location::location(decoder, n, allowed));
    if let (Some(Period::Slice { .. }), Some(node), Some(location)) = (&period, location_node, &location) {
        location::tells_slices_apart(decoder, node, location, &coverage, &terms);
    }
    let suffix = match (fields.get("suffix"), &period) {
        (Some(node), Some(Period::Slice { .. }) | None) => location::suffix(decoder, node, allowed),
        (Some(node), Some(_)) => {
            let help = "leave `suffix` out";
            decoder.error("suffix-without-slices", node.mark, "only elements cut by slice have a suffix", help);
            None
        }
        (None, _) => None,
    };
    let absent = absent(decoder, &fields, &coverage, &terms);
    let variables = decoder.required(&fields, "variables", what);
    let context = variable::Context { coverage: &coverage, period: period.as_ref(), terms: !terms.is_empty() };
    let variables = variables.map(|n| variable::decode_all(decoder, n, &context)).unwrap_or_default();
    let identifier_name = identifier.as_ref().map(|(i, _)| i.column.as_str());
    column::check(decoder, &variables, &context, identifier_name);
    let grain = grain(decoder, &fields, &variables);
    let (identifier, kind_at) = identifier?;
    let (name, period) = (name?, period?);
    Some(Parsed {
        element: Element {
            title: title.unwrap_or_else(|| name.to_string()),
            at: decoder.at(fields.get("element").map_or(fields.mark, |n| n.mark)),
            name,
            owner: owner?,
            identifier,
            period,
            location: location?,
            terms,
            suffix,
            coverage,
            absent,
            grain,
            variables: variables.into_iter().map(|p| p.variable).collect(),
        },
        kind_at,
    })
}

fn owner(decoder: &mut Decoder, node: &Node) -> Option<Owner> {
    let names = Owner::ALL.map(Owner::as_str);
    let name = decoder.one_of(node, "an owner", &names)?;
    Owner::ALL.into_iter().find(|o| o.as_str() == name)
}

/// Reads `{column: C, kind: K}`; the mark is the kind's.
pub(super) fn identifier(decoder: &mut Decoder, node: &Node) -> Option<(Identifier, Mark)> {
    let fields = decoder.fields(node, "an identifier", &["column", "kind"])?;
    let column = decoder.required(&fields, "column", "an identifier").and_then(|n| column::name(decoder, n));
    let kind_node = decoder.required(&fields, "kind", "an identifier");
    let kind = kind_node.and_then(|n| decoder.kind(n));
    Some((Identifier { column: column?, kind: kind? }, kind_node?.mark))
}

fn period(decoder: &mut Decoder, node: &Node) -> Option<Period> {
    let what = "a period";
    let known = ["kind", "from", "column", "encoding", "start", "end", "calendar"];
    let fields = decoder.fields(node, what, &known)?;
    let kind_node = decoder.required(&fields, "kind", what)?;
    let kind = decoder.one_of(kind_node, "the kind of a period", &["academic_year", "tax_year", "spell", "none"])?;
    let year_kind = match kind {
        "academic_year" => YearKind::AcademicYear,
        "tax_year" => YearKind::TaxYear,
        "spell" => return spell(decoder, &fields),
        _ => return only(decoder, &fields, kind, &["kind"]).then_some(Period::None),
    };
    if let Some(from) = fields.get("from") {
        let fits = only(decoder, &fields, "cut by slice", &["kind", "from"]);
        let from = decoder.one_of(from, "from", &["slice"]);
        return (fits && from.is_some()).then_some(Period::Slice { kind: year_kind });
    }
    if fields.get("column").is_none() && fields.get("encoding").is_none() {
        let help = "add `from: slice`, or `column: C, encoding: E`";
        decoder.error("missing-field", fields.mark, "a period by year says where the year comes from", help);
        return None;
    }
    let fits = only(decoder, &fields, "read from a column", &["kind", "column", "encoding"]);
    let column = decoder.required(&fields, "column", what).and_then(|n| column::name(decoder, n));
    let encoding = decoder.required(&fields, "encoding", what).and_then(|n| {
        let names = Encoding::ALL.map(Encoding::as_str);
        let name = decoder.one_of(n, "an encoding", &names)?;
        Encoding::ALL.into_iter().find(|e| e.as_str() == name)
    });
    let (column, encoding) = (column?, encoding?);
    fits.then_some(Period::Column { kind: year_kind, column, encoding })
}

fn spell(decoder: &mut Decoder, fields: &Fields<'_>) -> Option<Period> {
    let what = "a spell";
    let fits = only(decoder, fields, "spell", &["kind", "start", "end", "calendar"]);
    let start = decoder.required(fields, "start", what).and_then(|n| column::name(decoder, n));
    let end_node = decoder.required(fields, "end", what);
    let end = end_node.and_then(|n| column::name(decoder, n));
    let calendar = match fields.get("calendar") {
        None => Some(Calendar::default()),
        Some(n) => decoder
            .one_of(n, "a calendar", &["tax_year", "academic_year"])
            .map(|word| if word == "tax_year" { Calendar::TaxYear } else { Calendar::AcademicYear }),
    };
    let (start, end) = (start?, end?);
    if let (true, Some(node)) = (start.eq_ignore_ascii_case(&end), end_node) {
        decoder.error("duplicate-column", node.mark, "a spell starts and ends in two columns", "name the other column");
        return None;
    }
    let calendar = calendar?;
    fits.then_some(Period::Spell { start, end, calendar })
}

/// Reports fields that this kind of period has not. Whether there were none.
fn only(decoder: &mut Decoder, fields: &Fields<'_>, kind: &str, known: &[&str]) -> bool {
    let mut fits = true;
    for name in fields.names().filter(|n| !known.contains(n)) {
        // Fields that no period has are already reported.
        if ["from", "column", "encoding", "start", "end", "calendar"].contains(&name) {
            let message = format!("a period {kind} has no `{name}`");
            decoder.error("unknown-field", fields.mark_of(name), message, format!("leave `{name}` out"));
        }
        fits = false;
    }
    fits
}

fn terms(decoder: &mut Decoder, fields: &Fields<'_>, period: Option<&Period>) -> Vec<Term> {
    let Some(node) = fields.get("terms") else { return Vec::new() };
    if matches!(period, Some(p) if !matches!(p, Period::Slice { .. })) {
        let help = "leave `terms` out, or give the period `from: slice`";
        decoder.error("terms-without-slices", node.mark, "only elements cut by slice have terms", help);
        return Vec::new();
    }
    decoder.terms(node).unwrap_or_default()
}

fn coverage(decoder: &mut Decoder, fields: &Fields<'_>, period: Option<&Period>) -> Years {
    match (fields.get("coverage"), period) {
        (Some(node), Some(Period::None)) => {
            let message = "the element has no years, so its coverage says nothing";
            decoder.warning("coverage-without-years", node.mark, message, "leave `coverage` out");
            Years::default()
        }
        (Some(node), _) => decoder.years(node).unwrap_or_default(),
        (None, Some(Period::Slice { .. } | Period::Column { .. })) => {
            let help = "add `coverage: 2005/2006..2020/2021`";
            decoder.error("coverage-missing", fields.mark, "an element cut by year needs its coverage", help);
            Years::default()
        }
        (None, _) => Years::default(),
    }
}

fn absent(decoder: &mut Decoder, fields: &Fields<'_>, coverage: &Years, terms: &[Term]) -> Vec<Absent> {
    let Some(node) = fields.get("absent") else { return Vec::new() };
    let mut all = Vec::new();
    for item in decoder.list(node, "absent").unwrap_or_default() {
        let what = "an absent slice";
        let Some(of) = decoder.fields(item, what, &["years", "terms", "why"]) else { continue };
        let years = decoder.required(&of, "years", what).and_then(|n| decoder.years(n));
        let why = decoder.required(&of, "why", what).and_then(|n| decoder.text(n, "why"));
        if let Some(years) = &years {
            let beyond = years.difference(coverage);
            if !beyond.is_empty() && !coverage.is_empty() {
                let message = format!("{beyond} lies outside the coverage {coverage}");
                decoder.error("years-outside-coverage", of.mark_of("years"), message, "name years of the coverage");
            }
        }
        let mut of_terms = Vec::new();
        if let Some(node) = of.get("terms") {
            of_terms = decoder.terms(node).unwrap_or_default();
            for term in of_terms.iter().filter(|t| !terms.contains(t)) {
                let message = format!("the element has no {term} term");
                decoder.error("term-unknown", node.mark, message, "name terms that the element lists under `terms`");
            }
        }
        if let (Some(years), Some(why)) = (years, why) {
            all.push(Absent { years, terms: of_terms, why });
        }
    }
    all
}

fn grain(decoder: &mut Decoder, fields: &Fields<'_>, variables: &[variable::Parsed]) -> Vec<String> {
    const WORDS: [&str; 4] = ["person", "period", "term", "spell"];
    let Some(node) = fields.get("grain") else { return Vec::new() };
    if !matches!(node.content, Content::List(_)) {
        decoder.wrong(node, "a grain is a list", "write it like [person, period]");
        return Vec::new();
    }
    let mut grain = Vec::new();
    for (word, mark) in decoder.words(node, "a grain").unwrap_or_default() {
        let known = WORDS.contains(&word.as_str()) || variables.iter().any(|v| v.variable.name == word);
        if known {
            grain.push(word);
        } else {
            let names = WORDS.into_iter().chain(variables.iter().map(|v| v.variable.name.as_str()));
            decoder.unknown("grain-unknown", mark, "the part of a grain", &word, names);
        }
    }
    grain
}
