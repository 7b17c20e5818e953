use prediction_domain::model::{BINDINGS, JudgedJob};
use prediction_domain::use_cases::{Outcome, Outcomes, SetUpDone, SetUpDraft, SetUpJobDraft, Warning};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::fields::Fields;
use super::job::{JobBody, NewRoleBinding, decode_binding};
use super::source::{SourceBody, decode_source};
use super::source_version::{NewInputRole, NewOutputRole, SourceVersionBody, decode_source_version};

/// A job that is set up, with what it rests on.
#[derive(Serialize, ToSchema)]
#[schema(as = JobSetup)]
pub(crate) struct SetUpBody {
    source: SourceBody,
    source_version: SourceVersionBody,
    job: JobBody,
    outcome: OutcomesBody,
    /// What was done and may not have been meant.
    warnings: Vec<WarningBody>,
}

/// What became of each part.
#[derive(Serialize, ToSchema)]
#[schema(as = JobSetupOutcome)]
pub(crate) struct OutcomesBody {
    source: OutcomeBody,
    source_version: OutcomeBody,
    job: OutcomeBody,
}

/// Whether it was created, or was there already.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Outcome)]
pub(crate) enum OutcomeBody {
    Created,
    Reused,
}

/// Something that was done and may not have been meant.
#[derive(Serialize, ToSchema)]
#[schema(as = Warning)]
pub(crate) struct WarningBody {
    code: &'static str,
    message: String,
    #[schema(value_type = Object)]
    details: Value,
}

impl From<SetUpDone> for SetUpBody {
    fn from(done: SetUpDone) -> Self {
        Self {
            source: done.source.into(),
            source_version: done.source_version.into(),
            job: JudgedJob { job: done.job, health: done.health }.into(),
            outcome: done.outcomes.into(),
            warnings: done.warnings.into_iter().map(WarningBody::from).collect(),
        }
    }
}

impl From<Outcomes> for OutcomesBody {
    fn from(outcomes: Outcomes) -> Self {
        Self {
            source: outcomes.source.into(),
            source_version: outcomes.source_version.into(),
            job: outcomes.job.into(),
        }
    }
}

impl From<Outcome> for OutcomeBody {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Created => Self::Created,
            Outcome::Reused => Self::Reused,
        }
    }
}

impl From<Warning> for WarningBody {
    fn from(warning: Warning) -> Self {
        Self { code: warning.code, message: warning.message, details: warning.details }
    }
}

pub(crate) fn decode_set_up(fields: &mut Fields<'_>) -> SetUpDraft {
    SetUpDraft {
        organisation_id: fields.text("organisation_id"),
        source: fields.object("source", decode_source),
        source_version: fields.object("source_version", decode_source_version),
        job: fields.object("job", decode_set_up_job),
        role_bindings: fields.objects("role_bindings", &BINDINGS, decode_binding),
    }
}

fn decode_set_up_job(fields: &mut Fields<'_>) -> SetUpJobDraft {
    SetUpJobDraft {
        name: fields.text("name"),
        active: fields.flag("active"),
        source_id: fields.text("source_id"),
        source_version_id: fields.text("source_version_id"),
        organisation_id: fields.text("organisation_id"),
    }
}

/// Everything that a job needs, in one request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_set_up reads")]
pub(crate) struct JobSetupRequest {
    organisation_id: uuid::Uuid,
    /// By id alone: a reference. Otherwise got, or created, by id or name. Instead of it: `job.source_id`, or a version.
    source: Option<SetupSource>,
    /// By id alone: a reference. Otherwise got, or published, by id or version. Instead of it: `job.source_version_id`, or
    /// nothing, which takes the version that was published last.
    source_version: Option<SetupSourceVersion>,
    job: SetupJob,
    /// The version's input roles, bound to inputs.
    #[schema(max_items = 200)]
    role_bindings: Vec<NewRoleBinding>,
}

/// The source of a setup.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_source reads")]
pub(crate) struct SetupSource {
    id: Option<uuid::Uuid>,
    /// Whose it is. Left out, a name is that of a source of the setup's organisation or of the platform.
    owner_organisation_id: Option<uuid::Uuid>,
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 10_000)]
    description: Option<String>,
    #[schema(minimum = 1, maximum = 5_256_000)]
    expected_interval_minutes: Option<i32>,
    /// An older spelling of `expected_interval_minutes`.
    #[schema(minimum = 1, maximum = 5_256_000, deprecated)]
    expectedintervalminutes: Option<i32>,
    #[schema(minimum = 1, maximum = 87_600)]
    retention_hours: Option<i32>,
}

/// The source version of a setup.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_source_version reads")]
pub(crate) struct SetupSourceVersion {
    id: Option<uuid::Uuid>,
    /// May repeat the source of the setup, and nothing else.
    source_id: Option<uuid::Uuid>,
    #[schema(min_length = 1, max_length = 100)]
    version: Option<String>,
    #[schema(max_length = 10_000)]
    description: Option<String>,
    #[schema(max_items = 200, nullable = false)]
    input_roles: Option<Vec<NewInputRole>>,
    #[schema(min_items = 1, max_items = 200, nullable = false)]
    output_roles: Option<Vec<NewOutputRole>>,
}

/// The job of a setup.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_set_up_job reads")]
pub(crate) struct SetupJob {
    /// Unique in its organisation.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Whether runners should run it; true when left out.
    active: Option<bool>,
    /// Instead of source.
    source_id: Option<uuid::Uuid>,
    /// Instead of `source_version`.
    source_version_id: Option<uuid::Uuid>,
    /// Leave it null: it is passed at the top level.
    organisation_id: Option<uuid::Uuid>,
}
