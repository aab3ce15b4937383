//! Whom the rows of a unit lead to, kept from the reading for cohorts until tables are read from the same rows: they need
//! not be hashed and looked up again.

use crate::deidentify::IdentifierCounts;
use crate::plan::{ElementScan, Unit};
use arrow::buffer::ScalarBuffer;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What is known of a unit's rows.
#[derive(Debug)]
pub(super) struct Known {
    /// Each row's person, or what stands for none.
    pub(super) persons: ScalarBuffer<u32>,
    /// What was met in the identifier's column.
    pub(super) met: IdentifierCounts,
}

/// A unit's rows: the element, the file, the row groups. An element has one kind of identifier.
type Rows = (String, PathBuf, usize, usize);

/// What is known of units, as far as there is room.
#[derive(Debug)]
pub(super) struct Recall {
    units: Mutex<BTreeMap<Rows, Arc<Known>>>,
    used: AtomicU64,
    most: u64,
}

fn rows_of(scan: &ElementScan, unit: &Unit) -> Rows {
    (scan.element.name.to_string(), unit.facts.path.clone(), unit.row_groups.start, unit.row_groups.end)
}

impl Recall {
    /// Nothing yet, and room for so many bytes.
    pub(super) fn new(most: u64) -> Self {
        Self { units: Mutex::default(), used: AtomicU64::new(0), most }
    }

    /// The bytes that are held.
    pub(super) fn bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes the room for a unit, if there is any.
    pub(super) fn has_room(&self, unit: &Unit) -> bool {
        let room = |used: u64| used.checked_add(unit.rows.saturating_mul(4)).filter(|sum| *sum <= self.most);
        self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok()
    }

    /// Keeps what was read of a unit for which there was room.
    pub(super) fn keep(&self, scan: &ElementScan, unit: &Unit, known: Known) {
        if let Ok(mut units) = self.units.lock() {
            units.insert(rows_of(scan, unit), Arc::new(known));
        }
    }

    /// What is known of a unit, if its file is still the one that was read.
    pub(super) fn of(&self, scan: &ElementScan, unit: &Unit) -> Option<Arc<Known>> {
        let known = self.units.lock().ok()?.get(&rows_of(scan, unit)).map(Arc::clone)?;
        let now = std::fs::metadata(&unit.facts.path).ok()?;
        let same =
            now.len() == unit.facts.bytes && unit.facts.modified.is_some_and(|then| now.modified().ok() == Some(then));
        same.then_some(known)
    }
}
