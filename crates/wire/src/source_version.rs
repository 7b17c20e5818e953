use std::sync::Arc;

use prediction_domain::model::{
    self, ALIASES, Contract, ContractDigest, Description, InputKind, Metric, ROLES, RoleName, SetName, SourceId,
    SourceVersionHead, SourceVersionId, Timestamp, Unit, VersionLabel, Violations,
};
use prediction_domain::requests::{InputRoleDraft, OutputRoleDraft, Sent, SourceVersionDraft};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::fields::{Fields, List, Shape};
use crate::lifecycle::Lifecycle;
use crate::rules::{self, FLAG, ID, LABEL, PROSE, Rule, WORD};

/// An immutable contract of a source: the inputs it needs, the outputs it gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceVersion {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: SourceVersionId,
    /// The source that it is of.
    #[schema(value_type = rules::Id, inline)]
    pub source_id: SourceId,
    /// Unique in its source; v1.0.0 and 1.0.0 are the same.
    #[schema(value_type = rules::Label, inline)]
    pub version: VersionLabel,
    /// Release notes.
    #[schema(value_type = rules::NullableProse, inline)]
    pub description: Option<Description>,
    /// The inputs that it needs.
    #[schema(value_type = Vec<InputRole>)]
    input_roles: InputRoles,
    /// The outputs that it gives.
    #[schema(value_type = Vec<OutputRole>)]
    output_roles: OutputRoles,
    /// The same for the same roles in any order, everywhere: SHA-256 over their canonical form.
    #[schema(value_type = rules::Digest, inline)]
    contract_digest: Digest,
    /// When it was published.
    #[schema(value_type = rules::Time, inline)]
    pub created_at: Timestamp,
    /// Whether it should be run.
    pub lifecycle: Lifecycle,
    /// The set of things that keeps it; null: it is kept by hand.
    #[serde(default)]
    #[schema(value_type = rules::NullableWord, inline)]
    pub managed_by: Option<SetName>,
}

impl SourceVersion {
    /// Its contract. Fails for an answer that this service did not give.
    pub fn contract(&self) -> Result<Contract, Violations> {
        Contract::new(self.input_roles.0.to_vec(), self.output_roles.0.to_vec())
    }

    /// The digest of its contract.
    #[must_use]
    pub fn contract_digest(&self) -> &ContractDigest {
        self.contract_digest.get()
    }

    /// What it is called, and its roles.
    pub(crate) fn into_described(self) -> (VersionLabel, Vec<InputRole>, Vec<OutputRole>) {
        let inputs = self.input_roles.0.iter().cloned().map(InputRole::from).collect();
        let outputs = self.output_roles.0.iter().cloned().map(OutputRole::from).collect();
        (self.version, inputs, outputs)
    }
}

/// A source version in a list: without its roles, unless they are asked for with expand=contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceVersionItem {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: SourceVersionId,
    /// The source that it is of.
    #[schema(value_type = rules::Id, inline)]
    pub source_id: SourceId,
    /// Unique in its source; v1.0.0 and 1.0.0 are the same.
    #[schema(value_type = rules::Label, inline)]
    pub version: VersionLabel,
    /// Release notes.
    #[schema(value_type = rules::NullableProse, inline)]
    pub description: Option<Description>,
    /// With expand=contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<InputRole>>, nullable = false)]
    input_roles: Option<InputRoles>,
    /// With expand=contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<OutputRole>>, nullable = false)]
    output_roles: Option<OutputRoles>,
    /// The same for the same roles in any order, everywhere: SHA-256 over their canonical form.
    #[schema(value_type = rules::Digest, inline)]
    pub contract_digest: ContractDigest,
    /// When it was published.
    #[schema(value_type = rules::Time, inline)]
    pub created_at: Timestamp,
    /// Whether it should be run.
    pub lifecycle: Lifecycle,
    /// The set of things that keeps it; null: it is kept by hand.
    #[serde(default)]
    #[schema(value_type = rules::NullableWord, inline)]
    pub managed_by: Option<SetName>,
}

impl SourceVersionItem {
    /// Its contract, if the answer has it.
    #[must_use]
    pub fn contract(&self) -> Option<Result<Contract, Violations>> {
        let (inputs, outputs) = (self.input_roles.as_ref()?, self.output_roles.as_ref()?);
        Some(Contract::new(inputs.0.to_vec(), outputs.0.to_vec()))
    }
}

/// A named slot for an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputRole {
    /// Its name, unique among the inputs of the version.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// Names that it had in earlier versions, the likeliest first. When a job comes to this version, what was bound to
    /// one of them is bound to this role. They do not belong to the digest.
    #[serde(default)]
    #[schema(value_type = Vec<rules::Word>, inline, required = true)]
    pub aliases: Vec<RoleName>,
    /// The kind of input that fits.
    #[schema(value_type = rules::Word, inline)]
    pub input_kind: InputKind,
    /// What the input measures.
    #[schema(value_type = rules::Word, inline)]
    pub metric: Metric,
    /// The unit of the metric.
    #[schema(value_type = rules::NullableWord, inline)]
    pub unit: Option<Unit>,
    /// Whether a job must bind this role.
    pub required: bool,
    /// What the input is for, for people.
    #[schema(value_type = rules::NullableProse, inline)]
    pub description: Option<Description>,
}

/// A named slot for an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputRole {
    /// Its name, unique among the outputs of the version.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// What is predicted.
    #[schema(value_type = rules::Word, inline)]
    pub metric: Metric,
    /// The unit of the metric.
    #[schema(value_type = rules::NullableWord, inline)]
    pub unit: Option<Unit>,
    /// Whether every run gives it.
    pub required: bool,
    /// What the output says, for people.
    #[schema(value_type = rules::NullableProse, inline)]
    pub description: Option<Description>,
}

/// The domain's roles, shared with their contract. Contracts may be long: they are gone through when they are written.
macro_rules! roles {
    ($name:ident, $role:ident { $($member:ident),+ }) => {
        #[derive(Debug, Clone, PartialEq, Eq)]
        struct $name(Arc<[model::$role]>);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().cloned().map($role::from))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let roles = Vec::<$role>::deserialize(deserializer)?;
                Ok(Self(roles.into_iter().map(model::$role::from).collect()))
            }
        }

        impl From<model::$role> for $role {
            fn from(role: model::$role) -> Self {
                Self { $($member: role.$member),+ }
            }
        }

        impl From<$role> for model::$role {
            fn from(role: $role) -> Self {
                Self { $($member: role.$member),+ }
            }
        }
    };
}

roles!(InputRoles, InputRole { aliases, description, input_kind, metric, required, role, unit });
roles!(OutputRoles, OutputRole { description, metric, required, role, unit });

/// A digest, computed when it is written.
#[derive(Debug, Clone)]
enum Digest {
    Of(Contract),
    Read(ContractDigest),
}

impl Digest {
    fn get(&self) -> &ContractDigest {
        match self {
            Self::Of(contract) => contract.digest(),
            Self::Read(digest) => digest,
        }
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Digest {}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ContractDigest::deserialize(deserializer).map(Self::Read)
    }
}

impl From<model::SourceVersion> for SourceVersion {
    fn from(version: model::SourceVersion) -> Self {
        Self {
            id: version.id,
            source_id: version.source_id,
            input_roles: InputRoles(version.contract.shared_input_roles()),
            output_roles: OutputRoles(version.contract.shared_output_roles()),
            contract_digest: Digest::Of(version.contract),
            version: version.version,
            description: version.description,
            created_at: version.created_at,
            lifecycle: version.lifecycle.into(),
            managed_by: version.managed_by,
        }
    }
}

impl From<model::SourceVersion> for SourceVersionItem {
    fn from(version: model::SourceVersion) -> Self {
        Self {
            input_roles: Some(InputRoles(version.contract.shared_input_roles())),
            output_roles: Some(OutputRoles(version.contract.shared_output_roles())),
            ..SourceVersionHead::from(version).into()
        }
    }
}

impl From<SourceVersionHead> for SourceVersionItem {
    fn from(head: SourceVersionHead) -> Self {
        Self {
            id: head.id,
            source_id: head.source_id,
            version: head.version,
            description: head.description,
            input_roles: None,
            output_roles: None,
            contract_digest: head.contract_digest,
            created_at: head.created_at,
            lifecycle: head.lifecycle.into(),
            managed_by: head.managed_by,
        }
    }
}

static INPUT_ROLE: Shape<InputRoleDraft> = Shape {
    name: "InputRoleRequest",
    about: "A named slot for an input.",
    members: |fields| {
        InputRoleDraft {
        role: fields.text("role", WORD.required().about("Unique among the inputs of the version, compared exactly.")),
        aliases: fields.texts(
            "aliases",
            List::of(&ALIASES).about(
                "Names that it had in earlier versions: when a job comes to this version, what was bound to one of them is \
                 bound to this role. None is a role of this version or stands in it twice.",
            ),
            WORD,
        ),
        input_kind: fields.text("input_kind", WORD.required().about("The kind of input that fits, such as sensor.")),
        metric: fields.text("metric", WORD.required().about("What the input measures.")),
        unit: fields.text("unit", WORD.nullable()),
        required: fields
            .flag("required", FLAG.or(true).about("Whether a job must bind this role; true when left out.")),
        description: fields.text("description", PROSE.nullable()),
    }
    },
};

static OUTPUT_ROLE: Shape<OutputRoleDraft> = Shape {
    name: "OutputRoleRequest",
    about: "A named slot for an output.",
    members: |fields| OutputRoleDraft {
        role: fields.text("role", WORD.required().about("Unique among the outputs of the version, compared exactly.")),
        metric: fields.text("metric", WORD.required().about("What is predicted.")),
        unit: fields.text("unit", WORD.nullable()),
        required: fields.flag("required", FLAG.or(true).about("Whether every run gives it; true when left out.")),
        description: fields.text("description", PROSE.nullable()),
    },
};

/// A source version, to be published or found.
pub static CREATE_SOURCE_VERSION: Shape<SourceVersionDraft> = Shape {
    name: "CreateSourceVersionRequest",
    about: "A source version, to be published or found.",
    members: |fields| SourceVersionDraft {
        id: fields.text("id", ID.nullable().about("Its identity, when you want to choose it.")),
        source_id: fields.text("source_id", ID.required()),
        version: fields.text("version", LABEL.required().about("Unique in its source; v1.0.0 and 1.0.0 are the same.")),
        description: fields.text("description", PROSE.nullable().about("Release notes.")),
        input_roles: fields.objects("input_roles", List::of(&ROLES).required(), &INPUT_ROLE),
        output_roles: fields.objects("output_roles", List::of(&ROLES).not_empty().required(), &OUTPUT_ROLE),
    },
};

/// The source version of a setup.
pub(crate) static SETUP_SOURCE_VERSION: Shape<SourceVersionDraft> =
    Shape { name: "JobSetupSourceVersion", about: "The source version of a setup.", members: setup_source_version };

fn setup_source_version(fields: &mut Fields<'_>) -> SourceVersionDraft {
    SourceVersionDraft {
        id: fields.text("id", ID.nullable()),
        source_id: fields
            .text("source_id", ID.nullable().about("May repeat the source of the setup, and nothing else.")),
        ..members(fields, LABEL.nullable())
    }
}

/// All that describes a version but its id and its source; one that is there may be described in part.
pub(crate) fn members(fields: &mut Fields<'_>, version: Rule) -> SourceVersionDraft {
    SourceVersionDraft {
        id: Sent::Absent,
        source_id: Sent::Absent,
        version: fields.text("version", version),
        description: fields.text("description", PROSE.nullable()),
        input_roles: fields.objects("input_roles", List::of(&ROLES), &INPUT_ROLE),
        output_roles: fields.objects("output_roles", List::of(&ROLES).not_empty(), &OUTPUT_ROLE),
    }
}
