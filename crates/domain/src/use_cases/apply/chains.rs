//! Outputs that are named by their jobs, and jobs that read each other's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::described_job::DescribedJob;
use super::plan::Planner;
use crate::model::{
    ChainLink, InputId, Job, JobId, JobName, JobOutput, MAX_APPLIED, OrganisationId, Output, OutputId, Path,
    RoleBinding, RoleName, Scope, SourceVersionId, ValueProblem, ViolationCode, Weight, ways_upstream,
};
use crate::ports::StoreFailure;
use crate::requests::{BindingDraft, Cycle, KnownOutput, NamedBindingDraft, OutputNameDraft, Sent};
use crate::use_cases::UseCaseError;
use crate::use_cases::lookup::JOBS_AT_ONCE;

/// So many links of stored jobs are followed to find cycles; beyond, the store finds them when it writes.
const MOST_FOLLOWED: usize = 10_000;
/// So many jobs that are not in the document may be named by it: each is a question.
const MOST_NAMED_OUTSIDE: usize = MAX_APPLIED;

/// Jobs by name, in the document or stored, with their outputs.
#[derive(Default)]
pub(super) struct Names {
    known: Vec<KnownJob>,
    /// Their places; `None` where there is no such job.
    jobs: BTreeMap<(OrganisationId, JobName), Option<usize>>,
    /// Jobs of the document of whose outputs nothing can be said, since their versions are wrong.
    undecided: BTreeSet<(OrganisationId, JobName)>,
    /// The places of the jobs that have these outputs.
    by_output: BTreeMap<OutputId, usize>,
    /// Outputs of other jobs.
    others: BTreeMap<OutputId, JobOutput>,
    /// How many jobs were asked for by name.
    asked: usize,
}

struct KnownJob {
    organisation_id: OrganisationId,
    id: JobId,
    name: JobName,
    /// What its outputs are of, if that is known.
    source_version_id: Option<SourceVersionId>,
    outputs: Arc<[Output]>,
}

impl Names {
    pub(super) fn of(jobs: &[DescribedJob<'_>]) -> Self {
        let mut names = Self::default();
        for job in jobs {
            names.add(KnownJob {
                organisation_id: job.organisation_id,
                id: job.id,
                name: job.name.clone(),
                source_version_id: job.version_id(),
                outputs: Arc::clone(&job.outputs),
            });
            if job.version_is_wrong() {
                names.undecided.insert((job.organisation_id, job.name.clone()));
            }
        }
        names
    }

    fn add(&mut self, job: KnownJob) {
        let place = self.known.len();
        if job.source_version_id.is_some() {
            self.by_output.extend(job.outputs.iter().map(|output| (output.id, place)));
        }
        self.jobs.insert((job.organisation_id, job.name.clone()), Some(place));
        self.known.push(job);
    }

    /// What is known of an output.
    fn output(&self, id: OutputId) -> Option<JobOutput> {
        let Some(job) = self.by_output.get(&id).map(|place| &self.known[*place]) else {
            return self.others.get(&id).cloned();
        };
        let output = job.outputs.iter().find(|output| output.id == id)?.clone();
        Some(JobOutput {
            output,
            organisation_id: job.organisation_id,
            job_id: job.id,
            job_name: job.name.clone(),
            source_version_id: job.source_version_id?,
        })
    }

    /// The job that has an output.
    fn job_of(&self, id: OutputId) -> Option<JobId> {
        let known = self.by_output.get(&id).map(|place| self.known[*place].id);
        known.or_else(|| self.others.get(&id).map(|output| output.job_id))
    }

    /// What is known of those of these that are outputs.
    pub(super) fn outputs(
        &self,
        bound: impl Iterator<Item = (OrganisationId, InputId)>,
    ) -> impl Iterator<Item = (OrganisationId, KnownOutput)> {
        bound.filter_map(|(_, id)| {
            let of_job = self.output(id.as_output())?;
            Some((of_job.organisation_id, KnownOutput { of_job, cycle: None }))
        })
    }

    /// A binding in the words of a document.
    pub(super) fn described(&self, binding: &RoleBinding) -> Value {
        match binding.output_id().and_then(|id| self.output(id)) {
            Some(JobOutput { output, job_name, .. }) => {
                json!({ "role": binding.role, "output": { "job": job_name, "role": output.role } })
            }
            None => json!({ "role": binding.role, "input_id": binding.input_id, "input_type": binding.input_type }),
        }
    }

    /// Asks for the outputs that stored jobs have bound, to tell of them by name.
    pub(super) fn load_bound<'a>(
        &mut self,
        planner: &mut Planner<'_>,
        jobs: impl Iterator<Item = &'a Job>,
    ) -> Result<(), UseCaseError> {
        let bound = jobs.flat_map(|job| job.role_bindings.outputs().into_iter().map(|id| (job.organisation_id, id)));
        self.load(planner, bound)
    }

    /// Asks for outputs that are not known yet.
    fn load(
        &mut self,
        planner: &mut Planner<'_>,
        outputs: impl Iterator<Item = (OrganisationId, OutputId)>,
    ) -> Result<(), UseCaseError> {
        let is_known = |id: &OutputId| self.by_output.contains_key(id) || self.others.contains_key(id);
        let wanted: BTreeSet<_> = outputs.filter(|(_, id)| !is_known(id)).collect();
        let keys: Vec<_> = wanted.into_iter().map(|(owner, id)| (Scope::of([owner]), id)).collect();
        for few in keys.chunks(JOBS_AT_ONCE) {
            let found = planner.ports.chains.find_outputs(few)?.into_iter().flatten();
            let found: Vec<JobOutput> = found.collect();
            planner.afford(found.iter().map(Weight::weight).sum())?;
            self.others.extend(found.into_iter().map(|found| (found.output.id, found)));
        }
        Ok(())
    }

    /// Puts the ids of outputs where they are named.
    pub(super) fn resolve(
        &mut self,
        planner: &mut Planner<'_>,
        owner: OrganisationId,
        path: &Path,
        drafts: &[Sent<NamedBindingDraft>],
    ) -> Result<Vec<Sent<BindingDraft>>, UseCaseError> {
        let list = path.member("role_bindings");
        let mut resolved = Vec::with_capacity(drafts.len());
        for (index, draft) in drafts.iter().enumerate() {
            let NamedBindingDraft { binding, output } = match draft {
                Sent::Given(draft) => draft,
                Sent::Absent => continue,
                Sent::Null => {
                    resolved.push(Sent::Null);
                    continue;
                }
                Sent::Unreadable => {
                    resolved.push(Sent::Unreadable);
                    continue;
                }
            };
            let path = list.index(index);
            let input_id = match output {
                // What is wrong with an input of the document is told there.
                Sent::Absent | Sent::Null if planner.is_wrong_input(&binding.input_id) => Sent::Unreadable,
                Sent::Absent | Sent::Null => binding.input_id.clone(),
                Sent::Unreadable => Sent::Unreadable,
                Sent::Given(_) if binding.input_id.is_present() => {
                    let problem = ValueProblem::new(ViolationCode::NotAllowedHere, "is beside output, which names it");
                    planner.diagnostics.report(path.member("input_id"), problem.hint("send one of the two"));
                    Sent::Unreadable
                }
                Sent::Given(named) => match self.find_output(planner, owner, &path.member("output"), named)? {
                    Some(id) => Sent::Given(id.to_string()),
                    None => Sent::Unreadable,
                },
            };
            let input_type = match (&output, &binding.input_type) {
                (Sent::Given(_), Sent::Absent) => Sent::Given(crate::model::InputKind::OUTPUT.to_owned()),
                (_, sent) => sent.clone(),
            };
            resolved.push(Sent::Given(BindingDraft { role: binding.role.clone(), input_id, input_type }));
        }
        Ok(resolved)
    }

    fn find_output(
        &mut self,
        planner: &mut Planner<'_>,
        owner: OrganisationId,
        path: &Path,
        named: &OutputNameDraft,
    ) -> Result<Option<OutputId>, UseCaseError> {
        let (job_path, role_path) = (path.member("job"), path.member("role"));
        let name = planner.diagnostics.read(&job_path, &named.job, |text| JobName::restore(text));
        let name = planner.diagnostics.require(&job_path, name);
        let role = planner.diagnostics.read(&role_path, &named.role, |text| RoleName::restore(text));
        let role = planner.diagnostics.require(&role_path, role);
        let (Some(name), Some(role)) = (name, role) else { return Ok(None) };
        let key = (owner, name.clone());
        // What is wrong with a job of the document is told there.
        if self.undecided.contains(&key) || (!self.jobs.contains_key(&key) && planner.wrong.jobs.contains(&name)) {
            return Ok(None);
        }
        if !self.jobs.contains_key(&key) {
            self.asked += 1;
            if self.asked > MOST_NAMED_OUTSIDE {
                let message = format!("names more than {MOST_NAMED_OUTSIDE} jobs that it does not describe");
                let problem = ValueProblem::new(ViolationCode::TooManyItems, message).hint("make several sets of it");
                planner.diagnostics.report(Path::root(), problem);
                planner.require_clean()?;
            }
            match planner.ports.jobs.find_by_name(owner, &name)? {
                Some(job) => {
                    planner.afford(job.outputs.iter().map(Weight::weight).sum())?;
                    self.add(KnownJob {
                        organisation_id: owner,
                        id: job.id,
                        name: job.name,
                        source_version_id: Some(job.source_version_id),
                        outputs: job.outputs.into(),
                    });
                }
                None => drop(self.jobs.insert(key.clone(), None)),
            }
        }
        let Some(outputs) = self.jobs.get(&key).copied().flatten().map(|place| &self.known[place].outputs) else {
            if !planner.diagnostics.tells(&job_path, ViolationCode::UnknownJob) {
                planner.diagnostics.omit(1);
                return Ok(None);
            }
            let message = "is not the name of a job of the organisation";
            let problem = ValueProblem::new(ViolationCode::UnknownJob, message).actual(name.as_str());
            let known = self.jobs.iter().filter(|((of, _), job)| *of == owner && job.is_some());
            let known: Vec<&str> = known.map(|((_, name), _)| name.as_str()).collect();
            let problem = match planner.diagnostics.nearest(name.as_str(), known) {
                Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                None => problem.hint("a job is described under jobs, or is there already"),
            };
            planner.diagnostics.report(job_path, problem);
            return Ok(None);
        };
        if let Some(output) = outputs.iter().find(|output| output.role == role) {
            return Ok(Some(output.id));
        }
        let roles: Vec<&str> = outputs.iter().map(|output| output.role.as_str()).collect();
        let problem = ValueProblem::new(ViolationCode::UnknownRole, format!("is not an output of \"{name}\""));
        let problem = problem.expected(roles.clone()).actual(role.as_str());
        let problem = match planner.diagnostics.nearest(role.as_str(), roles) {
            Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
            None => problem,
        };
        planner.diagnostics.report(role_path, problem);
        Ok(None)
    }
}

/// Who reads whom, as it is to be.
#[derive(Default)]
struct Graph {
    /// The jobs whose outputs a job reads.
    upstream: BTreeMap<JobId, BTreeSet<JobId>>,
    names: BTreeMap<JobId, JobName>,
}

impl Planner<'_> {
    /// Looks for cycles, and orders the jobs: each after those whose outputs it reads.
    pub(super) fn judge_chains(
        &mut self,
        jobs: &[DescribedJob<'_>],
        names: &mut Names,
    ) -> Result<Vec<usize>, UseCaseError> {
        let bound: Vec<Vec<(OutputId, Option<usize>)>> = jobs.iter().map(DescribedJob::bound_outputs).collect();
        if bound.iter().all(Vec::is_empty) {
            return Ok((0..jobs.len()).collect());
        }
        let all =
            jobs.iter().zip(&bound).flat_map(|(job, bound)| bound.iter().map(|(id, _)| (job.organisation_id, *id)));
        names.load(self, all)?;
        let mut graph = Graph::default();
        for (job, bound) in jobs.iter().zip(&bound) {
            graph.names.insert(job.id, job.name.clone());
            let read = bound.iter().filter_map(|(id, _)| names.job_of(*id));
            graph.upstream.insert(job.id, read.collect());
        }
        self.walk_upstream(jobs, &mut graph)?;
        let places: BTreeMap<JobId, usize> = jobs.iter().enumerate().map(|(index, job)| (job.id, index)).collect();
        let components = graph.components();
        let groups = graph.cycles(&components);
        let mut shown = 0;
        let size = |group: usize| components.get(group).map_or(1, Vec::len);
        for (job, bound) in jobs.iter().zip(&bound) {
            for (id, place) in bound {
                let Some(read) = names.job_of(*id) else { continue };
                if !places.contains_key(&read) {
                    self.read.entry(read).or_insert_with(|| job.place_of(*place));
                }
                let Some(group) = groups.get(&job.id) else { continue };
                if groups.get(&read) != Some(group) {
                    continue;
                }
                shown += 1;
                let cycle = if shown <= Cycle::MAX_SHOWN {
                    graph.cycle(job.id, read, &groups)
                } else {
                    Cycle { names: Vec::new(), jobs: size(*group) }
                };
                self.diagnostics.report(job.place_of(*place), cycle.problem());
            }
        }
        Ok(components.into_iter().flatten().filter_map(|id| places.get(&id).copied()).collect())
    }

    /// Follows what stored jobs read that are not in the document.
    fn walk_upstream(&self, jobs: &[DescribedJob<'_>], graph: &mut Graph) -> Result<(), StoreFailure> {
        let owners: BTreeSet<OrganisationId> = jobs.iter().map(|job| job.organisation_id).collect();
        let scope = Scope::of(owners);
        let mut followed = 0;
        let mut read: BTreeSet<JobId> = graph.upstream.values().flatten().copied().collect();
        loop {
            let next: Vec<JobId> =
                std::mem::take(&mut read).into_iter().filter(|id| !graph.upstream.contains_key(id)).collect();
            if next.is_empty() {
                return Ok(());
            }
            for few in next.chunks(JOBS_AT_ONCE) {
                if followed >= MOST_FOLLOWED {
                    return Ok(());
                }
                let keys: Vec<_> = few.iter().map(|id| (scope.clone(), *id)).collect();
                let found: Vec<Job> = self.ports.jobs.find_many(&keys)?.into_iter().flatten().collect();
                graph.upstream.extend(few.iter().map(|id| (*id, BTreeSet::new())));
                let bound = found.iter().flat_map(|job| {
                    job.role_bindings.outputs().into_iter().map(move |id| (job.id, job.organisation_id, id))
                });
                let bound: Vec<_> = bound.collect();
                followed += few.len() + bound.len();
                let keys: Vec<_> = bound.iter().map(|(_, owner, id)| (Scope::of([*owner]), *id)).collect();
                let outputs = if keys.is_empty() { Vec::new() } else { self.ports.chains.find_outputs(&keys)? };
                for ((reader, _, _), output) in bound.iter().zip(outputs) {
                    let Some(output) = output else { continue };
                    graph.upstream.entry(*reader).or_default().insert(output.job_id);
                    read.insert(output.job_id);
                }
                graph.names.extend(found.into_iter().map(|job| (job.id, job.name)));
            }
        }
    }
}

impl Graph {
    /// Jobs that rest on each other together, each group after those that it reads: one job alone, where there is no
    /// cycle. These are the strongly connected components, found by Kosaraju's algorithm.
    fn components(&self) -> Vec<Vec<JobId>> {
        let mut readers: BTreeMap<JobId, Vec<JobId>> = BTreeMap::new();
        for (reader, read) in &self.upstream {
            for id in read {
                readers.entry(*id).or_default().push(*reader);
            }
        }
        let mut seen = BTreeSet::new();
        let mut components = Vec::new();
        for id in self.finished().into_iter().rev() {
            let mut component = Vec::new();
            let mut open = vec![id];
            while let Some(id) = open.pop() {
                if seen.insert(id) {
                    component.push(id);
                    open.extend(readers.get(&id).into_iter().flatten().copied());
                }
            }
            if !component.is_empty() {
                components.push(component);
            }
        }
        components.reverse();
        components
    }

    /// All jobs, each behind those that are reached from it and were not before, in depth: without recursion, since
    /// chains may be long.
    fn finished(&self) -> Vec<JobId> {
        let mut seen = BTreeSet::new();
        let mut finished = Vec::new();
        let mut open: Vec<(JobId, bool)> = self.upstream.keys().map(|id| (*id, false)).collect();
        while let Some((id, is_finished)) = open.pop() {
            if is_finished {
                finished.push(id);
            } else if seen.insert(id) {
                open.push((id, true));
                open.extend(self.upstream.get(&id).into_iter().flatten().map(|read| (*read, false)));
            }
        }
        finished
    }

    /// Which jobs rest on themselves, each with a number that those on the same cycles share.
    fn cycles(&self, components: &[Vec<JobId>]) -> BTreeMap<JobId, usize> {
        let reads_itself = |id: &JobId| self.upstream.get(id).is_some_and(|read| read.contains(id));
        let is_cycle = |jobs: &[JobId]| jobs.len() > 1 || jobs.iter().any(reads_itself);
        let cycles = components.iter().enumerate().filter(|(_, jobs)| is_cycle(jobs));
        cycles.flat_map(|(number, jobs)| jobs.iter().map(move |id| (*id, number))).collect()
    }

    /// The cycle that a job closes by reading another one of its group.
    fn cycle(&self, reader: JobId, read: JobId, groups: &BTreeMap<JobId, usize>) -> Cycle {
        let group = groups.get(&reader);
        let in_group = |id: &JobId| groups.get(id) == group;
        let links = self.upstream.iter().filter(|(id, _)| in_group(id)).flat_map(|(job_id, read)| {
            let read = read.iter().filter(|id| in_group(id));
            read.map(|upstream_job_id| ChainLink { job_id: *job_id, upstream_job_id: *upstream_job_id })
        });
        let way = ways_upstream(links, &[read], reader, Cycle::MAX_NAMED).pop().flatten();
        let Some(mut way) = way else { return Cycle { names: Vec::new(), jobs: 1 } };
        // From the job that reads.
        way.shown.rotate_right(1);
        let names = way.shown.iter().filter_map(|id| self.names.get(id).cloned()).collect();
        Cycle { names, jobs: way.jobs }
    }
}

/// The places of jobs, each with its outputs and those that it reads: a job before those whose outputs it reads.
pub(super) fn readers_first<'a>(
    jobs: impl Iterator<Item = (JobId, &'a [OutputId], &'a [OutputId])> + Clone,
) -> Vec<usize> {
    let owner: BTreeMap<OutputId, JobId> =
        jobs.clone().flat_map(|(id, outputs, _)| outputs.iter().map(move |output| (*output, id))).collect();
    let mut graph = Graph::default();
    let mut places = BTreeMap::new();
    for (place, (id, _, reads)) in jobs.enumerate() {
        graph.upstream.insert(id, reads.iter().filter_map(|output| owner.get(output).copied()).collect());
        places.insert(id, place);
    }
    graph.components().into_iter().rev().flatten().filter_map(|id| places.get(&id).copied()).collect()
}
