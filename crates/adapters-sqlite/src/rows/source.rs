use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    Description, ExpectedIntervalMinutes, OrganisationId, RetentionHours, Source, SourceId, SourceName,
};

use super::{CorruptRow, Reading, stored_management};
use crate::schema::sources;

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sources, check_for_backend(Sqlite))]
pub(crate) struct SourceRow {
    id: String,
    owner_organisation_id: Option<String>,
    name: String,
    name_key: String,
    description: Option<String>,
    expected_interval_minutes: Option<i64>,
    retention_hours: Option<i64>,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

impl From<&Source> for SourceRow {
    fn from(source: &Source) -> Self {
        let Source {
            id,
            owner_organisation_id,
            name,
            description,
            expected_interval_minutes,
            retention_hours,
            revision,
            created_at,
            updated_at,
            management,
        } = source;
        let (managed_by, managed_revision) = stored_management(management.as_ref());
        Self {
            id: id.to_string(),
            owner_organisation_id: owner_organisation_id.map(|owner| owner.to_string()),
            name: name.as_str().to_owned(),
            name_key: name.key(),
            description: description.as_ref().map(|text| text.as_str().to_owned()),
            expected_interval_minutes: expected_interval_minutes.map(|minutes| minutes.as_i32().into()),
            retention_hours: retention_hours.map(|hours| hours.as_i32().into()),
            revision: revision.as_i64(),
            created_at: created_at.as_micros(),
            updated_at: updated_at.as_micros(),
            managed_by,
            managed_revision,
        }
    }
}

impl TryFrom<&SourceRow> for Source {
    type Error = CorruptRow;

    fn try_from(row: &SourceRow) -> Result<Self, CorruptRow> {
        let reading = Reading { table: "sources", id: &row.id };
        let owner = row.owner_organisation_id.as_deref().map(OrganisationId::parse).transpose();
        let description = row.description.as_deref().map(Description::restore).transpose();
        let interval =
            row.expected_interval_minutes.map(|minutes| ExpectedIntervalMinutes::new(minutes.into())).transpose();
        let retention = row.retention_hours.map(|hours| RetentionHours::new(hours.into())).transpose();
        Ok(Self {
            id: reading.column("id", SourceId::parse(&row.id))?,
            owner_organisation_id: reading.column("owner_organisation_id", owner)?,
            name: reading.column("name", SourceName::restore(&row.name))?,
            description: reading.column("description", description)?,
            expected_interval_minutes: reading.column("expected_interval_minutes", interval)?,
            retention_hours: reading.column("retention_hours", retention)?,
            revision: reading.revision(row.revision)?,
            created_at: reading.time("created_at", row.created_at)?,
            updated_at: reading.time("updated_at", row.updated_at)?,
            management: reading.management(row.managed_by.as_deref(), row.managed_revision)?,
        })
    }
}

/// What an update replaces: all but `id` and `created_at`.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = sources, treat_none_as_null = true)]
pub(crate) struct SourceChanges {
    owner_organisation_id: Option<String>,
    name: String,
    name_key: String,
    description: Option<String>,
    expected_interval_minutes: Option<i64>,
    retention_hours: Option<i64>,
    revision: i64,
    updated_at: i64,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

impl SourceChanges {
    /// The same with this key, if there is one.
    pub(crate) fn with_key(self, key: Option<String>) -> Self {
        Self { name_key: key.unwrap_or(self.name_key), ..self }
    }
}

impl From<&Source> for SourceChanges {
    fn from(source: &Source) -> Self {
        let SourceRow {
            id: _,
            owner_organisation_id,
            name,
            name_key,
            description,
            expected_interval_minutes,
            retention_hours,
            revision,
            created_at: _,
            updated_at,
            managed_by,
            managed_revision,
        } = source.into();
        Self {
            owner_organisation_id,
            name,
            name_key,
            description,
            expected_interval_minutes,
            retention_hours,
            revision,
            updated_at,
            managed_by,
            managed_revision,
        }
    }
}
