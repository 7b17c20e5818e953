use super::{
    InUse, MAX_ATTEMPTS, Ports, UseCaseError, contended, get_source, get_source_version, last_write_wins,
    require_revision,
};
use crate::model::{
    Caller, Job, JobId, JobWithHealth, MonitoredJob, OwnersRight, Permission, Precondition, Revision, Run, RunId, Sent,
    Source, SourceId, SourceVersion, SourceVersionId, latest_issue,
};
use crate::ports::{DeleteJobError, DeleteRunError, DeleteSourceError, DeleteSourceVersionError, WriteMode};

/// Deletes the caller's own source, if it has no versions, and tells what it was.
pub fn delete_source(
    ports: &Ports,
    caller: &Caller,
    id: SourceId,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<Source, UseCaseError> {
    caller.require(Permission::CatalogWrite)?;
    for _ in 0..MAX_ATTEMPTS {
        let stored = get_source(ports, id)?;
        caller.require_own(&stored, OwnersRight::Delete)?;
        require_revision(precondition, &Sent::Absent, stored.revision)?;
        match ports.sources.delete(id, stored.revision, mode) {
            Ok(()) => return Ok(stored),
            Err(DeleteSourceError::Stale { .. }) if last_write_wins(precondition, &Sent::Absent) => {}
            Err(DeleteSourceError::Stale { current }) => return Err(UseCaseError::Stale { current }),
            Err(DeleteSourceError::Missing) => return Err(UseCaseError::NotFound),
            Err(DeleteSourceError::InUse { versions }) => {
                return Err(UseCaseError::InUse(InUse::SourceHasVersions { versions }));
            }
            Err(DeleteSourceError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

/// Deletes a version of the caller's own source that no job runs, and tells what it was. A version is always at its first revision.
pub fn delete_source_version(
    ports: &Ports,
    caller: &Caller,
    id: SourceVersionId,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<SourceVersion, UseCaseError> {
    caller.require(Permission::CatalogWrite)?;
    let stored = get_source_version(ports, id)?;
    caller.require_own(&get_source(ports, stored.source_id)?, OwnersRight::Delete)?;
    require_revision(precondition, &Sent::Absent, Revision::FIRST)?;
    match ports.source_versions.delete(&caller.scope, id, mode) {
        Ok(()) => Ok(stored),
        Err(DeleteSourceVersionError::Missing) => Err(UseCaseError::NotFound),
        Err(DeleteSourceVersionError::InUse { jobs, visible }) => {
            // A caller who may not read jobs is not told their ids either.
            let visible = if caller.require(Permission::JobsRead).is_ok() { visible } else { Vec::new() };
            Err(UseCaseError::InUse(InUse::VersionHasJobs { jobs, visible }))
        }
        Err(DeleteSourceVersionError::Store(failure)) => Err(failure.into()),
    }
}

/// Deletes a job, and tells what it was.
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
            Ok(()) => return Ok(found.judged_at(ports.clock.now())),
            Err(DeleteJobError::Stale { .. }) if last_write_wins(precondition, &Sent::Absent) => {}
            Err(DeleteJobError::Stale { current }) => return Err(UseCaseError::Stale { current }),
            Err(DeleteJobError::Missing) => return Err(UseCaseError::NotFound),
            Err(DeleteJobError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

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

/// The job to be changed, for a caller who was allowed to change it: that needs no permission to read.
pub(super) fn find_monitored_job(ports: &Ports, caller: &Caller, id: JobId) -> Result<MonitoredJob, UseCaseError> {
    ports.jobs.find_monitored(&[(caller.scope.clone(), id)])?.pop().flatten().ok_or(UseCaseError::NotFound)
}

/// The same, without what is needed to judge its health.
pub(super) fn find_job(ports: &Ports, caller: &Caller, id: JobId) -> Result<Job, UseCaseError> {
    ports.jobs.find_many(&[(caller.scope.clone(), id)])?.pop().flatten().ok_or(UseCaseError::NotFound)
}
