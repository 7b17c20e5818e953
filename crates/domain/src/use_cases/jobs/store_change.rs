use super::blocking::judged;
use super::readers::in_use;
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
    if changed == stored {
        return Ok(Some(judged(ports, MonitoredJob { job: stored, monitoring })));
    }
    let updated_at = ports.clock.now().max(stored.updated_at);
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
        Ok(()) => Ok(Some(judged(ports, MonitoredJob { job: changed, monitoring }))),
        Err(UpdateJobError::Stale { .. }) if last_write_wins => Ok(None),
        Err(UpdateJobError::Stale { current }) => Err(UseCaseError::Stale { current }),
        Err(UpdateJobError::Missing) => Err(UseCaseError::NotFound),
        Err(UpdateJobError::QuotaExceeded(exceeded)) => Err(ports.exceeded_today(exceeded, allowance)),
        Err(UpdateJobError::NameTaken(other)) => {
            let name = changed.name.as_str();
            Err(UseCaseError::Conflict(Conflict::name_taken(Resource::Job, other.id.as_uuid(), name)))
        }
        Err(UpdateJobError::OutputsInUse(readers)) => Err(in_use(ports, &stored, &changed.outputs, readers)?),
        // Deleted, or bound, between our reading it and now: look again, and say so.
        Err(UpdateJobError::VersionMissing | UpdateJobError::OutputMissing | UpdateJobError::Cycle) => Ok(None),
        Err(UpdateJobError::Store(failure)) => Err(failure.into()),
    }
}
