//! Rows become sorted, deterministic Parquet in bounded memory.
//!
//! A [`Sink`] takes the rows of one table in any order, from any number of workers: as marks in stores that projects share.
//! When the budget is reached, stores wait in scratch ([`spill`]); rows that are too many to come back at once, and those of
//! linked tables, in buckets of rank. When all have come, [`table`] or [`linked`] sorts and writes them. The bytes depend on the
//! rows alone.

mod arrays;
mod chunk;
mod codes;
mod dictionary;
mod encode;
mod fill;
mod gather;
mod linked;
mod numbers;
mod paged;
mod pages;
mod persons;
mod records;
mod sink;
mod spill;
mod spilled;
mod split;
mod store;
mod table;
mod unite;
mod values;

/// How tables are encoded. Whoever changes a byte of what a table comes out as gives the next number: tables of another
/// encoding are not kept from one version of an extract to the next.
pub const ENCODING: u32 = 1;

pub use chunk::Encoders;
pub(crate) use chunk::{Encoder, Picked};
pub(crate) use codes::Codes;
pub use fill::StoreBuilder;
pub use gather::{Part, Pick, RowSet, Taken};
pub use linked::{FansOut, LinkedJob, linked};
pub use persons::{people_of, persons};
pub use sink::{Room, Sink, SinkKey, read_back, spilled, unite};
pub use spilled::{Spilled, spill};
pub use store::Store;
pub use table::{TableJob, table};
