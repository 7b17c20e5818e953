use super::StoreFailure;
use crate::model::{
    JobId, OrganisationId, Page, PageRequest, Prediction, PredictionPosition, RoleName, Run, RunId, RunPosition,
    RunStatus, Timestamp,
};

/// Stores runs, and what they predict. A job is named with its organisation, which whoever asks has to have seen.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RunRepository: Send + Sync {
    /// Stores a run with its values: all of it or nothing. No two values are of one role and time.
    fn insert(&self, run: &Run, predictions: &[Prediction]) -> Result<(), InsertRunError>;

    /// Finds a run of a job.
    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure>;

    /// Lists the runs of a job, the last issued first; "behind" is what was issued before.
    fn list(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        filter: &RunFilter,
        page: &PageRequest<RunPosition>,
    ) -> Result<Page<Run, RunPosition>, StoreFailure>;

    /// For each role and time, the value that was issued last among those that are asked for; in the order of roles (by
    /// their bytes) and times.
    fn predictions(&self, query: &PredictionQuery) -> Result<Vec<PredictedValue>, StoreFailure>;
}

/// Which runs to list. Conditions are joined by "and".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Only those that ended like this.
    pub status: Option<RunStatus>,
    /// Only those issued then or later.
    pub from: Option<Timestamp>,
    /// Only those issued before then.
    pub to: Option<Timestamp>,
}

/// Which values to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionQuery {
    /// Whose job.
    pub organisation_id: OrganisationId,
    /// The job.
    pub job_id: JobId,
    /// Only those of that role.
    pub role: Option<RoleName>,
    /// Only those about then or later.
    pub from: Option<Timestamp>,
    /// Only those about a time before then.
    pub to: Option<Timestamp>,
    /// By when they were issued.
    pub issued: Issued,
    /// Only those issued later than then: what is older has expired.
    pub issued_after: Option<Timestamp>,
    /// Only those behind this position.
    pub after: Option<PredictionPosition>,
    /// How many at the most.
    pub limit: usize,
}

/// By when values were issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issued {
    /// Those of runs that were issued then or before.
    Until(Timestamp),
    /// Those of the run that was issued then.
    At(Timestamp),
}

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedValue {
    /// The value.
    pub prediction: Prediction,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// By which run.
    pub run_id: RunId,
}

/// Why a run was not stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertRunError {
    /// The job has a run that was issued at the same time: this one.
    #[error("run {} was issued at that time", .0.id)]
    IssuedAtTaken(Box<Run>),
    /// There is no such job.
    #[error("there is no such job")]
    JobMissing,
    /// The store failed.
    #[error("a run could not be stored")]
    Store(#[from] StoreFailure),
}
