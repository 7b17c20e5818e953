//! Storing a run where tables are distributed: in a transaction of statements that the server of the organisation
//! does by itself. One statement for all of it would be taken apart in between, and its rows would travel.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::{InsertRun, Inserted};
use crate::schema::{jobs, run_summaries};

/// The same as the statement does, and with the same answer.
pub(in crate::results) fn insert(connection: &mut PgConnection, run: &InsertRun<'_>) -> QueryResult<Inserted> {
    let key = (run.organisation_id, run.job_id);
    let job = jobs::table.find(key).select(jobs::id);
    let job: Option<uuid::Uuid> = match run.next_until {
        Some(_) => job.for_no_key_update().first(connection).optional()?,
        None => job.for_key_share().first(connection).optional()?,
    };
    if job.is_none() {
        return Ok((0, None, true));
    }
    if let Some(allowance) = &run.allowance
        && !allowance.is_left(connection, run.organisation_id)?
    {
        return Ok((1, None, false));
    }
    let Some(issued_at) = issued_at(connection, run)? else { return Ok((1, None, true)) };
    if store(connection, run, issued_at)? == 0 {
        return Ok((1, None, true));
    }
    if !run.values.is_empty() {
        store_values(connection, run, issued_at)?;
    }
    if let Some(allowance) = run.allowance {
        // Not for the purge of the job's values, for which the end would wait: see the statement.
        let summary = run_summaries::table.find(key).select(run_summaries::job_id).for_no_key_update();
        summary.first::<uuid::Uuid>(connection).optional()?;
        allowance.take(run.organisation_id).execute(connection)?;
    }
    Ok((1, Some(issued_at), true))
}

type Time = chrono::DateTime<chrono::Utc>;

fn issued_at(connection: &mut PgConnection, run: &InsertRun<'_>) -> QueryResult<Option<Time>> {
    #[derive(QueryableByName)]
    struct Next {
        #[diesel(sql_type = Nullable<Timestamptz>)]
        issued_at: Option<Time>,
    }
    let Some(until) = run.next_until else { return Ok(Some(run.issued_at)) };
    let next: Next = sql_query("SELECT next_issued_at($1, $2, $3, $4) AS issued_at")
        .bind::<SqlUuid, _>(run.organisation_id)
        .bind::<SqlUuid, _>(run.job_id)
        .bind::<Timestamptz, _>(run.issued_at)
        .bind::<Timestamptz, _>(until)
        .get_result(connection)?;
    Ok(next.issued_at)
}

fn store(connection: &mut PgConnection, run: &InsertRun<'_>, issued_at: Time) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, \
         prediction_count, predictions_digest, received_at, replaces) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT ON CONSTRAINT runs_pkey DO NOTHING",
    )
    .bind::<SqlUuid, _>(run.organisation_id)
    .bind::<SqlUuid, _>(run.job_id)
    .bind::<Timestamptz, _>(issued_at)
    .bind::<SqlUuid, _>(run.id)
    .bind::<BigInt, _>(run.job_revision)
    .bind::<SqlUuid, _>(run.source_version_id)
    .bind::<Bool, _>(run.succeeded)
    .bind::<Nullable<Text>, _>(run.message)
    .bind::<Integer, _>(run.prediction_count)
    .bind::<Bytea, _>(run.predictions_digest)
    .bind::<Timestamptz, _>(run.received_at)
    .bind::<Nullable<SqlUuid>, _>(run.replaces)
    .execute(connection)
}

/// Beside the row of the run, so that the server that has it stores them.
fn store_values(connection: &mut PgConnection, run: &InsertRun<'_>, issued_at: Time) -> QueryResult<usize> {
    sql_query(
        "INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value) \
         SELECT runs.organisation_id, runs.job_id, predicted.role, predicted.at, runs.issued_at, predicted.value \
         FROM runs CROSS JOIN unnest($4::text[], $5::timestamptz[], $6::double precision[]) AS predicted (role, at, value) \
         WHERE runs.organisation_id = $1 AND runs.job_id = $2 AND runs.issued_at = $3",
    )
    .bind::<SqlUuid, _>(run.organisation_id)
    .bind::<SqlUuid, _>(run.job_id)
    .bind::<Timestamptz, _>(issued_at)
    .bind::<Array<Text>, _>(&run.roles)
    .bind::<Array<Timestamptz>, _>(&run.at)
    .bind::<Array<Double>, _>(&run.values)
    .execute(connection)
}
