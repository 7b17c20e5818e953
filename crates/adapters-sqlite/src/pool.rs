//! The connections: several that read, one that writes.

use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, PooledConnection};
use prediction_domain::ports::{ConnectionCounts, StoreFailure};

use crate::connect::{Customizer, Use};
use crate::file::DatabaseFile;
use crate::settings::Settings;
use crate::start_up::StartUpError;
use crate::writer::{Turn, Writer};

pub(crate) type Manager = ConnectionManager<SqliteConnection>;
pub(crate) type Pooled = PooledConnection<Manager>;

/// The connections of a store.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    readers: Pool<Manager>,
    writer: Arc<Writer>,
}

impl Pools {
    pub(crate) fn open(file: &DatabaseFile, settings: &Settings) -> Result<Self, StartUpError> {
        Ok(Self {
            readers: open(file, settings, Use::Read, settings.readers)?,
            writer: Arc::new(Writer::open(file, settings)?),
        })
    }

    pub(crate) fn reader(&self) -> Result<Pooled, StoreFailure> {
        take(&self.readers)
    }

    pub(crate) fn writer(&self, patience: Duration) -> Result<Turn<'_>, StoreFailure> {
        self.writer.take(patience)
    }

    pub(crate) fn counts(&self) -> ConnectionCounts {
        let states = [self.readers.state(), self.writer.connections().state()];
        let idle = states.iter().map(|state| state.idle_connections).sum();
        let open: u32 = states.iter().map(|state| state.connections).sum();
        ConnectionCounts { busy: open.saturating_sub(idle), idle }
    }
}

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
