//! Storing many things at once, as a document describes them.

mod needs;

use std::collections::BTreeSet;

use diesel::PgConnection;
use diesel::result::Error;
use prediction_domain::model::{
    Allowance, Input, InputPosition, Job, JobId, OrganisationId, QuotaExceeded, Readers, Revision, Scope,
    SourceVersionId,
};
use prediction_domain::ports::{ApplyError, ApplyPlan, ApplyRepository, StoreFailure, UpdateJobError, Write};
use uuid::Uuid;

use crate::catalog::{source_versions, sources};
use crate::constraints::ConstraintViolation;
use crate::database::{Abort, Database};
use crate::inputs;
use crate::jobs::store_many::Together;
use crate::jobs::{delete, take_turn, update};
use crate::quotas::{self, Take};
use crate::store::PostgresStore;

impl ApplyRepository for PostgresStore {
    fn apply(&self, plan: &ApplyPlan) -> Result<(), ApplyError> {
        let database = self.database();
        let mut applied = database.transaction(plan.mode, |connection| store(connection, plan));
        if let Err(NotApplied::Uncounted(organisations)) = applied {
            quotas::begin(database, organisations)?;
            applied = database.transaction(plan.mode, |connection| store(connection, plan));
        }
        applied.map_err(|reason| reason.told(database))
    }

    fn unused_versions(
        &self,
        versions: &[SourceVersionId],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        needs::unused_versions(self.database(), versions, without)
    }

    fn unused_inputs(
        &self,
        inputs: &[InputPosition],
        without: &[(OrganisationId, JobId)],
    ) -> Result<Vec<bool>, StoreFailure> {
        needs::unused_inputs(self.database(), inputs, without)
    }

    fn count_runs(&self, jobs: &[(OrganisationId, JobId)]) -> Result<Vec<u64>, StoreFailure> {
        needs::count_runs(self.database(), jobs)
    }
}

/// Why a plan came to nothing.
enum NotApplied {
    /// The jobs of these organisations are not counted yet, and their number is limited.
    Uncounted(Vec<Uuid>),
    /// An organisation may not make as many changes.
    UsedUp(OrganisationId, Allowance),
    /// A job cannot be changed.
    NotChanged(Box<Job>, UpdateJobError),
    Refused(ApplyError),
}

impl NotApplied {
    /// What is asked for a part of it is asked now, when the transaction is undone.
    fn told(self, database: &Database) -> ApplyError {
        match self {
            Self::Uncounted(_) => StoreFailure::Internal("jobs are not counted that were".into()).into(),
            Self::UsedUp(organisation_id, allowance) => match quotas::used_up(database, organisation_id, &allowance) {
                Ok(exceeded) => ApplyError::QuotaExceeded { organisation_id, exceeded },
                Err(failure) => failure.into(),
            },
            Self::NotChanged(job, refusal) => ApplyError::of_update(&job, update::explain(database, &job, refusal)),
            Self::Refused(refusal) => refusal,
        }
    }
}

impl From<ApplyError> for NotApplied {
    fn from(refusal: ApplyError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreFailure> for NotApplied {
    fn from(failure: StoreFailure) -> Self {
        Self::Refused(failure.into())
    }
}

type Stored = Result<(), Abort<NotApplied>>;

fn overtaken() -> Abort<NotApplied> {
    Abort::Refused(ApplyError::Overtaken.into())
}

/// A refusal of a single write, of which the plan says nothing itself.
fn refused<E: Into<ApplyError>>(abort: Abort<E>) -> Abort<NotApplied> {
    abort.map(|refusal| NotApplied::Refused(refusal.into()))
}

fn require(is_so: bool) -> Stored {
    if is_so { Ok(()) } else { Err(overtaken()) }
}

fn store(connection: &mut PgConnection, plan: &ApplyPlan) -> Stored {
    take_turns(connection, plan)?;
    judge_counts(connection, plan, Jobs::AreToBeStored)?;
    for (organisation_id, allowance) in plan.allowances() {
        if !quotas::is_left(connection, organisation_id.as_uuid(), &allowance)? {
            return Err(Abort::Refused(NotApplied::UsedUp(organisation_id, allowance)));
        }
    }
    store_catalog(connection, plan)?;
    store_inputs(connection, plan)?;
    let bound_anew = store_jobs(connection, plan)?;
    delete_all(connection, plan)?;
    // The numbers are held since the first job: others wait to know whether there is room for them.
    judge_counts(connection, plan, Jobs::AreStored)?;
    // At the end, since a way that leads back between two writes may be gone after the last. Each new one leads over a
    // job that was there and is bound anew: nothing rests on a new job but what comes after it.
    for job in bound_anew {
        if update::closes_cycle(connection, job)? {
            return Err(Abort::Refused(ApplyError::Cycle { job_id: job.id }.into()));
        }
    }
    for (organisation_id, allowance) in plan.allowances() {
        if !Take::new(organisation_id, allowance).run(connection)? {
            return Err(Abort::Refused(NotApplied::UsedUp(organisation_id, allowance)));
        }
    }
    Ok(())
}

/// One plan after the other within an organisation, and none beside a change that binds outputs. In one order, so that
/// of two plans for several organisations one waits for the other.
fn take_turns(connection: &mut PgConnection, plan: &ApplyPlan) -> Stored {
    let of_jobs = plan.jobs.iter().map(|job| job.value().organisation_id);
    let of_inputs = plan.inputs.iter().map(|input| input.value().organisation_id);
    let of_deleted_jobs = plan.deleted_jobs.iter().map(|(organisation_id, ..)| *organisation_id);
    let of_deleted_inputs = plan.deleted_inputs.iter().map(|(input, _)| input.organisation_id);
    let organisations: BTreeSet<OrganisationId> =
        of_jobs.chain(of_inputs).chain(of_deleted_jobs).chain(of_deleted_inputs).collect();
    for organisation_id in organisations {
        take_turn(connection, organisation_id.as_uuid())?;
    }
    Ok(())
}

/// When jobs are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jobs {
    AreToBeStored,
    AreStored,
}

/// Refuses a plan when an organisation has too many jobs with those that the plan makes more.
fn judge_counts(connection: &mut PgConnection, plan: &ApplyPlan, jobs: Jobs) -> Stored {
    let Some(limit) = plan.most_jobs else { return Ok(()) };
    let more = plan.more_jobs();
    let organisations: Vec<Uuid> = more.keys().map(OrganisationId::as_uuid).collect();
    let counts = quotas::job_counts(connection, &organisations)?;
    let uncounted: Vec<Uuid> = organisations.iter().copied().filter(|id| !counts.contains_key(id)).collect();
    if !uncounted.is_empty() {
        return Err(Abort::Refused(NotApplied::Uncounted(uncounted)));
    }
    for (organisation_id, amount) in more {
        let count = counts.get(&organisation_id.as_uuid()).copied().unwrap_or_default();
        let added = i64::try_from(amount).unwrap_or(i64::MAX);
        let before = if jobs == Jobs::AreStored { count - added } else { count };
        if !quotas::has_room(limit, before + added) {
            let exceeded = QuotaExceeded { amount, ..quotas::too_many_jobs(limit, before) };
            return Err(Abort::Refused(ApplyError::QuotaExceeded { organisation_id, exceeded }.into()));
        }
    }
    Ok(())
}

fn store_catalog(connection: &mut PgConnection, plan: &ApplyPlan) -> Stored {
    for source in &plan.sources {
        match source {
            Write::New(source) => require(sources::insert(connection, source)?)?,
            Write::Changed { value, expected } => {
                sources::update(connection, value, *expected).map_err(refused)?;
            }
        }
    }
    for version in &plan.new_versions {
        let inserted = source_versions::insert(connection, version);
        require(inserted.map_err(overtaken_by(&[ConstraintViolation::SourceOfVersion]))?)?;
    }
    for adopted in &plan.adopted_versions {
        require(source_versions::adopt(connection, adopted)?)?;
    }
    Ok(())
}

fn store_inputs(connection: &mut PgConnection, plan: &ApplyPlan) -> Stored {
    let mut new: Vec<&Input> = Vec::new();
    let mut changed: Vec<(&Input, i64)> = Vec::new();
    for input in &plan.inputs {
        match input {
            Write::New(input) => new.push(input),
            Write::Changed { value, expected } => changed.push((value, expected.as_i64())),
        }
    }
    inputs::put(connection, new, changed).map_err(refused)
}

/// Gives the jobs that were there and are bound to outputs that they did not read before.
fn store_jobs<'a>(connection: &mut PgConnection, plan: &'a ApplyPlan) -> Result<Vec<&'a Job>, Abort<NotApplied>> {
    let mut bound_anew = Vec::new();
    let mut together = Together::default();
    for job in &plan.jobs {
        match job {
            Write::New(job) => {
                if !together.takes(job) {
                    store_together(connection, std::mem::take(&mut together))?;
                }
                together.add(job);
            }
            Write::Changed { value, expected } => {
                store_together(connection, std::mem::take(&mut together))?;
                if change_job(connection, value, *expected)? {
                    bound_anew.push(value);
                }
            }
        }
    }
    store_together(connection, together)?;
    Ok(bound_anew)
}

/// Tells whether the job is bound to outputs now that it was not bound to before.
fn change_job(connection: &mut PgConnection, job: &Job, expected: Revision) -> Result<bool, Abort<NotApplied>> {
    // Asked before, since the transaction cannot go on when they are in the way, and some may be of the plan.
    let readers = Readers::try_from(update::in_the_way(connection, job)?)?;
    update::write(connection, job, expected).map_err(|abort| {
        abort.map(|refusal| {
            let refusal = match refusal {
                UpdateJobError::OutputsInUse(_) => UpdateJobError::OutputsInUse(readers),
                other => other,
            };
            NotApplied::NotChanged(Box::new(job.clone()), refusal)
        })
    })
}

fn store_together(connection: &mut PgConnection, jobs: Together<'_>) -> Stored {
    use ConstraintViolation::{BoundOutput, JobId, VersionOfJob};
    let stored = jobs.store(connection);
    require(stored.map_err(overtaken_by(&[JobId, VersionOfJob, BoundOutput]))?)
}

fn delete_all(connection: &mut PgConnection, plan: &ApplyPlan) -> Stored {
    for (organisation_id, id, expected) in &plan.deleted_jobs {
        let deleted = delete::delete(connection, &Scope::of([*organisation_id]), *id, *expected);
        deleted
            .map_err(|abort| abort.map(|refusal| ApplyError::of_deletion((*organisation_id, *id), refusal).into()))?;
    }
    for (id, set) in &plan.deleted_versions {
        require(source_versions::is_kept_by(connection, *id, set)?)?;
        source_versions::delete(connection, &Scope::Platform, *id).map_err(refused)?;
    }
    for (id, expected) in &plan.deleted_sources {
        sources::delete(connection, *id, *expected).map_err(refused)?;
    }
    for (input, expected) in &plan.deleted_inputs {
        inputs::delete(connection, (input.organisation_id, input.id), *expected).map_err(refused)?;
    }
    Ok(())
}

/// What a statement was refused for that these stand for.
fn overtaken_by(breaches: &[ConstraintViolation]) -> impl FnOnce(Error) -> Abort<NotApplied> {
    move |error| match ConstraintViolation::of(&error) {
        Some(breach) if breaches.contains(&breach) => overtaken(),
        _ => Abort::Statement(error),
    }
}
