use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    CheckedBindings, JobId, JobName, JobRevision, OrganisationId, SourceVersionId, Subject,
};

use super::{CorruptRow, Reading, json};
use crate::schema::job_revisions;

/// What a job was. Never inserted from here: a trigger keeps it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = job_revisions, check_for_backend(Sqlite))]
pub(crate) struct JobRevisionRow {
    organisation_id: String,
    job_id: String,
    revision: i64,
    source_version_id: String,
    name: String,
    active: i64,
    role_bindings: String,
    outputs: String,
    updated_at: i64,
    updated_by: Option<String>,
}

impl TryFrom<&JobRevisionRow> for JobRevision {
    type Error = CorruptRow;

    fn try_from(row: &JobRevisionRow) -> Result<Self, CorruptRow> {
        let reading = Reading { table: "job_revisions", id: &format!("{}/{}", row.job_id, row.revision) };
        let bindings = reading.column("role_bindings", json::to_bindings(&row.role_bindings))?;
        Ok(Self {
            job_id: reading.column("job_id", JobId::parse(&row.job_id))?,
            organisation_id: reading.column("organisation_id", OrganisationId::parse(&row.organisation_id))?,
            revision: reading.revision(row.revision)?,
            source_version_id: reading.column("source_version_id", SourceVersionId::parse(&row.source_version_id))?,
            name: reading.column("name", JobName::restore(&row.name))?,
            active: reading.flag("active", row.active)?,
            role_bindings: reading.column("role_bindings", CheckedBindings::restored(bindings))?,
            outputs: reading.column("outputs", json::to_outputs(&row.outputs))?,
            changed_at: reading.time("updated_at", row.updated_at)?,
            changed_by: row.updated_by.as_deref().map(Subject::of),
        })
    }
}
