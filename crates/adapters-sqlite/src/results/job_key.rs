//! Whose results they are.

use prediction_domain::model::Run;

/// What the key of a job's results begins with, as it is stored.
#[derive(Debug)]
pub(crate) struct JobKey {
    pub(crate) organisation_id: String,
    pub(crate) job_id: String,
}

impl JobKey {
    pub(crate) fn of(run: &Run) -> Self {
        Self { organisation_id: run.organisation_id.to_string(), job_id: run.job_id.to_string() }
    }
}
