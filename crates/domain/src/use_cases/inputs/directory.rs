use std::collections::BTreeMap;

use super::read_inputs::several_organisations;
use crate::model::{
    AccessDenied, Caller, Diagnostics, Input, InputId, OrganisationId, Path, Scope, Timestamp, ValueProblem,
    ViolationCode,
};
use crate::ports::StoreFailure;
use crate::requests::{InputSpec, Sent};
use crate::use_cases::Ports;
use crate::use_cases::lookup::one_of_organisations;

/// Some inputs, as the caller's organisations registered them.
pub(super) struct Directory {
    inputs: BTreeMap<InputId, Vec<Input>>,
}

impl Directory {
    pub(super) fn load(ports: &Ports, caller: &Caller, ids: &[InputId]) -> Result<Self, StoreFailure> {
        let mut inputs: BTreeMap<InputId, Vec<Input>> = BTreeMap::new();
        for input in ports.inputs.find_by_ids(&caller.scope, ids)? {
            inputs.entry(input.id).or_default().push(input);
        }
        Ok(Self { inputs })
    }

    /// The input that is meant: that of the organisation that was named, or the only one.
    pub(super) fn find(
        &self,
        caller: &Caller,
        id: InputId,
        organisation_id: &Sent<OrganisationId>,
    ) -> Result<Option<&Input>, AccessDenied> {
        let of_id = self.of(id);
        match organisation_id {
            Sent::Given(organisation_id) => {
                caller.require_organisation(*organisation_id)?;
                Ok(of_id.iter().find(|input| input.organisation_id == *organisation_id))
            }
            Sent::Absent | Sent::Null => Ok(of_id.first().filter(|_| of_id.len() == 1)),
            Sent::Unreadable => Ok(None),
        }
    }

    /// The input that is to be stored: a new one, or what becomes of the one that is there; `None` after a violation
    /// was reported.
    pub(super) fn put(
        &self,
        diagnostics: &mut Diagnostics,
        caller: &Caller,
        path: &Path,
        id: InputId,
        spec: &InputSpec,
        now: Timestamp,
    ) -> Result<Option<Input>, AccessDenied> {
        if let Some(stored) = self.find(caller, id, &spec.organisation_id)? {
            return Ok(Some(spec.change(diagnostics, path, stored, now)));
        }
        let owner_path = path.member("organisation_id");
        let Some(known) = self.of(id).first() else {
            let owner = match &spec.organisation_id {
                Sent::Given(owner) => Some(*owner),
                Sent::Absent | Sent::Null => own_organisation(diagnostics, caller, owner_path)?,
                Sent::Unreadable => None,
            };
            return Ok(spec.create(diagnostics, path, id, owner, now));
        };
        match &spec.organisation_id {
            Sent::Given(owner) => {
                let problem = ValueProblem::new(ViolationCode::ImmutableField, "never changes");
                let problem = problem.expected(known.organisation_id.to_string()).actual(owner.to_string());
                diagnostics.report(owner_path, problem);
            }
            Sent::Absent | Sent::Null => diagnostics.report(owner_path, several_organisations(self.of(id))),
            Sent::Unreadable => {}
        }
        // What else is wrong with the change is told, too.
        spec.change(diagnostics, path, known, now);
        Ok(None)
    }

    fn of(&self, id: InputId) -> &[Input] {
        self.inputs.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// The caller's only organisation; `None` after a violation was reported.
fn own_organisation(
    diagnostics: &mut Diagnostics,
    caller: &Caller,
    path: Path,
) -> Result<Option<OrganisationId>, AccessDenied> {
    let hint = "the access token is for several organisations: say whose the input is";
    let problem = match &caller.scope {
        Scope::Organisations(organisations) if organisations.is_empty() => return Err(AccessDenied::NoOrganisation),
        Scope::Organisations(organisations) if organisations.len() == 1 => return Ok(organisations.first().copied()),
        Scope::Organisations(organisations) => one_of_organisations(organisations.iter(), hint),
        Scope::Platform => ValueProblem::new(ViolationCode::MissingMember, "is missing").hint(hint),
    };
    diagnostics.report(path, problem);
    Ok(None)
}
