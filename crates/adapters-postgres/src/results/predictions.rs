//! The statements that read values.

mod newest;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::RunNumber;
use prediction_domain::ports::{Issued, PredictionQuery};
use uuid::Uuid;

use crate::paging::push_unplanned;
use crate::results::asked_for::BY_ISSUE;
use crate::rows::PredictionSql;
use crate::statement::statement;

/// Which values to read, as they are stored.
#[derive(Debug, Clone)]
pub(super) struct ReadPredictions {
    organisation_id: Uuid,
    job_id: Uuid,
    role: Option<String>,
    /// The first role, with the time after which its values are wanted; those of later roles from the beginning.
    after: Option<(String, DateTime<Utc>)>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    issued: Which,
    issued_after: Option<DateTime<Utc>>,
    known_at: Option<DateTime<Utc>>,
    last_number: Option<i64>,
    limit: i64,
}

#[derive(Debug, Clone)]
enum Which {
    /// For each time, the value that was issued last; until then, if there is such a time.
    Newest(Option<DateTime<Utc>>),
    /// What was issued then.
    IssuedAt(DateTime<Utc>),
}

impl ReadPredictions {
    /// `None` when there is nothing behind the position.
    pub(super) fn new(query: &PredictionQuery) -> Option<Self> {
        let role = query.role.as_ref().map(ToString::to_string);
        let mut after = query.after.as_ref().map(|after| (after.role.to_string(), after.at.as_datetime()));
        if let (Some(role), Some((after_role, _))) = (&role, &after) {
            match role.as_bytes().cmp(after_role.as_bytes()) {
                std::cmp::Ordering::Less => return None,
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => after = None,
            }
        }
        Some(Self {
            organisation_id: query.organisation_id.as_uuid(),
            job_id: query.job_id.as_uuid(),
            role,
            after,
            from: query.from.map(|from| from.as_datetime()),
            to: query.to.map(|to| to.as_datetime()),
            issued: match query.issued {
                Issued::AtAnyTime => Which::Newest(None),
                Issued::Until(time) => Which::Newest(Some(time.as_datetime())),
                Issued::At(time) => Which::IssuedAt(time.as_datetime()),
            },
            issued_after: query.issued_after.map(|limit| limit.as_datetime()),
            known_at: query.known_at.map(|time| time.as_datetime()),
            last_number: query.last_run.map(RunNumber::as_i64),
            limit: i64::try_from(query.limit).unwrap_or(i64::MAX),
        })
    }

    /// `organisation_id = … AND job_id = …`
    fn push_job<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, table: &'static str) -> QueryResult<()> {
        out.push_sql(table);
        out.push_sql(".organisation_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organisation_id)?;
        out.push_sql(" AND ");
        out.push_sql(table);
        out.push_sql(".job_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.job_id)
    }

    /// The id of the run that was issued when a value was, if it is one of those that count. LIMIT keeps PostgreSQL
    /// from reading all runs of the job instead, and the order has it take the index that has it: without statistics,
    /// another one seems as good, in which only the job leads to the run.
    fn push_run_of<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, issued_at: &'static str) -> QueryResult<()> {
        out.push_sql("(SELECT runs.id FROM runs WHERE ");
        self.push_job(out, "runs")?;
        for comparison in [">=", "<="] {
            out.push_sql(" AND runs.issued_at ");
            out.push_sql(comparison);
            out.push_sql(" ");
            out.push_sql(issued_at);
        }
        if let Some(known_at) = &self.known_at {
            out.push_sql(" AND runs.received_at <= ");
            push_unplanned::<Timestamptz, _>(out, known_at)?;
        }
        if let Some(last_number) = &self.last_number {
            out.push_sql(" AND (runs.number IS NULL OR runs.number <= ");
            push_unplanned::<BigInt, _>(out, last_number)?;
            out.push_sql(")");
        }
        out.push_sql(" ORDER BY runs.organisation_id, runs.job_id, runs.issued_at LIMIT 1) AS run");
        Ok(())
    }

    /// ` AND … < …`, if there is such a time.
    fn push_bound<'b>(
        out: &mut AstPass<'_, 'b, Pg>,
        column_and_operator: &'static str,
        time: Option<&'b DateTime<Utc>>,
    ) -> QueryResult<()> {
        if let Some(time) = time {
            out.push_sql(" AND ");
            out.push_sql(column_and_operator);
            push_unplanned::<Timestamptz, _>(out, time)?;
        }
        Ok(())
    }

    /// The last number of the job, unless the caller knows up to which run to read. It is read by the same statement as
    /// the values, so that it is that of the last run among which they were looked for.
    fn push_last_number<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.last_number.is_some() {
            out.push_sql("NULL::bigint");
            return Ok(());
        }
        out.push_sql("(SELECT run_counters.last_number FROM run_counters WHERE ");
        self.push_job(out, "run_counters")?;
        out.push_sql(")");
        Ok(())
    }

    /// The values of one run, along the index by time of issue. Those that are wanted are put in order afterwards: a
    /// run has at most some thousand. OFFSET keeps PostgreSQL from reading along the key, which has that order, through
    /// all that the job has.
    fn push_of_run<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, issued_at: &'b DateTime<Utc>) -> QueryResult<()> {
        out.push_sql("SELECT found.role, found.at, found.value, found.issued_at, run.id, ");
        self.push_last_number(out)?;
        out.push_sql(
            " FROM (SELECT of_run.* FROM (\
             SELECT predictions.role, predictions.at, predictions.value, predictions.issued_at FROM predictions WHERE ",
        );
        self.push_job(out, "predictions")?;
        Self::push_bound(out, "predictions.issued_at = ", Some(issued_at))?;
        out.push_sql(" AND ");
        out.push_sql(BY_ISSUE);
        Self::push_bound(out, "predictions.issued_at > ", self.issued_after.as_ref())?;
        Self::push_bound(out, "predictions.at >= ", self.from.as_ref())?;
        Self::push_bound(out, "predictions.at < ", self.to.as_ref())?;
        if let Some(role) = &self.role {
            out.push_sql(" AND predictions.role = ");
            out.push_bind_param::<Text, _>(role)?;
        }
        if let Some((role, at)) = &self.after {
            out.push_sql(" AND (predictions.role, predictions.at) > (");
            out.push_bind_param::<Text, _>(role)?;
            out.push_sql(", ");
            push_unplanned::<Timestamptz, _>(out, at)?;
            out.push_sql(")");
        }
        out.push_sql(" OFFSET 0) AS of_run ORDER BY of_run.role, of_run.at LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.limit)?;
        out.push_sql(") AS found CROSS JOIN LATERAL ");
        self.push_run_of(out, "found.issued_at")?;
        out.push_sql(" ORDER BY found.role, found.at");
        Ok(())
    }
}

impl QueryFragment<Pg> for ReadPredictions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match &self.issued {
            Which::Newest(until) => self.push_newest(&mut out, until.as_ref()),
            Which::IssuedAt(time) => self.push_of_run(&mut out, time),
        }
    }
}

// Each combination of conditions is a statement of its own, prepared once and found by its text.
statement! { varying ReadPredictions => PredictionSql }
