//! The statement that reads what a job was.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use prediction_domain::model::{JobId, OrganisationId};
use uuid::Uuid;

use crate::rows::JobRevisionSql;
use crate::statement::statement;

/// The revisions of a job after one and up to another: those that were kept, and the current one, which is the job's
/// row.
#[derive(Debug, Clone, Copy)]
pub(super) struct JobRevisions {
    organisation_id: Uuid,
    id: Uuid,
    after: i64,
    until: i64,
    limit: i64,
}

impl JobRevisions {
    pub(super) fn new((organisation_id, id): (OrganisationId, JobId), after: i64, until: i64, limit: usize) -> Self {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        Self { organisation_id: organisation_id.as_uuid(), id: id.as_uuid(), after, until, limit }
    }

    fn push_conditions<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, id: &'static str) -> QueryResult<()> {
        out.push_sql(" WHERE organisation_id = ");
        out.push_bind_param::<SqlUuid, _>(&self.organisation_id)?;
        out.push_sql(" AND ");
        out.push_sql(id);
        out.push_sql(" = ");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(" AND revision > ");
        out.push_bind_param::<BigInt, _>(&self.after)?;
        out.push_sql(" AND revision <= ");
        out.push_bind_param::<BigInt, _>(&self.until)
    }
}

impl QueryFragment<Pg> for JobRevisions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // The limit is in there, too, or all that was kept of the job would be read before the page is cut.
        out.push_sql(
            "(SELECT organisation_id, job_id, revision, source_version_id, name, active, role_bindings, outputs, updated_at, \
             updated_by FROM job_revisions",
        );
        self.push_conditions(&mut out, "job_id")?;
        out.push_sql(" ORDER BY revision LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)?;
        out.push_sql(
            ") UNION ALL SELECT organisation_id, id, revision, source_version_id, name, active, role_bindings, outputs, \
             updated_at, updated_by FROM jobs",
        );
        self.push_conditions(&mut out, "id")?;
        out.push_sql(" ORDER BY revision LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

// It is one text, prepared once.
statement! { cached JobRevisions => JobRevisionSql }
