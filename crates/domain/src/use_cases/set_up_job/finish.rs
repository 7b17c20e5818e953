use serde_json::{Value, json};

use super::plan::Plan;
use super::{Outcomes, PreparedSetUp, SetUpDone};
use crate::model::{Health, Job, Monitoring, Path, RunSummary, ValueProblem, Violation, ViolationCode};
use crate::ports::JobSetUpOutcome;
use crate::use_cases::{Conflict, Outcome, Resource, UseCaseError};

/// Tells what became of a plan. A job of that name that is there already is fine exactly if it is the planned one. Its runs
/// are not looked at yet.
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

/// In what the stored job is not what is planned.
pub(super) fn differences(prepared: &PreparedSetUp, planned: &Job, stored: &Job) -> Vec<Violation> {
    let job = Path::of("job");
    let mut differences = Vec::new();
    let mut differs = |path: Path, expected: Value, actual: Value| {
        let problem = ValueProblem::new(ViolationCode::Differs, "is not what the job of that name has");
        differences.push(problem.expected(expected).actual(actual).at(path));
    };
    if planned.source_id != stored.source_id {
        let path = if prepared.source.is_some() { Path::of("source") } else { job.member("source_id") };
        differs(path, json!({ "id": stored.source_id }), json!({ "id": planned.source_id }));
    }
    if planned.source_version_id != stored.source_version_id {
        let path = if prepared.job_source_version_id.is_some() && prepared.source_version.is_none() {
            job.member("source_version_id")
        } else {
            Path::of("source_version")
        };
        differs(path, json!({ "id": stored.source_version_id }), json!({ "id": planned.source_version_id }));
    }
    if prepared.active.is_some_and(|active| active != stored.active) {
        differs(job.member("active"), json!(stored.active), json!(planned.active));
    }
    if planned.role_bindings != stored.role_bindings {
        differs(
            Path::of("role_bindings"),
            json!(stored.role_bindings.as_slice()),
            json!(planned.role_bindings.as_slice()),
        );
    }
    differences
}
