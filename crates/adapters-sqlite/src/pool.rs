//! Connections that are kept open.

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use prediction_domain::ports::StoreFailure;

use crate::connect::{Customizer, Use};
use crate::file::DatabaseFile;
use crate::settings::Settings;
use crate::start_up::StartUpError;

pub(crate) type Manager = ConnectionManager<SqliteConnection>;
pub(crate) type Pooled = PooledConnection<Manager>;

/// Opens so many connections for a use.
pub(crate) fn open(
    file: &DatabaseFile,
    settings: &Settings,
    purpose: Use,
    size: u32,
) -> Result<Pool<Manager>, StartUpError> {
    Pool::builder()
        .max_size(size)
        .connection_timeout(settings.connection_wait)
        // A connection to a file does not go stale, so it need not be tried nor replaced now and then; a broken one is
        // not taken back.
        .test_on_check_out(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connection_customizer(Box::new(Customizer { purpose, lock_wait: settings.lock_wait }))
        .build(Manager::new(file.uri()))
        .map_err(|error| StartUpError::of_sqlite(file.path(), error))
}

pub(crate) fn take(pool: &Pool<Manager>) -> Result<Pooled, StoreFailure> {
    pool.get().map_err(|error| StoreFailure::Unavailable(error.into()))
}
