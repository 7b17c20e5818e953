//! What a change of a job does to the jobs that read its outputs.

use serde_json::json;

use super::Warning;
use crate::model::{Job, Output, Readers};
use crate::ports::StoreFailure;
use crate::requests::KnownOutput;
use crate::use_cases::inputs::unfit::unfit_readers;
use crate::use_cases::{InUse, Ports, UseCaseError};

/// What a caller should know who pauses a job, or changes what its outputs are. That an output would be gone is for the
/// store to refuse.
pub(in crate::use_cases) fn warn_of_readers(
    ports: &Ports,
    stored: &Job,
    changed: &Job,
) -> Result<Vec<Warning>, StoreFailure> {
    let mut warnings = Vec::new();
    if stored.active && !changed.active {
        let readers = ports.chains.count_readers(stored.organisation_id, stored.id)?;
        if readers.jobs > 0 {
            warnings.push(paused(&readers));
        }
    }
    let is_another = |output: &&Output| {
        let before = stored.output(output.id);
        before.is_some_and(|before| before.metric != output.metric || before.unit != output.unit)
    };
    let others = changed.outputs.iter().filter(is_another);
    let others: Vec<_> = others.filter_map(|output| KnownOutput::of(changed, output.id)).collect();
    if !others.is_empty() {
        warnings.extend(unfit_readers(ports, stored.organisation_id, &others)?);
    }
    Ok(warnings)
}

fn paused(Readers { jobs, first }: &Readers) -> Warning {
    let count = if *jobs == 1 { "1 job reads".to_owned() } else { format!("{jobs} jobs read") };
    Warning {
        code: "outputs_in_use",
        message: format!("{count} outputs of the job, which have no new values while it is not active"),
        details: json!({ "jobs": jobs, "job_ids": first }),
    }
}

/// That a job cannot lose outputs, all of them or those that it would not have any more, since others read them.
pub(in crate::use_cases) fn in_use(
    ports: &Ports,
    stored: &Job,
    staying: &[Output],
    readers: Readers,
) -> Result<UseCaseError, StoreFailure> {
    let read = ports.chains.outputs_in_use(&[(stored.organisation_id, stored.id)])?.pop().unwrap_or_default();
    let is_lost = |output: &&Output| read.contains(&output.id) && staying.iter().all(|staying| staying.id != output.id);
    let roles = stored.outputs.iter().filter(is_lost).map(|output| output.role.clone()).collect();
    Ok(UseCaseError::InUse(InUse::OutputsAreBound { readers, roles }))
}
