//! The statement that finds jobs with what is to be known to judge their health.

use diesel::dsl::AsSelect;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel::{QueryResult, SelectableHelper as _};
use uuid::Uuid;

use super::monitoring;
use crate::paging::push_unplanned;
use crate::rows::{JobRow, MonitoredJobSql};
use crate::statement::statement;

/// Finds jobs by their ids alone: see [`find_many`](prediction_domain::ports::JobRepository::find_many) of this store.
#[derive(Clone)]
pub(super) struct MonitoredJobs {
    columns: AsSelect<JobRow, Pg>,
    ids: Vec<Uuid>,
}

impl MonitoredJobs {
    pub(super) fn new(ids: Vec<Uuid>) -> Self {
        Self { columns: JobRow::as_select(), ids }
    }
}

impl QueryFragment<Pg> for MonitoredJobs {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(monitoring::COLUMNS);
        out.push_sql(" FROM jobs");
        out.push_sql(monitoring::JOINED_TO_FEW);
        // With the cast it is an array, not a subquery of rows.
        out.push_sql(" WHERE jobs.id = ANY (CAST(");
        push_unplanned::<Array<SqlUuid>, _>(&mut out, &self.ids)?;
        out.push_sql(" AS uuid[]))");
        Ok(())
    }
}

// It is one text, prepared once.
statement! { cached MonitoredJobs => MonitoredJobSql }
