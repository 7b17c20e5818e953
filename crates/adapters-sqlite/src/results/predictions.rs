//! The values that runs predicted.

mod newest;

use std::ops::Bound;

use diesel::prelude::*;
use prediction_domain::model::{RunNumber, Timestamp};
use prediction_domain::ports::{Issued, PredictedValues, PredictionQuery, StoreFailure};

use crate::failure::OrStoreFailure as _;
use crate::paging::limit;
use crate::processor::load_many;
use crate::results::parts::hidden;
use crate::rows::{PredictionRow, stored_number, stored_role};
use crate::schema::{predictions, run_counters, runs};
use newest::IssuedLast;

/// An index gives the values of *one* role in the order of time, so each role is asked for by itself, in one snapshot,
/// until there is enough.
pub(crate) fn read(
    connection: &mut SqliteConnection,
    query: &PredictionQuery,
) -> Result<PredictedValues, StoreFailure> {
    let mut wanted = Wanted::by(query);
    let (last_run, found) = connection
        .transaction(|connection| {
            wanted.hidden = hidden(connection, &wanted.organisation_id, &wanted.job_id)?;
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
    /// When values were issued that are of no run yet, or any more.
    hidden: Vec<i64>,
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
            hidden: Vec::new(),
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
                if self.query.last_run.is_none() && self.query.known_at.is_none() && self.hidden.is_empty() {
                    load_many(IssuedLast::<false> { wanted: self, role, at: (from, to), limit }, connection)
                } else {
                    load_many(IssuedLast::<true> { wanted: self, role, at: (from, to), limit }, connection)
                }
            }
            Issued::At(_) if self.hidden.contains(&self.issued_at.1) => Ok(Vec::new()),
            Issued::At(_) => {
                let values = predictions::table
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
                    .select((predictions::at, predictions::issued_at, predictions::value, runs::id));
                load_many(values, connection)
            }
        }
    }
}
