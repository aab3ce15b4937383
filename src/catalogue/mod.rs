//! The catalogue: what exists, who controls it, and how finely it may be released.

mod model;

pub use model::{
    Absent, Catalogue, Document, Element, Identifier, LinkTable, Links, Period, Rule, Template, Variable, Was,
};
