//! Source slices become tables whose schema has de-identified keys and no identifier.
//!
//! The de-identified view of a scan shows the key, the year where it stands in a column, flags (does a row pass a
//! condition, does a spell count) and released values, already coarsened or pseudonymised. Raw identifiers, dates of
//! birth and all else that a condition may look at stay below it: no plan above can name them, no spill can hold them.

mod coarsen;
mod collected;
mod condition;
mod conform;
mod identify;
mod period;
mod standard;
mod view;

pub use conform::arrow_type;
pub use identify::IdentifierCounts;
pub(crate) use identify::keys;
pub use standard::{Counts, Standard};
pub use view::{DeidentifiedView, KeysMet, read_keys};

/// The name of the key's column in every de-identified table.
pub const KEY: &str = "key";
