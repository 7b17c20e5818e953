//! The condition of keyset paging.

use chrono::{DateTime, Utc};
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use prediction_domain::model::{PageRequest, Position};
use uuid::Uuid;

/// How many rows to ask for: one more than the page holds tells whether there is another page.
pub(crate) fn one_too_many(page: &PageRequest) -> i64 {
    i64::try_from(page.limit()).unwrap_or(i64::MAX).saturating_add(1)
}

/// `(created_at, id) > (…, …)`, compared as rows: the form for which PostgreSQL uses an index on both.
///
/// diesel has no such expression, and text put together with `sql` would not be prepared once and used again.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Behind<CreatedAt, Id> {
    columns: (CreatedAt, Id),
    created_at: DateTime<Utc>,
    id: Uuid,
}

impl<CreatedAt, Id> Behind<CreatedAt, Id> {
    pub(crate) fn new(columns: (CreatedAt, Id), position: Position) -> Self {
        Self { columns, created_at: position.created_at.as_datetime(), id: position.id }
    }
}

impl<CreatedAt, Id> Expression for Behind<CreatedAt, Id> {
    type SqlType = Bool;
}

impl<CreatedAt, Id, Group> ValidGrouping<Group> for Behind<CreatedAt, Id> {
    type IsAggregate = is_aggregate::No;
}

impl<CreatedAt, Id, Table> AppearsOnTable<Table> for Behind<CreatedAt, Id>
where
    CreatedAt: AppearsOnTable<Table>,
    Id: AppearsOnTable<Table>,
{
}

impl<CreatedAt, Id, Table> SelectableExpression<Table> for Behind<CreatedAt, Id>
where
    CreatedAt: SelectableExpression<Table>,
    Id: SelectableExpression<Table>,
{
}

impl<CreatedAt: QueryFragment<Pg>, Id: QueryFragment<Pg>> QueryFragment<Pg> for Behind<CreatedAt, Id> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.columns.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.columns.1.walk_ast(out.reborrow())?;
        out.push_sql(") > (");
        out.push_bind_param::<Timestamptz, _>(&self.created_at)?;
        out.push_sql(", ");
        out.push_bind_param::<SqlUuid, _>(&self.id)?;
        out.push_sql(")");
        Ok(())
    }
}
