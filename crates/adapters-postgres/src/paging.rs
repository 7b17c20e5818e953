//! Pages, and parameters that keep a page from being planned anew.

use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::HasSqlType;
use prediction_domain::model::Position;
use prediction_domain::ports::StoreFailure;

/// How many rows are read at once: as many as hold a few MiB, if each is as large as it can be.
pub(crate) mod at_once {
    /// Of 200 bindings and outputs.
    pub(crate) const JOBS: usize = 32;
    /// As large as a request.
    pub(crate) const WHOLE_VERSIONS: usize = 8;
    /// With a description.
    pub(crate) const TEXTS: usize = 64;
}

/// The settings that a transaction that deletes turns off: `FindDue` in `retention.rs` says why.
pub(crate) const WITHOUT: &str = "ARRAY['synchronous_commit', 'enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', \
    'enable_mergejoin', 'enable_sort']";

/// `LIMIT`.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Makes items of rows that come with their places in creation order.
pub(crate) fn placed<Row, Item>(
    rows: impl IntoIterator<Item = (Row, i64)>,
) -> Result<Vec<(Item, Position)>, StoreFailure>
where
    Item: TryFrom<Row, Error = StoreFailure>,
{
    rows.into_iter().map(|(row, number)| Ok((Item::try_from(row)?, Position::behind(number)))).collect()
}

/// A parameter that no plan depends on.
///
/// PostgreSQL plans a prepared statement anew each time as long as it reckons that a plan for these very values is
/// cheaper. Here it never is, and planning takes longer than reading a page. What comes from a subquery is not known to
/// the planner, so all plans cost the same, and it keeps the first.
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
