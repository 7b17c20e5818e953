//! Deleting a job.

use diesel::prelude::*;
use prediction_domain::model::{JobId, Readers, Revision, Scope};
use prediction_domain::ports::DeleteJobError;
use uuid::Uuid;

use super::chains;
use super::find::contains;
use crate::constraints::ConstraintViolation;
use crate::database::Abort;
use crate::rows::revision;
use crate::schema::jobs;

/// Deletes a job that is at that revision and whose outputs no other one reads.
pub(crate) fn delete(
    connection: &mut PgConnection,
    scope: &Scope,
    id: JobId,
    expected: Revision,
) -> Result<(), Abort<DeleteJobError>> {
    let candidates: Vec<(Uuid, i64)> = jobs::table
        .filter(jobs::id.eq(id.as_uuid()))
        .select((jobs::organisation_id, jobs::revision))
        .order(jobs::organisation_id)
        .load(connection)?;
    let stored = candidates.into_iter().find(|(organisation_id, _)| contains(scope, *organisation_id));
    let (organisation_id, current) = stored.ok_or(Abort::Refused(DeleteJobError::Missing))?;
    let current = revision(current)?;
    if current != expected {
        return Err(Abort::Refused(DeleteJobError::Stale { current }));
    }
    let readers = Readers::try_from(chains::readers(connection, (organisation_id, id.as_uuid()), &[])?)?;
    if readers.jobs > 0 {
        return Err(Abort::Refused(DeleteJobError::OutputsInUse(readers)));
    }
    let deleted = diesel::delete(jobs::table.find((organisation_id, id.as_uuid())))
        .filter(jobs::revision.eq(expected.as_i64()))
        .execute(connection)
        .map_err(Abort::again_after(ConstraintViolation::BoundOutput))?;
    if deleted == 0 {
        return Err(Abort::Retry);
    }
    Ok(())
}
