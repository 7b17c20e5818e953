//! Runs: executions of jobs, and what they predict.

use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};

use crate::model::from_text::words;
use crate::model::id::{JobId, OrganisationId, RunId, SourceVersionId};
use crate::model::revision::Revision;
use crate::model::text::{Description, RoleName};
use crate::model::timestamp::Timestamp;
use crate::model::violation::ListLimit;

/// The most values in one report.
pub const MAX_PREDICTIONS: usize = 10_000;
/// The same, as requests are told.
pub const PREDICTIONS: ListLimit =
    ListLimit { most: MAX_PREDICTIONS, items: "values", hint: Some("report them as several runs") };
/// How far ahead of the service's clock a run can be issued, since clocks differ.
pub const MAX_SECONDS_AHEAD: i64 = 300;

/// When a run can be issued at the latest, of which the report comes now.
#[must_use]
pub fn latest_issue(now: Timestamp) -> Timestamp {
    now.plus(TimeDelta::seconds(MAX_SECONDS_AHEAD))
}

/// One execution of a job, as reported by the runner that did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its identity.
    pub id: RunId,
    /// Whose job it was.
    pub organisation_id: OrganisationId,
    /// The job.
    pub job_id: JobId,
    /// What the job was when it ran.
    pub job_revision: Revision,
    /// The version that ran.
    pub source_version_id: SourceVersionId,
    /// When its values were made: with the job, what makes two reports those of one run.
    pub issued_at: Timestamp,
    /// How it ended.
    pub status: RunStatus,
    /// What the runner has to say; needed when it failed.
    pub message: Option<Description>,
    /// How many values it predicted.
    pub prediction_count: u32,
    /// What tells whether two reports have the same values.
    pub predictions_digest: PredictionsDigest,
    /// When the report came.
    pub received_at: Timestamp,
    /// The run that failed and that this one did over, issued at the same time.
    pub replaces: Option<RunId>,
    /// The run that succeeded and stands in the place of this one, which failed.
    pub replaced_by: Option<RunId>,
}

impl Run {
    /// At which revision it is: only once anything of it changes, when another run takes its place.
    #[must_use]
    pub fn revision(&self) -> Revision {
        if self.replaced_by.is_some() { Revision::FIRST.next() } else { Revision::FIRST }
    }
}

words! {
    /// How a run ended.
    RunStatus, "is not the status of a run":
    /// With values for every required output role.
    Succeeded = "succeeded";
    /// Without values.
    Failed = "failed";
}

/// One value that a run predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The output role.
    pub role: RoleName,
    /// The time that the value is about.
    pub at: Timestamp,
    /// The value, finite. 0 and -0 are one value, and it is 0.
    pub value: f64,
}

impl Prediction {
    /// A value of a role, about a time.
    ///
    /// Whether a zero keeps its sign is otherwise a matter of the database: SQLite stores whole numbers without.
    #[must_use]
    pub fn new(role: RoleName, at: Timestamp, value: f64) -> Self {
        Self { role, at, value: value + 0.0 }
    }
}

/// A place in a list of runs, the last issued first: behind the run that was issued then and has this id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunPosition {
    /// When the run was issued.
    pub issued_at: Timestamp,
    /// Its id.
    pub id: RunId,
}

impl RunPosition {
    /// The place of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self { issued_at: run.issued_at, id: run.id }
    }
}

/// A place in a list of values by role and time: behind the value of that role and time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PredictionPosition {
    /// The output role.
    pub role: RoleName,
    /// The time that the value is about.
    pub at: Timestamp,
}

/// Identifies a set of values, whatever their order: SHA-256 over role, time and value of each, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PredictionsDigest([u8; 32]);

impl PredictionsDigest {
    /// The digest of these values.
    #[must_use]
    pub fn of(predictions: &[Prediction]) -> Self {
        let mut sorted: Vec<&Prediction> = predictions.iter().collect();
        sorted.sort_by_key(|prediction| (&prediction.role, prediction.at));
        let mut hash = Sha256::new();
        for Prediction { role, at, value } in sorted {
            // The length goes first, so that no two lists are written the same way.
            hash.update((role.as_str().len() as u64).to_be_bytes());
            hash.update(role.as_str());
            hash.update(at.as_micros().to_be_bytes());
            hash.update((value + 0.0).to_be_bytes());
        }
        Self(hash.finalize().into())
    }

    /// A digest that was stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}
