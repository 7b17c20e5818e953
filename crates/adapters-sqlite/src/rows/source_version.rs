use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use prediction_domain::model::{
    Contract, ContractDigest, Description, SourceId, SourceVersion, SourceVersionHead, SourceVersionId, VersionLabel,
};

use super::{CorruptRow, Reading, json};
use crate::schema::source_versions;

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
}

impl TryFrom<&SourceVersionHeadRow> for SourceVersionHead {
    type Error = CorruptRow;

    fn try_from(row: &SourceVersionHeadRow) -> Result<Self, CorruptRow> {
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
        })
    }
}

impl From<&SourceVersion> for SourceVersionRow {
    fn from(source_version: &SourceVersion) -> Self {
        let SourceVersion { id, source_id, version, description, contract, created_at } = source_version;
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
        }
    }
}

impl TryFrom<&SourceVersionRow> for SourceVersion {
    type Error = CorruptRow;

    fn try_from(row: &SourceVersionRow) -> Result<Self, CorruptRow> {
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
        })
    }
}
