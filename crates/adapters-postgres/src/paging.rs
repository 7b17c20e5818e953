//! The condition of keyset paging, and parameters that keep a page from being planned anew.

use chrono::{DateTime, Utc};
use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType, Timestamptz, Uuid as SqlUuid};
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

/// A parameter that no plan depends on.
///
/// PostgreSQL plans a prepared statement anew each time as long as it reckons that a plan for these very values is cheaper.
/// Here it never is, and planning takes longer than reading a page. What comes from a subquery is not known to the planner,
/// so all plans cost the same, and it keeps the first.
pub(crate) fn push_unplanned<'b, ST, T>(out: &mut AstPass<'_, 'b, Pg>, value: &'b T) -> QueryResult<()>
where
    Pg: HasSqlType<ST>,
    T: ToSql<ST, Pg>,
{
    out.push_sql("(SELECT ");
    out.push_bind_param::<ST, T>(value)?;
    out.push_sql(")");
    Ok(())
}
