//! The organisations that have a name, an input or a job.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};
use prediction_domain::model::{Organisation, OrganisationId, OrganisationName, Page, PageRequest, Scope};
use prediction_domain::ports::StoreFailure;

use crate::failure::OrStoreFailure as _;
use crate::paging::{at_once, limit};
use crate::rows::organisation;
use crate::schema::organisations;

#[derive(Debug, QueryableByName)]
struct OrganisationRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

/// What each organisation of a list has to have. The three are looked up by the beginning of a key.
const IS_KNOWN: &str = "(EXISTS (SELECT 1 FROM jobs WHERE jobs.organisation_id = wanted.value) \
     OR EXISTS (SELECT 1 FROM inputs WHERE inputs.organisation_id = wanted.value) \
     OR EXISTS (SELECT 1 FROM organisations WHERE organisations.id = wanted.value))";

/// Goes from one organisation to the next, by three keys: what an answer costs does not follow from how many jobs and
/// inputs they have. `~` is behind all ids.
const NEXT: &str = "SELECT min( \
     coalesce((SELECT min(organisation_id) FROM jobs WHERE organisation_id > last.id), '~'), \
     coalesce((SELECT min(organisation_id) FROM inputs WHERE organisation_id > last.id), '~'), \
     coalesce((SELECT min(id) FROM organisations WHERE id > last.id), '~'))";

pub(super) fn name(connection: &mut SqliteConnection, organisation: &Organisation) -> Result<(), StoreFailure> {
    let id = organisation.id.to_string();
    match &organisation.name {
        Some(name) => diesel::replace_into(organisations::table)
            .values((organisations::id.eq(id), organisations::name.eq(name.as_str())))
            .execute(connection),
        None => diesel::delete(organisations::table.find(id)).execute(connection),
    }
    .or_store_failure()?;
    Ok(())
}

pub(super) fn find(
    connection: &mut SqliteConnection,
    id: OrganisationId,
) -> Result<Option<Organisation>, StoreFailure> {
    let wanted = serde_json::json!([id]).to_string();
    Ok(of_these(connection, &wanted, "", 1)?.pop().map(|(organisation, _)| organisation))
}

pub(super) fn list(
    connection: &mut SqliteConnection,
    scope: &Scope,
    page: &PageRequest<OrganisationId>,
) -> Result<Page<Organisation, OrganisationId>, StoreFailure> {
    let wanted = match scope {
        Scope::Organisations(ids) => Some(serde_json::json!(ids.iter().collect::<Vec<_>>()).to_string()),
        Scope::Platform => None,
    };
    Page::filled(page, at_once::TEXTS, |after: Option<OrganisationId>, most| {
        let after = after.map(|after| after.to_string()).unwrap_or_default();
        match &wanted {
            Some(wanted) => of_these(connection, wanted, &after, limit(most)),
            None => of_all(connection, &after, limit(most)),
        }
    })
}

type Placed = Vec<(Organisation, OrganisationId)>;

/// `wanted` is a JSON array of ids.
fn of_these(connection: &mut SqliteConnection, wanted: &str, after: &str, most: i64) -> Result<Placed, StoreFailure> {
    let query = sql_query(format!(
        "SELECT wanted.value AS id, organisations.name FROM json_each(?) AS wanted \
         LEFT JOIN organisations ON organisations.id = wanted.value \
         WHERE wanted.value > ? AND {IS_KNOWN} ORDER BY wanted.value LIMIT ?"
    ));
    let query = query.bind::<Text, _>(wanted).bind::<Text, _>(after).bind::<BigInt, _>(most);
    read(&query.load(connection).or_store_failure()?)
}

fn of_all(connection: &mut SqliteConnection, after: &str, most: i64) -> Result<Placed, StoreFailure> {
    let query = sql_query(format!(
        "WITH RECURSIVE walk(id) AS ( \
             SELECT ({NEXT}) FROM (SELECT ? AS id) AS last \
             UNION ALL SELECT ({NEXT}) FROM walk AS last WHERE last.id <> '~' LIMIT ?) \
         SELECT walk.id, organisations.name FROM walk LEFT JOIN organisations ON organisations.id = walk.id \
         WHERE walk.id <> '~' ORDER BY walk.id"
    ));
    let query = query.bind::<Text, _>(after).bind::<BigInt, _>(most);
    read(&query.load(connection).or_store_failure()?)
}

fn read(rows: &[OrganisationRow]) -> Result<Placed, StoreFailure> {
    let read = |row: &OrganisationRow| {
        let id = organisation("id", &row.id, OrganisationId::parse(&row.id))?;
        let name = row.name.as_deref().map(OrganisationName::restore).transpose();
        Ok((Organisation { id, name: organisation("name", &row.id, name)? }, id))
    };
    rows.iter().map(read).collect()
}
