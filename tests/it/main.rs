//! The tests of the command as a whole: synthetic worlds, the built binary, and what lies on the disk afterwards.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed, and says so")]

mod absurd;
mod audit;
mod audit_disk;
mod bad_places;
mod bad_sources;
mod bad_specs;
mod beside;
mod canary;
mod checksums;
mod cli;
mod cohorts_again;
mod corrupt;
mod differential;
mod escapes;
mod full_disk;
mod huge;
mod kill;
mod memory;
mod mutated;
mod paths;
mod planted;
mod privacy;
mod privacy_orders;
mod privacy_withheld;
mod process;
mod projects;
mod rebuilds;
mod reckon;
mod regions;
mod same_bytes;
mod support;
mod tamper;
#[path = "../tidy.rs"]
mod tidy;
mod two_builds;
