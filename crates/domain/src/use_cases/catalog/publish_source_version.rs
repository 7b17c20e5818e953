use crate::model::{Caller, OwnersRight, Path, Permission, SourceVersion, ValueProblem, ViolationCode};
use crate::ports::{InsertSourceVersionError, WriteMode};
use crate::requests::{SourceVersionDraft, SourceVersionSpec, Submission};
use crate::use_cases::{Conflict, Outcome, Ports, Resource, UseCaseError};

/// Publishes a version of the caller's own source, or finds the one that is there already with the same content.
pub fn publish_source_version(
    ports: &Ports,
    caller: &Caller,
    submission: &Submission<SourceVersionDraft>,
    mode: WriteMode,
) -> Result<(SourceVersion, Outcome), UseCaseError> {
    caller.require(Permission::CatalogCreate)?;
    let root = Path::root();
    let mut diagnostics = submission.diagnostics.clone();
    let spec = SourceVersionSpec::read(&mut diagnostics, &root, &submission.content);
    let content = spec.require_content(&mut diagnostics, &root);
    let source_id = diagnostics.require(&root.member("source_id"), spec.source_id.clone());
    // Asked before anything is stored, so that an unknown source is told together with everything else.
    if let Some(source_id) = source_id {
        match ports.sources.find_many(&[source_id])?.pop().flatten() {
            Some(source) => caller.require_own(&source, OwnersRight::Publish)?,
            None => diagnostics.report(root.member("source_id"), unknown_source()),
        }
    }
    let (content, source_id) = diagnostics.finish(content.zip(source_id))?;

    let version = spec.create(content, source_id, ports.ids.source_version_id(), ports.clock.now());
    match ports.source_versions.insert(&version, mode) {
        Ok(()) => Ok((version, Outcome::Created)),
        Err(InsertSourceVersionError::Taken(stored)) => {
            let mut differences = spec.differences(&root, &stored);
            if stored.source_id != source_id {
                differences.push(
                    ValueProblem::new(ViolationCode::Differs, "is stored with another value")
                        .expected(stored.source_id.to_string())
                        .actual(source_id.to_string())
                        .at(root.member("source_id")),
                );
            }
            if differences.is_empty() {
                return Ok((*stored, Outcome::Reused));
            }
            let existing_id = stored.id.as_uuid();
            Err(UseCaseError::Conflict(Conflict { resource: Resource::SourceVersion, existing_id, differences }))
        }
        // Deleted between the question above and now.
        Err(InsertSourceVersionError::SourceMissing) => {
            Err(UseCaseError::Invalid(unknown_source().at(root.member("source_id")).into()))
        }
        Err(InsertSourceVersionError::Store(failure)) => Err(failure.into()),
    }
}

fn unknown_source() -> ValueProblem {
    ValueProblem::new(ViolationCode::UnknownSource, "is not the id of a source")
}
