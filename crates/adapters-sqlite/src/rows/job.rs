use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    CheckedBindings, Job, JobId, JobName, OrganisationId, SourceId, SourceVersionId, Subject, Timestamp,
};

use super::{CorruptRow, Reading, json, stored_management};
use crate::schema::jobs;

// `treat_none_as_default_value`: a NULL is sent as any other value, so that an insert is one SQL text, prepared once.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = jobs, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub(crate) struct JobRow {
    organisation_id: String,
    id: String,
    source_id: String,
    source_version_id: String,
    name: String,
    active: i64,
    role_bindings: String,
    outputs: String,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    updated_by: Option<String>,
    activated_at: Option<i64>,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

/// What rows of a job and more have in common.
impl AsRef<Self> for JobRow {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl JobRow {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn organisation_id(&self) -> Result<OrganisationId, CorruptRow> {
        let reading = Reading { table: "jobs", id: &self.id };
        reading.column("organisation_id", OrganisationId::parse(&self.organisation_id))
    }

    /// Whose job, which, and what it is called.
    pub(crate) fn into_name(self) -> (String, String, String) {
        (self.organisation_id, self.id, self.name)
    }
}

impl From<&Job> for JobRow {
    fn from(job: &Job) -> Self {
        let Job {
            id,
            organisation_id,
            source_id,
            source_version_id,
            name,
            active,
            activated_at,
            role_bindings,
            outputs,
            revision,
            created_at,
            updated_at,
            updated_by,
            management,
        } = job;
        let (managed_by, managed_revision) = stored_management(management.as_ref());
        Self {
            organisation_id: organisation_id.to_string(),
            id: id.to_string(),
            source_id: source_id.to_string(),
            source_version_id: source_version_id.to_string(),
            name: name.as_str().to_owned(),
            active: i64::from(*active),
            role_bindings: json::of_bindings(role_bindings.as_slice()),
            outputs: json::of_outputs(outputs),
            revision: revision.as_i64(),
            created_at: created_at.as_micros(),
            updated_at: updated_at.as_micros(),
            updated_by: updated_by.as_ref().map(|subject| subject.as_str().to_owned()),
            activated_at: activated_at.as_ref().map(Timestamp::as_micros),
            managed_by,
            managed_revision,
        }
    }
}

impl TryFrom<&JobRow> for Job {
    type Error = CorruptRow;

    fn try_from(row: &JobRow) -> Result<Self, CorruptRow> {
        let reading = Reading { table: "jobs", id: &row.id };
        let bindings = reading.column("role_bindings", json::to_bindings(&row.role_bindings))?;
        Ok(Self {
            id: reading.column("id", JobId::parse(&row.id))?,
            organisation_id: reading.column("organisation_id", OrganisationId::parse(&row.organisation_id))?,
            source_id: reading.column("source_id", SourceId::parse(&row.source_id))?,
            source_version_id: reading.column("source_version_id", SourceVersionId::parse(&row.source_version_id))?,
            name: reading.column("name", JobName::restore(&row.name))?,
            active: reading.flag("active", row.active)?,
            activated_at: reading.time_if_any("activated_at", row.activated_at)?,
            role_bindings: reading.column("role_bindings", CheckedBindings::restored(bindings))?,
            outputs: reading.column("outputs", json::to_outputs(&row.outputs))?,
            revision: reading.revision(row.revision)?,
            created_at: reading.time("created_at", row.created_at)?,
            updated_at: reading.time("updated_at", row.updated_at)?,
            updated_by: row.updated_by.as_deref().map(Subject::of),
            management: reading.management(row.managed_by.as_deref(), row.managed_revision)?,
        })
    }
}

/// What an update replaces: all but the identity, the organisation, the source and `created_at`.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = jobs, treat_none_as_null = true)]
pub(crate) struct JobChanges {
    source_version_id: String,
    name: String,
    active: i64,
    role_bindings: String,
    outputs: String,
    revision: i64,
    updated_at: i64,
    updated_by: Option<String>,
    activated_at: Option<i64>,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

impl From<&Job> for JobChanges {
    fn from(job: &Job) -> Self {
        let JobRow {
            organisation_id: _,
            id: _,
            source_id: _,
            source_version_id,
            name,
            active,
            role_bindings,
            outputs,
            revision,
            created_at: _,
            updated_at,
            updated_by,
            activated_at,
            managed_by,
            managed_revision,
        } = job.into();
        Self {
            source_version_id,
            name,
            active,
            role_bindings,
            outputs,
            revision,
            updated_at,
            updated_by,
            activated_at,
            managed_by,
            managed_revision,
        }
    }
}
