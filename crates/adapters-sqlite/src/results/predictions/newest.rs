//! For each time, the value that was issued last.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Double, Text};
use diesel::sqlite::Sqlite;

use super::Wanted;
use crate::statement::statement;

/// For each time, the value of a role that was issued last.
///
/// A `GROUP BY` would look at every value that was ever issued for these times. This goes from one time to the next one
/// in the index, and at each to the end of those that may be read, so that what it costs depends on what it answers.
/// The recursion has one row at a time and the joins keep their order, and so has the answer, up to the limit.
///
/// Where not all runs count, or some values are of none, it goes back from there to the first value whose run does.
pub(super) struct IssuedLast<'a, const OF_SOME_RUNS: bool> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) role: &'a str,
    pub(super) at: (i64, i64),
    pub(super) limit: i64,
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
            out.push_sql(
                " AND NOT EXISTS (SELECT 1 FROM unfinished_runs WHERE unfinished_runs.organisation_id = ?1 \
                 AND unfinished_runs.job_id = ?2 AND unfinished_runs.issued_at = known.issued_at)",
            );
            out.push_sql(" ORDER BY known.issued_at DESC LIMIT 1");
        }
        out.push_sql(
            ") AND runs.organisation_id = ?1 AND runs.job_id = ?2 AND runs.issued_at = newest.issued_at LIMIT ",
        );
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

statement! {
    cached [const OF_SOME_RUNS: bool] IssuedLast<'_, OF_SOME_RUNS> as IssuedLast<'static, OF_SOME_RUNS>
    => (BigInt, BigInt, Double, Text)
}
