//! Removing runs and revisions that are not to be kept.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{JobId, JobPlace, Keep, KeptHistory, LEAST_KEPT_RUNS, OrganisationId, Timestamp};
use prediction_domain::ports::{NextInSweep, PurgedHistory, StoreFailure, WriteMode};

use crate::failure::OrStoreFailure as _;
use crate::paging::limit;
use crate::results::job_key::JobKey;
use crate::schema::{job_revisions, replaced_runs, run_summaries, runs};
use crate::statement::statement;
use crate::store::SqliteStore;

/// How many runs count as much as a revision, which can be large.
const RUNS_PER_REVISION: usize = 8;

/// Mostly there is nothing to delete: no writer is held up to find that out.
pub(crate) fn purge(
    store: &SqliteStore,
    kept: &KeptHistory,
    now: Timestamp,
    after: Option<JobPlace>,
    most: usize,
) -> Result<PurgedHistory, StoreFailure> {
    let limits = Limits {
        runs: kept.runs.map(|keep| Limit::of(&keep, now)),
        revisions: kept.revisions.map(|keep| Limit::of(&keep, now)),
    };
    let most_jobs = kept.jobs_at_once();
    let after = after
        .map(|after| JobKey { organisation_id: after.organisation_id.to_string(), job_id: after.job_id.to_string() });
    let (jobs, due) = {
        let mut reader = store.reader()?;
        let jobs = jobs_behind(&mut reader, after.as_ref(), most_jobs).or_store_failure()?;
        let mut due = Vec::new();
        for job in &jobs {
            if limits.is_due(&mut reader, job).or_store_failure()? {
                due.push(job);
            }
        }
        drop(reader);
        let due: Vec<SweptJob> = due.into_iter().cloned().collect();
        (jobs, due)
    };
    let mut purged = PurgedHistory { runs: 0, revisions: 0, next: next(&jobs, most_jobs)? };
    if due.is_empty() {
        return Ok(purged);
    }
    let step = store.write(WriteMode::Commit, |connection| {
        let mut step = Step { left: most, runs: 0, revisions: 0 };
        for job in &due {
            step.purge(connection, &limits, job).or_store_failure()?;
        }
        Ok::<_, StoreFailure>(step)
    })?;
    (purged.runs, purged.revisions) = (step.runs, step.revisions);
    if step.left == 0 {
        purged.next = NextInSweep::Again;
    }
    Ok(purged)
}

/// What is kept, as it is stored.
struct Limits {
    runs: Option<Limit>,
    revisions: Option<Limit>,
}

/// What was issued, or replaced, before goes, and what is not among the newest.
#[derive(Clone, Copy)]
struct Limit {
    cutoff: Option<i64>,
    newest: Option<i64>,
}

impl Limit {
    fn of(keep: &Keep, now: Timestamp) -> Self {
        let newest = keep.newest.map(|newest| i64::try_from(newest.get()).unwrap_or(i64::MAX));
        Self { cutoff: keep.cutoff(now).map(|cutoff| cutoff.as_micros()), newest }
    }
}

/// A job that a sweep looks at.
#[derive(Debug, Clone, Queryable)]
struct SweptJob {
    organisation_id: String,
    id: String,
    revision: i64,
    updated_at: i64,
}

/// A run that is to go: where it is, and what it replaced.
type RunPlace = (i64, Option<String>);

impl Limits {
    fn is_due(&self, connection: &mut SqliteConnection, job: &SweptJob) -> QueryResult<bool> {
        Ok(!self.runs_due(connection, job, 1)?.is_empty() || !self.revisions_due(connection, job, 1)?.is_empty())
    }

    /// Runs that are not to be kept, some of the oldest.
    fn runs_due(&self, connection: &mut SqliteConnection, job: &SweptJob, most: usize) -> QueryResult<Vec<RunPlace>> {
        let Some(Limit { cutoff, newest }) = self.runs else { return Ok(Vec::new()) };
        let key = (&job.organisation_id, &job.id);
        let summary = run_summaries::table.find(key).select((
            run_summaries::values_from,
            run_summaries::last_run_at,
            run_summaries::last_success_at,
        ));
        let summary: Option<(Option<i64>, i64, Option<i64>)> = summary.first(connection).optional()?;
        let Some((values_from, last_run_at, last_success_at)) = summary else { return Ok(Vec::new()) };
        let of_job = runs::table.filter(runs::organisation_id.eq(&job.organisation_id).and(runs::job_id.eq(&job.id)));
        let oldest: Option<i64> = of_job.order(runs::issued_at).select(runs::issued_at).first(connection).optional()?;
        let is_any_old = oldest.zip(cutoff).is_some_and(|(oldest, cutoff)| oldest < cutoff);
        // Of those that count, the newest but so many.
        let mut newest_but = |number: i64| {
            of_job
                .filter(runs::issued_at.le(last_run_at))
                .order(runs::issued_at.desc())
                .offset(number - 1)
                .select(runs::issued_at)
                .first::<i64>(connection)
                .optional()
        };
        let by_age = match cutoff.filter(|_| is_any_old) {
            Some(cutoff) => {
                newest_but(i64::try_from(LEAST_KEPT_RUNS).unwrap_or(i64::MAX))?.map(|least| least.min(cutoff))
            }
            None => None,
        };
        let by_number = newest.map(newest_but).transpose()?.flatten();
        let Some(end) = by_age.max(by_number) else { return Ok(Vec::new()) };
        let delivered_from = match last_success_at {
            Some(at) => {
                let success = runs::table.find((key.0, key.1, at)).select((runs::issued_at, runs::received_at));
                success.first::<(i64, i64)>(connection).optional()?.map(|(issued, received)| issued.min(received))
            }
            None => None,
        };
        // By these it is known when the job delivered last.
        let needed = delivered_from.zip(last_success_at).unwrap_or((i64::MAX, i64::MIN));
        let is_free = || diesel::dsl::not(runs::succeeded.eq(1).and(runs::issued_at.between(needed.0, needed.1)));
        let mut due: Vec<RunPlace> = of_job
            .filter(sql::<Bool>("prediction_count = 0"))
            .filter(runs::issued_at.lt(end))
            .filter(is_free())
            .order(runs::issued_at)
            .limit(limit(most))
            .select((runs::issued_at, runs::replaces))
            .load(connection)?;
        let values_gone: Vec<RunPlace> = of_job
            .filter(sql::<Bool>("+prediction_count > 0"))
            .filter(runs::issued_at.lt(end.min(values_from.unwrap_or(i64::MAX))))
            .filter(is_free())
            .order(runs::issued_at)
            .limit(limit(most - due.len()))
            .select((runs::issued_at, runs::replaces))
            .load(connection)?;
        due.extend(values_gone);
        Ok(due)
    }

    /// Revisions that are not to be kept, some of the oldest.
    fn revisions_due(&self, connection: &mut SqliteConnection, job: &SweptJob, most: usize) -> QueryResult<Vec<i64>> {
        let Some(Limit { cutoff, newest }) = self.revisions else { return Ok(Vec::new()) };
        RevisionsDue {
            job,
            until: newest.map_or(0, |newest| job.revision - newest),
            cutoff: cutoff.unwrap_or(i64::MIN),
            limit: limit(most),
        }
        .load(connection)
    }
}

/// What one step has done so far.
struct Step {
    left: usize,
    runs: u64,
    revisions: u64,
}

impl Step {
    fn purge(&mut self, connection: &mut SqliteConnection, limits: &Limits, job: &SweptJob) -> QueryResult<()> {
        let key = (&job.organisation_id, &job.id);
        if self.left > 0 {
            for (issued_at, replaces) in limits.runs_due(connection, job, self.left)? {
                diesel::delete(runs::table.find((key.0, key.1, issued_at))).execute(connection)?;
                let mut deleted = 1;
                if let Some(replaced) = replaces {
                    deleted +=
                        diesel::delete(replaced_runs::table.find((key.0, key.1, replaced))).execute(connection)?;
                }
                self.left = self.left.saturating_sub(1);
                self.runs += deleted as u64;
            }
        }
        if self.left > 0 {
            let most = self.left.div_ceil(RUNS_PER_REVISION);
            for revision in limits.revisions_due(connection, job, most)? {
                diesel::delete(job_revisions::table.find((key.0, key.1, revision))).execute(connection)?;
                self.left = self.left.saturating_sub(RUNS_PER_REVISION);
                self.revisions += 1;
            }
        }
        Ok(())
    }
}

fn jobs_behind(connection: &mut SqliteConnection, after: Option<&JobKey>, most: usize) -> QueryResult<Vec<SweptJob>> {
    let (organisation_id, job_id) =
        after.map_or(("", ""), |after| (after.organisation_id.as_str(), after.job_id.as_str()));
    JobsBehind { organisation_id, job_id, limit: limit(most) }.load(connection)
}

/// The next jobs in the order of their key. As a comparison of rows, because only that is a range of an index.
struct JobsBehind<'a> {
    organisation_id: &'a str,
    job_id: &'a str,
    limit: i64,
}

impl QueryFragment<Sqlite> for JobsBehind<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT organisation_id, id, revision, updated_at FROM jobs WHERE (organisation_id, id) > (");
        out.push_bind_param::<Text, _>(self.organisation_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.job_id)?;
        out.push_sql(") ORDER BY organisation_id, id LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

statement! { cached JobsBehind<'_> as JobsBehind<'static> => (Text, Text, BigInt, BigInt) }

fn next(jobs: &[SweptJob], most: usize) -> Result<NextInSweep, StoreFailure> {
    let Some(last) = jobs.last().filter(|_| jobs.len() == most) else { return Ok(NextInSweep::Done) };
    let wrong = |problem: prediction_domain::model::ValueProblem| StoreFailure::Corrupt(problem.into());
    Ok(NextInSweep::Behind(JobPlace {
        organisation_id: OrganisationId::parse(&last.organisation_id).map_err(wrong)?,
        job_id: JobId::parse(&last.id).map_err(wrong)?,
    }))
}

/// Revisions up to one, or that were replaced before a time, to which no run refers. Each is looked at: what is kept of
/// a job is not much, and what a revision has beside its key is not read.
struct RevisionsDue<'a> {
    job: &'a SweptJob,
    until: i64,
    cutoff: i64,
    limit: i64,
}

impl QueryFragment<Sqlite> for RevisionsDue<'_> {
    /// Each `?` is numbered in the order in which it comes, and named by its number from then on.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT kept.revision FROM job_revisions AS kept WHERE kept.organisation_id = ");
        out.push_bind_param::<Text, _>(&self.job.organisation_id)?;
        out.push_sql(" AND kept.job_id = ");
        out.push_bind_param::<Text, _>(&self.job.id)?;
        out.push_sql(" AND (kept.revision <= ");
        out.push_bind_param::<BigInt, _>(&self.until)?;
        out.push_sql(
            " OR coalesce((SELECT later.updated_at FROM job_revisions AS later WHERE later.organisation_id = ?1 \
             AND later.job_id = ?2 AND later.revision > kept.revision ORDER BY later.revision LIMIT 1), ",
        );
        out.push_bind_param::<BigInt, _>(&self.job.updated_at)?;
        out.push_sql(") < ");
        out.push_bind_param::<BigInt, _>(&self.cutoff)?;
        out.push_sql(
            ") AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.organisation_id = ?1 AND runs.job_id = ?2 \
             AND runs.job_revision = kept.revision) \
             AND NOT EXISTS (SELECT 1 FROM replaced_runs WHERE replaced_runs.organisation_id = ?1 \
             AND replaced_runs.job_id = ?2 AND replaced_runs.job_revision = kept.revision) \
             ORDER BY kept.revision LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

statement! { cached RevisionsDue<'_> as RevisionsDue<'static> => BigInt }
