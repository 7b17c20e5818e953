//! Single rows of jobs.

use diesel::prelude::*;
use prediction_domain::model::{Job, JobName, OrganisationId};

use crate::constraints::{ConstraintViolation, refused};
use crate::rows::JobRow;
use crate::schema::jobs;

/// Inserts the row, or tells the constraint that it would break.
pub(crate) fn insert(connection: &mut SqliteConnection, job: &Job) -> QueryResult<Result<(), ConstraintViolation>> {
    refused(diesel::insert_into(jobs::table).values(JobRow::from(job)).execute(connection).map(drop))
}

/// The row of that name, if there is one.
pub(crate) fn row_by_name(
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
