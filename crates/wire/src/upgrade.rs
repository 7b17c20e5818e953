use prediction_domain::model::{self, BINDINGS, Compatibility, InputAction, OutputAction, OutputId, RoleName};
use prediction_domain::requests::{MAPPED_ROLES, RestoreDraft, UpgradeDraft};
use prediction_domain::use_cases;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::comparison::SourceVersionReference;
use crate::fields::{List, Shape};
use crate::job::{Job, ROLE_BINDING, RoleBinding};
use crate::rules::{self, ID, LABEL, REVISION, WORD};
use crate::warning::Warning;

/// A job that runs another version now, with what was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobUpgrade {
    /// The job as it is now.
    pub job: Job,
    /// What was done.
    pub plan: UpgradePlan,
    /// What was done and may not have been meant.
    pub warnings: Vec<Warning>,
}

/// What an upgrade does with each role of the two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UpgradePlan {
    /// The version that the job ran.
    pub from: SourceVersionReference,
    /// The version that it is to run.
    pub to: SourceVersionReference,
    /// What the change of the contract asks for, whatever the job has bound.
    #[schema(value_type = rules::OpenCompatibility, inline)]
    pub compatibility: Compatibility,
    /// The inputs, in the order of the version to which the job goes, and then what is dropped.
    pub inputs: Vec<UpgradeInput>,
    /// The outputs, likewise.
    pub outputs: Vec<UpgradeOutput>,
}

/// What an upgrade does with one input role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UpgradeInput {
    /// Its name; of one that is dropped, the name that it had.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// What is done.
    #[schema(value_type = rules::OpenInputAction, inline)]
    pub action: InputAction,
    /// What it was called before, where that is another name.
    #[schema(value_type = rules::NullableWord, inline)]
    pub previous_role: Option<RoleName>,
    /// What is bound to it; of one that is dropped, what was.
    pub binding: Option<RoleBinding>,
}

/// What an upgrade does with one output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpgradeOutput {
    /// Its role.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// What is done.
    #[schema(value_type = rules::OpenOutputAction, inline)]
    pub action: OutputAction,
    /// What its predictions are filed under. In a dry run, that of an added one is an example.
    #[schema(value_type = rules::Id, inline)]
    pub id: OutputId,
}

impl From<use_cases::JobUpgraded> for JobUpgrade {
    fn from(upgraded: use_cases::JobUpgraded) -> Self {
        Self {
            job: upgraded.job.into(),
            plan: upgraded.plan.into(),
            warnings: upgraded.warnings.into_iter().map(Warning::from).collect(),
        }
    }
}

impl From<model::UpgradePlan> for UpgradePlan {
    fn from(plan: model::UpgradePlan) -> Self {
        let input = |step: model::InputStep| UpgradeInput {
            role: step.role,
            action: step.action,
            previous_role: step.previous_role,
            binding: step.binding.map(RoleBinding::from),
        };
        let output = |step: model::OutputStep| UpgradeOutput { role: step.role, action: step.action, id: step.id };
        Self {
            from: plan.from.into(),
            to: plan.to.into(),
            compatibility: plan.compatibility,
            inputs: plan.inputs.into_iter().map(input).collect(),
            outputs: plan.outputs.into_iter().map(output).collect(),
        }
    }
}

/// To which version a job is to go, and what is to be bound anew.
pub static UPGRADE_JOB: Shape<UpgradeDraft> = Shape {
    name: "UpgradeJobRequest",
    about: "To which version a job is to go, and what is to be bound anew. What is left out is carried over.",
    members: |fields| {
        UpgradeDraft {
        source_version_id: fields
            .text("source_version_id", ID.nullable().about("A version of the same source. Without it and `version`: the newest one.")),
        version: fields.text("version", LABEL.nullable().about("What that version is called.")),
        role_bindings: fields.objects(
            "role_bindings",
            List::of(&BINDINGS).nullable().about("The roles that are to be bound anew, and only those."),
            &ROLE_BINDING,
        ),
        role_mapping: fields.texts_by_name(
            "role_mapping",
            List::of(&MAPPED_ROLES).about(
                "Roles that have another name in the version: the name that the job has bound, and the name in the version. It \
                 goes before equal names and aliases.",
            ),
            WORD,
        ),
        revision: fields
            .whole_number("revision", REVISION.nullable().about("Only this revision is upgraded, like If-Match.")),
    }
    },
};

/// At which revision a job was what it is to be again.
pub static RESTORE_JOB: Shape<RestoreDraft> = Shape {
    name: "RestoreJobRequest",
    about: "At which revision a job was what it is to be again.",
    members: |fields| RestoreDraft { revision: fields.whole_number("revision", REVISION.required()) },
};

impl From<model::VersionReference> for SourceVersionReference {
    fn from(reference: model::VersionReference) -> Self {
        Self { id: reference.id, version: reference.version }
    }
}
