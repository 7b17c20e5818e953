use crate::model::{Caller, Job, JobWithHealth, MonitoredJob};
use crate::ports::{UpdateJobError, WriteMode};
use crate::use_cases::{Conflict, Ports, Resource, UseCaseError};

/// Stores what a job is to be as its next revision; what changes nothing leaves the revision. A job that is activated
/// has a whole interval to deliver.
///
/// `None`: what the change rests on was changed in the meantime, so it is to be made anew. Another revision is told
/// instead, unless the last write wins.
pub(super) fn store_change(
    ports: &Ports,
    caller: &Caller,
    MonitoredJob { job: stored, monitoring }: MonitoredJob,
    changed: Job,
    last_write_wins: bool,
    mode: WriteMode,
) -> Result<Option<JobWithHealth>, UseCaseError> {
    let now = ports.clock.now();
    if changed == stored {
        return Ok(Some(MonitoredJob { job: stored, monitoring }.judged_at(now)));
    }
    let updated_at = now.max(stored.updated_at);
    let is_activated = changed.active && !stored.active;
    let changed = Job {
        activated_at: if is_activated { Some(updated_at) } else { stored.activated_at },
        revision: stored.revision.next(),
        updated_at,
        updated_by: Some(caller.to_subject()),
        ..changed
    };
    let allowance = ports.allowance_of_change();
    match ports.jobs.update(&changed, stored.revision, allowance, mode) {
        Ok(()) => Ok(Some(MonitoredJob { job: changed, monitoring }.judged_at(now))),
        Err(UpdateJobError::Stale { .. }) if last_write_wins => Ok(None),
        Err(UpdateJobError::Stale { current }) => Err(UseCaseError::Stale { current }),
        Err(UpdateJobError::Missing) => Err(UseCaseError::NotFound),
        Err(UpdateJobError::QuotaExceeded(exceeded)) => Err(ports.exceeded_today(exceeded, allowance)),
        Err(UpdateJobError::NameTaken(other)) => {
            let name = changed.name.as_str();
            Err(UseCaseError::Conflict(Conflict::name_taken(Resource::Job, other.id.as_uuid(), name)))
        }
        // Deleted between our reading it and now: look again, and say so.
        Err(UpdateJobError::VersionMissing) => Ok(None),
        Err(UpdateJobError::Store(failure)) => Err(failure.into()),
    }
}
