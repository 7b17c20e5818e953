use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{AsChangeset, Insertable, Queryable, QueryableByName, Selectable};
use prediction_domain::model::{Input, InputId, InputKind, InputName, Metric, OrganisationId, Timestamp, Unit};
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

use super::management::{management, stored_management};
use super::{corrupt, revision};
use crate::schema::inputs;

/// A row of `inputs`.
#[derive(Debug, Clone, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = inputs, check_for_backend(Pg))]
pub(crate) struct InputRow {
    pub(crate) organisation_id: Uuid,
    pub(crate) id: Uuid,
    #[diesel(embed)]
    content: InputContent,
    created_at: DateTime<Utc>,
}

/// What can be changed of a row of `inputs`.
#[derive(Debug, Clone, Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = inputs, treat_none_as_null = true, check_for_backend(Pg))]
pub(crate) struct InputContent {
    kind: String,
    name: String,
    name_key: String,
    metric: Option<String>,
    unit: Option<String>,
    revision: i64,
    updated_at: DateTime<Utc>,
    managed_by: Option<String>,
    managed_revision: Option<i64>,
}

impl From<&Input> for InputContent {
    fn from(input: &Input) -> Self {
        let (managed_by, managed_revision) = stored_management(input.management.as_ref());
        Self {
            kind: input.kind.as_str().to_owned(),
            name: input.name.as_str().to_owned(),
            name_key: input.name.key(),
            metric: input.metric.as_ref().map(|metric| metric.as_str().to_owned()),
            unit: input.unit.as_ref().map(|unit| unit.as_str().to_owned()),
            revision: input.revision.as_i64(),
            updated_at: input.updated_at.as_datetime(),
            managed_by: managed_by.map(ToOwned::to_owned),
            managed_revision,
        }
    }
}

impl From<&Input> for InputRow {
    fn from(input: &Input) -> Self {
        Self {
            organisation_id: input.organisation_id.as_uuid(),
            id: input.id.as_uuid(),
            content: input.into(),
            created_at: input.created_at.as_datetime(),
        }
    }
}

impl TryFrom<&InputRow> for Input {
    type Error = StoreFailure;

    fn try_from(row: &InputRow) -> Result<Self, StoreFailure> {
        read(row).map_err(corrupt("inputs", row.id))
    }
}

fn read(
    InputRow { organisation_id, id, content, created_at }: &InputRow,
) -> Result<Input, Box<dyn Error + Send + Sync>> {
    Ok(Input {
        id: InputId::from_uuid(*id)?,
        organisation_id: OrganisationId::from_uuid(*organisation_id)?,
        kind: InputKind::restore(&content.kind)?,
        name: InputName::restore(&content.name)?,
        metric: content.metric.as_deref().map(Metric::restore).transpose()?,
        unit: content.unit.as_deref().map(Unit::restore).transpose()?,
        revision: revision(content.revision)?,
        created_at: Timestamp::truncated(*created_at),
        updated_at: Timestamp::truncated(content.updated_at),
        management: management(content.managed_by.as_deref(), content.managed_revision)?,
    })
}
