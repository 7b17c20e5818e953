//! The outputs of jobs that were there, and which of them others read, by the migration
//! `2026-11-27-000003_know_which_jobs_read_outputs_of_others`.

use diesel::prelude::*;

use super::Batch;
use super::keys::in_batches;

/// How many jobs at a time: a change of one of them waits meanwhile.
const JOBS: u64 = 200;

/// Writes down the outputs of each job.
pub(super) fn fill(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    in_batches(
        connection,
        progress,
        JOBS,
        "INSERT INTO outputs (id, organisation_id, job_id)
        SELECT (output ->> 'id')::uuid, jobs.organisation_id, jobs.id
        FROM unnest($1, $2) AS batch (organisation_id, job_id)
        JOIN jobs ON jobs.organisation_id = batch.organisation_id AND jobs.id = batch.job_id
        CROSS JOIN LATERAL jsonb_array_elements(jobs.outputs) AS output
        ON CONFLICT ON CONSTRAINT outputs_pkey DO NOTHING",
    )
}

/// Writes down which of these each job has bound. What it has bound that is none stays as it is.
pub(super) fn fill_bound(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    in_batches(
        connection,
        progress,
        JOBS,
        "INSERT INTO bound_outputs (organisation_id, job_id, output_id, upstream_job_id)
        SELECT jobs.organisation_id, jobs.id, outputs.id, outputs.job_id
        FROM unnest($1, $2) AS batch (organisation_id, job_id)
        JOIN jobs ON jobs.organisation_id = batch.organisation_id AND jobs.id = batch.job_id
        CROSS JOIN LATERAL jsonb_array_elements(jobs.role_bindings) AS binding
        JOIN outputs ON outputs.id = (binding ->> 'input_id')::uuid AND outputs.organisation_id = jobs.organisation_id
        WHERE binding ->> 'input_type' = 'output'
        ON CONFLICT ON CONSTRAINT bound_outputs_pkey DO NOTHING",
    )
}
