//! The statement that stores a job.

use diesel::prelude::*;
use prediction_domain::model::Job;

use crate::constraints::{ConstraintViolation, refused};
use crate::rows::JobRow;
use crate::schema::jobs;

/// Inserts the row, or tells the constraint that it would break.
pub(crate) fn insert(connection: &mut SqliteConnection, job: &Job) -> QueryResult<Result<(), ConstraintViolation>> {
    refused(diesel::insert_into(jobs::table).values(JobRow::from(job)).execute(connection).map(drop))
}
