//! Runs that are replaced or deleted, each in one transaction.
//!
//! Both lock the job first, which every report has a share in, and then what is known of its runs, which the purge
//! locks first. So no report is under way meanwhile, what its runs add up to is right afterwards, and no transactions
//! wait for each other.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{Allowance, Prediction, Revision, Run, Timestamp, latest_issue};
use prediction_domain::ports::{DeleteRunError, ReplaceRunError};
use uuid::Uuid;

use super::asked_for::BY_ISSUE;
use super::insert::{InsertRun, Inserted, on_server};
use crate::constraints::ConstraintViolation;
use crate::database::Abort;
use crate::rows::{ReplacedRunRow, RunRow};
use crate::schema::{jobs, predictions, replaced_runs, run_summaries, runs};

/// An organisation and its job.
type JobKey = (Uuid, Uuid);

/// A run that was not replaced.
pub(super) fn find(connection: &mut PgConnection, job: JobKey, id: Uuid) -> QueryResult<Option<RunRow>> {
    runs::table
        .filter(runs::organisation_id.eq(job.0))
        .filter(runs::job_id.eq(job.1))
        .filter(runs::id.eq(id))
        .select(RunRow::as_select())
        .first(connection)
        .optional()
}

/// The row of the new run is another one than that of the run that failed: the trigger numbers it anew.
pub(super) fn replace(
    connection: &mut PgConnection,
    run: &Run,
    predictions: &[Prediction],
    allowance: Option<Allowance>,
    is_distributed: bool,
) -> Result<(), Abort<ReplaceRunError>> {
    let job = (run.organisation_id.as_uuid(), run.job_id.as_uuid());
    if !lock(connection, job)? {
        return Err(Abort::Refused(ReplaceRunError::JobMissing));
    }
    let replaced = sql_query(
        "WITH failed AS (DELETE FROM runs WHERE organisation_id = $1 AND job_id = $2 AND issued_at = $3 AND id = $4 \
         AND NOT succeeded RETURNING *) \
         INSERT INTO replaced_runs (organisation_id, job_id, id, issued_at, job_revision, source_version_id, succeeded, \
         message, prediction_count, predictions_digest, received_at, replaced_by) \
         SELECT organisation_id, job_id, id, issued_at, job_revision, source_version_id, succeeded, message, \
         prediction_count, predictions_digest, received_at, $5 FROM failed",
    )
    .bind::<SqlUuid, _>(job.0)
    .bind::<SqlUuid, _>(job.1)
    .bind::<Timestamptz, _>(run.issued_at.as_datetime())
    .bind::<SqlUuid, _>(run.replaces.map_or(Uuid::nil(), |id| id.as_uuid()))
    .bind::<SqlUuid, _>(run.id.as_uuid())
    .execute(connection)?;
    if replaced == 0 {
        return Err(Abort::Refused(ReplaceRunError::Gone));
    }
    let insert = InsertRun::new(run, predictions, allowance);
    let inserted =
        if is_distributed { on_server::insert(connection, &insert) } else { insert.get_result::<Inserted>(connection) };
    match inserted {
        Ok((_, Some(_), _)) => {}
        Ok((_, None, true)) => return Err(Abort::Retry),
        Ok((_, None, false)) => return Err(used_up(allowance)),
        Err(error) if ConstraintViolation::of(&error) == Some(ConstraintViolation::UsedUp) => {
            return Err(used_up(allowance));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(sum_up(connection, job, latest_issue(run.received_at))?)
}

/// The caller, whose connection still works, asks how much is used.
fn used_up(allowance: Option<Allowance>) -> Abort<ReplaceRunError> {
    allowance.map_or(Abort::Retry, |allowance| Abort::Refused(ReplaceRunError::QuotaExceeded(allowance.exceeded(0))))
}

/// At most as many values as a report may have go with it.
pub(super) fn delete(
    connection: &mut PgConnection,
    job: JobKey,
    id: Uuid,
    expected: Option<Revision>,
    until: Timestamp,
) -> Result<Run, Abort<DeleteRunError>> {
    lock(connection, job)?;
    let require = |run: Run| match expected {
        Some(expected) if expected != run.revision() => {
            Err(Abort::Refused(DeleteRunError::Stale { current: run.revision() }))
        }
        _ => Ok(run),
    };
    if let Some(row) = find(connection, job, id)? {
        let run = require(Run::try_from(row.clone())?)?;
        delete_run(connection, job, &row)?;
        sum_up(connection, job, until)?;
        return Ok(run);
    }
    let row = replaced_runs::table.find((job.0, job.1, id));
    let row: Option<ReplacedRunRow> = row.select(ReplacedRunRow::as_select()).first(connection).optional()?;
    let Some(row) = row else { return Err(Abort::Refused(DeleteRunError::Missing)) };
    let (issued_at, replaced_by) = (row.issued_at, row.replaced_by);
    let run = require(Run::try_from(row)?)?;
    diesel::delete(replaced_runs::table.find((job.0, job.1, id))).execute(connection)?;
    let by = runs::table.find((job.0, job.1, issued_at)).filter(runs::id.eq(replaced_by));
    diesel::update(by).set(runs::replaces.eq(None::<Uuid>)).execute(connection)?;
    Ok(run)
}

fn delete_run(connection: &mut PgConnection, job: JobKey, run: &RunRow) -> QueryResult<()> {
    if run.prediction_count > 0 {
        let of_run = predictions::table
            .filter(predictions::organisation_id.eq(job.0))
            .filter(predictions::job_id.eq(job.1))
            .filter(predictions::issued_at.eq(run.issued_at))
            .filter(sql::<Bool>(BY_ISSUE));
        diesel::delete(of_run).execute(connection)?;
    }
    // Its id, too: with all of either key, either index leads to it at once.
    diesel::delete(runs::table.find((job.0, job.1, run.issued_at)).filter(runs::id.eq(run.id))).execute(connection)?;
    if let Some(replaced) = run.replaces {
        sql_query(
            "WITH failed AS (DELETE FROM replaced_runs WHERE organisation_id = $1 AND job_id = $2 AND id = $3 RETURNING *) \
             INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, \
             prediction_count, predictions_digest, received_at) \
             SELECT organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, \
             prediction_count, predictions_digest, received_at FROM failed",
        )
        .bind::<SqlUuid, _>(job.0)
        .bind::<SqlUuid, _>(job.1)
        .bind::<SqlUuid, _>(replaced)
        .execute(connection)?;
    }
    if run.prediction_count > 0 {
        sql_query(format!(
            "UPDATE run_summaries SET values_from = (SELECT predictions.issued_at FROM predictions \
             WHERE predictions.organisation_id = $1 AND predictions.job_id = $2 AND predictions.issued_at >= $3 AND {BY_ISSUE} \
             ORDER BY predictions.organisation_id, predictions.job_id, predictions.issued_at LIMIT 1) \
             WHERE organisation_id = $1 AND job_id = $2 AND values_from = $3"
        ))
        .bind::<SqlUuid, _>(job.0)
        .bind::<SqlUuid, _>(job.1)
        .bind::<Timestamptz, _>(run.issued_at)
        .execute(connection)?;
    }
    Ok(())
}

/// Reports of the job and the purge of its values wait from here on. Tells whether there is such a job.
fn lock(connection: &mut PgConnection, job: JobKey) -> QueryResult<bool> {
    let found: Option<Uuid> = jobs::table.find(job).select(jobs::id).for_update().first(connection).optional()?;
    let summary = run_summaries::table.find(job).select(run_summaries::job_id).for_no_key_update();
    summary.first::<Uuid>(connection).optional()?;
    Ok(found.is_some())
}

fn sum_up(connection: &mut PgConnection, job: JobKey, until: Timestamp) -> QueryResult<()> {
    sql_query("SELECT sum_up_runs($1, $2, $3)")
        .bind::<SqlUuid, _>(job.0)
        .bind::<SqlUuid, _>(job.1)
        .bind::<Timestamptz, _>(until.as_datetime())
        .execute(connection)
        .map(drop)
}
