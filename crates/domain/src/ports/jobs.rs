//! Where jobs are stored, and what is judged of them ahead.

mod job_repository;
mod judgement_repository;

pub use job_repository::{
    DeleteJobError, JobFilter, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, UpdateJobError,
};
pub use judgement_repository::{Judged, JudgementRepository};

#[cfg(feature = "mocks")]
pub use self::{job_repository::MockJobRepository, judgement_repository::MockJudgementRepository};
