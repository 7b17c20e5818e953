//! How much of the history of jobs is kept.

use std::num::NonZeroU64;

use chrono::TimeDelta;

use crate::model::id::{JobId, OrganisationId};
use crate::model::timestamp::Timestamp;

/// How many runs of a job stay however old they are, so that one that runs once a month has a history at all.
pub const LEAST_KEPT_RUNS: u64 = 10;

/// How long something is kept, and how much of it. What is older goes, and what is not among the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// What is older goes.
    pub age: Option<TimeDelta>,
    /// So many of the newest of a job stay, and no more.
    pub newest: Option<NonZeroU64>,
}

impl Keep {
    /// What is older than this goes.
    #[must_use]
    pub fn cutoff(&self, now: Timestamp) -> Option<Timestamp> {
        self.age.map(|age| now.plus(-age))
    }
}

/// How much of the history of jobs is kept; all of it unless it is said here. Whatever is said, what is needed stays:
/// see `RetentionRepository::purge_history`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeptHistory {
    /// Runs of each job, by when they were issued.
    pub runs: Option<Keep>,
    /// Revisions of each job, by when another one took their place. The current one counts among the newest.
    pub revisions: Option<Keep>,
}

impl KeptHistory {
    /// How many jobs one step of a sweep looks at. Each step counts over the runs that are to stay: some 100,000 runs
    /// in all, or the runs of one job.
    #[must_use]
    pub fn jobs_at_once(&self) -> usize {
        const MOST_JOBS: u64 = 64;
        const MOST_COUNTED: u64 = 100_000;
        let newest = self.runs.and_then(|runs| runs.newest).map_or(1, NonZeroU64::get);
        usize::try_from((MOST_COUNTED / newest).clamp(1, MOST_JOBS)).unwrap_or(1)
    }

    /// Whether everything is kept.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// A place in a walk over all jobs, behind this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobPlace {
    /// Whose job it is.
    pub organisation_id: OrganisationId,
    /// The job.
    pub job_id: JobId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_looks_at_fewer_jobs_the_more_of_each_it_counts_over() {
        let jobs_at_once = |newest| {
            let newest = NonZeroU64::new(newest);
            KeptHistory { runs: Some(Keep { age: None, newest }), revisions: None }.jobs_at_once()
        };
        assert_eq!([0, 1, 1_000, 10_000, 60_000, u64::MAX].map(jobs_at_once), [64, 64, 64, 10, 1, 1]);
        assert_eq!(KeptHistory::default().jobs_at_once(), 64);
    }
}
