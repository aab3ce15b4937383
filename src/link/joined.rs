//! An element's de-identified view joined with the members: each row with its person, one stream a unit.

use super::Members;
use super::recall::{Recall, Recalled};
use crate::deidentify::{Counts, DeidentifiedView};
use crate::engine::{AllKnown, Engine, Fault, Known, join};
use crate::keys::MasterKey;
use crate::plan::{ElementScan, Unit, Want};
use crate::vocab::{ElementName, Error, Event, Finding, Observer, Result};
use arrow::array::{AsArray, BooleanArray, Int16Array, RecordBatch, UInt32Array};
use arrow::datatypes::{Int16Type, UInt32Type};
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use std::sync::Arc;

/// A scan, its view and the join above it.
pub struct Joined {
    scan: Arc<ElementScan>,
    view: Arc<DeidentifiedView>,
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<datafusion::execution::TaskContext>,
    known: Vec<Option<Arc<Recalled>>>,
    recall: Option<Arc<Recall>>,
    observer: Arc<dyn Observer>,
}

/// Why a unit could not be read to its end.
#[derive(Debug, Clone)]
pub struct UnitFault {
    /// The element.
    pub element: ElementName,
    /// The file.
    pub file: String,
    /// What went wrong.
    pub fault: Fault,
}

impl UnitFault {
    /// A fault of the source, as a finding for the projects that read it; or the error that ends the whole run.
    ///
    /// # Errors
    /// Where it is no fault of the source.
    pub fn into_finding(self, memory: u64) -> Result<Finding> {
        match self.fault.at(&self.file, &format!("reading {}", self.element), memory) {
            Error::Findings(mut findings) if findings.len() == 1 => Ok(findings.remove(0)),
            error => Err(error),
        }
    }
}

/// One batch of rows, each with whom it leads to.
pub struct Rows {
    batch: RecordBatch,
    has_year: bool,
    flags: usize,
}

impl Rows {
    /// A batch whose first column is the person, then come the year, where it `has_year`, the flags and the released columns.
    pub(crate) fn of(batch: RecordBatch, has_year: bool, flags: usize) -> Self {
        Self { batch, has_year, flags }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.num_rows() == 0
    }

    /// Each row's person, [`super::AMBIGUOUS`] or [`super::NOBODY`].
    #[must_use]
    pub fn persons(&self) -> &UInt32Array {
        self.batch.column(0).as_primitive::<UInt32Type>()
    }

    /// Each row's start year, where the year stands in a column; null where it cannot be read.
    #[must_use]
    pub fn years(&self) -> Option<&Int16Array> {
        self.has_year.then(|| self.batch.column(1).as_primitive::<Int16Type>())
    }

    /// A flag of the view.
    #[must_use]
    pub fn flag(&self, index: usize) -> &BooleanArray {
        self.batch.column(1 + usize::from(self.has_year) + index).as_boolean()
    }

    /// The released columns of the view, in order.
    #[must_use]
    pub fn columns(&self) -> &[arrow::array::ArrayRef] {
        self.batch.columns().get(1 + usize::from(self.has_year) + self.flags..).unwrap_or_default()
    }
}

impl Joined {
    /// Sets the join of a scan up. Nothing is read yet.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn new(engine: &Engine, key: &MasterKey, members: &Members, scan: &Arc<ElementScan>) -> Result<Self> {
        let known: Vec<_> = scan.units.iter().map(|unit| members.recall.of(scan, unit)).collect();
        let (task, observer) = (engine.task(), Arc::clone(engine.observer()));
        let view = Arc::new(DeidentifiedView::new(scan, key, Arc::clone(&observer), |unit| {
            known.get(unit).is_some_and(Option::is_some)
        })?);
        let build_side = members.build_side(&scan.element.identifier.kind)?;
        let all = known.iter().map(|known| known.clone().map(|known| known as Arc<dyn Known>)).collect::<AllKnown>();
        let plan = join(build_side, Arc::clone(&view) as Arc<dyn ExecutionPlan>, all)?;
        Ok(Self { scan: Arc::clone(scan), view, plan, task, known, recall: None, observer })
    }

    /// The same, and what units lead to is kept for whoever reads them next.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn remembering(engine: &Engine, key: &MasterKey, members: &Members, scan: &Arc<ElementScan>) -> Result<Self> {
        Ok(Self { recall: Some(Arc::clone(&members.recall)), ..Self::new(engine, key, members, scan)? })
    }

    /// The scan.
    #[must_use]
    pub fn scan(&self) -> &Arc<ElementScan> {
        &self.scan
    }

    /// The wants of a unit, with their index: those that ask for its slice.
    pub fn wants(&self, unit: &Unit) -> impl Iterator<Item = (usize, &Want)> {
        self.scan.wants.iter().enumerate().filter(|(_, want)| want.asks_for(unit))
    }

    /// The fault of a unit whose decoder gave up.
    #[must_use]
    pub fn corrupt(&self, unit: usize) -> UnitFault {
        let file = self.scan.units.get(unit).map_or_else(String::new, |u| u.facts.shown.clone());
        UnitFault { element: self.scan.element.name.clone(), file, fault: Fault::Corrupt }
    }

    /// Reads a unit to its end, a batch at a time, and returns what was met.
    ///
    /// # Errors
    /// A fault of the source, of memory or of `each`, or an interruption.
    pub async fn read(
        &self,
        unit: usize,
        mut each: impl FnMut(Rows) -> std::result::Result<(), Fault>,
    ) -> std::result::Result<Arc<Counts>, UnitFault> {
        let file = self.scan.units.get(unit).map_or_else(String::new, |u| u.facts.shown.clone());
        let element = &self.scan.element.name;
        let failed = |fault| UnitFault { element: element.clone(), file: file.clone(), fault };
        let counts = self.view.counts(unit).ok_or_else(|| failed(Fault::Unexpected))?;
        let mut stream = self.plan.execute(unit, Arc::clone(&self.task)).map_err(|e| failed(Fault::of(&e)))?;
        if let Some(known) = self.known.get(unit).and_then(Option::as_ref) {
            counts.met(&known.met);
        }
        let of_unit = self.scan.units.get(unit);
        let ours = |error: Error| failed(Fault::of_ours(&error));
        let recall = self.recall.as_ref().zip(of_unit);
        let begun = recall.map(|(recall, unit)| recall.begin(&self.scan, unit));
        let mut noting = begun.transpose().map_err(ours)?.flatten();
        let (has_year, flags) = (self.scan.view.year.is_some(), self.scan.view.flags.len());
        let mut told = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|e| failed(Fault::of(&e)))?;
            if self.observer.interrupted() {
                return Err(failed(Fault::Interrupted));
            }
            let rows = Rows::of(batch, has_year, flags);
            if let Some(noting) = &mut noting {
                noting.note(rows.persons().values()).map_err(ours)?;
            }
            each(rows).map_err(failed)?;
            let read = counts.rows();
            self.observer.on(Event::ElementRows { element, rows: read - told });
            told = read;
        }
        self.observer.on(Event::ElementRows { element, rows: counts.rows() - told });
        if let Some(((recall, unit), noting)) = recall.zip(noting) {
            recall.keep(&self.scan, unit, noting, counts.identifiers());
        }
        Ok(counts)
    }
}
