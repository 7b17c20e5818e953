use crate::model::{AccessDenied, Caller, Diagnostics, OrganisationId, Path, Permission, Scope, Source};
use crate::ports::{InsertSourceError, WriteMode};
use crate::requests::{Sent, SourceDraft, SourceSpec, Submission};
use crate::use_cases::lookup::one_of_organisations;
use crate::use_cases::{Conflict, Outcome, Ports, Resource, UseCaseError};

/// Creates a source of the caller's organisation or of the platform, or finds the one that is there already with the
/// same content.
pub fn create_source(
    ports: &Ports,
    caller: &Caller,
    submission: &Submission<SourceDraft>,
    mode: WriteMode,
) -> Result<(Source, Outcome), UseCaseError> {
    caller.require(Permission::CatalogCreate)?;
    let mut diagnostics = submission.diagnostics.clone();
    let spec = SourceSpec::read(&mut diagnostics, &Path::root(), &submission.content);
    let name = diagnostics.require(&Path::of("name"), spec.name.clone());
    let owner =
        owner_of_new(&mut diagnostics, &Path::of("owner_organisation_id"), caller, &spec.owner_organisation_id)?;
    let (name, owner) = diagnostics.finish(name.zip(owner))?;

    let source = spec.create(owner, name, ports.ids.source_id(), ports.clock.now());
    match ports.sources.insert(&source, mode) {
        Ok(()) => Ok((source, Outcome::Created)),
        Err(InsertSourceError::Taken(stored)) => {
            let mut differences = spec.differences(&Path::root(), &stored);
            differences.extend(spec.unmeant_owner(&Path::root(), &stored, owner));
            if differences.is_empty() {
                return Ok((*stored, Outcome::Reused));
            }
            let existing_id = stored.id.as_uuid();
            Err(UseCaseError::Conflict(Conflict { resource: Resource::Source, existing_id, differences }))
        }
        Err(InsertSourceError::Store(failure)) => Err(failure.into()),
    }
}

/// Whose the new source is; `None` after a violation was reported.
#[expect(clippy::option_option, reason = "an owner that cannot be told, and the platform, which is none")]
pub(in crate::use_cases) fn owner_of_new(
    diagnostics: &mut Diagnostics,
    path: &Path,
    caller: &Caller,
    sent: &Sent<OrganisationId>,
) -> Result<Option<Option<OrganisationId>>, AccessDenied> {
    let Scope::Organisations(organisations) = &caller.scope else {
        return Ok(match sent {
            Sent::Given(owner) => Some(Some(*owner)),
            Sent::Absent | Sent::Null => Some(None),
            Sent::Unreadable => None,
        });
    };
    match sent {
        Sent::Given(owner) => caller.require_organisation(*owner).map(|()| Some(Some(*owner))),
        Sent::Null => Err(AccessDenied::NotThePlatform),
        Sent::Unreadable => Ok(None),
        Sent::Absent if organisations.is_empty() => Err(AccessDenied::NoOrganisation),
        Sent::Absent if organisations.len() == 1 => Ok(Some(organisations.first().copied())),
        Sent::Absent => {
            let hint = "the access token is for several organisations: say whose the source is";
            let problem = one_of_organisations(organisations.iter(), hint);
            diagnostics.report(path.clone(), problem);
            Ok(None)
        }
    }
}
