use prediction_domain::model::{
    Description, ExpectedIntervalMinutes, InputId, InputKind, InputName, JobName, Metric, OrganisationId,
    RetentionHours, RoleName, SetName, SourceName, Unit, VersionLabel,
};
use prediction_domain::use_cases::{self, ExportedBinding, ExportedBound};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rules;
use crate::source_version::{InputRole, OutputRole, SourceVersion};

/// A part of what is stored, as a document that can be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Export {
    /// Applying it changes nothing.
    pub document: ExportedDocument,
    /// Where the next part starts; null on the last one.
    pub next_cursor: Option<String>,
}

/// A document that can be applied: see `ApplyRequest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedDocument {
    /// The set, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<rules::Word>, inline, nullable = false)]
    pub set: Option<SetName>,
    /// Sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub sources: Vec<ExportedSource>,
    /// Source versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub source_versions: Vec<ExportedSourceVersion>,
    /// Inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub inputs: Vec<ExportedInput>,
    /// Jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub jobs: Vec<ExportedJob>,
}

/// A source of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedSource {
    /// Its name.
    #[schema(value_type = rules::Name, inline)]
    pub name: SourceName,
    /// Whose it is; null: the platform's.
    #[schema(value_type = rules::NullableId, inline)]
    pub owner_organisation_id: Option<OrganisationId>,
    /// What it predicts, for people.
    #[schema(value_type = rules::NullableProse, inline)]
    pub description: Option<Description>,
    /// How often its jobs are expected to deliver.
    #[schema(value_type = rules::NullableInterval, inline)]
    pub expected_interval_minutes: Option<ExpectedIntervalMinutes>,
    /// How long its predictions are kept.
    #[schema(value_type = rules::NullableRetention, inline)]
    pub retention_hours: Option<RetentionHours>,
}

/// A source version of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedSourceVersion {
    /// Its source.
    pub source: ExportedSourceName,
    /// The version.
    #[schema(value_type = rules::Label, inline)]
    pub version: VersionLabel,
    /// Release notes.
    #[schema(value_type = rules::NullableProse, inline)]
    pub description: Option<Description>,
    /// The inputs that it needs.
    pub input_roles: Vec<InputRole>,
    /// The outputs that it gives.
    pub output_roles: Vec<OutputRole>,
}

/// A source, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExportedSourceName {
    /// Its name.
    #[schema(value_type = rules::Name, inline)]
    pub name: SourceName,
    /// Whose it is, if it is of another organisation than the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<rules::Id>, inline, nullable = false)]
    pub owner_organisation_id: Option<OrganisationId>,
}

/// A version, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExportedVersionName {
    /// Its name.
    #[schema(value_type = rules::Label, inline)]
    pub version: VersionLabel,
}

/// An input of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedInput {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: InputId,
    /// Whose it is.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// What it is.
    #[schema(value_type = rules::Word, inline)]
    pub kind: InputKind,
    /// What people call it.
    #[schema(value_type = rules::Name, inline)]
    pub name: InputName,
    /// What it measures.
    #[schema(value_type = rules::NullableWord, inline)]
    pub metric: Option<Metric>,
    /// In which unit.
    #[schema(value_type = rules::NullableWord, inline)]
    pub unit: Option<Unit>,
}

/// A job of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedJob {
    /// Its name.
    #[schema(value_type = rules::Name, inline)]
    pub name: JobName,
    /// Whose it is.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// Its source.
    pub source: ExportedSourceName,
    /// The version that it runs.
    pub source_version: ExportedVersionName,
    /// Whether runners should run it.
    pub active: bool,
    /// Its bindings.
    pub role_bindings: Vec<ExportedRoleBinding>,
}

/// A binding of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExportedRoleBinding {
    /// The input role.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// The input, if one is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<rules::Id>, inline, nullable = false)]
    pub input_id: Option<InputId>,
    /// Its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<rules::Word>, inline, nullable = false)]
    pub input_type: Option<InputKind>,
    /// The output, if one is bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub output: Option<ExportedOutputName>,
}

/// An output, by its job and role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExportedOutputName {
    /// The job.
    #[schema(value_type = rules::Name, inline)]
    pub job: JobName,
    /// The output role.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
}

impl ExportedDocument {
    /// A document of some things.
    #[must_use]
    pub fn of(set: Option<SetName>, things: Vec<use_cases::Exported>) -> Self {
        let mut document = Self { set, ..Self::default() };
        for thing in things {
            match thing {
                use_cases::Exported::Source(source) => document.sources.push(ExportedSource {
                    name: source.name,
                    owner_organisation_id: source.owner_organisation_id,
                    description: source.description,
                    expected_interval_minutes: source.expected_interval_minutes,
                    retention_hours: source.retention_hours,
                }),
                use_cases::Exported::SourceVersion { source, version } => {
                    let description = version.description.clone();
                    let (version, input_roles, output_roles) = SourceVersion::from(version).into_described();
                    let source = ExportedSourceName { name: source, owner_organisation_id: None };
                    let version = ExportedSourceVersion { source, version, description, input_roles, output_roles };
                    document.source_versions.push(version);
                }
                use_cases::Exported::Input(input) => document.inputs.push(ExportedInput {
                    id: input.id,
                    organisation_id: input.organisation_id,
                    kind: input.kind,
                    name: input.name,
                    metric: input.metric,
                    unit: input.unit,
                }),
                use_cases::Exported::Job(job) => document.jobs.push(job.into()),
            }
        }
        document
    }
}

impl From<use_cases::ExportedJob> for ExportedJob {
    fn from(job: use_cases::ExportedJob) -> Self {
        let binding = |ExportedBinding { role, bound }| {
            let unbound = ExportedRoleBinding { role, input_id: None, input_type: None, output: None };
            match bound {
                ExportedBound::Input(id, kind) => {
                    ExportedRoleBinding { input_id: Some(id), input_type: Some(kind), ..unbound }
                }
                ExportedBound::Output(job, role) => {
                    ExportedRoleBinding { output: Some(ExportedOutputName { job, role }), ..unbound }
                }
            }
        };
        Self {
            name: job.name,
            organisation_id: job.organisation_id,
            source: ExportedSourceName { name: job.source, owner_organisation_id: job.source_owner },
            source_version: ExportedVersionName { version: job.version },
            active: job.active,
            role_bindings: job.bindings.into_iter().map(binding).collect(),
        }
    }
}
