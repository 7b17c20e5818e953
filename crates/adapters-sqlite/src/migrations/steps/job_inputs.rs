//! The uses of inputs that were there, by the migration `2026-11-26-000006_find_jobs_by_input_within_an_organisation`.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::Batch;
use crate::schema::jobs;

/// How many jobs at a time: other writers wait meanwhile.
const JOBS: i64 = 400;

/// Gives the uses of jobs the places of these. The triggers number what comes later.
pub(super) fn number(connection: &mut SqliteConnection, progress: Option<&str>) -> QueryResult<Batch> {
    let after = progress.map_or(Ok(i64::MIN), str::parse);
    let after = after.map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    let places = jobs::table.select(jobs::sequence_number).order(jobs::sequence_number).limit(JOBS);
    let places: Vec<i64> = places.filter(jobs::sequence_number.gt(after)).load(connection)?;
    let Some(last) = places.last().copied() else { return Ok(Batch::Last) };
    // Of bindings that were changed meanwhile the uses are numbered already, and stay as they are.
    diesel::sql_query(
        "INSERT INTO job_inputs (input_id, organisation_id, job_id, sequence_number) \
         SELECT DISTINCT value ->> 'input_id', jobs.organisation_id, jobs.id, jobs.rowid \
         FROM jobs CROSS JOIN json_each(jobs.role_bindings) WHERE jobs.rowid > ? AND jobs.rowid <= ? \
         ON CONFLICT (input_id, organisation_id, job_id) DO UPDATE SET sequence_number = excluded.sequence_number",
    )
    .bind::<BigInt, _>(after)
    .bind::<BigInt, _>(last)
    .execute(connection)?;
    Ok(Batch::Until(last.to_string()))
}
