//! Rows become sorted, deterministic Parquet in bounded memory.
//!
//! A [`Sink`] takes the rows of one table in any order, from any number of workers: as picks into batches that projects
//! share, or, when the budget is reached, as spilled buckets of rank. When all have come, [`table`] or [`linked`] sorts
//! and writes them. The bytes depend on the rows alone.

mod codes;
mod encode;
mod gather;
mod linked;
mod persons;
mod sink;
mod spill;
mod table;

pub use gather::{Pick, RowSet};
pub use linked::{FansOut, LinkedJob, linked};
pub use persons::persons;
pub use sink::{Sink, SinkKey};
pub use table::{TableJob, table};
