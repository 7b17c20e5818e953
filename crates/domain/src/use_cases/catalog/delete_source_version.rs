use crate::model::{Caller, OwnersRight, Permission, SourceVersion, SourceVersionId};
use crate::ports::{DeleteSourceVersionError, WriteMode};
use crate::requests::{Precondition, Sent};
use crate::use_cases::{InUse, Ports, UseCaseError, get_source, get_source_version, require_revision};

/// Deletes a version of the caller's own source that no job runs, and tells what it was. Its revision is that of its
/// lifecycle, the only thing about it that changes.
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
    require_revision(precondition, &Sent::Absent, stored.lifecycle.revision)?;
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
