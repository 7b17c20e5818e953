//! Carrying out one plan, whatever is in it, in a transaction of its own.

use diesel::{PgConnection, RunQueryDsl as _};
use prediction_domain::model::Job;
use prediction_domain::ports::{JobSetUp, JobSetUpOutcome, JobSetUpRejected, StoreFailure};
use uuid::Uuid;

use super::super::by_name::find_by_name;
use super::super::insert::InsertJobs;
use super::super::store_many;
use crate::catalog::source_versions;
use crate::catalog::sources;
use crate::constraints::ConstraintViolation;
use crate::database::{Abort, Database};
use crate::quotas;
use crate::rows::JobRow;

/// What became of a plan.
pub(super) type Answer = Result<JobSetUpOutcome, JobSetUpRejected>;

/// Carries out any plan, in a transaction of its own.
pub(super) fn set_up_alone(database: &Database, plan: &JobSetUp) -> Answer {
    let mut stored = database.transaction(plan.mode, |connection| store(connection, plan));
    if matches!(stored, Err(NotStored::Uncounted)) {
        quotas::begin(database, [plan.job.organisation_id.as_uuid()])?;
        stored = database.transaction(plan.mode, |connection| store(connection, plan));
    }
    let mut refused = match stored {
        Ok(()) => return Ok(JobSetUpOutcome::Created),
        Err(NotStored::NameTaken(row)) => return Ok(JobSetUpOutcome::NameTaken(Box::new(Job::try_from(*row)?))),
        Err(NotStored::Rejected(rejected)) => rejected,
        Err(NotStored::Uncounted) => StoreFailure::Internal("jobs are not counted that were".into()).into(),
    };
    if matches!(refused, JobSetUpRejected::Store(_)) {
        return Err(refused);
    }
    // The name of the job counts for more than what else the plan clashes with: a caller who sends it again is to find
    // the job.
    let job = &plan.job;
    match database.statement(|connection| find_by_name(connection, job.organisation_id, &job.name)) {
        Ok(Some(row)) => return Ok(JobSetUpOutcome::NameTaken(Box::new(Job::try_from(row)?))),
        Ok(None) => {}
        Err(failure) => refused = StoreFailure::from(failure).into(),
    }
    Err(refused)
}

/// Why a plan came to nothing.
enum NotStored {
    NameTaken(Box<JobRow>),
    Rejected(JobSetUpRejected),
    /// The jobs of the organisation are not counted yet, and their number is limited.
    Uncounted,
}

impl From<StoreFailure> for NotStored {
    fn from(failure: StoreFailure) -> Self {
        Self::Rejected(failure.into())
    }
}

fn store(connection: &mut PgConnection, plan: &JobSetUp) -> Result<(), Abort<NotStored>> {
    let reject = |rejected| Abort::Refused(NotStored::Rejected(rejected));
    let fail = |error| match ConstraintViolation::of(&error) {
        Some(ConstraintViolation::SourceOfVersion | ConstraintViolation::VersionOfJob) => {
            reject(JobSetUpRejected::ReferenceMissing)
        }
        // It was deleted while the job was bound to it.
        Some(ConstraintViolation::BoundOutput) => reject(JobSetUpRejected::OutputMissing),
        _ => Abort::Statement(error),
    };
    judge_count(connection, plan, 1)?;
    if let Some(source) = &plan.new_source
        && !sources::insert(connection, source)?
    {
        return Err(reject(JobSetUpRejected::SourceTaken));
    }
    if let Some(version) = &plan.new_version
        && !source_versions::insert(connection, version).map_err(fail)?
    {
        return Err(reject(JobSetUpRejected::VersionTaken));
    }
    let job = &plan.job;
    let stored: Vec<(Uuid, Uuid)> = InsertJobs::new([job]).load(connection).map_err(fail)?;
    if !stored.is_empty() {
        // Nothing rests on a new job, so it closes no cycle, and waits for no turn.
        if !store_many::are_bound(connection, &[job])? {
            return Err(reject(JobSetUpRejected::OutputMissing));
        }
        // The number is held from now on: others wait to know whether there is room for them.
        return judge_count(connection, plan, 0);
    }
    match find_by_name(connection, job.organisation_id, &job.name)? {
        Some(row) => Err(Abort::Refused(NotStored::NameTaken(Box::new(row)))),
        None => Err(Abort::Retry),
    }
}

/// Refuses a plan when its organisation has too many jobs, with so many more.
fn judge_count(connection: &mut PgConnection, plan: &JobSetUp, more: i64) -> Result<(), Abort<NotStored>> {
    let Some(limit) = plan.most_jobs else { return Ok(()) };
    let organisation = plan.job.organisation_id.as_uuid();
    let counts = quotas::job_counts(connection, &[organisation])?;
    let count = *counts.get(&organisation).ok_or(Abort::Refused(NotStored::Uncounted))?;
    if quotas::has_room(limit, count + more) {
        return Ok(());
    }
    let exceeded = quotas::too_many_jobs(limit, count + more - 1);
    Err(Abort::Refused(NotStored::Rejected(JobSetUpRejected::QuotaExceeded(exceeded))))
}
