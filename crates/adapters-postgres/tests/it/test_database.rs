//! A database for each test: a copy of a migrated template, dropped afterwards.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, sql_query};
use prediction_adapters_postgres::{Pooling, PostgresStore, PostgresUrl, Settings};
use prediction_domain::ports::{JobRepository, RunRepository, SourceRepository, SourceVersionRepository, StorePorts};
use prediction_domain_testkit::Stores;

use crate::cluster::{Cluster, in_database};

/// What processes lock that look for the template.
const TEMPLATE_LOCK: i64 = 0x7465_6d70_6c61_7465;

/// A database that no other test uses. It is dropped with this value.
pub(crate) struct TestDatabase {
    name: String,
    /// The servers on which it is: all, if it has the migrations.
    cluster: Cluster,
}

impl TestDatabase {
    /// A database with all migrations applied.
    pub(crate) fn migrated() -> Self {
        let cluster = Cluster::find();
        let template = template(&cluster);
        let name = fresh_name("test");
        cluster.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { name, cluster }
    }

    /// The same, for tests that count what the server reads. Autovacuum would look at the tables in between: while it
    /// does, dead rows cannot be removed, and are read.
    pub(crate) fn migrated_for_counting() -> Self {
        let database = Self::migrated();
        database.execute(
            "DO $$ DECLARE of_all record; BEGIN \
             FOR of_all IN SELECT oid::regclass AS name FROM pg_class \
               WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP \
               EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', of_all.name); \
             END LOOP; END $$",
        );
        database
    }

    /// A database with nothing in it.
    pub(crate) fn empty() -> Self {
        let name = fresh_name("empty");
        admin_execute(&format!("CREATE DATABASE {name}"));
        Self { name, cluster: Cluster::of_one_server() }
    }

    /// A database with nothing in it, with texts of that encoding.
    pub(crate) fn of_encoding(encoding: &str) -> Self {
        let name = fresh_name("encoding");
        admin_execute(&format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        ));
        Self { name, cluster: Cluster::of_one_server() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> String {
        url_of(&self.name)
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::connect(settings(&self.url()))
    }

    /// A connection for SQL of the test's own.
    pub(crate) fn connection(&self) -> PgConnection {
        PgConnection::establish(&self.url()).expect("the test's database can be reached")
    }

    pub(crate) fn execute(&self, sql: &str) {
        self.connection().batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// The text of every row of a query with one column called `value`.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        texts(&mut self.connection(), sql)
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        sql_query(sql).get_result::<Row>(&mut self.connection()).expect("the query counts").count
    }

    /// Returns when a session waits for a lock in the database.
    pub(crate) fn wait_for_a_blocked_session(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while self.count(sql) == 0 {
            assert!(Instant::now() < deadline, "no session waits for a lock");
            sleep(Duration::from_millis(5));
        }
    }

    /// Does the work, and prints what every session waits for if it takes far too long: what hangs is ended from
    /// outside, and then this is all that is known of it.
    #[expect(clippy::print_stderr, reason = "for the person who looks why a test did not end")]
    pub(crate) fn watched<T>(&self, work: impl FnOnce() -> T) -> T {
        const FAR_TOO_LONG: Duration = Duration::from_mins(2);
        const SESSIONS: &str = "SELECT concat_ws(' ', pid, datname, backend_type, state, wait_event_type, wait_event, \
             'blocked by', pg_blocking_pids(pid), 'xmin', backend_xmin, now() - xact_start, now() - query_start, left(query, 150)) \
             AS value FROM pg_stat_activity ORDER BY pid";
        const LOCKS: &str = "SELECT concat_ws(' ', pid, locktype, database, relation, virtualxid, transactionid, objid, mode, \
             granted) AS value FROM pg_locks ORDER BY pid";
        const STEPS: &str = "SELECT to_jsonb(steps)::text AS value FROM __migration_steps AS steps ORDER BY name";
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                if is_done.recv_timeout(FAR_TOO_LONG) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                eprintln!("{}: far too long", self.name);
                for sql in [SESSIONS, LOCKS, STEPS] {
                    for line in self.texts(sql) {
                        eprintln!("{line}");
                    }
                }
            });
            let value = work();
            drop(done);
            value
        })
    }

    /// Ends every connection to the database, as a restart of the server would.
    pub(crate) fn end_all_connections(&self) {
        let sql =
            format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{}'", self.name);
        admin_execute(&sql);
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        self.cluster.drop_database(&self.name);
    }
}

/// An empty store of its own, for the contract suite.
pub(crate) fn make_stores() -> Stores {
    stores_in(TestDatabase::migrated())
}

/// Ports to a store that takes its connections' sessions for shared ones.
pub(crate) fn make_stores_of_shared_sessions() -> Stores {
    let database = TestDatabase::migrated();
    let settings = Settings { pooling: Pooling::Transaction, ..settings(&database.url()) };
    stores(database, PostgresStore::connect(settings))
}

/// All ports to the store in that database, which goes with them.
pub(crate) fn stores_in(database: TestDatabase) -> Stores {
    let store = database.store();
    stores(database, store)
}

fn stores(database: TestDatabase, store: PostgresStore) -> Stores {
    Stores::from(StorePorts::of(&Arc::new(store))).keeping(database)
}

/// The ports by name, since a store has several methods of each name.
pub(crate) fn sources(store: &PostgresStore) -> &dyn SourceRepository {
    store
}

pub(crate) fn source_versions(store: &PostgresStore) -> &dyn SourceVersionRepository {
    store
}

pub(crate) fn jobs(store: &PostgresStore) -> &dyn JobRepository {
    store
}

pub(crate) fn runs(store: &PostgresStore) -> &dyn RunRepository {
    store
}

/// Reads a URL as if there were no environment.
pub(crate) fn settings(url: &str) -> Settings {
    Settings::new(PostgresUrl::parse(url, |_| None).expect("the URL of the test's database can be read"))
}

pub(crate) fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let rows: Vec<Row> = sql_query(sql).load(connection).unwrap_or_else(|error| panic!("{error}: {sql}"));
    rows.into_iter().map(|row| row.value).collect()
}

/// The texts of all migrations, in the order in which they are applied.
pub(crate) fn migration_texts() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut folders: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| fs::read_to_string(folder.join("up.sql")).unwrap()).collect()
}

/// The name of the migrated template. The first test makes it; it is kept, under a name that changes with the
/// migrations, since every test may be a process of its own.
fn template(cluster: &Cluster) -> String {
    let mut hasher = DefaultHasher::new();
    migration_texts().hash(&mut hasher);
    if cluster.is_distributed() {
        // How the tables are distributed makes another template, too.
        include_str!("../../src/migrations/distribution.rs").hash(&mut hasher);
        include_str!("../../src/migrations/distribution/places.rs").hash(&mut hasher);
        include_str!("../../src/migrations/distribution/functions.rs").hash(&mut hasher);
    }
    let name = format!("prediction_template_{:016x}", hasher.finish());

    let mut admin = admin();
    admin.batch_execute(&format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).unwrap();
    let sql = format!("SELECT datname::text AS value FROM pg_database WHERE datname = '{name}'");
    if texts(&mut admin, &sql).is_empty() {
        // Under another name until it is complete.
        let draft = fresh_name("template");
        cluster.create(&draft);
        cluster.migrate(&draft);
        cluster.close(&draft);
        cluster.execute(&format!("ALTER DATABASE {draft} RENAME TO {name}"));
    }
    name
}

fn fresh_name(purpose: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("prediction_{purpose}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn admin_execute(sql: &str) {
    admin().batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
}

fn admin() -> PgConnection {
    PgConnection::establish(&admin_url()).expect("the server of PREDICTION_TEST_POSTGRES_URL can be reached")
}

pub(crate) fn admin_url() -> String {
    std::env::var("PREDICTION_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("PREDICTION_TEST_POSTGRES_URL is not set: run ./scripts/test, which starts a throw-away PostgreSQL")
    })
}

fn url_of(database: &str) -> String {
    in_database(&admin_url(), database)
}
