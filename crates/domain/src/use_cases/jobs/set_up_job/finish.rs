use super::differences::differences;
use super::plan::Plan;
use super::{Outcomes, PreparedSetUp, SetUpDone};
use crate::model::{Health, Job, Monitoring, RunSummary};
use crate::ports::JobSetUpOutcome;
use crate::use_cases::{Conflict, Outcome, Resource, UseCaseError};

/// Tells what became of a plan. A job of that name that is there already is fine exactly if it is the planned one. Its
/// runs are not looked at yet.
pub(super) fn finish(
    prepared: &PreparedSetUp,
    plan: Plan,
    outcome: JobSetUpOutcome,
) -> Result<SetUpDone, UseCaseError> {
    let Plan { set_up, source, source_version, outcomes, warnings, .. } = plan;
    let planned_at = set_up.job.created_at;
    let done = |job: Job, outcomes| {
        let expected_interval_minutes = source.expected_interval_minutes;
        let monitoring = Monitoring { expected_interval_minutes, runs: RunSummary::default() };
        let health = Health::evaluate(&job, &monitoring, planned_at);
        SetUpDone { source, source_version, job, health, outcomes, warnings }
    };
    match outcome {
        JobSetUpOutcome::Created => Ok(done(set_up.job, outcomes)),
        JobSetUpOutcome::NameTaken(stored) => {
            let differences = differences(prepared, &set_up.job, &stored);
            if differences.is_empty() {
                return Ok(done(*stored, Outcomes { job: Outcome::Reused, ..outcomes }));
            }
            let existing_id = stored.id.as_uuid();
            Err(UseCaseError::Conflict(Conflict { resource: Resource::Job, existing_id, differences }))
        }
    }
}
