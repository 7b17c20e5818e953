//! The store as the server sees it.

use diesel::PgConnection;
use r2d2::ManageConnection as _;

use crate::catalog::name_keys;
use crate::connect::PostgresUrl;
use crate::database::Database;
use crate::migrations::{self, LockRetry, distribution};
use crate::pool::{Pool, PoolState};
use crate::server_connection::ServerConnectionManager;
use crate::settings::Settings;
use crate::start_up::{StartUpError, check_codes};

/// All repositories, in a PostgreSQL database. Clones share one pool of connections.
#[derive(Clone)]
pub struct PostgresStore {
    database: Database,
    url: PostgresUrl,
}

impl PostgresStore {
    /// Prepares the store. Nothing is waited for: the database may come up later, and until then every call fails as
    /// [unavailable](prediction_domain::ports::StoreFailure::Unavailable).
    #[must_use]
    pub fn connect(settings: Settings) -> Self {
        let Settings { url, pool_size, pooling } = settings;
        let manager = ServerConnectionManager::new(&url, pooling);
        Self { database: Database::new(Pool::new(manager, pool_size)), url }
    }

    /// Tries to reach the database, whether it can be told what goes wrong there, and whether this store and what is
    /// between them go together. Gives whether there is a pooler between them.
    pub fn probe(&self) -> Result<bool, StartUpError> {
        check_codes(&mut self.connect_apart()?)?;
        let manager = self.database.pool().manager();
        let unreachable = |error| StartUpError::unreachable(&self.url, error);
        let has_own_session = manager.connect().map_err(unreachable)?.has_own_session();
        if !has_own_session {
            manager.check_promise().map_err(unreachable)?;
        }
        Ok(!has_own_session)
    }

    /// Applies the migrations that this program brings and that the database does not have yet; gives their names. Does
    /// the steps that belong to them: [`Self::migrate_telling`] with the default retry, and without telling what it
    /// does.
    pub fn migrate(&self) -> Result<Vec<String>, StartUpError> {
        self.migrate_telling(&LockRetry::default(), &mut |_| ())
    }

    /// Applies migrations and does their steps, and tells in sentences what takes time.
    ///
    /// Processes that start together take turns, so that each migration is applied once and all of them come up. Each
    /// migration is one transaction: one that fails leaves the schema as it was before. Steps are done in many
    /// transactions; one that fails is gone on with the next time. No reader or writer waits meanwhile longer than for
    /// a lock that is wanted, and then left alone again when another session holds it.
    pub fn migrate_telling(&self, retry: &LockRetry, tell: &mut dyn FnMut(&str)) -> Result<Vec<String>, StartUpError> {
        migrations::run(&mut self.connect_apart()?, retry, tell)
    }

    /// Refuses, with all that is wrong, where the tables cannot be distributed. Changes nothing.
    pub fn check_distribution(&self) -> Result<(), StartUpError> {
        distribution::check(&mut self.connect_apart()?)
    }

    /// Distributes the tables over the servers of a Citus cluster; gives the names of those that were not before. To be
    /// called when all migrations are applied: those of the next release may bring tables that are to be distributed.
    pub fn distribute(&self, retry: &LockRetry, tell: &mut dyn FnMut(&str)) -> Result<Vec<String>, StartUpError> {
        distribution::distribute(&mut self.connect_apart()?, retry, tell)
    }

    /// Corrects what makes two names of sources the same where another release computed it, and tells which in
    /// sentences. To be called when all migrations are applied.
    pub fn correct_name_keys(
        &self,
        retry: &LockRetry,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Vec<String>, StartUpError> {
        name_keys::correct(&mut self.connect_apart()?, retry, tell)
    }

    /// The names of the migrations that [`Self::migrate`] would apply, and of the steps that it would do.
    pub fn pending_migrations(&self) -> Result<Vec<String>, StartUpError> {
        migrations::pending(&mut self.connect_apart()?).map_err(StartUpError::migrations_unknown)
    }

    /// How busy the connections are.
    #[must_use]
    pub fn pool_state(&self) -> PoolState {
        self.database.pool().state()
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// Makes a connection that is not of the pool, so without its time-outs.
    fn connect_apart(&self) -> Result<PgConnection, StartUpError> {
        let made = self.database.pool().manager().connect_apart();
        made.map_err(|error| StartUpError::unreachable(&self.url, error))
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("url", &self.url).finish_non_exhaustive()
    }
}
