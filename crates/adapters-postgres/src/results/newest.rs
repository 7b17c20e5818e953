//! The newest run of each of some jobs.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Uuid as SqlUuid};
use prediction_domain::model::{JobId, OrganisationId, Run};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use crate::database::Database;
use crate::distributed::by_organisation;
use crate::rows::{RunRow, read_all};
use crate::statement::statement;

/// In the order asked for; `None` of a job that has no run.
pub(super) fn find(database: &Database, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<Option<Run>>, StoreFailure> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<RunRow> = if database.is_distributed()? {
        let mut rows = Vec::new();
        for (organisation_id, job_ids) in by_organisation(jobs.iter().map(|(id, job)| (id.as_uuid(), job.as_uuid()))) {
            let query = NewestRunsOf { columns: RunRow::as_select(), organisation_id, job_ids };
            rows.extend(database.statement(|connection| query.clone().load::<RunRow>(connection))?);
        }
        rows
    } else {
        let query = NewestRuns {
            columns: RunRow::as_select(),
            organisation_ids: jobs.iter().map(|(id, _)| id.as_uuid()).collect(),
            job_ids: jobs.iter().map(|(_, id)| id.as_uuid()).collect(),
        };
        database.statement(|connection| query.clone().load(connection))?
    };
    let runs: Vec<Run> = read_all(rows)?;
    let by_job: HashMap<_, _> = runs.into_iter().map(|run| ((run.organisation_id, run.job_id), run)).collect();
    Ok(jobs.iter().map(|job| by_job.get(job).cloned()).collect())
}

/// Each job looks its newest run up at the end of its part of the index.
#[derive(Clone)]
struct NewestRuns {
    columns: AsSelect<RunRow, Pg>,
    organisation_ids: Vec<Uuid>,
    job_ids: Vec<Uuid>,
}

impl QueryFragment<Pg> for NewestRuns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisation_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.job_ids)?;
        out.push_sql(
            ") AS wanted (organisation_id, job_id) CROSS JOIN LATERAL (SELECT * FROM runs \
             WHERE runs.organisation_id = wanted.organisation_id AND runs.job_id = wanted.job_id \
             ORDER BY runs.organisation_id DESC, runs.job_id DESC, runs.issued_at DESC LIMIT 1) AS runs",
        );
        Ok(())
    }
}

statement! { cached NewestRuns => SqlTypeOf<AsSelect<RunRow, Pg>> }

/// The same of distributed tables: those of one organisation, on its server.
#[derive(Clone)]
struct NewestRunsOf {
    columns: AsSelect<RunRow, Pg>,
    organisation_id: Uuid,
    job_ids: Vec<Uuid>,
}

impl QueryFragment<Pg> for NewestRunsOf {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let out = &mut out;
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.job_ids)?;
        out.push_sql(") AS wanted (job_id) CROSS JOIN LATERAL (SELECT * FROM runs WHERE runs.organisation_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organisation_id)?;
        out.push_sql(
            " AND runs.job_id = wanted.job_id \
             ORDER BY runs.organisation_id DESC, runs.job_id DESC, runs.issued_at DESC LIMIT 1) AS runs",
        );
        Ok(())
    }
}

statement! { cached NewestRunsOf => SqlTypeOf<AsSelect<RunRow, Pg>> }
