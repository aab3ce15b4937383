//! The de-identified view of an element as a plan of the engine: one partition a unit. And tables of keys alone.

use super::identify::{IdentifierCounts, keys};
use super::standard::{Counts, Standard, schema};
use crate::engine::{Fault, scan};
use crate::keys::{Mac, MasterKey};
use crate::plan::ElementScan;
use crate::survey::{ColumnFacts, FileFacts};
use crate::vocab::{Kind, Observer, Result};
use arrow::array::FixedSizeBinaryArray;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;
use std::fmt;
use std::sync::Arc;

/// One unit: its scan, how its batches are standardised, and what is counted meanwhile.
struct Piece {
    scan: Arc<dyn ExecutionPlan>,
    standard: Standard,
    counts: Arc<Counts>,
}

/// The view: a leaf of any plan, so that nothing above it can reach the scans below.
pub struct DeidentifiedView {
    name: String,
    pieces: Vec<Piece>,
    properties: Arc<PlanProperties>,
    observer: Arc<dyn Observer>,
}

impl DeidentifiedView {
    /// The view of a scan, with one partition a unit.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn new(of: &ElementScan, key: &MasterKey, observer: Arc<dyn Observer>) -> Result<Self> {
        let mut pieces = Vec::with_capacity(of.units.len());
        for unit in &of.units {
            let (standard, columns) = Standard::new(unit, &of.view, &of.element.identifier.kind, key);
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let scan = scan(&unit.facts, &columns, &unit.row_groups)?;
            pieces.push(Piece { scan, standard, counts: Arc::new(Counts::default()) });
        }
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema(&of.view)),
            Partitioning::UnknownPartitioning(pieces.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { name: of.element.name.to_string(), pieces, properties: Arc::new(properties), observer })
    }

    /// What is counted while a unit is read.
    #[must_use]
    pub fn counts(&self, unit: usize) -> Option<Arc<Counts>> {
        self.pieces.get(unit).map(|p| Arc::clone(&p.counts))
    }
}

impl fmt::Debug for DeidentifiedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeidentifiedView").field("element", &self.name).finish_non_exhaustive()
    }
}

impl DisplayAs for DeidentifiedView {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeidentifiedView: {}", self.name)
    }
}

impl ExecutionPlan for DeidentifiedView {
    fn name(&self) -> &'static str {
        "DeidentifiedView"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> EngineResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        let piece = self.pieces.get(partition).ok_or_else(|| DataFusionError::Internal("no such unit".to_owned()))?;
        let stream = piece.scan.execute(0, context)?;
        let standard = piece.standard.clone();
        let counts = Arc::clone(&piece.counts);
        let mut pseudonymisers = standard.pseudonymisers();
        let observer = Arc::clone(&self.observer);
        let standardised = stream.map(move |batch| {
            let batch = batch?;
            // Here too: a join that finds nobody gives no batch for a long time.
            observer.go_on().map_err(|stopped| DataFusionError::External(Box::new(stopped)))?;
            standard.apply(&batch, &mut pseudonymisers, &counts).map_err(|fault| match fault {
                Fault::Value(fault) => DataFusionError::External(Box::new(fault)),
                _ => DataFusionError::Internal("standardising failed".to_owned()),
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), standardised)))
    }
}

/// The de-identified keys of some columns of one file, and what was met in each column.
pub struct KeyTable {
    /// For each batch: one array of keys a column.
    pub batches: Vec<Vec<FixedSizeBinaryArray>>,
    /// For each column: what was met.
    pub counts: Vec<IdentifierCounts>,
    /// Rows read.
    pub rows: u64,
}

/// Reads the identifiers of some columns of a file as keys of their kinds.
///
/// # Errors
/// Where the file cannot be read, or the run is interrupted.
pub async fn key_table(
    engine_task: Arc<TaskContext>,
    memory: u64,
    facts: Arc<FileFacts>,
    columns: Vec<(ColumnFacts, Kind, Mac)>,
    observer: Arc<dyn Observer>,
) -> Result<KeyTable> {
    let mut names: Vec<&str> = Vec::new();
    for (column, _, _) in &columns {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    let indices: Vec<usize> =
        columns.iter().map(|(c, _, _)| names.iter().position(|n| *n == c.name).unwrap_or(0)).collect();
    let failed = |error: &DataFusionError| Fault::of(error).at(&facts.shown, "reading keys", memory);
    let plan = scan(&facts, &names, &(0..facts.row_groups.len()))?;
    let mut stream = plan.execute(0, engine_task).map_err(|e| failed(&e))?;
    let mut table = KeyTable { batches: Vec::new(), counts: vec![IdentifierCounts::default(); columns.len()], rows: 0 };
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|e| failed(&e))?;
        observer.go_on()?;
        table.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        let mut arrays = Vec::with_capacity(columns.len());
        for (((_, kind, mac), index), counts) in columns.iter().zip(&indices).zip(&mut table.counts) {
            let keys = keys(batch.column(*index), kind, mac, counts)
                .ok_or_else(|| Fault::Unexpected.at(&facts.shown, "reading keys", memory))?;
            arrays.push(keys);
        }
        table.batches.push(arrays);
    }
    Ok(table)
}
