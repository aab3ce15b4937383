//! Tables that were proved before. Where a version before was made by the same rules, a table of it need not be read again
//! that still has the bytes which were proved then.
//!
//! The rules are the same where this version of the program, with this verifier, made that version of the same project from
//! the same spec and catalogue, to the byte, for the same people. All of this the verifier finds itself, in the record of that
//! version, which the ledger vouches for; that the bytes are the same it knows from digests of its own.

use super::Against;
use super::account::Digests;
use super::expected::Table;
use super::layout::Forms;
use super::rows::Facts;
use super::tally::{Counts, known};
use crate::files::operation;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// The rules by which tables are proved: whoever changes what the verifier finds gives them the next number, so that what was
/// proved by others is proved again.
pub const RULES: u32 = 1;

/// The record of a version that was published before.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Its file.
    pub record: &'a Path,
    /// The SHA-256 under which the ledger knows it, hex.
    pub sha256: &'a str,
}

/// How many things each check looked at in the rows of tables, by path below `data/`.
pub type OfTables = BTreeMap<String, Counts>;

/// What a record tells of the rules and the tables; all else is passed over.
#[derive(Debug, Deserialize)]
struct Record {
    tool: Tool,
    project: Project,
    spec: Digested,
    catalogue: Catalogue,
    tables: Vec<Recorded>,
    proof: Proof,
}

#[derive(Debug, Deserialize)]
struct Proof {
    rules: u32,
    tables: BTreeMap<String, BTreeMap<String, u64>>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    version: String,
}

#[derive(Debug, Deserialize)]
struct Project {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Digested {
    sha256: String,
}

#[derive(Debug, Deserialize)]
struct Catalogue {
    digest: String,
}

#[derive(Debug, Deserialize)]
struct Recorded {
    path: String,
    rows: u64,
    persons: u64,
    bytes: u64,
    sha256: String,
    columns: Vec<Missing>,
}

#[derive(Debug, Deserialize)]
struct Missing {
    missing: u64,
}

/// The tables of a version that were proved, and whose bytes are the same now; by stem.
#[derive(Debug, Default)]
pub(super) struct Proved(BTreeMap<String, (Facts, Counts)>);

impl Proved {
    /// Which of some tables were proved before. None where anything that they are judged by is not what it was, or where tables
    /// have forms that are not digested here.
    pub(super) fn of(
        before: Option<&Before<'_>>,
        against: &Against<'_>,
        (tables, forms): (&[Table<'_>], Forms),
        digests: &Digests,
    ) -> Self {
        let record = before.filter(|_| forms.parquet && !forms.csv).and_then(Record::read);
        let Some(record) = record.filter(|record| record.is_by_the_rules_of(against)) else { return Self::default() };
        let same = |stem: &str| {
            let path = format!("{stem}.parquet");
            let recorded = record.tables.iter().find(|recorded| recorded.path == path)?;
            let (bytes, sha256) = digests.get(&path)?;
            (*bytes == recorded.bytes && sha256.eq_ignore_ascii_case(&recorded.sha256)).then_some(recorded)
        };
        // Everybody whom a table may hold, by the same names.
        if same(PEOPLE).is_none() {
            return Self::default();
        }
        let proved = tables.iter().filter(|table| table.stem != PEOPLE).filter_map(|table| {
            let recorded = same(&table.stem)?;
            let looked_at = record.proof.tables.get(&recorded.path)?;
            let looked_at = looked_at.iter().map(|(check, count)| Some((known(check)?, *count)));
            let facts = Facts {
                rows: recorded.rows,
                people: recorded.persons,
                missing: recorded.columns.iter().map(|column| column.missing).collect(),
                linked: vec![0; recorded.columns.len()],
            };
            Some((table.stem.clone(), (facts, looked_at.collect::<Option<_>>()?)))
        });
        Self(proved.collect())
    }

    /// Whether a table was proved.
    pub(super) fn has(&self, stem: &str) -> bool {
        self.0.contains_key(stem)
    }

    /// Of tables that say something together all must be read again where one of them must.
    pub(super) fn all_or_none(&mut self, groups: &[Vec<&str>]) {
        while let Some(torn) = groups.iter().find(|group| self.has_some(group) && !self.has_all(group)) {
            torn.iter().for_each(|stem| {
                self.0.remove(*stem);
            });
        }
    }

    /// Whether all tables of a group were proved. A group of none says nothing.
    pub(super) fn has_all(&self, group: &[&str]) -> bool {
        !group.is_empty() && group.iter().all(|stem| self.has(stem))
    }

    fn has_some(&self, group: &[&str]) -> bool {
        group.iter().any(|stem| self.has(stem))
    }

    /// Takes out what a table came to when it was proved, and what was looked at then.
    pub(super) fn take(&mut self, stem: &str) -> Option<(Facts, Counts)> {
        self.0.remove(stem)
    }
}

/// The stem of the table of people.
const PEOPLE: &str = "persons";

impl Record {
    /// The record, where it is the one that the ledger knows.
    fn read(before: &Before<'_>) -> Option<Self> {
        let bytes = operation::read(before.record).ok()?;
        let known = super::bag::hex(&Sha256::digest(&bytes)).eq_ignore_ascii_case(before.sha256);
        known.then(|| serde_json::from_slice(&bytes).ok())?
    }

    fn is_by_the_rules_of(&self, against: &Against<'_>) -> bool {
        let Against { spec, catalogue, .. } = against;
        self.tool.version == env!("CARGO_PKG_VERSION")
            && self.proof.rules == RULES
            && self.project.id == spec.project.id.as_str()
            && self.spec.sha256 == spec.sha256
            && self.catalogue.digest == catalogue.digest
    }
}
