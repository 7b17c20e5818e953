//! Removing what no caller can read any more.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{JobPlace, KeptHistory, Timestamp};
use prediction_domain::ports::{Purged, PurgedHistory, RetentionRepository, StoreFailure, WriteMode};

use crate::failure::OrStoreFailure as _;
use crate::paging::limit;
use crate::results::kept_history;
use crate::results::parts::{find_stale, remove_stale};
use crate::schema::{deleted_jobs, predictions, replaced_runs, run_summaries, runs};
use crate::statement::statement;
use crate::store::SqliteStore;

/// How many jobs one purge looks at: with runs of some dozen values, what a step is made of.
const MOST_JOBS: usize = 64;

impl RetentionRepository for SqliteStore {
    /// Mostly there is nothing to delete: no writer is held up to find that out.
    fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreFailure> {
        let now = now.as_micros();
        if is_nothing_to_purge(&mut *self.reader()?, now).or_store_failure()? {
            return Ok(Purged::default());
        }
        self.write(WriteMode::Commit, |connection| purge(connection, now, limit).or_store_failure())
    }

    fn purge_history(
        &self,
        kept: &KeptHistory,
        now: Timestamp,
        after: Option<JobPlace>,
        limit: usize,
    ) -> Result<PurgedHistory, StoreFailure> {
        kept_history::purge(self, kept, now, after, limit)
    }

    /// Of each source the first entry in the index of its summaries.
    fn oldest_expired(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreFailure> {
        let oldest = OldestExpired { now: now.as_micros() };
        let oldest: Option<i64> = oldest.get_result(&mut *self.reader()?).or_store_failure()?;
        Ok(oldest.and_then(Timestamp::from_micros))
    }
}

fn is_nothing_to_purge(connection: &mut SqliteConnection, now: i64) -> QueryResult<bool> {
    Ok(first_deleted(connection, 1)?.is_empty()
        && find_stale(connection)?.is_empty()
        && Expired { now, limit: 1 }.load::<ExpiredJob>(connection)?.is_empty())
}

fn purge(connection: &mut SqliteConnection, now: i64, limit: usize) -> QueryResult<Purged> {
    let mut step = Step { left: limit, values: 0, runs: 0, is_unfinished: false };
    step.purge_unfinished_runs(connection)?;
    step.purge_deleted_jobs(connection)?;
    step.purge_expired_values(connection, now)?;
    let Step { left, values, runs, is_unfinished } = step;
    Ok(Purged { values, runs, is_unfinished: is_unfinished || left == 0 })
}

/// What the key of a job's results begins with, as it is stored.
#[derive(Debug, Queryable)]
struct JobKey {
    organisation_id: String,
    job_id: String,
}

impl JobKey {
    fn as_columns(&self) -> (&str, &str) {
        (&self.organisation_id, &self.job_id)
    }
}

/// What one purge has done so far.
struct Step {
    /// How many more values and runs may be deleted.
    left: usize,
    values: u64,
    runs: u64,
    /// Whether there were more jobs than are looked at.
    is_unfinished: bool,
}

impl Step {
    /// What is left of runs that were being stored when a process ended.
    fn purge_unfinished_runs(&mut self, connection: &mut SqliteConnection) -> QueryResult<()> {
        let deleted = remove_stale(connection, self.left)?;
        self.left = self.left.saturating_sub(deleted);
        self.values += deleted as u64;
        Ok(())
    }

    /// First the values of a deleted job, then its runs, and at last what says that they are to go.
    fn purge_deleted_jobs(&mut self, connection: &mut SqliteConnection) -> QueryResult<()> {
        let jobs = first_deleted(connection, MOST_JOBS + 1)?;
        for job in self.at_most(&jobs) {
            if self.left == 0 {
                break;
            }
            self.delete_values(connection, job, i64::MAX)?;
            self.delete_runs(connection, job)?;
            self.delete_replaced_runs(connection, job)?;
            let is_empty = oldest_value(connection, job)?.is_none() && oldest_run(connection, job)?.is_none();
            if is_empty && self.left > 0 {
                diesel::delete(run_summaries::table.find(job.as_columns())).execute(connection)?;
                diesel::delete(deleted_jobs::table.find(job.as_columns())).execute(connection)?;
            }
        }
        Ok(())
    }

    fn purge_expired_values(&mut self, connection: &mut SqliteConnection, now: i64) -> QueryResult<()> {
        let jobs: Vec<ExpiredJob> = Expired { now, limit: limit(MOST_JOBS + 1) }.load(connection)?;
        for ExpiredJob { job, until } in self.at_most(&jobs) {
            if self.left == 0 {
                break;
            }
            self.delete_values(connection, job, *until)?;
            let values_from = oldest_value(connection, job)?;
            diesel::update(run_summaries::table.find(job.as_columns()))
                .set(run_summaries::values_from.eq(values_from))
                .execute(connection)?;
        }
        Ok(())
    }

    fn at_most<'a, Job>(&mut self, jobs: &'a [Job]) -> &'a [Job] {
        self.is_unfinished |= jobs.len() > MOST_JOBS;
        &jobs[..jobs.len().min(MOST_JOBS)]
    }

    /// Deletes values of a job that were issued until a time, from the oldest on.
    ///
    /// Where it has to stop is looked up first, so that all of them are one range of the index that is for this. What
    /// was deleted before is not in the way: SQLite takes it out of its indexes at once.
    fn delete_values(&mut self, connection: &mut SqliteConnection, job: &JobKey, until: i64) -> QueryResult<()> {
        let first_left = predictions::table
            .filter(predictions::organisation_id.eq(&job.organisation_id).and(predictions::job_id.eq(&job.job_id)))
            .filter(predictions::issued_at.le(until))
            .order((predictions::issued_at, predictions::role, predictions::at))
            .offset(limit(self.left))
            .select((predictions::issued_at, predictions::role, predictions::at));
        let first_left: Option<ValuePlace> = first_left.first(connection).optional()?;
        // No role is shorter than none.
        let end = first_left.unwrap_or_else(|| (until.saturating_add(1), String::new(), 0));
        let deleted = DeleteValues { job, end: &end }.execute(connection)?;
        self.left = self.left.saturating_sub(deleted);
        self.values += deleted as u64;
        Ok(())
    }

    /// Deletes runs of a job, from the oldest on.
    fn delete_runs(&mut self, connection: &mut SqliteConnection, job: &JobKey) -> QueryResult<()> {
        let of_job =
            runs::table.filter(runs::organisation_id.eq(&job.organisation_id).and(runs::job_id.eq(&job.job_id)));
        let first_left = of_job.order(runs::issued_at).offset(limit(self.left)).select(runs::issued_at);
        let first_left: Option<i64> = first_left.first(connection).optional()?;
        let end = first_left.unwrap_or(i64::MAX);
        let deleted = diesel::delete(of_job.filter(runs::issued_at.lt(end))).execute(connection)?;
        self.left = self.left.saturating_sub(deleted);
        self.runs += deleted as u64;
        Ok(())
    }
}

impl Step {
    /// Deletes what is kept of runs of a job that were replaced.
    fn delete_replaced_runs(&mut self, connection: &mut SqliteConnection, job: &JobKey) -> QueryResult<()> {
        let of_job = replaced_runs::table
            .filter(replaced_runs::organisation_id.eq(&job.organisation_id).and(replaced_runs::job_id.eq(&job.job_id)));
        let ids: Vec<String> =
            of_job.order(replaced_runs::id).limit(limit(self.left)).select(replaced_runs::id).load(connection)?;
        let Some(last) = ids.last() else { return Ok(()) };
        let deleted = diesel::delete(of_job.filter(replaced_runs::id.le(last))).execute(connection)?;
        self.left = self.left.saturating_sub(deleted);
        self.runs += deleted as u64;
        Ok(())
    }
}

fn first_deleted(connection: &mut SqliteConnection, most: usize) -> QueryResult<Vec<JobKey>> {
    deleted_jobs::table.order((deleted_jobs::organisation_id, deleted_jobs::job_id)).limit(limit(most)).load(connection)
}

fn oldest_value(connection: &mut SqliteConnection, job: &JobKey) -> QueryResult<Option<i64>> {
    predictions::table
        .filter(predictions::organisation_id.eq(&job.organisation_id).and(predictions::job_id.eq(&job.job_id)))
        .order(predictions::issued_at)
        .select(predictions::issued_at)
        .first(connection)
        .optional()
}

fn oldest_run(connection: &mut SqliteConnection, job: &JobKey) -> QueryResult<Option<i64>> {
    runs::table
        .filter(runs::organisation_id.eq(&job.organisation_id).and(runs::job_id.eq(&job.job_id)))
        .order(runs::issued_at)
        .select(runs::issued_at)
        .first(connection)
        .optional()
}

/// A job with values that have expired: those issued until then.
#[derive(Debug, Queryable)]
struct ExpiredJob {
    job: JobKey,
    until: i64,
}

/// Jobs with values that have expired, source by source, of each those with the oldest first. The join keeps its order,
/// so that of each source the index of its summaries is looked into, and no further than there is something.
struct Expired {
    now: i64,
    limit: i64,
}

impl QueryFragment<Sqlite> for Expired {
    /// A `?` with a number is the same value each time.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT run_summaries.organisation_id, run_summaries.job_id, ");
        out.push_bind_param::<BigInt, _>(&self.now)?;
        out.push_sql(
            " - sources.retention_hours * 3600000000 FROM sources CROSS JOIN run_summaries \
             WHERE sources.retention_hours IS NOT NULL AND run_summaries.source_id = sources.id \
             AND run_summaries.values_from <= ?1 - sources.retention_hours * 3600000000 \
             ORDER BY sources.id, run_summaries.values_from LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

statement! { cached Expired => ((Text, Text), BigInt) }

/// When the oldest value that has expired did so.
struct OldestExpired {
    now: i64,
}

impl QueryFragment<Sqlite> for OldestExpired {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "SELECT min(expires_at) FROM (SELECT sources.retention_hours * 3600000000 + (SELECT values_from \
             FROM run_summaries WHERE run_summaries.source_id = sources.id AND values_from IS NOT NULL \
             ORDER BY values_from LIMIT 1) AS expires_at FROM sources WHERE sources.retention_hours IS NOT NULL) \
             WHERE expires_at <= ",
        );
        out.push_bind_param::<BigInt, _>(&self.now)
    }
}

statement! { cached OldestExpired => Nullable<BigInt> }

/// Where a value stands in the index by the time of issue, within its job.
type ValuePlace = (i64, String, i64);

/// `DELETE` of the values of a job that stand before a place.
struct DeleteValues<'a> {
    job: &'a JobKey,
    end: &'a ValuePlace,
}

impl QueryFragment<Sqlite> for DeleteValues<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("DELETE FROM predictions WHERE organisation_id = ");
        out.push_bind_param::<Text, _>(&self.job.organisation_id)?;
        out.push_sql(" AND job_id = ");
        out.push_bind_param::<Text, _>(&self.job.job_id)?;
        out.push_sql(" AND (issued_at, role, at) < (");
        out.push_bind_param::<BigInt, _>(&self.end.0)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.end.1)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.end.2)?;
        out.push_sql(")");
        Ok(())
    }
}

statement! { cached DeleteValues<'_> as DeleteValues<'static> }
