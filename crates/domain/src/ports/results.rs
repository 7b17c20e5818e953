//! Where runs and what they predict are stored, and how it is removed.

mod retention_repository;
mod run_repository;

pub use retention_repository::{NextInSweep, Purged, PurgedHistory, RetentionRepository};
pub use run_repository::{
    DeleteRunError, InsertNextError, InsertRunError, Issued, PredictedValue, PredictedValues, PredictionQuery,
    ReplaceRunError, RunFilter, RunRepository, ValueCountQuery,
};

#[cfg(feature = "mocks")]
pub use self::{retention_repository::MockRetentionRepository, run_repository::MockRunRepository};
