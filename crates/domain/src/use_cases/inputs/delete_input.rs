use super::read_inputs::find_input;
use crate::model::{Caller, Input, InputId, OrganisationId, Permission};
use crate::ports::{DeleteInputError, WriteMode};
use crate::requests::{Precondition, Sent};
use crate::use_cases::{InUse, MAX_ATTEMPTS, Ports, UseCaseError, contended, last_write_wins, require_revision};

/// Deletes an input that no job of its organisation has bound, and tells what it was.
pub fn delete_input(
    ports: &Ports,
    caller: &Caller,
    id: InputId,
    organisation_id: Option<OrganisationId>,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<Input, UseCaseError> {
    caller.require(Permission::InputsWrite)?;
    for _ in 0..MAX_ATTEMPTS {
        let stored = find_input(ports, caller, id, organisation_id)?;
        require_revision(precondition, &Sent::Absent, stored.revision)?;
        match ports.inputs.delete(stored.organisation_id, id, stored.revision, mode) {
            Ok(()) => return Ok(stored),
            Err(DeleteInputError::Stale { .. }) if last_write_wins(precondition, &Sent::Absent) => {}
            Err(DeleteInputError::Stale { current }) => return Err(UseCaseError::Stale { current }),
            Err(DeleteInputError::Missing) => return Err(UseCaseError::NotFound),
            Err(DeleteInputError::InUse { jobs, first }) => {
                return Err(UseCaseError::InUse(InUse::InputIsBound { jobs, first }));
            }
            Err(DeleteInputError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}
