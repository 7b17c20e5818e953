//! How busy the store is.

use prediction_domain::ports::{ConnectionCounts, StoreStatistics};

use crate::store::PostgresStore;

impl StoreStatistics for PostgresStore {
    fn connections(&self) -> ConnectionCounts {
        let state = self.pool_state();
        ConnectionCounts { busy: state.connections.saturating_sub(state.idle), idle: state.idle }
    }
}
