//! Batches of jobs, in creation order.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::Batch;
use crate::schema::jobs;

/// How many jobs at a time: other writers wait meanwhile.
const JOBS: i64 = 400;

/// Runs a statement for the next jobs: those behind the first parameter, up to the second.
pub(super) fn in_batches(
    connection: &mut SqliteConnection,
    progress: Option<&str>,
    statement: &str,
) -> QueryResult<Batch> {
    let after = progress.map_or(Ok(i64::MIN), str::parse);
    let after = after.map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    let places = jobs::table.select(jobs::sequence_number).order(jobs::sequence_number).limit(JOBS);
    let places: Vec<i64> = places.filter(jobs::sequence_number.gt(after)).load(connection)?;
    let Some(last) = places.last().copied() else { return Ok(Batch::Last) };
    diesel::sql_query(statement).bind::<BigInt, _>(after).bind::<BigInt, _>(last).execute(connection)?;
    Ok(Batch::Until(last.to_string()))
}
