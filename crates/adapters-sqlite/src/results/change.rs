//! Runs that are issued next, replaced and deleted. The caller holds the transaction that writes.

use diesel::prelude::*;
use prediction_domain::model::{Revision, Run, RunId, Timestamp};
use prediction_domain::ports::{DeleteRunError, StoreFailure};

use crate::failure::OrStoreFailure as _;
use crate::results::job_key::JobKey;
use crate::results::parts::Claim;
use crate::rows::{ReplacedRunRow, RunRow};
use crate::schema::{predictions, replaced_runs, run_summaries, runs};
use crate::store::SqliteStore;

/// A run, wherever it is.
pub(crate) enum AnyRun {
    Current(RunRow),
    Replaced(ReplacedRunRow),
    Missing,
}

impl AnyRun {
    pub(crate) fn restore(&self) -> Result<Option<Run>, StoreFailure> {
        Ok(match self {
            Self::Current(row) => Some(Run::try_from(row)?),
            Self::Replaced(row) => Some(row.clone().restore()?),
            Self::Missing => None,
        })
    }
}

pub(crate) fn find_any(connection: &mut SqliteConnection, job: &JobKey, id: &str) -> QueryResult<AnyRun> {
    let current = runs::table
        .filter(runs::organisation_id.eq(&job.organisation_id))
        .filter(runs::job_id.eq(&job.job_id))
        .filter(runs::id.eq(id))
        .select(RunRow::as_select());
    if let Some(row) = current.first(connection).optional()? {
        return Ok(AnyRun::Current(row));
    }
    let replaced =
        replaced_runs::table.find((&job.organisation_id, &job.job_id, id)).select(ReplacedRunRow::as_select());
    Ok(replaced.first(connection).optional()?.map_or(AnyRun::Missing, AnyRun::Replaced))
}

/// When a run is issued that comes without a time.
pub(crate) fn next_issued_at(
    connection: &mut SqliteConnection,
    run: &Run,
    until: Timestamp,
) -> Result<Timestamp, StoreFailure> {
    let (job, earliest, latest) = (JobKey::of(run), run.issued_at.as_micros(), until.as_micros());
    let newest: Option<i64> = runs::table
        .filter(runs::organisation_id.eq(&job.organisation_id).and(runs::job_id.eq(&job.job_id)))
        .filter(runs::issued_at.between(earliest, latest))
        .order(runs::issued_at.desc())
        .select(runs::issued_at)
        .first(connection)
        .optional()
        .or_store_failure()?;
    let issued_at = match newest {
        None => earliest,
        Some(newest) if newest < latest => newest + 1,
        Some(_) => first_gap(connection, &job, latest).or_store_failure()?,
    };
    let no_calendar = || StoreFailure::Internal("no calendar has the next time at which a run can be issued".into());
    Timestamp::from_micros(issued_at).ok_or_else(no_calendar)
}

/// The first microsecond behind a run at which none was issued.
fn first_gap(connection: &mut SqliteConnection, job: &JobKey, from: i64) -> QueryResult<i64> {
    let (taken, next) = diesel::alias!(runs as taken, runs as next);
    let behind = next
        .filter(next.field(runs::organisation_id).eq(taken.field(runs::organisation_id)))
        .filter(next.field(runs::job_id).eq(taken.field(runs::job_id)))
        .filter(next.field(runs::issued_at).eq(taken.field(runs::issued_at) + 1_i64));
    let last: i64 = taken
        .filter(taken.field(runs::organisation_id).eq(&job.organisation_id))
        .filter(taken.field(runs::job_id).eq(&job.job_id))
        .filter(taken.field(runs::issued_at).ge(from))
        .filter(diesel::dsl::not(diesel::dsl::exists(behind)))
        .order(taken.field(runs::issued_at))
        .select(taken.field(runs::issued_at))
        .first(connection)?;
    Ok(last + 1)
}

/// Puts a run that failed aside for the one that takes its place.
pub(crate) fn make_way(
    connection: &mut SqliteConnection,
    job: &JobKey,
    failed: RunRow,
    by: RunId,
) -> Result<(), StoreFailure> {
    let place = runs::table.find((&job.organisation_id, &job.job_id, failed.issued_at));
    diesel::delete(place).execute(connection).or_store_failure()?;
    diesel::insert_into(replaced_runs::table).values(failed.replaced_by(by)).execute(connection).or_store_failure()?;
    Ok(())
}

/// See the port.
pub(crate) fn delete<'a>(
    store: &'a SqliteStore,
    connection: &mut SqliteConnection,
    job: &JobKey,
    id: &str,
    expected: Option<Revision>,
    until: Timestamp,
) -> Result<(Run, Option<Claim<'a>>), DeleteRunError> {
    let found = find_any(connection, job, id).or_store_failure()?;
    let run = found.restore()?.ok_or(DeleteRunError::Missing)?;
    if expected.is_some_and(|expected| expected != run.revision()) {
        return Err(DeleteRunError::Stale { current: run.revision() });
    }
    let mut leftover = None;
    match found {
        AnyRun::Current(row) => {
            leftover = delete_run(store, connection, job, &row).or_store_failure()?;
            sum_up(connection, job, until)?;
        }
        AnyRun::Replaced(row) => delete_replaced(connection, job, &row, id).or_store_failure()?,
        AnyRun::Missing => {}
    }
    Ok((run, leftover))
}

fn delete_run<'a>(
    store: &'a SqliteStore,
    connection: &mut SqliteConnection,
    job: &JobKey,
    run: &RunRow,
) -> QueryResult<Option<Claim<'a>>> {
    let leftover = if run.has_values() { Claim::take(store, connection, job, run.issued_at)? } else { None };
    diesel::delete(runs::table.find((&job.organisation_id, &job.job_id, run.issued_at))).execute(connection)?;
    if let Some(replaced) = &run.replaces {
        let place = replaced_runs::table.find((&job.organisation_id, &job.job_id, replaced));
        let failed = place.select(ReplacedRunRow::as_select()).first(connection).optional()?;
        if let Some(failed) = failed {
            diesel::delete(place).execute(connection)?;
            diesel::insert_into(runs::table).values(failed.into_run()).execute(connection)?;
        }
    }
    // If there are older ones, it is not what the purge begins with.
    let oldest = predictions::table
        .filter(predictions::organisation_id.eq(&job.organisation_id).and(predictions::job_id.eq(&job.job_id)))
        .filter(predictions::issued_at.gt(run.issued_at))
        .order(predictions::issued_at)
        .select(predictions::issued_at);
    let oldest: Option<i64> = oldest.first(connection).optional()?;
    let summary = run_summaries::table.find((&job.organisation_id, &job.job_id));
    diesel::update(summary.filter(run_summaries::values_from.eq(run.issued_at)))
        .set(run_summaries::values_from.eq(oldest))
        .execute(connection)?;
    Ok(leftover)
}

fn delete_replaced(connection: &mut SqliteConnection, job: &JobKey, run: &ReplacedRunRow, id: &str) -> QueryResult<()> {
    diesel::delete(replaced_runs::table.find((&job.organisation_id, &job.job_id, id))).execute(connection)?;
    let by = runs::table.find((&job.organisation_id, &job.job_id, run.issued_at)).filter(runs::id.eq(&run.replaced_by));
    diesel::update(by).set(runs::replaces.eq(None::<String>)).execute(connection)?;
    Ok(())
}

/// Has a trigger sum up the runs of a job anew.
pub(crate) fn sum_up(connection: &mut SqliteConnection, job: &JobKey, until: Timestamp) -> Result<(), StoreFailure> {
    diesel::update(run_summaries::table.find((&job.organisation_id, &job.job_id)))
        .set(run_summaries::counted_until.eq(until.as_micros()))
        .execute(connection)
        .or_store_failure()?;
    Ok(())
}
