//! What statements on a database need whose tables are distributed over several servers by the extension Citus: all
//! rows of an organisation are on one of them, and a statement about one organisation is done by one server.
//!
//! The migrations place the tables (`migrations/distribution.rs`). What a store does otherwise in such a database it
//! finds out by [`is_distributed`](crate::database::Database::is_distributed).

use std::collections::BTreeMap;

use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::result::QueryResult;
use diesel::sql_types::Uuid as SqlUuid;
use uuid::Uuid;

/// ` AND table.organisation_id = …`, if that is to be said. One server does the whole of a statement, whatever is in
/// it, if it says of each table of organisations that it asks for one organisation, and for which.
pub(crate) fn push_only<'b>(
    out: &mut AstPass<'_, 'b, Pg>,
    table: &str,
    organisation: Option<&'b Uuid>,
) -> QueryResult<()> {
    let Some(organisation) = organisation else { return Ok(()) };
    for part in [" AND ", table, ".organisation_id = "] {
        out.push_sql(part);
    }
    out.push_bind_param::<SqlUuid, _>(organisation)
}

/// Keys, in parts that one server has: each of one organisation.
pub(crate) fn by_organisation(keys: impl IntoIterator<Item = (Uuid, Uuid)>) -> BTreeMap<Uuid, Vec<Uuid>> {
    let mut parts: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for (organisation, id) in keys {
        parts.entry(organisation).or_default().push(id);
    }
    parts
}
