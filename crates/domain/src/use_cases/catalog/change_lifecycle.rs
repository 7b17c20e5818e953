use crate::model::{
    Caller, Lifecycle, LifecycleStage, OwnersRight, Path, Permission, SourceVersion, SourceVersionId, ValueProblem,
    ViolationCode,
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
        let mut diagnostics = submission.diagnostics.clone();
        if let Some(problem) = judge_replacement(ports, &version, &submission.content)? {
            diagnostics.report(Path::of("replaced_by"), problem);
        }
        let changed = validate_lifecycle_change(diagnostics, &submission.content, stored)?;
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

/// What is wrong with the version that is to be run instead, if one is named that was not named before. Where the
/// version is active, naming one is what is wrong.
fn judge_replacement(
    ports: &Ports,
    version: &SourceVersion,
    draft: &LifecycleChangeDraft,
) -> Result<Option<ValueProblem>, UseCaseError> {
    let stored = &version.lifecycle;
    let stage = draft.stage.given().map_or(stored.stage.as_str(), String::as_str);
    let named = draft.replaced_by.given().and_then(|text| SourceVersionId::parse(text).ok());
    let named = named.filter(|id| stored.replaced_by != Some(*id) && stage != LifecycleStage::Active.as_str());
    let Some(id) = named else { return Ok(None) };
    if id == version.id {
        let problem = ValueProblem::new(ViolationCode::Disagrees, "is the version itself");
        return Ok(Some(problem.actual(id.to_string())));
    }
    Ok(match ports.source_versions.find_many(&[id])?.pop().flatten() {
        None => Some(unknown_source_version(id)),
        Some(found) if found.source_id != version.source_id => {
            let message = "belongs to another source";
            Some(version_of_other_source(message, Some(version.source_id), found.source_id))
        }
        Some(_) => None,
    })
}
