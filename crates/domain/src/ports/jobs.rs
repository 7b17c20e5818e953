//! Where jobs are stored, and what is judged of them ahead.

mod chain_repository;
mod job_repository;
mod judgement_repository;

pub use chain_repository::ChainRepository;
pub use job_repository::{
    DeleteJobError, JobFilter, JobGroup, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, ListedName,
    ListedNames, UpdateJobError,
};
pub use judgement_repository::{Judged, JudgementRepository};

#[cfg(feature = "mocks")]
pub use self::{
    chain_repository::MockChainRepository, job_repository::MockJobRepository,
    judgement_repository::MockJudgementRepository,
};
