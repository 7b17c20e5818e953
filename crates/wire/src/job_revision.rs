use prediction_domain::model::{self, JobId, JobName, Revision, RoleName, SourceVersionId, Subject, Timestamp};
use prediction_domain::use_cases::ComparedRevisions;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::job::{Output, RoleBinding};
use crate::rules;

/// What a job was at one of its revisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobRevision {
    /// The job.
    #[schema(value_type = rules::Id, inline)]
    pub job_id: JobId,
    /// Which of its revisions.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub revision: Revision,
    /// The version that it ran.
    #[schema(value_type = rules::Id, inline)]
    pub source_version_id: SourceVersionId,
    /// What it was called.
    #[schema(value_type = rules::Name, inline)]
    pub name: JobName,
    /// Whether runners should run it.
    pub active: bool,
    /// Which inputs it read.
    pub role_bindings: Vec<RoleBinding>,
    /// What its predictions were filed under.
    pub outputs: Vec<Output>,
    /// When the job became this.
    #[schema(value_type = rules::Time, inline)]
    pub changed_at: Timestamp,
    /// The author of the change: the subject of the token. Null where it was not kept.
    #[schema(value_type = rules::NullableSubject, inline)]
    pub changed_by: Option<Subject>,
}

impl From<model::JobRevision> for JobRevision {
    fn from(kept: model::JobRevision) -> Self {
        Self {
            job_id: kept.job_id,
            revision: kept.revision,
            source_version_id: kept.source_version_id,
            name: kept.name,
            active: kept.active,
            role_bindings: kept.role_bindings.into_vec().into_iter().map(RoleBinding::from).collect(),
            outputs: kept.outputs.into_iter().map(Output::from).collect(),
            changed_at: kept.changed_at,
            changed_by: kept.changed_by,
        }
    }
}

/// What changed from one revision of a job to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobRevisionComparison {
    /// The revision of `with`, or the one before.
    pub from: JobRevisionReference,
    /// The revision of the path.
    pub to: JobRevisionReference,
    /// In what they are different.
    pub differences: Vec<JobDifference>,
}

/// Which revision of a job it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobRevisionReference {
    /// Which of its revisions.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub revision: Revision,
    /// When the job became this.
    #[schema(value_type = rules::Time, inline)]
    pub changed_at: Timestamp,
    /// The author of the change. Null where it was not kept.
    #[schema(value_type = rules::NullableSubject, inline)]
    pub changed_by: Option<Subject>,
}

/// One thing that is different about a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobDifference {
    /// The member of the job.
    pub member: String,
    /// Of `role_bindings` and `outputs`, which are compared role by role: the role. Null for others.
    #[schema(value_type = rules::NullableWord, inline)]
    pub role: Option<RoleName>,
    /// What it was; null: nothing.
    pub from: Value,
    /// What it is; null: nothing.
    pub to: Value,
}

impl From<ComparedRevisions> for JobRevisionComparison {
    fn from(compared: ComparedRevisions) -> Self {
        let reference = |kept: model::JobRevision| JobRevisionReference {
            revision: kept.revision,
            changed_at: kept.changed_at,
            changed_by: kept.changed_by,
        };
        let difference = |difference: model::JobDifference| JobDifference {
            member: difference.member.to_owned(),
            role: difference.role,
            from: difference.from,
            to: difference.to,
        };
        Self {
            from: reference(compared.from),
            to: reference(compared.to),
            differences: compared.differences.into_iter().map(difference).collect(),
        }
    }
}
