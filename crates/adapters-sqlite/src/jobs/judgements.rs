//! The health of jobs, judged ahead: what [`crate::jobs::by_health`] finds jobs of a health by.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::Timestamp;
use prediction_domain::ports::{Judged, JudgementRepository, StoreFailure, WriteMode};

use crate::failure::OrStoreFailure as _;
use crate::jobs::monitoring::{FOR_EVER, INTERVAL, MAX_AHEAD, MIN_GRACE, StatusAt, status_at};
use crate::schema::{jobs, judgements, unjudged_sources};
use crate::statement::statement;
use crate::store::SqliteStore;

/// How many jobs are looked at for each that may be judged, where one after the other is looked at for those of a
/// source.
const LOOKED_AT: i64 = 4;

/// In the place of a source: all of them.
const ALL: &str = "";

impl JudgementRepository for SqliteStore {
    /// While this writes no one else does. Where there is nothing to judge, it does not ask to write.
    fn judge(&self, at: Timestamp, limit: usize) -> Result<Judged, StoreFailure> {
        let limit = crate::paging::limit(limit);
        if !is_anything_unjudged(&mut *self.reader()?, at).or_store_failure()? {
            return Ok(Judged::default());
        }
        self.write(WriteMode::Commit, |connection| judge(connection, at, limit).or_store_failure())
    }
}

fn is_anything_unjudged(connection: &mut SqliteConnection, at: Timestamp) -> QueryResult<bool> {
    let judged_at = judged_at(connection)?;
    if is_ahead(judged_at, at) {
        return Ok(true);
    }
    let until = judged_at.max(at.as_micros());
    let ended = jobs::table.filter(jobs::judged_until.lt(until));
    let of_sources = unjudged_sources::table.select(unjudged_sources::source_id);
    diesel::select(diesel::dsl::exists(ended).or(diesel::dsl::exists(of_sources))).get_result(connection)
}

fn judged_at(connection: &mut SqliteConnection) -> QueryResult<i64> {
    judgements::table.find("health").select(judgements::judged_at).first(connection)
}

/// Whether jobs were judged by a time that was wrong.
fn is_ahead(judged_at: i64, at: Timestamp) -> bool {
    judged_at > at.as_micros() + MAX_AHEAD
}

fn judge(connection: &mut SqliteConnection, at: Timestamp, limit: i64) -> QueryResult<Judged> {
    let judged_at = judged_at(connection)?;
    let is_ahead = is_ahead(judged_at, at);
    // A time that was written here by this program is one.
    let at = Timestamp::from_micros(judged_at).filter(|_| !is_ahead).map_or(at, |judged_at| judged_at.max(at));
    if is_ahead {
        diesel::insert_or_ignore_into(unjudged_sources::table)
            .values((unjudged_sources::source_id.eq(ALL), unjudged_sources::judged_to.eq(i64::MIN)))
            .execute(connection)?;
    }
    let place: Option<(String, i64)> =
        unjudged_sources::table.order(unjudged_sources::source_id).first(connection).optional()?;
    match place {
        Some((source_id, judged_to)) => judge_source(connection, &source_id, judged_to, at, limit),
        None => judge_ended(connection, at, limit),
    }
}

/// A batch of the jobs of a source, in creation order.
fn judge_source(
    connection: &mut SqliteConnection,
    source_id: &str,
    judged_to: i64,
    at: Timestamp,
    limit: i64,
) -> QueryResult<Judged> {
    let looked_at = limit.saturating_mul(LOOKED_AT);
    let found: Vec<(i64, String)> = jobs::table
        .filter(jobs::sequence_number.gt(judged_to))
        .order(jobs::sequence_number)
        .limit(looked_at)
        .select((jobs::sequence_number, jobs::source_id))
        .load(connection)?;
    let of_source = found.iter().filter(|(_, id)| source_id == ALL || id == source_id).map(|(number, _)| *number);
    let batch = Batch::of(of_source, at);
    // Who reads by an earlier time is told that they were judged, unless all are being judged anew.
    if source_id != ALL {
        mark(connection, at)?;
    }
    let jobs = batch.execute(connection)? as u64;
    let row = unjudged_sources::table.find(source_id);
    match found.last() {
        Some((last, _)) if crate::paging::limit(found.len()) == looked_at => {
            diesel::update(row).set(unjudged_sources::judged_to.eq(last)).execute(connection)?;
        }
        _ => {
            if source_id == ALL {
                diesel::update(judgements::table.find("health"))
                    .set(judgements::judged_at.eq(at.as_micros()))
                    .execute(connection)?;
            }
            diesel::delete(row).execute(connection)?;
        }
    }
    Ok(Judged { jobs, is_unfinished: true })
}

/// The jobs whose judgement ended first.
fn judge_ended(connection: &mut SqliteConnection, at: Timestamp, limit: i64) -> QueryResult<Judged> {
    let found: Vec<i64> = jobs::table
        .filter(jobs::judged_until.lt(at.as_micros()))
        .order(jobs::judged_until)
        .limit(limit)
        .select(jobs::sequence_number)
        .load(connection)?;
    if found.is_empty() {
        return Ok(Judged::default());
    }
    mark(connection, at)?;
    let is_unfinished = crate::paging::limit(found.len()) == limit;
    let jobs = Batch::of(found.into_iter(), at).execute(connection)? as u64;
    Ok(Judged { jobs, is_unfinished: is_unfinished && jobs > 0 })
}

fn mark(connection: &mut SqliteConnection, at: Timestamp) -> QueryResult<()> {
    let row = judgements::table.find("health").filter(judgements::judged_at.lt(at.as_micros()));
    diesel::update(row).set(judgements::judged_at.eq(at.as_micros())).execute(connection).map(drop)
}

/// Jobs that are judged together.
struct Batch {
    /// Their places in creation order, as a JSON array.
    numbers: String,
    status: StatusAt,
}

impl Batch {
    fn of(numbers: impl Iterator<Item = i64>, at: Timestamp) -> Self {
        Self { numbers: numbers.collect::<serde_json::Value>().to_string(), status: status_at(at) }
    }
}

/// Writes what they are at that time, and the last moment at which they still are if nothing happens.
impl QueryFragment<Sqlite> for Batch {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE jobs SET judged_status = judged.status, judged_until = judged.until FROM (");
        out.push_sql("SELECT known.number, known.status, min(CASE ");
        for part in ["WHEN known.status IN ('paused', 'unmonitored', 'overdue') THEN ", FOR_EVER] {
            out.push_sql(part);
        }
        out.push_sql(
            " WHEN known.status IN ('failing', 'late') THEN known.delivered_at + known.interval + max(known.interval, ",
        );
        out.push_bind_param::<BigInt, _>(&MIN_GRACE)?;
        out.push_sql(") ELSE known.delivered_at + known.interval END, known.believed_from) AS until FROM (");
        for part in ["SELECT jobs.rowid AS number, ", INTERVAL, " AS interval, "] {
            out.push_sql(part);
        }
        self.status.walk_ast(out.reborrow())?;
        out.push_sql(" AS status, ");
        self.status.delivered_at(&mut out)?;
        out.push_sql(" AS delivered_at, ");
        self.status.believed_from(&mut out)?;
        out.push_sql(
            " AS believed_from FROM jobs LEFT JOIN sources ON sources.id = jobs.source_id \
             LEFT JOIN run_summaries ON run_summaries.organisation_id = jobs.organisation_id \
             AND run_summaries.job_id = jobs.id WHERE jobs.rowid IN (SELECT value FROM json_each(",
        );
        out.push_bind_param::<Text, _>(&self.numbers)?;
        out.push_sql("))) AS known) AS judged WHERE jobs.rowid = judged.number");
        Ok(())
    }
}

statement! { cached Batch }
