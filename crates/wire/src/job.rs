use prediction_domain::model::{
    self, BINDINGS, Conversion, InputId, InputKind, JobId, JobName, JobWithHealth, Metric, OrganisationId, OutputId,
    Revision, RoleName, SetName, SourceId, SourceVersionId, Timestamp, Unit, UnitFit,
};
use prediction_domain::requests::{BindingDraft, JobChangeDraft, UnitComparison};
use prediction_domain::use_cases::{BoundInput, JobChanged};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{List, ReadOnly, Shape};
use crate::health::JobHealth;
use crate::input::Input;
use crate::organisation::Organisation;
use crate::output::JobOutput;
use crate::rules::{self, FLAG, ID, NAME, REVISION, TIME, WORD};
use crate::run::Run;
use crate::source::Source;
use crate::source_version::SourceVersion;
use crate::warning::Warning;

/// One version of a source, configured to run for one organisation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: JobId,
    /// The organisation that it runs for.
    #[schema(value_type = rules::Id, inline)]
    pub organisation_id: OrganisationId,
    /// The source of its version.
    #[schema(value_type = rules::Id, inline)]
    pub source_id: SourceId,
    /// The version that it runs.
    #[schema(value_type = rules::Id, inline)]
    pub source_version_id: SourceVersionId,
    /// Unique in its organisation.
    #[schema(value_type = rules::Name, inline)]
    pub name: JobName,
    /// Whether runners should run it.
    pub active: bool,
    /// Which inputs it reads.
    pub role_bindings: Vec<RoleBinding>,
    /// What its predictions are filed under.
    pub outputs: Vec<Output>,
    /// Whether it delivers.
    pub health: JobHealth,
    /// How often it was changed, the setup included.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub revision: Revision,
    /// When it was set up.
    #[schema(value_type = rules::Time, inline)]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = rules::Time, inline)]
    pub updated_at: Timestamp,
    /// The set of things that keeps it; null: it is kept by hand.
    #[serde(default)]
    #[schema(value_type = rules::NullableWord, inline)]
    pub managed_by: Option<SetName>,
    /// With expand=source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source: Option<Box<Source>>,
    /// With `expand=source_version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub source_version: Option<Box<SourceVersion>>,
    /// With `expand=organisation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub organisation: Option<Organisation>,
    /// With `expand=last_run`, of a job that has run: the run that was issued last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_run: Option<Box<Run>>,
}

/// A job as it is after a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UpdatedJob {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// What was done and may not have been meant; left out when that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<Warning>,
}

impl From<JobChanged> for UpdatedJob {
    fn from(JobChanged { job, health, warnings }: JobChanged) -> Self {
        let warnings = warnings.into_iter().map(Warning::from).collect();
        Self { job: JobWithHealth { job, health }.into(), warnings }
    }
}

/// An input role of the job's version, bound to a concrete input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RoleBinding {
    /// The input role.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// The input, such as a sensor.
    #[schema(value_type = rules::Id, inline)]
    pub input_id: InputId,
    /// The kind of the input.
    #[schema(value_type = rules::Word, inline)]
    pub input_type: InputKind,
    /// With expand=inputs: the input; left out if it is not registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub input: Option<Box<Input>>,
    /// With expand=inputs: the output, if it is one of another job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub output: Option<Box<JobOutput>>,
    /// With expand=inputs: how values of the input come to the unit of the role; left out if both have the same unit,
    /// or if one of the two is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub conversion: Option<Box<UnitConversion>>,
}

/// How values of an input come to the unit of the role that it is bound to: `value * factor + offset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnitConversion {
    /// The unit of the input.
    #[schema(value_type = rules::Word, inline)]
    pub from: Unit,
    /// The unit of the role.
    #[schema(value_type = rules::Word, inline)]
    pub to: Unit,
    /// Null: the values cannot be converted, or the service cannot read one of the units.
    pub factor: Option<f64>,
    /// Null, likewise.
    pub offset: Option<f64>,
}

impl From<UnitComparison> for UnitConversion {
    fn from(UnitComparison { from, to, fit }: UnitComparison) -> Self {
        let conversion = match fit {
            UnitFit::Same => Some(Conversion { factor: 1.0, offset: 0.0 }),
            UnitFit::Convertible(conversion) => Some(conversion),
            UnitFit::Incompatible | UnitFit::Unverified => None,
        };
        let (factor, offset) = conversion.map(|Conversion { factor, offset }| (factor, offset)).unzip();
        Self { from, to, factor, offset }
    }
}

impl RoleBinding {
    /// With what is known of the input.
    #[must_use]
    pub fn expanded(self, bound: BoundInput) -> Self {
        let input = bound.input.map(|input| Box::new(input.into()));
        let output = bound.output.map(|output| Box::new(output.into()));
        Self { input, output, conversion: bound.unit.map(|unit| Box::new(unit.into())), ..self }
    }
}

/// The identity of what a job predicts in one output role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// What its predictions are filed under.
    #[schema(value_type = rules::Id, inline)]
    pub id: OutputId,
    /// The output role.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// What is predicted.
    #[schema(value_type = rules::Word, inline)]
    pub metric: Metric,
    /// The unit of the metric.
    #[schema(value_type = rules::NullableWord, inline)]
    pub unit: Option<Unit>,
}

impl From<JobWithHealth> for Job {
    fn from(JobWithHealth { job, health }: JobWithHealth) -> Self {
        Self {
            id: job.id,
            organisation_id: job.organisation_id,
            source_id: job.source_id,
            source_version_id: job.source_version_id,
            name: job.name,
            active: job.active,
            role_bindings: job.role_bindings.into_vec().into_iter().map(RoleBinding::from).collect(),
            outputs: job.outputs.into_iter().map(Output::from).collect(),
            health: health.into(),
            revision: job.revision,
            created_at: job.created_at,
            updated_at: job.updated_at,
            managed_by: job.management.map(|management| management.set),
            source: None,
            source_version: None,
            organisation: None,
            last_run: None,
        }
    }
}

impl From<model::RoleBinding> for RoleBinding {
    fn from(binding: model::RoleBinding) -> Self {
        let model::RoleBinding { role, input_id, input_type } = binding;
        Self { role, input_id, input_type, input: None, output: None, conversion: None }
    }
}

impl From<model::Output> for Output {
    fn from(output: model::Output) -> Self {
        Self { id: output.id, role: output.role, metric: output.metric, unit: output.unit }
    }
}

/// A binding that is asked for.
pub(crate) static ROLE_BINDING: Shape<BindingDraft> = Shape {
    name: "RoleBindingRequest",
    about: "An input role of the version, to be bound to a concrete input.",
    members: |fields| {
        fields.read_only("input", ReadOnly::One("Input"));
        fields.read_only("output", ReadOnly::One("JobOutput"));
        fields.read_only("conversion", ReadOnly::One("UnitConversion"));
        BindingDraft {
            role: fields.text("role", WORD.required()),
            input_id: fields.text(
                "input_id",
                ID.required().about(
                    "One input may serve several roles. To a role of the kind `output`: the id of an output of another job of the \
                     organisation.",
                ),
            ),
            input_type: fields.text(
                "input_type",
                WORD.nullable().about("Equal to the role's `input_kind`; taken from there when left out."),
            ),
        }
    },
};

/// Changes to a job.
pub static UPDATE_JOB: Shape<JobChangeDraft> = Shape {
    name: "UpdateJobRequest",
    about: "Changes to a job. What is left out stays; what GET returned can be sent back.",
    members: |fields| {
        const FIXED: &str = "May be repeated, but never changes.";
        fields.read_only("outputs", ReadOnly::List("Output"));
        fields.read_only("created_at", ReadOnly::Value(TIME));
        fields.read_only("updated_at", ReadOnly::Value(TIME));
        fields.read_only("warnings", ReadOnly::List("Warning"));
        fields.read_only("managed_by", ReadOnly::Value(WORD.nullable()));
        fields.read_only("health", ReadOnly::One("JobHealth"));
        fields.read_only("source", ReadOnly::One("Source"));
        fields.read_only("source_version", ReadOnly::One("SourceVersion"));
        fields.read_only("organisation", ReadOnly::One("Organisation"));
        JobChangeDraft {
            id: fields.text("id", ID.about(FIXED)),
            organisation_id: fields.text("organisation_id", ID.about(FIXED)),
            source_id: fields.text("source_id", ID.about(FIXED)),
            source_version_id: fields.text("source_version_id", ID.about("Another version of the same source.")),
            name: fields.text("name", NAME),
            active: fields.flag("active", FLAG),
            role_bindings: fields.objects(
                "role_bindings",
                List::of(&BINDINGS).nullable().about("All bindings; null or an empty list unbinds all."),
                &ROLE_BINDING,
            ),
            revision: fields
                .whole_number("revision", REVISION.nullable().about("Only this revision is changed, like If-Match.")),
        }
    },
};
