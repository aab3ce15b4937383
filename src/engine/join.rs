//! The join on the de-identified key: one build side, shared by all partitions of the scan that probes it.

use crate::vocab::{Error, Result};
use datafusion::common::{JoinType, NullEquality};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use std::sync::Arc;

/// Joins `members` (its first column the key, its second the person) with a scan whose first column is the key.
/// The output is the person, then the scan's other columns in order; rows without a partner drop.
///
/// # Errors
/// Where the two schemas do not fit: a fault of ours.
pub fn join(members: Arc<dyn ExecutionPlan>, scan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let key = |plan: &Arc<dyn ExecutionPlan>| -> Arc<dyn datafusion::physical_expr::PhysicalExpr> {
        Arc::new(Column::new(plan.schema().field(0).name(), 0))
    };
    let on = vec![(key(&members), key(&scan))];
    let width = scan.schema().fields().len();
    let projection: Vec<usize> = [1].into_iter().chain(3..2 + width).collect();
    let join = HashJoinExec::try_new(
        members,
        scan,
        on,
        None,
        &JoinType::Inner,
        Some(projection),
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNothing,
        false,
    )
    .map_err(|_| Error::Internal("the join cannot be set up".to_owned()))?;
    Ok(Arc::new(join))
}
