use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{Input, InputId, InputKind, InputName, Metric, OrganisationId, Unit};

use super::{CorruptRow, Reading, stored_management};
use crate::schema::inputs;

#[derive(Debug, Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = inputs, check_for_backend(Sqlite))]
pub(crate) struct InputRow {
    organisation_id: String,
    id: String,
    #[diesel(embed)]
    content: InputContent,
    created_at: i64,
}

/// What an update replaces.
#[derive(Debug, Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = inputs, treat_none_as_null = true, check_for_backend(Sqlite))]
pub(crate) struct InputContent {
    kind: String,
    name: String,
    name_key: String,
    metric: Option<String>,
    unit: Option<String>,
    revision: i64,
    updated_at: i64,
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
            updated_at: input.updated_at.as_micros(),
            managed_by,
            managed_revision,
        }
    }
}

impl From<&Input> for InputRow {
    fn from(input: &Input) -> Self {
        Self {
            organisation_id: input.organisation_id.to_string(),
            id: input.id.to_string(),
            content: input.into(),
            created_at: input.created_at.as_micros(),
        }
    }
}

impl TryFrom<&InputRow> for Input {
    type Error = CorruptRow;

    fn try_from(InputRow { organisation_id, id, content, created_at }: &InputRow) -> Result<Self, CorruptRow> {
        let reading = Reading { table: "inputs", id };
        Ok(Self {
            id: reading.column("id", InputId::parse(id))?,
            organisation_id: reading.column("organisation_id", OrganisationId::parse(organisation_id))?,
            kind: reading.column("kind", InputKind::restore(&content.kind))?,
            name: reading.column("name", InputName::restore(&content.name))?,
            metric: reading.column("metric", content.metric.as_deref().map(Metric::restore).transpose())?,
            unit: reading.column("unit", content.unit.as_deref().map(Unit::restore).transpose())?,
            revision: reading.revision(content.revision)?,
            created_at: reading.time("created_at", *created_at)?,
            updated_at: reading.time("updated_at", content.updated_at)?,
            management: reading.management(content.managed_by.as_deref(), content.managed_revision)?,
        })
    }
}
