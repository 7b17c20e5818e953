//! From a URL to a connection that is set up for its use.

mod error;
mod url;

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::r2d2::CustomizeConnection;
use diesel::sql_types::Text;

use crate::file::DatabaseFile;
use crate::start_up::StartUpError;

pub use error::UrlError;
pub use url::path_of_url;

/// What every URL of this adapter begins with.
pub const SCHEME: &str = "sqlite:";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    /// Writing, while another connection copies the log into the database.
    Write,
    /// Copying the log into the database.
    Copy,
    /// Writing alone, to prepare or migrate the database.
    Prepare,
}

/// Sets up every connection of a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Customizer {
    pub(crate) purpose: Use,
    pub(crate) lock_wait: Duration,
}

impl Customizer {
    pub(crate) fn set_up(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        // First, so that what follows waits for a lock instead of failing.
        connection.batch_execute(&format!("PRAGMA busy_timeout = {}", self.lock_wait.as_millis()))?;
        if self.purpose == Use::Read {
            // cache_size: half a MiB, for the upper parts of the indexes and what one question reads twice. Whatever is
            // written empties it, and the system keeps the pages of the file anyway. With the default, 2 MiB, the
            // memory of the process grew for an hour, until each reader had once been asked for much.
            return connection.batch_execute("PRAGMA query_only = ON; PRAGMA cache_size = -512");
        }
        // FULL: an acknowledged write survives a power cut, not only a crash of the process. fullfsync: also on macOS,
        // where fsync alone does not reach the disk; it means nothing elsewhere. cache_size: 8 MiB, which the upper
        // parts of the indexes fit into; the default is 2.
        connection.batch_execute(
            "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA cache_size = -8192",
        )?;
        connection.batch_execute(match self.purpose {
            // wal_autocheckpoint: 1 GiB, only if nobody else copies the log.
            //
            // journal_size_limit: 512 MiB, more than the log has unless it is flooded. The writer whose commit finds
            // the log begun anew would cut the file down to that, which takes a slow disk a quarter of a second and
            // more; and a commit waits for less where the file need not grow.
            //
            // temp_store: what a statement changes is kept until it is known that the statement does not fail; in
            // memory, and not in a file that is written beside the log.
            Use::Write => {
                "PRAGMA wal_autocheckpoint = 262144; PRAGMA journal_size_limit = 536870912; PRAGMA temp_store = MEMORY"
            }
            // About 32 MiB, so that a page that is changed often is copied less often; the default is 4.
            _ => "PRAGMA wal_autocheckpoint = 8000",
        })
    }
}

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Customizer {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        self.set_up(connection).map_err(diesel::r2d2::Error::QueryError)
    }
}

/// A connection beside the pools, to prepare or migrate the database.
pub(crate) fn connect(file: &DatabaseFile, lock_wait: Duration) -> Result<SqliteConnection, StartUpError> {
    let failed = |error: diesel::result::Error| StartUpError::of_sqlite(file.path(), error);
    let mut connection =
        SqliteConnection::establish(&file.uri()).map_err(|error| StartUpError::of_sqlite(file.path(), error))?;
    Customizer { purpose: Use::Prepare, lock_wait }.set_up(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// Makes the database one with a write-ahead log, which is a property of the file: readers and the writer do not wait
/// for each other then. To be called under the file's lock, since SQLite does not wait while another process does the
/// same.
pub(crate) fn use_write_ahead_log(file: &DatabaseFile, connection: &mut SqliteConnection) -> Result<(), StartUpError> {
    #[derive(QueryableByName)]
    struct Mode {
        #[diesel(sql_type = Text)]
        journal_mode: String,
    }
    let mode: Mode = diesel::sql_query("PRAGMA journal_mode = WAL")
        .get_result(connection)
        .map_err(|error| StartUpError::of_sqlite(file.path(), error))?;
    if mode.journal_mode == "wal" {
        Ok(())
    } else {
        Err(StartUpError::NoWriteAheadLog { path: file.path().to_owned() })
    }
}
