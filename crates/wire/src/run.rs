use prediction_domain::model::{
    self, Description, JobId, PREDICTIONS, Revision, RoleName, RunId, RunStatus, SourceVersionId, Timestamp,
};
use prediction_domain::ports::PredictedValue;
use prediction_domain::requests::{PredictionDraft, RunDraft};
use prediction_domain::use_cases::RunReported;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{List, Shape};
use crate::rules::{self, ANY_TEXT, NUMBER, REVISION, RUN_STATUS, TIME, WORD};
use crate::warning::Warning;

/// One execution of a job, as reported by the runner that did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its identity.
    #[schema(value_type = rules::Id, inline)]
    pub id: RunId,
    /// The job that ran.
    #[schema(value_type = rules::Id, inline)]
    pub job_id: JobId,
    /// What the job was when it ran: see its revisions.
    #[schema(value_type = rules::RevisionNumber, inline)]
    pub job_revision: Revision,
    /// The version that ran.
    #[schema(value_type = rules::Id, inline)]
    pub source_version_id: SourceVersionId,
    /// Unique among the runs of the job.
    #[schema(value_type = rules::Time, inline)]
    pub issued_at: Timestamp,
    /// How it ended.
    #[schema(value_type = rules::OpenRunStatus, inline)]
    pub status: RunStatus,
    /// What the runner says about it.
    #[schema(value_type = rules::NullableProse, inline)]
    pub message: Option<Description>,
    /// How many values it gave.
    #[schema(value_type = rules::PredictionCount, inline)]
    pub prediction_count: u32,
    /// When the report came.
    #[schema(value_type = rules::Time, inline)]
    pub received_at: Timestamp,
    /// The run that failed and that this one did over, issued at the same time.
    #[schema(value_type = rules::NullableId, inline)]
    pub replaces: Option<RunId>,
    /// The run that succeeded and stands in the place of this one, which failed.
    #[schema(value_type = rules::NullableId, inline)]
    pub replaced_by: Option<RunId>,
}

/// A run that is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReportedRun {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// What was done and may not have been meant.
    pub warnings: Vec<Warning>,
}

/// A value, and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Prediction {
    /// The output role.
    #[schema(value_type = rules::Word, inline)]
    pub role: RoleName,
    /// The time that the value is about.
    #[schema(value_type = rules::Time, inline)]
    pub at: Timestamp,
    /// The value.
    pub value: f64,
    /// When it was issued.
    #[schema(value_type = rules::Time, inline)]
    pub issued_at: Timestamp,
    /// By which run.
    #[schema(value_type = rules::Id, inline)]
    pub run_id: RunId,
}

impl From<model::Run> for Run {
    fn from(run: model::Run) -> Self {
        Self {
            id: run.id,
            job_id: run.job_id,
            job_revision: run.job_revision,
            source_version_id: run.source_version_id,
            issued_at: run.issued_at,
            status: run.status,
            message: run.message,
            prediction_count: run.prediction_count,
            received_at: run.received_at,
            replaces: run.replaces,
            replaced_by: run.replaced_by,
        }
    }
}

impl From<RunReported> for ReportedRun {
    fn from(reported: RunReported) -> Self {
        Self { run: reported.run.into(), warnings: reported.warnings.into_iter().map(Warning::from).collect() }
    }
}

impl From<PredictedValue> for Prediction {
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

static PREDICTION: Shape<PredictionDraft> = Shape {
    name: "PredictionRequest",
    about: "A value that a run predicted.",
    members: |fields| PredictionDraft {
        role: fields.text("role", WORD.required().about("An output role of the version.")),
        at: fields.text("at", TIME.required().about("The time that the value is about.")),
        value: fields.number("value", NUMBER.required()),
    },
};

/// The report of a run.
pub static REPORT_RUN: Shape<RunDraft> = Shape {
    name: "ReportRunRequest",
    about: "The report of a run.",
    members: |fields| {
        RunDraft {
        issued_at: fields.text(
            "issued_at",
            TIME.about(
                "When the values were made: at most five minutes ahead. When left out, the service gives it a time that no \
                 other run of the job has. A runner that sends it can send the same report again safely.",
            ),
        ),
        status: fields.text("status", RUN_STATUS.required().about("How the run ended.")),
        job_revision: fields.whole_number(
            "job_revision",
            REVISION.about(
                "The revision of the job that the runner read; the current one, when left out. The values are judged by the \
                 contract of that revision.",
            ),
        ),
        message: fields.text(
            "message",
            ANY_TEXT.nullable().about(
                "Needed when the run failed, and then it has to say something. Control characters other than tabs and line \
                 ends are replaced by U+FFFD, and what is beyond 10,000 characters is cut off; a warning says so.",
            ),
        ),
        predictions: fields.objects(
            "predictions",
            List::of(&PREDICTIONS)
                .nullable()
                .about("At least one value of each required output role, unless the run failed; then none."),
            &PREDICTION,
        ),
    }
    },
};
