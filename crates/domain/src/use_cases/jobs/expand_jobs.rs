use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AccessDenied, Caller, Input, Job, JobId, JobOutput, Organisation, OrganisationId, PageRequest, Permission, Run,
    Scope, Source, SourceId, SourceVersion, SourceVersionId, Weight,
};
use crate::requests::{KnownInputs, UnitComparison};
use crate::use_cases::inputs::known::RegisteredInputs;
use crate::use_cases::inputs::unfit::versions_of;
use crate::use_cases::{Ports, UseCaseError};

/// What to show of a job beside its own members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the request")]
pub struct Expansion {
    /// Its source, whole.
    pub source: bool,
    /// Its version, whole.
    pub source_version: bool,
    /// What is registered of its inputs, and how their values are converted.
    pub inputs: bool,
    /// What its organisation is called.
    pub organisation: bool,
    /// The run that was issued last.
    pub last_run: bool,
}

impl Expansion {
    /// Refuses what the caller may not be shown: runs are for those who may read what they predict.
    pub(super) fn require(self, caller: &Caller) -> Result<(), AccessDenied> {
        if self.last_run { caller.require(Permission::PredictionsRead) } else { Ok(()) }
    }
}

/// The sources and versions of some jobs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Expanded {
    /// Sources by id.
    pub sources: BTreeMap<SourceId, Source>,
    /// Versions by id.
    pub source_versions: BTreeMap<SourceVersionId, SourceVersion>,
    /// Inputs by the job that has them bound, those of each in the order of its bindings.
    pub inputs: BTreeMap<JobId, Vec<BoundInput>>,
    /// Organisations by id.
    pub organisations: BTreeMap<OrganisationId, Organisation>,
    /// The last runs by their jobs; `None` of a job that has none.
    pub last_runs: BTreeMap<JobId, Option<Run>>,
}

impl Expanded {
    /// Whether something is not there yet that is to be shown beside the job.
    pub(super) fn lacks(&self, job: &Job, expansion: Expansion) -> bool {
        (expansion.source && !self.sources.contains_key(&job.source_id))
            || (expansion.source_version && !self.source_versions.contains_key(&job.source_version_id))
            || (expansion.inputs && !self.inputs.contains_key(&job.id))
            || (expansion.organisation && !self.organisations.contains_key(&job.organisation_id))
            || (expansion.last_run && !self.last_runs.contains_key(&job.id))
    }

    pub(super) fn extend(&mut self, others: Self) {
        let Self { sources, source_versions, inputs, organisations, last_runs } = others;
        self.sources.extend(sources);
        self.source_versions.extend(source_versions);
        self.inputs.extend(inputs);
        self.organisations.extend(organisations);
        self.last_runs.extend(last_runs);
    }

    /// What is shown beside that job weighs.
    pub(super) fn weight_beside(&self, job: &Job) -> usize {
        self.sources.get(&job.source_id).map_or(0, Weight::weight)
            + self.source_versions.get(&job.source_version_id).map_or(0, Weight::weight)
            + self.organisations.get(&job.organisation_id).map_or(0, Weight::weight)
            + self.inputs.get(&job.id).into_iter().flatten().map(Weight::weight).sum::<usize>()
            + self.last_runs.get(&job.id).into_iter().flatten().map(Weight::weight).sum::<usize>()
    }
}

/// What is known of an input where it is bound.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BoundInput {
    /// The input, if it is registered.
    pub input: Option<Input>,
    /// The output, if it is one of another job.
    pub output: Option<JobOutput>,
    /// Its unit and that of the role, if both are known and not the same.
    pub unit: Option<UnitComparison>,
}

impl Weight for BoundInput {
    fn weight(&self) -> usize {
        self.input.as_ref().map_or(0, Weight::weight) + self.output.as_ref().map_or(0, Weight::weight)
    }
}

/// Finds what is to be shown beside these jobs, with one question for each kind of thing.
pub fn expand_jobs<'a>(
    ports: &Ports,
    caller: &Caller,
    jobs: impl IntoIterator<Item = &'a Job, IntoIter: Clone>,
    expansion: Expansion,
) -> Result<Expanded, UseCaseError> {
    let jobs = jobs.into_iter();
    expansion.require(caller)?;
    let mut expanded = Expanded::default();
    if expansion.last_run {
        let keys: Vec<_> = jobs.clone().map(|job| (job.organisation_id, job.id)).collect();
        let runs = ports.runs.newest(&keys)?;
        expanded.last_runs = keys.into_iter().map(|(_, id)| id).zip(runs).collect();
    }
    if expansion.source {
        let ids: BTreeSet<SourceId> = jobs.clone().map(|job| job.source_id).collect();
        let ids: Vec<SourceId> = ids.into_iter().collect();
        let sources = ports.sources.find_many(&ids)?.into_iter().flatten();
        expanded.sources = sources.map(|source| (source.id, source)).collect();
    }
    if expansion.source_version {
        expanded.source_versions = versions_of(ports, jobs.clone())?;
    }
    if expansion.organisation {
        let ids: BTreeSet<OrganisationId> = jobs.clone().map(|job| job.organisation_id).collect();
        // Each of them has a job, so it is listed.
        let page = PageRequest::new(PageRequest::MAX_LIMIT, None).unwrap_or_else(|| unreachable!("a valid limit"));
        let found = ports.inputs.list_organisations(&Scope::of(ids), &page)?.items;
        expanded.organisations = found.into_iter().map(|organisation| (organisation.id, organisation)).collect();
    }
    if expansion.inputs {
        expanded.inputs = bound_inputs(ports, &jobs.collect::<Vec<_>>(), &expanded.source_versions)?;
    }
    Ok(expanded)
}

fn bound_inputs(
    ports: &Ports,
    jobs: &[&Job],
    known_versions: &BTreeMap<SourceVersionId, SourceVersion>,
) -> Result<BTreeMap<JobId, Vec<BoundInput>>, UseCaseError> {
    let registered = RegisteredInputs::of_jobs(ports, jobs)?;
    let judging: Vec<_> = jobs.iter().map(|job| (*job, registered.for_job(ports, job))).collect();
    let has_unit = |known: &KnownInputs<'_>| {
        let outputs = known.outputs.as_ref();
        known.inputs.values().any(|input| input.unit.is_some())
            || outputs.is_some_and(|outputs| outputs.values().any(|known| known.of_job.output.unit.is_some()))
    };
    let concerned = judging.iter().filter(|(_, known)| has_unit(known)).map(|(job, _)| *job);
    let missing = concerned.filter(|job| !known_versions.contains_key(&job.source_version_id));
    let versions = versions_of(ports, missing)?;
    let bound = |(job, known): (&Job, KnownInputs<'_>)| {
        let id = job.source_version_id;
        let contract = known_versions.get(&id).or_else(|| versions.get(&id)).map(|version| &version.contract);
        let inputs = job.role_bindings.iter().map(|binding| BoundInput {
            input: known.inputs.get(&binding.input_id).map(|input| (*input).clone()),
            output: known.output(binding).map(|known| known.of_job.clone()),
            unit: contract.and_then(|contract| known.unit_of(contract, binding)),
        });
        (job.id, inputs.collect())
    };
    Ok(judging.into_iter().map(bound).collect())
}
