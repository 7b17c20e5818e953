//! The health of jobs that were there, by the migration `2026-11-26-000007_find_jobs_by_health`: each gets its row, and
//! is judged later.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use super::Batch;
use super::keys::{Key, next, place, with_keys};

/// How many jobs at a time: a change of one of them waits meanwhile.
const JOBS: u64 = 500;

pub(super) fn fill(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    // While a job is held it is not deleted.
    let (organisation, job) = place(progress)?;
    let jobs: Vec<Key> = diesel::sql_query(format!(
        "SELECT organisation_id, id AS job_id FROM jobs WHERE (organisation_id, id) > ($1, $2) \
         ORDER BY organisation_id, id LIMIT {JOBS} FOR KEY SHARE"
    ))
    .bind::<SqlUuid, _>(organisation)
    .bind::<SqlUuid, _>(job)
    .load(connection)?;
    with_keys(
        "INSERT INTO job_health (organisation_id, job_id, sequence_number, source_id, status, judged_until)
        SELECT jobs.organisation_id, jobs.id, jobs.sequence_number, jobs.source_id, 0, '-infinity'
        FROM unnest($1, $2) AS batch (organisation_id, job_id)
        JOIN jobs ON jobs.organisation_id = batch.organisation_id AND jobs.id = batch.job_id
        ON CONFLICT ON CONSTRAINT job_health_pkey DO NOTHING",
        &jobs,
        connection,
    )?;
    Ok(next(&jobs, JOBS))
}
