//! The de-identified view of an element as a plan of the engine: one partition a unit. And tables of keys alone.

use super::identify::{IdentifierCounts, keys};
use super::standard::{Counts, Standard, schema};
use crate::engine::{Fault, scan, sound};
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
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// One unit: what it reads, its scan, how its batches are standardised, and what is counted meanwhile.
struct Piece {
    facts: Arc<FileFacts>,
    columns: Vec<String>,
    row_groups: Range<usize>,
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
    /// The view of a scan, with one partition a unit. Units of which it is `known` whom their rows lead to have no keys.
    ///
    /// # Errors
    /// A fault of ours.
    pub fn new(
        of: &ElementScan,
        key: &MasterKey,
        observer: Arc<dyn Observer>,
        known: impl Fn(usize) -> bool,
    ) -> Result<Self> {
        let mut pieces = Vec::with_capacity(of.units.len());
        for (index, unit) in of.units.iter().enumerate() {
            let (standard, columns) = Standard::new(unit, &of.view, &of.element.identifier.kind, key, known(index));
            let named: Vec<&str> = columns.iter().map(String::as_str).collect();
            let scan = scan(&unit.facts, &named, &unit.row_groups)?;
            let (facts, row_groups) = (Arc::clone(&unit.facts), unit.row_groups.clone());
            pieces.push(Piece { facts, columns, row_groups, scan, standard, counts: Arc::new(Counts::default()) });
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
        if !sound(&piece.facts, &piece.columns, &piece.row_groups)? {
            return Err(unsound());
        }
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

/// A dictionary that claims more than it holds is a corrupt page.
fn unsound() -> DataFusionError {
    DataFusionError::ParquetError(Box::new(parquet::errors::ParquetError::General(String::new())))
}

/// What was met in some columns of one file whose keys were handed on.
#[derive(Debug, Default)]
pub struct KeysMet {
    /// For each column: what was met.
    pub counts: Vec<IdentifierCounts>,
    /// Rows read.
    pub rows: u64,
}

/// Reads the identifiers of some columns of a file as keys of their kinds, and hands each batch on: one array of keys a
/// column. Where nobody takes them any more, it ends.
///
/// # Errors
/// Where the file cannot be read.
pub async fn read_keys(
    engine_task: Arc<TaskContext>,
    memory: u64,
    facts: Arc<FileFacts>,
    columns: Vec<(ColumnFacts, Kind, Mac)>,
    to: Sender<Vec<FixedSizeBinaryArray>>,
) -> Result<KeysMet> {
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
    let owned: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    if !sound(&facts, &owned, &(0..facts.row_groups.len())).map_err(|e| failed(&e.into()))? {
        return Err(failed(&unsound()));
    }
    let mut stream = plan.execute(0, engine_task).map_err(|e| failed(&e))?;
    let mut met = KeysMet { counts: vec![IdentifierCounts::default(); columns.len()], rows: 0 };
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|e| failed(&e))?;
        met.rows += u64::try_from(batch.num_rows()).unwrap_or(0);
        let mut arrays = Vec::with_capacity(columns.len());
        for (((_, kind, mac), index), counts) in columns.iter().zip(&indices).zip(&mut met.counts) {
            let keys = keys(batch.column(*index), kind, mac, counts)
                .ok_or_else(|| Fault::Unexpected.at(&facts.shown, "reading keys", memory))?;
            arrays.push(keys);
        }
        if to.send(arrays).await.is_err() {
            break;
        }
    }
    Ok(met)
}
