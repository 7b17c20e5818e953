//! Changing a job.

use diesel::prelude::*;
use prediction_domain::model::{Job, OutputId, Revision};
use prediction_domain::ports::{StoreFailure, UpdateJobError};

use super::by_name::find_by_name;
use super::chains;
use crate::constraints::{ConstraintViolation, refused};
use crate::failure::OrStoreFailure as _;
use crate::rows::{JobChanges, stored_revision};
use crate::schema::{jobs, source_versions};

/// Whether the job is there, and at that revision.
pub(crate) fn judge_revision(
    connection: &mut SqliteConnection,
    job: &Job,
    expected: Revision,
) -> Result<(), UpdateJobError> {
    let current = revision(connection, job)?.ok_or(UpdateJobError::Missing)?;
    if current == expected { Ok(()) } else { Err(UpdateJobError::Stale { current }) }
}

/// Replaces the row. Tells whether the job is bound to outputs now that it was not bound to before: then it is to be
/// judged whether it closes a cycle.
pub(crate) fn replace(connection: &mut SqliteConnection, job: &Job) -> Result<bool, UpdateJobError> {
    let bound_anew = chains::bound_anew(connection, job)?;
    match update(connection, job).or_store_failure()? {
        Ok(()) => {
            if !chains::are_there(connection, job.organisation_id, &bound_anew).or_store_failure()? {
                return Err(UpdateJobError::OutputMissing);
            }
            Ok(!bound_anew.is_empty())
        }
        Err(refusal @ ConstraintViolation::Taken) => Err(find_by_name(connection, job.organisation_id, &job.name)?
            .map_or_else(|| StoreFailure::from(refusal).into(), |taken| UpdateJobError::NameTaken(Box::new(taken)))),
        // SQLite does not say which reference.
        Err(ConstraintViolation::Reference) => {
            let staying: Vec<OutputId> = job.outputs.iter().map(|output| output.id).collect();
            let readers = chains::readers(connection, job.organisation_id, job.id, &staying)?;
            if readers.jobs > 0 && has_version(connection, job).or_store_failure()? {
                return Err(UpdateJobError::OutputsInUse(readers));
            }
            Err(UpdateJobError::VersionMissing)
        }
        Err(refusal) => Err(StoreFailure::from(refusal).into()),
    }
}

/// The version is not looked up: with the stored source, it has to satisfy the composite foreign key.
fn update(connection: &mut SqliteConnection, job: &Job) -> QueryResult<Result<(), ConstraintViolation>> {
    let row = jobs::table.find((job.organisation_id.to_string(), job.id.to_string()));
    refused(diesel::update(row).set(JobChanges::from(job)).execute(connection).map(drop))
}

fn revision(connection: &mut SqliteConnection, job: &Job) -> Result<Option<Revision>, StoreFailure> {
    let row = jobs::table.find((job.organisation_id.to_string(), job.id.to_string())).select(jobs::revision);
    stored_revision("jobs", &job.id, row.first(connection).optional().or_store_failure()?)
}

/// Whether there is the version that a job is to run, of its source.
fn has_version(connection: &mut SqliteConnection, job: &Job) -> QueryResult<bool> {
    let version = source_versions::table
        .filter(source_versions::id.eq(job.source_version_id.to_string()))
        .filter(source_versions::source_id.eq(job.source_id.to_string()));
    diesel::select(diesel::dsl::exists(version)).get_result(connection)
}
