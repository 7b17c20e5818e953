use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use diesel::prelude::*;
use prediction_domain::ports::{StoreFailure, WriteMode};

use crate::catalog::name_keys;
use crate::connect::{connect, use_write_ahead_log};
use crate::connections::Connections;
use crate::failure::store_failure;
use crate::file::DatabaseFile;
use crate::migrations;
use crate::part_writers::PartWriters;
use crate::pool::Pooled;
use crate::settings::Settings;
use crate::start_up::StartUpError;
use crate::writer::{Turn, WriterQueue};

/// All repositories, in one SQLite file. Cheap to clone; the clones share their connections.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    file: DatabaseFile,
    settings: Settings,
    connections: Connections,
    part_writers: Arc<PartWriters>,
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
        let connections = Connections::open(&file, &settings)?;
        let known_migrations =
            migrations::known_versions().map_err(|error| StartUpError::of_sqlite(file.path(), error))?;
        Ok(Self {
            file,
            settings,
            connections,
            part_writers: Arc::default(),
            known_migrations: Arc::new(known_migrations),
        })
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
        self.connections.reader()
    }

    pub(crate) fn writer(&self) -> Result<Turn<'_>, StoreFailure> {
        self.connections.writer(self.settings.connection_wait)
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn part_writers(&self) -> &PartWriters {
        &self.part_writers
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
        transact(&mut *self.writer()?, mode, work)
    }

    /// The same, for work that looks whether others wait for its end. It waits so long for its turn at the most.
    pub(crate) fn write_in_turn<'a, T, E: From<StoreFailure>>(
        &'a self,
        patience: Duration,
        lasts: Lasts,
        work: impl FnOnce(&mut SqliteConnection, WriterQueue<'a>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut turn = self.connections.writer(patience)?;
        let queue = turn.queue();
        let work = |connection: &mut SqliteConnection| work(connection, queue);
        match lasts {
            Lasts::FromNowOn => transact(&mut turn, WriteMode::Commit, work),
            Lasts::WithTheNextWrite => turn.without_waiting_for_disk(|turn| transact(turn, WriteMode::Commit, work))?,
        }
    }
}

/// From when on what is written survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    FromNowOn,
    /// For what nobody is told of before that. The disk is to take it when others may write.
    WithTheNextWrite,
}

fn transact<T, E: From<StoreFailure>>(
    connection: &mut SqliteConnection,
    mode: WriteMode,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut rolled_back = None;
    let committed = connection.immediate_transaction(|connection| match work(connection) {
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
