use prediction_domain::ports::{StoreFailure, StoreHealth};

use crate::errors::OrStoreFailure as _;
use crate::migrations::count_pending;
use crate::store::SqliteStore;

impl StoreHealth for SqliteStore {
    fn check(&self) -> Result<(), StoreFailure> {
        self.file().verify_in_place().map_err(|error| StoreFailure::Unavailable(error.into()))?;
        let mut reader = self.reader()?;
        match count_pending(&mut reader, self.known_migrations()).or_store_failure()? {
            0 => Ok(()),
            pending => Err(StoreFailure::Unavailable(format!("{pending} migrations are not applied").into())),
        }
    }
}
