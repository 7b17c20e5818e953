//! What is read of the jobs of a list: all of them, or their names alone.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{JobId, JobName, OrganisationId, Position, ValueProblem};
use prediction_domain::ports::{ListedName, StoreFailure};

use crate::jobs::conditions::JobQuery;
use crate::rows::MonitoredJobRow;
use crate::statement::statement;

/// What is read of a job.
pub(crate) trait ListedRow: From<MonitoredJobRow> {
    /// Reads it of the jobs that a query finds.
    fn load(query: JobQuery, connection: &mut SqliteConnection) -> QueryResult<Vec<Self>>;

    /// The place of the job.
    fn number(&self) -> i64;
}

impl ListedRow for MonitoredJobRow {
    fn load(query: JobQuery, connection: &mut SqliteConnection) -> QueryResult<Vec<Self>> {
        query.load(connection)
    }

    fn number(&self) -> i64 {
        self.sequence_number
    }
}

/// The name of a job.
#[derive(Debug, Queryable)]
pub(crate) struct NameRow {
    organisation_id: String,
    id: String,
    name: String,
    sequence_number: i64,
}

impl ListedRow for NameRow {
    fn load(query: JobQuery, connection: &mut SqliteConnection) -> QueryResult<Vec<Self>> {
        Names(query).load(connection)
    }

    fn number(&self) -> i64 {
        self.sequence_number
    }
}

impl From<MonitoredJobRow> for NameRow {
    fn from(row: MonitoredJobRow) -> Self {
        let sequence_number = row.sequence_number;
        let (organisation_id, id, name) = row.into_name();
        Self { organisation_id, id, name, sequence_number }
    }
}

impl TryFrom<NameRow> for ListedName {
    type Error = StoreFailure;

    fn try_from(row: NameRow) -> Result<Self, StoreFailure> {
        let corrupt = |problem: ValueProblem| StoreFailure::Corrupt(problem.into());
        Ok(Self {
            organisation_id: OrganisationId::parse(&row.organisation_id).map_err(corrupt)?,
            id: JobId::parse(&row.id).map_err(corrupt)?,
            name: JobName::restore(&row.name).map_err(corrupt)?,
            position: Position::behind(row.sequence_number),
        })
    }
}

/// The names of what a query finds. SQLite does not compute the columns that are not asked for.
struct Names<Found>(Found);

impl<Found: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Names<Found> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT organisation_id, id, name, rowid FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") ORDER BY rowid");
        Ok(())
    }
}

// The conditions are not part of the type, so diesel must compare the text.
statement! { varying [Found] Names<Found> => (Text, Text, Text, BigInt) }
