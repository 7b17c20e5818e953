use diesel::prelude::*;
use prediction_domain::ports::{StoreFailure, StoreHealth, WriteMode};

use crate::failure::OrStoreFailure as _;
use crate::migrations::count_pending;
use crate::schema;
use crate::store::SqliteStore;

impl StoreHealth for SqliteStore {
    fn check(&self) -> Result<(), StoreFailure> {
        self.file().verify_in_place().map_err(|error| StoreFailure::Unavailable(error.into()))?;
        let mut reader = self.reader()?;
        match count_pending(&mut reader, self.known_migrations()).or_store_failure()? {
            0 => ask_for_all_columns(&mut reader).or_store_failure(),
            pending => Err(StoreFailure::Unavailable(format!("{pending} migrations are not applied").into())),
        }
    }

    /// A row that comes and goes in one transaction, which lasts: only then does anything reach the disk.
    fn try_write(&self) -> Result<(), StoreFailure> {
        self.write(WriteMode::Commit, |connection| {
            diesel::sql_query("INSERT INTO leases (name, holder, expires_at) VALUES ('write', '', 0)")
                .execute(connection)
                .or_store_failure()?;
            diesel::sql_query("DELETE FROM leases WHERE name = 'write'").execute(connection).or_store_failure()?;
            Ok(())
        })
    }
}

/// Fails unless all tables and columns are there, whatever the list of migrations says. Reads no row.
fn ask_for_all_columns(connection: &mut SqliteConnection) -> QueryResult<()> {
    macro_rules! ask {
        ($($table:ident)+) => {
            $(schema::$table::table.select(schema::$table::all_columns).limit(0).execute(connection)?;)+
        };
    }
    ask!(sources source_versions jobs judgements unjudged_sources job_inputs job_revisions runs replaced_runs run_counters predictions unfinished_runs run_summaries deleted_jobs job_counts daily_usage leases);
    Ok(())
}
