use std::error::Error;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{Insertable, Queryable, Selectable};
use prediction_domain::model::{
    Contract, ContractDigest, Description, InputKind, InputRole, Metric, OutputRole, RoleName, SourceId, SourceVersion,
    SourceVersionHead, SourceVersionId, Timestamp, Unit, ValueProblem, VersionLabel,
};
use prediction_domain::ports::StoreFailure;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{JsonList, corrupt};
use crate::schema::source_versions;

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
}

impl TryFrom<&SourceVersionHeadRow> for SourceVersionHead {
    type Error = StoreFailure;

    fn try_from(row: &SourceVersionHeadRow) -> Result<Self, StoreFailure> {
        read_head(row).map_err(corrupt("source_versions", row.id))
    }
}

fn read_head(row: &SourceVersionHeadRow) -> Result<SourceVersionHead, Box<dyn Error + Send + Sync>> {
    Ok(SourceVersionHead {
        id: SourceVersionId::from_uuid(row.id)?,
        source_id: SourceId::from_uuid(row.source_id)?,
        version: VersionLabel::restore(&row.version)?,
        description: row.description.as_deref().map(Description::restore).transpose()?,
        contract_digest: ContractDigest::restore(&row.contract_digest).ok_or("the digest is none")?,
        created_at: Timestamp::truncated(row.created_at),
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

impl TryFrom<&SourceVersionRow> for SourceVersion {
    type Error = StoreFailure;

    fn try_from(row: &SourceVersionRow) -> Result<Self, StoreFailure> {
        read(row).map_err(corrupt("source_versions", row.id))
    }
}

fn read(row: &SourceVersionRow) -> Result<SourceVersion, Box<dyn Error + Send + Sync>> {
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
