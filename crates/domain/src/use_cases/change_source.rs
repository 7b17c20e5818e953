use super::{
    Conflict, MAX_ATTEMPTS, Ports, Refusal, Resource, contended, get_source, last_write_wins, require_revision,
};
use crate::model::{
    Caller, Path, Permission, Precondition, Source, SourceChangeDraft, SourceId, SourceSpec, Submission, ValueProblem,
    ViolationCode, Violations,
};
use crate::ports::{Effect, UpdateSourceError};

/// Changes a source. What changes nothing leaves its revision.
pub fn change_source(
    ports: &Ports,
    caller: &Caller,
    id: SourceId,
    submission: &Submission<SourceChangeDraft>,
    precondition: &Precondition,
    effect: Effect,
) -> Result<Source, Refusal> {
    caller.require(Permission::CatalogWrite)?;
    let sent_revision = &submission.content.revision;
    for _ in 0..MAX_ATTEMPTS {
        let stored = get_source(ports, id)?;
        require_revision(precondition, sent_revision, stored.revision)?;
        let changed = change(&stored, submission)?;
        if changed == stored {
            return Ok(stored);
        }
        let changed = Source {
            revision: stored.revision.next(),
            updated_at: ports.clock.now().max(stored.updated_at),
            ..changed
        };
        match ports.sources.update(&changed, stored.revision, effect) {
            Ok(()) => return Ok(changed),
            Err(UpdateSourceError::Stale { .. }) if last_write_wins(precondition, sent_revision) => {}
            Err(UpdateSourceError::Stale { current }) => return Err(Refusal::Stale { current }),
            Err(UpdateSourceError::Missing) => return Err(Refusal::NotFound),
            Err(UpdateSourceError::NameTaken(other)) => {
                let name = changed.name.as_str();
                return Err(Refusal::Conflict(Conflict::name_taken(Resource::Source, other.id.as_uuid(), name)));
            }
            Err(UpdateSourceError::Store(failure)) => return Err(failure.into()),
        }
    }
    Err(contended())
}

fn change(stored: &Source, submission: &Submission<SourceChangeDraft>) -> Result<Source, Violations> {
    let root = Path::root();
    let mut judge = submission.judge.clone();
    let spec = SourceSpec::read(&mut judge, &root, &submission.content.source);
    if let Some(id) = judge.not_null(&root.member("id"), spec.id)
        && id != stored.id
    {
        judge.report(
            root.member("id"),
            ValueProblem::new(ViolationCode::ImmutableMember, "never changes")
                .expected(stored.id.to_string())
                .actual(id.to_string()),
        );
    }
    let name = judge.not_null(&root.member("name"), spec.name);
    judge.verdict(Some(Source {
        name: name.unwrap_or_else(|| stored.name.clone()),
        description: spec.description.or_keep(stored.description.clone()),
        expected_interval_minutes: spec.expected_interval_minutes.or_keep(stored.expected_interval_minutes),
        retention_hours: spec.retention_hours.or_keep(stored.retention_hours),
        ..stored.clone()
    }))
}
