use crate::model::{Caller, Organisation, OrganisationId, OrganisationName, Path, Permission};
use crate::ports::WriteMode;
use crate::requests::{OrganisationDraft, Sent, Submission};
use crate::use_cases::lookup::never_changes;
use crate::use_cases::{Ports, UseCaseError};

/// Says what an organisation of the caller is called; `null` takes the name away. The last one to say it is right.
pub fn name_organisation(
    ports: &Ports,
    caller: &Caller,
    id: OrganisationId,
    submission: &Submission<OrganisationDraft>,
    mode: WriteMode,
) -> Result<Organisation, UseCaseError> {
    caller.require(Permission::InputsWrite)?;
    caller.require_organisation(id)?;
    let mut diagnostics = submission.diagnostics.clone();
    never_changes(&mut diagnostics, &Path::of("id"), &submission.content.id, id, OrganisationId::parse);
    let path = Path::of("name");
    let name = diagnostics.read(&path, &submission.content.name, |text| OrganisationName::parse(text));
    let name = match name {
        Sent::Null => Some(None),
        sent => diagnostics.require(&path, sent).map(Some),
    };
    let organisation = Organisation { id, name: diagnostics.finish(name)? };
    ports.inputs.name_organisation(&organisation, mode)?;
    Ok(organisation)
}
