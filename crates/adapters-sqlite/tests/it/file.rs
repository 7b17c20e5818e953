//! The file: who can read it, and what is said when it cannot be used.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::{Settings, SqliteStore, StartUpError};
use prediction_domain::ports::{SourceRepository as _, StoreFailure, StoreHealth as _, WriteMode};
use prediction_domain_testkit::builders::{a_plan_for_everything, a_source};

use crate::test_database::Database;

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let database = Database::migrated();
    database.store.insert(&a_source(), WriteMode::Commit).unwrap();
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let path = format!("{}{suffix}", database.path().display());
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path}");
    }
}

/// A name that would mean something in a URI, to a shell or to diesel.
#[test]
fn any_path_will_do() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a b?mode=memory&cache=shared#x.db", "%41.db", "file:é'\"`$;.db", ":memory:", "sqlite:"] {
        let path = folder.path().join(name);
        let store = SqliteStore::open(&path, Settings::default()).unwrap();
        store.migrate().unwrap();
        store.check().unwrap();
        assert_eq!(store.path(), path.canonicalize().unwrap());
        assert!(fs::metadata(&path).unwrap().len() > 0, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_same_database_and_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("real.db"), folder.path().join("link.db"));
    let store = SqliteStore::open(&path, Settings::default()).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let linked = SqliteStore::open(&link, Settings::default()).unwrap();
    assert_eq!(linked.path(), store.path());
}

#[test]
fn what_keeps_a_store_from_opening_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let shown = folder.display();
    let missing = folder.join("none/predictions.db");
    let text = folder.join("notes.txt");
    fs::write(&text, "This is not a database, but long enough to be taken for one at the first glance. ".repeat(20))
        .unwrap();
    let within_a_file = text.join("predictions.db");
    for (path, sentence) in [
        (
            missing.as_path(),
            format!("the folder {shown}/none of the database does not exist: create it or choose another path"),
        ),
        (
            within_a_file.as_path(),
            format!("the folder {shown}/notes.txt of the database does not exist: create it or choose another path"),
        ),
        (folder.as_path(), format!("{shown} is a folder: name a file in it as the database")),
        (
            text.as_path(),
            format!("the file {shown}/notes.txt is not an SQLite database: move it away or choose another path"),
        ),
    ] {
        let error = SqliteStore::open(path, Settings::default()).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }
    #[cfg(unix)]
    assert_eq!(
        SqliteStore::open("/dev/null", Settings::default()).unwrap_err().to_string(),
        "/dev/null is not a regular file: name another one as the database"
    );
}

/// No test can count on a full disk, so a database is told that it may not grow.
#[test]
fn the_text_of_a_full_disk_is_the_one_that_is_looked_for() {
    let database = Database::empty();
    let mut connection = database.connect();
    connection.batch_execute("PRAGMA max_page_count = 2; CREATE TABLE t (x)").unwrap();
    let error = connection.batch_execute("INSERT INTO t VALUES (zeroblob(1000000))").unwrap_err();
    assert_eq!(error.to_string(), "database or disk is full");
}

#[cfg(unix)]
#[test]
fn a_file_that_was_deleted_or_replaced_is_not_healthy() {
    for replace in [false, true] {
        let database = Database::migrated();
        database.store.check().unwrap();
        fs::rename(database.path(), database.path().with_extension("old")).unwrap();
        if replace {
            fs::write(database.path(), "").unwrap();
        }
        let failure = database.store.check().unwrap_err();
        assert!(matches!(failure, StoreFailure::Unavailable(_)), "{failure:?}");
    }
}

/// In any case the message names the file, and is one line.
#[test]
fn messages_are_one_line() {
    let path = || Path::new("/data/predictions.db").to_owned();
    for error in [
        StartUpError::NotAccessible { path: path() },
        StartUpError::NotRegular { path: path() },
        StartUpError::Locked { path: path() },
        StartUpError::DiskFull { path: path() },
        StartUpError::NoWriteAheadLog { path: path() },
        StartUpError::Other { path: path(), source: "why".into() },
        StartUpError::Migration { migration: "m".to_owned(), path: path(), source: "why".into() },
    ] {
        let message = error.to_string();
        assert!(message.contains("/data/predictions.db") && !message.contains('\n'), "{message}");
    }
}

/// Nobody who commits has to do it: what is written gets from the log into the database soon.
#[test]
fn the_log_is_copied_beside_the_writer() {
    let database = Database::migrated();
    let length = || fs::metadata(database.path()).unwrap().len();
    let before = length();
    let until = Instant::now() + Duration::from_secs(30);
    database.set_up(&a_plan_for_everything());
    while length() == before {
        assert!(Instant::now() < until, "nothing was copied");
        thread::yield_now();
    }
}

#[test]
fn a_store_that_is_closed_leaves_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.db");
    let store = SqliteStore::open(&path, Settings::default()).unwrap();
    store.migrate().unwrap();
    store.try_write().unwrap();
    let log = folder.path().join("predictions.db-wal");
    assert!(log.exists());
    drop(store);
    assert!(!log.exists());
}
