//! What would be needed by nothing any more, and how much jobs have that would go with them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Uuid as SqlUuid};
use prediction_domain::model::{InputPosition, JobId, OrganisationId, SourceVersionId};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use crate::database::Database;
use crate::rows::count;

/// One row for each version, in their order.
const VERSIONS: &str = "SELECT NOT EXISTS (SELECT FROM jobs WHERE jobs.source_version_id = wanted.id \
     AND (jobs.organisation_id, jobs.id) NOT IN (SELECT * FROM unnest($2, $3))) \
     AND NOT EXISTS (SELECT FROM job_revisions AS kept WHERE kept.source_version_id = wanted.id \
     AND (kept.organisation_id, kept.job_id) NOT IN (SELECT * FROM unnest($2, $3))) AS is_unused \
     FROM unnest($1) WITH ORDINALITY AS wanted (id, place) ORDER BY place";

/// One row for each input, in their order.
const INPUTS: &str = "SELECT NOT EXISTS (SELECT FROM job_inputs AS used JOIN jobs \
     ON jobs.organisation_id = used.organisation_id AND jobs.sequence_number = used.sequence_number \
     WHERE used.organisation_id = wanted.organisation_id AND used.input_id = wanted.id \
     AND (jobs.organisation_id, jobs.id) NOT IN (SELECT * FROM unnest($3, $4))) AS is_unused \
     FROM unnest($1, $2) WITH ORDINALITY AS wanted (organisation_id, id, place) ORDER BY place";

/// One row for each job, in their order. What is left of a job that was deleted is not counted.
const RUNS: &str = "SELECT CASE WHEN EXISTS (SELECT FROM jobs WHERE jobs.organisation_id = wanted.organisation_id \
     AND jobs.id = wanted.id) THEN (SELECT count(*) FROM runs WHERE runs.organisation_id = wanted.organisation_id \
     AND runs.job_id = wanted.id) ELSE 0 END AS runs \
     FROM unnest($1, $2) WITH ORDINALITY AS wanted (organisation_id, id, place) ORDER BY place";

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
    database: &Database,
    versions: &[SourceVersionId],
    without: &[(OrganisationId, JobId)],
) -> Result<Vec<bool>, StoreFailure> {
    let versions: Vec<Uuid> = versions.iter().map(SourceVersionId::as_uuid).collect();
    let (organisations, jobs) = columns(without);
    let rows: Vec<IsUnused> = database.statement(|connection| {
        let query = sql_query(VERSIONS).bind::<Array<SqlUuid>, _>(&versions);
        query.bind::<Array<SqlUuid>, _>(&organisations).bind::<Array<SqlUuid>, _>(&jobs).load(connection)
    })?;
    Ok(rows.into_iter().map(|row| row.is_unused).collect())
}

pub(super) fn unused_inputs(
    database: &Database,
    inputs: &[InputPosition],
    without: &[(OrganisationId, JobId)],
) -> Result<Vec<bool>, StoreFailure> {
    let (of_inputs, inputs): (Vec<Uuid>, Vec<Uuid>) =
        inputs.iter().map(|input| (input.organisation_id.as_uuid(), input.id.as_uuid())).unzip();
    let (organisations, jobs) = columns(without);
    let rows: Vec<IsUnused> = database.statement(|connection| {
        let query = sql_query(INPUTS).bind::<Array<SqlUuid>, _>(&of_inputs).bind::<Array<SqlUuid>, _>(&inputs);
        query.bind::<Array<SqlUuid>, _>(&organisations).bind::<Array<SqlUuid>, _>(&jobs).load(connection)
    })?;
    Ok(rows.into_iter().map(|row| row.is_unused).collect())
}

pub(super) fn count_runs(database: &Database, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<u64>, StoreFailure> {
    let (organisations, jobs) = columns(jobs);
    let rows: Vec<Runs> = database.statement(|connection| {
        let query = sql_query(RUNS).bind::<Array<SqlUuid>, _>(&organisations);
        query.bind::<Array<SqlUuid>, _>(&jobs).load(connection)
    })?;
    rows.into_iter().map(|row| count(row.runs)).collect()
}

/// Keys as two columns.
fn columns(keys: &[(OrganisationId, JobId)]) -> (Vec<Uuid>, Vec<Uuid>) {
    keys.iter().map(|(organisation_id, id)| (organisation_id.as_uuid(), id.as_uuid())).unzip()
}
