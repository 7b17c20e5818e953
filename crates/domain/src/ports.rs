//! What the use cases need of the outside world.
//!
//! Ports are synchronous and object-safe, used as `Arc<dyn …>`. What an implementation has to do beyond its signatures
//! is the contract suite of `prediction-domain-testkit`: an adapter is done when it passes. Of several reasons to
//! refuse a call, the one that comes first in the error's type is told.
//!
//! A page ends by its limit or its [budget](crate::model::PageRequest::BUDGET), whichever comes first, and a store does
//! not read much more than is on it.
//!
//! **Architecture invariant:** a write that spans several entities is one method that takes a finished plan. There is
//! no transaction outside the adapters.

mod apply;
mod catalog;
mod clock;
mod health;
mod inputs;
mod jobs;
mod leases;
mod results;
mod statistics;
mod store_failure;
mod store_ports;

pub use apply::{AdoptedVersion, ApplyError, ApplyPlan, ApplyRepository, Write};
pub use catalog::{
    ChangeLifecycleError, DeleteSourceError, DeleteSourceVersionError, InsertSourceError, InsertSourceVersionError,
    OwnerFilter, SourceFilter, SourceRepository, SourceVersionFilter, SourceVersionRepository, UpdateSourceError,
};
pub use clock::{Clock, IdGenerator, MonotonicClock};
pub use health::StoreHealth;
pub use inputs::{DeleteInputError, InputFilter, InputRepository, PutInputsError};
pub use jobs::{
    ChainRepository, DeleteJobError, JobFilter, JobGroup, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected,
    Judged, JudgementRepository, ListedName, ListedNames, UpdateJobError,
};
pub use leases::{Lease, LeaseRepository};
pub use results::{
    DeleteRunError, InsertNextError, InsertRunError, Issued, NextInSweep, PredictedValue, PredictedValues,
    PredictionQuery, Purged, PurgedHistory, ReplaceRunError, RetentionRepository, RunFilter, RunRepository,
    ValueCountQuery,
};
pub use statistics::{ConnectionCounts, StoreStatistics};
pub use store_failure::{Cause, StoreFailure};
pub use store_ports::StorePorts;

#[cfg(feature = "mocks")]
pub use self::{
    apply::MockApplyRepository,
    catalog::{MockSourceRepository, MockSourceVersionRepository},
    clock::{MockClock, MockIdGenerator, MockMonotonicClock},
    health::MockStoreHealth,
    inputs::MockInputRepository,
    jobs::{MockChainRepository, MockJobRepository, MockJudgementRepository},
    leases::MockLeaseRepository,
    results::{MockRetentionRepository, MockRunRepository},
    statistics::MockStoreStatistics,
    store_ports::MockStore,
};

/// Whether a write is to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// It is.
    Commit,
    /// Everything is done and judged as in a real write, in the same transaction, which is then rolled back.
    DryRun,
}
