//! Jobs that use cases work on.

use super::{Ports, UseCaseError};
use crate::model::{Caller, Job, JobId, MonitoredJob};

/// The job to be changed, for a caller who was allowed to change it: that needs no permission to read.
pub(crate) fn find_monitored_job(ports: &Ports, caller: &Caller, id: JobId) -> Result<MonitoredJob, UseCaseError> {
    ports.jobs.find_monitored(&[(caller.scope.clone(), id)])?.pop().flatten().ok_or(UseCaseError::NotFound)
}

/// The same, without what is needed to judge its health.
pub(crate) fn find_job(ports: &Ports, caller: &Caller, id: JobId) -> Result<Job, UseCaseError> {
    ports.jobs.find_many(&[(caller.scope.clone(), id)])?.pop().flatten().ok_or(UseCaseError::NotFound)
}
