//! Specs: a document becomes a validated spec, with every finding.
//!
//! A [`Spec`] exists only where nothing in its document is wrong: every name is in the catalogue, every value is of its
//! variable's type, every year was collected, and nothing is asked for that may never be released.

mod cohort;
mod condition;
#[cfg(test)]
pub(crate) mod fixture;
mod linked;
mod model;
mod pick;
mod read;
mod request;
mod rules;
mod schema;
mod selection;
#[cfg(test)]
mod tests;

pub use model::{
    Cohort, Condition, Expect, Join, Linked, Output, Pick, Project, Request, Secondment, Selection, Spec, Step, Test,
};
pub use read::{check_distinct, from_text, read};
pub use schema::schema;

/// The codes of this room's findings, each with its meaning. Those of the room `yaml` may stand beside them.
pub const CODES: &[(&str, &str)] = &[
    ("spec-missing", "there is no such file"),
    ("spec-unreadable", "the file cannot be read"),
    ("project-id-malformed", "a project's id has not its shape"),
    ("duplicate-project", "two specs describe one project"),
    ("file-name-differs", "a spec is not named after its project"),
    ("secondment-backwards", "a secondment that ends before it starts"),
    ("secondment-too-long", "a secondment of more than two years"),
    ("link-version-differs", "the spec wants another version of the link tables"),
    ("first-step-not-include", "a cohort begins with people, and only `include` brings some"),
    ("step-malformed", "a step does exactly one thing"),
    ("unknown-element", "no such element in the catalogue"),
    ("unknown-variable", "no such variable in the element"),
    ("unknown-kind", "no link table has this kind of identifier"),
    ("years-not-applicable", "years for an element that has none"),
    ("terms-not-applicable", "terms for an element that has none"),
    ("spells-not-applicable", "`spells` for an element without spells"),
    ("term-unknown", "a term that the element has not"),
    ("year-outside-coverage", "a year that was not collected"),
    ("slice-absent", "a year or term that was never collected, and why"),
    ("variable-not-collected", "a variable that was not collected in some of the years"),
    ("condition-malformed", "a condition has a variable and one test, or is one group"),
    ("condition-empty", "a group or list without members"),
    ("condition-too-deep", "a condition nested beyond sense"),
    ("test-unfit", "a test that the variable's type does not allow"),
    ("between-backwards", "a range whose low end is above its high end"),
    ("value-not-in-codes", "a value that is not among the variable's codes"),
    ("value-out-of-range", "a value that the variable's type cannot hold"),
    ("identifier-requested", "an identifier is never released and never compared"),
    ("never-released", "a variable that is never released"),
    ("denied-by-name", "a name, postcode or person identifier is refused whatever its rating"),
    ("identifying-uncoarsened", "a directly identifying variable leaves only in a coarser form"),
    ("release-too-fine", "the catalogue allows only a coarser form"),
    ("release-unfit", "a form of release that does not fit the variable's type"),
    ("duplicate-element", "an element is requested twice"),
    ("duplicate-variable", "a variable is requested twice"),
    ("duplicate-linked", "two linked tables of one name"),
    ("duplicate-column", "two columns of a linked table have one name"),
    ("nothing-requested", "a list that must name something is empty"),
    ("base-not-requested", "a linked table rests on an element that the spec does not request"),
    ("rule-forbids", "a rule of the catalogue forbids the combination, or asks for a purpose"),
    ("encryption-not-built", "encrypted output is not built in"),
];
