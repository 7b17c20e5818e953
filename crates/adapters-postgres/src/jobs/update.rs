//! Changing a job.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use prediction_domain::model::{Allowance, Job, Readers, Revision, Subject};
use prediction_domain::ports::{StoreFailure, UpdateJobError, WriteMode};
use uuid::Uuid;

use super::by_name::find_by_name;
use super::chains::{self, ReadersRow};
use crate::constraints::ConstraintViolation;
use crate::database::{Abort, Database};
use crate::quotas::{self, Take};
use crate::rows::{JsonList, StoredBinding, StoredOutput, revision, stored_management};
use crate::schema::jobs;

diesel::alias!(const others: Alias<OtherJobs> = jobs as others);

pub(super) fn update(
    database: &Database,
    job: &Job,
    expected: Revision,
    allowance: Option<Allowance>,
    mode: WriteMode,
) -> Result<(), UpdateJobError> {
    let organisation = job.organisation_id;
    let used_up = |allowance: Allowance| Abort::Refused(UpdateJobError::QuotaExceeded(allowance.exceeded(0)));
    let updated = database.transaction(mode, |connection| {
        if let Some(allowance) = allowance
            && !quotas::is_left(connection, organisation.as_uuid(), &allowance)?
        {
            let current = current_revision(connection, job)?;
            return Err(if current == expected {
                used_up(allowance)
            } else {
                Abort::Refused(UpdateJobError::Stale { current })
            });
        }
        if write(connection, job, expected)? && closes_cycle(connection, job)? {
            return Err(Abort::Refused(UpdateJobError::Cycle));
        }
        match allowance {
            Some(allowance) if !Take::new(organisation, allowance).run(connection)? => Err(used_up(allowance)),
            _ => Ok(()),
        }
    });
    match (updated, &allowance) {
        (Err(UpdateJobError::QuotaExceeded(_)), Some(allowance)) => {
            Err(UpdateJobError::QuotaExceeded(quotas::used_up(database, organisation, allowance)?))
        }
        (updated, _) => updated.map_err(|refusal| explain(database, job, refusal)),
    }
}

/// What a refusal by [`write`] is, when the transaction is undone: who reads the outputs of the job can be asked now,
/// if it is not known.
pub(crate) fn explain(database: &Database, job: &Job, refusal: UpdateJobError) -> UpdateJobError {
    match &refusal {
        UpdateJobError::OutputsInUse(readers) if readers.jobs == 0 => {}
        _ => return refusal,
    }
    let readers = database.statement(|connection| in_the_way(connection, job));
    match readers.map_err(StoreFailure::from).and_then(Readers::try_from) {
        // If there are none any more, what was to be bound is gone: the caller looks again.
        Ok(readers) if readers.jobs == 0 => UpdateJobError::OutputMissing,
        Ok(readers) => UpdateJobError::OutputsInUse(readers),
        Err(failure) => failure.into(),
    }
}

/// The jobs that read outputs that a job would not have any more.
pub(crate) fn in_the_way(connection: &mut PgConnection, job: &Job) -> QueryResult<ReadersRow> {
    let staying: Vec<Uuid> = job.outputs.iter().map(|output| output.id.as_uuid()).collect();
    chains::readers(connection, key(job), &staying)
}

/// Replaces the row. Tells whether the job is bound to outputs now that it was not bound to before: then it is to be
/// judged whether it closes a cycle, and until then no other transaction binds any in the organisation.
pub(crate) fn write(
    connection: &mut PgConnection,
    job: &Job,
    expected: Revision,
) -> Result<bool, Abort<UpdateJobError>> {
    let key = key(job);
    let bound_anew = chains::bound_anew(connection, key, job)?;
    if !bound_anew.is_empty() {
        chains::take_turn(connection, key.0)?;
    }
    let same_name = others.filter(others.field(jobs::organisation_id).eq(key.0));
    let same_name = same_name.filter(others.field(jobs::name).eq(job.name.as_str()));
    let same_name = same_name.filter(others.field(jobs::id).ne(key.1));
    let bindings: JsonList<_> = job.role_bindings.iter().map(StoredBinding::from).collect();
    let outputs: JsonList<_> = job.outputs.iter().map(StoredOutput::from).collect();
    let (managed_by, managed_revision) = stored_management(job.management.as_ref());
    let changed = diesel::update(jobs::table.find(key))
        .filter(jobs::revision.eq(expected.as_i64()))
        .filter(not(exists(same_name)))
        .set((
            jobs::source_version_id.eq(job.source_version_id.as_uuid()),
            jobs::name.eq(job.name.as_str()),
            jobs::active.eq(job.active),
            jobs::activated_at.eq(job.activated_at.map(|time| time.as_datetime())),
            jobs::role_bindings.eq(bindings),
            jobs::outputs.eq(outputs),
            jobs::revision.eq(job.revision.as_i64()),
            jobs::updated_at.eq(job.updated_at.as_datetime()),
            jobs::updated_by.eq(job.updated_by.as_ref().map(Subject::as_str)),
            jobs::managed_by.eq(managed_by),
            jobs::managed_revision.eq(managed_revision),
        ))
        .execute(connection)
        .map_err(|error| match ConstraintViolation::of(&error) {
            Some(ConstraintViolation::JobName) => Abort::Retry,
            Some(ConstraintViolation::VersionOfJob) => Abort::Refused(UpdateJobError::VersionMissing),
            // Who reads them is asked when this transaction is undone.
            Some(ConstraintViolation::BoundOutput) => Abort::Refused(UpdateJobError::OutputsInUse(Readers::default())),
            _ => Abort::Statement(error),
        })?;
    if changed == 1 {
        return if chains::is_bound_to(connection, key, &bound_anew)? {
            Ok(!bound_anew.is_empty())
        } else {
            Err(Abort::Refused(UpdateJobError::OutputMissing))
        };
    }
    let current = current_revision(connection, job)?;
    if current != expected {
        return Err(Abort::Refused(UpdateJobError::Stale { current }));
    }
    match find_by_name(connection, job.organisation_id, &job.name)? {
        Some(taken) if taken.id != key.1 => {
            Err(Abort::Refused(UpdateJobError::NameTaken(Box::new(Job::try_from(taken)?))))
        }
        _ => Err(Abort::Retry),
    }
}

/// Whether a job that was stored just now reads its own output, over whatever others.
pub(crate) fn closes_cycle(connection: &mut PgConnection, job: &Job) -> QueryResult<bool> {
    chains::closes_cycle(connection, key(job))
}

fn current_revision(connection: &mut PgConnection, job: &Job) -> Result<Revision, Abort<UpdateJobError>> {
    let current: Option<i64> = jobs::table.find(key(job)).select(jobs::revision).first(connection).optional()?;
    Ok(revision(current.ok_or(Abort::Refused(UpdateJobError::Missing))?)?)
}

fn key(job: &Job) -> (Uuid, Uuid) {
    (job.organisation_id.as_uuid(), job.id.as_uuid())
}
