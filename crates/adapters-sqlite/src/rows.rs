//! Rows as they are stored, and how they become the model and back.

mod input;
mod job;
mod job_revision;
pub(crate) mod json;
mod monitored_job;
mod prediction;
mod run;
mod source;
mod source_version;

pub(crate) use input::{InputContent, InputRow};
pub(crate) use job::{JobChanges, JobRow};
pub(crate) use job_revision::JobRevisionRow;
pub(crate) use monitored_job::MonitoredJobRow;
pub(crate) use prediction::{NewPredictionRow, PredictionRow, stored_number, stored_role};
pub(crate) use run::{ReplacedRunRow, RunRow, succeeded};
pub(crate) use source::{SourceChanges, SourceRow};
pub(crate) use source_version::{LifecycleRow, PublishedVersionHeadRow, PublishedVersionRow, SourceVersionRow};

use std::collections::HashMap;
use std::error::Error;
use std::hash::Hash;

use prediction_domain::model::{JobId, Management, OrganisationId, Revision, SetName, Timestamp, ValueProblem};
use prediction_domain::ports::StoreFailure;

/// A stored row that breaks a rule of the model.
#[derive(Debug, thiserror::Error)]
#[error("the row {id} of {table} cannot be, because of its {column}")]
pub(crate) struct CorruptRow {
    table: &'static str,
    id: String,
    column: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl From<CorruptRow> for StoreFailure {
    fn from(row: CorruptRow) -> Self {
        Self::Corrupt(row.into())
    }
}

/// Turns a row that may be there into the model.
pub(crate) fn restore<Row, Model>(row: Option<&Row>) -> Result<Option<Model>, StoreFailure>
where
    Model: for<'a> TryFrom<&'a Row, Error = CorruptRow>,
{
    Ok(row.map(Model::try_from).transpose()?)
}

/// A revision that is read without its row.
pub(crate) fn stored_revision(
    table: &'static str,
    id: &impl ToString,
    number: Option<i64>,
) -> Result<Option<Revision>, StoreFailure> {
    let reading = Reading { table, id: &id.to_string() };
    Ok(number.map(|number| reading.revision(number)).transpose()?)
}

/// The organisation of a job that is read without its row.
pub(crate) fn job_organisation(id: JobId, organisation_id: &str) -> Result<OrganisationId, StoreFailure> {
    let reading = Reading { table: "jobs", id: &id.to_string() };
    Ok(reading.column("organisation_id", OrganisationId::parse(organisation_id))?)
}

/// The ids of jobs that are read without their rows.
pub(crate) fn job_ids(ids: &[String]) -> Result<Vec<JobId>, StoreFailure> {
    let parsed = |id: &String| Reading { table: "jobs", id }.column("id", JobId::parse(id));
    Ok(ids.iter().map(parsed).collect::<Result<_, _>>()?)
}

/// A column of an organisation.
pub(crate) fn organisation<T>(
    column: &'static str,
    id: &str,
    read: Result<T, ValueProblem>,
) -> Result<T, StoreFailure> {
    Ok(Reading { table: "organisations", id }.column(column, read)?)
}

/// Turns rows into the model.
pub(crate) fn restore_all<Row, Model>(rows: &[Row]) -> Result<Vec<Model>, StoreFailure>
where
    Model: for<'a> TryFrom<&'a Row, Error = CorruptRow>,
{
    Ok(rows.iter().map(Model::try_from).collect::<Result<_, _>>()?)
}

/// Brings what was found into the order asked for, with a gap where there is nothing.
pub(crate) fn in_order<Id: Eq + Hash, Model: Clone>(
    wanted: impl IntoIterator<Item = Id>,
    found: Vec<Model>,
    id: impl Fn(&Model) -> Id,
) -> Vec<Option<Model>> {
    let found: HashMap<Id, Model> = found.into_iter().map(|model| (id(&model), model)).collect();
    wanted.into_iter().map(|id| found.get(&id).cloned()).collect()
}

/// The two columns that say which set keeps a thing.
fn stored_management(management: Option<&Management>) -> (Option<String>, Option<i64>) {
    management.map(|Management { set, revision }| (set.to_string(), revision.as_i64())).unzip()
}

/// The row whose columns are being read, for the message if one is wrong.
struct Reading<'a> {
    table: &'static str,
    id: &'a str,
}

impl Reading<'_> {
    fn column<T, E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        column: &'static str,
        read: Result<T, E>,
    ) -> Result<T, CorruptRow> {
        read.map_err(|problem| CorruptRow { table: self.table, id: self.id.to_owned(), column, source: problem.into() })
    }

    fn revision(&self, number: i64) -> Result<Revision, CorruptRow> {
        self.revision_in("revision", number)
    }

    fn revision_in(&self, column: &'static str, number: i64) -> Result<Revision, CorruptRow> {
        self.column(column, Revision::new(number).ok_or("a revision is at least 1"))
    }

    fn set(&self, set: Option<&str>) -> Result<Option<SetName>, CorruptRow> {
        self.column("managed_by", set.map(SetName::restore).transpose())
    }

    fn management(&self, set: Option<&str>, number: Option<i64>) -> Result<Option<Management>, CorruptRow> {
        let column = "managed_revision";
        let revision = number.map(|number| self.revision_in(column, number)).transpose()?;
        match (self.set(set)?, revision) {
            (None, None) => Ok(None),
            (Some(set), Some(revision)) => Ok(Some(Management { set, revision })),
            _ => self.column(column, Err("a set and its revision come together")),
        }
    }

    fn flag(&self, column: &'static str, number: i64) -> Result<bool, CorruptRow> {
        self.column(
            column,
            match number {
                0 => Ok(false),
                1 => Ok(true),
                _ => Err("neither 0 nor 1"),
            },
        )
    }

    fn time(&self, column: &'static str, micros: i64) -> Result<Timestamp, CorruptRow> {
        self.column(column, Timestamp::from_micros(micros).ok_or("no calendar has that time"))
    }

    fn time_if_any(&self, column: &'static str, micros: Option<i64>) -> Result<Option<Timestamp>, CorruptRow> {
        micros.map(|micros| self.time(column, micros)).transpose()
    }
}
