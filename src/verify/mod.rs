//! The verifier: re-reads what was written and proves it against the approval. Shares no code with what made it.
//!
//! It knows the spec, the catalogue and the words of the house; it has its own reading of conditions, spells, coarsened
//! shapes, identifiers and order. It trusts neither the builder's counts nor a file's own statistics. It holds tables
//! against each other: what the cohort's steps, links and linked tables say of somebody must show in released rows. It
//! cannot tell a wrong link from a right one, nor a wrong value of the right shape: `tests/planted` lists what it missed.

mod account;
mod apart;
mod bag;
mod beside;
mod cells;
mod condition;
mod crosswise;
mod csv;
mod expected;
mod identifiers;
mod layout;
mod leak;
mod people;
mod periods;
mod proved;
mod rows;
mod scan;
mod shapes;
mod spells;
mod statistics;
mod table;
mod tally;
mod text;

#[cfg(test)]
mod tests;

use crate::catalogue::Catalogue;
use crate::spec::Spec;
use crate::vocab::{CheckCount, Error, Findings, Observer, ProjectAccount, Result, Severity, Silent, SourceRecord};
pub use apart::{first_people, share_people};
pub use proved::{Before, OfTables, RULES};

use account::Seen;
use crosswise::Crosswise;
use expected::Role;
use people::People;
use proved::Proved;
use rayon::prelude::*;
use std::path::Path;
use tally::Tally;

/// What an extract is proved against.
#[derive(Debug, Clone, Copy)]
pub struct Against<'a> {
    /// The approved spec.
    pub spec: &'a Spec,
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// What the builder counted; `None` leaves the comparison of counts out.
    pub account: Option<&'a ProjectAccount>,
    /// The source files that were read, with the rows that their footers tell; `None` leaves them out.
    pub sources: Option<&'a [SourceRecord]>,
}

/// What the verifier says.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What is wrong.
    pub findings: Findings,
    /// How much each check looked at. A check that looked at nothing is shown as such.
    pub checks: Vec<CheckCount>,
    /// What of it stands in the rows of each table, that of people apart.
    pub of_tables: OfTables,
    /// How many tables were not read again, since they were proved before and are the same to the byte.
    pub proved_before: u64,
}

impl Verdict {
    /// What is said of anything but tables.
    fn of(findings: Findings, checks: Vec<CheckCount>) -> Self {
        Self { findings, checks, of_tables: OfTables::new(), proved_before: 0 }
    }

    /// Whether nothing refuses.
    #[must_use]
    pub fn passes(&self) -> bool {
        !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Every code of a refusal, with what it means or what to do.
pub const CODES: &[(&str, &str)] = &[
    ("file-missing", "build again: each approved table must be there, an empty one too"),
    ("file-not-approved", "remove what leo-extract did not write, and find out who did"),
    ("file-is-link", "an extract holds files alone"),
    ("file-unreadable", "the file is damaged or cut short: build again"),
    ("folder-unreadable", "the data folder must be readable as a whole"),
    ("file-metadata", "only leo-extract may write tables, and it writes no metadata beside the columns"),
    ("file-bytes-unaccounted", "a file holds its columns and its footer, nothing else"),
    ("statistics-differ", "statistics must be those of the file's own cells: a withheld value could hide there"),
    ("columns-differ", "the spec's variables in the spec's order, in the catalogue's types, are all that may be there"),
    ("twins-differ", "the CSV and the Parquet file of a table must say the same: build again"),
    ("not-in-catalogue", "the spec names what the catalogue does not know: verify with the catalogue of the build"),
    ("never-released", "neither identifiers nor what the catalogue withholds may leave, whatever a spec says"),
    ("person-malformed", "a person_id is 16 characters of lower-case Crockford base32"),
    ("person-not-in-cohort", "every row must be of a person of the cohort"),
    ("person-twice", "a person stands once in the table of people"),
    ("link-missing", "the cohort requires this link of everyone"),
    ("person-not-sampled", "the cohort's sample keeps people by the first bytes of their person_id"),
    (
        "cohort-step-contradicted",
        "released rows show that a step of the cohort was not applied: report this as a fault",
    ),
    ("link-contradicted", "whoever has rows was led to them: `linked_‹kind›` must say so; report this as a fault"),
    ("linked-differs", "a linked table repeats what other tables say: they must agree; report this as a fault"),
    ("period-not-approved", "each table holds the approved year and term alone"),
    ("rows-unsorted", "rows stand by person, period, then all columns, missing first: order must tell nothing"),
    ("condition-not-met", "the spec's `where` must hold on every row"),
    ("spell-outside-years", "a spell must overlap the approved years, or start in them"),
    ("join-not-single", "a join brings at most one row for each person"),
    ("not-coarsened", "the value is finer than the approved release"),
    ("value-not-collected", "the catalogue says that the variable was not collected in that year"),
    ("nino-shaped", "one National Insurance number is one too many: mark the variable `release: never`"),
    (
        "postcode-shaped",
        "one postcode is one too many: mark the variable `release: never`, or list the value in `codes`",
    ),
    ("address-shaped", "one e-mail address is one too many: mark the variable `release: never`"),
    ("identifier-numbers", "too many values have right check digits to be chance: mark the variable `release: never`"),
    ("counts-differ", "what was written is not what was counted: build again, and report this as a fault"),
    ("digest-differs", "the file was changed after it was written: build again"),
    ("fates-do-not-add-up", "a row was lost or counted twice: report this as a fault"),
    ("fates-impossible", "rows were lost, added or miscounted: report this as a fault"),
    (
        "dictionary-differs",
        "codebook and data package must say what is delivered: build again, and report this as a fault",
    ),
    ("attrition-broken", "the cohort's counts contradict each other: report this as a fault"),
    ("expectation-missed", "look at the sources and link tables; change `expect` only by a new approval"),
    ("bag-declaration", "bagit.txt must declare BagIt 1.0"),
    ("bag-incomplete", "a file of the bag is missing: build again"),
    ("bag-manifest-malformed", "a manifest must be as leo-extract wrote it"),
    ("bag-digest-differs", "a file was changed after publication: build again"),
    ("bag-file-unlisted", "remove what leo-extract did not write, and find out who did"),
    ("bag-oxum-differs", "files were added, removed or changed after publication: build again"),
    ("bag-unreadable", "the bag must be readable as a whole"),
];

/// Proves the tables below `data`, the data folder of a staged or published extract. What stands beside them is not read
/// here ([`dictionary`]).
///
/// # Errors
/// Only where threads cannot be had: whatever is wrong with the extract is a finding.
pub fn tables(data: &Path, against: &Against<'_>, threads: usize) -> Result<Verdict> {
    tables_while(data, against, None, (threads, &Silent))
}

/// The same, as long as the run may go on. Tables of a version `before` that were proved by the same rules are not read again
/// where their bytes are the same.
///
/// # Errors
/// Threads cannot be had, or the run is interrupted: what was found until then is no verdict, and is thrown away.
pub fn tables_while(
    data: &Path,
    against: &Against<'_>,
    before: Option<&Before<'_>>,
    (threads, observer): (usize, &dyn Observer),
) -> Result<Verdict> {
    let mut tally = Tally::default();
    let tables = expected::tables(against.spec, against.catalogue, &mut tally);
    let output = &against.spec.output;
    let forms = layout::Forms { parquet: output.parquet, csv: output.csv };
    let there = layout::check(data, &tables, forms, &mut tally);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    let pool = pool.map_err(|_| Error::Internal("the system gives no threads".to_owned()))?;

    let complete = |table: &&expected::Table<'_>| forms.of(table).iter().all(|path| there.contains(path));
    let mut seen = Vec::new();
    let mut people = People::default();
    let mut flags = Vec::new();
    let persons = tables.iter().filter(complete).find(|table| table.stem == "persons");
    // The people come first, and alone: whoever need not know them reads for the digests meanwhile.
    let paths: Vec<String> = tables.iter().filter(complete).map(|table| table::path(table, forms)).collect();
    let (gathered, digests) = pool.install(|| {
        rayon::join(
            || persons.and_then(|table| Some((table, table::check(data, table, forms, None, (observer, &mut tally))?))),
            || account::digests(data, against, &paths, observer),
        )
    });
    if let Some((table, (facts, gathered))) = gathered {
        people = People::new(gathered.people);
        flags = gathered.linked;
        seen.push(Seen { path: table::path(table, forms), table, facts });
    }
    let mut crosswise = Crosswise::new(against.spec, against.catalogue, &tables, people.len());
    let mut proved = Proved::of(before, against, (&tables, forms), &digests);
    crosswise.leave_out(&mut proved, &tables);
    let rest = tables.iter().filter(complete).filter(|table| table.stem != "persons");
    let (rest, again): (Vec<_>, Vec<_>) = rest.partition(|table| !proved.has(&table.stem));
    // The largest first, so that no core waits for another at the end.
    let mut rest: Vec<_> = rest.into_iter().map(|table| (size(&data.join(table::path(table, forms))), table)).collect();
    rest.sort_by(|(a, _), (b, _)| b.cmp(a));
    let checked: Vec<(Option<Seen<'_>>, Tally)> = pool.install(|| {
        rest.into_par_iter()
            .with_max_len(1)
            .map(|(_, table)| {
                let mut tally = Tally::default();
                let facts = table::check(data, table, forms, Some((&people, &crosswise)), (observer, &mut tally));
                (facts.map(|(facts, _)| Seen { path: table::path(table, forms), table, facts }), tally)
            })
            .collect()
    });
    let mut of_tables = OfTables::new();
    for (table, found) in checked {
        if let Some(table) = &table {
            of_tables.insert(table.path.clone(), found.counts());
        }
        seen.extend(table);
        tally.merge(found);
    }
    let proved_before = again.len() as u64;
    for table in again {
        let Some((facts, looked_at)) = proved.take(&table.stem) else { continue };
        let path = table::path(table, forms);
        tally.look_again(&looked_at);
        of_tables.insert(path.clone(), looked_at);
        seen.push(Seen { path, table, facts });
    }
    account::check(against, &tables, &seen, &digests, &mut tally);
    observer.go_on()?;
    // A table that is wrong is refused as such: what it then says of people is not held against others.
    if !tally.refuses() {
        let persons = tables.iter().filter(|table| table.stem == "persons").flat_map(|table| &table.columns);
        let flags = persons.zip(&flags).filter_map(|(column, flags)| match column.role {
            Role::Linked { kind, .. } => Some((kind, flags.as_slice())),
            _ => None,
        });
        crosswise.finish(people.len(), &flags.collect::<Vec<_>>(), &mut tally);
    }
    let (mut findings, checks) = tally.finish();
    let project = against.spec.project.id.as_str();
    findings.iter_mut().for_each(|finding| finding.project = Some(project.to_owned()));
    Ok(Verdict { findings, checks, of_tables, proved_before })
}

/// Proves what stands beside the tables below `data`: the codebook and the data package say what is delivered.
#[must_use]
pub fn dictionary(data: &Path, against: &Against<'_>) -> Verdict {
    let mut tally = Tally::default();
    let looked_at = beside::check(data, against, &mut tally);
    let (mut findings, _) = tally.finish();
    findings.iter_mut().for_each(|finding| finding.project = Some(against.spec.project.id.to_string()));
    Verdict::of(findings, vec![CheckCount { check: "dictionary-entries", looked_at }])
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Proves that a folder is a whole BagIt 1.0 bag: nothing missing, nothing added, every digest right.
#[must_use]
pub fn bag(root: &Path) -> Verdict {
    let (findings, files) = bag::check(root);
    Verdict::of(findings, vec![CheckCount { check: "bag-files", looked_at: files }])
}
