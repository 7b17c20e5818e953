//! The inputs of jobs that were there, by the migration `2026-11-26-000006_find_jobs_by_input_within_an_organisation`.

use diesel::prelude::*;

use super::Batch;
use super::keys::in_batches;

/// How many jobs at a time: a change of one of them waits meanwhile.
const JOBS: u64 = 200;

/// Writes down which inputs each job is bound to.
pub(super) fn fill(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    in_batches(
        connection,
        progress,
        JOBS,
        "INSERT INTO job_inputs (organisation_id, input_id, sequence_number)
        SELECT DISTINCT jobs.organisation_id, (binding ->> 'input_id')::uuid, jobs.sequence_number
        FROM unnest($1, $2) AS batch (organisation_id, job_id)
        JOIN jobs ON jobs.organisation_id = batch.organisation_id AND jobs.id = batch.job_id
        CROSS JOIN LATERAL jsonb_array_elements(jobs.role_bindings) AS binding
        WHERE binding ->> 'input_id' IS NOT NULL
        ON CONFLICT ON CONSTRAINT job_inputs_pkey DO NOTHING",
    )
}
