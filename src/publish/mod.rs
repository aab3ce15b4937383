//! Publication: a staged, verified folder becomes an extract that outlives us: recorded, described, bagged, in the ledger.
//!
//! `prepare` writes what stands beside the tables in `data/`, the same for the same inputs: `record` fills the `manifest`,
//! `datapackage` and `codebook` are the dictionary, `csv` makes the tables' twins. `seal` writes what is true of this run
//! only (`report`, `run`, `rocrate`), puts the `bag` around it, renames it into place, points `latest` at it and appends
//! to the `ledger`; `pending` makes a kill between these harmless.

mod bag;
mod codebook;
mod csv;
mod datapackage;
pub mod ledger;
mod manifest;
mod pending;
mod publication;
mod record;
mod report;
mod rocrate;
mod run;
mod seal;

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

pub use csv::csv_twin;
pub use manifest::{
    AbsentSlice, ApprovalRecord, AttritionRecord, CatalogueRecord, Check, Column, DecisionRecord, DocumentRecord,
    FatesRecord, FileRecord, KeyRecord, Link, Linkage, MANIFEST, Manifest, ProjectRecord, ProofRecord, SliceFates,
    SliceRecord, Source, SpecRecord, StepRecord, Table, Tool, UseRecord, manifest_schema,
};
pub use pending::{LATEST, PENDING, recover, unfinished};
pub use publication::{Publication, Published, RunFacts, version_name, version_of};
pub use seal::{prepare, seal, twin_of, write_twins};
