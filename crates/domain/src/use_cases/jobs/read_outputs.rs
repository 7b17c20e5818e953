use crate::model::{Caller, Job, JobOutput, Output, OutputId, Permission};
use crate::use_cases::{Ports, UseCaseError};

/// Finds an output by its id alone.
pub fn get_output(ports: &Ports, caller: &Caller, id: OutputId) -> Result<JobOutput, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    let (output, job) = find_output(ports, caller, id)?;
    Ok(JobOutput::of(&job, &output))
}

/// Finds it with its job, for a caller whose permission was judged.
pub(crate) fn find_output(ports: &Ports, caller: &Caller, id: OutputId) -> Result<(Output, Job), UseCaseError> {
    let found = ports.chains.find_by_outputs(&[(caller.scope.clone(), id)])?.pop().flatten();
    let job = found.ok_or(UseCaseError::NotFound)?;
    let output = job.output(id).cloned().ok_or(UseCaseError::NotFound)?;
    Ok((output, job))
}
