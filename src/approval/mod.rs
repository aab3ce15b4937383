//! Approvals: records, dates, owners. Only this room makes an `Approved` spec.

mod model;

pub use model::{Approved, Decision, Record, Use};
