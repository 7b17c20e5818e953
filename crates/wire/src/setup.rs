use prediction_domain::model::{BINDINGS, JobWithHealth};
use prediction_domain::requests::{SetUpDraft, SetUpJobDraft};
use prediction_domain::use_cases::{self, Outcomes, SetUpDone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{List, Part, Shape};
use crate::job::{Job, ROLE_BINDING};
use crate::rules::{self, FLAG, ID, NAME};
use crate::source::{SETUP_SOURCE, Source};
use crate::source_version::{SETUP_SOURCE_VERSION, SourceVersion};
use crate::warning::Warning;

/// A job that is set up, with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobSetup {
    /// The source.
    pub source: Source,
    /// The version.
    pub source_version: SourceVersion,
    /// The job.
    pub job: Job,
    /// What became of each.
    pub outcome: JobSetupOutcome,
    /// What was done and may not have been meant.
    pub warnings: Vec<Warning>,
}

/// What became of each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobSetupOutcome {
    /// Of the source.
    #[schema(value_type = OpenOutcome, inline)]
    pub source: Outcome,
    /// Of the version.
    #[schema(value_type = OpenOutcome, inline)]
    pub source_version: Outcome,
    /// Of the job.
    #[schema(value_type = OpenOutcome, inline)]
    pub job: Outcome,
}

/// Whether it was created, or was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was created.
    Created,
    /// It was there already.
    Reused,
}

/// Stands for an outcome where answers are described.
type OpenOutcome = rules::Open<Outcome>;

impl From<SetUpDone> for JobSetup {
    fn from(done: SetUpDone) -> Self {
        Self {
            source: done.source.into(),
            source_version: done.source_version.into(),
            job: JobWithHealth { job: done.job, health: done.health }.into(),
            outcome: done.outcomes.into(),
            warnings: done.warnings.into_iter().map(Warning::from).collect(),
        }
    }
}

impl From<Outcomes> for JobSetupOutcome {
    fn from(outcomes: Outcomes) -> Self {
        Self {
            source: outcomes.source.into(),
            source_version: outcomes.source_version.into(),
            job: outcomes.job.into(),
        }
    }
}

impl From<use_cases::Outcome> for Outcome {
    fn from(outcome: use_cases::Outcome) -> Self {
        match outcome {
            use_cases::Outcome::Created => Self::Created,
            use_cases::Outcome::Reused => Self::Reused,
        }
    }
}

static SETUP_JOB: Shape<SetUpJobDraft> = Shape {
    name: "JobSetupJob",
    about: "The job of a setup.",
    members: |fields| SetUpJobDraft {
        name: fields.text("name", NAME.required().about("Unique in its organisation.")),
        active: fields.flag("active", FLAG.nullable().about("Whether runners should run it; true when left out.")),
        source_id: fields.text("source_id", ID.nullable().about("Instead of source.")),
        source_version_id: fields.text("source_version_id", ID.nullable().about("Instead of `source_version`.")),
        organisation_id: fields
            .text("organisation_id", ID.nullable().about("Leave it null: it is passed at the top level.")),
    },
};

/// Everything that a job needs, in one request.
pub static SET_UP_JOB: Shape<SetUpDraft> = Shape {
    name: "JobSetupRequest",
    about: "Everything that a job needs, in one request.",
    members: |fields| {
        SetUpDraft {
        organisation_id: fields.text("organisation_id", ID.required()),
        source: fields.object(
            "source",
            Part::OPTIONAL.about(
                "By id alone: a reference. Otherwise got, or created, by id or name. Instead of it: `job.source_id`, or a \
                 version.",
            ),
            &SETUP_SOURCE,
        ),
        source_version: fields.object(
            "source_version",
            Part::OPTIONAL.about(
                "By id alone: a reference. Otherwise got, or published, by id or version. Instead of it: \
                 `job.source_version_id`, or nothing, which takes the version that was published last.",
            ),
            &SETUP_SOURCE_VERSION,
        ),
        job: fields.object("job", Part::REQUIRED, &SETUP_JOB),
        role_bindings: fields.objects(
            "role_bindings",
            List::of(&BINDINGS).required().about("The version's input roles, bound to inputs."),
            &ROLE_BINDING,
        ),
    }
    },
};
