//! What quotas count: jobs of an organisation, and what it has used in a day. The caller holds the transaction that
//! writes, so that what is looked up stays so.

use diesel::prelude::*;
use prediction_domain::model::{Allowance, Day, OrganisationId, Quota, QuotaExceeded};

use crate::schema::{daily_usage, job_counts, jobs};

/// Refuses so many more jobs when the organisation would have more than it may have.
pub(crate) fn judge_more_jobs(
    connection: &mut SqliteConnection,
    organisation: OrganisationId,
    amount: u64,
    limit: u64,
) -> QueryResult<Result<(), QuotaExceeded>> {
    let organisation = organisation.to_string();
    let row = job_counts::table.find(&organisation).select(job_counts::jobs);
    let count: i64 = match row.first(connection).optional()? {
        Some(count) => count,
        None => begin_to_count(connection, &organisation)?,
    };
    let used = u64::try_from(count).unwrap_or(0);
    let has_room = used.saturating_add(amount) <= limit;
    Ok(if has_room { Ok(()) } else { Err(QuotaExceeded { quota: Quota::Jobs, limit, used, amount }) })
}

/// From now on triggers do it.
fn begin_to_count(connection: &mut SqliteConnection, organisation: &str) -> QueryResult<i64> {
    let count: i64 = jobs::table.filter(jobs::organisation_id.eq(organisation)).count().get_result(connection)?;
    let row = (job_counts::organisation_id.eq(organisation), job_counts::jobs.eq(count));
    diesel::insert_into(job_counts::table).values(row).execute(connection)?;
    Ok(count)
}

/// What an organisation will have used, and on which day, unless that is too much.
pub(crate) fn judge_use(
    connection: &mut SqliteConnection,
    organisation: OrganisationId,
    allowance: &Allowance,
) -> QueryResult<Result<(Day, u64), QuotaExceeded>> {
    let row = daily_usage::table.find((organisation.to_string(), allowance.quota.as_str()));
    let row = row.select((daily_usage::day, daily_usage::used));
    let stored: Option<(i64, i64)> = row.first(connection).optional()?;
    let stored = stored
        .and_then(|(day, used)| Some((Day::from_number(i32::try_from(day).ok()?), u64::try_from(used).unwrap_or(0))));
    Ok(allowance.take(stored))
}

/// Uses what a write is allowed, unless that is too much.
pub(crate) fn take(
    connection: &mut SqliteConnection,
    organisation: OrganisationId,
    allowance: Option<Allowance>,
) -> QueryResult<Result<(), QuotaExceeded>> {
    let Some(allowance) = allowance else { return Ok(Ok(())) };
    let (day, used) = match judge_use(connection, organisation, &allowance)? {
        Ok(taken) => taken,
        Err(exceeded) => return Ok(Err(exceeded)),
    };
    let row = (
        daily_usage::organisation_id.eq(organisation.to_string()),
        daily_usage::quota.eq(allowance.quota.as_str()),
        daily_usage::day.eq(i64::from(day.number())),
        daily_usage::used.eq(i64::try_from(used).unwrap_or(i64::MAX)),
    );
    diesel::replace_into(daily_usage::table).values(row).execute(connection)?;
    Ok(Ok(()))
}
