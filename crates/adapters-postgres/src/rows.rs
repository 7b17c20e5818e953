//! Rows, and what becomes of them: everything that is read passes the checks of the domain again.

mod input;
mod job;
mod job_revision;
mod json;
mod management;
mod monitored_job;
mod prediction;
mod run;
mod source;
mod source_version;

use std::collections::HashMap;
use std::error::Error;

use prediction_domain::model::Revision;
use prediction_domain::ports::StoreFailure;
use uuid::Uuid;

pub(crate) use input::{InputContent, InputRow};
pub(crate) use job::{JobRow, StoredBinding, StoredOutput};
pub(crate) use job_revision::{JobRevisionRow, JobRevisionSql};
pub(crate) use json::JsonList;
pub(crate) use management::stored_management;
pub(crate) use monitored_job::{MonitoredJobRow, MonitoredJobSql};
pub(crate) use prediction::{PredictionRow, PredictionSql};
pub(crate) use run::{ReplacedRunRow, RunRow};
pub(crate) use source::SourceRow;
pub(crate) use source_version::{LifecycleRow, PublishedVersionHeadRow, PublishedVersionRow, SourceVersionRow};

/// Reads the rows that were found, one for each wanted id, in the order in which they were wanted.
pub(crate) fn in_wanted_order<'r, Row, Item>(
    wanted: impl Iterator<Item = Uuid>,
    rows: &'r [Row],
    id: impl Fn(&Row) -> Uuid,
) -> Result<Vec<Option<Item>>, StoreFailure>
where
    Item: TryFrom<&'r Row, Error = StoreFailure>,
{
    let by_id: HashMap<Uuid, &Row> = rows.iter().map(|row| (id(row), row)).collect();
    wanted.map(|id| by_id.get(&id).map(|row| Item::try_from(row)).transpose()).collect()
}

/// Reads all rows.
pub(crate) fn read_all<Row, Item>(rows: impl IntoIterator<Item = Row>) -> Result<Vec<Item>, StoreFailure>
where
    Item: TryFrom<Row, Error = StoreFailure>,
{
    rows.into_iter().map(Item::try_from).collect()
}

/// Reads a row if there is one.
pub(crate) fn read_optional<Row, Item>(row: Option<Row>) -> Result<Option<Item>, StoreFailure>
where
    Item: TryFrom<Row, Error = StoreFailure>,
{
    row.map(Item::try_from).transpose()
}

/// Reads a revision.
pub(crate) fn revision(number: i64) -> Result<Revision, StoreFailure> {
    Revision::new(number).ok_or_else(|| StoreFailure::Corrupt(format!("a revision is {number}").into()))
}

/// Reads a count.
pub(crate) fn count(number: i64) -> Result<u64, StoreFailure> {
    u64::try_from(number).map_err(|_| StoreFailure::Internal(format!("the database counted {number}").into()))
}

/// Names the row that breaks a rule.
fn corrupt(table: &'static str, id: Uuid) -> impl Fn(Box<dyn Error + Send + Sync>) -> StoreFailure {
    move |cause| StoreFailure::Corrupt(CorruptRow { table, id, cause }.into())
}

#[derive(Debug, thiserror::Error)]
#[error("the row {id} of {table} breaks a rule")]
struct CorruptRow {
    table: &'static str,
    id: Uuid,
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}
