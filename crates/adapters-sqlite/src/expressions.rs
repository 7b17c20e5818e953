//! Conditions that diesel has no words for. Each is one SQL text whatever its values are, so that a statement with it
//! is prepared once for each connection.

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use prediction_domain::model::RunPosition;

/// `column IN (values)`, with all values in one parameter: neither their number nor SQLite's limit of parameters
/// (32,766) makes another statement.
pub(crate) fn is_one_of<Column>(column: Column, values: impl IntoIterator<Item = impl ToString>) -> IsOneOf<Column> {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    IsOneOf { column, values: serde_json::Value::from(values).to_string() }
}

/// `(issued_at, id) < (…)`: the runs that were issued before. As a comparison of rows, because only that is a range of
/// an index.
pub(crate) fn is_before<IssuedAt, Id>(issued_at: IssuedAt, id: Id, position: RunPosition) -> Before<IssuedAt, Id> {
    Before { columns: (issued_at, id), micros: position.issued_at.as_micros(), id: position.id.to_string() }
}

/// The column as an expression that no index is of (a unary `+`, as SQLite's manual advises): it is not what rows are
/// to be looked up by.
pub(crate) fn unindexed<Column>(column: Column) -> Unindexed<Column> {
    Unindexed { column }
}

/// See [`is_one_of`].
#[derive(Debug, Clone, QueryId)]
pub(crate) struct IsOneOf<Column> {
    column: Column,
    /// A JSON array.
    values: String,
}

impl<Column: QueryFragment<Sqlite>> QueryFragment<Sqlite> for IsOneOf<Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.values)?;
        out.push_sql("))");
        Ok(())
    }
}

impl<Column> Expression for IsOneOf<Column> {
    type SqlType = Bool;
}

impl<Column: AppearsOnTable<Table>, Table> AppearsOnTable<Table> for IsOneOf<Column> {}

impl<Column: SelectableExpression<Table>, Table> SelectableExpression<Table> for IsOneOf<Column> {}

impl<Column> ValidGrouping<()> for IsOneOf<Column> {
    type IsAggregate = is_aggregate::No;
}

/// See [`unindexed`].
#[derive(Debug, Clone, QueryId)]
pub(crate) struct Unindexed<Column> {
    column: Column,
}

impl<Column: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Unindexed<Column> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("+");
        self.column.walk_ast(out.reborrow())
    }
}

impl<Column: Expression> Expression for Unindexed<Column> {
    type SqlType = Column::SqlType;
}

impl<Column: AppearsOnTable<Table>, Table> AppearsOnTable<Table> for Unindexed<Column> {}

impl<Column: SelectableExpression<Table>, Table> SelectableExpression<Table> for Unindexed<Column> {}

impl<Column> ValidGrouping<()> for Unindexed<Column> {
    type IsAggregate = is_aggregate::No;
}

/// See [`is_before`].
#[derive(Debug, Clone, QueryId)]
pub(crate) struct Before<IssuedAt, Id> {
    columns: (IssuedAt, Id),
    micros: i64,
    id: String,
}

impl<IssuedAt: QueryFragment<Sqlite>, Id: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Before<IssuedAt, Id> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("(");
        self.columns.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.columns.1.walk_ast(out.reborrow())?;
        out.push_sql(") < (");
        out.push_bind_param::<BigInt, _>(&self.micros)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.id)?;
        out.push_sql(")");
        Ok(())
    }
}

impl<IssuedAt, Id> Expression for Before<IssuedAt, Id> {
    type SqlType = Bool;
}

impl<IssuedAt: AppearsOnTable<Table>, Id: AppearsOnTable<Table>, Table> AppearsOnTable<Table> for Before<IssuedAt, Id> {}

impl<IssuedAt: SelectableExpression<Table>, Id: SelectableExpression<Table>, Table> SelectableExpression<Table>
    for Before<IssuedAt, Id>
{
}

impl<IssuedAt, Id> ValidGrouping<()> for Before<IssuedAt, Id> {
    type IsAggregate = is_aggregate::No;
}
