use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use prediction_domain::model::{
    Contract, ContractDigest, Description, InputKind, InputRole, Lifecycle, LifecycleStage, Metric, OutputRole,
    RoleName, SetName, SourceId, SourceVersion, SourceVersionHead, SourceVersionId, Subject, Timestamp, Unit,
    ValueProblem, VersionLabel,
};
use prediction_domain::ports::StoreFailure;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{JsonList, corrupt};
use crate::schema::{source_version_lifecycles, source_versions};

/// A row of `source_versions`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = source_versions, check_for_backend(Pg))]
pub(crate) struct SourceVersionRow {
    pub(crate) id: Uuid,
    source_id: Uuid,
    version: String,
    version_key: String,
    description: Option<String>,
    input_roles: JsonList<StoredInputRole>,
    output_roles: JsonList<StoredOutputRole>,
    contract_digest: String,
    created_at: DateTime<Utc>,
    managed_by: Option<String>,
}

/// A row of `source_versions` without its roles.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = source_versions, check_for_backend(Pg))]
pub(crate) struct SourceVersionHeadRow {
    id: Uuid,
    source_id: Uuid,
    version: String,
    description: Option<String>,
    contract_digest: String,
    created_at: DateTime<Utc>,
    managed_by: Option<String>,
}

/// Where a version is in its life; a version that begins has no row.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = source_version_lifecycles, primary_key(source_version_id))]
#[diesel(check_for_backend(Pg), treat_none_as_null = true)]
pub(crate) struct LifecycleRow {
    pub(crate) source_version_id: Uuid,
    stage: String,
    reason: Option<String>,
    replaced_by: Option<Uuid>,
    end_of_life_at: Option<DateTime<Utc>>,
    revision: i64,
    changed_at: Option<DateTime<Utc>>,
    changed_by: Option<String>,
}

/// A version beside where it is in its life.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(check_for_backend(Pg))]
pub(crate) struct PublishedVersionRow {
    #[diesel(embed)]
    version: SourceVersionRow,
    #[diesel(embed)]
    lifecycle: Option<LifecycleRow>,
}

/// The same without its roles.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(check_for_backend(Pg))]
pub(crate) struct PublishedVersionHeadRow {
    #[diesel(embed)]
    version: SourceVersionHeadRow,
    #[diesel(embed)]
    lifecycle: Option<LifecycleRow>,
}

impl PublishedVersionRow {
    pub(crate) fn id(&self) -> Uuid {
        self.version.id
    }
}

impl LifecycleRow {
    pub(crate) fn of(id: SourceVersionId, lifecycle: &Lifecycle) -> Self {
        let Lifecycle { stage, reason, replaced_by, end_of_life_at, revision, changed_at, changed_by } = lifecycle;
        Self {
            source_version_id: id.as_uuid(),
            stage: stage.as_str().to_owned(),
            reason: reason.as_ref().map(ToString::to_string),
            replaced_by: replaced_by.map(|id| id.as_uuid()),
            end_of_life_at: end_of_life_at.map(|time| time.as_datetime()),
            revision: revision.as_i64(),
            changed_at: changed_at.map(|time| time.as_datetime()),
            changed_by: changed_by.as_ref().map(|subject| subject.as_str().to_owned()),
        }
    }
}

fn read_lifecycle(row: Option<&LifecycleRow>) -> Result<Lifecycle, Box<dyn Error + Send + Sync>> {
    let Some(row) = row else { return Ok(Lifecycle::default()) };
    Ok(Lifecycle {
        stage: LifecycleStage::parse(&row.stage)?,
        reason: row.reason.as_deref().map(Description::restore).transpose()?,
        replaced_by: row.replaced_by.map(SourceVersionId::from_uuid).transpose()?,
        end_of_life_at: row.end_of_life_at.map(Timestamp::truncated),
        revision: super::revision(row.revision)?,
        changed_at: row.changed_at.map(Timestamp::truncated),
        changed_by: row.changed_by.as_deref().map(Subject::of),
    })
}

impl TryFrom<&PublishedVersionHeadRow> for SourceVersionHead {
    type Error = StoreFailure;

    fn try_from(row: &PublishedVersionHeadRow) -> Result<Self, StoreFailure> {
        read_head(row).map_err(corrupt("source_versions", row.version.id))
    }
}

fn read_head(
    PublishedVersionHeadRow { version: row, lifecycle }: &PublishedVersionHeadRow,
) -> Result<SourceVersionHead, Box<dyn Error + Send + Sync>> {
    Ok(SourceVersionHead {
        id: SourceVersionId::from_uuid(row.id)?,
        source_id: SourceId::from_uuid(row.source_id)?,
        version: VersionLabel::restore(&row.version)?,
        description: row.description.as_deref().map(Description::restore).transpose()?,
        contract_digest: ContractDigest::restore(&row.contract_digest).ok_or("the digest is none")?,
        created_at: Timestamp::truncated(row.created_at),
        lifecycle: read_lifecycle(lifecycle.as_ref())?,
        managed_by: row.managed_by.as_deref().map(SetName::restore).transpose()?,
    })
}

/// An input role in `source_versions.input_roles`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredInputRole {
    role: String,
    /// Versions that were published before there were aliases lack the member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    input_kind: String,
    metric: String,
    unit: Option<String>,
    required: bool,
    description: Option<String>,
}

/// An output role in `source_versions.output_roles`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredOutputRole {
    role: String,
    metric: String,
    unit: Option<String>,
    required: bool,
    description: Option<String>,
}

impl From<&SourceVersion> for SourceVersionRow {
    fn from(version: &SourceVersion) -> Self {
        Self {
            id: version.id.as_uuid(),
            source_id: version.source_id.as_uuid(),
            version: version.version.as_str().to_owned(),
            version_key: version.version.key().to_owned(),
            description: version.description.as_ref().map(ToString::to_string),
            input_roles: version.contract.input_roles().iter().map(StoredInputRole::from).collect(),
            output_roles: version.contract.output_roles().iter().map(StoredOutputRole::from).collect(),
            contract_digest: version.contract.digest().as_str().to_owned(),
            created_at: version.created_at.as_datetime(),
            managed_by: version.managed_by.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&InputRole> for StoredInputRole {
    fn from(role: &InputRole) -> Self {
        Self {
            role: role.role.to_string(),
            aliases: role.aliases.iter().map(ToString::to_string).collect(),
            input_kind: role.input_kind.to_string(),
            metric: role.metric.to_string(),
            unit: role.unit.as_ref().map(ToString::to_string),
            required: role.required,
            description: role.description.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&OutputRole> for StoredOutputRole {
    fn from(role: &OutputRole) -> Self {
        Self {
            role: role.role.to_string(),
            metric: role.metric.to_string(),
            unit: role.unit.as_ref().map(ToString::to_string),
            required: role.required,
            description: role.description.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<&PublishedVersionRow> for SourceVersion {
    type Error = StoreFailure;

    fn try_from(row: &PublishedVersionRow) -> Result<Self, StoreFailure> {
        read(row).map_err(corrupt("source_versions", row.id()))
    }
}

fn read(
    PublishedVersionRow { version: row, lifecycle }: &PublishedVersionRow,
) -> Result<SourceVersion, Box<dyn Error + Send + Sync>> {
    let input_roles = row.input_roles.0.iter().map(InputRole::try_from).collect::<Result<_, _>>()?;
    let output_roles = row.output_roles.0.iter().map(OutputRole::try_from).collect::<Result<_, _>>()?;
    let contract = Contract::new(input_roles, output_roles)?;
    // The trigger that keeps contracts as they were published was bypassed.
    if contract.digest().as_str() != row.contract_digest {
        return Err("the contract is not the one that was published: its digest differs".into());
    }
    Ok(SourceVersion {
        id: SourceVersionId::from_uuid(row.id)?,
        source_id: SourceId::from_uuid(row.source_id)?,
        version: VersionLabel::restore(&row.version)?,
        description: row.description.as_deref().map(Description::restore).transpose()?,
        contract,
        created_at: Timestamp::truncated(row.created_at),
        lifecycle: read_lifecycle(lifecycle.as_ref())?,
        managed_by: row.managed_by.as_deref().map(SetName::restore).transpose()?,
    })
}

impl TryFrom<&StoredInputRole> for InputRole {
    type Error = ValueProblem;

    fn try_from(stored: &StoredInputRole) -> Result<Self, ValueProblem> {
        Ok(Self {
            aliases: stored.aliases.iter().map(|alias| RoleName::restore(alias)).collect::<Result<_, _>>()?,
            description: stored.description.as_deref().map(Description::restore).transpose()?,
            input_kind: InputKind::restore(&stored.input_kind)?,
            metric: Metric::restore(&stored.metric)?,
            required: stored.required,
            role: RoleName::restore(&stored.role)?,
            unit: stored.unit.as_deref().map(Unit::restore).transpose()?,
        })
    }
}

impl TryFrom<&StoredOutputRole> for OutputRole {
    type Error = ValueProblem;

    fn try_from(stored: &StoredOutputRole) -> Result<Self, ValueProblem> {
        Ok(Self {
            description: stored.description.as_deref().map(Description::restore).transpose()?,
            metric: Metric::restore(&stored.metric)?,
            required: stored.required,
            role: RoleName::restore(&stored.role)?,
            unit: stored.unit.as_deref().map(Unit::restore).transpose()?,
        })
    }
}
