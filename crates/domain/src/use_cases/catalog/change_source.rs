use crate::model::{
    Caller, OwnersRight, Path, Permission, RetentionHours, Source, SourceId, Timestamp, ValueCount, Violations,
};
use crate::ports::{StoreFailure, UpdateSourceError, ValueCountQuery, WriteMode};
use crate::requests::{Precondition, SourceChangeDraft, SourceSpec, Submission};
use crate::use_cases::{
    Conflict, MAX_ATTEMPTS, Ports, Resource, UseCaseError, contended, get_source, last_write_wins, require_revision,
};

/// So many values are counted before a change deletes them, of so many jobs: a higher number would tell the caller
/// nothing more.
const MOST_VALUES: usize = 10_000;
const MOST_JOBS: usize = 1_000;

/// A source as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceChanged {
    /// The source.
    pub source: Source,
    /// What can be read no more since it was changed.
    pub deletes: ValueCount,
}

/// Changes the caller's own source. What changes nothing leaves its revision.
///
/// A shorter retention deletes values of every organisation that has jobs of the source, so the change has to be
/// confirmed when there are any. The values are counted before the change and outside its transaction, so that no
/// writer waits for the count. A value that is reported meanwhile and has already expired by the new retention is
/// treated as if it had been reported after the change. The change is made on the revision that the count is about.
pub fn change_source(
    ports: &Ports,
    caller: &Caller,
    id: SourceId,
    submission: &Submission<SourceChangeDraft>,
    precondition: &Precondition,
    mode: WriteMode,
) -> Result<SourceChanged, UseCaseError> {
    caller.require(Permission::CatalogWrite)?;
    let sent_revision = &submission.content.revision;
    for _ in 0..MAX_ATTEMPTS {
        let stored = get_source(ports, id)?;
        caller.require_own(&stored, OwnersRight::Change)?;
        require_revision(precondition, sent_revision, stored.revision)?;
        let changed = change(caller, &stored, submission)?;
        if changed == stored {
            return Ok(SourceChanged { source: stored, deletes: ValueCount::default() });
        }
        let now = ports.clock.now();
        let deletes = count_expiring(ports, &stored, &changed, now)?;
        if !deletes.is_none() && submission.content.confirm_deletion.given() != Some(&true) {
            return Err(UseCaseError::WouldDelete(deletes));
        }
        let changed = Source { revision: stored.revision.next(), updated_at: now.max(stored.updated_at), ..changed };
        match ports.sources.update(&changed, stored.revision, mode) {
            Ok(()) => return Ok(SourceChanged { source: changed, deletes }),
            Err(UpdateSourceError::Stale { .. }) if last_write_wins(precondition, sent_revision) => {}
            Err(UpdateSourceError::Stale { current }) => return Err(UseCaseError::Stale { current }),
            Err(UpdateSourceError::Missing) => return Err(UseCaseError::NotFound),
            Err(UpdateSourceError::NameTaken(other)) => {
                let name = changed.name.as_str();
                return Err(UseCaseError::Conflict(Conflict::name_taken(Resource::Source, other.id.as_uuid(), name)));
            }
            Err(UpdateSourceError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

/// Counts the values that can be read now, and could not with the changed retention.
pub(in crate::use_cases) fn count_expiring(
    ports: &Ports,
    stored: &Source,
    changed: &Source,
    now: Timestamp,
) -> Result<ValueCount, StoreFailure> {
    let (before, after) = (stored.retention_hours, changed.retention_hours);
    let Some(shorter) = after.filter(|after| before.is_none_or(|before| *after < before)) else {
        return Ok(ValueCount::default());
    };
    let ago = |retention: RetentionHours| now.plus(-retention.as_time());
    ports.runs.count_values(&ValueCountQuery {
        source_id: stored.id,
        issued_after: before.map(ago),
        issued_until: ago(shorter),
        most_values: MOST_VALUES,
        most_jobs: MOST_JOBS,
    })
}

fn change(caller: &Caller, stored: &Source, submission: &Submission<SourceChangeDraft>) -> Result<Source, Violations> {
    let root = Path::root();
    let mut diagnostics = submission.diagnostics.clone();
    let spec = SourceSpec::read(&mut diagnostics, &root, &submission.content.source);
    diagnostics.not_null(&root.member("confirm_deletion"), submission.content.confirm_deletion.clone());
    let changed = spec.change(&mut diagnostics, &root, &caller.scope, stored);
    diagnostics.finish(Some(changed))
}
