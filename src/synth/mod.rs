//! The room `synth`: a synthetic LEO, true to the shapes and faults of the real one, for tests, benches and trials.
//!
//! A person is a pure function of seed and number (`people`), so that all tables agree without a table of people. A file
//! is cut into chunks of people; each chunk's rows are planned (`plans`, `education`, `outcomes`), given the faults of
//! life (`rows`), and turned into columns one at a time (`columns`, `values…`, `arrays`), with one ChaCha8 stream a file
//! and chunk. Chunks are encoded on all threads and put into their file in order (`encode`): the bytes depend on the
//! options alone, and memory does not depend on how many people there are.

mod arrays;
mod calendar;
mod columns;
mod education;
mod embedded;
mod encode;
mod identifiers;
mod links;
mod options;
mod outcomes;
mod people;
mod places;
mod plans;
mod projects;
mod random;
mod rows;
mod tables;
mod values;
mod values_care;
mod values_college;
mod values_generic;
mod values_outcomes;
mod values_person;
mod values_school;
mod world;

pub use options::{Faults, Options};
pub use world::{World, write_world};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_builds;
#[cfg(test)]
mod tests_faults;
