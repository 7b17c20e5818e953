//! Storing many things at once, as a document describes them.

mod needs;

use diesel::prelude::*;
use prediction_domain::model::{InputPosition, Job, JobId, OrganisationId, Scope, SourceVersionId};
use prediction_domain::ports::{ApplyError, ApplyPlan, ApplyRepository, StoreFailure, UpdateJobError, Write};

use crate::catalog::{source_versions, sources};
use crate::constraints::ConstraintViolation;
use crate::failure::OrStoreFailure as _;
use crate::inputs;
use crate::jobs::{chains, delete, insert, update};
use crate::quotas::{judge_more_jobs, take};
use crate::store::SqliteStore;

impl ApplyRepository for SqliteStore {
    fn apply(&self, plan: &ApplyPlan) -> Result<(), ApplyError> {
        self.write(plan.mode, |connection| {
            use_quotas(connection, plan)?;
            store_catalog(connection, plan)?;
            for input in &plan.inputs {
                let expected = match input {
                    Write::New(_) => None,
                    Write::Changed { expected, .. } => Some(*expected),
                };
                inputs::put(connection, input.value(), expected)?;
            }
            let mut bound_anew: Vec<&Job> = Vec::new();
            for job in &plan.jobs {
                if store_job(connection, job)? {
                    bound_anew.push(job.value());
                }
            }
            delete_all(connection, plan)?;
            // At the end, since a way that leads back between two writes may be gone after the last. Each that is new
            // leads over a job that was there and is bound anew: nothing rests on a new job but what comes after it.
            for job in bound_anew {
                if chains::closes_cycle(connection, job)? {
                    return Err(ApplyError::Cycle { job_id: job.id });
                }
            }
            Ok(())
        })
    }

    fn unused_versions(
        &self,
        versions: &[SourceVersionId],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        needs::unused_versions(&mut *self.reader()?, versions, without)
    }

    fn unused_inputs(
        &self,
        inputs: &[InputPosition],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        needs::unused_inputs(&mut *self.reader()?, inputs, without)
    }

    fn count_runs(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<u64>, StoreFailure> {
        needs::count_runs(&mut *self.reader()?, jobs)
    }
}

fn use_quotas(connection: &mut SqliteConnection, plan: &ApplyPlan) -> Result<(), ApplyError> {
    let exceeded = |organisation_id| move |exceeded| ApplyError::QuotaExceeded { organisation_id, exceeded };
    if let Some(limit) = plan.most_jobs {
        for (organisation_id, amount) in plan.more_jobs() {
            let judged = judge_more_jobs(connection, organisation_id, amount, limit).or_store_failure()?;
            judged.map_err(exceeded(organisation_id))?;
        }
    }
    for (organisation_id, allowance) in plan.allowances() {
        let taken = take(connection, organisation_id, Some(allowance)).or_store_failure()?;
        taken.map_err(exceeded(organisation_id))?;
    }
    Ok(())
}

fn store_catalog(connection: &mut SqliteConnection, plan: &ApplyPlan) -> Result<(), ApplyError> {
    for source in &plan.sources {
        match source {
            Write::New(source) => inserted(sources::insert(connection, source))?,
            Write::Changed { value, expected } => sources::replace(connection, value, *expected)?,
        }
    }
    for version in &plan.new_versions {
        inserted(source_versions::insert(connection, version))?;
    }
    for adopted in &plan.adopted_versions {
        require(source_versions::adopt(connection, adopted).or_store_failure()?)?;
    }
    Ok(())
}

/// Tells whether a job that was there is bound to outputs now that it was not bound to before.
fn store_job(connection: &mut SqliteConnection, job: &Write<Job>) -> Result<bool, ApplyError> {
    match job {
        Write::New(job) => {
            inserted(insert::insert(connection, job))?;
            let bound = job.role_bindings.outputs();
            let are_others = bound.iter().all(|id| job.output(*id).is_none());
            let are_there = chains::are_there(connection, job.organisation_id, &bound).or_store_failure()?;
            require(are_others && are_there).map(|()| false)
        }
        Write::Changed { value, expected } => {
            let replaced =
                update::judge_revision(connection, value, *expected).and_then(|()| update::replace(connection, value));
            replaced.map_err(|refusal: UpdateJobError| ApplyError::of_update(value, refusal))
        }
    }
}

fn delete_all(connection: &mut SqliteConnection, plan: &ApplyPlan) -> Result<(), ApplyError> {
    for (organisation_id, id, expected) in &plan.deleted_jobs {
        delete::delete(connection, &Scope::of([*organisation_id]), *id, *expected)
            .map_err(|refusal| ApplyError::of_deletion((*organisation_id, *id), refusal))?;
    }
    for (id, set) in &plan.deleted_versions {
        require(source_versions::is_kept_by(connection, *id, set).or_store_failure()?)?;
        source_versions::delete(connection, &Scope::Platform, *id)?;
    }
    for (id, expected) in &plan.deleted_sources {
        sources::delete(connection, *id, *expected)?;
    }
    for (input, expected) in &plan.deleted_inputs {
        inputs::delete(connection, (input.organisation_id, input.id), *expected)?;
    }
    Ok(())
}

/// What is new has an id and a name that are free, and what it refers to is there.
fn inserted(inserted: QueryResult<Result<(), ConstraintViolation>>) -> Result<(), ApplyError> {
    match inserted.or_store_failure()? {
        Ok(()) => Ok(()),
        Err(ConstraintViolation::Taken | ConstraintViolation::Reference) => Err(ApplyError::Overtaken),
        Err(refusal) => Err(StoreFailure::from(refusal).into()),
    }
}

fn require(is_so: bool) -> Result<(), ApplyError> {
    if is_so { Ok(()) } else { Err(ApplyError::Overtaken) }
}
