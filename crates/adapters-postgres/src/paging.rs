//! Pages, and parameters that keep a page from being planned anew.

use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::HasSqlType;
use prediction_domain::model::{Page, PageRequest, Position};
use prediction_domain::ports::StoreFailure;

/// How many rows to ask for: one more than the page holds tells whether there is another page.
pub(crate) fn one_too_many<Place>(page: &PageRequest<Place>) -> i64 {
    i64::try_from(page.limit()).unwrap_or(i64::MAX).saturating_add(1)
}

/// Makes a page of rows that come with their places in creation order.
pub(crate) fn page_of<Row, Item>(
    rows: impl IntoIterator<Item = (Row, i64)>,
    page: &PageRequest,
) -> Result<Page<Item>, StoreFailure>
where
    Item: TryFrom<Row, Error = StoreFailure>,
{
    let placed = rows.into_iter().map(|(row, number)| Ok((Item::try_from(row)?, Position::behind(number))));
    Ok(Page::of_placed(placed.collect::<Result<_, StoreFailure>>()?, page))
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
