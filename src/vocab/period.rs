//! Periods: years, sets of years, terms, encodings, spells. One convention outside: `2012/2013`.

use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;

/// An academic or tax year by its start: `Year(2012)` is 2012/2013.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Year(pub i16);

impl Year {
    /// Reads `2012/2013`; the second year must follow the first. `None` otherwise.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('/')?;
        let digits = |t: &str| t.len() == 4 && t.bytes().all(|b| b.is_ascii_digit());
        if !digits(start) || !digits(end) {
            return None;
        }
        let (start, end): (i16, i16) = (start.parse().ok()?, end.parse().ok()?);
        ((1900..2200).contains(&start) && end == start + 1).then_some(Self(start))
    }

    /// `2012-2013`, as file names have it.
    #[must_use]
    pub fn file_stem(self) -> String {
        format!("{}-{}", self.0, self.0 + 1)
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.0 + 1)
    }
}

impl Serialize for Year {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A set of years, in order. Shown and serialised as the shortest list of ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Years(BTreeSet<Year>);

impl Years {
    /// Reads one part of a document: `2001/2002` or `2001/2002..2003/2004`. `None` if it is neither, or runs backwards.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = match text.split_once("..") {
            Some((a, b)) => (Year::parse(a.trim())?, Year::parse(b.trim())?),
            None => (Year::parse(text.trim())?, Year::parse(text.trim())?),
        };
        (first <= last).then(|| Self::between(first, last))
    }

    /// All years from `first` to `last`, both included.
    #[must_use]
    pub fn between(first: Year, last: Year) -> Self {
        Self((first.0..=last.0).map(Year).collect())
    }

    /// The years in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Year> + '_ {
        self.0.iter().copied()
    }

    /// Whether the year is in the set.
    #[must_use]
    pub fn contains(&self, year: Year) -> bool {
        self.0.contains(&year)
    }

    /// Adds all years of another set.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().copied());
    }

    /// The years in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// The years in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).copied().collect())
    }

    /// Whether there is no year.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many years.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The first and the last year.
    #[must_use]
    pub fn bounds(&self) -> Option<(Year, Year)> {
        Some((*self.0.first()?, *self.0.last()?))
    }

    /// The set as the shortest list of `2001/2002` and `2001/2002..2003/2004`.
    #[must_use]
    pub fn ranges(&self) -> Vec<String> {
        let mut runs: Vec<(Year, Year)> = Vec::new();
        for year in self.iter() {
            match runs.last_mut() {
                Some((_, last)) if last.0 + 1 == year.0 => *last = year,
                _ => runs.push((year, year)),
            }
        }
        runs.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}..{b}") }).collect()
    }
}

impl FromIterator<Year> for Years {
    fn from_iter<I: IntoIterator<Item = Year>>(years: I) -> Self {
        Self(years.into_iter().collect())
    }
}

impl fmt::Display for Years {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ranges().join(", "))
    }
}

impl Serialize for Years {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.ranges())
    }
}

/// Which year a period counts: academic (1 September to 31 August) or tax (6 April to 5 April).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum YearKind {
    AcademicYear,
    TaxYear,
}

impl YearKind {
    /// The name of the column that carries the year in a released table.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::AcademicYear => "academic_year",
            Self::TaxYear => "tax_year",
        }
    }
}

/// Which years a spell is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// 6 April to 5 April.
    #[default]
    TaxYear,
    /// 1 September to 31 August.
    AcademicYear,
}

impl Calendar {
    /// Month and day on which a year begins.
    #[must_use]
    pub fn starts(self) -> (i8, i8) {
        match self {
            Self::TaxYear => (4, 6),
            Self::AcademicYear => (9, 1),
        }
    }
}

/// When a spell counts in a year: when it overlaps it, or when it starts in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Spells {
    #[default]
    Overlapping,
    Starting,
}

/// A school term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Term {
    Autumn,
    Spring,
    Summer,
}

impl Term {
    /// All terms in the order of a school year.
    pub const ALL: [Self; 3] = [Self::Autumn, Self::Spring, Self::Summer];

    /// `autumn`, `spring`, `summer`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Autumn => "autumn",
            Self::Spring => "spring",
            Self::Summer => "summer",
        }
    }

    /// Reads `autumn`, `spring` or `summer`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }

    /// `aut`, `spr`, `sum`: the placeholder `{term}`.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Autumn => "aut",
            Self::Spring => "spr",
            Self::Summer => "sum",
        }
    }

    /// `Autumn`, `Spring`, `Summer`: the placeholder `{Term}`.
    #[must_use]
    pub fn long(self) -> &'static str {
        match self {
            Self::Autumn => "Autumn",
            Self::Spring => "Spring",
            Self::Summer => "Summer",
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One slice of an element: a year and, where the element has terms, a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Slice {
    /// The year.
    pub year: Year,
    /// The term, where the element has terms.
    pub term: Option<Term>,
}

impl Slice {
    /// `2010-2011` or `2010-2011-spring`, as file names have it.
    #[must_use]
    pub fn file_stem(self) -> String {
        match self.term {
            Some(term) => format!("{}-{term}", self.year.file_stem()),
            None => self.year.file_stem(),
        }
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.term {
            Some(term) => write!(f, "{} {term}", self.year),
            None => write!(f, "{}", self.year),
        }
    }
}

/// How a period column writes its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// `2012/2013`.
    #[serde(rename = "yyyy/yyyy")]
    LongPair,
    /// `2012/13`.
    #[serde(rename = "yyyy/yy")]
    ShortPair,
    /// `2013`.
    #[serde(rename = "end_year")]
    EndYear,
    /// `2012`.
    #[serde(rename = "start_year")]
    StartYear,
    /// `201213`.
    #[serde(rename = "yyyyyy")]
    Joined,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Self; 5] = [Self::LongPair, Self::ShortPair, Self::EndYear, Self::StartYear, Self::Joined];

    /// The name that the catalogue uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LongPair => "yyyy/yyyy",
            Self::ShortPair => "yyyy/yy",
            Self::EndYear => "end_year",
            Self::StartYear => "start_year",
            Self::Joined => "yyyyyy",
        }
    }

    /// Reads a year from text, white space around it allowed. `None` where it cannot be read.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Year> {
        let text = text.trim();
        match self {
            Self::LongPair | Self::ShortPair => {
                let (start, end) = text.split_once('/')?;
                let (start, end) = (number(start.trim())?, number(end.trim())?);
                follows(start, end).then_some(Year(start))
            }
            Self::EndYear => number(text)?.checked_sub(1).map(Year),
            Self::StartYear => number(text).map(Year),
            Self::Joined => {
                if text.len() != 6 || !text.is_ascii() {
                    return None;
                }
                let (start, end) = text.split_at(4);
                let (start, end) = (number(start)?, number(end)?);
                follows(start, end).then_some(Year(start))
            }
        }
    }

    /// Reads a year from an integer. `None` where it cannot be read.
    #[must_use]
    pub fn read_integer(self, value: i64) -> Option<Year> {
        match self {
            Self::LongPair | Self::ShortPair => None,
            Self::EndYear => i16::try_from(value.checked_sub(1)?).ok().map(Year),
            Self::StartYear => i16::try_from(value).ok().map(Year),
            Self::Joined => {
                if !(100_000..1_000_000).contains(&value) {
                    return None;
                }
                let start = i16::try_from(value / 100).ok()?;
                let end = i16::try_from(value % 100).ok()?;
                follows(start, end).then_some(Year(start))
            }
        }
    }
}

fn number(text: &str) -> Option<i16> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn follows(start: i16, end: i16) -> bool {
    start.checked_add(1).is_some_and(|next| end % 100 == next % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_read_and_show() {
        let years = Years::parse("2001/2002..2003/2004").unwrap();
        assert_eq!(years.len(), 3);
        assert_eq!(years.to_string(), "2001/2002..2003/2004");
        for bad in ["2001", "2001/2003", "2003/2004..2001/2002", "2001/02", "1/2", "x", ""] {
            assert!(Years::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn encodings_read_what_they_name_and_nothing_else() {
        assert_eq!(Encoding::LongPair.read(" 2012/2013 "), Some(Year(2012)));
        assert_eq!(Encoding::ShortPair.read("1999/00"), Some(Year(1999)));
        assert_eq!(Encoding::LongPair.read("2012/2014"), None);
        assert_eq!(Encoding::EndYear.read("2013"), Some(Year(2012)));
        assert_eq!(Encoding::StartYear.read_integer(2012), Some(Year(2012)));
        assert_eq!(Encoding::Joined.read("201213"), Some(Year(2012)));
        assert_eq!(Encoding::Joined.read_integer(201_213), Some(Year(2012)));
        assert_eq!(Encoding::Joined.read_integer(201_214), None);
        assert_eq!(Encoding::Joined.read_integer(20_1213), Some(Year(2012)));
        assert_eq!(Encoding::StartYear.read("twenty"), None);
    }
}
