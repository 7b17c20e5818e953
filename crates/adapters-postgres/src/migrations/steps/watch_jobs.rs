//! What was there before jobs were watched, by the migration `2026-11-25-000001_watch_jobs_and_purge_results`.

use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use super::Batch;
use super::keys::{Key, next, place, with_keys};

/// How many jobs at a time: reports of their runs wait meanwhile.
const JOBS: u64 = 100;
/// How many jobs' runs are looked at in one go; no request waits for that.
const KEYS: u64 = 500;

/// When jobs were activated that were paused once, and what the runs of each job add up to.
pub(super) fn add_up_runs(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    // A report of a run holds its job: as soon as all are held, everything that was reported can be seen, and what is
    // reported later is added by the trigger.
    let jobs: Vec<Key> = diesel::sql_query(format!(
        "SELECT organisation_id, id AS job_id FROM jobs WHERE (organisation_id, id) > ($1, $2) \
         ORDER BY organisation_id, id LIMIT {JOBS} FOR UPDATE"
    ))
    .bind::<SqlUuid, _>(place(progress)?.0)
    .bind::<SqlUuid, _>(place(progress)?.1)
    .load(connection)?;
    // The first revision of the stretch that lasts until now. If that is the current one, it is in the row of the job.
    with_keys(
        "UPDATE jobs SET activated_at = COALESCE(
            (
                SELECT min(kept.updated_at) FROM job_revisions AS kept
                WHERE kept.organisation_id = jobs.organisation_id AND kept.job_id = jobs.id AND kept.revision > paused.revision
            ),
            jobs.updated_at
        )
        FROM (
            SELECT organisation_id, job_id, max(revision) AS revision
            FROM unnest($1, $2) AS batch (organisation_id, job_id) JOIN job_revisions USING (organisation_id, job_id)
            WHERE NOT active GROUP BY organisation_id, job_id
        ) AS paused
        WHERE jobs.organisation_id = paused.organisation_id AND jobs.id = paused.job_id
            AND jobs.active AND jobs.activated_at IS NULL",
        &jobs,
        connection,
    )?;
    with_keys(
        "INSERT INTO run_summaries (
            organisation_id, job_id, source_id, last_run_at, last_run_succeeded, last_success_at, consecutive_failures,
            values_from
        )
        SELECT jobs.organisation_id, jobs.id, jobs.source_id, newest.issued_at, newest.succeeded, success.issued_at,
            (
                SELECT count(*) FROM runs
                WHERE runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id
                    AND runs.issued_at > COALESCE(success.issued_at, '-infinity')
            ),
            (
                SELECT runs.issued_at FROM runs
                WHERE runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id AND runs.prediction_count > 0
                ORDER BY runs.issued_at LIMIT 1
            )
        FROM unnest($1, $2) AS batch (organisation_id, job_id)
        JOIN jobs ON jobs.organisation_id = batch.organisation_id AND jobs.id = batch.job_id
        CROSS JOIN LATERAL (
            SELECT runs.issued_at, runs.succeeded FROM runs
            WHERE runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id
            ORDER BY runs.issued_at DESC LIMIT 1
        ) AS newest
        LEFT JOIN LATERAL (
            SELECT runs.issued_at FROM runs
            WHERE runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id AND runs.succeeded
            ORDER BY runs.issued_at DESC LIMIT 1
        ) AS success ON true
        ON CONFLICT ON CONSTRAINT run_summaries_pkey DO UPDATE SET
            last_run_at = EXCLUDED.last_run_at,
            last_run_succeeded = EXCLUDED.last_run_succeeded,
            last_success_at = EXCLUDED.last_success_at,
            consecutive_failures = EXCLUDED.consecutive_failures,
            values_from = EXCLUDED.values_from",
        &jobs,
        connection,
    )?;
    Ok(next(&jobs, JOBS))
}

/// Jobs that were deleted before it was written down that their runs and values are to be removed.
pub(super) fn find_runs_without_job(connection: &mut PgConnection, progress: Option<&str>) -> QueryResult<Batch> {
    // From one job to the next along the index, however many runs each has.
    let keys: Vec<Key> = diesel::sql_query(format!(
        "WITH RECURSIVE keys AS (
            (
                SELECT organisation_id, job_id, 1 AS place FROM runs
                WHERE (organisation_id, job_id) > ($1, $2) ORDER BY organisation_id, job_id LIMIT 1
            )
            UNION ALL
            SELECT following.organisation_id, following.job_id, keys.place + 1
            FROM keys CROSS JOIN LATERAL (
                SELECT runs.organisation_id, runs.job_id FROM runs
                WHERE (runs.organisation_id, runs.job_id) > (keys.organisation_id, keys.job_id)
                ORDER BY runs.organisation_id, runs.job_id LIMIT 1
            ) AS following
            WHERE keys.place < {KEYS}
        )
        SELECT organisation_id, job_id FROM keys"
    ))
    .bind::<SqlUuid, _>(place(progress)?.0)
    .bind::<SqlUuid, _>(place(progress)?.1)
    .load(connection)?;
    with_keys(
        "INSERT INTO deleted_jobs (organisation_id, job_id)
        SELECT organisation_id, job_id FROM unnest($1, $2) AS batch (organisation_id, job_id)
        WHERE NOT EXISTS (
            SELECT FROM jobs WHERE jobs.organisation_id = batch.organisation_id AND jobs.id = batch.job_id
        )
        ON CONFLICT ON CONSTRAINT deleted_jobs_pkey DO NOTHING",
        &keys,
        connection,
    )?;
    Ok(next(&keys, KEYS))
}
