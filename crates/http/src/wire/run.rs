use prediction_domain::model::{
    JobId, PREDICTIONS, PredictionDraft, Revision, RoleName, Run, RunDraft, RunId, RunStatus, SourceVersionId,
    Timestamp,
};
use prediction_domain::ports::PredictedValue;
use prediction_domain::use_cases::RunReported;
use serde::Serialize;
use utoipa::ToSchema;

use super::fields::Fields;
use super::set_up::WarningBody;

/// One execution of a job, as reported by the runner that did it.
#[derive(Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunBody {
    #[schema(value_type = uuid::Uuid)]
    id: RunId,
    #[schema(value_type = uuid::Uuid)]
    job_id: JobId,
    /// What the job was when it ran: see its revisions.
    #[schema(value_type = i64, minimum = 1)]
    job_revision: Revision,
    /// The version that ran.
    #[schema(value_type = uuid::Uuid)]
    source_version_id: SourceVersionId,
    /// Unique among the runs of the job.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    issued_at: Timestamp,
    #[schema(inline)]
    status: StatusBody,
    #[schema(max_length = 10_000)]
    message: Option<String>,
    #[schema(maximum = 10_000)]
    prediction_count: u32,
    /// When the report came.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    received_at: Timestamp,
    /// The run that failed and that this one did over, issued at the same time.
    #[schema(value_type = Option<uuid::Uuid>)]
    replaces: Option<RunId>,
    /// The run that succeeded and stands in the place of this one, which failed.
    #[schema(value_type = Option<uuid::Uuid>)]
    replaced_by: Option<RunId>,
}

/// How a run ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RunStatus)]
pub(crate) enum StatusBody {
    Succeeded,
    Failed,
}

/// A run that is stored.
#[derive(Serialize, ToSchema)]
#[schema(as = RunReported)]
pub(crate) struct RunReportedBody {
    #[serde(flatten)]
    run: RunBody,
    /// What was done and may not have been meant.
    warnings: Vec<WarningBody>,
}

/// A value, and where it comes from.
#[derive(Serialize, ToSchema)]
#[schema(as = Prediction)]
pub(crate) struct PredictionBody {
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    role: RoleName,
    /// The time that the value is about.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    at: Timestamp,
    value: f64,
    /// When it was issued.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    issued_at: Timestamp,
    /// By which run.
    #[schema(value_type = uuid::Uuid)]
    run_id: RunId,
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            job_id: run.job_id,
            job_revision: run.job_revision,
            source_version_id: run.source_version_id,
            issued_at: run.issued_at,
            status: match run.status {
                RunStatus::Succeeded => StatusBody::Succeeded,
                RunStatus::Failed => StatusBody::Failed,
            },
            message: run.message.map(|message| message.to_string()),
            prediction_count: run.prediction_count,
            received_at: run.received_at,
            replaces: run.replaces,
            replaced_by: run.replaced_by,
        }
    }
}

impl From<RunReported> for RunReportedBody {
    fn from(reported: RunReported) -> Self {
        Self { run: reported.run.into(), warnings: reported.warnings.into_iter().map(WarningBody::from).collect() }
    }
}

impl From<PredictedValue> for PredictionBody {
    fn from(value: PredictedValue) -> Self {
        Self {
            role: value.prediction.role,
            at: value.prediction.at,
            value: value.prediction.value,
            issued_at: value.issued_at,
            run_id: value.run_id,
        }
    }
}

pub(crate) fn decode_run(fields: &mut Fields<'_>) -> RunDraft {
    RunDraft {
        issued_at: fields.text("issued_at"),
        status: fields.text("status"),
        job_revision: fields.whole_number("job_revision"),
        message: fields.text("message"),
        predictions: fields.objects("predictions", &PREDICTIONS, decode_prediction),
    }
}

fn decode_prediction(fields: &mut Fields<'_>) -> PredictionDraft {
    PredictionDraft { role: fields.text("role"), at: fields.text("at"), value: fields.number("value") }
}

/// The report of a run.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_run reads")]
pub(crate) struct NewRun {
    /// When the values were made: at most five minutes ahead. When left out, the service gives it a time that no other run of
    /// the job has. A runner that sends it can send the same report again safely.
    #[schema(nullable = false)]
    issued_at: Option<chrono::DateTime<chrono::Utc>>,
    #[schema(inline)]
    status: StatusBody,
    /// The revision of the job that the runner read; the current one, when left out. The values are judged by the contract
    /// of that revision.
    #[schema(minimum = 1, nullable = false)]
    job_revision: Option<i64>,
    /// Needed when the run failed, and then it has to say something. Control characters other than tabs and line ends are
    /// replaced by U+FFFD, and what is beyond 10,000 characters is cut off; a warning says so.
    message: Option<String>,
    /// At least one value of each required output role, unless the run failed; then none.
    #[schema(max_items = 10_000)]
    predictions: Option<Vec<NewPrediction>>,
}

/// A value that a run predicted.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the OpenAPI document what decode_prediction reads")]
pub(crate) struct NewPrediction {
    /// An output role of the version.
    #[schema(min_length = 1, max_length = 100)]
    role: String,
    /// The time that the value is about.
    at: chrono::DateTime<chrono::Utc>,
    value: f64,
}
