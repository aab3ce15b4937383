//! The tests of the command as a whole: synthetic worlds, the built binary, and what lies on the disk afterwards.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed, and says so")]

mod bad_places;
mod bad_sources;
mod bad_specs;
mod beside;
mod canary;
mod cli;
mod planted;
mod projects;
mod same_bytes;
mod support;
mod tamper;
#[path = "../tidy.rs"]
mod tidy;
