use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{Queryable, Selectable};
use prediction_domain::model::{
    CheckedBindings, InputId, InputKind, Job, JobId, JobName, Metric, OrganisationId, Output, OutputId, RoleBinding,
    RoleName, SourceId, SourceVersionId, Timestamp, Unit, ValueProblem,
};
use prediction_domain::ports::StoreFailure;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{JsonList, corrupt, revision};
use crate::schema::jobs;

/// A row of `jobs`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
pub(crate) struct JobRow {
    pub(crate) organisation_id: Uuid,
    pub(crate) id: Uuid,
    source_id: Uuid,
    source_version_id: Uuid,
    pub(crate) name: String,
    active: bool,
    role_bindings: JsonList<StoredBinding>,
    outputs: JsonList<StoredOutput>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A binding in `jobs.role_bindings`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredBinding {
    role: String,
    /// The index "which jobs use this input?" is on this member.
    input_id: Uuid,
    input_type: String,
}

/// An output in `jobs.outputs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredOutput {
    id: Uuid,
    role: String,
    metric: String,
    unit: Option<String>,
}

impl From<&RoleBinding> for StoredBinding {
    fn from(binding: &RoleBinding) -> Self {
        Self {
            role: binding.role.to_string(),
            input_id: binding.input_id.as_uuid(),
            input_type: binding.input_type.to_string(),
        }
    }
}

impl From<&Output> for StoredOutput {
    fn from(output: &Output) -> Self {
        Self {
            id: output.id.as_uuid(),
            role: output.role.to_string(),
            metric: output.metric.to_string(),
            unit: output.unit.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<&JobRow> for Job {
    type Error = StoreFailure;

    fn try_from(row: &JobRow) -> Result<Self, StoreFailure> {
        read(row).map_err(corrupt("jobs", row.id))
    }
}

fn read(row: &JobRow) -> Result<Job, Box<dyn Error + Send + Sync>> {
    let bindings = row.role_bindings.0.iter().map(RoleBinding::try_from).collect::<Result<_, _>>()?;
    Ok(Job {
        id: JobId::from_uuid(row.id)?,
        organisation_id: OrganisationId::from_uuid(row.organisation_id)?,
        source_id: SourceId::from_uuid(row.source_id)?,
        source_version_id: SourceVersionId::from_uuid(row.source_version_id)?,
        name: JobName::parse(&row.name)?,
        active: row.active,
        role_bindings: CheckedBindings::restored(bindings)?,
        outputs: row.outputs.0.iter().map(Output::try_from).collect::<Result<_, _>>()?,
        revision: revision(row.revision)?,
        created_at: Timestamp::truncated(row.created_at),
        updated_at: Timestamp::truncated(row.updated_at),
    })
}

impl TryFrom<&StoredBinding> for RoleBinding {
    type Error = ValueProblem;

    fn try_from(stored: &StoredBinding) -> Result<Self, ValueProblem> {
        Ok(Self {
            role: RoleName::parse(&stored.role)?,
            input_id: InputId::from_uuid(stored.input_id)?,
            input_type: InputKind::parse(&stored.input_type)?,
        })
    }
}

impl TryFrom<&StoredOutput> for Output {
    type Error = ValueProblem;

    fn try_from(stored: &StoredOutput) -> Result<Self, ValueProblem> {
        Ok(Self {
            id: OutputId::from_uuid(stored.id)?,
            role: RoleName::parse(&stored.role)?,
            metric: Metric::parse(&stored.metric)?,
            unit: stored.unit.as_deref().map(Unit::parse).transpose()?,
        })
    }
}
