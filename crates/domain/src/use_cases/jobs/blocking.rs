//! What is in the way of jobs that do not deliver.

use crate::model::{JobWithHealth, MonitoredJob, OrganisationId, Timestamp};
use crate::ports::StoreFailure;
use crate::use_cases::Ports;

/// Tells what is in the way of those of these jobs that do not deliver and read outputs of others: one question for all
/// of them.
pub(crate) fn tell_blocking<'a>(
    ports: &Ports,
    judged: impl IntoIterator<Item = &'a mut JobWithHealth>,
    now: Timestamp,
) -> Result<(), StoreFailure> {
    let is_concerned =
        |judged: &&mut JobWithHealth| judged.health.status.may_be_blocked() && judged.job.role_bindings.have_outputs();
    let mut concerned: Vec<&mut JobWithHealth> = judged.into_iter().filter(is_concerned).collect();
    if concerned.is_empty() {
        return Ok(());
    }
    let wanted: Vec<(OrganisationId, _)> =
        concerned.iter().map(|judged| (judged.job.organisation_id, judged.job.id)).collect();
    for (judged, blocking) in concerned.iter_mut().zip(ports.chains.blocking(&wanted, now)?) {
        judged.health.blocked_by = blocking;
    }
    Ok(())
}

/// A job that was written, with its health. What is in the way of it is left out if it cannot be read: what was done is
/// done.
pub(super) fn judged(ports: &Ports, found: MonitoredJob) -> JobWithHealth {
    let now = ports.clock.now();
    let mut judged = found.judged_at(now);
    let _ = tell_blocking(ports, [&mut judged], now);
    judged
}
