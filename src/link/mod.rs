//! Link tables become members: who is whom. Ambiguous identifiers are kept apart, and everything is counted.

mod build;
mod joined;
mod lookup;
mod recall;
mod registry;
mod set;

pub use build::build;
pub use joined::{Joined, Rows, UnitFault};
pub use set::PersonSet;

use crate::engine::Partners;
use crate::vocab::{Error, Kind, LinkAccount, Result};
use lookup::Lookup;
use recall::Recall;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The person of an identifier that maps to more than one.
pub const AMBIGUOUS: u32 = u32::MAX;
/// The person of an identifier that maps to none, or of a row that has none. Every person's number is below.
pub const NOBODY: u32 = u32::MAX - 1;

/// Who is whom: people by number, and for each kind the de-identified keys that lead to them.
pub struct Members {
    persons: Vec<[u8; 16]>,
    keys: BTreeMap<Kind, Arc<Lookup>>,
    linked: BTreeMap<Kind, PersonSet>,
    excluded: PersonSet,
    recall: Arc<Recall>,
    accounts: Vec<LinkAccount>,
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").field("persons", &self.persons.len()).finish_non_exhaustive()
    }
}

impl Members {
    /// How many people there are. They are numbered from 0.
    #[must_use]
    pub fn len(&self) -> usize {
        self.persons.len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.persons.is_empty()
    }

    /// The person key of a number: 16 bytes.
    #[must_use]
    pub fn person_key(&self, person: u32) -> Option<&[u8; 16]> {
        self.persons.get(usize::try_from(person).ok()?)
    }

    /// The bytes that the members hold, about.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let keys: usize = self.keys.values().map(|lookup| lookup.bytes()).sum();
        let sets = (self.linked.len() + 1) * self.persons.len() / 8;
        u64::try_from(keys + sets + self.persons.len() * 16).unwrap_or(u64::MAX).saturating_add(self.recall.bytes())
    }

    /// People with at least one unambiguous identifier of a kind.
    #[must_use]
    pub fn linked(&self, kind: &Kind) -> Option<&PersonSet> {
        self.linked.get(kind)
    }

    /// People never to be released.
    #[must_use]
    pub fn excluded(&self) -> &PersonSet {
        &self.excluded
    }

    /// What the link tables held.
    #[must_use]
    pub fn accounts(&self) -> &[LinkAccount] {
        &self.accounts
    }

    /// The build side of a join: [`AMBIGUOUS`] where a key maps to several people, [`NOBODY`] where it maps to none.
    ///
    /// # Errors
    /// A fault of ours: a kind that nothing maps.
    pub fn build_side(&self, kind: &Kind) -> Result<Arc<dyn Partners>> {
        let lookup = self.keys.get(kind).ok_or_else(|| Error::Internal(format!("no members of kind {kind}")))?;
        Ok(Arc::clone(lookup) as Arc<dyn Partners>)
    }
}
