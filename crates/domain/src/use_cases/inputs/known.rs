//! What is registered of the inputs that jobs are bound to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::model::{
    CheckedBindings, Contract, DeclaredInputs, Input, InputId, InputKind, Job, OrganisationId, PageRequest,
    RoleBinding, Scope, UnitFit,
};
use crate::ports::{InputFilter, StoreFailure};
use crate::requests::{BindingDraft, KnownInputs, Sent, UnitComparison};
use crate::use_cases::{Ports, UnknownInputs, Warning};

/// So many inputs of a kind are offered instead of one that is not registered.
const OFFERED: u16 = 3;

/// Inputs that some organisations registered.
#[derive(Default)]
pub(crate) struct RegisteredInputs {
    inputs: BTreeMap<(OrganisationId, InputId), Input>,
}

impl RegisteredInputs {
    /// Asks once for all of them.
    pub(crate) fn load(
        ports: &Ports,
        wanted: impl IntoIterator<Item = (OrganisationId, InputId)>,
    ) -> Result<Self, StoreFailure> {
        let wanted: BTreeSet<_> = wanted.into_iter().collect();
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let wanted: Vec<_> = wanted.into_iter().collect();
        let found = ports.inputs.find_many(&wanted)?.into_iter().flatten();
        Ok(found.collect())
    }

    /// Those of these inputs that the organisation registered, and alternatives to the others if they are refused.
    pub(crate) fn for_bindings(
        &self,
        ports: &Ports,
        organisation_id: OrganisationId,
        ids: &[InputId],
        declared: Option<&DeclaredInputs>,
    ) -> Result<InputsOfJob, StoreFailure> {
        let found = ids.iter().filter_map(|id| Some((*id, self.inputs.get(&(organisation_id, *id))?.clone())));
        let inputs: BTreeMap<InputId, Input> = found.collect();
        let are_refused = ports.unknown_inputs == UnknownInputs::Refused;
        let alternatives = if are_refused && ids.iter().any(|id| !inputs.contains_key(id)) {
            Some(alternatives(ports, organisation_id, declared)?)
        } else {
            None
        };
        Ok(InputsOfJob { inputs, alternatives })
    }

    /// What the bindings of a job are judged by, where no alternatives are offered.
    pub(crate) fn for_job<'a>(&'a self, ports: &'a Ports, job: &Job) -> KnownInputs<'a> {
        static NOTHING: BTreeMap<InputKind, Vec<Input>> = BTreeMap::new();
        let found = job
            .role_bindings
            .iter()
            .filter_map(|binding| Some((binding.input_id, self.inputs.get(&(job.organisation_id, binding.input_id))?)));
        let alternatives = (ports.unknown_inputs == UnknownInputs::Refused).then_some(&NOTHING);
        KnownInputs { inputs: found.collect(), units: ports.units.as_ref(), alternatives }
    }
}

impl FromIterator<Input> for RegisteredInputs {
    fn from_iter<I: IntoIterator<Item = Input>>(inputs: I) -> Self {
        Self { inputs: inputs.into_iter().map(|input| (input.position().into(), input)).collect() }
    }
}

/// Some inputs of each kind that is declared.
fn alternatives(
    ports: &Ports,
    organisation_id: OrganisationId,
    declared: Option<&DeclaredInputs>,
) -> Result<BTreeMap<InputKind, Vec<Input>>, StoreFailure> {
    let roles = declared.into_iter().flat_map(|declared| declared.roles.values());
    let kinds: BTreeSet<&InputKind> = roles.filter_map(|role| role.input_kind.as_ref()).collect();
    let page = PageRequest::new(OFFERED, None).unwrap_or_else(|| unreachable!("a valid limit"));
    let of_kind = |kind: &InputKind| {
        let filter = InputFilter { kind: Some(kind.clone()), ..InputFilter::default() };
        Ok((kind.clone(), ports.inputs.list(&Scope::of([organisation_id]), &filter, &page)?.items))
    };
    kinds.into_iter().map(of_kind).collect()
}

/// The inputs of one job, as far as its organisation registered them.
pub(crate) struct InputsOfJob {
    inputs: BTreeMap<InputId, Input>,
    alternatives: Option<BTreeMap<InputKind, Vec<Input>>>,
}

impl InputsOfJob {
    /// Asks for the inputs of one job.
    pub(crate) fn load(
        ports: &Ports,
        organisation_id: OrganisationId,
        ids: &[InputId],
        declared: Option<&DeclaredInputs>,
    ) -> Result<Self, StoreFailure> {
        let registered = RegisteredInputs::load(ports, ids.iter().map(|id| (organisation_id, *id)))?;
        registered.for_bindings(ports, organisation_id, ids, declared)
    }

    /// What the bindings are judged by.
    pub(crate) fn known<'a>(&'a self, ports: &'a Ports) -> KnownInputs<'a> {
        let inputs = self.inputs.iter().map(|(id, input)| (*id, input)).collect();
        KnownInputs { inputs, units: ports.units.as_ref(), alternatives: self.alternatives.as_ref() }
    }
}

/// The inputs that these bindings name, as far as they can be read.
pub(crate) fn named(drafts: &[Sent<BindingDraft>]) -> Vec<InputId> {
    let id = |draft: &Sent<BindingDraft>| InputId::parse(draft.given()?.input_id.given()?).ok();
    drafts.iter().filter_map(id).collect()
}

/// The inputs that are bound.
pub(crate) fn bound(bindings: &CheckedBindings) -> Vec<InputId> {
    bindings.iter().map(|binding| binding.input_id).collect()
}

/// What the caller should know of the units of what is bound.
pub(crate) fn unverified_units<'a>(
    known: &KnownInputs<'_>,
    contract: &Contract,
    bindings: impl IntoIterator<Item = &'a RoleBinding>,
) -> Vec<Warning> {
    let warn = |binding: &RoleBinding| match known.unit_of(contract, binding)? {
        UnitComparison { from, to, fit: UnitFit::Unverified } => Some(Warning {
            code: "unit_unverified",
            message: format!(
                "the role \"{}\" takes values in \"{to}\", and its input gives them in \"{from}\": whether that is the same \
                 cannot be told",
                binding.role
            ),
            details: json!({ "role": binding.role, "input_id": binding.input_id, "expected": to, "actual": from }),
        }),
        UnitComparison { .. } => None,
    };
    bindings.into_iter().filter_map(warn).collect()
}
