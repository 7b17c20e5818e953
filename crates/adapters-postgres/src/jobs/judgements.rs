//! The health of jobs, judged ahead: what [`crate::jobs`] finds jobs of a health by.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{MAX_SECONDS_AHEAD, MIN_GRACE_MINUTES, Timestamp};
use prediction_domain::ports::{Judged, JudgementRepository, StoreFailure, WriteMode};
use uuid::Uuid;

use crate::distributed::{by_organisation, push_only};
use crate::jobs::monitoring;
use crate::statement::statement;
use crate::store::PostgresStore;

/// How many jobs are looked at for each that may be judged, where one after the other is looked at for those of a
/// source.
const LOOKED_AT: i64 = 4;

impl JudgementRepository for PostgresStore {
    /// A transaction that writes what the judgement rests on locks its row, and so does this one, before it looks: in a
    /// statement of its own, so that the next one sees what was committed meanwhile. Rows that others hold are left for
    /// the next time.
    fn judge(&self, at: Timestamp, limit: usize) -> Result<Judged, StoreFailure> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let is_distributed = self.database().is_distributed()?;
        self.database().transaction(WriteMode::Commit, |connection| {
            let mark = Mark::read(connection, at.as_datetime())?;
            if mark.is_ahead {
                demand_all(connection)?;
            }
            if let Some(place) = Place::take(connection)? {
                return Ok(judge_source(connection, &place, &mark, limit, is_distributed)?);
            }
            if mark.is_ahead {
                // Another replica is at it.
                return Ok(Judged::default());
            }
            Ok(judge_ended(connection, mark.at, limit, is_distributed)?)
        })
    }
}

/// By when jobs are judged.
#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    /// Whether they were judged by a time that was wrong.
    #[diesel(sql_type = Bool)]
    is_ahead: bool,
}

impl Mark {
    fn read(connection: &mut PgConnection, at: DateTime<Utc>) -> QueryResult<Self> {
        let ahead = format!("judged_at > $1 + make_interval(secs => {MAX_SECONDS_AHEAD})");
        diesel::sql_query(format!(
            "SELECT CASE WHEN {ahead} THEN $1 ELSE GREATEST(judged_at, $1) END AS at, {ahead} AS is_ahead \
             FROM judgements WHERE name = 'health'"
        ))
        .bind::<Timestamptz, _>(at)
        .get_result(connection)
    }
}

/// How far the jobs of a source are judged anew.
#[derive(QueryableByName)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
struct Place {
    /// Nil: of all sources.
    #[diesel(sql_type = SqlUuid)]
    source_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organisation_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
}

impl Place {
    /// Of one that no other replica is at. A change of its source waits until the batch is done.
    fn take(connection: &mut PgConnection) -> QueryResult<Option<Self>> {
        diesel::sql_query(
            "SELECT source_id, organisation_id, job_id FROM unjudged_sources ORDER BY source_id LIMIT 1 FOR UPDATE SKIP LOCKED",
        )
        .get_result(connection)
        .optional()
    }

    fn is_of_all(&self) -> bool {
        self.source_id.is_nil()
    }
}

#[derive(QueryableByName)]
#[expect(clippy::struct_field_names, reason = "the names of the columns")]
struct Key {
    #[diesel(sql_type = SqlUuid)]
    organisation_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    source_id: Uuid,
}

/// All jobs are to be judged anew.
fn demand_all(connection: &mut PgConnection) -> QueryResult<()> {
    let nil = "'00000000-0000-0000-0000-000000000000'";
    diesel::sql_query(format!(
        "INSERT INTO unjudged_sources (source_id, organisation_id, job_id) VALUES ({nil}, {nil}, {nil}) \
         ON CONFLICT ON CONSTRAINT unjudged_sources_pkey DO NOTHING"
    ))
    .execute(connection)
    .map(drop)
}

/// A batch of the jobs of a source, in the order of their keys. Here locks are waited for: who holds one may judge by
/// what the source was before.
fn judge_source(
    connection: &mut PgConnection,
    place: &Place,
    mark: &Mark,
    limit: i64,
    is_distributed: bool,
) -> QueryResult<Judged> {
    let looked_at = limit.saturating_mul(LOOKED_AT);
    let keys: Vec<Key> = diesel::sql_query(
        "SELECT organisation_id, job_id, source_id FROM job_health WHERE (organisation_id, job_id) > ($1, $2) \
         ORDER BY organisation_id, job_id LIMIT $3",
    )
    .bind::<SqlUuid, _>(place.organisation_id)
    .bind::<SqlUuid, _>(place.job_id)
    .bind::<BigInt, _>(looked_at)
    .load(connection)?;
    let last = keys.last().map(|key| (key.organisation_id, key.job_id));
    let is_last_batch = i64::try_from(keys.len()).is_ok_and(|found| found < looked_at);
    let of_source: Vec<Key> =
        keys.into_iter().filter(|key| place.is_of_all() || key.source_id == place.source_id).collect();
    let mut jobs = 0;
    for batch in Batch::of(&of_source, mark.at, is_distributed) {
        batch.lock(connection)?;
        jobs += batch.judge(connection, !place.is_of_all())?;
    }
    if is_last_batch {
        if place.is_of_all() {
            diesel::sql_query("UPDATE judgements SET judged_at = $1 WHERE name = 'health'")
                .bind::<Timestamptz, _>(mark.at)
                .execute(connection)?;
        }
        diesel::sql_query("DELETE FROM unjudged_sources WHERE source_id = $1")
            .bind::<SqlUuid, _>(place.source_id)
            .execute(connection)?;
    } else if let Some((organisation_id, job_id)) = last {
        diesel::sql_query("UPDATE unjudged_sources SET organisation_id = $1, job_id = $2 WHERE source_id = $3")
            .bind::<SqlUuid, _>(organisation_id)
            .bind::<SqlUuid, _>(job_id)
            .bind::<SqlUuid, _>(place.source_id)
            .execute(connection)?;
    }
    Ok(Judged { jobs, is_unfinished: true })
}

/// The jobs whose judgement ended first. Where there are none, nothing is written.
fn judge_ended(
    connection: &mut PgConnection,
    at: DateTime<Utc>,
    limit: i64,
    is_distributed: bool,
) -> QueryResult<Judged> {
    // Of distributed tables, one server locks those of one organisation, when they are found.
    let lock = if is_distributed { "" } else { " FOR NO KEY UPDATE SKIP LOCKED" };
    let mut keys: Vec<Key> = diesel::sql_query(format!(
        "SELECT organisation_id, job_id, source_id FROM job_health \
         WHERE judged_until < $1 AND judged_until >= '-infinity' ORDER BY judged_until LIMIT $2{lock}"
    ))
    .bind::<Timestamptz, _>(at)
    .bind::<BigInt, _>(limit)
    .load(connection)?;
    let found = keys.len();
    if is_distributed {
        keys = lock_ended(connection, &keys, at)?;
    }
    if keys.is_empty() {
        return Ok(Judged::default());
    }
    let mut jobs = 0;
    for batch in Batch::of(&keys, at, is_distributed) {
        jobs += batch.judge(connection, true)?;
    }
    Ok(Judged { jobs, is_unfinished: jobs > 0 && i64::try_from(found).is_ok_and(|found| found == limit) })
}

/// Those of some jobs whose judgement has still ended and that nobody else holds, from here on.
fn lock_ended(connection: &mut PgConnection, found: &[Key], at: DateTime<Utc>) -> QueryResult<Vec<Key>> {
    let mut keys = Vec::new();
    for (organisation, jobs) in by_organisation(found.iter().map(|key| (key.organisation_id, key.job_id))) {
        let locked: Vec<Key> = diesel::sql_query(
            "SELECT organisation_id, job_id, source_id FROM job_health WHERE organisation_id = $1 AND job_id = ANY ($2) \
             AND judged_until < $3 AND judged_until >= '-infinity' FOR NO KEY UPDATE SKIP LOCKED",
        )
        .bind::<SqlUuid, _>(organisation)
        .bind::<Array<SqlUuid>, _>(jobs)
        .bind::<Timestamptz, _>(at)
        .load(connection)?;
        keys.extend(locked);
    }
    Ok(keys)
}

/// Jobs that are judged together.
struct Batch {
    /// The only one of which they are, where tables are distributed.
    organisation: Option<Uuid>,
    organisation_ids: Vec<Uuid>,
    job_ids: Vec<Uuid>,
    at: DateTime<Utc>,
}

impl Batch {
    /// One batch, or one of each organisation.
    fn of(keys: &[Key], at: DateTime<Utc>, is_distributed: bool) -> Vec<Self> {
        let keys = keys.iter().map(|key| (key.organisation_id, key.job_id));
        if !is_distributed {
            let (organisation_ids, job_ids) = keys.unzip();
            return vec![Self { organisation: None, organisation_ids, job_ids, at }];
        }
        let of_one = |(organisation, job_ids): (Uuid, Vec<Uuid>)| Self {
            organisation: Some(organisation),
            organisation_ids: vec![organisation; job_ids.len()],
            job_ids,
            at,
        };
        by_organisation(keys).into_iter().map(of_one).collect()
    }

    fn lock(&self, connection: &mut PgConnection) -> QueryResult<()> {
        if let Some(organisation) = self.organisation {
            return diesel::sql_query(
                "SELECT job_id FROM job_health WHERE organisation_id = $1 AND job_id = ANY ($2) \
                 ORDER BY job_id FOR NO KEY UPDATE",
            )
            .bind::<SqlUuid, _>(organisation)
            .bind::<Array<SqlUuid>, _>(&self.job_ids)
            .execute(connection)
            .map(drop);
        }
        diesel::sql_query(
            "SELECT FROM job_health JOIN unnest($1, $2) AS batch (organisation_id, job_id) USING (organisation_id, job_id) \
             ORDER BY organisation_id, job_id FOR NO KEY UPDATE OF job_health",
        )
        .bind::<Array<SqlUuid>, _>(&self.organisation_ids)
        .bind::<Array<SqlUuid>, _>(&self.job_ids)
        .execute(connection)
        .map(drop)
    }

    /// Tells how many were judged. Who reads by an earlier time is told that they were, unless all are being judged
    /// anew.
    fn judge(self, connection: &mut PgConnection, is_marked: bool) -> QueryResult<u64> {
        if self.job_ids.is_empty() {
            return Ok(0);
        }
        if is_marked {
            diesel::sql_query("UPDATE judgements SET judged_at = $1 WHERE name = 'health' AND judged_at < $1")
                .bind::<Timestamptz, _>(self.at)
                .execute(connection)?;
        }
        match self.organisation {
            Some(organisation) => self.judge_on_server(connection, organisation),
            None => Ok(UpdateJudged(self).execute(connection)? as u64),
        }
    }
}

/// What they are at that time, and the last moment at which they still are if nothing happens.
impl QueryFragment<Pg> for Batch {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql(
            "SELECT known.organisation_id, known.job_id, known.status::smallint AS status, LEAST(CASE \
             WHEN known.status <= 2 THEN 'infinity' \
             WHEN known.status <= 4 THEN known.delivered_at + make_interval(mins => known.minutes + GREATEST(known.minutes, ",
        );
        out.push_sql(&MIN_GRACE_MINUTES.to_string());
        out.push_sql(
            ")) ELSE known.delivered_at + make_interval(mins => known.minutes) END, known.believed_from) AS judged_until \
             FROM (SELECT jobs.organisation_id, jobs.id AS job_id, sources.expected_interval_minutes AS minutes, ",
        );
        monitoring::push_status(out, &self.at)?;
        out.push_sql(" AS status, ");
        monitoring::push_delivered(out, &self.at)?;
        out.push_sql(" AS delivered_at, ");
        monitoring::push_believed_from(out, &self.at)?;
        out.push_sql(" AS believed_from FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisation_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.job_ids)?;
        out.push_sql(
            ") AS batch (organisation_id, job_id) JOIN jobs ON jobs.organisation_id = batch.organisation_id \
             AND jobs.id = batch.job_id",
        );
        push_only(out, "jobs", self.organisation.as_ref())?;
        out.push_sql(monitoring::JOINED_TO_MANY);
        out.push_sql(") AS known");
        Ok(())
    }
}

/// Writes what they are.
struct UpdateJudged(Batch);

impl QueryFragment<Pg> for UpdateJudged {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("UPDATE job_health SET status = judged.status, judged_until = judged.judged_until FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(
            ") AS judged WHERE job_health.organisation_id = judged.organisation_id \
             AND job_health.job_id = judged.job_id",
        );
        Ok(())
    }
}

statement! { cached UpdateJudged }

/// The same to be read: a time may be infinite, so that it travels as a text.
struct ReadJudged<'a>(&'a Batch);

impl QueryFragment<Pg> for ReadJudged<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT job_id, status, judged_until::text FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS judged");
        Ok(())
    }
}

statement! { varying ReadJudged<'_> => (SqlUuid, SmallInt, Text) }

impl Batch {
    /// Of one organisation, whose rows are locked: a statement that writes to a distributed table computes no times.
    fn judge_on_server(&self, connection: &mut PgConnection, organisation: Uuid) -> QueryResult<u64> {
        let judged: Vec<(Uuid, i16, String)> = ReadJudged(self).load(connection)?;
        let jobs: Vec<Uuid> = judged.iter().map(|(job, ..)| *job).collect();
        let statuses: Vec<i16> = judged.iter().map(|(_, status, _)| *status).collect();
        let until: Vec<String> = judged.into_iter().map(|(.., until)| until).collect();
        let written = diesel::sql_query(
            "UPDATE job_health SET status = judged.status, judged_until = judged.judged_until \
             FROM unnest($2::uuid[], $3::smallint[], $4::text[]::timestamptz[]) AS judged (job_id, status, judged_until) \
             WHERE job_health.organisation_id = $1 AND job_health.job_id = judged.job_id",
        )
        .bind::<SqlUuid, _>(organisation)
        .bind::<Array<SqlUuid>, _>(jobs)
        .bind::<Array<SmallInt>, _>(statuses)
        .bind::<Array<Text>, _>(until)
        .execute(connection)?;
        Ok(written as u64)
    }
}
