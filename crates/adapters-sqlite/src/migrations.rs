//! Bringing the schema to what this program needs, and the data with it.
//!
//! A migration changes the schema. What has to be done to the data that is there is a step of its own ([`steps`]): in
//! batches, so that no writer waits for long meanwhile.

mod bookkeeping;
mod steps;

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource as _};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};

use crate::connect::connect;
use crate::file::DatabaseFile;
use crate::start_up::StartUpError;
use bookkeeping::{__migration_steps, applied_versions, unfinished_steps};
use steps::STEPS;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Applies what is pending, and does what is to be done then; tells the names of the migrations. The file's lock makes
/// processes that start together wait for the first.
pub(crate) fn apply_pending(file: &DatabaseFile, lock_wait: Duration) -> Result<Vec<String>, StartUpError> {
    let _lock = file.lock()?;
    let mut connection = connect(file, lock_wait)?;
    let pending =
        connection.pending_migrations(MIGRATIONS).map_err(|source| StartUpError::of_sqlite(file.path(), source))?;
    let failed = |name: &str, source| StartUpError::Migration {
        migration: name.to_owned(),
        path: file.path().to_owned(),
        source,
    };
    let mut applied = Vec::new();
    for migration in pending {
        let name = migration.name().to_string();
        apply(&mut connection, migration.as_ref()).map_err(|source| failed(&name, source))?;
        applied.push(name);
    }
    let unfinished =
        unfinished_steps(&mut connection).map_err(|source| StartUpError::of_sqlite(file.path(), source))?;
    for step in STEPS.iter().filter(|step| unfinished.contains(step.name)) {
        step.run(&mut connection).map_err(|source| failed(step.name, source.into()))?;
    }
    Ok(applied)
}

/// Immediate, so that a program of the release before, which goes on writing meanwhile, cannot make the migration fail.
fn apply(
    connection: &mut SqliteConnection,
    migration: &dyn Migration<Sqlite>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    connection.immediate_transaction(|connection| {
        let version = connection.run_migration(migration)?.to_string();
        connection.batch_execute(
            "CREATE TABLE IF NOT EXISTS __migration_steps (
                name TEXT NOT NULL PRIMARY KEY,
                progress TEXT,
                is_finished INTEGER NOT NULL
            ) STRICT",
        )?;
        for step in STEPS.iter().filter(|step| step.migration == version) {
            // One that is there was done before the migration was undone by hand.
            let row = (__migration_steps::name.eq(step.name), __migration_steps::is_finished.eq(false));
            diesel::replace_into(__migration_steps::table).values(row).execute(connection)?;
        }
        Ok(())
    })
}

/// How many migrations and steps the program has and the database has not.
pub(crate) fn count_pending(connection: &mut SqliteConnection, known: &BTreeSet<String>) -> QueryResult<usize> {
    let applied = applied_versions(connection)?;
    let unfinished = unfinished_steps(connection)?;
    let steps = STEPS.iter().filter(|step| unfinished.contains(step.name)).count();
    Ok(known.difference(&applied).count() + steps)
}

/// The versions of the embedded migrations: the first part of their names, without hyphens.
pub(crate) fn known_versions() -> Result<BTreeSet<String>, Box<dyn Error + Send + Sync>> {
    let migrations: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations()?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}
