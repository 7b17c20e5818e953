//! Applying a document: everything that a set of things is to be, in one transaction or not at all.
//!
//! 1. [`Planner`](plan::Planner) judges the whole document against what is stored, and makes a finished plan of it, or
//!    tells everything that is wrong. Things refer to each other by their natural keys, whether they are stored or in
//!    the document (`sources`, `source_versions`, `inputs`, `jobs`, `chains`); `prune` finds what the set keeps and the
//!    document does not have any more.
//! 2. The store carries the plan out. When what it rests on was changed meanwhile, the document is planned anew.
//!
//! The digest of a plan says whether two plans do the same, wherever and whenever they were made (`change`).

mod bindings;
mod chains;
mod change;
mod described_job;
mod export;
mod inputs;
mod jobs;
mod plan;
mod prune;
mod settle;
mod source_versions;
mod sources;
mod stored;

pub use change::{AppliedChange, AppliedKey, ChangedOutside, Difference};
pub use export::{ExportFilter, ExportPosition, Exported, ExportedBinding, ExportedBound, ExportedJob, export};

use self::plan::{Planned, Planner};
use super::jobs::readers::in_use;
use super::{Ports, UseCaseError, Warning, contended};
use crate::model::{AccessDenied, Caller, Path, Permission, ValueProblem, ViolationCode};
use crate::ports::{ApplyError, WriteMode};
use crate::requests::{ApplyDraft, Submission};

/// How often a document is planned anew: planning one is much work.
const MOST_ATTEMPTS: usize = 8;

/// What becomes of everything in a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// Says what is done, and nothing about when and where: `sha256:` and 64 hexadecimal digits.
    pub plan_digest: String,
    /// Each thing: those of the document in its order, then what is removed.
    pub changes: Vec<AppliedChange>,
    /// What the caller should know.
    pub warnings: Vec<Warning>,
}

/// Makes of what is stored what a document describes: all of it is stored or nothing. A dry run tells what would be
/// done.
pub fn apply(
    ports: &Ports,
    caller: &Caller,
    submission: &Submission<ApplyDraft>,
    mode: WriteMode,
) -> Result<Applied, UseCaseError> {
    require_some_permission(caller)?;
    let expected = submission.content.expect_plan.given();
    for attempt in 1..=MOST_ATTEMPTS {
        let Planned { applied, writes, places } = Planner::new(ports, caller, submission, mode)?.plan()?;
        if expected.is_some_and(|expected| *expected != applied.plan_digest) {
            return Err(UseCaseError::PlanOutdated(Box::new(applied)));
        }
        match ports.apply.apply(&writes) {
            Ok(()) => return Ok(applied),
            Err(ApplyError::QuotaExceeded { exceeded, .. }) => {
                return Err(match writes.allowance.filter(|allowance| allowance.quota == exceeded.quota) {
                    Some(allowance) => ports.exceeded_today(exceeded, Some(allowance)),
                    None => UseCaseError::QuotaExceeded { exceeded, wait: None },
                });
            }
            Err(ApplyError::OutputsInUse { organisation_id, job_id, readers }) => {
                let scope = crate::model::Scope::of([organisation_id]);
                let Some(stored) = ports.jobs.find_many(&[(scope, job_id)])?.pop().flatten() else { continue };
                let staying = writes.jobs.iter().map(crate::ports::Write::value).find(|job| job.id == job_id);
                let staying = staying.map_or(&[][..], |job| job.outputs.as_slice());
                return Err(in_use(ports, &stored, staying, readers)?);
            }
            // It is closed by another change at the same time, or over more jobs than the plan looked at.
            Err(ApplyError::Cycle { job_id }) if attempt == MOST_ATTEMPTS => {
                let place = places.get(&job_id).cloned().unwrap_or_else(|| Path::of("jobs"));
                let problem = ValueProblem::new(ViolationCode::Cycle, "closes a cycle over jobs that are stored");
                return Err(UseCaseError::Invalid(problem.at(place.member("role_bindings")).into()));
            }
            Err(ApplyError::Overtaken | ApplyError::Cycle { .. }) => {}
            Err(ApplyError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

/// At least one of these is needed to apply a document; which ones depends on what is in it.
pub const APPLY_PERMISSIONS: [Permission; 3] =
    [Permission::JobsWrite, Permission::InputsWrite, Permission::CatalogCreate];

fn require_some_permission(caller: &Caller) -> Result<(), AccessDenied> {
    let is_held = APPLY_PERMISSIONS.into_iter().any(|permission| caller.require(permission).is_ok());
    if is_held { Ok(()) } else { Err(AccessDenied::InsufficientScope { required: APPLY_PERMISSIONS[0] }) }
}
