//! Bringing the schema to what this program needs.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource as _};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::connect::connect;
use crate::file::DatabaseFile;
use crate::start_up::StartUpError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

diesel::table! {
    /// Where diesel keeps account of what was applied.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Applies what is pending, and tells the names. The file's lock makes processes that start together wait for the first.
pub(crate) fn apply_pending(file: &DatabaseFile, lock_wait: Duration) -> Result<Vec<String>, StartUpError> {
    let _lock = file.lock()?;
    let mut connection = connect(file, lock_wait)?;
    let pending =
        connection.pending_migrations(MIGRATIONS).map_err(|source| StartUpError::of_sqlite(file.path(), source))?;
    pending
        .into_iter()
        .map(|migration| {
            let name = migration.name().to_string();
            match apply(&mut connection, migration.as_ref()) {
                Ok(()) => Ok(name),
                Err(source) => Err(StartUpError::Migration { migration: name, path: file.path().to_owned(), source }),
            }
        })
        .collect()
}

/// Immediate, so that a program of the release before, which goes on writing meanwhile, cannot make the migration fail.
fn apply(
    connection: &mut SqliteConnection,
    migration: &dyn Migration<Sqlite>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    if migration.metadata().run_in_transaction() {
        connection.immediate_transaction(|connection| connection.run_migration(migration).map(drop))
    } else {
        connection.run_migration(migration).map(drop)
    }
}

/// The versions of the embedded migrations: the first part of their names, without hyphens.
pub(crate) fn known_versions() -> Result<BTreeSet<String>, Box<dyn Error + Send + Sync>> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations()?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// The versions of the migrations that were applied: none as long as there is no account of them.
pub(crate) fn applied_versions(connection: &mut SqliteConnection) -> QueryResult<BTreeSet<String>> {
    let versions = __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection);
    match versions {
        Ok(versions) => Ok(versions.into_iter().collect()),
        Err(diesel::result::Error::DatabaseError(_, information))
            if information.message().contains("no such table") =>
        {
            Ok(BTreeSet::new())
        }
        Err(error) => Err(error),
    }
}
