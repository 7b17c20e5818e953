use prediction_domain::model::{self, Compatibility, RoleChange, RoleName, SourceVersionId, VersionLabel};
use prediction_domain::use_cases::ComparedVersions;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::rules;

/// What changes from one version of a source to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceVersionComparison {
    /// The version of `with`.
    pub from: SourceVersionReference,
    /// The version of the path.
    pub to: SourceVersionReference,
    /// The most that any role asks for.
    #[schema(value_type = rules::OpenCompatibility, inline)]
    pub compatibility: Compatibility,
    /// The inputs, in the order of the later version, and then those that it lacks.
    pub input_roles: Vec<RoleComparison>,
    /// The outputs, likewise.
    pub output_roles: Vec<RoleComparison>,
}

/// Which version it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceVersionReference {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: SourceVersionId,
    /// What it is called.
    #[schema(value_type = rules::Label, inline)]
    pub version: VersionLabel,
}

/// One role in two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleComparison {
    /// Its name.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// What the version of `with` calls it, where that is another name: one of its aliases.
    #[schema(value_type = rules::NullableWord, inline)]
    pub previous_role: Option<RoleName>,
    /// What became of it.
    #[schema(value_type = rules::OpenRoleChange, inline)]
    pub change: RoleChange,
    /// What that asks for.
    #[schema(value_type = rules::OpenCompatibility, inline)]
    pub compatibility: Compatibility,
    /// In what it is different, but for its name.
    pub differences: Vec<MemberDifference>,
}

/// A member of a role that is different.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberDifference {
    /// Its name, as in a source version.
    pub member: String,
    /// What it was; null: nothing.
    pub from: Value,
    /// What it is; null: nothing.
    pub to: Value,
}

impl From<ComparedVersions> for SourceVersionComparison {
    fn from(compared: ComparedVersions) -> Self {
        let reference = |version: &model::SourceVersion| SourceVersionReference {
            id: version.id,
            version: version.version.clone(),
        };
        let model::ContractComparison { compatibility, input_roles, output_roles } = compared.comparison;
        let roles = |roles: Vec<model::RoleComparison>| roles.into_iter().map(RoleComparison::from).collect();
        Self {
            from: reference(&compared.from),
            to: reference(&compared.to),
            compatibility,
            input_roles: roles(input_roles),
            output_roles: roles(output_roles),
        }
    }
}

impl From<model::RoleComparison> for RoleComparison {
    fn from(compared: model::RoleComparison) -> Self {
        let difference = |difference: model::MemberDifference| MemberDifference {
            member: difference.member.to_owned(),
            from: difference.from,
            to: difference.to,
        };
        Self {
            role: compared.role,
            previous_role: compared.previous_role,
            change: compared.change,
            compatibility: compared.compatibility,
            differences: compared.differences.into_iter().map(difference).collect(),
        }
    }
}
