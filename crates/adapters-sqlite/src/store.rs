use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use prediction_domain::ports::{StoreFailure, WriteMode};

use crate::catalog::name_keys;
use crate::connect::{connect, use_write_ahead_log};
use crate::failure::store_failure;
use crate::file::DatabaseFile;
use crate::migrations;
use crate::pool::{Pooled, Pools};
use crate::settings::Settings;
use crate::start_up::StartUpError;

/// All repositories, in one SQLite file. Cheap to clone; the clones share their connections.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    file: DatabaseFile,
    settings: Settings,
    pools: Pools,
    known_migrations: Arc<BTreeSet<String>>,
}

impl SqliteStore {
    /// Opens the database file, or creates an empty one with mode 0600. Nothing is migrated: see [`Self::migrate`].
    ///
    /// SQLite keeps two more files beside it (`-wal`, `-shm`), and this program a third (`.lock`).
    pub fn open(path: impl AsRef<Path>, settings: Settings) -> Result<Self, StartUpError> {
        let file = DatabaseFile::take_or_create(path.as_ref())?;
        {
            let _lock = file.lock()?;
            use_write_ahead_log(&file, &mut connect(&file, settings.lock_wait)?)?;
        }
        let pools = Pools::open(&file, &settings)?;
        let known_migrations =
            migrations::known_versions().map_err(|error| StartUpError::of_sqlite(file.path(), error))?;
        Ok(Self { file, settings, pools, known_migrations: Arc::new(known_migrations) })
    }

    /// Applies the migrations that this program knows and the database has not seen, each in a transaction, and tells
    /// their names. Any number of processes may do this at the same time: each migration is applied once.
    pub fn migrate(&self) -> Result<Vec<String>, StartUpError> {
        migrations::apply_pending(&self.file, self.settings.lock_wait)
    }

    /// Corrects what makes two names of sources the same where another release computed it, and tells which in
    /// sentences. To be called when all migrations are applied.
    pub fn correct_name_keys(&self) -> Result<Vec<String>, StartUpError> {
        let mut connection = connect(&self.file, self.settings.lock_wait)?;
        name_keys::correct(&mut connection).map_err(|error| StartUpError::of_sqlite(self.file.path(), error))
    }

    /// Where the database is, without symbolic links.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    pub(crate) fn reader(&self) -> Result<Pooled, StoreFailure> {
        self.pools.reader()
    }

    pub(crate) fn writer(&self) -> Result<Pooled, StoreFailure> {
        self.pools.writer()
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.pools
    }

    pub(crate) fn file(&self) -> &DatabaseFile {
        &self.file
    }

    pub(crate) fn known_migrations(&self) -> &BTreeSet<String> {
        &self.known_migrations
    }

    /// Does the work in an immediate transaction, so that it never has to be given up because another writer was
    /// faster. What is refused, or a dry run, is rolled back.
    pub(crate) fn write<T, E: From<StoreFailure>>(
        &self,
        mode: WriteMode,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut rolled_back = None;
        let committed = self.writer()?.immediate_transaction(|connection| match work(connection) {
            Ok(value) if mode == WriteMode::Commit => Ok(value),
            answer => {
                rolled_back = Some(answer);
                Err(diesel::result::Error::RollbackTransaction)
            }
        });
        match (committed, rolled_back) {
            (Ok(value), _) => Ok(value),
            // Even if it could not be rolled back in order: nothing lasts that was not committed. SQLite may have done
            // it already, on a full disk for example, and then this is the answer that says so.
            (Err(_), Some(answer)) => answer,
            (Err(error), None) => Err(store_failure(error).into()),
        }
    }
}
