//! The uses of inputs that were there, by the migration `2026-11-26-000006_find_jobs_by_input_within_an_organisation`.

use diesel::prelude::*;

use super::Batch;
use super::places::in_batches;

/// Gives the uses of jobs the places of these. The triggers number what comes later.
pub(super) fn number(connection: &mut SqliteConnection, progress: Option<&str>) -> QueryResult<Batch> {
    in_batches(
        connection,
        progress,
        // Of bindings that were changed meanwhile the uses are numbered already, and stay as they are.
        "INSERT INTO job_inputs (input_id, organisation_id, job_id, sequence_number) \
         SELECT DISTINCT value ->> 'input_id', jobs.organisation_id, jobs.id, jobs.rowid \
         FROM jobs CROSS JOIN json_each(jobs.role_bindings) WHERE jobs.rowid > ? AND jobs.rowid <= ? \
         ON CONFLICT (input_id, organisation_id, job_id) DO UPDATE SET sequence_number = excluded.sequence_number",
    )
}
