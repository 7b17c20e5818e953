//! What is asked about chains, where tables are distributed: each organisation is asked for on its server.

use std::collections::{BTreeSet, HashMap};

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::sql_query;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use prediction_domain::model::{JobId, OrganisationId, OutputId};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use super::super::conditions::Conditions;
use super::{OUTPUT, OutputRow, WITH_JOB, corrupt};
use crate::database::Database;
use crate::distributed::by_organisation;
use crate::failure::Failure;

/// The outputs of these keys, each an id and its organisation.
pub(super) fn find_outputs(database: &Database, keys: BTreeSet<(Uuid, Uuid)>) -> Result<Vec<OutputRow>, Failure> {
    let query =
        format!("{OUTPUT} FROM outputs {WITH_JOB} WHERE outputs.organisation_id = $1 AND outputs.id = ANY ($2)");
    let mut rows = Vec::new();
    for (organisation, ids) in by_organisation(keys.into_iter().map(|(id, organisation)| (organisation, id))) {
        rows.extend(database.statement(|connection| {
            let query = sql_query(&query).bind::<SqlUuid, _>(organisation);
            query.bind::<Array<SqlUuid>, _>(&ids).load::<OutputRow>(connection)
        })?);
    }
    Ok(rows)
}

/// The outputs of each of these jobs that others read.
pub(super) fn outputs_in_use(
    database: &Database,
    wanted: &[(OrganisationId, JobId)],
) -> Result<Vec<BTreeSet<OutputId>>, StoreFailure> {
    #[derive(QueryableByName)]
    struct Read {
        #[diesel(sql_type = SqlUuid)]
        job_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        output_id: Uuid,
    }
    let keys = || wanted.iter().map(|(organisation_id, id)| (organisation_id.as_uuid(), id.as_uuid()));
    let mut found: HashMap<(Uuid, Uuid), BTreeSet<OutputId>> = HashMap::new();
    for (organisation, jobs) in by_organisation(keys()) {
        let rows: Vec<Read> = database.statement(|connection| {
            let query = sql_query(
                "SELECT DISTINCT upstream_job_id AS job_id, output_id FROM bound_outputs \
                 WHERE organisation_id = $1 AND upstream_job_id = ANY ($2)",
            );
            query.bind::<SqlUuid, _>(organisation).bind::<Array<SqlUuid>, _>(&jobs).load(connection)
        })?;
        for row in rows {
            let output = OutputId::from_uuid(row.output_id).map_err(corrupt)?;
            found.entry((organisation, row.job_id)).or_default().insert(output);
        }
    }
    Ok(keys().map(|key| found.get(&key).cloned().unwrap_or_default()).collect())
}

/// Counts jobs of which others read outputs, by version, bound roles and the roles of those outputs: first the
/// outputs of each job, which one server has, once.
pub(super) fn push_count_in_use<'b>(out: &mut AstPass<'_, 'b, Pg>, conditions: &'b Conditions) -> QueryResult<()> {
    out.push_sql(
        "SELECT source_version_id, bound, read, count(*) FROM (SELECT source_version_id, bound, \
           jsonb_agg(role ORDER BY place) AS read FROM (SELECT DISTINCT jobs.organisation_id, jobs.id, jobs.source_version_id, \
             jsonb_path_query_array(jobs.role_bindings, '$[*].role') AS bound, output.output -> 'role' AS role, output.place \
             FROM jobs JOIN bound_outputs ON bound_outputs.organisation_id = jobs.organisation_id \
               AND bound_outputs.upstream_job_id = jobs.id \
             CROSS JOIN LATERAL jsonb_array_elements(jobs.outputs) WITH ORDINALITY AS output (output, place) \
             WHERE output.output ->> 'id' = bound_outputs.output_id::text",
    );
    conditions.push_tenants(out)?;
    conditions.push_filters(out)?;
    out.push_sql(
        ") AS outputs GROUP BY organisation_id, id, source_version_id, bound) AS jobs_in_use GROUP BY 1, 2, 3",
    );
    Ok(())
}
