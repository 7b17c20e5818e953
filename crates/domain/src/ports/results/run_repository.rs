use crate::model::{
    Allowance, JobId, OrganisationId, Page, PageRequest, Prediction, PredictionPosition, QuotaExceeded, Revision,
    RoleName, Run, RunId, RunNumber, RunPosition, RunStatus, SourceId, Timestamp, ValueCount,
};
use crate::ports::{StoreFailure, WriteMode};

/// Stores runs, and what they predict. A job is named with its organisation, which the caller must have seen.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RunRepository: Send + Sync {
    /// Stores a run with its values: all of it or nothing. No two values are of one role and time. It gets the next
    /// number of its job. What is stored has used what it is allowed to, if that is limited; here and in the two that
    /// follow.
    fn insert(&self, run: &Run, predictions: &[Prediction], allowance: Option<Allowance>)
    -> Result<(), InsertRunError>;

    /// Stores a run that is issued when its report comes, with its values: all of it or nothing. It is issued at its
    /// `issued_at`, or a microsecond after the newest of those runs of its job that were issued between then and
    /// `until`, both included. Should that be taken, the next microsecond that is free is behind it. Gives when it was
    /// issued.
    fn insert_next(
        &self,
        run: &Run,
        until: Timestamp,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<Timestamp, InsertNextError>;

    /// Stores a run with its values in the place of one that failed and was issued at the same time, and remembers that
    /// one by its id. The run says which one it `replaces`.
    fn replace(
        &self,
        run: &Run,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<(), ReplaceRunError>;

    /// Deletes a run with its values, as if it had never been reported: what it replaced is in its place again. Gives
    /// what it was. Health counts what was issued until a time. With an `expected` revision, only while it is at that
    /// one.
    fn delete(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        id: RunId,
        expected: Option<Revision>,
        until: Timestamp,
        mode: WriteMode,
    ) -> Result<Run, DeleteRunError>;

    /// Finds a run of a job, also one that was replaced.
    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure>;

    /// Lists the runs of a job, the last issued first, without replaced ones; "behind" is what was issued before.
    fn list(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        filter: &RunFilter,
        page: &PageRequest<RunPosition>,
    ) -> Result<Page<Run, RunPosition>, StoreFailure>;

    /// Finds the run of each of these jobs that was issued last, in the order asked for; `None` where there is none.
    fn newest(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<Option<Run>>, StoreFailure>;

    /// For each role and time, the value that was issued last among the values that are asked for; in the order of
    /// roles (by their bytes) and times.
    fn predictions(&self, query: &PredictionQuery) -> Result<PredictedValues, StoreFailure>;

    /// Counts the values of the jobs of a source that were issued in some span of time, of whatever organisations; not
    /// of deleted jobs. The work is bounded: no more values and jobs than the query says are looked at, and no writer
    /// waits for it.
    fn count_values(&self, query: &ValueCountQuery) -> Result<ValueCount, StoreFailure>;
}

/// Which values to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueCountQuery {
    /// Only values of jobs of this source.
    pub source_id: SourceId,
    /// Only values issued later than this time.
    pub issued_after: Option<Timestamp>,
    /// Only values issued at this time or before.
    pub issued_until: Timestamp,
    /// So many values at the most.
    pub most_values: usize,
    /// So many jobs at the most: the jobs with the oldest values.
    pub most_jobs: usize,
}

/// Which runs to list. Conditions are joined by "and".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Only runs with this status.
    pub status: Option<RunStatus>,
    /// Only runs issued at this time or later.
    pub from: Option<Timestamp>,
    /// Only runs issued before this time.
    pub to: Option<Timestamp>,
    /// Only runs received at this time or before.
    pub known_at: Option<Timestamp>,
}

/// Which values to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionQuery {
    /// Whose job.
    pub organisation_id: OrganisationId,
    /// The job.
    pub job_id: JobId,
    /// Only values of this role.
    pub role: Option<RoleName>,
    /// Only values about this time or later.
    pub from: Option<Timestamp>,
    /// Only values about a time before this one.
    pub to: Option<Timestamp>,
    /// By when they were issued.
    pub issued: Issued,
    /// Only values issued later than this time: older ones have expired.
    pub issued_after: Option<Timestamp>,
    /// Only values of runs that were received at this time or before.
    pub known_at: Option<Timestamp>,
    /// Only values of runs up to this one, or of runs without a number: the runs that were stored when the reading
    /// began, as its first page told.
    pub last_run: Option<RunNumber>,
    /// Only values behind this position.
    pub after: Option<PredictionPosition>,
    /// How many at the most.
    pub limit: usize,
}

/// By when values were issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issued {
    /// Those of all runs, also of such as were issued by a clock that is ahead.
    AtAnyTime,
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

/// Values, and up to which run of the job they were looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedValues {
    /// The values.
    pub values: Vec<PredictedValue>,
    /// That of the query; if it has none, the last run that there was when these values were read. When there are no
    /// values, it need not be told.
    pub last_run: RunNumber,
}

/// Why a run was not stored that is issued when its report comes.
#[derive(Debug, thiserror::Error)]
pub enum InsertNextError {
    /// There is no such job.
    #[error("there is no such job")]
    JobMissing,
    /// More was reported than may be.
    #[error(transparent)]
    QuotaExceeded(QuotaExceeded),
    /// The store failed.
    #[error("a run could not be stored")]
    Store(#[from] StoreFailure),
}

/// Why a run was not stored in the place of another one.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceRunError {
    /// There is no such job.
    #[error("there is no such job")]
    JobMissing,
    /// The one that is to be replaced is not there any more, or in its place is something else.
    #[error("the run to be replaced is not there")]
    Gone,
    /// More was reported than may be.
    #[error(transparent)]
    QuotaExceeded(QuotaExceeded),
    /// The store failed.
    #[error("a run could not be replaced")]
    Store(#[from] StoreFailure),
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
    /// More was reported than may be.
    #[error(transparent)]
    QuotaExceeded(QuotaExceeded),
    /// The store failed.
    #[error("a run could not be stored")]
    Store(#[from] StoreFailure),
}

/// Why a run was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteRunError {
    /// There is none of that id, of that job.
    #[error("there is no such run")]
    Missing,
    /// It was changed in the meantime: another one took its place, or it is back in it.
    #[error("the run is at revision {current}")]
    Stale {
        /// The stored revision.
        current: Revision,
    },
    /// The store failed.
    #[error("a run could not be deleted")]
    Store(#[from] StoreFailure),
}
