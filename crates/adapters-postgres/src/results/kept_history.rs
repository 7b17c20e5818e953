//! Removing runs and revisions that are not to be kept.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{JobId, JobPlace, Keep, KeptHistory, LEAST_KEPT_RUNS, OrganisationId, Timestamp};
use prediction_domain::ports::{NextInSweep, PurgedHistory, StoreFailure, WriteMode};
use uuid::Uuid;

use crate::database::{Abort, Database};
use crate::distributed::push_only;
use crate::paging::{WITHOUT, push_unplanned};
use crate::results::asked_for::BY_REVISION;
use crate::statement::statement;

/// How many runs count as much as a revision, which can be large.
const RUNS_PER_REVISION: i64 = 8;

pub(crate) fn purge(
    database: &Database,
    kept: &KeptHistory,
    now: Timestamp,
    after: Option<JobPlace>,
    most: usize,
) -> Result<PurgedHistory, StoreFailure> {
    let most = i64::try_from(most).unwrap_or(i64::MAX / 2);
    let most_jobs = kept.jobs_at_once();
    let is_distributed = database.is_distributed()?;
    database.transaction(WriteMode::Commit, |connection| {
        // As in the purge of values: along indexes in their order, and no request waits for the disk.
        sql_query(format!("SELECT set_config(name, 'off', true) FROM unnest({WITHOUT}) AS name"))
            .execute(connection)?;
        let page: Vec<SweptJob> = JobsBehind::new(after, most_jobs, is_distributed).load(connection)?;
        let (mut runs, mut replaced, mut revisions) = (0, 0, 0);
        // The jobs of a page are in the order of their organisations.
        let parts: Vec<&[SweptJob]> = match page.as_slice() {
            [] => Vec::new(),
            page if is_distributed => page.chunk_by(|one, next| one.organisation_id == next.organisation_id).collect(),
            page => vec![page],
        };
        let only = |part: &[SweptJob]| part.first().filter(|_| is_distributed).map(|job| job.organisation_id);
        if let Some(keep) = kept.runs {
            for part in &parts {
                let left = most - runs;
                if left <= 0 {
                    break;
                }
                // Mostly there is nothing to delete: no report is held up to find that out.
                let jobs = part.iter().map(|job| (job.organisation_id, job.id));
                let due: Vec<(Uuid, Uuid)> =
                    DueJobs(UnkeptRuns::new(jobs, &keep, now, 1, only(part))).load(connection)?;
                if !due.is_empty() {
                    let of_due = PurgeRuns(UnkeptRuns::new(due.into_iter(), &keep, now, left, only(part)));
                    let (purged, with_them) = of_due.get_result::<(i64, i64)>(connection)?;
                    runs += purged;
                    replaced += with_them;
                }
            }
        }
        let left = most.saturating_sub(runs);
        let most_revisions = (left + RUNS_PER_REVISION - 1) / RUNS_PER_REVISION;
        if let Some(keep) = kept.revisions {
            for part in &parts {
                let left = most_revisions - revisions;
                if left > 0 {
                    let purge = PurgeRevisions::new(part, &keep, now, left, only(part));
                    revisions += purge.get_result::<i64>(connection)?;
                }
            }
        }
        let is_full = runs >= most || (kept.revisions.is_some() && revisions >= most_revisions);
        Ok::<_, Abort<StoreFailure>>(PurgedHistory {
            runs: (runs + replaced).unsigned_abs(),
            revisions: revisions.unsigned_abs(),
            next: if is_full && !page.is_empty() { NextInSweep::Again } else { next(&page, most_jobs)? },
        })
    })
}

/// A job that a sweep looks at.
#[derive(Debug, Queryable)]
struct SweptJob {
    organisation_id: Uuid,
    id: Uuid,
    revision: i64,
    updated_at: DateTime<Utc>,
}

fn next(page: &[SweptJob], most_jobs: usize) -> Result<NextInSweep, StoreFailure> {
    let Some(last) = page.last().filter(|_| page.len() == most_jobs) else { return Ok(NextInSweep::Done) };
    let wrong = |problem: prediction_domain::model::ValueProblem| StoreFailure::Corrupt(problem.into());
    Ok(NextInSweep::Behind(JobPlace {
        organisation_id: OrganisationId::from_uuid(last.organisation_id).map_err(wrong)?,
        job_id: JobId::from_uuid(last.id).map_err(wrong)?,
    }))
}

/// What is kept, as a statement has it.
struct Limit {
    cutoff: Option<DateTime<Utc>>,
    newest: Option<i64>,
    now: DateTime<Utc>,
}

impl Limit {
    fn new(keep: &Keep, now: Timestamp) -> Self {
        Self {
            cutoff: keep.cutoff(now).map(|cutoff| cutoff.as_datetime()),
            newest: keep.newest.map(|newest| i64::try_from(newest.get()).unwrap_or(i64::MAX)),
            now: now.as_datetime(),
        }
    }

    /// What is older goes, by the earlier of two clocks.
    fn push_cutoff<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        push_unplanned::<Nullable<Timestamptz>, _>(out, &self.cutoff)?;
        out.push_sql(" - GREATEST(");
        push_unplanned::<Timestamptz, _>(out, &self.now)?;
        out.push_sql(" - clock_timestamp(), interval '0'))");
        Ok(())
    }
}

/// The next jobs in the order of their key.
struct JobsBehind {
    after: (Uuid, Uuid),
    limit: i64,
    is_distributed: bool,
}

impl JobsBehind {
    fn new(after: Option<JobPlace>, most: usize, is_distributed: bool) -> Self {
        let after =
            after.map_or((Uuid::nil(), Uuid::nil()), |after| (after.organisation_id.as_uuid(), after.job_id.as_uuid()));
        Self { after, limit: i64::try_from(most).unwrap_or(i64::MAX), is_distributed }
    }
}

impl QueryFragment<Pg> for JobsBehind {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT organisation_id, id, revision, updated_at FROM jobs WHERE (organisation_id, id) > (");
        if self.is_distributed {
            // Many servers are asked, each of which takes values, and no subqueries.
            out.push_bind_param::<SqlUuid, _>(&self.after.0)?;
            out.push_sql(", ");
            out.push_bind_param::<SqlUuid, _>(&self.after.1)?;
            out.push_sql(") ORDER BY organisation_id, id LIMIT ");
            return out.push_bind_param::<BigInt, _>(&self.limit);
        }
        push_unplanned::<SqlUuid, _>(&mut out, &self.after.0)?;
        out.push_sql(", ");
        push_unplanned::<SqlUuid, _>(&mut out, &self.after.1)?;
        out.push_sql(") ORDER BY organisation_id, id LIMIT ");
        push_unplanned::<BigInt, _>(&mut out, &self.limit)
    }
}

statement! { varying JobsBehind => (SqlUuid, SqlUuid, BigInt, Timestamptz) }

/// Runs of some jobs that are not to be kept.
///
/// Runs without values are found in an index of their own; a run with values has none any more where no value of the
/// job is as old.
struct UnkeptRuns {
    organisations: Vec<Uuid>,
    jobs: Vec<Uuid>,
    keep: Limit,
    least: i64,
    /// How many of them.
    limit: i64,
    /// The only organisation of which they are, where tables are distributed.
    only: Option<Uuid>,
}

impl UnkeptRuns {
    fn new(
        jobs: impl Iterator<Item = (Uuid, Uuid)>,
        keep: &Keep,
        now: Timestamp,
        limit: i64,
        only: Option<Uuid>,
    ) -> Self {
        let (organisations, jobs) = jobs.unzip();
        Self {
            organisations,
            jobs,
            keep: Limit::new(keep, now),
            least: i64::try_from(LEAST_KEPT_RUNS).unwrap_or(i64::MAX),
            limit,
            only,
        }
    }

    /// When the newest but so many of the runs that count was issued.
    fn push_newest_but<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        push_number: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql(
            "(SELECT runs.issued_at FROM runs WHERE runs.organisation_id = known.organisation_id \
             AND runs.job_id = known.job_id AND runs.issued_at <= known.last_run_at",
        );
        push_only(out, "runs", self.only.as_ref())?;
        out.push_sql(" ORDER BY runs.organisation_id DESC, runs.job_id DESC, runs.issued_at DESC OFFSET ");
        push_number(out)?;
        out.push_sql(" - 1 LIMIT 1)");
        Ok(())
    }

    /// `WITH …, ends AS (…)`: before when the runs of each job are not to be kept.
    fn push_ends<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, lock: &'static str) -> QueryResult<()> {
        out.push_sql("WITH page (organisation_id, job_id) AS (SELECT * FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.jobs)?;
        out.push_sql(
            ")), known AS MATERIALIZED (SELECT run_summaries.organisation_id, run_summaries.job_id, \
             run_summaries.values_from, run_summaries.last_run_at, run_summaries.last_success_at \
             FROM page JOIN run_summaries ON run_summaries.organisation_id = page.organisation_id \
             AND run_summaries.job_id = page.job_id",
        );
        push_only(out, "run_summaries", self.only.as_ref())?;
        out.push_sql(lock);
        out.push_sql(
            "), ends AS MATERIALIZED (SELECT known.*, GREATEST(CASE WHEN (SELECT runs.issued_at FROM runs \
             WHERE runs.organisation_id = known.organisation_id AND runs.job_id = known.job_id",
        );
        push_only(out, "runs", self.only.as_ref())?;
        out.push_sql(" ORDER BY runs.organisation_id, runs.job_id, runs.issued_at LIMIT 1) < ");
        self.keep.push_cutoff(out)?;
        out.push_sql(" THEN LEAST(COALESCE(");
        self.push_newest_but(out, |out| push_unplanned::<BigInt, _>(out, &self.least))?;
        out.push_sql(", '-infinity'), ");
        self.keep.push_cutoff(out)?;
        out.push_sql(") END, CASE WHEN ");
        push_unplanned::<Nullable<BigInt>, _>(out, &self.keep.newest)?;
        out.push_sql(" IS NOT NULL THEN ");
        self.push_newest_but(out, |out| push_unplanned::<Nullable<BigInt>, _>(out, &self.keep.newest))?;
        out.push_sql(
            " END) AS issued_before, COALESCE((SELECT LEAST(success.issued_at, success.received_at) FROM runs AS success \
             WHERE success.organisation_id = known.organisation_id AND success.job_id = known.job_id \
             AND success.issued_at >= known.last_success_at AND success.issued_at <= known.last_success_at",
        );
        push_only(out, "success", self.only.as_ref())?;
        out.push_sql(
            " ORDER BY success.organisation_id, success.job_id, success.issued_at LIMIT 1), 'infinity') AS delivered_from FROM known)",
        );
        Ok(())
    }

    /// What is due of the job of `ends`, some of the oldest.
    fn push_due<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (which, condition) in [
            "runs.prediction_count = 0 AND runs.issued_at < ends.issued_before",
            "runs.prediction_count > 0 AND runs.issued_at < LEAST(ends.issued_before, COALESCE(ends.values_from, 'infinity'))",
        ]
        .into_iter()
        .enumerate()
        {
            out.push_sql(if which == 0 { "(" } else { " UNION ALL (" });
            out.push_sql(
                "SELECT runs.issued_at, runs.id, runs.replaces FROM runs WHERE runs.organisation_id = ends.organisation_id \
                 AND runs.job_id = ends.job_id AND NOT (runs.succeeded AND runs.issued_at >= ends.delivered_from \
                 AND runs.issued_at <= ends.last_success_at) AND ",
            );
            out.push_sql(condition);
            push_only(out, "runs", self.only.as_ref())?;
            out.push_sql(" ORDER BY runs.organisation_id, runs.job_id, runs.issued_at LIMIT ");
            push_unplanned::<BigInt, _>(out, &self.limit)?;
            out.push_sql(")");
        }
        Ok(())
    }
}

/// Finds the jobs that have something due. Locks nothing.
struct DueJobs(UnkeptRuns);

impl QueryFragment<Pg> for DueJobs {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.push_ends(&mut out, "")?;
        out.push_sql(
            " SELECT ends.organisation_id, ends.job_id FROM ends WHERE ends.issued_before IS NOT NULL AND EXISTS (",
        );
        self.0.push_due(&mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

statement! { varying DueJobs => (SqlUuid, SqlUuid) }

/// Deletes what is due, the oldest first; gives how many, and how many that they had replaced.
///
/// What the runs of a job add up to is locked meanwhile, so that no other transaction sums them up, or deletes the
/// newest. Whatever others have locked is left to the next sweep.
struct PurgeRuns(UnkeptRuns);

impl QueryFragment<Pg> for PurgeRuns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        self.0.push_ends(out, " FOR NO KEY UPDATE OF run_summaries SKIP LOCKED")?;
        out.push_sql(
            ", due AS MATERIALIZED (SELECT ends.organisation_id, ends.job_id, run.issued_at, run.id, run.replaces \
             FROM ends CROSS JOIN LATERAL (",
        );
        self.0.push_due(out)?;
        out.push_sql(") AS run WHERE ends.issued_before IS NOT NULL LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.0.limit)?;
        out.push_sql(
            "), deleted AS (DELETE FROM runs USING due WHERE runs.organisation_id = due.organisation_id \
             AND runs.job_id = due.job_id AND runs.issued_at = due.issued_at AND runs.id = due.id",
        );
        push_only(out, "runs", self.0.only.as_ref())?;
        out.push_sql(
            " RETURNING runs.replaces), \
             replaced AS (DELETE FROM replaced_runs USING due WHERE replaced_runs.organisation_id = due.organisation_id \
             AND replaced_runs.job_id = due.job_id AND replaced_runs.id = due.replaces",
        );
        push_only(out, "replaced_runs", self.0.only.as_ref())?;
        out.push_sql(
            " RETURNING replaced_runs.id) \
             SELECT (SELECT count(*) FROM deleted), (SELECT count(*) FROM replaced)",
        );
        Ok(())
    }
}

statement! { varying PurgeRuns => (BigInt, BigInt) }

/// Deletes revisions of these jobs that are not to be kept, and to which no run refers, the oldest first; gives how
/// many. Whether a run does is looked for in an order that only one index has, and one revision after the other: a
/// condition that none exists may be taken for a join with all runs of the job.
struct PurgeRevisions {
    organisations: Vec<Uuid>,
    jobs: Vec<Uuid>,
    revisions: Vec<i64>,
    updated_at: Vec<DateTime<Utc>>,
    keep: Limit,
    limit: i64,
    /// See [`UnkeptRuns`].
    only: Option<Uuid>,
}

impl PurgeRevisions {
    fn new(page: &[SweptJob], keep: &Keep, now: Timestamp, limit: i64, only: Option<Uuid>) -> Self {
        Self {
            organisations: page.iter().map(|job| job.organisation_id).collect(),
            jobs: page.iter().map(|job| job.id).collect(),
            revisions: page.iter().map(|job| job.revision).collect(),
            updated_at: page.iter().map(|job| job.updated_at).collect(),
            keep: Limit::new(keep, now),
            limit,
            only,
        }
    }
}

impl QueryFragment<Pg> for PurgeRevisions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql("WITH page (organisation_id, job_id, revision, updated_at) AS (SELECT * FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.jobs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.updated_at)?;
        out.push_sql(
            ")), due AS MATERIALIZED (SELECT page.organisation_id, page.job_id, old.revision FROM page CROSS JOIN LATERAL (\
             SELECT kept.revision FROM job_revisions AS kept WHERE kept.organisation_id = page.organisation_id \
             AND kept.job_id = page.job_id",
        );
        push_only(out, "kept", self.only.as_ref())?;
        out.push_sql(" AND (kept.revision <= page.revision - ");
        push_unplanned::<Nullable<BigInt>, _>(out, &self.keep.newest)?;
        out.push_sql(
            " OR COALESCE((SELECT later.updated_at FROM job_revisions AS later \
             WHERE later.organisation_id = page.organisation_id AND later.job_id = page.job_id \
             AND later.revision > kept.revision",
        );
        push_only(out, "later", self.only.as_ref())?;
        out.push_sql(
            " ORDER BY later.organisation_id, later.job_id, later.revision LIMIT 1), \
             page.updated_at) < ",
        );
        self.keep.push_cutoff(out)?;
        out.push_sql(
            ") AND (SELECT true FROM runs WHERE runs.organisation_id = page.organisation_id \
             AND runs.job_id = page.job_id AND runs.job_revision >= kept.revision AND runs.job_revision <= kept.revision AND ",
        );
        out.push_sql(BY_REVISION);
        push_only(out, "runs", self.only.as_ref())?;
        out.push_sql(
            " ORDER BY runs.organisation_id, runs.job_id, runs.job_revision LIMIT 1) IS NULL \
             AND (SELECT true FROM replaced_runs WHERE replaced_runs.organisation_id = page.organisation_id \
             AND replaced_runs.job_id = page.job_id AND replaced_runs.job_revision >= kept.revision \
             AND replaced_runs.job_revision <= kept.revision",
        );
        push_only(out, "replaced_runs", self.only.as_ref())?;
        out.push_sql(
            " ORDER BY replaced_runs.organisation_id, replaced_runs.job_id, replaced_runs.job_revision LIMIT 1) IS NULL \
             ORDER BY kept.organisation_id, kept.job_id, kept.revision LIMIT ",
        );
        push_unplanned::<BigInt, _>(out, &self.limit)?;
        out.push_sql(") AS old LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.limit)?;
        out.push_sql(
            "), deleted AS (DELETE FROM job_revisions USING due WHERE job_revisions.organisation_id = due.organisation_id \
             AND job_revisions.job_id = due.job_id AND job_revisions.revision = due.revision",
        );
        push_only(out, "job_revisions", self.only.as_ref())?;
        out.push_sql(" RETURNING 1) SELECT count(*) FROM deleted");
        Ok(())
    }
}

statement! { varying PurgeRevisions => BigInt }
