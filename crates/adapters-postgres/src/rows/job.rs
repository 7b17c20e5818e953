use std::borrow::Cow;
use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{Queryable, Selectable};
use prediction_domain::model::{
    CheckedBindings, InputId, InputKind, Job, JobId, JobName, Metric, OrganisationId, Output, OutputId, RoleBinding,
    RoleName, SourceId, SourceVersionId, Subject, Timestamp, Unit, ValueProblem,
};
use prediction_domain::ports::StoreFailure;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::json::{ReadFromJson, ReadList};
use super::management::management;
use super::{corrupt, revision};
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
    role_bindings: ReadList<RoleBinding>,
    outputs: ReadList<Output>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    updated_by: Option<String>,
    activated_at: Option<DateTime<Utc>>,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

/// A binding in `jobs.role_bindings`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredBinding<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    /// The index "which jobs use this input?" is on this member.
    input_id: Uuid,
    #[serde(borrow)]
    input_type: Cow<'a, str>,
}

/// An output in `jobs.outputs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredOutput<'a> {
    id: Uuid,
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    metric: Cow<'a, str>,
    #[serde(borrow)]
    unit: Option<Cow<'a, str>>,
}

impl<'a> From<&'a RoleBinding> for StoredBinding<'a> {
    fn from(binding: &'a RoleBinding) -> Self {
        Self {
            role: binding.role.as_str().into(),
            input_id: binding.input_id.as_uuid(),
            input_type: binding.input_type.as_str().into(),
        }
    }
}

impl<'a> From<&'a Output> for StoredOutput<'a> {
    fn from(output: &'a Output) -> Self {
        Self {
            id: output.id.as_uuid(),
            role: output.role.as_str().into(),
            metric: output.metric.as_str().into(),
            unit: output.unit.as_ref().map(|unit| unit.as_str().into()),
        }
    }
}

impl TryFrom<JobRow> for Job {
    type Error = StoreFailure;

    fn try_from(row: JobRow) -> Result<Self, StoreFailure> {
        let id = row.id;
        read(row).map_err(corrupt("jobs", id))
    }
}

fn read(row: JobRow) -> Result<Job, Box<dyn Error + Send + Sync>> {
    Ok(Job {
        id: JobId::from_uuid(row.id)?,
        organisation_id: OrganisationId::from_uuid(row.organisation_id)?,
        source_id: SourceId::from_uuid(row.source_id)?,
        source_version_id: SourceVersionId::from_uuid(row.source_version_id)?,
        name: JobName::restore(&row.name)?,
        active: row.active,
        activated_at: row.activated_at.map(Timestamp::truncated),
        role_bindings: CheckedBindings::restored(row.role_bindings.0?)?,
        outputs: row.outputs.0?,
        revision: revision(row.revision)?,
        created_at: Timestamp::truncated(row.created_at),
        updated_at: Timestamp::truncated(row.updated_at),
        updated_by: row.updated_by.as_deref().map(Subject::of),
        management: management(row.managed_by.as_deref(), row.managed_revision)?,
    })
}

impl ReadFromJson for RoleBinding {
    type Stored<'a> = StoredBinding<'a>;

    fn read(stored: StoredBinding<'_>) -> Result<Self, ValueProblem> {
        Ok(Self {
            role: RoleName::restore(&stored.role)?,
            input_id: InputId::from_uuid(stored.input_id)?,
            input_type: InputKind::restore(&stored.input_type)?,
        })
    }
}

impl ReadFromJson for Output {
    type Stored<'a> = StoredOutput<'a>;

    fn read(stored: StoredOutput<'_>) -> Result<Self, ValueProblem> {
        Ok(Self {
            id: OutputId::from_uuid(stored.id)?,
            role: RoleName::restore(&stored.role)?,
            metric: Metric::restore(&stored.metric)?,
            unit: stored.unit.as_deref().map(Unit::restore).transpose()?,
        })
    }
}
