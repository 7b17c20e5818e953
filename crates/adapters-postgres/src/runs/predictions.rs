//! The statement that reads values.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{PgConnection, QueryResult, RunQueryDsl};
use prediction_domain::ports::{Issued, PredictionQuery};
use uuid::Uuid;

use crate::paging::push_unplanned;
use crate::rows::PredictionSql;

/// Reads role by role along the key: between two times of one role there is nothing that was not asked for, but for
/// what was issued at other times. Which roles there are is found out from the key, too, from one to the next.
#[derive(Debug, Clone)]
pub(super) struct ReadPredictions {
    organisation_id: Uuid,
    job_id: Uuid,
    role: Option<String>,
    /// The first role, with the time after which its values are wanted; those of later roles from the beginning.
    after: Option<(String, DateTime<Utc>)>,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    issued: Issued,
    issued_at: DateTime<Utc>,
    issued_after: Option<DateTime<Utc>>,
    limit: i64,
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
        let (Issued::Until(issued_at) | Issued::At(issued_at)) = query.issued;
        Some(Self {
            organisation_id: query.organisation_id.as_uuid(),
            job_id: query.job_id.as_uuid(),
            role,
            after,
            from: query.from.map(|from| from.as_datetime()),
            to: query.to.map(|to| to.as_datetime()),
            issued: query.issued,
            issued_at: issued_at.as_datetime(),
            issued_after: query.issued_after.map(|limit| limit.as_datetime()),
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

    fn push_values<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT DISTINCT ON (predictions.at) predictions.at, predictions.value, predictions.issued_at ");
        out.push_sql("FROM predictions WHERE ");
        self.push_job(out, "predictions")?;
        out.push_sql(" AND predictions.role = roles.role");
        for (operator, time) in [(" >= ", &self.from), (" < ", &self.to)] {
            if let Some(time) = time {
                out.push_sql(" AND predictions.at");
                out.push_sql(operator);
                push_unplanned::<Timestamptz, _>(out, time)?;
            }
        }
        if let Some((role, at)) = &self.after {
            out.push_sql(" AND predictions.at > CASE WHEN roles.role = ");
            out.push_bind_param::<Text, _>(role)?;
            out.push_sql(" THEN ");
            push_unplanned::<Timestamptz, _>(out, at)?;
            out.push_sql(" ELSE '-infinity'::timestamptz END");
        }
        out.push_sql(match self.issued {
            Issued::Until(_) => " AND predictions.issued_at <= ",
            Issued::At(_) => " AND predictions.issued_at = ",
        });
        push_unplanned::<Timestamptz, _>(out, &self.issued_at)?;
        if let Some(limit) = &self.issued_after {
            out.push_sql(" AND predictions.issued_at > ");
            push_unplanned::<Timestamptz, _>(out, limit)?;
        }
        out.push_sql(" ORDER BY predictions.at, predictions.issued_at DESC LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.limit)
    }
}

impl QueryFragment<Pg> for ReadPredictions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        self.push_roles(out)?;
        // The runs are looked up at the end, one for each row that is told. OFFSET keeps PostgreSQL from reading all runs of the
        // job instead.
        out.push_sql(
            "SELECT found.role, found.at, found.value, found.issued_at, run.id FROM (\
             SELECT roles.role, newest.at, newest.value, newest.issued_at FROM roles CROSS JOIN LATERAL (",
        );
        self.push_values(out)?;
        out.push_sql(") AS newest ORDER BY roles.role, newest.at LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.limit)?;
        out.push_sql(") AS found CROSS JOIN LATERAL (SELECT runs.id FROM runs WHERE ");
        self.push_job(out, "runs")?;
        out.push_sql(" AND runs.issued_at = found.issued_at OFFSET 0) AS run ORDER BY found.role, found.at");
        Ok(())
    }
}

impl Query for ReadPredictions {
    type SqlType = PredictionSql;
}

/// Each combination of conditions is a statement of its own, prepared once and found by its text.
impl QueryId for ReadPredictions {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for ReadPredictions {}
