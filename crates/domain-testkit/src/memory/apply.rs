use prediction_domain::model::{
    InputPosition, Job, JobId, OrganisationId, Quota, QuotaExceeded, Scope, SetName, SourceVersionId,
};
use prediction_domain::ports::{
    AdoptedVersion, ApplyError, ApplyPlan, ApplyRepository, JobSetUp, JobSetUpOutcome, StoreFailure, Write, WriteMode,
};

use crate::memory::inputs::is_user;
use crate::memory::{MemoryStore, State, lasts};

impl ApplyRepository for MemoryStore {
    fn apply(&self, plan: &ApplyPlan) -> Result<(), ApplyError> {
        let mut state = self.state();
        let mut applied = state.clone();
        applied.apply(plan)?;
        if lasts(plan.mode) {
            *state = applied;
        }
        Ok(())
    }

    fn unused_versions(
        &self,
        versions: &[SourceVersionId],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        let state = self.state();
        let counts = |job: &Job| !without.contains(&(job.organisation_id, job.id));
        Ok(versions.iter().map(|id| !state.users_of(*id).into_iter().any(counts)).collect())
    }

    fn unused_inputs(
        &self,
        inputs: &[InputPosition],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        let state = self.state();
        let counts = |job: &Job| !without.contains(&(job.organisation_id, job.id));
        let is_used = |input: &InputPosition| {
            state.jobs.values().any(|job| is_user(job, input.organisation_id, input.id) && counts(job))
        };
        Ok(inputs.iter().map(|input| !is_used(input)).collect())
    }

    fn count_runs(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<u64>, StoreFailure> {
        let state = self.state();
        let count = |(organisation_id, id): &(OrganisationId, JobId)| {
            let is_there = state.jobs.get(id).is_some_and(|job| job.organisation_id == *organisation_id);
            let runs = state.runs.values().filter(|(run, _)| is_there && run.job_id == *id);
            runs.count() as u64
        };
        Ok(jobs.iter().map(count).collect())
    }
}

impl State {
    /// Does as much of a plan as can be done, so that what it is done to has to be thrown away when it fails.
    fn apply(&mut self, plan: &ApplyPlan) -> Result<(), ApplyError> {
        self.judge_numbers(plan)?;
        self.use_allowances(plan)?;
        for source in &plan.sources {
            match source {
                Write::New(source) => self.insert_source(source).map_err(|_| ApplyError::Overtaken)?,
                Write::Changed { value, expected } => self.update_source(value, *expected, WriteMode::Commit)?,
            }
        }
        for version in &plan.new_versions {
            self.insert_version(version).map_err(|_| ApplyError::Overtaken)?;
        }
        for AdoptedVersion { id, from, to } in &plan.adopted_versions {
            self.judge_keeper(*id, from.as_ref())?;
            self.versions.get_mut(id).ok_or(ApplyError::Overtaken)?.managed_by = Some(to.clone());
        }
        for input in &plan.inputs {
            let expected = match input {
                Write::New(_) => None,
                Write::Changed { expected, .. } => Some(*expected),
            };
            self.judge_input(input.value(), expected)?;
            self.put_input(input.value());
        }
        let mut bound_anew: Vec<&Job> = Vec::new();
        for job in &plan.jobs {
            if self.write_job(job)? {
                bound_anew.push(job.value());
            }
        }
        for (organisation_id, id, expected) in &plan.deleted_jobs {
            self.delete_job(&Scope::of([*organisation_id]), *id, *expected, WriteMode::Commit)
                .map_err(|refusal| ApplyError::of_deletion((*organisation_id, *id), refusal))?;
        }
        for (id, set) in &plan.deleted_versions {
            self.judge_keeper(*id, Some(set))?;
            self.delete_version(&Scope::Platform, *id, WriteMode::Commit)?;
        }
        for (id, expected) in &plan.deleted_sources {
            self.delete_source(*id, *expected, WriteMode::Commit)?;
        }
        for (input, expected) in &plan.deleted_inputs {
            self.delete_input((input.organisation_id, input.id), *expected, WriteMode::Commit)?;
        }
        match bound_anew.into_iter().find(|job| self.closes_cycle(job)) {
            Some(job) => Err(ApplyError::Cycle { job_id: job.id }),
            None => Ok(()),
        }
    }

    /// Tells whether a job that was there binds outputs that it did not bind before. A cycle has one of these: nothing
    /// rests on a new job.
    fn write_job(&mut self, job: &Write<Job>) -> Result<bool, ApplyError> {
        match job {
            Write::New(job) => {
                let mode = WriteMode::Commit;
                let plan = JobSetUp { new_source: None, new_version: None, job: job.clone(), most_jobs: None, mode };
                match self.set_up(&plan) {
                    Ok(JobSetUpOutcome::Created) => Ok(false),
                    // The id of a job that is there is no internal failure here.
                    Ok(JobSetUpOutcome::NameTaken(_)) | Err(_) => Err(ApplyError::Overtaken),
                }
            }
            Write::Changed { value, expected } => {
                let refused = |refusal| ApplyError::of_update(value, refusal);
                let binds = self.job_at(value, *expected).and_then(|stored| self.judge_change(stored, value));
                let binds = binds.map_err(refused)?;
                self.replace_job(value);
                Ok(binds)
            }
        }
    }

    fn judge_keeper(&self, id: SourceVersionId, set: Option<&SetName>) -> Result<(), ApplyError> {
        let is_kept = self.versions.get(&id).is_some_and(|version| version.managed_by.as_ref() == set);
        if is_kept { Ok(()) } else { Err(ApplyError::Overtaken) }
    }

    fn judge_numbers(&self, plan: &ApplyPlan) -> Result<(), ApplyError> {
        let Some(limit) = plan.most_jobs else { return Ok(()) };
        for (organisation_id, amount) in plan.more_jobs() {
            let used = self.jobs.values().filter(|job| job.organisation_id == organisation_id).count() as u64;
            if used + amount > limit {
                let exceeded = QuotaExceeded { quota: Quota::Jobs, limit, used, amount };
                return Err(ApplyError::QuotaExceeded { organisation_id, exceeded });
            }
        }
        Ok(())
    }

    fn use_allowances(&mut self, plan: &ApplyPlan) -> Result<(), ApplyError> {
        for (organisation_id, allowance) in plan.allowances() {
            let used = self.judge_allowance(organisation_id, Some(allowance));
            self.usage.extend(used.map_err(|exceeded| ApplyError::QuotaExceeded { organisation_id, exceeded })?);
        }
        Ok(())
    }
}
