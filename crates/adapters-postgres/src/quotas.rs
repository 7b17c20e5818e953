//! What quotas count: jobs of an organisation, and what it has used in a day.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Text, Uuid as SqlUuid};
use prediction_domain::model::{Allowance, Day, OrganisationId, Quota, QuotaExceeded};
use prediction_domain::ports::{StoreFailure, WriteMode};
use uuid::Uuid;

use crate::constraints::ConstraintViolation;
use crate::database::Database;
use crate::schema::{daily_usage, job_counts};
use crate::statement::statement;

/// How many jobs these organisations have, of those that are counted.
pub(crate) fn job_counts(connection: &mut PgConnection, organisations: &[Uuid]) -> QueryResult<HashMap<Uuid, i64>> {
    let counts = job_counts::table.filter(job_counts::organisation_id.eq_any(organisations));
    let counts: Vec<(Uuid, i64)> = counts.select((job_counts::organisation_id, job_counts::jobs)).load(connection)?;
    Ok(counts.into_iter().collect())
}

/// Begins to count the jobs of an organisation, unless they are counted already.
///
/// In a transaction of its own: it waits for writers that store or delete jobs of the organisation, and later ones wait
/// for it.
fn begin_to_count(connection: &mut PgConnection, organisation: Uuid, is_distributed: bool) -> QueryResult<()> {
    // With a statement of its own, the next one sees what was committed until then. Of distributed tables, it is the
    // server that has the jobs that takes the lock, as it does for the triggers: so it is asked for jobs.
    let lock = "SELECT lock_job_count($1, true) FROM (SELECT count(*) FROM jobs WHERE organisation_id = $1) AS of_jobs";
    sql_query(if is_distributed { lock } else { "SELECT lock_job_count($1, true)" })
        .bind::<SqlUuid, _>(organisation)
        .execute(connection)?;
    sql_query(
        "INSERT INTO job_counts (organisation_id, jobs) SELECT $1, count(*) FROM jobs WHERE organisation_id = $1 \
         ON CONFLICT ON CONSTRAINT job_counts_pkey DO NOTHING",
    )
    .bind::<SqlUuid, _>(organisation)
    .execute(connection)
    .map(drop)
}

/// Begins to count the jobs of these organisations.
pub(crate) fn begin(database: &Database, organisations: impl IntoIterator<Item = Uuid>) -> Result<(), StoreFailure> {
    let is_distributed = database.is_distributed()?;
    organisations.into_iter().try_for_each(|organisation| {
        let begin = |connection: &mut PgConnection| Ok(begin_to_count(connection, organisation, is_distributed)?);
        database.transaction::<_, StoreFailure>(WriteMode::Commit, begin)
    })
}

/// Whether an organisation may have so many jobs.
pub(crate) fn has_room(limit: u64, count: i64) -> bool {
    u64::try_from(count).is_ok_and(|count| count <= limit)
}

/// That an organisation has as many jobs as it may have.
pub(crate) fn too_many_jobs(limit: u64, count: i64) -> QuotaExceeded {
    QuotaExceeded { quota: Quota::Jobs, limit, used: u64::try_from(count).unwrap_or(0), amount: 1 }
}

/// What a statement needs of an [`Allowance`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredAllowance {
    quota: &'static str,
    day: i32,
    limit: i64,
    amount: i64,
}

impl From<Allowance> for StoredAllowance {
    fn from(Allowance { quota, day, limit, amount }: Allowance) -> Self {
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        // A sum of them is a number still.
        Self {
            quota: quota.as_str(),
            day: day.number(),
            limit: number(limit),
            amount: number(amount).min(i64::MAX / 2),
        }
    }
}

impl StoredAllowance {
    /// Uses it, as a statement of its own.
    pub(crate) fn take(self, organisation: Uuid) -> Take {
        Take { organisation, allowance: self }
    }

    /// Whether there is room left.
    pub(crate) fn is_left(&self, connection: &mut PgConnection, organisation: Uuid) -> QueryResult<bool> {
        let row = daily_usage::table.find((organisation, self.quota));
        let row: Option<(i32, i64)> = row.select((daily_usage::day, daily_usage::used)).first(connection).optional()?;
        let used = row.filter(|(day, _)| (0..=1).contains(&(day - self.day))).map_or(0, |(_, used)| used);
        Ok(self.limit - self.amount >= used)
    }

    /// Whether there is room left, as of the beginning of the statement: so that an organisation that has used up
    /// everything costs nothing more.
    pub(crate) fn push_is_left<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, organisation: &'b Uuid) -> QueryResult<()> {
        out.push_sql("(");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" - ");
        out.push_bind_param::<BigInt, _>(&self.amount)?;
        out.push_sql(" >= COALESCE((SELECT daily_usage.used FROM daily_usage WHERE daily_usage.organisation_id = ");
        out.push_bind_param::<SqlUuid, _>(organisation)?;
        out.push_sql(" AND daily_usage.quota = ");
        out.push_bind_param::<Text, _>(&self.quota)?;
        out.push_sql(" AND daily_usage.day - ");
        out.push_bind_param::<Integer, _>(&self.day)?;
        out.push_sql(" IN (0, 1)), 0))");
        Ok(())
    }

    /// `INSERT INTO daily_usage …` of an organisation, which the query after it may give: what is used, or -1 if that
    /// is too much, which the table refuses. The rule is that of [`Allowance::take`].
    pub(crate) fn push_take<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        push_organisation: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
        from: Option<&'static str>,
    ) -> QueryResult<()> {
        out.push_sql("INSERT INTO daily_usage AS known (organisation_id, quota, day, used) ");
        out.push_sql(if from.is_some() { "SELECT " } else { "VALUES (" });
        push_organisation(out)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.quota)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&self.day)?;
        out.push_sql(", CASE WHEN ");
        out.push_bind_param::<BigInt, _>(&self.amount)?;
        out.push_sql(" <= ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" THEN ");
        out.push_bind_param::<BigInt, _>(&self.amount)?;
        out.push_sql(" ELSE -1 END");
        if let Some(from) = from {
            out.push_sql(" FROM ");
            out.push_sql(from);
        } else {
            out.push_sql(")");
        }
        out.push_sql(
            " ON CONFLICT ON CONSTRAINT daily_usage_pkey DO UPDATE SET \
             day = CASE WHEN known.day = EXCLUDED.day + 1 THEN known.day ELSE EXCLUDED.day END, \
             used = CASE WHEN known.day - EXCLUDED.day NOT IN (0, 1) THEN EXCLUDED.used \
             WHEN known.used + EXCLUDED.used <= ",
        );
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(" THEN known.used + EXCLUDED.used ELSE -1 END");
        Ok(())
    }
}

/// Uses what a write is allowed, at its end: the row is held until the transaction ends.
pub(crate) struct Take {
    organisation: Uuid,
    allowance: StoredAllowance,
}

impl Take {
    pub(crate) fn new(organisation: OrganisationId, allowance: Allowance) -> Self {
        Self { organisation: organisation.as_uuid(), allowance: allowance.into() }
    }

    /// Tells whether there was enough. If not, the transaction cannot go on.
    pub(crate) fn run(self, connection: &mut PgConnection) -> QueryResult<bool> {
        match self.execute(connection) {
            Ok(_) => Ok(true),
            Err(error) if ConstraintViolation::of(&error) == Some(ConstraintViolation::UsedUp) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl QueryFragment<Pg> for Take {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.allowance.push_take(
            &mut out,
            |out| {
                out.push_bind_param::<SqlUuid, _>(&self.organisation)?;
                out.push_sql("::uuid");
                Ok(())
            },
            None,
        )
    }
}

statement! { cached Take }

/// How much of its quota an organisation has used.
pub(crate) fn used(connection: &mut PgConnection, organisation: Uuid, allowance: &Allowance) -> QueryResult<u64> {
    let row = daily_usage::table.find((organisation, allowance.quota.as_str()));
    let row: Option<(i32, i64)> = row.select((daily_usage::day, daily_usage::used)).first(connection).optional()?;
    let stored = row.map(|(day, used)| (Day::from_number(day), u64::try_from(used).unwrap_or(0)));
    Ok(allowance.used(stored))
}

/// Whether a write finds as much as it needs. One that does not writes nothing.
pub(crate) fn is_left(connection: &mut PgConnection, organisation: Uuid, allowance: &Allowance) -> QueryResult<bool> {
    let used = used(connection, organisation, allowance)?;
    Ok(allowance.take(Some((allowance.day, used))).is_ok())
}

/// That there is not enough for a write, which was undone.
pub(crate) fn used_up(
    database: &Database,
    organisation: OrganisationId,
    allowance: &Allowance,
) -> Result<QuotaExceeded, StoreFailure> {
    let used = database.statement(|connection| used(connection, organisation.as_uuid(), allowance))?;
    Ok(allowance.exceeded(used))
}

/// The type of what [`StoredAllowance::push_is_left`] gives.
pub(crate) type IsLeft = Bool;
