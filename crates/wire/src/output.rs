use prediction_domain::model::{
    self, JobId, JobName, Metric, OrganisationId, OutputId, RoleName, SourceVersionId, Unit,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules;

/// An output, with the job that predicts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobOutput {
    /// Its identity. Another job of the organisation can be bound to it.
    #[schema(value_type = rules::Id, inline)]
    pub id: OutputId,
    /// Whose it is.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// The job that predicts it.
    #[schema(value_type = rules::Id, inline)]
    pub job_id: JobId,
    /// What that job is called.
    #[schema(value_type = rules::Name, inline)]
    pub job_name: JobName,
    /// The version that the job runs.
    #[schema(value_type = rules::Id, inline)]
    pub source_version_id: SourceVersionId,
    /// The output role of the job.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// What is predicted.
    #[schema(value_type = rules::Word, inline)]
    pub metric: Metric,
    /// The unit of the metric.
    #[schema(value_type = rules::NullableWord, inline)]
    pub unit: Option<Unit>,
}

impl From<model::JobOutput> for JobOutput {
    fn from(found: model::JobOutput) -> Self {
        let model::JobOutput { output, organisation_id, job_id, job_name, source_version_id } = found;
        let model::Output { id, role, metric, unit } = output;
        Self { id, organisation_id, job_id, job_name, source_version_id, role, metric, unit }
    }
}
