use prediction_domain::model::{
    Contract, ContractDigest, Description, InputKind, InputRole, InputRoleDraft, Metric, OutputRole, OutputRoleDraft,
    ROLES, RoleName, SourceId, SourceVersion, SourceVersionDraft, SourceVersionHead, SourceVersionId, Timestamp, Unit,
    VersionLabel,
};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::fields::Fields;

/// An immutable contract of a source: the inputs it needs, the outputs it gives.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceVersion)]
pub(crate) struct SourceVersionBody {
    #[schema(value_type = uuid::Uuid)]
    id: SourceVersionId,
    #[schema(value_type = uuid::Uuid)]
    source_id: SourceId,
    /// Unique in its source; v1.0.0 and 1.0.0 are the same.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    version: VersionLabel,
    #[schema(value_type = Option<String>, max_length = 10_000)]
    description: Option<Description>,
    #[serde(serialize_with = "input_roles")]
    #[schema(value_type = Vec<InputRoleBody>)]
    input_roles: Contract,
    #[serde(serialize_with = "output_roles")]
    #[schema(value_type = Vec<OutputRoleBody>)]
    output_roles: Contract,
    /// The same for the same roles in any order, everywhere: SHA-256 over their canonical form.
    #[serde(serialize_with = "contract_digest")]
    #[schema(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    contract_digest: Contract,
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
}

/// A source version in a list: without its roles, unless they are asked for with expand=contract.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceVersionItem)]
pub(crate) struct SourceVersionItem {
    #[schema(value_type = uuid::Uuid)]
    id: SourceVersionId,
    #[schema(value_type = uuid::Uuid)]
    source_id: SourceId,
    /// Unique in its source; v1.0.0 and 1.0.0 are the same.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    version: VersionLabel,
    #[schema(value_type = Option<String>, max_length = 10_000)]
    description: Option<Description>,
    /// With expand=contract.
    #[serde(serialize_with = "input_roles_if_any", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<InputRoleBody>>, nullable = false)]
    input_roles: Option<Contract>,
    /// With expand=contract.
    #[serde(serialize_with = "output_roles_if_any", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<OutputRoleBody>>, nullable = false)]
    output_roles: Option<Contract>,
    /// The same for the same roles in any order, everywhere: SHA-256 over their canonical form.
    #[schema(value_type = String, pattern = "^sha256:[0-9a-f]{64}$")]
    contract_digest: ContractDigest,
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
}

impl From<SourceVersion> for SourceVersionItem {
    fn from(version: SourceVersion) -> Self {
        Self {
            input_roles: Some(version.contract.clone()),
            output_roles: Some(version.contract.clone()),
            ..SourceVersionHead::from(version).into()
        }
    }
}

impl From<SourceVersionHead> for SourceVersionItem {
    fn from(head: SourceVersionHead) -> Self {
        let SourceVersionHead { id, source_id, version, description, contract_digest, created_at } = head;
        Self { id, source_id, version, description, input_roles: None, output_roles: None, contract_digest, created_at }
    }
}

/// A named slot for an input.
#[derive(Serialize, ToSchema)]
#[schema(as = InputRole)]
pub(crate) struct InputRoleBody {
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    role: RoleName,
    /// The kind of input that fits.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    input_kind: InputKind,
    /// What the input measures.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    metric: Metric,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    unit: Option<Unit>,
    /// Whether a job cannot do without.
    required: bool,
    #[schema(value_type = Option<String>, max_length = 10_000)]
    description: Option<Description>,
}

/// A named slot for an output.
#[derive(Serialize, ToSchema)]
#[schema(as = OutputRole)]
pub(crate) struct OutputRoleBody {
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    role: RoleName,
    /// What is predicted.
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    metric: Metric,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    unit: Option<Unit>,
    /// Whether every run gives it.
    required: bool,
    #[schema(value_type = Option<String>, max_length = 10_000)]
    description: Option<Description>,
}

impl From<SourceVersion> for SourceVersionBody {
    fn from(version: SourceVersion) -> Self {
        Self {
            id: version.id,
            source_id: version.source_id,
            input_roles: version.contract.clone(),
            output_roles: version.contract.clone(),
            contract_digest: version.contract,
            version: version.version,
            description: version.description,
            created_at: version.created_at,
        }
    }
}

/// Contracts may be long: they are gone through when they are written, wherever that is.
fn input_roles<S: Serializer>(contract: &Contract, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(contract.input_roles().iter().cloned().map(InputRoleBody::from))
}

fn output_roles<S: Serializer>(contract: &Contract, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(contract.output_roles().iter().cloned().map(OutputRoleBody::from))
}

#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn input_roles_if_any<S: Serializer>(contract: &Option<Contract>, serializer: S) -> Result<S::Ok, S::Error> {
    match contract {
        Some(contract) => input_roles(contract, serializer),
        None => serializer.serialize_none(),
    }
}

#[expect(clippy::ref_option, reason = "what serde calls it with")]
fn output_roles_if_any<S: Serializer>(contract: &Option<Contract>, serializer: S) -> Result<S::Ok, S::Error> {
    match contract {
        Some(contract) => output_roles(contract, serializer),
        None => serializer.serialize_none(),
    }
}

fn contract_digest<S: Serializer>(contract: &Contract, serializer: S) -> Result<S::Ok, S::Error> {
    contract.digest().serialize(serializer)
}

impl From<InputRole> for InputRoleBody {
    fn from(role: InputRole) -> Self {
        Self {
            role: role.role,
            input_kind: role.input_kind,
            metric: role.metric,
            unit: role.unit,
            required: role.required,
            description: role.description,
        }
    }
}

impl From<OutputRole> for OutputRoleBody {
    fn from(role: OutputRole) -> Self {
        Self {
            role: role.role,
            metric: role.metric,
            unit: role.unit,
            required: role.required,
            description: role.description,
        }
    }
}

pub(crate) fn decode_source_version(fields: &mut Fields<'_>) -> SourceVersionDraft {
    SourceVersionDraft {
        id: fields.text("id"),
        source_id: fields.text("source_id"),
        version: fields.text("version"),
        description: fields.text("description"),
        input_roles: fields.objects("input_roles", &ROLES, decode_input_role),
        output_roles: fields.objects("output_roles", &ROLES, decode_output_role),
    }
}

fn decode_input_role(fields: &mut Fields<'_>) -> InputRoleDraft {
    InputRoleDraft {
        role: fields.text("role"),
        input_kind: fields.text("input_kind"),
        metric: fields.text("metric"),
        unit: fields.text("unit"),
        required: fields.flag("required"),
        description: fields.text("description"),
    }
}

fn decode_output_role(fields: &mut Fields<'_>) -> OutputRoleDraft {
    OutputRoleDraft {
        role: fields.text("role"),
        metric: fields.text("metric"),
        unit: fields.text("unit"),
        required: fields.flag("required"),
        description: fields.text("description"),
    }
}

/// A source version, to be published or found.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_source_version reads")]
pub(crate) struct NewSourceVersion {
    /// Its identity, when you want to choose it.
    id: Option<uuid::Uuid>,
    source_id: uuid::Uuid,
    /// Unique in its source; v1.0.0 and 1.0.0 are the same.
    #[schema(min_length = 1, max_length = 100)]
    version: String,
    /// Release notes.
    #[schema(max_length = 10_000)]
    description: Option<String>,
    #[schema(max_items = 200)]
    input_roles: Vec<NewInputRole>,
    #[schema(min_items = 1, max_items = 200)]
    output_roles: Vec<NewOutputRole>,
}

/// A named slot for an input.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_input_role reads")]
pub(crate) struct NewInputRole {
    /// Unique among the inputs of the version, compared exactly.
    #[schema(min_length = 1, max_length = 100)]
    role: String,
    /// The kind of input that fits, such as sensor.
    #[schema(min_length = 1, max_length = 100)]
    input_kind: String,
    /// What the input measures.
    #[schema(min_length = 1, max_length = 100)]
    metric: String,
    #[schema(min_length = 1, max_length = 100)]
    unit: Option<String>,
    /// Whether a job cannot do without; true when left out.
    #[schema(nullable = false, default = true)]
    required: Option<bool>,
    #[schema(max_length = 10_000)]
    description: Option<String>,
}

/// A named slot for an output.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_output_role reads")]
pub(crate) struct NewOutputRole {
    /// Unique among the outputs of the version, compared exactly.
    #[schema(min_length = 1, max_length = 100)]
    role: String,
    /// What is predicted.
    #[schema(min_length = 1, max_length = 100)]
    metric: String,
    #[schema(min_length = 1, max_length = 100)]
    unit: Option<String>,
    /// Whether every run gives it; true when left out.
    #[schema(nullable = false, default = true)]
    required: Option<bool>,
    #[schema(max_length = 10_000)]
    description: Option<String>,
}
