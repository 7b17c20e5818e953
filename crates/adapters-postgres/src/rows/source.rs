use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use prediction_domain::model::{
    Description, ExpectedIntervalMinutes, OrganisationId, RetentionHours, Source, SourceId, SourceName, Timestamp,
};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use super::management::{management, stored_management};
use super::{corrupt, revision};
use crate::schema::sources;

/// A row of `sources`. Its `name_key` is not compared with the name when it is read: another release of Unicode may
/// fold case differently, and that does not make the row corrupt.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sources, check_for_backend(Pg))]
pub(crate) struct SourceRow {
    pub(crate) id: Uuid,
    owner_organisation_id: Option<Uuid>,
    name: String,
    name_key: String,
    description: Option<String>,
    expected_interval_minutes: Option<i32>,
    retention_hours: Option<i32>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

/// What can be changed of a row of `sources`.
#[derive(Debug, Clone, AsChangeset)]
#[diesel(table_name = sources, treat_none_as_null = true)]
pub(crate) struct SourceChange {
    owner_organisation_id: Option<Uuid>,
    name: String,
    name_key: String,
    description: Option<String>,
    expected_interval_minutes: Option<i32>,
    retention_hours: Option<i32>,
    revision: i64,
    updated_at: DateTime<Utc>,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

impl SourceRow {
    /// What a row with this id is to be changed to.
    pub(crate) fn into_change(self, name_key: String) -> SourceChange {
        SourceChange {
            owner_organisation_id: self.owner_organisation_id,
            name: self.name,
            name_key,
            description: self.description,
            expected_interval_minutes: self.expected_interval_minutes,
            retention_hours: self.retention_hours,
            revision: self.revision,
            updated_at: self.updated_at,
            managed_by: self.managed_by,
            managed_revision: self.managed_revision,
        }
    }
}

impl From<&Source> for SourceRow {
    fn from(source: &Source) -> Self {
        let (managed_by, managed_revision) = stored_management(source.management.as_ref());
        Self {
            id: source.id.as_uuid(),
            owner_organisation_id: source.owner_organisation_id.map(|owner| owner.as_uuid()),
            name: source.name.as_str().to_owned(),
            name_key: source.name.key(),
            description: source.description.as_ref().map(|description| description.as_str().to_owned()),
            expected_interval_minutes: source.expected_interval_minutes.map(ExpectedIntervalMinutes::as_i32),
            retention_hours: source.retention_hours.map(RetentionHours::as_i32),
            revision: source.revision.as_i64(),
            created_at: source.created_at.as_datetime(),
            updated_at: source.updated_at.as_datetime(),
            managed_by: managed_by.map(ToOwned::to_owned),
            managed_revision,
        }
    }
}

impl TryFrom<&SourceRow> for Source {
    type Error = StoreFailure;

    fn try_from(row: &SourceRow) -> Result<Self, StoreFailure> {
        read(row).map_err(corrupt("sources", row.id))
    }
}

fn read(row: &SourceRow) -> Result<Source, Box<dyn Error + Send + Sync>> {
    Ok(Source {
        id: SourceId::from_uuid(row.id)?,
        owner_organisation_id: row.owner_organisation_id.map(OrganisationId::from_uuid).transpose()?,
        name: SourceName::restore(&row.name)?,
        description: row.description.as_deref().map(Description::restore).transpose()?,
        expected_interval_minutes: row
            .expected_interval_minutes
            .map(|minutes| ExpectedIntervalMinutes::new(minutes.into()))
            .transpose()?,
        retention_hours: row.retention_hours.map(|hours| RetentionHours::new(hours.into())).transpose()?,
        revision: revision(row.revision)?,
        created_at: Timestamp::truncated(row.created_at),
        updated_at: Timestamp::truncated(row.updated_at),
        management: management(row.managed_by.as_deref(), row.managed_revision)?,
    })
}
