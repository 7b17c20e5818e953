//! The statement that counts values.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::ValueCount;
use prediction_domain::ports::ValueCountQuery;

use crate::paging::limit;
use crate::statement::statement;

/// Counts values of the jobs of a source.
pub(crate) fn count(connection: &mut SqliteConnection, query: &ValueCountQuery) -> QueryResult<ValueCount> {
    // One more of each tells whether there are more.
    let (values, jobs) = (query.most_values.saturating_add(1), query.most_jobs.saturating_add(1));
    let statement = CountValues {
        source_id: query.source_id.to_string(),
        issued_after: query.issued_after.map_or(i64::MIN, |after| after.as_micros()),
        issued_until: query.issued_until.as_micros(),
        values: limit(values),
        jobs: limit(jobs),
    };
    let counted: (i64, i64, i64) = statement.get_result(connection)?;
    let (candidates, found, counted) = (counted.0.unsigned_abs(), counted.1.unsigned_abs(), counted.2.unsigned_abs());
    Ok(ValueCount {
        values: counted.min(query.most_values as u64),
        jobs: found.min(query.most_jobs as u64),
        is_at_least: candidates >= jobs as u64 || counted >= values as u64,
    })
}

/// Along indexes, and no further than it was told: first the jobs with the oldest values, of these, those that are
/// there and have one, and of these the values. Each join keeps its order.
struct CountValues {
    source_id: String,
    issued_after: i64,
    issued_until: i64,
    values: i64,
    jobs: i64,
}

impl QueryFragment<Sqlite> for CountValues {
    /// A `?` with a number is the same value each time.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(
            "WITH candidates AS MATERIALIZED (SELECT organisation_id, job_id FROM run_summaries WHERE source_id = ",
        );
        out.push_bind_param::<Text, _>(&self.source_id)?;
        out.push_sql(" AND values_from <= ");
        out.push_bind_param::<BigInt, _>(&self.issued_until)?;
        out.push_sql(" ORDER BY values_from LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.jobs)?;
        out.push_sql(
            "), found AS MATERIALIZED (SELECT organisation_id, job_id FROM candidates \
             WHERE EXISTS (SELECT 1 FROM jobs WHERE jobs.organisation_id = candidates.organisation_id \
               AND jobs.id = candidates.job_id) \
             AND EXISTS (SELECT 1 FROM predictions WHERE predictions.organisation_id = candidates.organisation_id \
               AND predictions.job_id = candidates.job_id AND predictions.issued_at > ",
        );
        out.push_bind_param::<BigInt, _>(&self.issued_after)?;
        out.push_sql(
            " AND predictions.issued_at <= ?2)) \
             SELECT (SELECT count(*) FROM candidates), (SELECT count(*) FROM found), \
             (SELECT count(*) FROM (SELECT 1 FROM found CROSS JOIN predictions \
               WHERE predictions.organisation_id = found.organisation_id AND predictions.job_id = found.job_id \
               AND predictions.issued_at > ?4 AND predictions.issued_at <= ?2 LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.values)?;
        out.push_sql("))");
        Ok(())
    }
}

statement! { cached CountValues => (BigInt, BigInt, BigInt) }
