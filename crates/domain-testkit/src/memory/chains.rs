use std::collections::{BTreeMap, BTreeSet};

use prediction_domain::model::{
    ChainLink, Health, HealthStatus, Job, JobId, JobOutput, JobsInUse, OrganisationId, OutputId, Readers, RoleName,
    Scope, SourceVersionId, Timestamp, ways_upstream,
};
use prediction_domain::ports::{ChainRepository, JobFilter, StoreFailure};

use crate::memory::jobs::passes;
use crate::memory::{MemoryStore, State};

impl ChainRepository for MemoryStore {
    fn find_outputs(&self, wanted: &[(Scope, OutputId)]) -> Result<Vec<Option<JobOutput>>, StoreFailure> {
        let state = self.state();
        let find = |(scope, id): &(Scope, OutputId)| {
            let mut jobs = state.jobs.values().filter(|job| scope.contains(job.organisation_id));
            jobs.find_map(|job| Some(JobOutput::of(job, job.output(*id)?)))
        };
        Ok(wanted.iter().map(find).collect())
    }

    fn readers_of(
        &self,
        organisation_id: OrganisationId,
        jobs: &BTreeSet<JobId>,
        most: usize,
    ) -> Result<Vec<JobId>, StoreFailure> {
        let links = self.state().links_of(organisation_id).into_iter();
        let readers: BTreeSet<JobId> =
            links.filter(|(link, _)| jobs.contains(&link.upstream_job_id)).map(|(link, _)| link.job_id).collect();
        Ok(readers.into_iter().take(most).collect())
    }

    fn count_readers(&self, organisation_id: OrganisationId, id: JobId) -> Result<Readers, StoreFailure> {
        Ok(self.state().readers(organisation_id, id, &BTreeSet::new()))
    }

    fn links_between(
        &self,
        organisation_id: OrganisationId,
        from: &BTreeSet<JobId>,
        to: JobId,
    ) -> Result<Vec<ChainLink>, StoreFailure> {
        let links: BTreeSet<ChainLink> =
            self.state().links_of(organisation_id).into_iter().map(|(link, _)| link).collect();
        let from: Vec<JobId> = from.iter().copied().collect();
        let leads = ways_upstream(links.iter().copied(), &from, to, 0).iter().any(Option::is_some);
        Ok(if leads { links.into_iter().collect() } else { Vec::new() })
    }

    fn outputs_in_use(&self, wanted: &[(OrganisationId, JobId)]) -> Result<Vec<BTreeSet<OutputId>>, StoreFailure> {
        let state = self.state();
        let read = |(organisation_id, id): &(OrganisationId, JobId)| {
            let links = state.links_of(*organisation_id).into_iter();
            links.filter(|(link, _)| link.upstream_job_id == *id).map(|(_, output)| output).collect()
        };
        Ok(wanted.iter().map(read).collect())
    }

    fn count_jobs_in_use(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<JobsInUse>, StoreFailure> {
        let state = self.state();
        let mut counts: BTreeMap<(SourceVersionId, Vec<RoleName>, Vec<RoleName>), u64> = BTreeMap::new();
        for job in state.jobs.values().filter(|job| scope.contains(job.organisation_id) && passes(filter, job)) {
            let links = state.links_of(job.organisation_id);
            let is_read = |id: OutputId| links.iter().any(|(_, output)| *output == id);
            let outputs: Vec<RoleName> =
                job.outputs.iter().filter(|output| is_read(output.id)).map(|output| output.role.clone()).collect();
            if !outputs.is_empty() {
                let roles = job.role_bindings.iter().map(|binding| binding.role.clone()).collect();
                *counts.entry((job.source_version_id, roles, outputs)).or_default() += 1;
            }
        }
        let count = |((source_version_id, roles, outputs), jobs)| JobsInUse { source_version_id, roles, outputs, jobs };
        Ok(counts.into_iter().map(count).collect())
    }

    fn blocking(&self, wanted: &[(OrganisationId, JobId)], now: Timestamp) -> Result<Vec<Vec<JobId>>, StoreFailure> {
        let state = self.state();
        Ok(wanted.iter().map(|(organisation_id, id)| state.blocking(*organisation_id, *id, now)).collect())
    }
}

impl State {
    /// Which job of an organisation reads which output of which other one.
    pub(super) fn links_of(&self, organisation_id: OrganisationId) -> Vec<(ChainLink, OutputId)> {
        let jobs = || self.jobs.values().filter(|job| job.organisation_id == organisation_id);
        let owners: BTreeMap<OutputId, JobId> =
            jobs().flat_map(|job| job.outputs.iter().map(|output| (output.id, job.id))).collect();
        let links = |job: &Job| {
            let link =
                |output: OutputId| Some((ChainLink { job_id: job.id, upstream_job_id: *owners.get(&output)? }, output));
            job.role_bindings.outputs().into_iter().filter_map(link).collect::<Vec<_>>()
        };
        jobs().flat_map(links).collect()
    }

    /// The jobs that read outputs of a job, but for these.
    pub(super) fn readers(&self, organisation_id: OrganisationId, id: JobId, staying: &BTreeSet<OutputId>) -> Readers {
        let links = self.links_of(organisation_id).into_iter();
        let read = links.filter(|(link, output)| link.upstream_job_id == id && !staying.contains(output));
        let readers: BTreeSet<JobId> = read.map(|(link, _)| link.job_id).collect();
        Readers { jobs: readers.len() as u64, first: readers.into_iter().take(Readers::MAX_NAMED).collect() }
    }

    pub(super) fn has_output(&self, organisation_id: OrganisationId, id: OutputId) -> bool {
        self.jobs.values().any(|job| job.organisation_id == organisation_id && job.output(id).is_some())
    }

    /// Whether a job would read its own output if it were so.
    pub(super) fn closes_cycle(&self, changed: &Job) -> bool {
        let others = self.links_of(changed.organisation_id).into_iter().map(|(link, _)| link);
        let others = others.filter(|link| link.job_id != changed.id);
        let bound = changed.role_bindings.outputs();
        let owner = |id: &OutputId| {
            let jobs = self.jobs.values().filter(|job| job.organisation_id == changed.organisation_id);
            jobs.filter(|job| job.id != changed.id).find(|job| job.output(*id).is_some()).map(|job| job.id)
        };
        let upstream: Vec<JobId> = bound.iter().filter_map(owner).collect();
        bound.iter().any(|id| changed.output(*id).is_some())
            || ways_upstream(others, &upstream, changed.id, 0).iter().any(Option::is_some)
    }

    fn blocking(&self, organisation_id: OrganisationId, id: JobId, now: Timestamp) -> Vec<JobId> {
        let links = self.links_of(organisation_id);
        let mut blocking = BTreeSet::new();
        let mut frontier = BTreeSet::from([id]);
        for _ in 0..Health::DEPTH_OF_BLOCKING {
            let upstream = links.iter().filter(|(link, _)| frontier.contains(&link.job_id));
            let upstream: BTreeSet<JobId> = upstream.map(|(link, _)| link.upstream_job_id).collect();
            let blocks = |id: &JobId| {
                let job = self.jobs.get(id);
                job.is_some_and(|job| {
                    HealthStatus::BLOCKING.contains(&self.monitored(job).judged_at(now).health.status)
                })
            };
            let (found, others): (BTreeSet<JobId>, BTreeSet<JobId>) = upstream.into_iter().partition(blocks);
            blocking.extend(found);
            frontier = others;
        }
        blocking.into_iter().take(Health::MAX_BLOCKING).collect()
    }
}
