//! Jobs that are found by their names.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use prediction_domain::model::{Job, JobName, OrganisationId};
use uuid::Uuid;

use crate::rows::JobRow;
use crate::schema::jobs;
use crate::statement::statement;

/// The row of that name, if there is one.
pub(super) fn find_by_name(
    connection: &mut PgConnection,
    organisation_id: OrganisationId,
    name: &JobName,
) -> QueryResult<Option<JobRow>> {
    jobs::table
        .filter(jobs::organisation_id.eq(organisation_id.as_uuid()))
        .filter(jobs::name.eq(name.as_str()))
        .select(JobRow::as_select())
        .first(connection)
        .optional()
}

/// Finds the jobs that have the names of these, each in its organisation, by one statement.
#[derive(Clone)]
pub(super) struct JobsByName {
    columns: AsSelect<JobRow, Pg>,
    organisation_ids: Vec<Uuid>,
    names: Vec<String>,
}

impl JobsByName {
    pub(super) fn new<'a>(jobs: impl Iterator<Item = &'a Job>) -> Self {
        let (organisation_ids, names) = jobs.map(|job| (job.organisation_id.as_uuid(), job.name.to_string())).unzip();
        Self { columns: JobRow::as_select(), organisation_ids, names }
    }
}

impl QueryFragment<Pg> for JobsByName {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM jobs WHERE (jobs.organisation_id, jobs.name) IN (SELECT * FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisation_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.names)?;
        out.push_sql("))");
        Ok(())
    }
}

statement! { cached JobsByName => SqlTypeOf<AsSelect<JobRow, Pg>> }
