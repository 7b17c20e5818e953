//! How busy the store is.

use prediction_domain::ports::{ConnectionCounts, StoreStatistics};

use crate::store::SqliteStore;

impl StoreStatistics for SqliteStore {
    fn connections(&self) -> ConnectionCounts {
        SqliteStore::connections(self).counts()
    }
}
