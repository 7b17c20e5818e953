//! Removing what nobody can read any more.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel::upsert::excluded;
use prediction_domain::model::{ReplicaId, Timestamp};
use prediction_domain::ports::{Effect, Purged, RetentionRepository, StoreFailure};
use uuid::Uuid;

use crate::database::Abort;
use crate::schema::{leases, sources};
use crate::store::PostgresStore;

/// The lease of whoever purges.
const LEASE: &str = "purge";

/// How many jobs one purge looks at: with runs of some dozen values, what a batch is made of.
const MOST_JOBS: i64 = 64;

impl RetentionRepository for PostgresStore {
    fn hold_lease(&self, replica: ReplicaId, now: Timestamp, until: Timestamp) -> Result<bool, StoreFailure> {
        let row =
            (leases::name.eq(LEASE), leases::holder.eq(replica.as_uuid()), leases::expires_at.eq(until.as_datetime()));
        let is_free = leases::holder.eq(replica.as_uuid()).or(leases::expires_at.le(now.as_datetime()));
        let taken = self.database().statement(|connection| {
            let taken = diesel::insert_into(leases::table).values(&row).on_conflict(leases::name).do_update().set((
                leases::holder.eq(excluded(leases::holder)),
                leases::expires_at.eq(excluded(leases::expires_at)),
            ));
            diesel::query_dsl::methods::FilterDsl::filter(taken, is_free).execute(connection)
        })?;
        Ok(taken == 1)
    }

    fn release_lease(&self, replica: ReplicaId) -> Result<(), StoreFailure> {
        let held = leases::table.find(LEASE).filter(leases::holder.eq(replica.as_uuid()));
        self.database().statement(|connection| diesel::delete(held).execute(connection))?;
        Ok(())
    }

    /// Several short statements. The sources are locked before anything goes, so that a retention that is prolonged meanwhile
    /// either counts or comes after the purge; the summaries, which reports change, only at the end.
    fn purge(&self, now: Timestamp, limit: usize) -> Result<Purged, StoreFailure> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.database().transaction(Effect::Commit, |connection| {
            let mut batch = Batch { limit, values: 0, runs: 0, is_unfinished: false };
            batch.purge_deleted_jobs(connection)?;
            batch.purge_expired(connection, now.as_datetime())?;
            Ok::<_, Abort<StoreFailure>>(Purged {
                values: batch.values.unsigned_abs(),
                runs: batch.runs.unsigned_abs(),
                is_unfinished: batch.is_unfinished || batch.left() == 0,
            })
        })
    }
}

/// What one purge has done so far.
struct Batch {
    limit: i64,
    values: i64,
    runs: i64,
    is_unfinished: bool,
}

/// A job, and which of its values are to go.
#[derive(Debug, Clone, QueryableByName)]
struct Due {
    #[diesel(sql_type = SqlUuid)]
    organisation_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    /// None was issued before.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    values_from: Option<DateTime<Utc>>,
    /// Those issued until then; all, when there is no such time.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    until: Option<DateTime<Utc>>,
}

/// A job that may have values that have expired.
#[derive(Debug, Clone, QueryableByName)]
struct Candidate {
    #[diesel(embed)]
    due: Due,
    #[diesel(sql_type = SqlUuid)]
    source_id: Uuid,
    /// The earlier one of the caller's time and the database's.
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

/// How many values of a job were deleted.
#[derive(Debug, QueryableByName)]
struct Deleted {
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Batch {
    fn left(&self) -> i64 {
        self.limit - self.values - self.runs
    }

    /// First the values of deleted jobs, then their runs, and at last what says that they are to go.
    fn purge_deleted_jobs(&mut self, connection: &mut PgConnection) -> QueryResult<()> {
        let deleted: Vec<Due> = sql_query(
            "SELECT deleted_jobs.organisation_id, deleted_jobs.job_id, run_summaries.values_from, \
             NULL::timestamptz AS until FROM deleted_jobs LEFT JOIN run_summaries USING (organisation_id, job_id) \
             ORDER BY deleted_jobs.organisation_id, deleted_jobs.job_id LIMIT $1 \
             FOR UPDATE OF deleted_jobs SKIP LOCKED",
        )
        .bind::<BigInt, _>(MOST_JOBS)
        .load(connection)?;
        if deleted.is_empty() {
            return Ok(());
        }
        self.is_unfinished |= is_full(&deleted);
        self.delete_values(connection, &deleted)?;
        if self.left() == 0 {
            return Ok(());
        }
        self.runs += delete_runs(connection, &deleted, self.left())?;
        if self.left() == 0 {
            return Ok(());
        }
        forget(connection, &deleted)
    }

    /// Values that have expired, those of each source that were issued first before the others.
    fn purge_expired(&mut self, connection: &mut PgConnection, now: DateTime<Utc>) -> QueryResult<()> {
        if self.left() == 0 {
            return Ok(());
        }
        let candidates: Vec<Candidate> = sql_query(
            "SELECT candidate.organisation_id, candidate.job_id, candidate.values_from, NULL::timestamptz AS until, \
             sources.id AS source_id, clock.now FROM (SELECT LEAST($1, clock_timestamp()) AS now) AS clock \
             CROSS JOIN sources CROSS JOIN LATERAL (SELECT * FROM run_summaries \
               WHERE run_summaries.source_id = sources.id \
               AND run_summaries.values_from <= clock.now - make_interval(hours => sources.retention_hours) \
               ORDER BY run_summaries.source_id, run_summaries.values_from LIMIT $2) AS candidate \
             WHERE sources.retention_hours IS NOT NULL LIMIT $2",
        )
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(MOST_JOBS)
        .load(connection)?;
        if candidates.is_empty() {
            return Ok(());
        }
        self.is_unfinished |= is_full(&candidates);
        let due = lock_retentions(connection, candidates)?;
        self.delete_values(connection, &due)
    }

    /// Deletes values of these jobs, and writes down how far it came: of all of them, or when there are more values than may
    /// be deleted, of those that it reached.
    fn delete_values(&mut self, connection: &mut PgConnection, due: &[Due]) -> QueryResult<()> {
        let deleted = delete_values(connection, due, self.left())?;
        self.values += deleted.iter().map(|deleted| deleted.count).sum::<i64>();
        if self.left() > 0 {
            return advance(connection, due);
        }
        let reached: HashSet<Uuid> = deleted.iter().map(|deleted| deleted.job_id).collect();
        let reached: Vec<Due> = due.iter().filter(|due| reached.contains(&due.job_id)).cloned().collect();
        advance(connection, &reached)
    }
}

fn is_full<T>(found: &[T]) -> bool {
    i64::try_from(found.len()).is_ok_and(|found| found == MOST_JOBS)
}

/// Reads how long the sources keep values, and keeps that from being changed until the purge is done. What has not expired by
/// that is left out.
fn lock_retentions(connection: &mut PgConnection, candidates: Vec<Candidate>) -> QueryResult<Vec<Due>> {
    let mut ids: Vec<Uuid> = candidates.iter().map(|candidate| candidate.source_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let retentions: Vec<(Uuid, Option<i32>)> = sources::table
        .filter(sources::id.eq_any(&ids))
        .select((sources::id, sources::retention_hours))
        .order(sources::id)
        .for_share()
        .load(connection)?;
    let retentions: HashMap<Uuid, i32> =
        retentions.into_iter().filter_map(|(id, hours)| hours.map(|hours| (id, hours))).collect();
    let due = candidates.into_iter().filter_map(|candidate| {
        let hours = TimeDelta::hours(i64::from(*retentions.get(&candidate.source_id)?));
        Some(Due { until: Some(candidate.now.checked_sub_signed(hours)?), ..candidate.due })
    });
    Ok(due.filter(|due| due.values_from <= due.until).collect())
}

/// Deletes values of these jobs, in the order in which they were issued; gives how many of each job that it reached.
///
/// They are looked for along the index by time of issue. The conditions compare whole rows, and the order names all columns,
/// so that no other index will do, whatever the planner takes the number of a job's values to be.
fn delete_values(connection: &mut PgConnection, due: &[Due], limit: i64) -> QueryResult<Vec<Deleted>> {
    sql_query(
        "WITH deleted AS (DELETE FROM predictions WHERE ctid = ANY (ARRAY(SELECT expired.ctid \
         FROM unnest($1, $2, $3, $4) AS due (organisation_id, job_id, values_from, until) \
         CROSS JOIN LATERAL (SELECT predictions.ctid FROM predictions \
           WHERE (predictions.organisation_id, predictions.job_id, predictions.issued_at) \
             >= (due.organisation_id, due.job_id, COALESCE(due.values_from, '-infinity')) \
           AND (predictions.organisation_id, predictions.job_id, predictions.issued_at) \
             <= (due.organisation_id, due.job_id, COALESCE(due.until, 'infinity')) \
           ORDER BY predictions.organisation_id, predictions.job_id, predictions.issued_at LIMIT $5) AS expired LIMIT $5)) \
         RETURNING job_id) SELECT job_id, count(*) AS count FROM deleted GROUP BY job_id",
    )
    .bind::<Array<SqlUuid>, _>(organisations(due))
    .bind::<Array<SqlUuid>, _>(jobs(due))
    .bind::<Array<Nullable<Timestamptz>>, _>(due.iter().map(|due| due.values_from).collect::<Vec<_>>())
    .bind::<Array<Nullable<Timestamptz>>, _>(due.iter().map(|due| due.until).collect::<Vec<_>>())
    .bind::<BigInt, _>(limit)
    .load(connection)
}

/// Deletes runs of deleted jobs; gives how many.
fn delete_runs(connection: &mut PgConnection, deleted: &[Due], limit: i64) -> QueryResult<i64> {
    let deleted = sql_query(
        "DELETE FROM runs WHERE ctid = ANY (ARRAY(SELECT runs.ctid \
         FROM unnest($1, $2) AS deleted (organisation_id, job_id) \
         JOIN runs ON runs.organisation_id = deleted.organisation_id AND runs.job_id = deleted.job_id LIMIT $3))",
    )
    .bind::<Array<SqlUuid>, _>(organisations(deleted))
    .bind::<Array<SqlUuid>, _>(jobs(deleted))
    .bind::<BigInt, _>(limit)
    .execute(connection)?;
    Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
}

/// Writes down from when on there are values now, so that the next purge does not walk over what this one has deleted.
///
/// A report may bring older values at any time. It changes the same row, so the row is locked first, and the values are looked
/// at by a statement of its own: that sees what was reported before. Whoever reports is not waited for: then the row stays as
/// it is, and the next purge comes back to it.
fn advance(connection: &mut PgConnection, due: &[Due]) -> QueryResult<()> {
    let locked: Vec<Due> = sql_query(
        "SELECT run_summaries.organisation_id, run_summaries.job_id, run_summaries.values_from, NULL::timestamptz AS until \
         FROM run_summaries JOIN unnest($1, $2) AS due (organisation_id, job_id) USING (organisation_id, job_id) \
         FOR NO KEY UPDATE OF run_summaries SKIP LOCKED",
    )
    .bind::<Array<SqlUuid>, _>(organisations(due))
    .bind::<Array<SqlUuid>, _>(jobs(due))
    .load(connection)?;
    sql_query(
        "UPDATE run_summaries SET values_from = (SELECT predictions.issued_at FROM predictions \
         WHERE (predictions.organisation_id, predictions.job_id, predictions.issued_at) \
           >= (run_summaries.organisation_id, run_summaries.job_id, run_summaries.values_from) \
         AND (predictions.organisation_id, predictions.job_id) <= (run_summaries.organisation_id, run_summaries.job_id) \
         ORDER BY predictions.organisation_id, predictions.job_id, predictions.issued_at LIMIT 1) \
         FROM unnest($1, $2) AS locked (organisation_id, job_id) \
         WHERE run_summaries.organisation_id = locked.organisation_id AND run_summaries.job_id = locked.job_id",
    )
    .bind::<Array<SqlUuid>, _>(organisations(&locked))
    .bind::<Array<SqlUuid>, _>(jobs(&locked))
    .execute(connection)?;
    Ok(())
}

/// Removes the last that is known of deleted jobs.
fn forget(connection: &mut PgConnection, deleted: &[Due]) -> QueryResult<()> {
    for table in ["run_summaries", "deleted_jobs"] {
        sql_query(format!(
            "DELETE FROM {table} USING unnest($1, $2) AS deleted (organisation_id, job_id) \
             WHERE {table}.organisation_id = deleted.organisation_id AND {table}.job_id = deleted.job_id"
        ))
        .bind::<Array<SqlUuid>, _>(organisations(deleted))
        .bind::<Array<SqlUuid>, _>(jobs(deleted))
        .execute(connection)?;
    }
    Ok(())
}

fn organisations(due: &[Due]) -> Vec<Uuid> {
    due.iter().map(|due| due.organisation_id).collect()
}

fn jobs(due: &[Due]) -> Vec<Uuid> {
    due.iter().map(|due| due.job_id).collect()
}
