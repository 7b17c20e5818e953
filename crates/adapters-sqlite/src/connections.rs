//! The connections: several that read, one that writes.

use std::sync::Arc;
use std::time::Duration;

use diesel::r2d2::Pool;
use prediction_domain::ports::{ConnectionCounts, StoreFailure};

use crate::connect::Use;
use crate::file::DatabaseFile;
use crate::pool::{Manager, Pooled, open, take};
use crate::settings::Settings;
use crate::start_up::StartUpError;
use crate::writer::{Turn, Writer};

/// The connections of a store.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    readers: Pool<Manager>,
    writer: Arc<Writer>,
}

impl Connections {
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
