//! Specs: a document becomes a validated spec, with every finding.

mod model;

pub use model::{
    Cohort, Condition, Expect, Join, Linked, Output, Pick, Project, Request, Secondment, Selection, Spec, Step, Test,
};
