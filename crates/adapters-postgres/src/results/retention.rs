//! Removing what no caller can read any more.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{JobPlace, KeptHistory, Timestamp};
use prediction_domain::ports::{Purged, PurgedHistory, RetentionRepository, StoreFailure, WriteMode};
use uuid::Uuid;

use crate::database::Abort;
use crate::distributed::push_only;
use crate::paging::{WITHOUT, push_unplanned};
use crate::results::asked_for::BY_ISSUE;
use crate::results::kept_history;
use crate::schema::deleted_jobs;
use crate::statement::statement;
use crate::store::PostgresStore;

/// How many jobs one purge looks at: with runs of some dozen values, what a batch is made of.
const MOST_JOBS: i64 = 64;

impl RetentionRepository for PostgresStore {
    /// Few statements, each prepared once: on its way a purge waits for the database more than it works there.
    fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreFailure> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let is_distributed = self.database().is_distributed()?;
        self.database().transaction(WriteMode::Commit, |connection| {
            let mut batch = Batch { limit, values: 0, runs: 0, organisation: None };
            let is_full = loop {
                if is_distributed {
                    batch.organisation = find_organisation(connection, now.as_datetime())?;
                    if batch.organisation.is_none() {
                        break false;
                    }
                }
                let organisation = batch.organisation;
                let find = FindDue { now: now.as_datetime(), limit: MOST_JOBS, organisation };
                let due: Vec<Due> = find.load(connection)?;
                batch.purge(connection, &due)?;
                if is_distributed {
                    // What others hold is left to the next purge.
                    break !due.is_empty() && find_organisation(connection, now.as_datetime())?.is_some();
                }
                // Deleted jobs come alone: what has expired comes when they are gone.
                if batch.left() == 0 || !due.iter().any(|due| due.is_deleted) {
                    break is_full(&due);
                }
            };
            Ok::<_, Abort<StoreFailure>>(Purged {
                values: batch.values.unsigned_abs(),
                runs: batch.runs.unsigned_abs(),
                is_unfinished: is_full || batch.left() == 0,
            })
        })
    }

    fn purge_history(
        &self,
        kept: &KeptHistory,
        now: Timestamp,
        after: Option<JobPlace>,
        limit: usize,
    ) -> Result<PurgedHistory, StoreFailure> {
        kept_history::purge(self.database(), kept, now, after, limit)
    }

    fn oldest_expired(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreFailure> {
        let now = now.as_datetime();
        let is_distributed = self.database().is_distributed()?;
        let oldest: Option<DateTime<Utc>> =
            self.database().statement(|connection| OldestExpired { now, is_distributed }.get_result(connection))?;
        Ok(oldest.map(Timestamp::truncated))
    }
}

/// What one purge has done so far.
struct Batch {
    limit: i64,
    values: i64,
    runs: i64,
    /// The only one of which it is, where tables are distributed: a batch is done by one server.
    organisation: Option<Uuid>,
}

/// A job, and which of its values are to go.
#[derive(Debug, Queryable)]
struct Due {
    organisation_id: Uuid,
    job_id: Uuid,
    /// None was issued before.
    values_from: Option<DateTime<Utc>>,
    /// Those issued until then; all, when there is no such time.
    until: Option<DateTime<Utc>>,
    /// Then its runs go, too.
    is_deleted: bool,
}

/// How many values of a job were deleted, and when the last of them was issued.
#[derive(Debug, Queryable)]
struct Deleted {
    job_id: Uuid,
    count: i64,
    issued_until: DateTime<Utc>,
}

fn is_full(due: &[Due]) -> bool {
    i64::try_from(due.len()).is_ok_and(|found| found == MOST_JOBS)
}

impl Batch {
    fn left(&self) -> i64 {
        self.limit - self.values - self.runs
    }

    /// The values go first, then the runs of deleted jobs, and at last what says that they are to go.
    fn purge(&mut self, connection: &mut PgConnection, due: &[Due]) -> QueryResult<()> {
        if due.is_empty() {
            return Ok(());
        }
        let deleted: Vec<Deleted> = DeleteValues::new(due, self.left(), self.organisation).load(connection)?;
        self.values += deleted.iter().map(|deleted| deleted.count).sum::<i64>();
        let mut places: HashMap<Uuid, Option<DateTime<Utc>>> =
            deleted.iter().map(|deleted| (deleted.job_id, Some(deleted.issued_until))).collect();
        if self.left() > 0 {
            // The others have nothing to delete.
            for due in due {
                places.entry(due.job_id).or_insert(due.values_from);
            }
        }
        Advance::new(due, &places, self.organisation).execute(connection)?;
        let gone: Vec<&Due> = due.iter().filter(|due| due.is_deleted).collect();
        if gone.is_empty() || self.left() == 0 {
            return Ok(());
        }
        for table in ["runs", "replaced_runs"] {
            self.runs += delete_runs(connection, table, &gone, self.left(), self.organisation)?;
            if self.left() == 0 {
                return Ok(());
            }
        }
        forget(connection, &gone, self.organisation)
    }
}

/// Finds deleted jobs, or when there are none, jobs with values that have expired: of each source those that have the
/// oldest.
///
/// Both the source and what is known of the job's values are locked until the purge is done. So a retention that is
/// prolonged meanwhile either counts or comes after the purge, and a report of older values comes after it, too. It
/// waits for no other session: whatever others have locked is left to the next purge.
///
/// The transaction does not wait for the disk either: should the server crash, what was deleted last is back, as
/// invisible as before, and is deleted again. And what follows in it is planned in the one way that costs no more than
/// what is deleted, whatever the planner takes the number of a job's values, or of those of all others, to be: along
/// indexes, in their order.
struct FindDue {
    now: DateTime<Utc>,
    limit: i64,
    organisation: Option<Uuid>,
}

/// An organisation that has something to purge, where tables are distributed. Locks nothing.
fn find_organisation(connection: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<Option<Uuid>> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        organisation_id: Uuid,
    }
    let deleted = deleted_jobs::table.select(deleted_jobs::organisation_id).limit(1);
    if let Some(organisation) = deleted.first(connection).optional()? {
        return Ok(Some(organisation));
    }
    let expired = sql_query(
        "SELECT run_summaries.organisation_id FROM run_summaries JOIN sources ON sources.id = run_summaries.source_id \
         WHERE run_summaries.values_from <= LEAST($1, clock_timestamp()) - make_interval(hours => sources.retention_hours) \
         LIMIT 1",
    );
    let found: Option<Found> = expired.bind::<Timestamptz, _>(now).get_result(connection).optional()?;
    Ok(found.map(|found| found.organisation_id))
}

impl QueryFragment<Pg> for FindDue {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "WITH gone AS (SELECT deleted_jobs.organisation_id, deleted_jobs.job_id FROM deleted_jobs WHERE TRUE",
        );
        push_only(&mut out, "deleted_jobs", self.organisation.as_ref())?;
        out.push_sql(" ORDER BY deleted_jobs.organisation_id, deleted_jobs.job_id LIMIT ");
        push_unplanned::<BigInt, _>(&mut out, &self.limit)?;
        out.push_sql(" FOR UPDATE SKIP LOCKED), clock AS MATERIALIZED (SELECT LEAST(");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(", clock_timestamp()) AS now, (SELECT count(set_config(name, 'off', true)) FROM unnest(");
        out.push_sql(WITHOUT);
        // The time until which is reckoned from the source as it is when it is locked, and so is the condition beside
        // it.
        out.push_sql(
            ") AS name)), \
             expired AS (SELECT candidate.organisation_id, candidate.job_id, candidate.values_from, \
             clock.now - make_interval(hours => sources.retention_hours) AS until \
             FROM clock CROSS JOIN sources CROSS JOIN LATERAL (SELECT * FROM run_summaries \
               WHERE run_summaries.source_id = sources.id",
        );
        push_only(&mut out, "run_summaries", self.organisation.as_ref())?;
        out.push_sql(
            " AND run_summaries.values_from <= clock.now - make_interval(hours => sources.retention_hours) \
               ORDER BY run_summaries.source_id, run_summaries.values_from LIMIT ",
        );
        push_unplanned::<BigInt, _>(&mut out, &self.limit)?;
        out.push_sql(
            " FOR NO KEY UPDATE SKIP LOCKED) AS candidate \
             WHERE candidate.values_from <= clock.now - make_interval(hours => sources.retention_hours) LIMIT ",
        );
        push_unplanned::<BigInt, _>(&mut out, &self.limit)?;
        out.push_sql(
            " FOR SHARE OF sources SKIP LOCKED) \
             SELECT gone.organisation_id, gone.job_id, (SELECT run_summaries.values_from FROM run_summaries \
               WHERE run_summaries.organisation_id = gone.organisation_id AND run_summaries.job_id = gone.job_id",
        );
        push_only(&mut out, "run_summaries", self.organisation.as_ref())?;
        out.push_sql(
            "), NULL::timestamptz, true FROM clock CROSS JOIN gone \
             UNION ALL SELECT organisation_id, job_id, values_from, until, false FROM expired \
             WHERE NOT EXISTS (SELECT FROM gone)",
        );
        Ok(())
    }
}

statement! { varying FindDue => (SqlUuid, SqlUuid, Nullable<Timestamptz>, Nullable<Timestamptz>, Bool) }

/// Deletes values of these jobs, in the order in which they were issued; gives how many of each job that it reached.
///
/// They are looked for along the index by time of issue: equal in organisation and job, since before PostgreSQL 18 a
/// comparison of whole rows ends a scan by its first column only, behind all else that the organisation has. They are
/// deleted by their place: that is unique within one table (`ctid`), and the table is part of it (`tableoid`), since
/// an operator may have divided them; by which times, tells in which part to look. Nobody changes values, and whoever
/// deletes some meanwhile leaves nothing there that this statement sees.
struct DeleteValues {
    organisations: Vec<Uuid>,
    jobs: Vec<Uuid>,
    from: Vec<Option<DateTime<Utc>>>,
    until: Vec<Option<DateTime<Utc>>>,
    limit: i64,
    organisation: Option<Uuid>,
}

impl DeleteValues {
    fn new(due: &[Due], limit: i64, organisation: Option<Uuid>) -> Self {
        Self {
            organisations: due.iter().map(|due| due.organisation_id).collect(),
            jobs: due.iter().map(|due| due.job_id).collect(),
            from: due.iter().map(|due| due.values_from).collect(),
            until: due.iter().map(|due| due.until).collect(),
            limit,
            organisation,
        }
    }
}

impl QueryFragment<Pg> for DeleteValues {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH expired AS MATERIALIZED (SELECT oldest.* FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.jobs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.from)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.until)?;
        out.push_sql(
            ") AS due (organisation_id, job_id, values_from, until) \
             CROSS JOIN LATERAL (SELECT predictions.tableoid, predictions.ctid, predictions.at, predictions.issued_at FROM predictions \
               WHERE predictions.organisation_id = due.organisation_id AND predictions.job_id = due.job_id \
               AND predictions.issued_at >= COALESCE(due.values_from, '-infinity')",
        );
        push_only(&mut out, "predictions", self.organisation.as_ref())?;
        out.push_sql(
            " \
               AND predictions.issued_at <= COALESCE(due.until, 'infinity') AND ",
        );
        out.push_sql(BY_ISSUE);
        out.push_sql(" ORDER BY predictions.issued_at LIMIT ");
        push_unplanned::<BigInt, _>(&mut out, &self.limit)?;
        out.push_sql(") AS oldest LIMIT ");
        push_unplanned::<BigInt, _>(&mut out, &self.limit)?;
        out.push_sql(
            "), deleted AS (DELETE FROM predictions USING expired \
             WHERE predictions.ctid = expired.ctid AND predictions.tableoid = expired.tableoid \
             AND predictions.at = expired.at AND predictions.issued_at = expired.issued_at",
        );
        push_only(&mut out, "predictions", self.organisation.as_ref())?;
        out.push_sql(
            " RETURNING predictions.job_id, predictions.issued_at) \
             SELECT job_id, count(*), max(issued_at) FROM deleted GROUP BY job_id",
        );
        Ok(())
    }
}

statement! { varying DeleteValues => (SqlUuid, BigInt, Timestamptz) }

/// Writes down from when on jobs have values now, so that the next purge does not walk over what this one has deleted.
///
/// What is known of the jobs was locked by a statement before, so that this one sees all that was reported until then.
struct Advance {
    organisations: Vec<Uuid>,
    jobs: Vec<Uuid>,
    from: Vec<Option<DateTime<Utc>>>,
    organisation: Option<Uuid>,
}

impl Advance {
    /// Of these jobs, those for which it is known from where on to look.
    fn new(due: &[Due], places: &HashMap<Uuid, Option<DateTime<Utc>>>, organisation: Option<Uuid>) -> Self {
        let mut advance = Self { organisations: Vec::new(), jobs: Vec::new(), from: Vec::new(), organisation };
        for due in due {
            if let Some(from) = places.get(&due.job_id) {
                advance.organisations.push(due.organisation_id);
                advance.jobs.push(due.job_id);
                advance.from.push(*from);
            }
        }
        advance
    }
}

impl QueryFragment<Pg> for Advance {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "UPDATE run_summaries SET values_from = (SELECT predictions.issued_at FROM predictions \
             WHERE predictions.organisation_id = place.organisation_id AND predictions.job_id = place.job_id \
             AND predictions.issued_at >= place.issued_at",
        );
        push_only(&mut out, "predictions", self.organisation.as_ref())?;
        out.push_sql(" AND ");
        out.push_sql(BY_ISSUE);
        out.push_sql(" ORDER BY predictions.issued_at LIMIT 1) FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisations)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.jobs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.from)?;
        out.push_sql(
            ") AS place (organisation_id, job_id, issued_at) \
             WHERE run_summaries.organisation_id = place.organisation_id AND run_summaries.job_id = place.job_id",
        );
        push_only(&mut out, "run_summaries", self.organisation.as_ref())
    }
}

statement! { varying Advance }

/// When the oldest value that has expired did so: of each source the first entry in the index of its summaries.
struct OldestExpired {
    now: DateTime<Utc>,
    is_distributed: bool,
}

impl QueryFragment<Pg> for OldestExpired {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT min(oldest.values_from + make_interval(hours => sources.retention_hours)) FROM sources ");
        out.push_sql(if self.is_distributed {
            // Of each server the oldest, and of those.
            "JOIN run_summaries AS oldest ON oldest.source_id = sources.id"
        } else {
            "CROSS JOIN LATERAL (SELECT values_from FROM run_summaries WHERE run_summaries.source_id = sources.id \
               AND run_summaries.values_from IS NOT NULL \
               ORDER BY run_summaries.source_id, run_summaries.values_from LIMIT 1) AS oldest"
        });
        out.push_sql(" WHERE oldest.values_from + make_interval(hours => sources.retention_hours) <= LEAST(");
        out.push_bind_param::<Timestamptz, _>(&self.now)?;
        out.push_sql(", clock_timestamp())");
        Ok(())
    }
}

statement! { varying OldestExpired => Nullable<Timestamptz> }

/// Deletes runs of deleted jobs, or those that were replaced; gives how many.
fn delete_runs(
    connection: &mut PgConnection,
    table: &str,
    deleted: &[&Due],
    limit: i64,
    organisation: Option<Uuid>,
) -> QueryResult<i64> {
    let only = only(table, "$4", organisation);
    let deleted = sql_query(format!(
        "WITH gone AS MATERIALIZED (SELECT {table}.organisation_id, {table}.job_id, {table}.id \
         FROM unnest($1, $2) AS deleted (organisation_id, job_id) \
         JOIN {table} ON {table}.organisation_id = deleted.organisation_id AND {table}.job_id = deleted.job_id{only} LIMIT $3) \
         DELETE FROM {table} USING gone WHERE {table}.organisation_id = gone.organisation_id AND {table}.job_id = gone.job_id \
         AND {table}.id = gone.id{only}"
    ))
    .bind::<Array<SqlUuid>, _>(organisations(deleted))
    .bind::<Array<SqlUuid>, _>(jobs(deleted))
    .bind::<BigInt, _>(limit);
    let deleted = match organisation {
        Some(organisation) => deleted.bind::<SqlUuid, _>(organisation).execute(connection)?,
        None => deleted.execute(connection)?,
    };
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}

/// Removes the last that is known of deleted jobs.
fn forget(connection: &mut PgConnection, deleted: &[&Due], organisation: Option<Uuid>) -> QueryResult<()> {
    for table in ["run_summaries", "deleted_jobs"] {
        let only = only(table, "$3", organisation);
        let forget = sql_query(format!(
            "DELETE FROM {table} USING unnest($1, $2) AS deleted (organisation_id, job_id) \
             WHERE {table}.organisation_id = deleted.organisation_id AND {table}.job_id = deleted.job_id{only}"
        ))
        .bind::<Array<SqlUuid>, _>(organisations(deleted))
        .bind::<Array<SqlUuid>, _>(jobs(deleted));
        match organisation {
            Some(organisation) => forget.bind::<SqlUuid, _>(organisation).execute(connection)?,
            None => forget.execute(connection)?,
        };
    }
    Ok(())
}

/// The condition of [`push_only`], with a parameter that is bound elsewhere.
fn only(table: &str, parameter: &str, organisation: Option<Uuid>) -> String {
    organisation.map_or_else(String::new, |_| format!(" AND {table}.organisation_id = {parameter}"))
}

fn organisations(due: &[&Due]) -> Vec<Uuid> {
    due.iter().map(|due| due.organisation_id).collect()
}

fn jobs(due: &[&Due]) -> Vec<Uuid> {
    due.iter().map(|due| due.job_id).collect()
}
