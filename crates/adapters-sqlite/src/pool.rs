//! The connections: several that read, one that writes.

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use prediction_domain::ports::{ConnectionCounts, StoreFailure};

use crate::connect::{Customizer, Use};
use crate::file::DatabaseFile;
use crate::settings::Settings;
use crate::start_up::StartUpError;

type Manager = ConnectionManager<SqliteConnection>;
pub(crate) type Pooled = PooledConnection<Manager>;

/// SQLite lets one connection write at a time. That there is only one makes writers of this process queue up in order,
/// where SQLite would let them try again and again.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    readers: Pool<Manager>,
    writer: Pool<Manager>,
}

impl Pools {
    pub(crate) fn open(file: &DatabaseFile, settings: &Settings) -> Result<Self, StartUpError> {
        let pool = |purpose, size| {
            Pool::builder()
                .max_size(size)
                .connection_timeout(settings.connection_wait)
                // A connection to a file does not go stale, so it need not be tried nor replaced now and then; a broken
                // one is not taken back.
                .test_on_check_out(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .connection_customizer(Box::new(Customizer { purpose, lock_wait: settings.lock_wait }))
                .build(Manager::new(file.uri()))
                .map_err(|error| StartUpError::of_sqlite(file.path(), error))
        };
        Ok(Self { readers: pool(Use::Read, settings.readers)?, writer: pool(Use::Write, 1)? })
    }

    pub(crate) fn reader(&self) -> Result<Pooled, StoreFailure> {
        take(&self.readers)
    }

    pub(crate) fn writer(&self) -> Result<Pooled, StoreFailure> {
        take(&self.writer)
    }

    pub(crate) fn counts(&self) -> ConnectionCounts {
        let states = [self.readers.state(), self.writer.state()];
        let idle = states.iter().map(|state| state.idle_connections).sum();
        let open: u32 = states.iter().map(|state| state.connections).sum();
        ConnectionCounts { busy: open.saturating_sub(idle), idle }
    }
}

fn take(pool: &Pool<Manager>) -> Result<Pooled, StoreFailure> {
    pool.get().map_err(|error| StoreFailure::Unavailable(error.into()))
}
