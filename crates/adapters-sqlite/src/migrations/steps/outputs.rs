//! The outputs of jobs that were there, and which of them others read, by the migration
//! `2026-11-27-000003_know_which_jobs_read_outputs_of_others`.

use diesel::prelude::*;

use super::Batch;
use super::places::in_batches;

/// Writes down the outputs of each job. The triggers write down what comes later.
pub(super) fn fill(connection: &mut SqliteConnection, progress: Option<&str>) -> QueryResult<Batch> {
    in_batches(
        connection,
        progress,
        "INSERT OR IGNORE INTO outputs (id, organisation_id, job_id) \
         SELECT value ->> 'id', jobs.organisation_id, jobs.id \
         FROM jobs CROSS JOIN json_each(jobs.outputs) WHERE jobs.rowid > ? AND jobs.rowid <= ?",
    )
}

/// Writes down which of these each job has bound. What it has bound that is none stays as it is.
pub(super) fn fill_bound(connection: &mut SqliteConnection, progress: Option<&str>) -> QueryResult<Batch> {
    in_batches(
        connection,
        progress,
        "INSERT OR IGNORE INTO bound_outputs (organisation_id, job_id, output_id, upstream_job_id) \
         SELECT jobs.organisation_id, jobs.id, outputs.id, outputs.job_id \
         FROM jobs CROSS JOIN json_each(jobs.role_bindings) AS binding \
         CROSS JOIN outputs ON outputs.id = binding.value ->> 'input_id' \
         AND outputs.organisation_id = jobs.organisation_id \
         WHERE jobs.rowid > ? AND jobs.rowid <= ? AND binding.value ->> 'input_type' = 'output'",
    )
}
