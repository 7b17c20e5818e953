//! The inputs of jobs that were there, by the migration `2026-11-26-000006_find_jobs_by_input_within_an_organisation`.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use super::Batch;
use super::keys::{Key, next, place, with_keys};

/// How many jobs at a time: a change of one of them waits meanwhile.
const JOBS: u64 = 200;

/// Writes down which inputs each job is bound to.
pub(super) fn fill(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    // While a job is held its bindings do not change; the trigger writes down what comes later.
    let (organisation, job) = place(progress)?;
    let jobs: Vec<Key> = diesel::sql_query(format!(
        "SELECT organisation_id, id AS job_id FROM jobs WHERE (organisation_id, id) > ($1, $2) \
         ORDER BY organisation_id, id LIMIT {JOBS} FOR NO KEY UPDATE"
    ))
    .bind::<SqlUuid, _>(organisation)
    .bind::<SqlUuid, _>(job)
    .load(connection)?;
    with_keys(
        "INSERT INTO job_inputs (organisation_id, input_id, sequence_number)
        SELECT DISTINCT jobs.organisation_id, (binding ->> 'input_id')::uuid, jobs.sequence_number
        FROM unnest($1, $2) AS batch (organisation_id, job_id)
        JOIN jobs ON jobs.organisation_id = batch.organisation_id AND jobs.id = batch.job_id
        CROSS JOIN LATERAL jsonb_array_elements(jobs.role_bindings) AS binding
        WHERE binding ->> 'input_id' IS NOT NULL
        ON CONFLICT ON CONSTRAINT job_inputs_pkey DO NOTHING",
        &jobs,
        connection,
    )?;
    Ok(next(&jobs, JOBS))
}
