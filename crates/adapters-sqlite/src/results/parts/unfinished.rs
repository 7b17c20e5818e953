//! Values that are of no run, and what tells of them.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::Run;
use prediction_domain::ports::StoreFailure;

use crate::failure::OrStoreFailure as _;
use crate::paging::limit;
use crate::results::job_key::JobKey;
use crate::schema::{predictions, unfinished_runs};
use crate::statement::statement;

/// By the clock that all processes on this machine have.
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";
/// For how many microseconds it has not gone on.
const AGE: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER) - seen_at";
/// The purge takes its time, so that it does not come between a report and the same one again.
const IS_STALE: &str = "seen_at < CAST(unixepoch('subsec') * 1000000 AS INTEGER) - 60000000";
/// How much of that the purge looks at.
const MOST_STALE: i64 = 64;
/// They are only to go.
const NOBODY: &str = "";

/// Values of a job that were issued at a time and are of no run, and who stores or deletes them.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = unfinished_runs, check_for_backend(Sqlite))]
pub(in crate::results) struct Unfinished {
    organisation_id: String,
    job_id: String,
    issued_at: i64,
    pub(super) writer: String,
}

impl Unfinished {
    pub(super) fn of(run: &Run, writer: String) -> Self {
        Self::of_job(&JobKey::of(run), run.issued_at.as_micros(), writer)
    }

    pub(super) fn of_job(job: &JobKey, issued_at: i64, writer: String) -> Self {
        Self { organisation_id: job.organisation_id.clone(), job_id: job.job_id.clone(), issued_at, writer }
    }

    /// The same values, when another one has taken them over.
    pub(super) fn of_writer(&self, writer: String) -> Self {
        Self { writer, ..self.clone() }
    }

    fn key(&self) -> (&str, &str, i64) {
        (&self.organisation_id, &self.job_id, self.issued_at)
    }

    /// From now on there are values that nobody is to read.
    pub(super) fn begin(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        let row = (
            unfinished_runs::organisation_id.eq(&self.organisation_id),
            unfinished_runs::job_id.eq(&self.job_id),
            unfinished_runs::issued_at.eq(self.issued_at),
            unfinished_runs::writer.eq(&self.writer),
            unfinished_runs::seen_at.eq(sql::<BigInt>(NOW)),
        );
        diesel::insert_into(unfinished_runs::table).values(row).execute(connection)?;
        Ok(())
    }

    /// Says that it goes on. Fails if it rested for so long that another one has taken it over.
    pub(super) fn go_on(&self, connection: &mut SqliteConnection) -> Result<(), StoreFailure> {
        let own = unfinished_runs::table.find(self.key()).filter(unfinished_runs::writer.eq(&self.writer));
        match diesel::update(own).set(unfinished_runs::seen_at.eq(sql::<BigInt>(NOW))).execute(connection) {
            Ok(0) => Err(StoreFailure::Unavailable("the values of a run were stored too slowly".into())),
            gone_on => gone_on.map(|_| ()).or_store_failure(),
        }
    }

    /// Makes it another one's, unless it has another writer by now. Gives whether it did.
    pub(super) fn pass_on(&self, connection: &mut SqliteConnection, writer: &str) -> QueryResult<bool> {
        let same = unfinished_runs::table.find(self.key()).filter(unfinished_runs::writer.eq(&self.writer));
        let new = (unfinished_runs::writer.eq(writer), unfinished_runs::seen_at.eq(sql::<BigInt>(NOW)));
        Ok(diesel::update(same).set(new).execute(connection)? > 0)
    }

    /// The values are of a run, or gone.
    pub(super) fn end(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        diesel::delete(unfinished_runs::table.find(self.key())).execute(connection)?;
        Ok(())
    }

    /// Deletes so many of the values at the most; gives how many.
    pub(super) fn delete_some(&self, connection: &mut SqliteConnection, most: usize) -> QueryResult<usize> {
        let places: Vec<(String, i64)> = predictions::table
            .filter(predictions::organisation_id.eq(&self.organisation_id))
            .filter(predictions::job_id.eq(&self.job_id))
            .filter(predictions::issued_at.eq(self.issued_at))
            .order((predictions::role, predictions::at))
            .limit(limit(most))
            .select((predictions::role, predictions::at))
            .load(connection)?;
        let Some((role, at)) = places.last() else { return Ok(0) };
        DeleteValues { of: self, role, at: *at }.execute(connection)
    }
}

/// `DELETE` of values up to a place, along the index that tells the places. Left alone, SQLite looks through all values
/// of the job.
struct DeleteValues<'a> {
    of: &'a Unfinished,
    role: &'a str,
    at: i64,
}

impl QueryFragment<Sqlite> for DeleteValues<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "DELETE FROM predictions INDEXED BY predictions_organisation_id_job_id_issued_at_idx WHERE organisation_id = ",
        );
        out.push_bind_param::<Text, _>(&self.of.organisation_id)?;
        out.push_sql(" AND job_id = ");
        out.push_bind_param::<Text, _>(&self.of.job_id)?;
        out.push_sql(" AND issued_at = ");
        out.push_bind_param::<BigInt, _>(&self.of.issued_at)?;
        out.push_sql(" AND (role, at) <= (");
        out.push_bind_param::<Text, _>(self.role)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.at)?;
        out.push_sql(")");
        Ok(())
    }
}

statement! { cached DeleteValues<'_> as DeleteValues<'static> }

/// What there is beside runs that were issued at that time, and how long ago somebody has gone on with it.
pub(super) fn find_at(connection: &mut SqliteConnection, run: &Run) -> QueryResult<Option<(Unfinished, Duration)>> {
    let found: Option<(Unfinished, i64)> = unfinished_runs::table
        .find((run.organisation_id.to_string(), run.job_id.to_string(), run.issued_at.as_micros()))
        .select((Unfinished::as_select(), sql::<BigInt>(AGE)))
        .first(connection)
        .optional()?;
    // In the future by a clock that was set back since: it is as good as now.
    Ok(found.map(|(unfinished, age)| (unfinished, Duration::from_micros(u64::try_from(age).unwrap_or(0)))))
}

/// When values of a job were issued that nobody is to read.
pub(in crate::results) fn hidden(
    connection: &mut SqliteConnection,
    organisation_id: &str,
    job_id: &str,
) -> QueryResult<Vec<i64>> {
    unfinished_runs::table
        .filter(unfinished_runs::organisation_id.eq(organisation_id).and(unfinished_runs::job_id.eq(job_id)))
        .select(unfinished_runs::issued_at)
        .load(connection)
}

/// What nobody has gone on with for long.
pub(in crate::results) fn find_stale(connection: &mut SqliteConnection) -> QueryResult<Vec<Unfinished>> {
    unfinished_runs::table
        .filter(sql::<Bool>(IS_STALE))
        .order(unfinished_runs::seen_at)
        .limit(MOST_STALE)
        .select(Unfinished::as_select())
        .load(connection)
}

/// Removes that, so many values at the most; gives how many. What is left is found again.
pub(in crate::results) fn remove_stale(connection: &mut SqliteConnection, most: usize) -> QueryResult<usize> {
    let mut deleted = 0;
    for stale in find_stale(connection)? {
        if deleted == most {
            break;
        }
        // Whoever comes back to it after all must not take the rest for the whole.
        let row = unfinished_runs::table.find(stale.key());
        diesel::update(row).set(unfinished_runs::writer.eq(NOBODY)).execute(connection)?;
        deleted += stale.delete_some(connection, most - deleted)?;
        if deleted < most {
            stale.end(connection)?;
        }
    }
    Ok(deleted)
}
