use prediction_domain::model::{JobId, JobName, JobRevision, Revision, SourceVersionId, Subject, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::job::{OutputBody, RoleBindingBody};

/// What a job was at one of its revisions.
#[derive(Serialize, ToSchema)]
#[schema(as = JobRevision)]
pub(crate) struct JobRevisionBody {
    #[schema(value_type = uuid::Uuid)]
    job_id: JobId,
    #[schema(value_type = i64, minimum = 1)]
    revision: Revision,
    #[schema(value_type = uuid::Uuid)]
    source_version_id: SourceVersionId,
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: JobName,
    active: bool,
    role_bindings: Vec<RoleBindingBody>,
    outputs: Vec<OutputBody>,
    /// When the job became this.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    changed_at: Timestamp,
    /// Who made it this: the subject of the token. Null where it was not kept.
    #[schema(value_type = Option<String>, max_length = 255)]
    changed_by: Option<Subject>,
}

impl From<JobRevision> for JobRevisionBody {
    fn from(kept: JobRevision) -> Self {
        Self {
            job_id: kept.job_id,
            revision: kept.revision,
            source_version_id: kept.source_version_id,
            name: kept.name,
            active: kept.active,
            role_bindings: kept.role_bindings.into_vec().into_iter().map(RoleBindingBody::from).collect(),
            outputs: kept.outputs.into_iter().map(OutputBody::from).collect(),
            changed_at: kept.changed_at,
            changed_by: kept.changed_by,
        }
    }
}
