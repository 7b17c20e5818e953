//! Jobs that are found by their ids.

use std::collections::HashMap;

use diesel::prelude::*;
use prediction_domain::model::{Job, JobId, MonitoredJob, Scope};
use prediction_domain::ports::StoreFailure;

use crate::expressions::is_one_of;
use crate::failure::OrStoreFailure as _;
use crate::jobs::monitoring::monitored;
use crate::rows::{CorruptRow, JobRow, MonitoredJobRow};
use crate::schema::jobs;

/// One statement finds the jobs for all callers that wait, and the scope of each is judged when the answers are put
/// together.
pub(super) fn find_many(
    connection: &mut SqliteConnection,
    wanted: &[(Scope, JobId)],
) -> Result<Vec<Option<Job>>, StoreFailure> {
    let rows: Vec<JobRow> = jobs::table
        .filter(is_one_of(jobs::id, wanted.iter().map(|(_, id)| id)))
        .select(JobRow::as_select())
        .load(connection)
        .or_store_failure()?;
    in_scope(wanted, &rows)
}

/// See [`find_many`].
pub(super) fn find_monitored(
    connection: &mut SqliteConnection,
    wanted: &[(Scope, JobId)],
) -> Result<Vec<Option<MonitoredJob>>, StoreFailure> {
    let rows: Vec<MonitoredJobRow> = monitored()
        .filter(is_one_of(jobs::id, wanted.iter().map(|(_, id)| id)))
        .select(MonitoredJobRow::as_select())
        .load(connection)
        .or_store_failure()?;
    in_scope(wanted, &rows)
}

/// Brings what was found into the order asked for, and leaves out what its asker may not see. That is safe: ids are
/// unique, so no row stands in for another, and a row outside the scope is dropped unread, as if it had not been found.
fn in_scope<Row: AsRef<JobRow>, Found>(
    wanted: &[(Scope, JobId)],
    rows: &[Row],
) -> Result<Vec<Option<Found>>, StoreFailure>
where
    Found: for<'a> TryFrom<&'a Row, Error = CorruptRow>,
{
    let rows: HashMap<&str, &Row> = rows.iter().map(|row| (row.as_ref().id(), row)).collect();
    let find = |(scope, id): &(Scope, JobId)| match rows.get(id.to_string().as_str()) {
        Some(row) if scope.contains(row.as_ref().organisation_id()?) => Ok(Some(Found::try_from(*row)?)),
        _ => Ok(None),
    };
    wanted.iter().map(find).collect()
}
