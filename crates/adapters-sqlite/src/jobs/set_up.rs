//! Setting up many jobs in one transaction.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use prediction_domain::ports::{JobSetUp, JobSetUpOutcome, JobSetUpRejected, StoreFailure, WriteMode};

use crate::catalog::source_versions;
use crate::catalog::sources;
use crate::constraints::ConstraintViolation;
use crate::failure::{OrStoreFailure as _, store_failure};
use crate::jobs::by_name::row_by_name;
use crate::jobs::chains;
use crate::jobs::insert;
use crate::quotas::judge_more_jobs;
use crate::rows::restore;
use crate::store::SqliteStore;

type Answer = Result<JobSetUpOutcome, JobSetUpRejected>;

/// Carries out all plans in one immediate transaction, so that all share one wait for the disk. One that is more than a
/// job to store has a savepoint, to which it is taken back when it is refused or a dry run; the next one sees what the
/// ones before have left.
///
/// An answer is only given when the transaction has been committed: if the store fails on the way, every plan has
/// failed.
pub(crate) fn set_up_many(store: &SqliteStore, plans: &[JobSetUp]) -> Vec<Answer> {
    set_up_all(store, plans)
        .unwrap_or_else(|failure| plans.iter().map(|_| Err(JobSetUpRejected::Store(failure.clone()))).collect())
}

fn set_up_all(store: &SqliteStore, plans: &[JobSetUp]) -> Result<Vec<Answer>, StoreFailure> {
    store.write(WriteMode::Commit, |connection| plans.iter().map(|plan| set_up(connection, plan)).collect())
}

/// Fails only when the transaction cannot go on, since SQLite may have rolled it back already.
fn set_up(connection: &mut SqliteConnection, plan: &JobSetUp) -> Result<Answer, StoreFailure> {
    if let Some(limit) = plan.most_jobs
        && let Err(exceeded) = judge_more_jobs(connection, plan.job.organisation_id, 1, limit).or_store_failure()?
    {
        return explain(connection, plan, JobSetUpRejected::QuotaExceeded(exceeded)).or_store_failure();
    }
    if plan.new_source.is_none()
        && plan.new_version.is_none()
        && plan.mode == WriteMode::Commit
        && !plan.job.role_bindings.have_outputs()
    {
        // One statement, which SQLite takes back by itself when it breaks a constraint.
        let stored = store_all(connection, plan);
        return finish(connection, plan, stored);
    }
    let mut taken_back = None;
    let stored = connection.transaction(|connection| {
        let stored = match plan.mode {
            WriteMode::Commit => store_all(connection, plan),
            WriteMode::DryRun => store_all(connection, plan).and(Err(TakenBack::DryRun)),
        };
        stored.map_err(|reason| {
            taken_back = Some(reason);
            DieselError::RollbackTransaction
        })
    });
    let stored = match (stored, taken_back) {
        (Ok(()), _) => Ok(()),
        (Err(DieselError::RollbackTransaction), Some(reason)) | (Err(_), Some(reason @ TakenBack::Failed(_))) => {
            Err(reason)
        }
        (Err(error), _) => Err(TakenBack::Failed(error)),
    };
    finish(connection, plan, stored)
}

fn finish(
    connection: &mut SqliteConnection,
    plan: &JobSetUp,
    stored: Result<(), TakenBack>,
) -> Result<Answer, StoreFailure> {
    match stored {
        Ok(()) | Err(TakenBack::DryRun) => Ok(Ok(JobSetUpOutcome::Created)),
        Err(TakenBack::Refused(rejected)) => explain(connection, plan, rejected).or_store_failure(),
        Err(TakenBack::Failed(error)) => Err(store_failure(error)),
    }
}

fn store_all(connection: &mut SqliteConnection, plan: &JobSetUp) -> Result<(), TakenBack> {
    if let Some(source) = &plan.new_source {
        sources::insert(connection, source)?.map_err(|refusal| match refusal {
            ConstraintViolation::Taken => TakenBack::Refused(JobSetUpRejected::SourceTaken),
            other => other.into(),
        })?;
    }
    if let Some(version) = &plan.new_version {
        source_versions::insert(connection, version)?.map_err(|refusal| match refusal {
            ConstraintViolation::Taken => TakenBack::Refused(JobSetUpRejected::VersionTaken),
            other => other.into(),
        })?;
    }
    insert::insert(connection, &plan.job)?.map_err(TakenBack::from)?;
    // Nothing rests on a new job, so it closes no cycle.
    let bound = plan.job.role_bindings.outputs();
    if chains::are_there(connection, plan.job.organisation_id, &bound)? {
        Ok(())
    } else {
        Err(TakenBack::Refused(JobSetUpRejected::OutputMissing))
    }
}

/// That the name of the job is taken is the answer, whatever else is in the way: a caller who sends a setup again finds
/// the source and the version of the first time taken as well.
fn explain(connection: &mut SqliteConnection, plan: &JobSetUp, rejected: JobSetUpRejected) -> QueryResult<Answer> {
    let taken = row_by_name(connection, plan.job.organisation_id, &plan.job.name)?;
    Ok(match restore(taken.as_ref()) {
        Ok(Some(job)) => Ok(JobSetUpOutcome::NameTaken(Box::new(job))),
        Ok(None) => Err(rejected),
        Err(corrupt) => Err(corrupt.into()),
    })
}

/// Why the savepoint of a plan was returned to.
enum TakenBack {
    DryRun,
    Refused(JobSetUpRejected),
    Failed(DieselError),
}

impl From<ConstraintViolation> for TakenBack {
    fn from(refusal: ConstraintViolation) -> Self {
        Self::Refused(match refusal {
            ConstraintViolation::Reference => JobSetUpRejected::ReferenceMissing,
            other => JobSetUpRejected::Store(other.into()),
        })
    }
}

impl From<DieselError> for TakenBack {
    fn from(error: DieselError) -> Self {
        Self::Failed(error)
    }
}
