//! What is registered of the inputs that jobs are bound to.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::model::{
    Contract, DeclaredInputs, Input, InputId, InputKind, Job, JobId, JobName, JobOutput, OrganisationId, OutputId,
    PageRequest, RoleBinding, RoleName, Scope, UnitFit, Way, ways_upstream,
};
use crate::ports::{InputFilter, StoreFailure};
use crate::requests::{BindingDraft, Cycle, KnownInputs, KnownOutput, Sent, UnitComparison, named_outputs};
use crate::use_cases::lookup::JOBS_AT_ONCE;
use crate::use_cases::{Ports, UnknownInputs, Warning};

/// So many inputs of a kind are offered instead of one that is not registered.
const OFFERED: u16 = 3;
/// For so many kinds inputs are looked for in one request, however many jobs it is about.
const MOST_KINDS_OFFERED: usize = 20;

/// Inputs that some organisations registered, and outputs of their jobs.
#[derive(Default)]
pub(crate) struct RegisteredInputs {
    inputs: BTreeMap<(OrganisationId, InputId), Input>,
    outputs: BTreeMap<(OrganisationId, OutputId), KnownOutput>,
    /// What is offered of a kind, once it was looked for.
    offered: RefCell<BTreeMap<(OrganisationId, InputKind), Vec<Input>>>,
}

impl RegisteredInputs {
    /// Asks once for all of these inputs.
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

    /// Asks once for all that these jobs have bound, and once more if there are outputs among it.
    pub(crate) fn of_jobs(ports: &Ports, jobs: &[&Job]) -> Result<Self, StoreFailure> {
        let bound =
            || jobs.iter().flat_map(|job| job.role_bindings.iter().map(|binding| (job.organisation_id, binding)));
        let inputs = bound().filter(|(_, binding)| binding.output_id().is_none());
        let registered =
            Self::load(ports, inputs.map(|(organisation_id, binding)| (organisation_id, binding.input_id)))?;
        let outputs = bound().filter_map(|(organisation_id, binding)| Some((organisation_id, binding.output_id()?)));
        Ok(Self { outputs: find_outputs(ports, outputs)?, ..registered })
    }

    /// With what is not stored yet, or is to be otherwise.
    pub(crate) fn with(
        mut self,
        inputs: impl IntoIterator<Item = Input>,
        outputs: impl IntoIterator<Item = (OrganisationId, KnownOutput)>,
    ) -> Self {
        self.inputs.extend(inputs.into_iter().map(|input| (input.position().into(), input)));
        self.outputs.extend(outputs.into_iter().map(|(owner, output)| ((owner, output.of_job.output.id), output)));
        self
    }

    /// Those of these inputs and outputs that there are in the organisation, and alternatives to other inputs if they
    /// are refused. Outputs that are not known are looked for here; `job` is the one that is bound to them, if it is
    /// there already.
    pub(crate) fn for_bindings(
        &self,
        ports: &Ports,
        organisation_id: OrganisationId,
        job: Option<&Job>,
        drafts: &[Sent<BindingDraft>],
        declared: Option<&DeclaredInputs>,
    ) -> Result<InputsOfJob, StoreFailure> {
        let outputs = named_outputs(drafts, declared);
        let mut ids = named(drafts);
        ids.retain(|id| !outputs.contains(&id.as_output()));
        let found = ids.iter().filter_map(|id| Some((*id, self.inputs.get(&(organisation_id, *id))?.clone())));
        let inputs: BTreeMap<InputId, Input> = found.collect();
        let are_refused = ports.unknown_inputs == UnknownInputs::Refused;
        let alternatives = if are_refused && ids.iter().any(|id| !inputs.contains_key(id)) {
            let kinds = kinds_of_others(&inputs, drafts, declared);
            Some(self.alternatives(ports, organisation_id, kinds)?)
        } else {
            None
        };
        let outputs = if outputs.is_empty() {
            None
        } else {
            let known = |id: &OutputId| Some((*id, self.outputs.get(&(organisation_id, *id))?.clone()));
            let mut found: BTreeMap<_, _> = outputs.iter().filter_map(known).collect();
            let others = outputs.into_iter().filter(|id| !found.contains_key(id));
            let others = find_outputs(ports, others.map(|id| (organisation_id, id)))?;
            found.extend(others.into_iter().map(|((_, id), output)| (id, output)));
            if let Some(job) = job {
                find_cycles(ports, job, &mut found)?;
            }
            Some(found)
        };
        Ok(InputsOfJob { inputs, alternatives, outputs })
    }

    /// Some inputs of each of these kinds, as long as that is not too much to ask for.
    fn alternatives(
        &self,
        ports: &Ports,
        organisation_id: OrganisationId,
        kinds: BTreeSet<&InputKind>,
    ) -> Result<BTreeMap<InputKind, Vec<Input>>, StoreFailure> {
        let page = PageRequest::new(OFFERED, None).unwrap_or_else(|| unreachable!("a valid limit"));
        let mut offered = self.offered.borrow_mut();
        let mut alternatives = BTreeMap::new();
        for kind in kinds {
            let key = (organisation_id, kind.clone());
            if !offered.contains_key(&key) && offered.len() < MOST_KINDS_OFFERED {
                let filter = InputFilter { kind: Some(kind.clone()), ..InputFilter::default() };
                let found = ports.inputs.list(&Scope::of([organisation_id]), &filter, &page)?.items;
                offered.insert(key.clone(), found);
            }
            alternatives.extend(offered.get(&key).map(|inputs| (kind.clone(), inputs.clone())));
        }
        Ok(alternatives)
    }

    /// What the bindings of a job are judged by, where no alternatives are offered.
    pub(crate) fn for_job<'a>(&'a self, ports: &'a Ports, job: &Job) -> KnownInputs<'a> {
        static NOTHING: BTreeMap<InputKind, Vec<Input>> = BTreeMap::new();
        let found = job
            .role_bindings
            .iter()
            .filter_map(|binding| Some((binding.input_id, self.inputs.get(&(job.organisation_id, binding.input_id))?)));
        let alternatives = (ports.unknown_inputs == UnknownInputs::Refused).then_some(&NOTHING);
        let bound = job.role_bindings.outputs();
        let known = |id: &OutputId| Some((*id, self.outputs.get(&(job.organisation_id, *id))?));
        let outputs = (!bound.is_empty()).then(|| bound.iter().filter_map(known).collect());
        KnownInputs { inputs: found.collect(), units: ports.units.as_ref(), alternatives, outputs }
    }
}

/// Asks once for the jobs of these outputs.
fn find_outputs(
    ports: &Ports,
    wanted: impl IntoIterator<Item = (OrganisationId, OutputId)>,
) -> Result<BTreeMap<(OrganisationId, OutputId), KnownOutput>, StoreFailure> {
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    if wanted.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<_> = wanted.iter().map(|(organisation_id, id)| (Scope::of([*organisation_id]), *id)).collect();
    let found = ports.chains.find_outputs(&keys)?;
    let known = |(key, of_job): ((OrganisationId, OutputId), Option<JobOutput>)| {
        Some((key, KnownOutput { of_job: of_job?, cycle: None }))
    };
    Ok(wanted.into_iter().zip(found).filter_map(known).collect())
}

/// Notes which of these outputs rest on the job that is to be bound to them. What it is bound to does not.
fn find_cycles(ports: &Ports, job: &Job, outputs: &mut BTreeMap<OutputId, KnownOutput>) -> Result<(), StoreFailure> {
    let bound = job.role_bindings.outputs();
    let new = || outputs.iter().filter(|(id, _)| !bound.contains(id)).map(|(_, output)| output.of_job.job_id);
    let own = new().any(|id| id == job.id);
    let from: BTreeSet<JobId> = new().filter(|id| *id != job.id).collect();
    let links =
        if from.is_empty() { Vec::new() } else { ports.chains.links_between(job.organisation_id, &from, job.id)? };
    if links.is_empty() && !own {
        return Ok(());
    }
    let from: Vec<JobId> = new().collect::<BTreeSet<_>>().into_iter().collect();
    let ways = ways_upstream(links.iter().copied(), &from, job.id, Cycle::MAX_NAMED);
    let ways: BTreeMap<JobId, Way> =
        from.into_iter().zip(ways).filter_map(|(start, way)| Some((start, around(way?)))).collect();
    let mut closing: Vec<&mut KnownOutput> = outputs
        .iter_mut()
        .filter(|(id, output)| !bound.contains(id) && ways.contains_key(&output.of_job.job_id))
        .map(|(_, output)| output)
        .collect();
    // Names enough to mend it, and no more than an answer has room for.
    let shown = closing.len().min(Cycle::MAX_SHOWN);
    let ids: BTreeSet<JobId> =
        closing[..shown].iter().flat_map(|output| ways[&output.of_job.job_id].shown.iter().copied()).collect();
    let wanted: Vec<_> = ids.into_iter().map(|id| (Scope::of([job.organisation_id]), id)).collect();
    let mut names: BTreeMap<JobId, JobName> = BTreeMap::new();
    for few in wanted.chunks(JOBS_AT_ONCE) {
        names.extend(ports.jobs.find_many(few)?.into_iter().flatten().map(|job| (job.id, job.name)));
    }
    for (place, output) in closing.iter_mut().enumerate() {
        let Way { shown: ids, jobs } = &ways[&output.of_job.job_id];
        let ids = if place < shown { ids.as_slice() } else { &[] };
        output.cycle = Some(Cycle { names: ids.iter().filter_map(|id| names.get(id).cloned()).collect(), jobs: *jobs });
    }
    Ok(())
}

/// From the job that is to be bound: it reads the first of the way, which ends with it.
fn around(mut way: Way) -> Way {
    way.shown.rotate_right(1);
    way
}

impl FromIterator<Input> for RegisteredInputs {
    fn from_iter<I: IntoIterator<Item = Input>>(inputs: I) -> Self {
        let inputs = inputs.into_iter().map(|input| (input.position().into(), input)).collect();
        Self { inputs, ..Self::default() }
    }
}

/// Outputs, each with whose it is.
impl FromIterator<(OrganisationId, KnownOutput)> for RegisteredInputs {
    fn from_iter<I: IntoIterator<Item = (OrganisationId, KnownOutput)>>(outputs: I) -> Self {
        let outputs = outputs.into_iter().map(|(owner, output)| ((owner, output.of_job.output.id), output)).collect();
        Self { outputs, ..Self::default() }
    }
}

/// The kinds that are declared for what is bound and is not among these inputs.
fn kinds_of_others<'a>(
    inputs: &BTreeMap<InputId, Input>,
    drafts: &[Sent<BindingDraft>],
    declared: Option<&'a DeclaredInputs>,
) -> BTreeSet<&'a InputKind> {
    let Some(declared) = declared else { return BTreeSet::new() };
    let kind = |draft: &Sent<BindingDraft>| {
        let draft = draft.given()?;
        let id = InputId::parse(draft.input_id.given()?).ok()?;
        let role = RoleName::parse(draft.role.given()?).ok().filter(|_| !inputs.contains_key(&id))?;
        declared.roles.get(&role)?.input_kind.as_ref()
    };
    drafts.iter().filter_map(kind).collect()
}

/// The inputs and outputs that one job is bound to, as far as they are known.
pub(crate) struct InputsOfJob {
    inputs: BTreeMap<InputId, Input>,
    alternatives: Option<BTreeMap<InputKind, Vec<Input>>>,
    outputs: Option<BTreeMap<OutputId, KnownOutput>>,
}

impl InputsOfJob {
    /// Asks for what these bindings of a job name.
    pub(crate) fn load(
        ports: &Ports,
        job: &Job,
        drafts: &[Sent<BindingDraft>],
        declared: Option<&DeclaredInputs>,
    ) -> Result<Self, StoreFailure> {
        let organisation_id = job.organisation_id;
        let registered = RegisteredInputs::load(ports, named(drafts).into_iter().map(|id| (organisation_id, id)))?;
        registered.for_bindings(ports, organisation_id, Some(job), drafts, declared)
    }

    /// What the bindings are judged by.
    pub(crate) fn known<'a>(&'a self, ports: &'a Ports) -> KnownInputs<'a> {
        let inputs = self.inputs.iter().map(|(id, input)| (*id, input)).collect();
        let outputs = self.outputs.as_ref().map(|outputs| outputs.iter().map(|(id, output)| (*id, output)).collect());
        KnownInputs { inputs, units: ports.units.as_ref(), alternatives: self.alternatives.as_ref(), outputs }
    }
}

/// The inputs that these bindings name, as far as they can be read.
pub(crate) fn named(drafts: &[Sent<BindingDraft>]) -> Vec<InputId> {
    let id = |draft: &Sent<BindingDraft>| InputId::parse(draft.given()?.input_id.given()?).ok();
    drafts.iter().filter_map(id).collect()
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
