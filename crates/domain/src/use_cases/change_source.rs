use serde_json::json;

use super::{
    Conflict, MAX_ATTEMPTS, Ports, Refusal, Resource, contended, get_source, last_write_wins, require_revision,
};
use crate::model::{
    Caller, OwnersRight, Path, Permission, Precondition, Scope, Sent, Source, SourceChangeDraft, SourceId, SourceSpec,
    Submission, ValueProblem, ViolationCode, Violations,
};
use crate::ports::{Effect, UpdateSourceError};

/// Changes the caller's own source. What changes nothing leaves its revision.
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
        caller.require_own(&stored, OwnersRight::Change)?;
        require_revision(precondition, sent_revision, stored.revision)?;
        let changed = change(caller, &stored, submission)?;
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

fn change(caller: &Caller, stored: &Source, submission: &Submission<SourceChangeDraft>) -> Result<Source, Violations> {
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
    let owner = match &spec.owner_organisation_id {
        Sent::Absent | Sent::Unreadable => stored.owner_organisation_id,
        sent @ (Sent::Null | Sent::Given(_)) => sent.given().copied(),
    };
    if owner != stored.owner_organisation_id && caller.scope != Scope::Platform {
        judge.report(
            root.member("owner_organisation_id"),
            ValueProblem::new(ViolationCode::ImmutableMember, "is changed by operators of the platform only")
                .expected(json!(stored.owner_organisation_id))
                .actual(json!(owner)),
        );
    }
    let name = judge.not_null(&root.member("name"), spec.name);
    judge.verdict(Some(Source {
        owner_organisation_id: owner,
        name: name.unwrap_or_else(|| stored.name.clone()),
        description: spec.description.or_keep(stored.description.clone()),
        expected_interval_minutes: spec.expected_interval_minutes.or_keep(stored.expected_interval_minutes),
        retention_hours: spec.retention_hours.or_keep(stored.retention_hours),
        ..stored.clone()
    }))
}
