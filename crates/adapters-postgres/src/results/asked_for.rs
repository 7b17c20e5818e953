//! Conditions that are always true, and those of an index: a statement that says one of them may use that index, and
//! no other may.
//!
//! While there are no statistics, PostgreSQL expects one row of a job, whatever the index, and takes the shorter one:
//! also where only another one finds at once what is wanted. Then it looks through all that the job has.

/// Of `predictions_of_run_idx`, which finds values by when they were issued. It is short, so that the values of a run
/// share an entry.
pub(super) const BY_ISSUE: &str = "predictions.issued_at >= '-infinity'";

/// Of `runs_of_revision_idx`, which finds the runs of a revision.
pub(super) const BY_REVISION: &str = "runs.job_revision >= 1";
