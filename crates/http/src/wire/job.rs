use prediction_domain::model::{
    BINDINGS, BindingDraft, InputId, InputKind, JobChangeDraft, JobId, JobName, JudgedJob, Metric, OrganisationId,
    Output, OutputId, Revision, RoleBinding, RoleName, SourceId, SourceVersionId, Timestamp, Unit,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::Fields;
use super::health::HealthBody;
use super::source::SourceBody;
use super::source_version::SourceVersionBody;

/// One version of a source, configured to run for one organisation.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobBody {
    #[schema(value_type = uuid::Uuid)]
    id: JobId,
    #[schema(value_type = uuid::Uuid)]
    organisation_id: OrganisationId,
    #[schema(value_type = uuid::Uuid)]
    source_id: SourceId,
    #[schema(value_type = uuid::Uuid)]
    source_version_id: SourceVersionId,
    /// Unique in its organisation.
    #[schema(value_type = String, min_length = 1, max_length = 200)]
    name: JobName,
    /// Whether runners should run it.
    active: bool,
    role_bindings: Vec<RoleBindingBody>,
    outputs: Vec<OutputBody>,
    health: HealthBody,
    /// How often it was changed, the setup included.
    #[schema(value_type = i64, minimum = 1)]
    revision: Revision,
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    updated_at: Timestamp,
    /// With expand=source.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) source: Option<Box<SourceBody>>,
    /// With `expand=source_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) source_version: Option<Box<SourceVersionBody>>,
}

/// An input role of the job's version, bound to a concrete input.
#[derive(Serialize, ToSchema)]
#[schema(as = RoleBinding)]
pub(crate) struct RoleBindingBody {
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    role: RoleName,
    #[schema(value_type = uuid::Uuid)]
    input_id: InputId,
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    input_type: InputKind,
}

/// The identity of what a job predicts in one output role.
#[derive(Serialize, ToSchema)]
#[schema(as = Output)]
pub(crate) struct OutputBody {
    #[schema(value_type = uuid::Uuid)]
    id: OutputId,
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    role: RoleName,
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    metric: Metric,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    unit: Option<Unit>,
}

impl From<JudgedJob> for JobBody {
    fn from(JudgedJob { job, health }: JudgedJob) -> Self {
        Self {
            id: job.id,
            organisation_id: job.organisation_id,
            source_id: job.source_id,
            source_version_id: job.source_version_id,
            name: job.name,
            active: job.active,
            role_bindings: job.role_bindings.into_vec().into_iter().map(RoleBindingBody::from).collect(),
            outputs: job.outputs.into_iter().map(OutputBody::from).collect(),
            health: health.into(),
            revision: job.revision,
            created_at: job.created_at,
            updated_at: job.updated_at,
            source: None,
            source_version: None,
        }
    }
}

impl From<RoleBinding> for RoleBindingBody {
    fn from(binding: RoleBinding) -> Self {
        Self { role: binding.role, input_id: binding.input_id, input_type: binding.input_type }
    }
}

impl From<Output> for OutputBody {
    fn from(output: Output) -> Self {
        Self { id: output.id, role: output.role, metric: output.metric, unit: output.unit }
    }
}

pub(crate) fn decode_job_change(fields: &mut Fields<'_>) -> JobChangeDraft {
    fields.computed(&["outputs", "created_at", "updated_at", "health", "source", "source_version"]);
    JobChangeDraft {
        id: fields.text("id"),
        organisation_id: fields.text("organisation_id"),
        source_id: fields.text("source_id"),
        source_version_id: fields.text("source_version_id"),
        name: fields.text("name"),
        active: fields.flag("active"),
        role_bindings: fields.objects("role_bindings", &BINDINGS, decode_binding),
        revision: fields.whole_number("revision"),
    }
}

pub(super) fn decode_binding(fields: &mut Fields<'_>) -> BindingDraft {
    BindingDraft { role: fields.text("role"), input_id: fields.text("input_id"), input_type: fields.text("input_type") }
}

/// An input role of the version, to be bound to a concrete input.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_binding reads")]
pub(crate) struct NewRoleBinding {
    #[schema(min_length = 1, max_length = 100)]
    role: String,
    /// One input may serve several roles.
    input_id: uuid::Uuid,
    /// Equal to the role's `input_kind`; taken from there when left out.
    #[schema(min_length = 1, max_length = 100)]
    input_type: Option<String>,
}

/// Changes to a job. What is left out stays; what GET returned can be sent back.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_job_change reads")]
pub(crate) struct JobChange {
    /// May be repeated, but never changes.
    #[schema(nullable = false)]
    id: Option<uuid::Uuid>,
    /// May be repeated, but never changes.
    #[schema(nullable = false)]
    organisation_id: Option<uuid::Uuid>,
    /// May be repeated, but never changes.
    #[schema(nullable = false)]
    source_id: Option<uuid::Uuid>,
    /// Another version of the same source.
    #[schema(nullable = false)]
    source_version_id: Option<uuid::Uuid>,
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    name: Option<String>,
    #[schema(nullable = false)]
    active: Option<bool>,
    /// All bindings; null or an empty list unbinds all.
    #[schema(max_items = 200)]
    role_bindings: Option<Vec<NewRoleBinding>>,
    /// Only this revision is changed, like If-Match.
    #[schema(minimum = 1)]
    revision: Option<i64>,
    /// Ignored.
    outputs: Option<serde_json::Value>,
    /// Ignored.
    created_at: Option<serde_json::Value>,
    /// Ignored.
    updated_at: Option<serde_json::Value>,
    /// Ignored.
    health: Option<serde_json::Value>,
    /// Ignored.
    source: Option<serde_json::Value>,
    /// Ignored.
    source_version: Option<serde_json::Value>,
}
