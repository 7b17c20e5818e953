//! The keys of sources' names, as this release computes them. Earlier ones, which may still be writing, folded case
//! differently.

use std::collections::HashSet;

use diesel::connection::{CacheSize, SimpleConnection as _};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use prediction_domain::model::{SourceId, SourceName, name_keys};
use uuid::Uuid;

use crate::migrations::{LockRetry, Tell};
use crate::schema::sources;
use crate::start_up::StartUpError;

/// Source, name, key.
type Row = (Uuid, String, String);

/// Corrects the keys that another release computed. Tells which in sentences.
///
/// Readers do not notice, and writers wait only when there is something to correct.
pub(crate) fn correct(
    connection: &mut PgConnection,
    retry: &LockRetry,
    tell: Tell<'_>,
) -> Result<Vec<String>, StartUpError> {
    // As for migrations: the next transaction may be in another session.
    connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    if are_right(connection).map_err(StartUpError::names_unknown)? {
        return Ok(Vec::new());
    }
    let corrected = retry.try_again(tell, "names of sources", || correct_all(connection, retry).into());
    corrected.map_err(StartUpError::names_unknown)
}

fn correct_all(connection: &mut PgConnection, retry: &LockRetry) -> QueryResult<Vec<String>> {
    connection.build_transaction().read_committed().run(|connection| {
        connection.batch_execute(&retry.lock_timeout())?;
        connection.batch_execute("LOCK TABLE sources IN SHARE ROW EXCLUSIVE MODE")?;
        let rows: Vec<Row> = sources::table
            .order(sources::sequence_number)
            .select((sources::id, sources::name, sources::name_key))
            .load(connection)?;
        let names: Vec<(SourceId, SourceName)> = rows.iter().map(read).collect::<QueryResult<_>>()?;
        let keys = name_keys(names.iter().map(|(id, name)| (*id, name)));
        let wrong: Vec<_> = rows.iter().zip(&names).zip(keys).filter(|((row, _), key)| row.2 != *key).collect();
        // The key that one is to have may still be another one's, so that all first have keys that no other source has.
        for ((row, (id, name)), _) in &wrong {
            let beside = sources::name_key.eq(name.key_beside_another(*id));
            diesel::update(sources::table.find(row.0)).set(beside).execute(connection)?;
        }
        for ((row, _), key) in &wrong {
            diesel::update(sources::table.find(row.0)).set(sources::name_key.eq(key)).execute(connection)?;
        }
        Ok(wrong.iter().map(|((_, (id, name)), key)| told(*id, name, key)).collect())
    })
}

/// Looks only at names that releases can fold differently, and at sources that stand beside another one of their name.
fn are_right(connection: &mut PgConnection) -> QueryResult<bool> {
    let rows: Vec<Row> = sources::table
        .filter(sql::<Bool>("octet_length(name) <> char_length(name) OR strpos(name_key, chr(31)) > 0"))
        .select((sources::id, sources::name, sources::name_key))
        .load(connection)?;
    let mut beside = HashSet::new();
    for row in &rows {
        let (id, name) = read(row)?;
        if row.2 == name.key_beside_another(id) {
            beside.insert(name.key());
        } else if row.2 != name.key() {
            return Ok(false);
        }
    }
    let wanted: Vec<&String> = beside.iter().collect();
    let taken: i64 = sources::table.filter(sources::name_key.eq_any(wanted)).count().get_result(connection)?;
    Ok(usize::try_from(taken) == Ok(beside.len()))
}

fn read(row: &Row) -> QueryResult<(SourceId, SourceName)> {
    let failed = |error| diesel::result::Error::DeserializationError(Box::new(error));
    Ok((SourceId::from_uuid(row.0).map_err(failed)?, SourceName::restore(&row.1).map_err(failed)?))
}

fn told(id: SourceId, name: &SourceName, key: &str) -> String {
    if key == name.key() {
        return format!("source {id} is found by its name \"{name}\" however its case is written");
    }
    format!(
        "source {id} has the name \"{name}\" of an earlier source: it is found by its id, and by its name once it is renamed"
    )
}
