//! Batches of jobs, in the order of their keys.

use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use uuid::Uuid;

use super::Batch;

/// The key of a job.
#[derive(QueryableByName)]
pub(super) struct Key {
    #[diesel(sql_type = SqlUuid)]
    organisation_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
}

/// Runs a statement for these jobs: `$1` has their organisations, `$2` their ids.
pub(super) fn with_keys(sql: &str, keys: &[Key], connection: &mut PgConnection) -> QueryResult<()> {
    let organisations: Vec<Uuid> = keys.iter().map(|key| key.organisation_id).collect();
    let jobs: Vec<Uuid> = keys.iter().map(|key| key.job_id).collect();
    diesel::sql_query(sql)
        .bind::<Array<SqlUuid>, _>(organisations)
        .bind::<Array<SqlUuid>, _>(jobs)
        .execute(connection)
        .map(drop)
}

/// The last of the batch before; no job has the nil UUID.
pub(super) fn place(progress: Option<&str>) -> QueryResult<(Uuid, Uuid)> {
    let Some((organisation, job)) = progress.and_then(|progress| progress.split_once(' ')) else {
        return Ok((Uuid::nil(), Uuid::nil()));
    };
    let read = |text: &str| {
        Uuid::parse_str(text).map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))
    };
    Ok((read(organisation)?, read(job)?))
}

/// How far a batch of so many jobs at the most has come.
pub(super) fn next(keys: &[Key], limit: u64) -> Batch {
    match keys.last() {
        Some(last) if keys.len() as u64 == limit => Batch::Until(format!("{} {}", last.organisation_id, last.job_id)),
        _ => Batch::Last,
    }
}

/// Runs a statement for the next jobs. While they are held they do not change; triggers write down what comes later.
pub(super) fn in_batches(
    connection: &mut PgConnection,
    progress: Option<&str>,
    limit: u64,
    statement: &str,
) -> QueryResult<Batch> {
    let (organisation, job) = place(progress)?;
    let jobs: Vec<Key> = diesel::sql_query(format!(
        "SELECT organisation_id, id AS job_id FROM jobs WHERE (organisation_id, id) > ($1, $2) \
         ORDER BY organisation_id, id LIMIT {limit} FOR NO KEY UPDATE"
    ))
    .bind::<SqlUuid, _>(organisation)
    .bind::<SqlUuid, _>(job)
    .load(connection)?;
    with_keys(statement, &jobs, connection)?;
    Ok(next(&jobs, limit))
}
