use prediction_domain::ports::{StoreFailure, StoreHealth};

use crate::errors::OrStoreFailure as _;
use crate::migrations::applied_versions;
use crate::store::SqliteStore;

impl StoreHealth for SqliteStore {
    fn check(&self) -> Result<(), StoreFailure> {
        self.file().verify_in_place().map_err(|error| StoreFailure::Unavailable(error.into()))?;
        let mut reader = self.reader()?;
        let applied = applied_versions(&mut reader).or_store_failure()?;
        match self.known_migrations().difference(&applied).count() {
            0 => Ok(()),
            pending => Err(StoreFailure::Unavailable(format!("{pending} migrations are not applied").into())),
        }
    }
}
