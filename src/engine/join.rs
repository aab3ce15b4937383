//! The join on the de-identified key as an operator of the engine: every row of the scan gets its partner, or is told to
//! have none.
//!
//! The engine's own hash join builds its table anew for each plan, hashes keys that are hashes already, and copies every
//! column of the rows that it keeps. Here one table, looked up by the key's own bits, serves all plans, and columns pass
//! through untouched: whoever picks rows for a project copies them, once.

use crate::vocab::{Error, Result};
use arrow::array::{Array, AsArray, FixedSizeBinaryArray, RecordBatch, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, ReplaceChildrenOptions,
};
use futures::StreamExt;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// The build side of a join: whom a key of 16 bytes leads to.
pub trait Partners: Send + Sync {
    /// Appends the partner of each key; for a key that has none, what stands for nobody.
    fn find(&self, keys: &[[u8; 16]], found: &mut Vec<u32>);

    /// What stands for nobody.
    fn nobody(&self) -> u32;
}

/// Whom the rows of a partition lead to, where that is known already.
pub trait Known: Send + Sync {
    /// The partners of some rows.
    ///
    /// # Errors
    /// They cannot be read; or a fault of ours: there are not so many rows.
    fn partners(&self, rows: Range<usize>) -> Result<ScalarBuffer<u32>>;
}

/// What is known of each partition.
pub type AllKnown = Vec<Option<Arc<dyn Known>>>;

/// A scan whose first column, the key, has become the partner.
struct Partnered {
    partners: Arc<dyn Partners>,
    scan: Arc<dyn ExecutionPlan>,
    known: AllKnown,
    properties: Arc<PlanProperties>,
}

/// Joins partners with a scan whose first column is the key. The output is the partner, then the scan's other columns in
/// order; every row stays. Partners that are `known` already are not looked up.
///
/// # Errors
/// Where the scan's first column is no key: a fault of ours.
pub fn join(
    partners: Arc<dyn Partners>,
    scan: Arc<dyn ExecutionPlan>,
    known: AllKnown,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = scan.schema();
    if schema.fields().first().is_none_or(|key| *key.data_type() != DataType::FixedSizeBinary(16)) {
        return Err(Error::Internal("a scan without a key cannot be joined".to_owned()));
    }
    let mut fields = vec![Arc::new(Field::new("person", DataType::UInt32, false))];
    fields.extend(schema.fields().iter().skip(1).cloned());
    let properties = Arc::new(PlanProperties::new(
        EquivalenceProperties::new(Arc::new(Schema::new(fields))),
        scan.output_partitioning().clone(),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ));
    Ok(Arc::new(Partnered { partners, scan, known, properties }))
}

impl Partnered {
    fn over(&self, children: Vec<Arc<dyn ExecutionPlan>>) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let [scan] = <[_; 1]>::try_from(children).map_err(|_| fault())?;
        join(Arc::clone(&self.partners), scan, self.known.clone()).map_err(|_| fault())
    }
}

impl fmt::Debug for Partnered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partnered").field("scan", &self.scan).finish_non_exhaustive()
    }
}

impl DisplayAs for Partnered {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Partnered: on the de-identified key")
    }
}

impl ExecutionPlan for Partnered {
    fn name(&self) -> &'static str {
        "Partnered"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.scan]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        let (partners, schema) = (Arc::clone(&self.partners), self.schema());
        let joined = Arc::clone(&schema);
        let known = self.known.get(partition).cloned().flatten();
        let mut row = 0;
        let stream = self.scan.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let keys = batch.column(0).as_fixed_size_binary_opt().ok_or_else(fault)?;
            let found = match &known {
                Some(known) => {
                    let partners = known.partners(row..row + batch.num_rows());
                    UInt32Array::new(partners.map_err(|e| DataFusionError::External(Box::new(e)))?, None)
                }
                None => partners_of(partners.as_ref(), keys),
            };
            row += batch.num_rows();
            let mut columns = vec![Arc::new(found) as Arc<dyn Array>];
            columns.extend(batch.columns().iter().skip(1).cloned());
            RecordBatch::try_new(Arc::clone(&joined), columns).map_err(|_| fault())
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}

fn partners_of(partners: &dyn Partners, keys: &FixedSizeBinaryArray) -> UInt32Array {
    let mut found = Vec::with_capacity(keys.len());
    partners.find(keys.value_data().as_chunks::<16>().0, &mut found);
    if let Some(nulls) = keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        let nobody = partners.nobody();
        found.iter_mut().zip(nulls).filter(|(_, valid)| !valid).for_each(|(partner, _)| *partner = nobody);
    }
    UInt32Array::from(found)
}

fn fault() -> DataFusionError {
    DataFusionError::Internal("a scan does not fit its join".to_owned())
}
