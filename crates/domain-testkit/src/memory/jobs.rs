use std::collections::{BTreeMap, BTreeSet};

use prediction_domain::model::{
    Allowance, BoundJobs, Health, HealthCounts, HealthFilter, Job, JobGrouping, JobId, JobName, JobRevision,
    LifecycleStage, MonitoredJob, OrganisationId, OutputId, Page, PageRequest, Position, Quota, QuotaExceeded,
    Revision, RoleName, Scope, SourceVersionId, Timestamp,
};
use prediction_domain::ports::{
    DeleteJobError, JobFilter, JobGroup, JobRepository, JobSetUp, JobSetUpOutcome, JobSetUpRejected, ListedName,
    ListedNames, StoreFailure, UpdateJobError, WriteMode,
};

use crate::memory::{Kind, MemoryStore, State, is_kept_by, lasts};

impl JobRepository for MemoryStore {
    fn find_many(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<Job>>, StoreFailure> {
        let state = self.state();
        let find = |(scope, id): &(Scope, JobId)| {
            state.jobs.get(id).filter(|job| scope.contains(job.organisation_id)).cloned()
        };
        Ok(wanted.iter().map(find).collect())
    }

    fn find_monitored(&self, wanted: &[(Scope, JobId)]) -> Result<Vec<Option<MonitoredJob>>, StoreFailure> {
        let found = self.find_many(wanted)?;
        let state = self.state();
        Ok(found.into_iter().map(|job| job.map(|job| state.monitored(&job))).collect())
    }

    fn find_by_name(&self, organisation_id: OrganisationId, name: &JobName) -> Result<Option<Job>, StoreFailure> {
        Ok(self.state().job_named(organisation_id, name).cloned())
    }

    fn set_up_many(&self, plans: &[JobSetUp]) -> Vec<Result<JobSetUpOutcome, JobSetUpRejected>> {
        let mut state = self.state();
        plans.iter().map(|plan| state.set_up(plan)).collect()
    }

    fn list(&self, scope: &Scope, filter: &JobFilter, page: &PageRequest) -> Result<Page<MonitoredJob>, StoreFailure> {
        let state = self.state();
        let found = state.jobs_in(scope, filter);
        Ok(state.page_of(Kind::Job, found.into_iter(), page, |found| found.job.id.as_uuid()))
    }

    fn names(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        after: Option<Position>,
        most: usize,
    ) -> Result<ListedNames, StoreFailure> {
        let state = self.state();
        let listed = state.jobs_in(scope, filter).into_iter().map(|MonitoredJob { job, .. }| ListedName {
            position: state.position(Kind::Job, job.id.as_uuid()),
            organisation_id: job.organisation_id,
            id: job.id,
            name: job.name,
        });
        let mut behind: Vec<_> = listed.filter(|named| after.is_none_or(|after| named.position > after)).collect();
        behind.sort_by_key(|named| named.position);
        behind.truncate(most);
        Ok(ListedNames::merged([behind], most))
    }

    fn count_each_by_health(
        &self,
        scope: &Scope,
        filter: &JobFilter,
        grouping: JobGrouping,
        now: Timestamp,
    ) -> Result<BTreeMap<JobGroup, HealthCounts>, StoreFailure> {
        let mut groups: BTreeMap<JobGroup, HealthCounts> = BTreeMap::new();
        for judged in self.state().jobs_in(scope, filter).into_iter().map(|job| job.judged_at(now)) {
            let group = match grouping {
                JobGrouping::Organisation => JobGroup::Organisation(judged.job.organisation_id),
                JobGrouping::Source => JobGroup::Source(judged.job.source_id),
                JobGrouping::SourceVersion => JobGroup::SourceVersion(judged.job.source_version_id),
                _ => return Err(StoreFailure::Internal(format!("jobs are not counted by {grouping}").into())),
            };
            groups.entry(group).or_default().extend([(judged.health.status, 1)]);
        }
        Ok(groups)
    }

    fn count_by_health(&self, scope: &Scope, filter: &JobFilter, now: Timestamp) -> Result<HealthCounts, StoreFailure> {
        let found = self.state().jobs_in(scope, filter);
        Ok(found.into_iter().map(|job| (job.judged_at(now).health.status, 1)).collect())
    }

    fn count_by_bound_roles(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<BoundJobs>, StoreFailure> {
        let mut counts: BTreeMap<(SourceVersionId, Vec<RoleName>), u64> = BTreeMap::new();
        for MonitoredJob { job, .. } in self.state().jobs_in(scope, filter) {
            let roles = job.role_bindings.iter().map(|binding| binding.role.clone()).collect();
            *counts.entry((job.source_version_id, roles)).or_default() += 1;
        }
        let counts = counts.into_iter();
        Ok(counts.map(|((source_version_id, roles), jobs)| BoundJobs { source_version_id, roles, jobs }).collect())
    }

    fn count_of_stages(&self) -> Result<BTreeMap<LifecycleStage, u64>, StoreFailure> {
        let state = self.state();
        let mut counts = BTreeMap::new();
        for stage in state.jobs.values().map(|job| state.stage_of(job)) {
            if stage != LifecycleStage::Active {
                *counts.entry(stage).or_insert(0) += 1;
            }
        }
        Ok(counts)
    }

    fn update(
        &self,
        job: &Job,
        expected: Revision,
        allowance: Option<Allowance>,
        mode: WriteMode,
    ) -> Result<(), UpdateJobError> {
        let mut state = self.state();
        let stored = state.job_at(job, expected)?;
        let used = state.judge_allowance(job.organisation_id, allowance).map_err(UpdateJobError::QuotaExceeded)?;
        if state.judge_change(stored, job)? && state.closes_cycle(job) {
            return Err(UpdateJobError::Cycle);
        }
        if lasts(mode) {
            state.replace_job(job);
            state.usage.extend(used);
        }
        Ok(())
    }

    fn revisions(
        &self,
        organisation_id: OrganisationId,
        id: JobId,
        page: &PageRequest<Revision>,
    ) -> Result<Page<JobRevision, Revision>, StoreFailure> {
        let all = self.state().revisions_of(organisation_id, id).into_iter();
        let behind = all.filter(|kept| page.after.is_none_or(|after| kept.revision > after));
        Ok(Page::of_placed(
            behind
                .map(|kept| {
                    let place = kept.revision;
                    (kept, place)
                })
                .collect(),
            page,
        ))
    }

    fn revision(
        &self,
        organisation_id: OrganisationId,
        id: JobId,
        revision: Revision,
    ) -> Result<Option<JobRevision>, StoreFailure> {
        Ok(self.state().revisions_of(organisation_id, id).into_iter().find(|kept| kept.revision == revision))
    }

    fn delete(&self, scope: &Scope, id: JobId, expected: Revision, mode: WriteMode) -> Result<(), DeleteJobError> {
        self.state().delete_job(scope, id, expected, mode)
    }
}

impl State {
    /// The stored job with the id and the organisation of `job`, at that revision.
    pub(super) fn job_at(&self, job: &Job, expected: Revision) -> Result<&Job, UpdateJobError> {
        let stored = self.jobs.get(&job.id).filter(|stored| stored.organisation_id == job.organisation_id);
        let stored = stored.ok_or(UpdateJobError::Missing)?;
        if stored.revision == expected { Ok(stored) } else { Err(UpdateJobError::Stale { current: stored.revision }) }
    }

    /// Whether a change can be made, but for cycles. Tells whether it binds outputs that were not bound before.
    pub(super) fn judge_change(&self, stored: &Job, job: &Job) -> Result<bool, UpdateJobError> {
        if let Some(taken) = self.job_named(job.organisation_id, &job.name)
            && taken.id != job.id
        {
            return Err(UpdateJobError::NameTaken(Box::new(taken.clone())));
        }
        if !self.has_version(job.source_version_id, stored.source_id) {
            return Err(UpdateJobError::VersionMissing);
        }
        let staying = job.outputs.iter().map(|output| output.id).collect();
        let readers = self.readers(job.organisation_id, job.id, &staying);
        if readers.jobs > 0 {
            return Err(UpdateJobError::OutputsInUse(readers));
        }
        let before = stored.role_bindings.outputs();
        let new: Vec<OutputId> = job.role_bindings.outputs().difference(&before).copied().collect();
        let exists = |id: &OutputId| job.output(*id).is_some() || self.has_output(job.organisation_id, *id);
        if new.iter().all(exists) { Ok(!new.is_empty()) } else { Err(UpdateJobError::OutputMissing) }
    }

    /// Stores a change that was judged. What the job was is kept if it has another revision now.
    pub(super) fn replace_job(&mut self, job: &Job) {
        let Some(stored) = self.jobs.get_mut(&job.id) else { return };
        let changed = Job { source_id: stored.source_id, created_at: stored.created_at, ..job.clone() };
        let before = std::mem::replace(stored, changed);
        if before.revision != job.revision {
            self.history.insert((job.id, before.revision), JobRevision::from(before));
        }
    }

    pub(super) fn delete_job(
        &mut self,
        scope: &Scope,
        id: JobId,
        expected: Revision,
        mode: WriteMode,
    ) -> Result<(), DeleteJobError> {
        let stored = self.jobs.get(&id).filter(|job| scope.contains(job.organisation_id));
        let stored = stored.ok_or(DeleteJobError::Missing)?;
        if stored.revision != expected {
            return Err(DeleteJobError::Stale { current: stored.revision });
        }
        let readers = self.readers(stored.organisation_id, id, &BTreeSet::new());
        if readers.jobs > 0 {
            return Err(DeleteJobError::OutputsInUse(readers));
        }
        if lasts(mode) {
            self.jobs.remove(&id);
            self.history.retain(|(job_id, _), _| *job_id != id);
        }
        Ok(())
    }

    fn revisions_of(&self, organisation_id: OrganisationId, id: JobId) -> Vec<JobRevision> {
        let kept = self.history.values().filter(|kept| kept.job_id == id).cloned();
        let current = self.jobs.get(&id).cloned().map(JobRevision::from);
        kept.chain(current).filter(|kept| kept.organisation_id == organisation_id).collect()
    }

    fn jobs_in(&self, scope: &Scope, filter: &JobFilter) -> Vec<MonitoredJob> {
        let jobs = self.jobs.values().filter(|job| scope.contains(job.organisation_id) && passes(filter, job));
        let stages = filter.version_stages.as_ref();
        let jobs = jobs.filter(|job| stages.is_none_or(|stages| stages.contains(&self.stage_of(job))));
        jobs.map(|job| self.monitored(job)).filter(|job| is_so(filter.health.as_ref(), job)).collect()
    }

    fn stage_of(&self, job: &Job) -> LifecycleStage {
        self.versions.get(&job.source_version_id).map(|version| version.lifecycle.stage).unwrap_or_default()
    }

    pub(super) fn set_up(&mut self, plan: &JobSetUp) -> Result<JobSetUpOutcome, JobSetUpRejected> {
        if let Some(taken) = self.job_named(plan.job.organisation_id, &plan.job.name) {
            return Ok(JobSetUpOutcome::NameTaken(Box::new(taken.clone())));
        }
        self.judge_number(plan)?;
        self.judge_new_source(plan)?;
        self.judge_new_version(plan)?;
        self.judge_job(plan)?;
        if lasts(plan.mode) {
            if let Some(source) = &plan.new_source {
                self.number(Kind::Source, source.id.as_uuid());
            }
            if let Some(version) = &plan.new_version {
                self.number(Kind::Version, version.id.as_uuid());
            }
            self.number(Kind::Job, plan.job.id.as_uuid());
            self.sources.extend(plan.new_source.iter().map(|source| (source.id, source.clone())));
            self.versions.extend(plan.new_version.iter().map(|version| (version.id, version.clone())));
            self.jobs.insert(plan.job.id, plan.job.clone());
        }
        Ok(JobSetUpOutcome::Created)
    }

    fn judge_number(&self, plan: &JobSetUp) -> Result<(), JobSetUpRejected> {
        let Some(limit) = plan.most_jobs else { return Ok(()) };
        let has = |job: &&Job| job.organisation_id == plan.job.organisation_id;
        let used = self.jobs.values().filter(has).count() as u64;
        if used < limit {
            return Ok(());
        }
        Err(JobSetUpRejected::QuotaExceeded(QuotaExceeded { quota: Quota::Jobs, limit, used, amount: 1 }))
    }

    fn judge_new_source(&self, plan: &JobSetUp) -> Result<(), JobSetUpRejected> {
        match &plan.new_source {
            Some(source) if self.sources.contains_key(&source.id) || self.source_named(&source.name).is_some() => {
                Err(JobSetUpRejected::SourceTaken)
            }
            _ => Ok(()),
        }
    }

    fn judge_new_version(&self, plan: &JobSetUp) -> Result<(), JobSetUpRejected> {
        let Some(version) = &plan.new_version else {
            return Ok(());
        };
        if self.versions.contains_key(&version.id)
            || self.version_labelled(version.source_id, &version.version).is_some()
        {
            return Err(JobSetUpRejected::VersionTaken);
        }
        let is_of_new_source = plan.new_source.as_ref().is_some_and(|source| source.id == version.source_id);
        if !is_of_new_source && !self.sources.contains_key(&version.source_id) {
            return Err(JobSetUpRejected::ReferenceMissing);
        }
        Ok(())
    }

    fn judge_job(&self, plan: &JobSetUp) -> Result<(), JobSetUpRejected> {
        let job = &plan.job;
        let runs_new_version = plan
            .new_version
            .as_ref()
            .is_some_and(|version| version.id == job.source_version_id && version.source_id == job.source_id);
        if !runs_new_version && !self.has_version(job.source_version_id, job.source_id) {
            return Err(JobSetUpRejected::ReferenceMissing);
        }
        if !job.role_bindings.outputs().iter().all(|id| self.has_output(job.organisation_id, *id)) {
            return Err(JobSetUpRejected::OutputMissing);
        }
        if self.jobs.contains_key(&job.id) {
            return Err(StoreFailure::Internal(format!("there is a job {} of another name", job.id).into()).into());
        }
        Ok(())
    }
}

pub(super) fn passes(filter: &JobFilter, job: &Job) -> bool {
    let JobFilter {
        organisation_id,
        source_id,
        source_version_id,
        version_stages: _,
        active,
        name,
        input_id,
        health: _,
        managed_by,
    } = filter;
    organisation_id.is_none_or(|id| job.organisation_id == id)
        && source_id.is_none_or(|id| job.source_id == id)
        && source_version_id.is_none_or(|id| job.source_version_id == id)
        && managed_by.as_ref().is_none_or(|set| is_kept_by(job.management.as_ref(), set))
        && active.is_none_or(|active| job.active == active)
        && name.as_ref().is_none_or(|name| job.name == *name)
        && input_id.is_none_or(|id| job.role_bindings.iter().any(|binding| binding.input_id == id))
}

fn is_so(filter: Option<&HealthFilter>, job: &MonitoredJob) -> bool {
    filter.is_none_or(|filter| filter.statuses.contains(&Health::evaluate(&job.job, &job.monitoring, filter.at).status))
}
