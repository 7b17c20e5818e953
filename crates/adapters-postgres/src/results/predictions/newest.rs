//! For each role and time, the value that was issued last.
//!
//! The key leads from role to role, from time to time, and at each time from the value that was issued last to the
//! first. What a time costs must not depend on how often values for it were issued, so the history of a time is jumped
//! over. A jump costs as much as some values, and most times have few: therefore the key is read some values at a time,
//! and the next ones begin behind the last time that was reached.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Text, Timestamptz};

use super::ReadPredictions;
use crate::paging::push_unplanned;

/// How many values are read from one jump to the next.
const AT_ONCE: &str = "8";

/// The order of the key.
const ALONG_THE_KEY: &str = " ORDER BY predictions.organisation_id, predictions.job_id, predictions.role, predictions.at, \
                             predictions.issued_at DESC ";

impl ReadPredictions {
    /// The rows come role by role and time by time, since there is nothing but nested loops over what is read in that
    /// order; the limit ends them as soon as there are enough.
    pub(super) fn push_newest<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        until: Option<&'b DateTime<Utc>>,
    ) -> QueryResult<()> {
        self.push_roles(out)?;
        out.push_sql("SELECT found.role, found.at, found.value, found.issued_at, found.id, ");
        self.push_last_number(out)?;
        out.push_sql(
            " FROM (SELECT roles.role, times.at, known.value, known.issued_at, known.id FROM roles CROSS JOIN LATERAL (",
        );
        self.push_times(out)?;
        out.push_sql(") AS times CROSS JOIN LATERAL (");
        self.push_newest_at_time(out, until)?;
        out.push_sql(") AS known LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.limit)?;
        out.push_sql(") AS found ORDER BY found.role, found.at");
        Ok(())
    }

    /// The next role in the key.
    fn push_next_role<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        push_condition: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql("(SELECT predictions.role FROM predictions WHERE ");
        self.push_job(out, "predictions")?;
        push_condition(out)?;
        out.push_sql(" ORDER BY predictions.organisation_id, predictions.job_id, predictions.role LIMIT 1)");
        Ok(())
    }

    /// `roles (role)`
    fn push_roles<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(role) = &self.role {
            out.push_sql("WITH roles (role) AS (SELECT ");
            out.push_bind_param::<Text, _>(role)?;
            // As the column is, or it would be sorted by another rule.
            out.push_sql(" COLLATE \"C\") ");
            return Ok(());
        }
        out.push_sql("WITH RECURSIVE roles (role) AS (");
        self.push_next_role(out, |out| {
            if let Some((role, _)) = &self.after {
                out.push_sql(" AND predictions.role >= ");
                out.push_bind_param::<Text, _>(role)?;
            }
            Ok(())
        })?;
        out.push_sql(" UNION ALL SELECT ");
        self.push_next_role(out, |out| {
            out.push_sql(" AND predictions.role > roles.role");
            Ok(())
        })?;
        out.push_sql(" FROM roles WHERE roles.role IS NOT NULL) ");
        Ok(())
    }

    /// `times (at, value, issued_at, …)`: of each time the first value in the key, which was issued last of all.
    fn push_times<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH RECURSIVE times (at, value, issued_at, is_first, place) AS (");
        self.push_some_values(out, |out| {
            Self::push_bound(out, "predictions.at >= ", self.from.as_ref())?;
            if let Some((role, at)) = &self.after {
                out.push_sql(" AND predictions.at > CASE WHEN roles.role = ");
                out.push_bind_param::<Text, _>(role)?;
                out.push_sql(" THEN ");
                push_unplanned::<Timestamptz, _>(out, at)?;
                out.push_sql(" ELSE '-infinity'::timestamptz END");
            }
            Ok(())
        })?;
        out.push_sql(" UNION ALL SELECT next.* FROM times CROSS JOIN LATERAL (");
        self.push_some_values(out, |out| {
            out.push_sql(" AND predictions.at > times.at");
            Ok(())
        })?;
        // Fewer are the last ones.
        out.push_sql(") AS next WHERE times.place = ");
        out.push_sql(AT_ONCE);
        out.push_sql(") SELECT times.at, times.value, times.issued_at FROM times WHERE times.is_first");
        Ok(())
    }

    /// The next values in the key, each with its place among them, and whether it is the first of its time.
    fn push_some_values<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        push_condition: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql(
            "SELECT batch.at, batch.value, batch.issued_at, lag(batch.at) OVER () IS DISTINCT FROM batch.at, row_number() OVER () \
             FROM (SELECT predictions.at, predictions.value, predictions.issued_at FROM predictions WHERE ",
        );
        self.push_job(out, "predictions")?;
        out.push_sql(" AND predictions.role = roles.role");
        push_condition(out)?;
        Self::push_bound(out, "predictions.at < ", self.to.as_ref())?;
        out.push_sql(ALONG_THE_KEY);
        out.push_sql("LIMIT ");
        out.push_sql(AT_ONCE);
        out.push_sql(") AS batch");
        Ok(())
    }

    /// The value of a time: the first in the key, or if that is none of those that count, the next one that is.
    fn push_newest_at_time<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        until: Option<&'b DateTime<Utc>>,
    ) -> QueryResult<()> {
        out.push_sql("SELECT times.value, times.issued_at, run.id FROM ");
        self.push_run_of(out, "times.issued_at")?;
        out.push_sql(" WHERE true");
        Self::push_bound(out, "times.issued_at > ", self.issued_after.as_ref())?;
        Self::push_bound(out, "times.issued_at <= ", until)?;
        if until.is_none() && self.known_at.is_none() && self.last_number.is_none() {
            return Ok(());
        }
        out.push_sql(
            " UNION ALL SELECT earlier.value, earlier.issued_at, run.id FROM (\
             SELECT predictions.value, predictions.issued_at FROM predictions WHERE ",
        );
        self.push_job(out, "predictions")?;
        out.push_sql(
            " AND predictions.role = roles.role AND predictions.at = times.at AND predictions.issued_at < times.issued_at",
        );
        Self::push_bound(out, "predictions.issued_at > ", self.issued_after.as_ref())?;
        Self::push_bound(out, "predictions.issued_at <= ", until)?;
        out.push_sql(ALONG_THE_KEY);
        out.push_sql("OFFSET 0) AS earlier CROSS JOIN LATERAL ");
        self.push_run_of(out, "earlier.issued_at")?;
        out.push_sql(" LIMIT 1");
        Ok(())
    }
}
