//! Whether the store can do its work.

use prediction_domain::ports::{StoreFailure, StoreHealth};

use crate::migrations;
use crate::store::PostgresStore;

impl StoreHealth for PostgresStore {
    fn check(&self) -> Result<(), StoreFailure> {
        let pending = self.database().statement(migrations::pending)?;
        if pending.is_empty() { Ok(()) } else { Err(StoreFailure::Unavailable(Box::new(PendingMigrations(pending)))) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("migrations are not applied: {}", .0.join(", "))]
struct PendingMigrations(Vec<String>);
