//! Rows of an element as its catalogue describes them: files found, columns found by name, years read, variables named.

use super::super::coverage::{Feature, Seen};
use super::super::model::{Cell, Column, Element, Encoding, File, Kind, Pack, Period, Range, Stored, Term};
use super::super::spec::{Selection, World};
use super::release::day;
use std::collections::BTreeMap;

/// Whether a row is in the years asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Asked,
    Other,
    Unreadable,
}

/// One row of the slices asked for.
pub(super) struct Row<'w> {
    pub(super) standing: Standing,
    pub(super) year: Option<i32>,
    pub(super) term: Option<Term>,
    pub(super) identifier: Cell,
    pub(super) values: BTreeMap<&'w str, Cell>,
}

fn within(year: i32, ranges: &[Range]) -> bool {
    ranges.iter().any(|(first, last)| *first <= year && year <= *last)
}

/// The slices of an element that were collected, of the years and terms asked for (no terms: all).
pub(in super::super) fn slices(element: &Element, years: &[Range], terms: &[Term]) -> Vec<(i32, Option<Term>)> {
    let of_year: Vec<Option<Term>> =
        if element.terms.is_empty() { vec![None] } else { element.terms.iter().copied().map(Some).collect() };
    let mut all = Vec::new();
    for year in element.coverage.0..=element.coverage.1 {
        for term in &of_year {
            let absent = element
                .absent
                .iter()
                .any(|a| a.year == year && (a.terms.is_empty() || term.is_some_and(|t| a.terms.contains(&t))));
            let wanted = terms.is_empty() || term.is_some_and(|t| terms.contains(&t));
            if !absent && wanted && within(year, years) {
                all.push((year, *term));
            }
        }
    }
    all
}

/// A template with its placeholders filled, each noted.
pub(in super::super) fn fill(template: &str, slice: Option<(i32, Option<Term>)>, seen: &mut Seen) -> String {
    let mut text = template.to_owned();
    let Some((year, term)) = slice else { return text };
    let calendar = if term == Some(Term::Autumn) { year } else { year + 1 };
    let name = term.map(|t| format!("{t:?}")).unwrap_or_default();
    let all = [
        ("{yyyy}", format!("{}", year + 1), Feature::PlaceholderYyyy),
        ("{yy}", format!("{:02}", (year + 1) % 100), Feature::PlaceholderYy),
        ("{start_yyyy}", format!("{year}"), Feature::PlaceholderStartYyyy),
        ("{start_yy}", format!("{:02}", year % 100), Feature::PlaceholderStartYy),
        ("{tax}", format!("{year}{:02}", (year + 1) % 100), Feature::PlaceholderTax),
        ("{term}", name.to_lowercase().chars().take(3).collect(), Feature::PlaceholderTerm),
        ("{Term}", name, Feature::PlaceholderTermLong),
        ("{term_yyyy}", format!("{calendar}"), Feature::PlaceholderTermYyyy),
        ("{term_yy}", format!("{:02}", calendar % 100), Feature::PlaceholderTermYy),
    ];
    for (placeholder, value, feature) in all {
        if text.contains(placeholder) {
            seen.note(feature);
            text = text.replace(placeholder, &value);
        }
    }
    text
}

/// The files at a location: one, or all below a folder.
pub(super) fn files_at<'w>(world: &'w World, root: &str, location: &str, seen: &mut Seen) -> Vec<&'w File> {
    let path = format!("{root}{location}");
    let folder = format!("{path}/");
    let found: Vec<&File> = world.files.iter().filter(|f| f.path == path || f.path.starts_with(&folder)).collect();
    let below = found.iter().filter_map(|f| f.path.strip_prefix(&folder));
    for rest in below {
        seen.note(Feature::LocationFolder);
        if rest.contains('=') {
            seen.note(Feature::LocationHive);
        }
    }
    if found.iter().any(|f| f.path == path) {
        seen.note(Feature::LocationFile);
    }
    if found.len() > 1 {
        seen.note(Feature::SeveralFiles);
    }
    found
}

fn column<'f>(file: &'f File, name: &str) -> Option<&'f Column> {
    let found = file.columns.iter().find(|c| c.name.to_lowercase() == name.to_lowercase());
    found.filter(|c| !c.cells.is_empty())
}

/// The column of a name, with the slice's suffix before without.
fn suffixed<'f>(file: &'f File, name: &str, suffix: &str, seen: &mut Seen) -> Option<&'f Column> {
    let long = column(file, &format!("{name}{suffix}"));
    let plain = column(file, name);
    if !suffix.is_empty() {
        seen.note(if long.is_some() { Feature::SuffixUsed } else { Feature::SuffixLeftOut });
        if long.is_some() && plain.is_some() {
            seen.note(Feature::SuffixBesidePlain);
        }
    }
    let found = long.or(plain)?;
    if found.name != format!("{name}{suffix}") && found.name != name {
        seen.note(Feature::NameCaseDiffers);
    }
    Some(found)
}

/// The year that a cell says, by its start.
fn year_of(cell: &Cell, encoding: Encoding) -> Option<i32> {
    let text = match cell {
        Cell::Int(v) => v.to_string(),
        Cell::Text(text) => text.trim().to_owned(),
        _ => return None,
    };
    // A year has four digits at most: the contract knows no other.
    let number = |text: &str| {
        let digits = text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<i32>().ok() } else { None }
    };
    let pair = |start: &str, end: &str| {
        let (start, end) = (number(start)?, number(end)?);
        ((start + 1) % 100 == end % 100).then_some(start)
    };
    match encoding {
        Encoding::LongPair | Encoding::ShortPair => text.split_once('/').and_then(|(a, b)| pair(a, b)),
        Encoding::EndYear => number(&text).map(|y| y - 1),
        Encoding::StartYear => number(&text),
        Encoding::Joined if text.len() == 6 && text.is_ascii() => pair(&text[..4], &text[4..]),
        Encoding::Joined => None,
    }
}

fn encoding_feature(encoding: Encoding, text: bool) -> Feature {
    match (encoding, text) {
        (Encoding::LongPair, _) => Feature::LongPairText,
        (Encoding::ShortPair, _) => Feature::ShortPairText,
        (Encoding::EndYear, true) => Feature::EndYearText,
        (Encoding::EndYear, false) => Feature::EndYearInteger,
        (Encoding::StartYear, true) => Feature::StartYearText,
        (Encoding::StartYear, false) => Feature::StartYearInteger,
        (Encoding::Joined, true) => Feature::JoinedText,
        (Encoding::Joined, false) => Feature::JoinedInteger,
    }
}

/// How a spell stands to the years asked for. One without a start is in no year.
fn spell(start: &Cell, end: &Cell, selection: &Selection, academic: bool, seen: &mut Seen) -> Standing {
    if start.is_null() {
        seen.note(Feature::SpellWithoutStart);
        return Standing::Unreadable;
    }
    let start = day(start);
    let last = if end.is_null() { i32::MAX } else { day(end) };
    if end.is_null() {
        seen.note(Feature::SpellOpen);
    }
    if last < start {
        seen.note(Feature::SpellBackwards);
    }
    let starting = selection.starting == Some(true);
    seen.note(if starting { Feature::SpellsStarting } else { Feature::SpellsOverlapping });
    let (month, first) = if academic { (9, 1) } else { (4, 6) };
    let epoch = jiff::civil::date(1970, 1, 1);
    let begins = |year: i32| {
        let date = jiff::civil::date(i16::try_from(year).unwrap(), month, first);
        date.since(epoch).unwrap().get_days()
    };
    let counts = (1900..2100).filter(|year| within(*year, &selection.years)).any(|year| {
        let (a, b) = (begins(year), begins(year + 1) - 1);
        if starting { a <= start && start <= b } else { start <= b && last >= a }
    });
    if counts { Standing::Asked } else { Standing::Other }
}

fn note_file(file: &File, seen: &mut Seen) {
    if file.rows() == 0 {
        seen.note(Feature::FileEmpty);
        return;
    }
    let rows = file.rows();
    let layout = &file.layout;
    if layout.group_rows.is_some_and(|n| n < rows) {
        seen.note(Feature::RowGroups);
    }
    if layout.page_rows.is_some_and(|n| n < rows) {
        seen.note(Feature::Pages);
    }
    if !layout.dictionary {
        seen.note(Feature::DictionaryOff);
    }
    if !layout.statistics {
        seen.note(Feature::StatisticsOff);
    }
    if file.columns.iter().any(|c| c.stored == Stored::Nested) {
        seen.note(Feature::NestedBeside);
    }
    if layout.second_pages {
        seen.note(Feature::SecondPages);
    }
    seen.note(match layout.pack {
        Pack::None => Feature::PackNone,
        Pack::Snappy => Feature::PackSnappy,
        Pack::Zstd => Feature::PackZstd,
    });
}

/// Notes how a column that is read is stored.
pub(super) fn note_column(column: &Column, seen: &mut Seen) {
    seen.stored(column.stored, column.kind);
    let width = |kind: Kind| match kind {
        Kind::Int8 => 8,
        Kind::Int16 => 16,
        Kind::Int32 => 32,
        _ => 64,
    };
    let by_width = |bits| if bits < width(column.kind) { Feature::StoredNarrower } else { Feature::StoredWider };
    seen.note(match column.stored {
        Stored::Plain => return,
        Stored::Dictionary => Feature::StoredDictionary,
        Stored::LargeText => Feature::StoredLargeText,
        Stored::ViewText => Feature::StoredViewText,
        Stored::Binary => Feature::StoredBinary,
        Stored::Int8 => by_width(8),
        Stored::Int16 => by_width(16),
        Stored::Int32 => by_width(32),
        Stored::Int64 => by_width(64),
        Stored::UInt8 | Stored::UInt16 | Stored::UInt32 | Stored::UInt64 => Feature::StoredUnsigned,
        Stored::WholeDecimal => Feature::StoredDecimal,
        Stored::SmallDecimal => Feature::StoredSmallDecimal,
        Stored::Float32 => Feature::StoredFloat32,
        Stored::Millis => Feature::StoredMillis,
        Stored::Micros => Feature::StoredMicros,
        Stored::Nanos => Feature::StoredNanos,
        Stored::Int96 => Feature::StoredInt96,
        Stored::Utc => Feature::StoredUtc,
        Stored::Days => Feature::StoredDays,
        Stored::Half => Feature::StoredHalf,
        Stored::Nested => panic!("a decoy was read"),
        Stored::AllNull => Feature::StoredNull,
    });
}

fn note_period(element: &Element, selection: &Selection, seen: &mut Seen) {
    seen.note(match &element.period {
        Period::Slice { .. } if !element.terms.is_empty() => Feature::SliceTerms,
        Period::Slice { tax: true } => Feature::SliceTax,
        Period::Slice { tax: false } => Feature::SliceAcademic,
        Period::Column { tax: true, .. } => Feature::ColumnTax,
        Period::Column { tax: false, .. } => Feature::ColumnAcademic,
        Period::Spell { academic: true, .. } => Feature::SpellAcademic,
        Period::Spell { academic: false, .. } => Feature::SpellTax,
        Period::None => Feature::PeriodNone,
    });
    match selection.years.as_slice() {
        [] => {}
        [one] if one.0 < one.1 => seen.note(Feature::YearsRange),
        [_] => {}
        _ => seen.note(Feature::YearsList),
    }
    if !selection.terms.is_empty() {
        seen.note(Feature::TermsNamed);
    }
    let taken = |e: &Element, name: &str| e.variables.iter().any(|v| v.was.iter().any(|(old, _)| old == name));
    if element.variables.iter().any(|v| taken(element, &v.name)) {
        seen.note(Feature::NameTakenOver);
    }
    let asked = |a: &&super::super::model::Absent| {
        let named = selection.terms.is_empty() || a.terms.is_empty();
        within(a.year, &selection.years) && (named || a.terms.iter().any(|t| selection.terms.contains(t)))
    };
    if element.absent.iter().any(|a| asked(&a)) {
        let column = matches!(element.period, Period::Column { .. });
        seen.note(if column { Feature::ColumnAbsent } else { Feature::SliceAbsent });
    }
}

/// The rows of a selection, before its condition: with the identifier and the variables wanted.
pub(super) fn read<'w>(world: &'w World, selection: &Selection, wanted: &[&str], seen: &mut Seen) -> Vec<Row<'w>> {
    let element = world.element(&selection.element);
    let mut parts: Vec<Option<(i32, Option<Term>)>> = vec![None];
    if matches!(element.period, Period::Slice { .. }) {
        parts = slices(element, &selection.years, &selection.terms).into_iter().map(Some).collect();
    }
    let mut rows = Vec::new();
    for slice in parts {
        let location = fill(&element.location, slice, seen);
        let suffix = element.suffix.as_ref().map(|s| fill(s, slice, seen)).unwrap_or_default();
        let before = rows.len();
        for file in files_at(world, "sources/", &location, seen) {
            note_file(file, seen);
            for at in 0..file.rows() {
                rows.push(row(element, selection, wanted, (file, at), slice, &suffix, seen));
            }
        }
        if rows.len() == before {
            seen.note(Feature::SliceEmpty);
        } else {
            note_period(element, selection, seen);
        }
    }
    rows
}

fn row<'w>(
    element: &'w Element,
    selection: &Selection,
    wanted: &[&str],
    (file, at): (&File, usize),
    slice: Option<(i32, Option<Term>)>,
    suffix: &str,
    seen: &mut Seen,
) -> Row<'w> {
    let cell = |name: &str, suffix: &str, seen: &mut Seen| {
        let found = suffixed(file, name, suffix, seen).unwrap_or_else(|| panic!("{} lacks {name}", file.path));
        note_column(found, seen);
        found.cells[at].clone()
    };
    let mut year = slice.map(|s| s.0);
    let mut standing = Standing::Asked;
    match &element.period {
        Period::Column { column: name, encoding, .. } => {
            let says = cell(name, "", seen);
            seen.note(encoding_feature(*encoding, !matches!(says, Cell::Int(_))));
            year = year_of(&says, *encoding);
            standing = match year {
                None => Standing::Unreadable,
                Some(y) if !within(y, &selection.years) => Standing::Other,
                // A year that the catalogue calls absent holds no row, whatever a source says.
                Some(y) if element.absent.iter().any(|a| a.year == y) => Standing::Other,
                Some(_) => Standing::Asked,
            };
            match standing {
                Standing::Unreadable if says.is_null() => seen.note(Feature::YearMissing),
                Standing::Unreadable => seen.note(Feature::YearUnreadable),
                Standing::Other => seen.note(Feature::YearOther),
                Standing::Asked => {}
            }
        }
        Period::Spell { start, end, academic } => {
            let (start, end) = (cell(start, "", seen), cell(end, "", seen));
            standing = spell(&start, &end, selection, *academic, seen);
        }
        Period::Slice { .. } | Period::None => {}
    }
    let mut values = BTreeMap::new();
    // A row that is not asked for says nothing about the variables; in other years they may have other names.
    let asked = standing == Standing::Asked;
    for variable in element.variables.iter().filter(|v| asked && wanted.contains(&v.name.as_str())) {
        let outside = variable.years.is_some_and(|(first, last)| year.is_some_and(|y| y < first || y > last));
        let was = variable.was.iter().find(|(_, (first, last))| year.is_some_and(|y| *first <= y && y <= *last));
        if was.is_some() {
            seen.note(Feature::WasUsed);
        }
        let value = if outside {
            seen.note(Feature::VariableYearsOutside);
            Cell::Null
        } else {
            cell(was.map_or(&variable.name, |(name, _)| name), suffix, seen)
        };
        values.insert(variable.name.as_str(), value);
    }
    let identifier = cell(&element.id_column, suffix, seen);
    Row { standing, year, term: slice.and_then(|s| s.1), identifier, values }
}
