//! The statement that stores jobs.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{Job, Subject};
use uuid::Uuid;

use crate::rows::{JsonList, StoredBinding, StoredOutput, stored_management};
use crate::statement::statement;

/// Stores any number of jobs by one statement, which is the same text for every number, so that it is prepared once.
/// Gives back `(organisation_id, id)` of those that it stored: the others' names are taken.
///
/// Each column travels as one array. The rows are stored in the order of their names, so that two such statements that
/// want the same names wait for each other instead of locking each other up. Rows of one name keep their order: the
/// first is stored. They are numbered before, in the order in which they were given.
#[derive(Debug, Clone, Default)]
pub(super) struct InsertJobs<'a> {
    organisation_ids: Vec<Uuid>,
    ids: Vec<Uuid>,
    source_ids: Vec<Uuid>,
    source_version_ids: Vec<Uuid>,
    names: Vec<&'a str>,
    active: Vec<bool>,
    role_bindings: Vec<JsonList<StoredBinding<'a>>>,
    outputs: Vec<JsonList<StoredOutput<'a>>>,
    revisions: Vec<i64>,
    created_at: Vec<DateTime<Utc>>,
    updated_at: Vec<DateTime<Utc>>,
    updated_by: Vec<Option<&'a str>>,
}

impl<'a> InsertJobs<'a> {
    pub(super) fn new(jobs: impl IntoIterator<Item = &'a Job>) -> Self {
        let mut columns = Self::default();
        for job in jobs {
            columns.organisation_ids.push(job.organisation_id.as_uuid());
            columns.ids.push(job.id.as_uuid());
            columns.source_ids.push(job.source_id.as_uuid());
            columns.source_version_ids.push(job.source_version_id.as_uuid());
            columns.names.push(job.name.as_str());
            columns.active.push(job.active);
            columns.role_bindings.push(job.role_bindings.iter().map(StoredBinding::from).collect());
            columns.outputs.push(job.outputs.iter().map(StoredOutput::from).collect());
            columns.revisions.push(job.revision.as_i64());
            columns.created_at.push(job.created_at.as_datetime());
            columns.updated_at.push(job.updated_at.as_datetime());
            columns.updated_by.push(job.updated_by.as_ref().map(Subject::as_str));
        }
        columns
    }
}

/// The same, of jobs that sets keep: a text of its own, so that setups send nothing that they do not need.
#[derive(Debug, Clone, Default)]
pub(super) struct InsertManagedJobs<'a> {
    jobs: InsertJobs<'a>,
    managed_by: Vec<Option<&'a str>>,
    managed_revisions: Vec<Option<i64>>,
}

impl<'a> InsertManagedJobs<'a> {
    pub(super) fn new(jobs: &[&'a Job]) -> Self {
        let management = jobs.iter().map(|job| stored_management(job.management.as_ref()));
        let (managed_by, managed_revisions) = management.unzip();
        Self { jobs: InsertJobs::new(jobs.iter().copied()), managed_by, managed_revisions }
    }
}

impl QueryFragment<Pg> for InsertJobs<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.push(&mut out, "", |_| Ok(()))
    }
}

impl QueryFragment<Pg> for InsertManagedJobs<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.jobs.push(&mut out, ", managed_by, managed_revision", |out| {
            out.push_sql(", ");
            out.push_bind_param::<Array<Nullable<Text>>, _>(&self.managed_by)?;
            out.push_sql(", ");
            out.push_bind_param::<Array<Nullable<BigInt>>, _>(&self.managed_revisions)
        })
    }
}

impl InsertJobs<'_> {
    /// With more columns, and their arrays.
    fn push<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        more: &str,
        push_more: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        let columns = "organisation_id, id, source_id, source_version_id, name, active, role_bindings, outputs, \
             revision, created_at, updated_at, updated_by";
        for part in ["INSERT INTO jobs (", columns, more, ", sequence_number) SELECT ", columns, more] {
            out.push_sql(part);
        }
        out.push_sql(
            ", sequence_number FROM (SELECT *, nextval('jobs_sequence_number_seq') AS sequence_number FROM unnest(",
        );
        out.push_bind_param::<Array<SqlUuid>, _>(&self.organisation_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.source_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.source_version_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.names)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.active)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Jsonb>, _>(&self.role_bindings)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Jsonb>, _>(&self.outputs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.revisions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Timestamptz>, _>(&self.updated_at)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<Text>>, _>(&self.updated_by)?;
        push_more(out)?;
        for part in [") WITH ORDINALITY AS planned (", columns, more] {
            out.push_sql(part);
        }
        out.push_sql(
            ", ordinality)) AS numbered \
             ORDER BY organisation_id, name, ordinality \
             ON CONFLICT ON CONSTRAINT jobs_organisation_id_name_key DO NOTHING \
             RETURNING organisation_id, id",
        );
        Ok(())
    }
}

statement! { cached InsertManagedJobs<'_> as InsertManagedJobs<'static> => (SqlUuid, SqlUuid) }
statement! { cached InsertJobs<'_> as InsertJobs<'static> => (SqlUuid, SqlUuid) }
