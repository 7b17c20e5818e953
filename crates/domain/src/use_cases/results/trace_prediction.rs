use chrono::TimeDelta;

use super::read_runs::{PredictionFilter, list_predictions};
use crate::model::{Caller, JobId, JobRevision, Permission, RoleName, Run, SourceVersion, Timestamp};
use crate::ports::PredictedValue;
use crate::use_cases::lookup::{find_job, find_revision};
use crate::use_cases::{Ports, UseCaseError};

/// Which value is asked for: that which a reader of [`list_predictions`] gets with the same times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionQuestion {
    /// The output role.
    pub role: RoleName,
    /// The time that the value is about.
    pub at: Timestamp,
    /// See [`PredictionFilter::as_of`].
    pub as_of: Option<Timestamp>,
    /// See [`PredictionFilter::known_at`].
    pub known_at: Option<Timestamp>,
}

/// A value, and all that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The value.
    pub value: PredictedValue,
    /// The run that predicted it.
    pub run: Run,
    /// What the job was when it ran; `None` where that is not kept any more.
    pub job_revision: Option<JobRevision>,
    /// The version that ran.
    pub source_version: SourceVersion,
}

/// Where a value comes from. It takes the permissions to read predictions and to read jobs.
pub fn trace_prediction(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    question: &PredictionQuestion,
) -> Result<Provenance, UseCaseError> {
    caller.require(Permission::PredictionsRead)?;
    caller.require(Permission::JobsRead)?;
    let filter = PredictionFilter {
        role: Some(question.role.clone()),
        from: Some(question.at),
        to: Some(question.at.plus(TimeDelta::microseconds(1))),
        as_of: question.as_of,
        known_at: question.known_at,
        run_id: None,
    };
    let value = list_predictions(ports, caller, job_id, &filter, None, 1)?.items.pop().ok_or(UseCaseError::NotFound)?;
    // What is missing from here on was deleted or purged since the value was read.
    let job = find_job(ports, caller, job_id)?;
    let run = ports.runs.find(job.organisation_id, job_id, value.run_id)?.ok_or(UseCaseError::NotFound)?;
    let version = ports.source_versions.find_many(&[run.source_version_id])?.pop().flatten();
    let job_revision = find_revision(ports, &job, run.job_revision)?;
    Ok(Provenance { value, run, job_revision, source_version: version.ok_or(UseCaseError::NotFound)? })
}
