//! An approval record, and a spec that one allows.

use crate::spec::Spec;
use crate::vocab::{ElementName, Owner};
use jiff::civil::Date;
use serde::Serialize;

/// One body's decision.
#[derive(Debug, Clone, Serialize)]
#[expect(missing_docs, reason = "the names are the record's own")]
pub struct Decision {
    pub body: String,
    pub reference: String,
    pub decided: Date,
    pub expires: Date,
    pub clearances: Vec<String>,
    pub fee_paid: Option<Date>,
}

/// The record of who approved a spec with that exact digest, until when.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The file's name, without folders.
    pub file: String,
    /// SHA-256 of the record's bytes, hex.
    pub sha256: String,
    /// The spec's revision.
    pub revision: u32,
    /// The decisions.
    pub decisions: Vec<Decision>,
}

/// Why an element is used: released, or looked at for selection only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The element.
    pub element: ElementName,
    /// Its owner.
    pub owner: Owner,
    /// Variables released, in the spec's order, each once.
    pub released: Vec<String>,
    /// Variables only looked at for selection.
    pub selection_only: Vec<String>,
}

/// A spec that its panel and owners allow on a day. Made only by this room.
#[derive(Debug, Clone, Serialize)]
pub struct Approved {
    pub(super) spec: Spec,
    pub(super) record: Record,
    pub(super) uses: Vec<Use>,
    pub(super) as_of: Date,
}

impl Approved {
    /// The spec.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The record that allows it.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Every element used, with what for.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The day on which the approval was found to be in force.
    #[must_use]
    pub fn as_of(&self) -> Date {
        self.as_of
    }
}

#[cfg(test)]
impl Approved {
    /// An approved spec that nobody approved, for the tests of other rooms.
    pub(crate) fn for_tests(spec: Spec, record: Record, uses: Vec<Use>, as_of: Date) -> Self {
        Self { spec, record, uses, as_of }
    }
}
