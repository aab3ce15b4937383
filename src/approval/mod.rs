//! Approvals: records, dates, owners. Only this room makes an `Approved` spec.
//!
//! A spec may be built on a day only if a record approves exactly its bytes, and the panel and every owner of what it
//! uses have decided, and all of that is in force on that day. Absence means refusal.

mod approve;
mod model;
mod records;
mod schema;
#[cfg(test)]
mod tests;

pub use approve::approve;
pub use model::{Approved, Decision, Record, Use};
pub use records::{BODIES, Records};
pub use schema::schema;

/// The codes of this room's findings, each with its meaning. Those of the room `yaml` may stand beside them.
pub const CODES: &[(&str, &str)] = &[
    ("approvals-unreadable", "the folder of approvals, or a file in it, cannot be read"),
    ("digest-malformed", "not the SHA-256 of a file in hexadecimal"),
    ("project-id-malformed", "a project's id has not its shape"),
    ("no-decisions", "a record without decisions"),
    ("decision-backwards", "a decision that expires before it is made"),
    ("approval-missing", "no record approves the project"),
    ("spec-changed-since-approval", "the project's record approves another text of the spec"),
    ("revision-differs", "the record approves the text under another revision"),
    ("decision-missing", "the panel or an owner has not decided"),
    ("approval-not-yet-in-force", "a decision is made later than the day of the build"),
    ("approval-expired", "a decision expired before the day of the build"),
    ("fee-unpaid", "HESA's fee is not paid"),
    ("clearance-missing", "variables of sensitivity B without a clearance"),
    ("secondment-over", "the secondment ended before the day of the build"),
    ("signatures-not-built", "signatures are required, and checking them is not built in"),
];
