use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, SqliteConnection, sql_query};

/// A database that no other test uses, seen by its administrator.
pub(crate) enum Database {
    Sqlite {
        path: PathBuf,
    },
    /// Dropped together with this value.
    Postgres {
        name: String,
    },
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Database {
    /// A database in a file that does not exist yet.
    pub(crate) fn in_file(path: PathBuf) -> Self {
        Self::Sqlite { path }
    }

    /// An empty database on the server that the tests were given.
    pub(crate) fn on_postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("prediction_api_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut admin = admin();
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).unwrap();
        Self::Postgres { name }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    /// The URL that the command takes.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite { path } => format!("sqlite:{}", path.display()),
            Self::Postgres { name } => url_of(name),
        }
    }

    /// Runs statements behind the server's back.
    pub(crate) fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite { path } => sqlite(path).batch_execute(sql),
            Self::Postgres { name } => postgres(name).batch_execute(sql),
        }
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// How many rows there are, in the tables of sources, versions and jobs.
    pub(crate) fn rows(&self) -> [i64; 3] {
        self.counts(["sources", "source_versions", "jobs"])
    }

    /// How many revisions, runs and predictions there are.
    pub(crate) fn results(&self) -> [i64; 3] {
        self.counts(["job_revisions", "runs", "predictions"])
    }

    fn counts<const TABLES: usize>(&self, tables: [&str; TABLES]) -> [i64; TABLES] {
        tables.map(|table| self.count(&format!("SELECT count(*) AS count FROM {table}")))
    }

    /// The answer to a query that counts something as `count`.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite { path } => sql_query(sql).get_result::<Count>(&mut sqlite(path)),
            Self::Postgres { name } => sql_query(sql).get_result::<Count>(&mut postgres(name)),
        }
        .unwrap_or_else(|error| panic!("{error}: {sql}"))
        .count
    }

    /// Makes the tables unfindable: an unforeseen failure.
    pub(crate) fn hide_tables(&self) {
        self.execute(
            "ALTER TABLE jobs RENAME TO hidden_jobs; ALTER TABLE source_versions RENAME TO hidden_versions; \
             ALTER TABLE sources RENAME TO hidden_sources; ALTER TABLE inputs RENAME TO hidden_inputs; \
             ALTER TABLE organisations RENAME TO hidden_organisations;",
        );
    }

    /// Keeps all other programs from writing (SQLite) or from connecting (PostgreSQL), while the value lives.
    pub(crate) fn seize(&self) -> Seizure {
        match self {
            Self::Sqlite { path } => {
                let mut writer = sqlite(path);
                writer.batch_execute("BEGIN IMMEDIATE").unwrap();
                Seizure::Sqlite { _writer: writer }
            }
            Self::Postgres { name } => {
                admin_execute(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"));
                admin_execute(&format!(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
                ));
                Seizure::Postgres { name: name.clone() }
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { name } = self {
            admin_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// See [`Database::seize`].
pub(crate) enum Seizure {
    Sqlite { _writer: SqliteConnection },
    Postgres { name: String },
}

impl Drop for Seizure {
    fn drop(&mut self) {
        if let Self::Postgres { name } = self {
            admin_execute(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true"));
        }
    }
}

fn sqlite(path: &Path) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute("PRAGMA busy_timeout = 10000").unwrap();
    connection
}

fn postgres(name: &str) -> PgConnection {
    PgConnection::establish(&url_of(name)).unwrap()
}

fn admin_execute(sql: &str) {
    admin().batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
}

fn admin() -> PgConnection {
    PgConnection::establish(&admin_url()).expect("the server of PREDICTION_TEST_POSTGRES_URL can be reached")
}

fn admin_url() -> String {
    std::env::var("PREDICTION_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("PREDICTION_TEST_POSTGRES_URL is not set: run ./scripts/test, which starts a throw-away PostgreSQL")
    })
}

fn url_of(database: &str) -> String {
    let url = admin_url();
    let (before, parameters) = url
        .split_once('?')
        .map_or((url.as_str(), String::new()), |(before, parameters)| (before, format!("?{parameters}")));
    let (server, _) = before.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{database}{parameters}")
}
