//! The organisations that have a name, an input or a job.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid};
use prediction_domain::model::{Organisation, OrganisationId, OrganisationName, Page, PageRequest, Scope};
use prediction_domain::ports::{StoreFailure, WriteMode};
use uuid::Uuid;

use crate::database::Database;
use crate::paging::{at_once, limit};
use crate::schema::organisations;

#[derive(Debug, QueryableByName)]
struct OrganisationRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
}

/// What each organisation of a list has to have. The three are looked up by the beginning of a key.
const IS_KNOWN: &str = "(EXISTS (SELECT FROM jobs WHERE jobs.organisation_id = wanted.id) \
     OR EXISTS (SELECT FROM inputs WHERE inputs.organisation_id = wanted.id) \
     OR EXISTS (SELECT FROM organisations WHERE organisations.id = wanted.id))";

/// Goes from one organisation to the next, by three keys: what an answer costs does not follow from how many jobs and
/// inputs they have.
const NEXT: &str = "SELECT LEAST( \
     (SELECT organisation_id FROM jobs WHERE organisation_id > last.id ORDER BY organisation_id LIMIT 1), \
     (SELECT organisation_id FROM inputs WHERE organisation_id > last.id ORDER BY organisation_id LIMIT 1), \
     (SELECT id FROM organisations WHERE id > last.id ORDER BY id LIMIT 1))";

pub(super) fn name(database: &Database, organisation: &Organisation, mode: WriteMode) -> Result<(), StoreFailure> {
    let id = organisation.id.as_uuid();
    database.transaction(mode, |connection| {
        match &organisation.name {
            Some(name) => diesel::insert_into(organisations::table)
                .values((organisations::id.eq(id), organisations::name.eq(name.as_str())))
                .on_conflict(organisations::id)
                .do_update()
                .set(organisations::name.eq(name.as_str()))
                .execute(connection)?,
            None => diesel::delete(organisations::table.find(id)).execute(connection)?,
        };
        Ok(())
    })
}

pub(super) fn find(database: &Database, id: OrganisationId) -> Result<Option<Organisation>, StoreFailure> {
    let scope = Scope::of([id]);
    let page = PageRequest::new(1, None).unwrap_or_else(|| unreachable!("a valid limit"));
    Ok(list(database, &scope, &page)?.items.pop())
}

pub(super) fn list(
    database: &Database,
    scope: &Scope,
    page: &PageRequest<OrganisationId>,
) -> Result<Page<Organisation, OrganisationId>, StoreFailure> {
    let wanted: Option<Vec<Uuid>> = match scope {
        Scope::Organisations(ids) => Some(ids.iter().map(OrganisationId::as_uuid).collect()),
        Scope::Platform => None,
    };
    let is_distributed = database.is_distributed()?;
    Page::filled(page, at_once::TEXTS, |after: Option<OrganisationId>, most| {
        let after = after.map_or(Uuid::nil(), |after| after.as_uuid());
        if is_distributed {
            return list_on_servers(database, wanted.as_deref(), after, most);
        }
        let rows: Vec<OrganisationRow> = database.statement(|connection| match &wanted {
            Some(wanted) => sql_query(format!(
                "SELECT wanted.id, organisations.name FROM unnest($1) AS wanted(id) \
                 LEFT JOIN organisations ON organisations.id = wanted.id \
                 WHERE wanted.id > $2 AND {IS_KNOWN} ORDER BY wanted.id LIMIT $3"
            ))
            .bind::<Array<SqlUuid>, _>(wanted)
            .bind::<SqlUuid, _>(after)
            .bind::<BigInt, _>(limit(most))
            .load(connection),
            None => sql_query(format!(
                "WITH RECURSIVE walk(id) AS ( \
                     SELECT ({NEXT}) FROM (SELECT $1 AS id) AS last \
                     UNION ALL SELECT ({NEXT}) FROM walk AS last WHERE last.id IS NOT NULL), \
                 found AS (SELECT id FROM walk WHERE id IS NOT NULL LIMIT $2) \
                 SELECT found.id, organisations.name FROM found LEFT JOIN organisations ON organisations.id = found.id \
                 ORDER BY found.id"
            ))
            .bind::<SqlUuid, _>(after)
            .bind::<BigInt, _>(limit(most))
            .load(connection),
        })?;
        rows.iter().map(read).collect::<Result<Vec<_>, StoreFailure>>()
    })
}

/// The same of distributed tables: each server tells the next of its organisations.
fn list_on_servers(
    database: &Database,
    wanted: Option<&[Uuid]>,
    after: Uuid,
    most: usize,
) -> Result<Vec<(Organisation, OrganisationId)>, StoreFailure> {
    let mut found: BTreeMap<Uuid, Option<String>> = BTreeMap::new();
    for table in [
        "SELECT DISTINCT organisation_id AS id, NULL::text AS name FROM jobs WHERE organisation_id",
        "SELECT DISTINCT organisation_id AS id, NULL::text AS name FROM inputs WHERE organisation_id",
        "SELECT id, name FROM organisations WHERE id",
    ] {
        let rows: Vec<OrganisationRow> = database.statement(|connection| match wanted {
            Some(wanted) => {
                sql_query(format!("{table} = ANY ($1) ORDER BY id")).bind::<Array<SqlUuid>, _>(wanted).load(connection)
            }
            None => sql_query(format!("{table} > $1 ORDER BY id LIMIT $2"))
                .bind::<SqlUuid, _>(after)
                .bind::<BigInt, _>(limit(most))
                .load(connection),
        })?;
        for row in rows {
            let name = found.entry(row.id).or_default();
            *name = row.name.or(name.take());
        }
    }
    // Whoever is among the first of all is among the first of each table that it is in.
    let rows = found.into_iter().filter(|(id, _)| *id > after).take(most);
    let rows: Vec<OrganisationRow> = rows.map(|(id, name)| OrganisationRow { id, name }).collect();
    rows.iter().map(read).collect()
}

fn read(row: &OrganisationRow) -> Result<(Organisation, OrganisationId), StoreFailure> {
    let corrupt = |problem: prediction_domain::model::ValueProblem| StoreFailure::Corrupt(problem.into());
    let id = OrganisationId::from_uuid(row.id).map_err(corrupt)?;
    let name = row.name.as_deref().map(OrganisationName::restore).transpose().map_err(corrupt)?;
    Ok((Organisation { id, name }, id))
}
