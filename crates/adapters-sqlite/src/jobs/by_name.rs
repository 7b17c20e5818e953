//! Jobs that are found by their names.

use diesel::prelude::*;
use prediction_domain::model::{Job, JobName, OrganisationId};
use prediction_domain::ports::StoreFailure;

use crate::failure::OrStoreFailure as _;
use crate::rows::{JobRow, restore};
use crate::schema::jobs;

/// The job of that name, if there is one.
pub(super) fn find_by_name(
    connection: &mut SqliteConnection,
    organisation_id: OrganisationId,
    name: &JobName,
) -> Result<Option<Job>, StoreFailure> {
    restore(row_by_name(connection, organisation_id, name).or_store_failure()?.as_ref())
}

/// The row of that name, if there is one.
pub(super) fn row_by_name(
    connection: &mut SqliteConnection,
    organisation_id: OrganisationId,
    name: &JobName,
) -> QueryResult<Option<JobRow>> {
    let row = jobs::table
        .filter(jobs::organisation_id.eq(organisation_id.to_string()))
        .filter(jobs::name.eq(name.as_str()))
        .select(JobRow::as_select());
    row.first(connection).optional()
}
