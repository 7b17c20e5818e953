//! Whose session is behind a connection, and what is done if it is shared, or stands still.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use prediction_adapters_postgres::{Pooling, PostgresStore, Settings, StartUpError, Unfit};
use prediction_domain::ports::{InsertSourceError, StoreFailure, StoreHealth as _, WriteMode};
use prediction_domain_testkit::builders::a_source;

use crate::test_database::{TestDatabase, settings, sources};

/// The database by a connection that does not keep what is said when it is opened, as a pooler does not.
fn url_of_pooler(database: &TestDatabase) -> String {
    let separator = if database.url().contains('?') { '&' } else { '?' };
    format!("{}{separator}options=-c%20prediction_api.session%3D", database.url())
}

fn store(url: &str, pooling: Pooling) -> PostgresStore {
    PostgresStore::connect(Settings { pooling, ..settings(url) })
}

/// Has each source that is stored tell what its session is like: prepared statements, limits.
fn watch(database: &TestDatabase) {
    database.execute(
        "CREATE TABLE seen (prepared bigint, statement_timeout text, lock_timeout text, idle text, timezone text, parallel text, jit text);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           INSERT INTO seen SELECT count(*), current_setting('statement_timeout'), current_setting('lock_timeout'),
             current_setting('idle_in_transaction_session_timeout'), current_setting('timezone'),
             current_setting('max_parallel_workers_per_gather'), current_setting('jit')
             FROM pg_prepared_statements;
           RETURN NEW;
         END $$;
         CREATE TRIGGER see BEFORE INSERT ON sources FOR EACH ROW EXECUTE FUNCTION see()",
    );
}

#[test]
fn what_a_session_is_told_does_not_depend_on_whose_it_is() {
    let database = TestDatabase::migrated();
    watch(&database);
    for (url, pooling, is_pooled, is_prepared) in [
        (database.url(), Pooling::Auto, false, true),
        (database.url(), Pooling::Session, false, true),
        (database.url(), Pooling::Transaction, true, false),
        (url_of_pooler(&database), Pooling::Auto, true, false),
        (url_of_pooler(&database), Pooling::Session, true, true),
        (url_of_pooler(&database), Pooling::Transaction, true, false),
    ] {
        let case = format!("{pooling:?}, {url}");
        let store = PostgresStore::connect(Settings { pooling, pool_size: NonZeroU32::MIN, ..settings(&url) });
        if pooling != Pooling::Transaction {
            assert_eq!(store.probe().unwrap(), is_pooled, "{case}");
        }
        database.execute("TRUNCATE seen");
        for _ in 0..3 {
            let source = a_source();
            assert_eq!(sources(&store).find_by_name(&source.name).unwrap(), None, "{case}");
            sources(&store).insert(&source, WriteMode::Commit).unwrap();
        }
        let seen = database.texts(
            "SELECT DISTINCT concat_ws(' ', statement_timeout, lock_timeout, idle, timezone, parallel, jit) AS value FROM seen",
        );
        assert_eq!(seen, ["4s 2s 10s UTC 0 off"], "{case}");
        let prepared = database.count("SELECT max(prepared) AS count FROM seen");
        assert_eq!(prepared > 0, is_prepared, "{case}: {prepared}");
        store.check().unwrap();
    }
}

/// Another client has the session now, by whatever way; what it prepared there is not taken for our own.
#[test]
fn a_session_that_was_promised_and_is_another_is_not_used() {
    let database = TestDatabase::migrated();
    let store = store(&url_of_pooler(&database), Pooling::Session);
    sources(&store).insert(&a_source(), WriteMode::Commit).unwrap();
    database.execute(
        "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           PERFORM set_config('prediction_api.session', 'of another', false);
           RETURN NEW;
         END $$;
         CREATE TRIGGER change BEFORE INSERT ON sources FOR EACH ROW EXECUTE FUNCTION change()",
    );
    let mut refused = 0;
    for _ in 0..20 {
        match sources(&store).insert(&a_source(), WriteMode::Commit) {
            Ok(()) => (),
            Err(InsertSourceError::Store(StoreFailure::Unavailable(cause))) => {
                let text = cause.to_string();
                assert!(text.contains("gave a connection another session"), "{text}");
                refused += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(refused > 0);
    assert_eq!(database.count("SELECT count(*) FROM sources"), 21 - refused);
}

#[test]
fn databases_that_cannot_hold_all_texts_are_refused() {
    for encoding in ["LATIN1", "SQL_ASCII", "WIN1252"] {
        let database = TestDatabase::of_encoding(encoding);
        let store = database.store();
        for error in [store.probe().unwrap_err(), store.migrate().unwrap_err()] {
            let StartUpError::Unfit(Unfit::Encoding { encoding: told }) = &error else { panic!("{error:?}") };
            assert_eq!(told, encoding);
        }
        // It may have been away when the process started.
        for pooling in [Pooling::Auto, Pooling::Session, Pooling::Transaction] {
            let failure = self::store(&database.url(), pooling).check().unwrap_err();
            let StoreFailure::Unavailable(cause) = &failure else { panic!("{failure:?}") };
            assert!(cause.to_string().contains(&format!("the encoding {encoding}")), "{cause}");
        }
    }
}

/// Stands before the server, and can let it stand still: what is connected stays connected, and nothing comes through.
struct Switch {
    port: u16,
    /// Connections that were made before it was this number are still.
    still_below: Arc<AtomicU64>,
    made: Arc<AtomicU64>,
}

impl Switch {
    fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (still_below, made) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (still, count) = (Arc::clone(&still_below), Arc::clone(&made));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&server)) else { continue };
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                for (from, to) in [(from_client, to_server), (server, client)] {
                    let still = Arc::clone(&still);
                    thread::spawn(move || forward(from, to, || still.load(Ordering::SeqCst) > number));
                }
            }
        });
        Self { port, still_below, made }
    }

    fn stand_still(&self) {
        self.still_below.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, is_still: impl Fn() -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        // What is read then gets no further; no caller is told.
        if !is_still() && to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
}

/// As when a primary stands still and a standby is promoted: what leads to the former is left alone.
#[test]
fn a_server_that_stands_still_is_left_for_one_that_answers() {
    let database = TestDatabase::migrated();
    let url = database.url();
    let (_, server) = url.rsplit_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    let switch = Switch::before(server.to_owned());
    for pooling in [Pooling::Auto, Pooling::Transaction] {
        let settings = settings(&url.replace(server, &format!("127.0.0.1:{}", switch.port)));
        // No more than are idle, so that no other one is made.
        let pool_size = NonZeroU32::new(2).unwrap();
        let store = PostgresStore::connect(Settings { pooling, pool_size, ..settings });
        while store.pool_state().connections < 2 {
            store.check().unwrap();
        }
        switch.stand_still();
        let begin = Instant::now();
        let (tell, told) = mpsc::channel();
        // No request waits for stuck ones.
        loop {
            let (store, tell) = (store.clone(), tell.clone());
            thread::spawn(move || tell.send(sources(&store).insert(&a_source(), WriteMode::Commit).is_ok()));
            if told.recv_timeout(Duration::from_millis(200)) == Ok(true) {
                break;
            }
            assert!(begin.elapsed() < Duration::from_secs(30), "{pooling:?}: nothing is written any more");
        }
        for _ in 0..10 {
            sources(&store).insert(&a_source(), WriteMode::Commit).unwrap();
        }
    }
}

/// Takes connections and never says a word; counts them.
fn silent_host() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    thread::spawn(move || {
        let mut kept = Vec::new();
        for client in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            kept.push(client);
        }
    });
    (port, taken)
}

/// Each attempt at a host that stands still takes the whole time-out, before the next host of the URL is tried.
#[test]
fn a_host_that_stands_still_is_no_longer_tried_first() {
    let database = TestDatabase::migrated();
    let (silent, taken) = silent_host();
    let (before, rest) = database.url().rsplit_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let separator = if rest.contains('?') { '&' } else { '?' };
    let url = format!("{before}@127.0.0.1:{silent},{rest}{separator}target_session_attrs=read-write");
    let store = PostgresStore::connect(Settings { pool_size: NonZeroU32::MIN, ..settings(&url) });
    let connections: u64 = 10;
    for _ in 0..connections {
        let began = Instant::now();
        while let Err(failure) = store.check() {
            assert!(began.elapsed() < Duration::from_mins(1), "no connection: {failure}");
        }
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }
    // One, unless the machine is so busy that a connection to the other host is slow as well.
    let taken = taken.load(Ordering::SeqCst);
    assert!(taken < connections / 2, "of {connections} connections, {taken} were tried with the silent host first");
}
