//! What runs predict.

use std::ops::Bound;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Double, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{Prediction, Run, RunNumber, Timestamp};
use prediction_domain::ports::{Issued, PredictedValues, PredictionQuery, StoreFailure};

use crate::failure::OrStoreFailure as _;
use crate::rows::{NewPredictionRow, PredictionRow, limit, stored_number, stored_role};
use crate::schema::{predictions, run_counters, runs};
use crate::statement::statement;

/// How many values one statement stores: what it costs to run a statement is then little beside the values. Two sizes
/// of statement, this one and one value, are all that is ever prepared.
const VALUES_AT_ONCE: usize = 64;

/// Stores the values of a run.
pub(crate) fn insert(connection: &mut SqliteConnection, run: &Run, predictions: &[Prediction]) -> QueryResult<()> {
    let (organisation_id, job_id) = (&run.organisation_id.to_string(), &run.job_id.to_string());
    let mut rows: Vec<NewPredictionRow<'_>> = predictions.iter().map(NewPredictionRow::from).collect();
    // In the order of the index, so that what comes one after the other is stored side by side.
    rows.sort_unstable_by_key(NewPredictionRow::place);
    let full = rows.chunks_exact(VALUES_AT_ONCE);
    let rest = full.remainder().chunks(1);
    for rows in full.chain(rest) {
        let issued_at = run.issued_at.as_micros();
        InsertValues { organisation_id, job_id, issued_at, rows }.execute(connection)?;
    }
    Ok(())
}

/// An index gives the values of *one* role in the order of time, so each role is asked for by itself, in one snapshot,
/// until there is enough.
pub(crate) fn read(
    connection: &mut SqliteConnection,
    query: &PredictionQuery,
) -> Result<PredictedValues, StoreFailure> {
    let wanted = Wanted::by(query);
    let (last_run, found) = connection
        .transaction(|connection| {
            let last_number = match query.last_run {
                Some(_) => None,
                None => wanted.last_number(connection)?,
            };
            Ok((last_number, wanted.load(connection)?))
        })
        .or_store_failure()?;
    let last_run = match last_run {
        Some(number) => Some(stored_number(query.job_id, number)?),
        None => query.last_run,
    };
    let mut values = Vec::with_capacity(found.iter().map(|(_, rows)| rows.len()).sum());
    for (role, rows) in found {
        let role = stored_role(query.job_id, &role)?;
        for row in rows {
            values.push(row.restore(query.job_id, &role)?);
        }
    }
    Ok(PredictedValues { values, last_run: last_run.unwrap_or(RunNumber::NONE) })
}

/// What a query asks for, as it is stored.
struct Wanted<'a> {
    query: &'a PredictionQuery,
    organisation_id: String,
    job_id: String,
    /// Both ends included, as times are whole microseconds.
    at: (i64, i64),
    /// Both ends included. None, if the first is behind the last.
    issued_at: (i64, i64),
    /// The highest number of a run that counts.
    last_number: i64,
    /// When it was received at the latest.
    known_at: i64,
}

impl<'a> Wanted<'a> {
    fn by(query: &'a PredictionQuery) -> Self {
        let from = |time: Option<Timestamp>| time.map_or(i64::MIN, |time| time.as_micros());
        let behind = |time: Option<Timestamp>| time.map_or(i64::MIN, |time| time.as_micros() + 1);
        let issued_at = match query.issued {
            Issued::AtAnyTime => (behind(query.issued_after), i64::MAX),
            Issued::Until(time) => (behind(query.issued_after), time.as_micros()),
            Issued::At(time) => (behind(query.issued_after).max(time.as_micros()), time.as_micros()),
        };
        Self {
            query,
            organisation_id: query.organisation_id.to_string(),
            job_id: query.job_id.to_string(),
            at: (from(query.from), query.to.map_or(i64::MAX, |time| time.as_micros() - 1)),
            issued_at,
            last_number: query.last_run.map_or(i64::MAX, RunNumber::as_i64),
            known_at: query.known_at.map_or(i64::MAX, |time| time.as_micros()),
        }
    }

    /// Of the last run of the job; none, if it was there before runs were numbered.
    fn last_number(&self, connection: &mut SqliteConnection) -> QueryResult<Option<i64>> {
        let counter = run_counters::table.find((&self.organisation_id, &self.job_id));
        counter.select(run_counters::last_number).first(connection).optional()
    }

    fn load(&self, connection: &mut SqliteConnection) -> QueryResult<Vec<(String, Vec<PredictionRow>)>> {
        let mut found = Vec::new();
        if self.issued_at.0 > self.issued_at.1 {
            return Ok(found);
        }
        let mut missing = self.query.limit;
        let mut next = self.first_role(connection)?;
        while let Some(role) = next
            && missing > 0
        {
            let rows = self.load_role(connection, &role, missing)?;
            missing = missing.saturating_sub(rows.len());
            next = match self.query.role {
                None if missing > 0 => self.role_from(connection, Bound::Excluded(&role))?,
                _ => None,
            };
            found.push((role, rows));
        }
        Ok(found)
    }

    fn first_role(&self, connection: &mut SqliteConnection) -> QueryResult<Option<String>> {
        let after = self.query.after.as_ref().map(|position| &position.role);
        match &self.query.role {
            Some(role) => Ok(after.is_none_or(|after| role >= after).then(|| role.to_string())),
            None => self.role_from(connection, after.map_or(Bound::Unbounded, |role| Bound::Included(role.as_str()))),
        }
    }

    fn role_from(&self, connection: &mut SqliteConnection, from: Bound<&str>) -> QueryResult<Option<String>> {
        let mut roles = predictions::table
            .filter(predictions::organisation_id.eq(&self.organisation_id))
            .filter(predictions::job_id.eq(&self.job_id))
            .order(predictions::role)
            .select(predictions::role)
            .into_boxed();
        match from {
            Bound::Included(role) => roles = roles.filter(predictions::role.ge(role.to_owned())),
            Bound::Excluded(role) => roles = roles.filter(predictions::role.gt(role.to_owned())),
            Bound::Unbounded => {}
        }
        roles.first(connection).optional()
    }

    /// The values of a role, in the order of time.
    fn load_role(&self, connection: &mut SqliteConnection, role: &str, most: usize) -> QueryResult<Vec<PredictionRow>> {
        let (mut from, to) = self.at;
        if let Some(position) = &self.query.after
            && position.role.as_str() == role
        {
            from = from.max(position.at.as_micros() + 1);
        }
        match self.query.issued {
            Issued::AtAnyTime | Issued::Until(_) => {
                let limit = limit(most);
                if self.query.last_run.is_none() && self.query.known_at.is_none() {
                    IssuedLast::<false> { wanted: self, role, at: (from, to), limit }.load(connection)
                } else {
                    IssuedLast::<true> { wanted: self, role, at: (from, to), limit }.load(connection)
                }
            }
            Issued::At(_) => predictions::table
                .inner_join(
                    runs::table.on(runs::organisation_id
                        .eq(predictions::organisation_id)
                        .and(runs::job_id.eq(predictions::job_id))
                        .and(runs::issued_at.eq(predictions::issued_at))),
                )
                .filter(predictions::organisation_id.eq(&self.organisation_id))
                .filter(predictions::job_id.eq(&self.job_id))
                .filter(predictions::issued_at.eq(self.issued_at.1))
                .filter(predictions::role.eq(role))
                .filter(predictions::at.between(from, to))
                .filter(runs::number.is_null().or(runs::number.le(self.last_number)))
                .filter(runs::received_at.le(self.known_at))
                .order(predictions::at)
                .limit(limit(most))
                .select((predictions::at, predictions::issued_at, predictions::value, runs::id))
                .load(connection),
        }
    }
}

/// For each time, the value of a role that was issued last.
///
/// A `GROUP BY` would look at every value that was ever issued for these times. This goes from one time to the next one
/// in the index, and at each to the end of those that may be read, so that what it costs depends on what it answers.
/// The recursion has one row at a time and the joins keep their order, and so has the answer, up to the limit.
///
/// Where not all runs count, it goes back from there to the first value whose run does.
struct IssuedLast<'a, const OF_SOME_RUNS: bool> {
    wanted: &'a Wanted<'a>,
    role: &'a str,
    at: (i64, i64),
    limit: i64,
}

impl<const OF_SOME_RUNS: bool> QueryFragment<Sqlite> for IssuedLast<'_, OF_SOME_RUNS> {
    /// Each `?` is numbered in the order in which it comes, and named by its number from then on.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("WITH RECURSIVE times (at) AS (SELECT min(at) FROM predictions WHERE organisation_id = ");
        out.push_bind_param::<Text, _>(&self.wanted.organisation_id)?;
        out.push_sql(" AND job_id = ");
        out.push_bind_param::<Text, _>(&self.wanted.job_id)?;
        out.push_sql(" AND role = ");
        out.push_bind_param::<Text, _>(self.role)?;
        out.push_sql(" AND at BETWEEN ");
        out.push_bind_param::<BigInt, _>(&self.at.0)?;
        out.push_sql(" AND ");
        out.push_bind_param::<BigInt, _>(&self.at.1)?;
        out.push_sql(
            " UNION ALL SELECT (SELECT min(later.at) FROM predictions AS later \
             WHERE later.organisation_id = ?1 AND later.job_id = ?2 AND later.role = ?3 \
             AND later.at > times.at AND later.at <= ?5) \
             FROM times WHERE times.at IS NOT NULL) \
             SELECT newest.at, newest.issued_at, newest.value, runs.id \
             FROM times CROSS JOIN predictions AS newest CROSS JOIN runs \
             WHERE newest.organisation_id = ?1 AND newest.job_id = ?2 AND newest.role = ?3 AND newest.at = times.at \
             AND newest.issued_at = (",
        );
        out.push_sql(if OF_SOME_RUNS {
            "SELECT known.issued_at FROM predictions AS known CROSS JOIN runs AS told ON told.organisation_id = ?1 \
             AND told.job_id = ?2 AND told.issued_at = known.issued_at"
        } else {
            "SELECT max(known.issued_at) FROM predictions AS known"
        });
        out.push_sql(
            " WHERE known.organisation_id = ?1 AND known.job_id = ?2 AND known.role = ?3 AND known.at = times.at \
             AND known.issued_at BETWEEN ",
        );
        out.push_bind_param::<BigInt, _>(&self.wanted.issued_at.0)?;
        out.push_sql(" AND ");
        out.push_bind_param::<BigInt, _>(&self.wanted.issued_at.1)?;
        if OF_SOME_RUNS {
            out.push_sql(" AND (told.number IS NULL OR told.number <= ");
            out.push_bind_param::<BigInt, _>(&self.wanted.last_number)?;
            out.push_sql(") AND told.received_at <= ");
            out.push_bind_param::<BigInt, _>(&self.wanted.known_at)?;
            out.push_sql(" ORDER BY known.issued_at DESC LIMIT 1");
        }
        out.push_sql(
            ") AND runs.organisation_id = ?1 AND runs.job_id = ?2 AND runs.issued_at = newest.issued_at LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl<const OF_SOME_RUNS: bool> QueryId for IssuedLast<'_, OF_SOME_RUNS> {
    type QueryId = IssuedLast<'static, OF_SOME_RUNS>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const OF_SOME_RUNS: bool> Query for IssuedLast<'_, OF_SOME_RUNS> {
    type SqlType = (BigInt, BigInt, Double, Text);
}

impl<const OF_SOME_RUNS: bool> RunQueryDsl<SqliteConnection> for IssuedLast<'_, OF_SOME_RUNS> {}

/// `INSERT INTO predictions … VALUES (…), (…)`: what the values have in common is sent once.
struct InsertValues<'a> {
    organisation_id: &'a str,
    job_id: &'a str,
    issued_at: i64,
    rows: &'a [NewPredictionRow<'a>],
}

impl QueryFragment<Sqlite> for InsertValues<'_> {
    /// For the numbers, see [`IssuedLast`].
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO predictions (organisation_id, job_id, issued_at, role, at, value) VALUES (");
        out.push_bind_param::<Text, _>(self.organisation_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.job_id)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.issued_at)?;
        for (index, row) in self.rows.iter().enumerate() {
            out.push_sql(if index == 0 { ", " } else { "), (?1, ?2, ?3, " });
            out.push_bind_param::<Text, _>(row.role)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&row.at)?;
            out.push_sql(", ");
            out.push_bind_param::<Double, _>(&row.value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

// The number of rows is not part of the type, so the text has to be looked at.
statement! { varying InsertValues<'_> }
