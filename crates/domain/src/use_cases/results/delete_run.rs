use crate::model::{Caller, JobId, Permission, Run, RunId, latest_issue};
use crate::ports::{DeleteRunError, WriteMode};
use crate::requests::{Precondition, Sent};
use crate::use_cases::lookup::find_job;
use crate::use_cases::{Ports, UseCaseError, last_write_wins, require_revision};

/// Deletes a run with its values, as if it had never been reported, and tells what it was. Permission to report is not
/// enough: it takes the permission to delete the job with all of its runs.
pub fn delete_run(
    ports: &Ports,
    caller: &Caller,
    job_id: JobId,
    id: RunId,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<Run, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    let job = find_job(ports, caller, job_id)?;
    let expected = if last_write_wins(precondition, &Sent::Absent) {
        None
    } else {
        let stored = ports.runs.find(job.organisation_id, job_id, id)?.ok_or(UseCaseError::NotFound)?;
        require_revision(precondition, &Sent::Absent, stored.revision())?;
        Some(stored.revision())
    };
    let until = latest_issue(ports.clock.now());
    ports.runs.delete(job.organisation_id, job_id, id, expected, until, mode).map_err(|error| match error {
        DeleteRunError::Missing => UseCaseError::NotFound,
        DeleteRunError::Stale { current } => UseCaseError::Stale { current },
        DeleteRunError::Store(failure) => failure.into(),
    })
}
