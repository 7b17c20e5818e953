//! What the use cases need of the outside world.
//!
//! Ports are synchronous and object-safe, used as `Arc<dyn …>`. What an implementation has to do beyond its signatures
//! is the contract suite of `prediction-domain-testkit`: an adapter is done when it passes. Of several reasons to refuse
//! a call, the one that comes first in the error's type is told.
//!
//! A page ends by its limit or its [budget](crate::model::PageRequest::BUDGET), whichever comes first, and a store does not read much more
//! than is on it.
//!
//! **Architecture invariant:** a write that spans several entities is one method that takes a finished plan. There is no
//! transaction outside the adapters.

mod clock;
mod health;
mod job_repository;
mod judgement_repository;
mod retention;
mod run_repository;
mod source_repository;
mod source_version_repository;
mod statistics;
mod store_failure;

pub use clock::{Clock, IdGenerator, MonotonicClock};
pub use health::StoreHealth;
pub use job_repository::{
    DeleteJobError, JobFilter, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, UpdateJobError,
};
pub use judgement_repository::{Judged, JudgementRepository};
pub use retention::{NextInSweep, Purged, PurgedHistory, RetentionRepository};
pub use run_repository::{
    DeleteRunError, InsertNextError, InsertRunError, Issued, PredictedValue, PredictedValues, PredictionQuery,
    ReplaceRunError, RunFilter, RunRepository, ValueCountQuery,
};
pub use source_repository::{
    DeleteSourceError, InsertSourceError, OwnerFilter, SourceFilter, SourceRepository, UpdateSourceError,
};
pub use source_version_repository::{
    DeleteSourceVersionError, InsertSourceVersionError, SourceVersionFilter, SourceVersionRepository,
};
pub use statistics::{ConnectionCounts, StoreStatistics};
pub use store_failure::{Cause, StoreFailure};

#[cfg(feature = "mocks")]
pub use self::{
    clock::{MockClock, MockIdGenerator, MockMonotonicClock},
    health::MockStoreHealth,
    job_repository::MockJobRepository,
    judgement_repository::MockJudgementRepository,
    retention::MockRetentionRepository,
    run_repository::MockRunRepository,
    source_repository::MockSourceRepository,
    source_version_repository::MockSourceVersionRepository,
    statistics::MockStoreStatistics,
};

/// Whether a write is to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// It is.
    Commit,
    /// Everything is done and judged as in a real write, in the same transaction, which is then rolled back.
    DryRun,
}
