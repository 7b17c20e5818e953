//! The database that the URL names.

use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use prediction_adapters_postgres::{LockRetry, Pooling, PostgresStore, PostgresUrl, Settings as PostgresSettings};
use prediction_adapters_sqlite::{Settings as SqliteSettings, SqliteStore, path_of_url};
use prediction_domain::ports::StorePorts;
use prediction_http::Writers;

use crate::command_line::{DatabaseOptions, DatabasePooling};
use crate::data_folder;

/// One of the databases that can be chosen at run time.
pub(crate) enum Database {
    Sqlite(SqliteStore),
    Postgres { store: PostgresStore, address: String, is_local: bool, is_pooled: bool },
}

/// Opens the database that the URL's scheme chooses: the embedded one unless another is named.
pub(crate) fn open(options: &DatabaseOptions) -> anyhow::Result<Database> {
    // A file that a secret comes from ends with a line break. It belongs to no URL.
    match options.database_url.as_deref().map(|url| url.trim_end_matches(['\n', '\r'])) {
        Some(url) if url.starts_with(char::is_whitespace) => {
            bail!("the database URL begins with a space or a line break: remove it")
        }
        Some(url) if url.starts_with(['"', '\'', '`']) => {
            bail!("the database URL is in quotes, which belong to the shell or to a file: remove them")
        }
        None => {
            data_folder::prepare(&options.data.data_dir)?;
            let path = data_folder::default_database(&options.data.data_dir);
            Ok(Database::Sqlite(SqliteStore::open(path, SqliteSettings::default())?))
        }
        Some(url) if url.starts_with("sqlite:") => {
            Ok(Database::Sqlite(SqliteStore::open(path_of_url(url)?, SqliteSettings::default())?))
        }
        Some(url) if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
            let url = PostgresUrl::parse(url, |name| std::env::var(name).ok())?;
            let (address, is_local) = (url.address(), url.is_on_this_machine());
            let pooling = match options.database_pooling {
                DatabasePooling::Auto => Pooling::Auto,
                DatabasePooling::Session => Pooling::Session,
                DatabasePooling::Transaction => Pooling::Transaction,
            };
            let settings = PostgresSettings { url, pool_size: options.database_connections, pooling };
            let store = PostgresStore::connect(settings);
            let is_pooled = store.probe()?;
            Ok(Database::Postgres { store, address, is_local, is_pooled })
        }
        // The URL may hold a password, so only its scheme is repeated.
        Some(url) => match url.split_once(':') {
            Some((scheme, _)) => {
                bail!("there is no database for \"{scheme}:\": the URL begins with sqlite: or postgres:")
            }
            None => bail!("the database URL begins with sqlite: or postgres:"),
        },
    }
}

impl Database {
    /// Applies what is missing of the schema, and tells what that was; and tells in sentences what takes time.
    pub(crate) fn migrate(&self, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Vec<String>> {
        Ok(match self {
            Self::Sqlite(store) => store.migrate()?,
            Self::Postgres { store, .. } => store.migrate_telling(&LockRetry::default(), tell)?,
        })
    }

    /// Refuses, with all that is wrong, where the tables cannot be distributed.
    pub(crate) fn check_distribution(&self) -> anyhow::Result<()> {
        Ok(self.distributable()?.check_distribution()?)
    }

    /// Distributes the tables over the servers of a cluster; gives the names of those that were not before.
    pub(crate) fn distribute(&self, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Vec<String>> {
        Ok(self.distributable()?.distribute(&LockRetry::default(), tell)?)
    }

    fn distributable(&self) -> anyhow::Result<&PostgresStore> {
        match self {
            Self::Postgres { store, .. } => Ok(store),
            Self::Sqlite(_) => bail!(
                "only a PostgreSQL database with the extension Citus can be distributed: name its coordinator with --database-url"
            ),
        }
    }

    /// Corrects the keys of sources' names that another release computed, and tells which in sentences.
    pub(crate) fn correct_name_keys(&self, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Vec<String>> {
        Ok(match self {
            Self::Sqlite(store) => store.correct_name_keys()?,
            Self::Postgres { store, .. } => store.correct_name_keys(&LockRetry::default(), tell)?,
        })
    }

    /// Where the data is, for people: no password in it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Sqlite(store) => store.path().display().to_string(),
            Self::Postgres { address, is_pooled: true, .. } => {
                format!("PostgreSQL behind a connection pooler at {address}")
            }
            Self::Postgres { address, .. } => format!("PostgreSQL at {address}"),
        }
    }

    /// How many values and runs are to be deleted at once: so few that it takes one or two milliseconds, or readers
    /// would notice meanwhile (docs/performance.md). PostgreSQL needs some round trips for each batch, however small it
    /// is.
    pub(crate) fn purge_batch(&self) -> usize {
        match self {
            Self::Sqlite(_) => 60,
            Self::Postgres { .. } => 130,
        }
    }

    /// How many jobs are to be judged at once: SQLite takes no other writer meanwhile.
    pub(crate) fn judging_batch(&self) -> usize {
        match self {
            Self::Sqlite(_) => 400,
            Self::Postgres { .. } => 250,
        }
    }

    /// How many transactions can write at the same time.
    pub(crate) fn writers(&self) -> Writers {
        match self {
            Self::Sqlite(_) => Writers::One,
            Self::Postgres { .. } => Writers::Many,
        }
    }

    /// How much of the time a tenant with much to do has where there are few processors, in percent, if the database
    /// takes those of this machine: measured, so that others hardly notice it (docs/adr/0049).
    pub(crate) fn share_of_few_processors(&self) -> Option<NonZeroU8> {
        match self {
            // Others wait for its one writer, too.
            Self::Sqlite(_) => NonZeroU8::new(10),
            Self::Postgres { is_local, .. } => NonZeroU8::new(20).filter(|_| *is_local),
        }
    }

    /// For how long the calling thread, and the database for it, have had work for a processor.
    pub(crate) fn busy_time(&self) -> fn() -> Duration {
        match self {
            Self::Sqlite(_) => prediction_adapters_sqlite::busy_time,
            Self::Postgres { .. } => prediction_adapters_postgres::busy_time,
        }
    }

    /// Puts the database behind the ports.
    pub(crate) fn ports(&self) -> StorePorts {
        match self {
            Self::Sqlite(store) => StorePorts::of(&Arc::new(store.clone())),
            Self::Postgres { store, .. } => StorePorts::of(&Arc::new(store.clone())),
        }
    }
}
