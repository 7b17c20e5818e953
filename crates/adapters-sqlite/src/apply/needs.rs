//! What would be needed by nothing any more, and how much jobs have that would go with them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Text};
use prediction_domain::model::{InputPosition, JobId, OrganisationId, SourceVersionId};
use prediction_domain::ports::StoreFailure;
use serde_json::{Value, json};

use crate::failure::OrStoreFailure as _;

/// One row for each version, in their order.
const VERSIONS: &str = "WITH gone AS (SELECT value ->> 0 AS organisation_id, value ->> 1 AS id FROM json_each(?)) \
     SELECT NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.source_version_id = wanted.value \
     AND (jobs.organisation_id, jobs.id) NOT IN (SELECT organisation_id, id FROM gone)) \
     AND NOT EXISTS (SELECT 1 FROM job_revisions AS kept WHERE kept.source_version_id = wanted.value \
     AND (kept.organisation_id, kept.job_id) NOT IN (SELECT organisation_id, id FROM gone)) AS is_unused \
     FROM json_each(?) AS wanted ORDER BY wanted.key";

/// One row for each input, in their order: pairs in a JSON array.
const INPUTS: &str = "WITH gone AS (SELECT value ->> 0 AS organisation_id, value ->> 1 AS id FROM json_each(?)) \
     SELECT NOT EXISTS (SELECT 1 FROM job_inputs AS used WHERE used.organisation_id = wanted.value ->> 0 \
     AND used.input_id = wanted.value ->> 1 \
     AND (used.organisation_id, used.job_id) NOT IN (SELECT organisation_id, id FROM gone)) AS is_unused \
     FROM json_each(?) AS wanted ORDER BY wanted.key";

/// One row for each job, in their order. What is left of a job that was deleted is not counted.
const RUNS: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE jobs.organisation_id = wanted.value ->> 0 \
     AND jobs.id = wanted.value ->> 1) THEN (SELECT count(*) FROM runs \
     WHERE runs.organisation_id = wanted.value ->> 0 AND runs.job_id = wanted.value ->> 1) ELSE 0 END AS runs \
     FROM json_each(?) AS wanted ORDER BY wanted.key";

#[derive(Debug, QueryableByName)]
struct IsUnused {
    #[diesel(sql_type = Bool)]
    is_unused: bool,
}

#[derive(Debug, QueryableByName)]
struct Runs {
    #[diesel(sql_type = BigInt)]
    runs: i64,
}

pub(super) fn unused_versions(
    connection: &mut SqliteConnection,
    versions: &[SourceVersionId],
    without: &[(OrganisationId, JobId)],
) -> Result<Vec<bool>, StoreFailure> {
    unused(connection, VERSIONS, &json!(versions), without)
}

pub(super) fn unused_inputs(
    connection: &mut SqliteConnection,
    inputs: &[InputPosition],
    without: &[(OrganisationId, JobId)],
) -> Result<Vec<bool>, StoreFailure> {
    let inputs: Vec<_> = inputs.iter().map(|input| (input.organisation_id, input.id)).collect();
    unused(connection, INPUTS, &json!(inputs), without)
}

fn unused(
    connection: &mut SqliteConnection,
    query: &str,
    wanted: &Value,
    without: &[(OrganisationId, JobId)],
) -> Result<Vec<bool>, StoreFailure> {
    let query = sql_query(query).bind::<Text, _>(json!(without).to_string()).bind::<Text, _>(wanted.to_string());
    let rows: Vec<IsUnused> = query.load(connection).or_store_failure()?;
    Ok(rows.into_iter().map(|row| row.is_unused).collect())
}

pub(super) fn count_runs(
    connection: &mut SqliteConnection,
    jobs: &[(OrganisationId, JobId)],
) -> Result<Vec<u64>, StoreFailure> {
    let query = sql_query(RUNS).bind::<Text, _>(json!(jobs).to_string());
    let rows: Vec<Runs> = query.load(connection).or_store_failure()?;
    Ok(rows.into_iter().map(|row| row.runs.unsigned_abs()).collect())
}
