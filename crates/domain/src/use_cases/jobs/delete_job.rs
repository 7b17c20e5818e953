use super::blocking::judged;
use super::readers::in_use;
use crate::model::{Caller, JobId, JobWithHealth, Permission};
use crate::ports::{DeleteJobError, WriteMode};
use crate::requests::{Precondition, Sent};
use crate::use_cases::lookup::find_monitored_job;
use crate::use_cases::{MAX_ATTEMPTS, Ports, UseCaseError, contended, last_write_wins, require_revision};

/// Deletes a job, and tells what it was. No other job may read its outputs.
pub fn delete_job(
    ports: &Ports,
    caller: &Caller,
    id: JobId,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<JobWithHealth, UseCaseError> {
    caller.require(Permission::JobsWrite)?;
    for _ in 0..MAX_ATTEMPTS {
        let found = find_monitored_job(ports, caller, id)?;
        let revision = found.job.revision;
        require_revision(precondition, &Sent::Absent, revision)?;
        match ports.jobs.delete(&caller.scope, id, revision, mode) {
            Ok(()) => return Ok(judged(ports, found)),
            Err(DeleteJobError::Stale { .. }) if last_write_wins(precondition, &Sent::Absent) => {}
            Err(DeleteJobError::Stale { current }) => return Err(UseCaseError::Stale { current }),
            Err(DeleteJobError::OutputsInUse(readers)) => {
                return Err(in_use(ports, &found.job, &[], readers)?);
            }
            Err(DeleteJobError::Missing) => return Err(UseCaseError::NotFound),
            Err(DeleteJobError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}
