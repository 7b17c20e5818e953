use crate::model::{
    Caller, Input, InputId, InputPosition, Job, JobId, JobName, Organisation, OrganisationId, Page, PageRequest, Path,
    Permission, RoleName, ValueProblem, Violations,
};
use crate::ports::{InputFilter, JobFilter};
use crate::use_cases::lookup::one_of_organisations;
use crate::use_cases::{Ports, UseCaseError};

/// Finds an input. Where several organisations of the caller have one with that id, one has to be
/// named.
pub fn get_input(
    ports: &Ports,
    caller: &Caller,
    id: InputId,
    organisation_id: Option<OrganisationId>,
) -> Result<Input, UseCaseError> {
    caller.require(Permission::InputsRead)?;
    find_input(ports, caller, id, organisation_id)
}

/// The same for a caller who was allowed to change it: that needs no permission to read.
pub(super) fn find_input(
    ports: &Ports,
    caller: &Caller,
    id: InputId,
    organisation_id: Option<OrganisationId>,
) -> Result<Input, UseCaseError> {
    if let Some(organisation_id) = organisation_id {
        caller.require_organisation(organisation_id)?;
        return ports.inputs.find_many(&[(organisation_id, id)])?.pop().flatten().ok_or(UseCaseError::NotFound);
    }
    let mut found = ports.inputs.find_by_ids(&caller.scope, &[id])?;
    if found.len() > 1 {
        return Err(Violations::from(several_organisations(&found).at(Path::of("organisation_id"))).into());
    }
    found.pop().ok_or(UseCaseError::NotFound)
}

/// Several organisations have an input with that id.
pub(super) fn several_organisations(found: &[Input]) -> ValueProblem {
    let hint = "several organisations have an input with that id: say whose is meant";
    one_of_organisations(found.iter().map(|input| &input.organisation_id), hint)
}

/// Inputs of the caller's organisations, ordered by organisation and id.
pub fn list_inputs(
    ports: &Ports,
    caller: &Caller,
    filter: &InputFilter,
    page: &PageRequest<InputPosition>,
) -> Result<Page<Input, InputPosition>, UseCaseError> {
    caller.require(Permission::InputsRead)?;
    if let Some(organisation_id) = filter.organisation_id {
        caller.require_organisation(organisation_id)?;
    }
    Ok(ports.inputs.list(&caller.scope, filter, page)?)
}

/// A job that has an input bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputUse {
    /// The job.
    pub job_id: JobId,
    /// Whose it is.
    pub organisation_id: OrganisationId,
    /// What it is called.
    pub name: JobName,
    /// Whether it is run.
    pub active: bool,
    /// The roles that the input is bound to.
    pub roles: Vec<RoleName>,
}

impl InputUse {
    fn of(job: Job, id: InputId) -> Self {
        let bound = job.role_bindings.iter().filter(|binding| binding.input_id == id);
        Self {
            roles: bound.map(|binding| binding.role.clone()).collect(),
            job_id: job.id,
            organisation_id: job.organisation_id,
            name: job.name,
            active: job.active,
        }
    }
}

/// The jobs of the caller's scope that have an input bound, in creation order, whether it is registered or not.
pub fn list_input_uses(
    ports: &Ports,
    caller: &Caller,
    id: InputId,
    page: &PageRequest,
) -> Result<Page<InputUse>, UseCaseError> {
    caller.require(Permission::JobsRead)?;
    let filter = JobFilter { input_id: Some(id), ..JobFilter::default() };
    let Page { items, next } = ports.jobs.list(&caller.scope, &filter, page)?;
    Ok(Page { items: items.into_iter().map(|found| InputUse::of(found.job, id)).collect(), next })
}

/// Finds an organisation of the caller that has a name, an input or a job.
pub fn get_organisation(ports: &Ports, caller: &Caller, id: OrganisationId) -> Result<Organisation, UseCaseError> {
    if !caller.scope.contains(id) {
        return Err(UseCaseError::NotFound);
    }
    ports.inputs.find_organisation(id)?.ok_or(UseCaseError::NotFound)
}

/// The caller's organisations that have a name, an input or a job, ordered by their ids.
pub fn list_organisations(
    ports: &Ports,
    caller: &Caller,
    page: &PageRequest<OrganisationId>,
) -> Result<Page<Organisation, OrganisationId>, UseCaseError> {
    Ok(ports.inputs.list_organisations(&caller.scope, page)?)
}
