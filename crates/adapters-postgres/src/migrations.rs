//! The migrations, which are part of the program.

use std::collections::HashSet;

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::Text;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::start_up::StartUpError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// What processes lock that are about to migrate: `predicti` in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"predicti");

diesel::table! {
    /// Where diesel writes down what is applied.
    __diesel_schema_migrations (version) {
        version -> Text,
        run_on -> Timestamp,
    }
}

diesel::define_sql_function! {
    /// The table of that name, if there is one.
    fn to_regclass(name: Text) -> Nullable<diesel::sql_types::Oid>;
}

/// Applies what is pending; gives the names.
pub(crate) fn run(connection: &mut PgConnection) -> Result<Vec<String>, StartUpError> {
    // Nearly always there is nothing to do, and then nobody has to wait, nor be allowed to change the schema.
    if pending(connection).map_err(StartUpError::migrations_unknown)?.is_empty() {
        return Ok(Vec::new());
    }
    // Neither the role's nor the database's time-outs are meant for this. The lock belongs to the connection, so it goes
    // when the process dies.
    for statement in [
        "SET statement_timeout = 0",
        "SET lock_timeout = 0",
        &format!("SELECT pg_advisory_lock({LOCK})"),
        // Behind a migration that waits for a table, everybody else would have to wait too.
        "SET lock_timeout = '10s'",
    ] {
        connection.batch_execute(statement).map_err(StartUpError::migrations_unknown)?;
    }
    let applied = run_locked(connection);
    let unlocked = connection.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"));
    let applied = applied?;
    unlocked.map_err(StartUpError::migrations_unknown)?;
    Ok(applied)
}

/// The names of the migrations that the program has and the database has not. Changes nothing.
pub(crate) fn pending(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    let applied = match applied(connection) {
        Ok(applied) => applied,
        Err(Error::DatabaseError(DatabaseErrorKind::Unknown, _)) if !has_table(connection)? => Vec::new(),
        // Another process may have made the table since, so that only a second failure tells anything.
        Err(Error::DatabaseError(DatabaseErrorKind::Unknown, _)) => self::applied(connection)?,
        Err(error) => return Err(error),
    };
    let applied: HashSet<String> = applied.into_iter().collect();
    let known = known().map_err(Error::QueryBuilderError)?;
    Ok(known
        .iter()
        .filter(|migration| !applied.contains(&migration.name().version().to_string()))
        .map(|migration| migration.name().to_string())
        .collect())
}

fn run_locked(connection: &mut PgConnection) -> Result<Vec<String>, StartUpError> {
    let pending = connection.pending_migrations(MIGRATIONS).map_err(StartUpError::migrations_unknown)?;
    let mut applied = Vec::new();
    for migration in pending {
        let name = migration.name().to_string();
        connection.run_migration(&migration).map_err(|error| StartUpError::migration_failed(&name, &error))?;
        applied.push(name);
    }
    Ok(applied)
}

fn applied(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection)
}

fn has_table(connection: &mut PgConnection) -> QueryResult<bool> {
    let table: Option<u32> = diesel::select(to_regclass("__diesel_schema_migrations")).get_result(connection)?;
    Ok(table.is_some())
}

fn known() -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
    MIGRATIONS.migrations()
}
