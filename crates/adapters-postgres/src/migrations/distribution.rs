//! Distributes the tables over the servers of a Citus cluster: all rows of an organisation are on one of them.
//!
//! [`distribute`] places the tables; `distribution/places.rs` says where.

mod functions;
mod places;
mod requirements;

use std::collections::HashMap;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Text};

use self::places::{FIRST, PLACES, Place};
use super::{LockRetry, Tell, Trial, take_turn};
use crate::start_up::StartUpError;

/// Refuses where the tables cannot be distributed, with all that is in the way.
pub(crate) fn check(connection: &mut PgConnection) -> Result<(), StartUpError> {
    let wrong = requirements::wrong_with(connection).map_err(StartUpError::distribution_failed)?;
    if wrong.is_empty() { Ok(()) } else { Err(StartUpError::NotDistributable { wrong }) }
}

/// Whether tables of this database are distributed already. Then migrations distribute those that they bring.
pub(crate) fn has_begun(connection: &mut PgConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Citus {
        #[diesel(sql_type = Bool)]
        is_there: bool,
    }
    let citus: Citus = sql_query("SELECT to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL AS is_there")
        .get_result(connection)?;
    Ok(citus.is_there && requirements::placed(connection)?.contains_key(FIRST))
}

/// Places every table that is not placed yet, in one transaction: all of them, or none. Gives their names.
///
/// Foreign keys and triggers go before and come back after it. Citus takes a table with a foreign key only where the
/// other table is placed already, and the triggers, which wrote their part when the rows came, must not see the rows
/// come again.
pub(crate) fn distribute(
    connection: &mut PgConnection,
    retry: &LockRetry,
    tell: Tell<'_>,
) -> Result<Vec<String>, StartUpError> {
    check(connection)?;
    let placed = retry
        .try_again(tell, "distributing the tables", || {
            Trial::from(connection.build_transaction().read_committed().run(|connection| place(connection, retry)))
        })
        .map_err(StartUpError::distribution_failed)?;
    let missing = missing_on_shards(connection).map_err(StartUpError::distribution_failed)?;
    if missing.is_empty() { Ok(placed) } else { Err(StartUpError::Incomplete { missing }) }
}

fn place(connection: &mut PgConnection, retry: &LockRetry) -> QueryResult<Vec<String>> {
    connection.batch_execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
         SET LOCAL client_min_messages = warning; SET LOCAL citus.multi_shard_modify_mode = 'sequential'",
    )?;
    connection.batch_execute(&retry.lock_timeout())?;
    // One at a time, and no migration meanwhile.
    take_turn(connection)?;
    let there = requirements::placed(connection)?;
    let to_place: Vec<(&str, Place)> =
        PLACES.iter().filter(|(table, place)| *place != Place::Here && !there.contains_key(*table)).copied().collect();
    let replaced = functions::replace(connection)?;
    if to_place.is_empty() {
        return Ok(replaced);
    }
    let mut names: Vec<String> = to_place.iter().map(|(table, _)| (*table).to_owned()).collect();
    let tied = Definitions::of(connection, &names)?;
    for statement in &tied.drop {
        connection.batch_execute(statement)?;
    }
    let mut has_first = there.contains_key(FIRST);
    for (table, place) in &to_place {
        match place {
            Place::Everywhere => {
                sql_query("SELECT create_reference_table($1)").bind::<Text, _>(table).execute(connection)?;
            }
            Place::WithOrganisation(column) => {
                let with = if has_first { FIRST } else { "none" };
                sql_query("SELECT create_distributed_table($1, $2, colocate_with => $3)")
                    .bind::<Text, _>(table)
                    .bind::<Text, _>(column)
                    .bind::<Text, _>(with)
                    .execute(connection)?;
                has_first = true;
            }
            Place::Here => {}
        }
    }
    // What was copied to where it belongs would lie here for ever, unseen.
    for (table, _) in &to_place {
        sql_query("SELECT truncate_local_data_after_distributing_table($1::regclass)")
            .bind::<Text, _>(table)
            .execute(connection)?;
    }
    for statement in &tied.create {
        connection.batch_execute(statement)?;
    }
    names.extend(replaced);
    Ok(names)
}

/// What ties tables to each other.
struct Definitions {
    drop: Vec<String>,
    create: Vec<String>,
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    drop: String,
    #[diesel(sql_type = Text)]
    create: String,
}

impl Definitions {
    /// The foreign keys from and to these tables, and their triggers; in the order in which they were made, since of
    /// two keys that a row breaks, the older one is told.
    fn of(connection: &mut PgConnection, tables: &[String]) -> QueryResult<Self> {
        let of: Vec<Definition> = sql_query(
            "WITH wanted AS (SELECT name::regclass::oid AS oid FROM unnest($1) AS name) \
             SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop, \
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS create, \
               1 AS kind, oid FROM pg_constraint \
             WHERE contype = 'f' AND (conrelid IN (SELECT oid FROM wanted) OR confrelid IN (SELECT oid FROM wanted)) \
             UNION ALL \
             SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass), pg_get_triggerdef(oid), 2, oid FROM pg_trigger \
             WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM wanted) \
             ORDER BY kind, oid",
        )
        .bind::<Array<Text>, _>(tables)
        .load(connection)?;
        let (drop, create) = of.into_iter().map(|definition| (definition.drop, definition.create)).unzip();
        Ok(Self { drop, create })
    }
}

/// The triggers and constraints that a table has and one of its parts has not, in words. None is ever to be missing: a
/// row that is written without them leaves counts and judgements wrong.
fn missing_on_shards(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    #[derive(QueryableByName)]
    struct Wanted {
        #[diesel(sql_type = Text)]
        of_table: String,
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let wanted: Vec<Wanted> = sql_query(
        "SELECT logicalrelid::regclass::text AS of_table, \
           (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = logicalrelid) \
           + (SELECT count(*) FROM pg_constraint WHERE contype IN ('f', 'c', 'p', 'u') AND conrelid = logicalrelid) AS number \
         FROM pg_dist_partition",
    )
    .load(connection)?;
    let wanted: HashMap<String, i64> = wanted.into_iter().map(|row| (row.of_table, row.number)).collect();
    let mut missing = Vec::new();
    for (table, number) in wanted {
        let rows: Vec<Row> = sql_query(
            "SELECT format('part %s of %s on %s:%s has %s of its %s triggers and constraints', shardid, $1, nodename, nodeport, result, $2) AS value \
             FROM run_command_on_placements($1::regclass, 'SELECT \
               (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = ''%1$s''::regclass) \
               + (SELECT count(*) FROM pg_constraint WHERE contype IN (''f'', ''c'', ''p'', ''u'') \
                 AND conrelid = ''%1$s''::regclass)') WHERE NOT success OR result <> $2::text ORDER BY shardid, nodename, nodeport",
        )
        .bind::<Text, _>(&table)
        .bind::<BigInt, _>(number)
        .load(connection)?;
        missing.extend(rows.into_iter().map(|row| row.value));
    }
    missing.sort();
    Ok(missing)
}
