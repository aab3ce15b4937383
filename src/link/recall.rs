//! Whom the rows of a unit lead to, kept from the reading for cohorts until tables are read from the same rows: they need
//! not be hashed and looked up again. What has no room in memory waits in scratch: people's numbers of the run alone.

use crate::deidentify::IdentifierCounts;
use crate::engine::Known;
use crate::files::{ScratchFile, ScratchWriter, Stretch};
use crate::plan::{ElementScan, Unit};
use crate::vocab::{Error, Result};
use arrow::buffer::ScalarBuffer;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What is known of a unit's rows.
#[derive(Debug)]
pub(super) struct Recalled {
    persons: Persons,
    /// What was met in the identifier's column.
    pub(super) met: IdentifierCounts,
}

/// Each row's person, or what stands for none.
#[derive(Debug)]
enum Persons {
    Held(ScalarBuffer<u32>),
    InScratch(Stretch),
}

impl Known for Recalled {
    fn partners(&self, rows: Range<usize>) -> Result<ScalarBuffer<u32>> {
        match &self.persons {
            Persons::Held(persons) if rows.end <= persons.len() => Ok(persons.slice(rows.start, rows.len())),
            Persons::Held(_) => Err(Error::Internal("a unit has more rows than were read before".to_owned())),
            Persons::InScratch(stretch) => {
                let from = u64::try_from(rows.start * size_of::<u32>()).unwrap_or(u64::MAX);
                Ok(stretch.read(from, |of| of.all(rows.len(), u32::from_le_bytes))?.into())
            }
        }
    }
}

/// Whom the rows of a unit lead to, while it is read.
pub(super) enum Noting {
    Held(Vec<u32>),
    ToScratch(Box<ScratchWriter>),
}

impl Noting {
    /// Takes the next rows in.
    ///
    /// # Errors
    /// Scratch cannot be written, or there are more rows than the footer told.
    pub(super) fn note(&mut self, persons: &[u32]) -> Result<()> {
        match self {
            Self::Held(all) => {
                all.extend_from_slice(persons);
                Ok(())
            }
            Self::ToScratch(writer) => writer.all(persons, u32::to_le_bytes),
        }
    }

    /// What was noted; `None` where there are fewer rows than the footer told.
    fn end(self) -> Option<Persons> {
        match self {
            Self::Held(persons) => Some(Persons::Held(persons.into())),
            Self::ToScratch(writer) => writer.finish().map(Persons::InScratch),
        }
    }
}

/// A unit's rows: the element, the file, the row groups. An element has one kind of identifier.
type Rows = (String, PathBuf, usize, usize);

/// What is known of units.
#[derive(Debug)]
pub(super) struct Recall {
    /// Of which units somebody will ask.
    awaited: BTreeSet<Rows>,
    units: Mutex<BTreeMap<Rows, Arc<Recalled>>>,
    used: AtomicU64,
    most: u64,
    scratch: Arc<ScratchFile>,
}

fn rows_of(scan: &ElementScan, unit: &Unit) -> Rows {
    (scan.element.name.to_string(), unit.facts.path.clone(), unit.row_groups.start, unit.row_groups.end)
}

impl Recall {
    /// Nothing yet of what these scans will read, and room for so many bytes in memory.
    pub(super) fn new(scans: &[Arc<ElementScan>], most: u64, scratch: Arc<ScratchFile>) -> Self {
        let awaited = scans.iter().flat_map(|scan| scan.units.iter().map(|unit| rows_of(scan, unit))).collect();
        Self { awaited, units: Mutex::default(), used: AtomicU64::new(0), most, scratch }
    }

    /// The bytes that are held in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Begins to note a unit: in memory, if there is any room. `None` where nobody will ask.
    ///
    /// # Errors
    /// Scratch cannot be written.
    pub(super) fn begin(&self, scan: &ElementScan, unit: &Unit) -> Result<Option<Noting>> {
        if !self.awaited.contains(&rows_of(scan, unit)) {
            return Ok(None);
        }
        let bytes = unit.rows.saturating_mul(4);
        let room = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.most);
        Ok(Some(match self.used.try_update(Ordering::Relaxed, Ordering::Relaxed, room) {
            Ok(_) => Noting::Held(Vec::new()),
            Err(_) => Noting::ToScratch(Box::new(self.scratch.begin(bytes)?)),
        }))
    }

    /// Keeps what was noted of a unit that was read to its end.
    pub(super) fn keep(&self, scan: &ElementScan, unit: &Unit, noting: Noting, met: IdentifierCounts) {
        let Some(persons) = noting.end() else { return };
        if let Ok(mut units) = self.units.lock() {
            units.insert(rows_of(scan, unit), Arc::new(Recalled { persons, met }));
        }
    }

    /// What is known of a unit, if its file is still the one that was read. It is told once: nobody reads a unit a third time.
    pub(super) fn of(&self, scan: &ElementScan, unit: &Unit) -> Option<Arc<Recalled>> {
        let known = self.units.lock().ok()?.remove(&rows_of(scan, unit))?;
        let now = std::fs::metadata(&unit.facts.path).ok()?;
        let same =
            now.len() == unit.facts.bytes && unit.facts.modified.is_some_and(|then| now.modified().ok() == Some(then));
        same.then_some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_comes_back_from_memory_and_from_scratch() {
        let folder = tempfile::tempdir().unwrap();
        let file = ScratchFile::new(folder.path().join("persons"));
        let persons: Vec<u32> = (0..100_000).map(|row| row * 7 % 1_000).collect();
        let in_scratch = |rows: u64| Noting::ToScratch(Box::new(file.begin(rows * 4).unwrap()));
        for mut noting in [Noting::Held(Vec::new()), in_scratch(100_000)] {
            persons.chunks(16_384).for_each(|some| noting.note(some).unwrap());
            let recalled = Recalled { persons: noting.end().unwrap(), met: IdentifierCounts::default() };
            for rows in [0..16_384, 16_384..100_000, 99_999..100_000, 7..7] {
                assert_eq!(*recalled.partners(rows.clone()).unwrap(), persons[rows]);
            }
            assert!(recalled.partners(99_999..100_001).is_err());
        }
        // A unit that ends too early is forgotten, one that goes on is a fault.
        let (mut early, mut late) = (in_scratch(3), in_scratch(1));
        early.note(&[1, 2]).unwrap();
        assert!(early.end().is_none() && late.note(&[1, 2]).is_err());
    }
}
