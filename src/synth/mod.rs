//! The room `synth`: a synthetic LEO, true to the shapes and faults of the real one, for tests, benches and trials.

mod calendar;
mod education;
mod identifiers;
mod options;
mod outcomes;
mod people;
mod places;
mod plans;
mod random;
mod rows;
mod values;
mod values_care;
mod values_college;
mod values_generic;
mod values_outcomes;
mod values_person;
mod values_school;

pub use options::{Faults, Options};
