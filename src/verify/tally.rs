//! What the verifier found and how much it looked at: findings of one kind in one column are one finding.

use crate::vocab::{CheckCount, Finding, Findings, Place, safe_text};
use std::collections::BTreeMap;

/// What the verifier looks at. Every check is shown with its count, also where it is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Files,
    Columns,
    Metadata,
    Statistics,
    Rows,
    People,
    Periods,
    Order,
    Conditions,
    Spells,
    Joins,
    Shapes,
    LeakScan,
    Counts,
    Digests,
    Crosswise,
    Sample,
}

/// The checks as they are shown, in the order of [`Check`].
const NAMES: [&str; 17] = [
    "files",
    "columns",
    "file-metadata",
    "statistics",
    "rows",
    "people-in-cohort",
    "periods",
    "row-order",
    "conditions",
    "spells",
    "joins-of-one-row",
    "coarsened-cells",
    "text-and-number-cells-scanned",
    "counts",
    "digests",
    "statements-of-one-person",
    "sampled-people",
];

/// How many things each check looked at, by its name.
pub(super) type Counts = BTreeMap<&'static str, u64>;

/// The name of a check that is known by that name.
pub(super) fn known(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|check| *check == name)
}

/// Findings and counts of one table, or of all.
#[derive(Debug, Default)]
pub(super) struct Tally {
    looked_at: [u64; NAMES.len()],
    findings: Findings,
}

impl Tally {
    /// Counts things looked at.
    pub(super) fn look(&mut self, check: Check, count: usize) {
        self.looked_at[check as usize] += count as u64;
    }

    /// Counts what was looked at before.
    pub(super) fn look_again(&mut self, counts: &Counts) {
        for (check, looked_at) in NAMES.iter().zip(&mut self.looked_at) {
            *looked_at += counts.get(check).copied().unwrap_or(0);
        }
    }

    /// What was looked at, where that is anything.
    pub(super) fn counts(&self) -> Counts {
        NAMES.into_iter().zip(self.looked_at).filter(|(_, looked_at)| *looked_at > 0).collect()
    }

    /// Refuses. The message must not hold anything that was read from a cell.
    pub(super) fn refuse(&mut self, code: &'static str, file: &str, message: impl Into<String>) {
        let help = super::CODES.iter().find(|(known, _)| *known == code).map(|(_, what)| *what);
        let finding = Finding::error(code, Place::file(file), message);
        self.findings.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    /// Refuses where a count is not zero: `fewer than 10 rows ‹what›`. The count is made safe to carry out.
    pub(super) fn refuse_some(&mut self, code: &'static str, file: &str, count: u64, things: &str) {
        if count > 0 {
            self.refuse(code, file, format!("{} {things}", safe_text(count)));
        }
    }

    /// Whether anything was refused.
    pub(super) fn refuses(&self) -> bool {
        !self.findings.is_empty()
    }

    /// Adds another tally.
    pub(super) fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.looked_at.iter_mut().zip(other.looked_at) {
            *mine += theirs;
        }
        self.findings.extend(other.findings);
    }

    /// The findings in the order in which they are shown, and every check with its count.
    pub(super) fn finish(mut self) -> (Findings, Vec<CheckCount>) {
        self.findings.sort_by(Finding::order);
        let checks =
            NAMES.iter().zip(self.looked_at).map(|(check, looked_at)| CheckCount { check, looked_at }).collect();
        (self.findings, checks)
    }
}
