//! The servers on which databases of tests are made: one, or all of a Citus cluster.
//!
//! The database of `PREDICTION_TEST_POSTGRES_URL` tells: where it has the extension, the databases of tests that use it
//! are made on each server, with the tables distributed.

use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::{PgConnection, sql_query};
use prediction_adapters_postgres::{LockRetry, PostgresStore};

use crate::test_database::{admin_url, settings, texts};

/// The parts of the tables of a test. Each is a table with its indexes, which a test makes and drops.
const SHARDS: u32 = 4;

/// A server of the cluster.
#[derive(QueryableByName)]
struct Node {
    #[diesel(sql_type = Text)]
    host: String,
    #[diesel(sql_type = Integer)]
    port: i32,
    #[diesel(sql_type = Bool)]
    is_coordinator: bool,
}

/// The cluster of the URL; of one server, where that has no Citus.
pub(crate) struct Cluster {
    coordinator: String,
    nodes: Vec<Node>,
}

impl Cluster {
    pub(crate) fn find() -> Self {
        let coordinator = admin_url();
        let mut connection = connect(&coordinator);
        let has_citus =
            !texts(&mut connection, "SELECT extname::text AS value FROM pg_extension WHERE extname = 'citus'")
                .is_empty();
        let nodes = if has_citus {
            sql_query(
                "SELECT nodename AS host, nodeport AS port, groupid = 0 AS is_coordinator FROM pg_dist_node \
                 WHERE noderole = 'primary' AND isactive ORDER BY groupid",
            )
            .load(&mut connection)
            .expect("the cluster tells its servers")
        } else {
            Vec::new()
        };
        Self { coordinator, nodes }
    }

    /// The server of the URL alone.
    pub(crate) fn of_one_server() -> Self {
        Self { coordinator: admin_url(), nodes: Vec::new() }
    }

    pub(crate) fn is_distributed(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// Runs statements as an administrator of each server.
    pub(crate) fn execute(&self, sql: &str) {
        self.on_each_server(|server| execute(server, sql));
    }

    /// Makes a database with nothing in it but the extension, if it is one of several servers.
    pub(crate) fn create(&self, name: &str) {
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE template0"));
        if !self.is_distributed() {
            return;
        }
        let of_database = |url: &str| in_database(url, name);
        for node in &self.nodes {
            run(&of_database(&node.of(&self.coordinator)), "CREATE EXTENSION citus");
        }
        let coordinator = of_database(&self.coordinator);
        for Node { host, port, is_coordinator } in &self.nodes {
            run(
                &coordinator,
                &if *is_coordinator {
                    format!("SELECT citus_set_coordinator_host('{host}', {port})")
                } else {
                    format!("SELECT citus_add_node('{host}', {port})")
                },
            );
        }
        run(&coordinator, &format!("ALTER DATABASE {name} SET citus.shard_count = {SHARDS}"));
    }

    /// Migrates a database, as an operator does.
    pub(crate) fn migrate(&self, name: &str) {
        let store = PostgresStore::connect(settings(&in_database(&self.coordinator, name)));
        store.migrate().expect("the template is migrated");
        if self.is_distributed() {
            let distributed = store.distribute(&LockRetry::default(), &mut |_| ());
            distributed.expect("the tables of the template are distributed");
        }
    }

    /// Keeps everybody from a database, so that it can be copied or dropped: also what Citus itself has running in each
    /// database, and starts again.
    pub(crate) fn close(&self, name: &str) {
        self.on_each_server(|server| {
            execute(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
            end_sessions(server, name);
        });
    }

    /// Drops a database that nobody is to be connected to any more.
    pub(crate) fn drop_database(&self, name: &str) {
        if self.is_distributed() {
            self.close(name);
        }
        self.on_each_server(|server| {
            end_sessions(server, name);
            execute(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        });
    }

    fn on_each_server(&self, work: impl Fn(&mut PgConnection)) {
        work(&mut connect(&self.coordinator));
        for node in self.nodes.iter().filter(|node| !node.is_coordinator) {
            work(&mut connect(&node.of(&self.coordinator)));
        }
    }
}

impl Node {
    /// The URL of the same user and database on this server.
    fn of(&self, url: &str) -> String {
        if self.is_coordinator {
            return url.to_owned();
        }
        let (scheme, rest) = url.split_once("://").expect("a URL has a scheme");
        let user = rest.split_once('@').map_or(String::new(), |(user, _)| format!("{user}@"));
        let behind = rest.split_once('/').map_or("", |(_, behind)| behind);
        format!("{scheme}://{user}{}:{}/{behind}", self.host, self.port)
    }
}

/// The URL of another database of the same server.
pub(crate) fn in_database(url: &str, name: &str) -> String {
    let (before, parameters) =
        url.split_once('?').map_or((url, String::new()), |(before, parameters)| (before, format!("?{parameters}")));
    let (server, _) = before.rsplit_once('/').expect("the URL names a database");
    format!("{server}/{name}{parameters}")
}

fn connect(url: &str) -> PgConnection {
    let mut connection =
        PgConnection::establish(url).expect("the servers of PREDICTION_TEST_POSTGRES_URL can be reached");
    // Citus notes at each database that it makes it on one server only.
    connection.batch_execute("SET client_min_messages = warning").expect("a setting can be set");
    connection
}

fn run(url: &str, sql: &str) {
    execute(&mut connect(url), sql);
}

fn execute(connection: &mut PgConnection, sql: &str) {
    connection.batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Ends what is connected to a database, and returns when it is gone.
///
/// The server can wait for that itself, also in DROP DATABASE, but looks each tenth of a second only: as long as many a
/// test takes.
fn end_sessions(server: &mut PgConnection, database: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid))::text AS value FROM pg_stat_activity WHERE datname = '{database}'"
    );
    while texts(server, &sql) != ["0"] {
        assert!(Instant::now() < deadline, "sessions do not end in {database}");
        sleep(Duration::from_millis(1));
    }
}
