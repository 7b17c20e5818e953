use crate::model::{Caller, OwnersRight, Permission, Source, SourceId};
use crate::ports::{DeleteSourceError, WriteMode};
use crate::requests::{Precondition, Sent};
use crate::use_cases::{
    InUse, MAX_ATTEMPTS, Ports, UseCaseError, contended, get_source, last_write_wins, require_revision,
};

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
