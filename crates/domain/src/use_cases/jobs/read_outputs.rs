use crate::model::{Caller, JobOutput, OutputId, Permission};
use crate::use_cases::{Ports, UseCaseError};

/// Finds an output by its id alone.
pub fn get_output(ports: &Ports, caller: &Caller, id: OutputId) -> Result<JobOutput, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    find_output(ports, caller, id)
}

/// The same for a caller whose permission was judged.
pub(crate) fn find_output(ports: &Ports, caller: &Caller, id: OutputId) -> Result<JobOutput, UseCaseError> {
    ports.chains.find_outputs(&[(caller.scope.clone(), id)])?.pop().flatten().ok_or(UseCaseError::NotFound)
}
