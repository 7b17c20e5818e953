//! Deleting a job.

use diesel::prelude::*;
use prediction_domain::model::{JobId, OrganisationId, Revision, Scope};
use prediction_domain::ports::{DeleteJobError, StoreFailure};

use super::chains;
use crate::failure::OrStoreFailure as _;
use crate::rows::{job_organisation, stored_revision};
use crate::schema::jobs;

/// Deletes a job that is at that revision and whose outputs no other one reads.
pub(crate) fn delete(
    connection: &mut SqliteConnection,
    scope: &Scope,
    id: JobId,
    expected: Revision,
) -> Result<(), DeleteJobError> {
    let (organisation_id, current) = revision_in(connection, scope, id)?.ok_or(DeleteJobError::Missing)?;
    if current != expected {
        return Err(DeleteJobError::Stale { current });
    }
    let readers = chains::readers(connection, organisation_id, id, &[])?;
    if readers.jobs > 0 {
        return Err(DeleteJobError::OutputsInUse(readers));
    }
    diesel::delete(jobs::table.filter(jobs::id.eq(id.to_string()))).execute(connection).or_store_failure()?;
    Ok(())
}

/// The revision of a job, and whose it is.
fn revision_in(
    connection: &mut SqliteConnection,
    scope: &Scope,
    id: JobId,
) -> Result<Option<(OrganisationId, Revision)>, StoreFailure> {
    let row = jobs::table.filter(jobs::id.eq(id.to_string())).select((jobs::organisation_id, jobs::revision));
    let Some((organisation_id, number)) = row.first::<(String, i64)>(connection).optional().or_store_failure()? else {
        return Ok(None);
    };
    let organisation_id = job_organisation(id, &organisation_id)?;
    if !scope.contains(organisation_id) {
        return Ok(None);
    }
    Ok(stored_revision("jobs", &id, Some(number))?.map(|revision| (organisation_id, revision)))
}
