//! What jobs were, and are.

use diesel::prelude::*;
use prediction_domain::model::{Job, JobId, JobRevision, OrganisationId, Revision};
use prediction_domain::ports::StoreFailure;

use crate::failure::OrStoreFailure as _;
use crate::paging::limit;
use crate::rows::{JobRevisionRow, JobRow, restore, restore_all};
use crate::schema::{job_revisions, jobs};

/// The kept revisions, and then the current one, which is in the row of the job: both of one snapshot, or a change in
/// between would show a revision twice or not at all.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    organisation_id: OrganisationId,
    id: JobId,
    after: Option<Revision>,
    most: usize,
) -> Result<Vec<JobRevision>, StoreFailure> {
    let (organisation_id, id) = (organisation_id.to_string(), id.to_string());
    // The first revision is 1.
    let after = after.map_or(0, Revision::as_i64);
    let kept = job_revisions::table
        .filter(job_revisions::organisation_id.eq(&organisation_id))
        .filter(job_revisions::job_id.eq(&id))
        .filter(job_revisions::revision.gt(after))
        .order(job_revisions::revision)
        .limit(limit(most))
        .select(JobRevisionRow::as_select());
    let current =
        jobs::table.find((&organisation_id, &id)).filter(jobs::revision.gt(after)).select(JobRow::as_select());
    let (kept, current) = connection
        .transaction(|connection| {
            let kept: Vec<JobRevisionRow> = kept.load(connection)?;
            let current = if kept.len() < most { current.first(connection).optional()? } else { None };
            QueryResult::Ok((kept, current))
        })
        .or_store_failure()?;
    let mut revisions = restore_all(&kept)?;
    revisions.extend(restored(current.as_ref())?);
    Ok(revisions)
}

/// One revision. In one snapshot as well: see [`list`].
pub(crate) fn find(
    connection: &mut SqliteConnection,
    organisation_id: OrganisationId,
    id: JobId,
    revision: Revision,
) -> Result<Option<JobRevision>, StoreFailure> {
    let (organisation_id, id, revision) = (organisation_id.to_string(), id.to_string(), revision.as_i64());
    let kept = job_revisions::table.find((&organisation_id, &id, revision)).select(JobRevisionRow::as_select());
    let current = jobs::table.find((&organisation_id, &id)).filter(jobs::revision.eq(revision));
    let (kept, current) = connection
        .transaction(|connection| {
            let kept: Option<JobRevisionRow> = kept.first(connection).optional()?;
            let current = current.select(JobRow::as_select()).first(connection).optional()?;
            QueryResult::Ok((kept, current))
        })
        .or_store_failure()?;
    match restore(kept.as_ref())? {
        Some(kept) => Ok(Some(kept)),
        None => restored(current.as_ref()),
    }
}

fn restored(current: Option<&JobRow>) -> Result<Option<JobRevision>, StoreFailure> {
    Ok(restore::<_, Job>(current)?.map(JobRevision::from))
}
