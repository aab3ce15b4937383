//! `leo-extract`: linked-dataset extracts for approved research projects. `src/ARCHITECTURE.md` is the map.

pub mod vocab;

pub mod approval;
pub mod catalogue;
pub mod config;
pub mod files;
pub mod hash;
pub mod keys;
pub mod spec;
pub mod yaml;

pub mod engine;
pub mod plan;
pub mod survey;

pub mod cohort;
pub mod deidentify;
pub mod extract;
pub mod link;
pub mod publish;
pub mod verify;
pub mod write;

pub mod pipeline;

pub mod cli;
pub mod synth;

#[doc(hidden)]
pub mod kernels;
