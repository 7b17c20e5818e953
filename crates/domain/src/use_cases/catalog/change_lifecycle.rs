use crate::model::{
    Caller, Lifecycle, OwnersRight, Path, Permission, SourceVersion, SourceVersionId, ValueProblem, ViolationCode,
    Violations,
};
use crate::ports::{ChangeLifecycleError, WriteMode};
use crate::requests::{LifecycleChangeDraft, Precondition, Submission, validate_lifecycle_change};
use crate::use_cases::lookup::{unknown_source_version, version_of_other_source};
use crate::use_cases::{
    MAX_ATTEMPTS, Ports, UseCaseError, contended, get_source, get_source_version, last_write_wins, require_revision,
};

/// Changes where a version of the caller's own source is in its life. What changes nothing leaves the revision. Jobs
/// that run the version are not touched.
pub fn change_lifecycle(
    ports: &Ports,
    caller: &Caller,
    id: SourceVersionId,
    submission: &Submission<LifecycleChangeDraft>,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<Lifecycle, UseCaseError> {
    caller.require(Permission::CatalogWrite)?;
    let sent_revision = &submission.content.revision;
    for _ in 0..MAX_ATTEMPTS {
        let version = get_source_version(ports, id)?;
        caller.require_own(&get_source(ports, version.source_id)?, OwnersRight::Change)?;
        let stored = &version.lifecycle;
        require_revision(precondition, sent_revision, stored.revision)?;
        let diagnostics = submission.diagnostics.clone();
        let changed = validate_lifecycle_change(diagnostics, &submission.content, stored)?;
        require_replacement(ports, &version, &changed)?;
        if changed == *stored {
            return Ok(changed);
        }
        let now = ports.clock.now();
        let changed = Lifecycle {
            revision: stored.revision.next(),
            changed_at: Some(stored.changed_at.map_or(now, |before| now.max(before))),
            changed_by: Some(caller.to_subject()),
            ..changed
        };
        match ports.source_versions.change_lifecycle(id, &changed, stored.revision, mode) {
            Ok(()) => return Ok(changed),
            Err(ChangeLifecycleError::Stale { .. }) if last_write_wins(precondition, sent_revision) => {}
            Err(ChangeLifecycleError::Stale { current }) => return Err(UseCaseError::Stale { current }),
            Err(ChangeLifecycleError::Missing) => return Err(UseCaseError::NotFound),
            // Deleted between our reading it and now: look again, and say so.
            Err(ChangeLifecycleError::ReplacementMissing) => {}
            Err(ChangeLifecycleError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

fn require_replacement(ports: &Ports, version: &SourceVersion, changed: &Lifecycle) -> Result<(), UseCaseError> {
    let Some(id) = changed.replaced_by.filter(|id| version.lifecycle.replaced_by != Some(*id)) else { return Ok(()) };
    let refused = |problem: ValueProblem| UseCaseError::from(Violations::from(problem.at(Path::of("replaced_by"))));
    if id == version.id {
        let problem = ValueProblem::new(ViolationCode::Disagrees, "is the version itself");
        return Err(refused(problem.actual(id.to_string())));
    }
    match ports.source_versions.find_many(&[id])?.pop().flatten() {
        None => Err(refused(unknown_source_version(id))),
        Some(found) if found.source_id != version.source_id => {
            let message = "belongs to another source";
            Err(refused(version_of_other_source(message, Some(version.source_id), found.source_id)))
        }
        Some(_) => Ok(()),
    }
}
