//! The words of the house: names, periods, values, findings, errors, events, accounts. Imports nothing of ours.
//!
//! Everything here is plain data that any room may hold. Whatever reads a file, a key or a row lives higher up.

mod account;
mod error;
mod event;
mod finding;
mod identifier;
mod marks;
mod name;
mod period;
mod release;
mod safe;
mod value;
mod year_places;

pub use account::{
    Attrition, CheckCount, ColumnRecord, Fates, LinkAccount, ProjectAccount, SliceAccount, SourceRecord, StepCount,
    TableRecord,
};
pub use error::{Error, ExitCode, Result, WriteFault};
pub use event::{Event, Observer, Silent};
pub use finding::{Finding, Findings, Place, Severity, near};
pub use identifier::{
    Canonical, Malformed, Shape, canonical_integer, canonical_text, canonical_unshaped, check_digit_is_valid,
};
pub use marks::Marks;
pub use name::{DENIED_KINDS, ElementName, KeyId, Kind, Owner, ProjectId, denied_variable};
pub use period::{Calendar, Encoding, Slice, Spells, Term, Year, YearKind, Years};
pub use release::{Edge, Release, Truncate};
pub use safe::{safe_count, safe_text};
pub use value::{Decimal, Type, Value};
pub use year_places::YearPlaces;
