use super::{Conflict, Outcome, Ports, Refusal, Resource};
use crate::model::{Caller, Path, Permission, Source, SourceDraft, SourceSpec, Submission};
use crate::ports::InsertSourceError;

/// Creates a source, or finds the one that is there already with the same content.
pub fn create_source(
    ports: &Ports,
    caller: &Caller,
    submission: &Submission<SourceDraft>,
) -> Result<(Source, Outcome), Refusal> {
    caller.require(Permission::CatalogWrite)?;
    let mut judge = submission.judge.clone();
    let spec = SourceSpec::read(&mut judge, &Path::root(), &submission.content);
    let name = judge.require(&Path::of("name"), spec.name.clone());
    let name = judge.verdict(name)?;

    let source = spec.create(name, ports.ids.source_id(), ports.clock.now());
    match ports.sources.insert(&source) {
        Ok(()) => Ok((source, Outcome::Created)),
        Err(InsertSourceError::Taken(stored)) => {
            let differences = spec.differences(&Path::root(), &stored);
            if differences.is_empty() {
                return Ok((*stored, Outcome::Reused));
            }
            let existing_id = stored.id.as_uuid();
            Err(Refusal::Conflict(Conflict { resource: Resource::Source, existing_id, differences }))
        }
        Err(InsertSourceError::Store(failure)) => Err(failure.into()),
    }
}
