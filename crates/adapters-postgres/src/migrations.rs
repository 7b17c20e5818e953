//! The migrations, which are part of the program, and the steps that belong to them.
//!
//! A migration changes the schema: one transaction, which holds locks only for a moment. What has to be done to the
//! data that is there is a step of its own ([`steps`]): in batches, beside running readers and writers. Nothing here is
//! left in the session: a pooler may give each transaction another one.

mod bookkeeping;
pub(crate) mod distribution;
mod lock_retry;
mod statements;
mod steps;

use diesel::connection::{CacheSize, SimpleConnection as _};
use diesel::prelude::*;

use crate::start_up::StartUpError;
use bookkeeping::Bookkeeping;
pub use lock_retry::LockRetry;
pub(crate) use lock_retry::Trial;
use statements::statements;
use steps::STEPS;

/// Every migration, in order: `build.rs` makes the list.
pub(crate) const MIGRATIONS: &[Migration] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// A migration of `migrations/postgres`.
pub(crate) struct Migration {
    name: &'static str,
    pub(crate) up: &'static str,
}

impl Migration {
    /// The first part of its name, without hyphens, as diesel writes it down.
    fn version(&self) -> String {
        self.name.split('_').next().unwrap_or_default().replace('-', "")
    }
}

/// What processes lock that are about to migrate: `predicti` in ASCII.
const LOCK: i64 = i64::from_be_bytes(*b"predicti");

/// Who is told how it goes, in sentences for the person who started the process.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(&str);

/// Applies what is pending, migrations and steps; gives the names of the migrations.
pub(crate) fn run(
    connection: &mut PgConnection,
    retry: &LockRetry,
    tell: Tell<'_>,
) -> Result<Vec<String>, StartUpError> {
    // A statement that is prepared by name may be unknown to the session that the next transaction gets.
    connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    // Nearly always there is nothing to do, and then no process waits, or needs the right to change the schema.
    let bookkeeping = Bookkeeping::read(connection).map_err(StartUpError::migrations_unknown)?;
    let mut applied = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| !bookkeeping.has(migration)) {
        let name = migration.name;
        let outcome = retry
            .try_again(tell, &format!("migration {name}"), || apply(connection, migration, retry))
            .map_err(|error| StartUpError::migration_failed(name, &error))?;
        if outcome == Outcome::Applied {
            applied.push(name.to_owned());
        }
    }
    // Before the steps, which may write to new tables beside triggers that do.
    if !applied.is_empty() && distribution::has_begun(connection).map_err(StartUpError::migrations_unknown)? {
        distribution::distribute(connection, retry, tell)?;
    }
    steps::run(connection, retry, tell)?;
    Ok(applied)
}

/// The names of the migrations and steps that the program has and the database has not. Changes nothing.
pub(crate) fn pending(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
    let bookkeeping = Bookkeeping::read(connection)?;
    let migrations = MIGRATIONS.iter().filter(|migration| !bookkeeping.has(migration)).map(|migration| migration.name);
    let steps = STEPS.iter().filter(|step| !step.can_wait()).map(|step| step.name);
    let steps = steps.filter(|name| bookkeeping.is_unfinished(name));
    Ok(migrations.chain(steps).map(str::to_owned).collect())
}

/// Waits until no other process migrates, and keeps others from it until the transaction ends.
pub(crate) fn take_turn(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Applied,
    /// Another process was quicker.
    WasThere,
    /// It is left to the next start.
    Left,
}

/// One attempt at a migration, in one transaction, with all that is written down about it.
fn apply(connection: &mut PgConnection, migration: &Migration, retry: &LockRetry) -> Trial<Outcome> {
    // What earlier holders of the lock committed has to be seen, whatever the role's default is.
    let outcome = connection.build_transaction().read_committed().run(|connection| {
        // Neither the role's nor the database's time-outs are meant for this: others may take their time while they
        // migrate.
        connection.batch_execute(&format!(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0; SELECT pg_advisory_xact_lock({LOCK})"
        ))?;
        if Bookkeeping::read(connection)?.has(migration) {
            return Ok(Outcome::WasThere);
        }
        // Behind a migration that waits for a table, all other sessions have to wait, too.
        connection.batch_execute(&retry.lock_timeout())?;
        bookkeeping::prepare(connection)?;
        for statement in statements(migration.up) {
            connection.batch_execute(statement)?;
        }
        bookkeeping::write_down(connection, migration, steps::of(&migration.version()))?;
        Ok(Outcome::Applied)
    });
    outcome.into()
}
