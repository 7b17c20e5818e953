//! Runs, and what they predict.

mod change;
mod count;
mod insert;
mod job_key;
mod kept_history;
mod parts;
mod predictions;
mod retention;

use diesel::dsl::exists;
use diesel::prelude::*;
use prediction_domain::model::{
    Allowance, JobId, OrganisationId, Page, PageRequest, Prediction, QuotaExceeded, Revision, Run, RunId, RunPosition,
    Timestamp, ValueCount, latest_issue,
};
use prediction_domain::ports::{
    DeleteRunError, InsertNextError, InsertRunError, PredictedValues, PredictionQuery, ReplaceRunError, RunFilter,
    RunRepository, StoreFailure, ValueCountQuery, WriteMode,
};

use crate::expressions::is_before;
use crate::failure::OrStoreFailure as _;
use crate::paging::{at_once, limit};
use crate::quotas::{judge_use, take};
use crate::results::change as changes;
use crate::results::job_key::JobKey;
use crate::rows::{RunRow, restore_all, succeeded};
use crate::schema::{jobs, runs};
use crate::store::SqliteStore;

impl RunRepository for SqliteStore {
    fn insert(
        &self,
        run: &Run,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<(), InsertRunError> {
        let prepare = |connection: &mut SqliteConnection, begun: Option<&Run>| {
            if !has_job(connection, run)? {
                return Err(InsertRunError::JobMissing);
            }
            if let Some(taken) = issued_with(connection, run)? {
                return Err(InsertRunError::IssuedAtTaken(Box::new(
                    Run::try_from(&taken).map_err(StoreFailure::from)?,
                )));
            }
            judge_if_first(connection, run, allowance, begun)?.map_err(InsertRunError::QuotaExceeded)?;
            Ok(run.clone())
        };
        parts::insert(self, predictions, prepare, |connection, run| {
            take(connection, run.organisation_id, allowance)
                .or_store_failure()?
                .map_err(InsertRunError::QuotaExceeded)?;
            Ok(insert::insert_run(connection, run).or_store_failure()?)
        })
    }

    fn insert_next(
        &self,
        run: &Run,
        until: Timestamp,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<Timestamp, InsertNextError> {
        let prepare = |connection: &mut SqliteConnection, begun: Option<&Run>| {
            if !has_job(connection, run)? {
                return Err(InsertNextError::JobMissing);
            }
            judge_if_first(connection, run, allowance, begun)?.map_err(InsertNextError::QuotaExceeded)?;
            Ok(match begun {
                Some(begun) => begun.clone(),
                None => Run { issued_at: changes::next_issued_at(connection, run, until)?, ..run.clone() },
            })
        };
        parts::insert(self, predictions, prepare, |connection, run| {
            take(connection, run.organisation_id, allowance)
                .or_store_failure()?
                .map_err(InsertNextError::QuotaExceeded)?;
            insert::insert_run(connection, run).or_store_failure()?;
            Ok(run.issued_at)
        })
    }

    fn replace(
        &self,
        run: &Run,
        predictions: &[Prediction],
        allowance: Option<Allowance>,
    ) -> Result<(), ReplaceRunError> {
        let job = JobKey::of(run);
        let failed = |connection: &mut SqliteConnection| {
            let replaces = run.replaces.map(|id| id.to_string());
            let failed = issued_with(connection, run)?;
            failed.filter(|row| row.is_failed() && Some(&row.id) == replaces.as_ref()).ok_or(ReplaceRunError::Gone)
        };
        let prepare = |connection: &mut SqliteConnection, begun: Option<&Run>| {
            if !has_job(connection, run)? {
                return Err(ReplaceRunError::JobMissing);
            }
            failed(connection)?;
            judge_if_first(connection, run, allowance, begun)?.map_err(ReplaceRunError::QuotaExceeded)?;
            Ok(run.clone())
        };
        parts::insert(self, predictions, prepare, |connection, run| {
            take(connection, run.organisation_id, allowance)
                .or_store_failure()?
                .map_err(ReplaceRunError::QuotaExceeded)?;
            let failed = failed(connection)?;
            changes::make_way(connection, &job, failed, run.id)?;
            insert::insert_run(connection, run).or_store_failure()?;
            Ok(changes::sum_up(connection, &job, latest_issue(run.received_at))?)
        })
    }

    fn delete(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        id: RunId,
        expected: Option<Revision>,
        until: Timestamp,
        mode: WriteMode,
    ) -> Result<Run, DeleteRunError> {
        let job = JobKey { organisation_id: organisation_id.to_string(), job_id: job_id.to_string() };
        let (run, leftover) =
            self.write(mode, |connection| changes::delete(self, connection, &job, &id.to_string(), expected, until))?;
        if let Some(leftover) = leftover.filter(|_| mode == WriteMode::Commit) {
            // What cannot be removed now is removed by whoever comes next.
            let _ = leftover.remove(self);
        }
        Ok(run)
    }

    fn find(&self, organisation_id: OrganisationId, job_id: JobId, id: RunId) -> Result<Option<Run>, StoreFailure> {
        let job = JobKey { organisation_id: organisation_id.to_string(), job_id: job_id.to_string() };
        let id = id.to_string();
        let mut reader = self.reader()?;
        // In one snapshot, or a run that is replaced meanwhile could be missed in both.
        reader.transaction(|connection| changes::find_any(connection, &job, &id)).or_store_failure()?.restore()
    }

    fn list(
        &self,
        organisation_id: OrganisationId,
        job_id: JobId,
        filter: &RunFilter,
        page: &PageRequest<RunPosition>,
    ) -> Result<Page<Run, RunPosition>, StoreFailure> {
        let RunFilter { status, from, to, known_at } = filter;
        let mut reader = self.reader()?;
        Page::filled(page, at_once::TEXTS, |after: Option<RunPosition>, most| {
            let mut query = runs::table
                .filter(runs::organisation_id.eq(organisation_id.to_string()))
                .filter(runs::job_id.eq(job_id.to_string()))
                .select(RunRow::as_select())
                .order((runs::issued_at.desc(), runs::id.desc()))
                .limit(limit(most))
                .into_boxed();
            if let Some(status) = status {
                query = query.filter(runs::succeeded.eq(succeeded(*status)));
            }
            if let Some(from) = from {
                query = query.filter(runs::issued_at.ge(from.as_micros()));
            }
            if let Some(known_at) = known_at {
                query = query.filter(runs::received_at.le(known_at.as_micros()));
            }
            // Of two ends, SQLite may begin at the one that is further away: only the nearer one is told.
            match (after, to) {
                (Some(position), to) if to.is_none_or(|to| position.issued_at < to) => {
                    query = query.filter(is_before(runs::issued_at, runs::id, position));
                }
                (_, Some(to)) => query = query.filter(runs::issued_at.lt(to.as_micros())),
                (_, None) => {}
            }
            let rows: Vec<RunRow> = query.load(&mut *reader).or_store_failure()?;
            let runs: Vec<Run> = restore_all(&rows)?;
            Ok(runs
                .into_iter()
                .map(|run| {
                    let place = RunPosition::of(&run);
                    (run, place)
                })
                .collect())
        })
    }

    /// One after the other: each is at the end of its part of an index.
    fn newest(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<Option<Run>>, StoreFailure> {
        let mut reader = self.reader()?;
        let find = |(organisation_id, job_id): &(OrganisationId, JobId)| {
            let row: Option<RunRow> = runs::table
                .filter(runs::organisation_id.eq(organisation_id.to_string()))
                .filter(runs::job_id.eq(job_id.to_string()))
                .select(RunRow::as_select())
                .order((runs::issued_at.desc(), runs::id.desc()))
                .first(&mut *reader)
                .optional()
                .or_store_failure()?;
            Ok(restore_all(row.as_slice())?.pop())
        };
        jobs.iter().map(find).collect()
    }

    fn predictions(&self, query: &PredictionQuery) -> Result<PredictedValues, StoreFailure> {
        predictions::read(&mut *self.reader()?, query)
    }

    fn count_values(&self, query: &ValueCountQuery) -> Result<ValueCount, StoreFailure> {
        count::count(&mut *self.reader()?, query).or_store_failure()
    }
}

fn has_job(connection: &mut SqliteConnection, run: &Run) -> Result<bool, StoreFailure> {
    let job = jobs::table.find((run.organisation_id.to_string(), run.job_id.to_string()));
    diesel::select(exists(job)).get_result(connection).or_store_failure()
}

/// Whether it is allowed, before anything is stored of it. What is used meanwhile is seen in the end.
fn judge_if_first(
    connection: &mut SqliteConnection,
    run: &Run,
    allowance: Option<Allowance>,
    begun: Option<&Run>,
) -> Result<Result<(), QuotaExceeded>, StoreFailure> {
    match (begun, allowance) {
        (None, Some(allowance)) => {
            Ok(judge_use(connection, run.organisation_id, &allowance).or_store_failure()?.map(|_| ()))
        }
        _ => Ok(Ok(())),
    }
}

/// The run of the same job that was issued at the same time.
fn issued_with(connection: &mut SqliteConnection, run: &Run) -> Result<Option<RunRow>, StoreFailure> {
    let key = (run.organisation_id.to_string(), run.job_id.to_string(), run.issued_at.as_micros());
    runs::table.find(key).select(RunRow::as_select()).first(connection).optional().or_store_failure()
}
