//! What a synthetic world is to be: how many people, which seed, which faults at which rates.

use crate::vocab::Years;
use serde::Serialize;
use std::path::PathBuf;

/// What a synthetic world is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder to write: absent, empty, or holding an earlier synthetic world, which is then replaced.
    pub out: PathBuf,
    /// How many people the sources know.
    pub persons: u64,
    /// The seed: with all other options the same, the same seed gives the same bytes.
    pub seed: u64,
    /// How many threads to use; 0 for as many as there are cores.
    pub threads: usize,
    /// How many example projects; `None` for the embedded ones. More than those are derived by varying them.
    pub projects: Option<usize>,
    /// Years that get rows; `None` for all. Slices outside exist all the same, with no row, so that the catalogue holds.
    pub years: Option<Years>,
    /// The faults and their rates.
    pub faults: Faults,
    /// Share of the pupil-terms (and pupil-years of absence) that the school collections hold, 0 to 1. The default, 0.32,
    /// keeps a world near 40 rows a person; 1 is a complete record.
    pub presence: f64,
    /// Whether the keyring holds the published test key in place of one derived from the seed.
    pub published_key: bool,
    /// About how many rows a row group holds.
    pub row_group_rows: usize,
}

impl Default for Options {
    /// 2,500 people, seed 1, everything else as documented at the fields; `out` is `world`.
    fn default() -> Self {
        Self {
            out: PathBuf::from("world"),
            persons: 2_500,
            seed: 1,
            threads: 0,
            projects: None,
            years: None,
            faults: Faults::default(),
            presence: 0.32,
            published_key: false,
            row_group_rows: 131_072,
        }
    }
}

/// The faults of the sources, each at a rate from 0 to 1, except `heavy_person`, which counts rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Faults {
    /// Share of the rows of an element whose identifier is null, empty or blank.
    pub blank_identifier: f64,
    /// Share of the rows of an element whose identifier is no identifier (`#N/A`, `0`), or has blanks around it.
    pub malformed_identifier: f64,
    /// Share of the identifiers that a link table gives to a second person too.
    pub ambiguous_link: f64,
    /// Share of the link rows that stand in the table twice.
    pub double_link: f64,
    /// Share of the rows of an element whose identifier no link table knows.
    pub stranger: f64,
    /// Share of the people whom a link table lacks.
    pub unlinked_person: f64,
    /// Share of the people who have a second identifier of a kind.
    pub second_identifier: f64,
    /// Share of the rows whose period cannot be read: no start of a spell, no or an impossible year.
    pub unreadable_period: f64,
    /// Share of the values of coded text variables that are not among the codes.
    pub unknown_code: f64,
    /// Share of the rows that come twice, in elements whose declared grain that may break or whose marker tells it.
    pub duplicate_record: f64,
    /// Share of the rows of an element whose identifier has the other case.
    pub mixed_case: f64,
    /// Share of the spells whose first or last day is a default, 6 or 5 April.
    pub default_date: f64,
    /// Share of the ended spells that were never closed.
    pub open_spell: f64,
    /// How many employment spells one single person has in addition.
    pub heavy_person: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            blank_identifier: 0.003,
            malformed_identifier: 0.001,
            ambiguous_link: 0.002,
            double_link: 0.01,
            stranger: 0.01,
            unlinked_person: 0.03,
            second_identifier: 0.02,
            unreadable_period: 0.002,
            unknown_code: 0.005,
            duplicate_record: 0.01,
            mixed_case: 0.001,
            default_date: 0.06,
            open_spell: 0.02,
            heavy_person: 3_000,
        }
    }
}

impl Faults {
    /// The names that [`Faults::set`] takes.
    pub const NAMES: [&str; 14] = [
        "blank_identifier",
        "malformed_identifier",
        "ambiguous_link",
        "double_link",
        "stranger",
        "unlinked_person",
        "second_identifier",
        "unreadable_period",
        "unknown_code",
        "duplicate_record",
        "mixed_case",
        "default_date",
        "open_spell",
        "heavy_person",
    ];

    /// No fault at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            blank_identifier: 0.0,
            malformed_identifier: 0.0,
            ambiguous_link: 0.0,
            double_link: 0.0,
            stranger: 0.0,
            unlinked_person: 0.0,
            second_identifier: 0.0,
            unreadable_period: 0.0,
            unknown_code: 0.0,
            duplicate_record: 0.0,
            mixed_case: 0.0,
            default_date: 0.0,
            open_spell: 0.0,
            heavy_person: 0,
        }
    }

    /// Sets one fault, hyphens or underscores alike.
    ///
    /// # Errors
    /// A line for people: the name is unknown, the rate is not between 0 and 1, or the rows of `heavy_person` are no
    /// whole number up to a million.
    pub fn set(&mut self, name: &str, rate: f64) -> Result<(), String> {
        let name = name.trim().replace('-', "_");
        if name == "heavy_person" {
            if !(0.0..=1_000_000.0).contains(&rate) || rate.fract() != 0.0 {
                return Err("heavy_person takes a whole number of rows, 0 to 1000000".to_owned());
            }
            self.heavy_person = super::random::whole(rate).unsigned_abs();
            return Ok(());
        }
        let field = match name.as_str() {
            "blank_identifier" => &mut self.blank_identifier,
            "malformed_identifier" => &mut self.malformed_identifier,
            "ambiguous_link" => &mut self.ambiguous_link,
            "double_link" => &mut self.double_link,
            "stranger" => &mut self.stranger,
            "unlinked_person" => &mut self.unlinked_person,
            "second_identifier" => &mut self.second_identifier,
            "unreadable_period" => &mut self.unreadable_period,
            "unknown_code" => &mut self.unknown_code,
            "duplicate_record" => &mut self.duplicate_record,
            "mixed_case" => &mut self.mixed_case,
            "default_date" => &mut self.default_date,
            "open_spell" => &mut self.open_spell,
            _ => return Err(format!("no fault of that name; there are {}", Self::NAMES.join(", "))),
        };
        if !(0.0..=1.0).contains(&rate) {
            return Err(format!("{name} takes a rate from 0 to 1"));
        }
        *field = rate;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_can_be_set_and_nonsense_cannot() {
        let mut faults = Faults::none();
        for name in Faults::NAMES {
            faults.set(&name.replace('_', "-"), 1.0).unwrap();
            assert!(faults.set(name, -0.1).is_err());
        }
        assert_eq!(faults.heavy_person, 1);
        assert!(faults.set("typo", 0.1).unwrap_err().contains("open_spell"));
        assert!(faults.set("stranger", f64::NAN).is_err());
        let all = serde_json::to_value(&faults).unwrap();
        assert!(all.as_object().unwrap().values().all(|v| v.as_f64() == Some(1.0)));
    }
}
