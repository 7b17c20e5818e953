//! The jobs of an organisation that use an input, in creation order.
//!
//! The uses are walked through along an index, and each looks its job up, up to the end of the page: what an answer
//! costs follows neither from how many jobs use the input, nor from what others have.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::{InputId, OrganisationId, Position};
use prediction_domain::ports::JobFilter;

use crate::expressions::unindexed;
use crate::jobs::conditions::{Condition, Part, conditions};
use crate::paging::limit;
use crate::rows::MonitoredJobRow;
use crate::schema::jobs;
use crate::statement::statement;

/// The first of them behind the page's place and before another one.
pub(crate) fn list(
    connection: &mut SqliteConnection,
    organisation: OrganisationId,
    input: InputId,
    filter: &JobFilter,
    part: Part,
    before: Option<i64>,
) -> QueryResult<Vec<MonitoredJobRow>> {
    let mut conditions = conditions(filter);
    if let Some(id) = filter.source_version_id {
        conditions.push(Box::new(unindexed(jobs::source_version_id).eq(id.to_string())));
    }
    let uses = Uses {
        columns: MonitoredJobRow::as_select(),
        organisation: organisation.to_string(),
        input: input.to_string(),
        after: part.after.map_or(i64::MIN, Position::number),
        before,
        conditions,
        limit: limit(part.most),
    };
    let rows: Vec<(MonitoredJobRow, i64)> = uses.load(connection)?;
    // The place of the use, by which the next page goes on: should row ids ever change (a file that was made anew from
    // a dump), the pages of a list still belong together.
    let placed = |(mut row, number): (MonitoredJobRow, i64)| {
        row.sequence_number = number;
        row
    };
    Ok(rows.into_iter().map(placed).collect())
}

/// The statement.
struct Uses {
    columns: AsSelect<MonitoredJobRow, Sqlite>,
    organisation: String,
    input: String,
    after: i64,
    before: Option<i64>,
    conditions: Vec<Condition>,
    limit: i64,
}

impl QueryFragment<Sqlite> for Uses {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        // A cross join is one that SQLite does not turn round. The rest is what `monitored` joins.
        out.push_sql(
            ", used.sequence_number FROM job_inputs AS used \
             CROSS JOIN jobs ON jobs.organisation_id = used.organisation_id AND jobs.id = used.job_id \
             LEFT JOIN sources ON sources.id = jobs.source_id \
             LEFT JOIN run_summaries ON run_summaries.organisation_id = jobs.organisation_id \
             AND run_summaries.job_id = jobs.id WHERE used.organisation_id = ",
        );
        out.push_bind_param::<Text, _>(&self.organisation)?;
        out.push_sql(" AND used.input_id = ");
        out.push_bind_param::<Text, _>(&self.input)?;
        out.push_sql(" AND used.sequence_number > ");
        out.push_bind_param::<BigInt, _>(&self.after)?;
        if let Some(before) = &self.before {
            out.push_sql(" AND used.sequence_number < ");
            out.push_bind_param::<BigInt, _>(before)?;
        }
        for condition in &self.conditions {
            out.push_sql(" AND ");
            condition.walk_ast(out.reborrow())?;
        }
        out.push_sql(" ORDER BY used.sequence_number LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

// The conditions are not part of the type, so diesel must compare the text.
statement! { varying Uses => (SqlTypeOf<AsSelect<MonitoredJobRow, Sqlite>>, BigInt) }
