//! Whether the store can do its work.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use prediction_domain::ports::{StoreFailure, StoreHealth, WriteMode};

use crate::database::Abort;
use crate::migrations;
use crate::schema;
use crate::store::PostgresStore;

impl StoreHealth for PostgresStore {
    fn check(&self) -> Result<(), StoreFailure> {
        let pending = self.database().statement(migrations::pending)?;
        if !pending.is_empty() {
            return Err(StoreFailure::Unavailable(PendingMigrations(pending).into()));
        }
        Ok(self.database().statement(ask_for_all_columns)?)
    }

    /// A row that comes and goes in one transaction. No thread waits for the disk: a full disk is noticed without that.
    fn try_write(&self) -> Result<(), StoreFailure> {
        self.database().transaction(WriteMode::Commit, |connection| {
            for statement in [
                "SET LOCAL synchronous_commit = off",
                "INSERT INTO leases (name, holder, expires_at) \
                 VALUES ('write', '00000000-0000-0000-0000-000000000000', '-infinity') ON CONFLICT DO NOTHING",
                "DELETE FROM leases WHERE name = 'write'",
            ] {
                connection.batch_execute(statement)?;
            }
            Ok::<_, Abort<StoreFailure>>(())
        })
    }
}

/// Fails unless all tables and columns are there, whatever the list of migrations says. Reads no row.
fn ask_for_all_columns(connection: &mut PgConnection) -> QueryResult<()> {
    macro_rules! ask {
        ($($table:ident)+) => {
            $(schema::$table::table.select(schema::$table::all_columns).limit(0).execute(connection)?;)+
        };
    }
    ask!(sources source_versions jobs job_inputs job_health judgements unjudged_sources job_revisions runs replaced_runs run_counters predictions run_summaries deleted_jobs job_counts daily_usage leases);
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("migrations are not applied: {}", .0.join(", "))]
struct PendingMigrations(Vec<String>);
