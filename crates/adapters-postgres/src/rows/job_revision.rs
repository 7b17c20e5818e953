use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::Queryable;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{
    CheckedBindings, JobId, JobName, JobRevision, OrganisationId, Output, RoleBinding, SourceVersionId, Subject,
    Timestamp,
};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use super::json::ReadList;
use super::{corrupt, revision};

/// What a [`JobRevisionRow`] consists of.
pub(crate) type JobRevisionSql =
    (SqlUuid, SqlUuid, BigInt, SqlUuid, Text, Bool, Jsonb, Jsonb, Timestamptz, Nullable<Text>);

/// A row of `job_revisions`, or what `jobs` has of the current one.
#[derive(Debug, Clone, Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub(crate) struct JobRevisionRow {
    organisation_id: Uuid,
    job_id: Uuid,
    revision: i64,
    source_version_id: Uuid,
    name: String,
    active: bool,
    role_bindings: ReadList<RoleBinding>,
    outputs: ReadList<Output>,
    updated_at: DateTime<Utc>,
    updated_by: Option<String>,
}

impl TryFrom<JobRevisionRow> for JobRevision {
    type Error = StoreFailure;

    fn try_from(row: JobRevisionRow) -> Result<Self, StoreFailure> {
        let id = row.job_id;
        read(row).map_err(corrupt("job_revisions", id))
    }
}

fn read(row: JobRevisionRow) -> Result<JobRevision, Box<dyn Error + Send + Sync>> {
    Ok(JobRevision {
        job_id: JobId::from_uuid(row.job_id)?,
        organisation_id: OrganisationId::from_uuid(row.organisation_id)?,
        revision: revision(row.revision)?,
        source_version_id: SourceVersionId::from_uuid(row.source_version_id)?,
        name: JobName::restore(&row.name)?,
        active: row.active,
        role_bindings: CheckedBindings::restored(row.role_bindings.0?)?,
        outputs: row.outputs.0?,
        changed_at: Timestamp::truncated(row.updated_at),
        changed_by: row.updated_by.as_deref().map(Subject::of),
    })
}
