//! The statement that counts values.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{Timestamp, ValueCount};
use prediction_domain::ports::{StoreFailure, ValueCountQuery};
use uuid::Uuid;

use crate::database::Database;
use crate::distributed::{by_organisation, push_only};
use crate::failure::Failure;
use crate::paging::push_unplanned;
use crate::results::asked_for::BY_ISSUE;
use crate::rows::count;
use crate::schema::run_summaries;
use crate::statement::statement;

/// Counts values of the jobs of a source, along indexes and no further than it was told: first the jobs with the oldest
/// values, of these, those that are there and have one, and of these the values. One more than is told of each is
/// looked for, which tells whether there are more. Each `LIMIT` in a subquery keeps the planner from joining whole
/// tables instead.
#[derive(Debug, Clone)]
pub(super) struct CountValues {
    source_id: Uuid,
    issued_after: Option<DateTime<Utc>>,
    issued_until: DateTime<Utc>,
    values: i64,
    jobs: i64,
    /// Candidates that are known, of one organisation, where tables are distributed.
    only: Option<(Uuid, Vec<Uuid>)>,
}

/// What was found: one more than was told, at the most.
#[derive(Debug, Queryable)]
pub(super) struct Counted {
    candidates: i64,
    jobs: i64,
    values: i64,
}

fn one_more(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1)
}

impl CountValues {
    pub(super) fn new(query: &ValueCountQuery) -> Self {
        Self {
            source_id: query.source_id.as_uuid(),
            issued_after: query.issued_after.map(|after: Timestamp| after.as_datetime()),
            issued_until: query.issued_until.as_datetime(),
            values: one_more(query.most_values),
            jobs: one_more(query.most_jobs),
            only: None,
        }
    }

    /// Values of the job of that table, from the oldest on.
    fn push_values<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, of: &'static str) -> QueryResult<()> {
        out.push_sql("(SELECT FROM predictions WHERE TRUE");
        push_only(out, "predictions", self.only.as_ref().map(|(organisation, _)| organisation))?;
        out.push_sql(" AND predictions.organisation_id = ");
        out.push_sql(of);
        out.push_sql(".organisation_id AND predictions.job_id = ");
        out.push_sql(of);
        out.push_sql(".job_id AND predictions.issued_at > COALESCE(");
        out.push_bind_param::<Nullable<Timestamptz>, _>(&self.issued_after)?;
        out.push_sql(", '-infinity') AND predictions.issued_at <= ");
        out.push_bind_param::<Timestamptz, _>(&self.issued_until)?;
        out.push_sql(" AND ");
        out.push_sql(BY_ISSUE);
        out.push_sql(" ORDER BY predictions.issued_at LIMIT ");
        Ok(())
    }
}

impl Counted {
    pub(super) fn within(self, query: &ValueCountQuery) -> Result<ValueCount, StoreFailure> {
        let most = |found: i64, most: usize| Ok::<_, StoreFailure>(count(found)?.min(most as u64));
        Ok(ValueCount {
            values: most(self.values, query.most_values)?,
            jobs: most(self.jobs, query.most_jobs)?,
            is_at_least: self.candidates >= one_more(query.most_jobs) || self.values >= one_more(query.most_values),
        })
    }
}

impl QueryFragment<Pg> for CountValues {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH candidates AS MATERIALIZED (SELECT ");
        if let Some((organisation, jobs)) = &self.only {
            out.push_bind_param::<SqlUuid, _>(organisation)?;
            out.push_sql("::uuid AS organisation_id, job_id FROM unnest(");
            out.push_bind_param::<Array<SqlUuid>, _>(jobs)?;
            out.push_sql(") AS job_id");
        } else {
            out.push_sql("organisation_id, job_id FROM run_summaries WHERE source_id = ");
            out.push_bind_param::<SqlUuid, _>(&self.source_id)?;
            out.push_sql(" AND values_from <= ");
            out.push_bind_param::<Timestamptz, _>(&self.issued_until)?;
            out.push_sql(" ORDER BY source_id, values_from LIMIT ");
            push_unplanned::<BigInt, _>(&mut out, &self.jobs)?;
        }
        out.push_sql(
            "), found AS MATERIALIZED (SELECT candidates.* FROM candidates \
             CROSS JOIN LATERAL (SELECT FROM jobs WHERE jobs.organisation_id = candidates.organisation_id \
               AND jobs.id = candidates.job_id",
        );
        push_only(&mut out, "jobs", self.only.as_ref().map(|(organisation, _)| organisation))?;
        out.push_sql(" LIMIT 1) AS job CROSS JOIN LATERAL ");
        self.push_values(&mut out, "candidates")?;
        out.push_sql("1) AS oldest) SELECT (SELECT count(*) FROM candidates), (SELECT count(*) FROM found), ");
        out.push_sql("(SELECT count(*) FROM (SELECT FROM found CROSS JOIN LATERAL ");
        self.push_values(&mut out, "found")?;
        push_unplanned::<BigInt, _>(&mut out, &self.values)?;
        out.push_sql(") AS those LIMIT ");
        push_unplanned::<BigInt, _>(&mut out, &self.values)?;
        out.push_sql(") AS counted)");
        Ok(())
    }
}

statement! { varying CountValues => (BigInt, BigInt, BigInt) }

/// Counts where tables are distributed: the candidates of all servers, then what those of each organisation have.
pub(super) fn on_servers(database: &Database, count: &CountValues) -> Result<Counted, Failure> {
    let candidates: Vec<(Uuid, Uuid)> = database.statement(|connection| {
        let of_source = run_summaries::table.filter(run_summaries::source_id.eq(count.source_id));
        let due = of_source.filter(run_summaries::values_from.le(count.issued_until));
        let due = due.order(run_summaries::values_from).limit(count.jobs);
        due.select((run_summaries::organisation_id, run_summaries::job_id)).load(connection)
    })?;
    let found = i64::try_from(candidates.len()).unwrap_or(i64::MAX);
    let mut counted = Counted { candidates: found, jobs: 0, values: 0 };
    for only in by_organisation(candidates) {
        let part = CountValues { only: Some(only), values: count.values - counted.values, ..count.clone() };
        let part: Counted = database.statement(|connection| part.clone().get_result(connection))?;
        counted.jobs += part.jobs;
        counted.values += part.values;
    }
    Ok(counted)
}
