//! What would be needed by nothing any more, and how much jobs have that would go with them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Uuid as SqlUuid};
use prediction_domain::model::{InputPosition, JobId, OrganisationId, SourceVersionId};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use crate::database::Database;
use crate::distributed::by_organisation;
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

/// The versions that jobs need, where tables are distributed: now, and at a revision that is kept.
const USED_VERSIONS: [&str; 2] = [
    "SELECT DISTINCT source_version_id AS id FROM jobs WHERE source_version_id = ANY ($1) \
     AND (organisation_id, id) NOT IN (SELECT * FROM unnest($2, $3))",
    "SELECT DISTINCT source_version_id AS id FROM job_revisions WHERE source_version_id = ANY ($1) \
     AND (organisation_id, job_id) NOT IN (SELECT * FROM unnest($2, $3))",
];

/// The inputs of an organisation that jobs need, likewise.
const USED_INPUTS: &str = "SELECT DISTINCT used.input_id AS id FROM job_inputs AS used JOIN jobs \
     ON jobs.organisation_id = used.organisation_id AND jobs.sequence_number = used.sequence_number \
     WHERE used.organisation_id = $1 AND used.input_id = ANY ($2) AND jobs.id <> ALL ($3)";

/// How many runs jobs of an organisation have, likewise.
const RUNS_OF_JOBS: &str = "SELECT jobs.id, count(*) AS runs FROM jobs JOIN runs \
     ON runs.organisation_id = jobs.organisation_id AND runs.job_id = jobs.id \
     WHERE jobs.organisation_id = $1 AND jobs.id = ANY ($2) GROUP BY jobs.id";

#[derive(Debug, QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(Debug, QueryableByName)]
struct RunsOfJob {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    runs: i64,
}

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
    if database.is_distributed()? {
        let mut used: HashSet<Uuid> = HashSet::new();
        for query in USED_VERSIONS {
            let rows: Vec<Id> = database.statement(|connection| {
                let query = sql_query(query).bind::<Array<SqlUuid>, _>(&versions);
                query.bind::<Array<SqlUuid>, _>(&organisations).bind::<Array<SqlUuid>, _>(&jobs).load(connection)
            })?;
            used.extend(rows.into_iter().map(|row| row.id));
        }
        return Ok(versions.iter().map(|id| !used.contains(id)).collect());
    }
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
    if database.is_distributed()? {
        let without = by_organisation(organisations.into_iter().zip(jobs));
        let mut used: HashSet<(Uuid, Uuid)> = HashSet::new();
        for (organisation, ids) in by_organisation(of_inputs.iter().copied().zip(inputs.iter().copied())) {
            let without = without.get(&organisation).map_or(&[][..], Vec::as_slice);
            let rows: Vec<Id> = database.statement(|connection| {
                let query = sql_query(USED_INPUTS).bind::<SqlUuid, _>(organisation);
                query.bind::<Array<SqlUuid>, _>(&ids).bind::<Array<SqlUuid>, _>(without).load(connection)
            })?;
            used.extend(rows.into_iter().map(|row| (organisation, row.id)));
        }
        return Ok(of_inputs.into_iter().zip(inputs).map(|key| !used.contains(&key)).collect());
    }
    let rows: Vec<IsUnused> = database.statement(|connection| {
        let query = sql_query(INPUTS).bind::<Array<SqlUuid>, _>(&of_inputs).bind::<Array<SqlUuid>, _>(&inputs);
        query.bind::<Array<SqlUuid>, _>(&organisations).bind::<Array<SqlUuid>, _>(&jobs).load(connection)
    })?;
    Ok(rows.into_iter().map(|row| row.is_unused).collect())
}

pub(super) fn count_runs(database: &Database, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<u64>, StoreFailure> {
    let (organisations, jobs) = columns(jobs);
    if database.is_distributed()? {
        let mut runs: HashMap<(Uuid, Uuid), i64> = HashMap::new();
        for (organisation, ids) in by_organisation(organisations.iter().copied().zip(jobs.iter().copied())) {
            let rows: Vec<RunsOfJob> = database.statement(|connection| {
                let query = sql_query(RUNS_OF_JOBS).bind::<SqlUuid, _>(organisation);
                query.bind::<Array<SqlUuid>, _>(&ids).load(connection)
            })?;
            runs.extend(rows.into_iter().map(|row| ((organisation, row.id), row.runs)));
        }
        let keys = organisations.into_iter().zip(jobs);
        return keys.map(|key| count(runs.get(&key).copied().unwrap_or(0))).collect();
    }
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
