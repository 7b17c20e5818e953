use crate::model::{JobPlace, KeptHistory, Timestamp};
use crate::ports::StoreFailure;

/// Removes what no caller can read any more, and history that is not to be kept. One replica of the service does it at
/// a time, by a [lease](crate::ports::LeaseRepository). The lease is not relied on: two replicas may purge at the same
/// moment without harm.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait RetentionRepository: Send + Sync {
    /// Deletes values that have expired by now, by what their sources say at that moment, and what belonged to deleted
    /// jobs: so many values and runs at the most, in one transaction. A transaction that writes waits for it no longer
    /// than that takes.
    ///
    /// A value expires when its run was issued `retention_hours` ago. A store with a clock of its own takes the earlier
    /// of the two times, so that a service whose clock is ahead deletes nothing too early.
    fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreFailure>;

    /// Deletes runs and revisions that are not to be kept, so many at the most, of some jobs behind that place in the
    /// order of the store, in one transaction. The calls from the first job on, until there is no next place, are one
    /// sweep. A transaction that writes waits for it no longer than one call takes. A job that another transaction has
    /// just locked may be left to the next sweep.
    ///
    /// Never deleted are: a run that has a value which is stored; the newest run, the newest success and the runs by
    /// which it is known when the job delivered; runs that were issued ahead of the runs that count; by age, the
    /// [`LEAST_KEPT_RUNS`](crate::model::LEAST_KEPT_RUNS) newest; the current revision, and one that a stored run
    /// refers to. What the runs add up to stays as it is, and so do their numbers. A run that failed and was replaced
    /// goes with the run in its place.
    ///
    /// A store with a clock of its own takes the earlier of the two times.
    fn purge_history(
        &self,
        kept: &KeptHistory,
        now: Timestamp,
        after: Option<JobPlace>,
        limit: usize,
    ) -> Result<PurgedHistory, StoreFailure>;

    /// When the oldest of the values that have expired by now, and are still stored, expired. Those of deleted jobs may
    /// count or not. Costs about as much as a purge that finds nothing.
    fn oldest_expired(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreFailure>;
}

/// What a purge has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Values.
    pub values: u64,
    /// Runs of deleted jobs.
    pub runs: u64,
    /// Whether there may be more to delete.
    pub is_unfinished: bool,
}

/// What a part of a sweep over the history of jobs has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgedHistory {
    /// Runs, replaced ones included.
    pub runs: u64,
    /// Revisions.
    pub revisions: u64,
    /// How the sweep goes on.
    pub next: NextInSweep,
}

/// How a sweep over the history of jobs goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextInSweep {
    /// From the same place again, since there was more to delete there.
    Again,
    /// Behind this job.
    Behind(JobPlace),
    /// Not at all: these were the last jobs.
    Done,
}
