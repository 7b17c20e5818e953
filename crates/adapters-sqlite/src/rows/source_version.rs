use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    Contract, ContractDigest, Description, Lifecycle, LifecycleStage, SourceId, SourceVersion, SourceVersionHead,
    SourceVersionId, Subject, VersionLabel,
};

use super::{CorruptRow, Reading, json};
use crate::schema::{source_version_lifecycles, source_versions};

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = source_versions, check_for_backend(Sqlite))]
pub(crate) struct SourceVersionRow {
    id: String,
    source_id: String,
    version: String,
    version_key: String,
    description: Option<String>,
    input_roles: String,
    output_roles: String,
    contract_digest: String,
    created_at: i64,
    managed_by: Option<String>,
}

/// Without its roles.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = source_versions, check_for_backend(Sqlite))]
pub(crate) struct SourceVersionHeadRow {
    id: String,
    source_id: String,
    version: String,
    description: Option<String>,
    contract_digest: String,
    created_at: i64,
    managed_by: Option<String>,
}

/// Where a version is in its life; a version that begins has no row.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = source_version_lifecycles, primary_key(source_version_id))]
#[diesel(check_for_backend(Sqlite), treat_none_as_null = true)]
pub(crate) struct LifecycleRow {
    source_version_id: String,
    stage: String,
    reason: Option<String>,
    replaced_by: Option<String>,
    end_of_life_at: Option<i64>,
    revision: i64,
    changed_at: Option<i64>,
    changed_by: Option<String>,
}

/// A version beside where it is in its life.
#[derive(Debug, Queryable, Selectable)]
#[diesel(check_for_backend(Sqlite))]
pub(crate) struct PublishedVersionRow {
    #[diesel(embed)]
    version: SourceVersionRow,
    #[diesel(embed)]
    lifecycle: Option<LifecycleRow>,
}

/// The same without its roles.
#[derive(Debug, Queryable, Selectable)]
#[diesel(check_for_backend(Sqlite))]
pub(crate) struct PublishedVersionHeadRow {
    #[diesel(embed)]
    version: SourceVersionHeadRow,
    #[diesel(embed)]
    lifecycle: Option<LifecycleRow>,
}

impl LifecycleRow {
    pub(crate) fn of(id: SourceVersionId, lifecycle: &Lifecycle) -> Self {
        let Lifecycle { stage, reason, replaced_by, end_of_life_at, revision, changed_at, changed_by } = lifecycle;
        Self {
            source_version_id: id.to_string(),
            stage: stage.as_str().to_owned(),
            reason: reason.as_ref().map(|text| text.as_str().to_owned()),
            replaced_by: replaced_by.map(|id| id.to_string()),
            end_of_life_at: end_of_life_at.map(|time| time.as_micros()),
            revision: revision.as_i64(),
            changed_at: changed_at.map(|time| time.as_micros()),
            changed_by: changed_by.as_ref().map(|subject| subject.as_str().to_owned()),
        }
    }

    fn restore(&self) -> Result<Lifecycle, CorruptRow> {
        let reading = Reading { table: "source_version_lifecycles", id: &self.source_version_id };
        let reason = self.reason.as_deref().map(Description::restore).transpose();
        let replaced_by = self.replaced_by.as_deref().map(SourceVersionId::parse).transpose();
        Ok(Lifecycle {
            stage: reading.column("stage", LifecycleStage::parse(&self.stage))?,
            reason: reading.column("reason", reason)?,
            replaced_by: reading.column("replaced_by", replaced_by)?,
            end_of_life_at: reading.time_if_any("end_of_life_at", self.end_of_life_at)?,
            revision: reading.revision(self.revision)?,
            changed_at: reading.time_if_any("changed_at", self.changed_at)?,
            changed_by: self.changed_by.as_deref().map(Subject::of),
        })
    }
}

fn lifecycle_of(row: Option<&LifecycleRow>) -> Result<Lifecycle, CorruptRow> {
    row.map_or_else(|| Ok(Lifecycle::default()), LifecycleRow::restore)
}

impl TryFrom<&PublishedVersionHeadRow> for SourceVersionHead {
    type Error = CorruptRow;

    fn try_from(
        PublishedVersionHeadRow { version: row, lifecycle }: &PublishedVersionHeadRow,
    ) -> Result<Self, CorruptRow> {
        let reading = Reading { table: "source_versions", id: &row.id };
        let description = row.description.as_deref().map(Description::restore).transpose();
        let digest = ContractDigest::restore(&row.contract_digest).ok_or("it is none");
        Ok(Self {
            id: reading.column("id", SourceVersionId::parse(&row.id))?,
            source_id: reading.column("source_id", SourceId::parse(&row.source_id))?,
            version: reading.column("version", VersionLabel::restore(&row.version))?,
            description: reading.column("description", description)?,
            contract_digest: reading.column("contract_digest", digest)?,
            created_at: reading.time("created_at", row.created_at)?,
            lifecycle: lifecycle_of(lifecycle.as_ref())?,
            managed_by: reading.set(row.managed_by.as_deref())?,
        })
    }
}

impl From<&SourceVersion> for SourceVersionRow {
    fn from(source_version: &SourceVersion) -> Self {
        // Where it is in its life has a table of its own.
        let SourceVersion { id, source_id, version, description, contract, created_at, lifecycle: _, managed_by } =
            source_version;
        Self {
            id: id.to_string(),
            source_id: source_id.to_string(),
            version: version.as_str().to_owned(),
            version_key: version.key().to_owned(),
            description: description.as_ref().map(|text| text.as_str().to_owned()),
            input_roles: json::of_input_roles(contract.input_roles()),
            output_roles: json::of_output_roles(contract.output_roles()),
            contract_digest: contract.digest().as_str().to_owned(),
            created_at: created_at.as_micros(),
            managed_by: managed_by.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<&PublishedVersionRow> for SourceVersion {
    type Error = CorruptRow;

    fn try_from(PublishedVersionRow { version: row, lifecycle }: &PublishedVersionRow) -> Result<Self, CorruptRow> {
        let reading = Reading { table: "source_versions", id: &row.id };
        let input_roles = reading.column("input_roles", json::to_input_roles(&row.input_roles))?;
        let output_roles = reading.column("output_roles", json::to_output_roles(&row.output_roles))?;
        let contract = reading.column("contract", Contract::new(input_roles, output_roles))?;
        // The digest was promised to other systems, so a contract that no longer has it is not the published one.
        let has_digest = contract.digest().as_str() == row.contract_digest;
        reading.column("contract_digest", has_digest.then_some(()).ok_or("the roles have another digest"))?;
        let description = row.description.as_deref().map(Description::restore).transpose();
        Ok(Self {
            id: reading.column("id", SourceVersionId::parse(&row.id))?,
            source_id: reading.column("source_id", SourceId::parse(&row.source_id))?,
            version: reading.column("version", VersionLabel::restore(&row.version))?,
            description: reading.column("description", description)?,
            contract,
            created_at: reading.time("created_at", row.created_at)?,
            lifecycle: lifecycle_of(lifecycle.as_ref())?,
            managed_by: reading.set(row.managed_by.as_deref())?,
        })
    }
}
