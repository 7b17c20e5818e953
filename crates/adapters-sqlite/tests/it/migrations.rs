use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::{SqliteStore, StartUpError};
use prediction_domain::ports::{StoreFailure, StoreHealth as _};

use crate::fixture::{Database, PATIENT, number};

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(database);
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

#[test]
fn stores_that_start_together_migrate_once() {
    const STORES: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("predictions.db");
    let barrier = Barrier::new(STORES);
    let applied: Vec<usize> = thread::scope(|scope| {
        let start = || {
            barrier.wait();
            let store = SqliteStore::open(&path, PATIENT).unwrap();
            let applied = store.migrate().unwrap();
            store.check().unwrap();
            applied.len()
        };
        let started: Vec<_> = (0..STORES).map(|_| scope.spawn(start)).collect();
        started.into_iter().map(|store| store.join().unwrap()).collect()
    });
    assert_eq!(applied.iter().filter(|count| **count > 0).count(), 1, "{applied:?}");
}

#[test]
fn migrating_again_does_nothing() {
    let database = Database::empty();
    let applied = database.store.migrate().unwrap();
    assert_eq!(applied[0], "2026-11-23-000001_create_catalogue_and_jobs");
    assert_eq!(database.store.migrate().unwrap(), Vec::<String>::new());
}

#[test]
fn health_fails_while_migrations_are_pending() {
    let database = Database::empty();
    let failure = database.store.check().unwrap_err();
    assert!(matches!(&failure, StoreFailure::Unavailable(cause) if cause.to_string().ends_with("not applied")));
    database.store.migrate().unwrap();
    database.store.check().unwrap();
    database.connect().batch_execute("DELETE FROM __diesel_schema_migrations").unwrap();
    database.store.check().unwrap_err();
}

/// The release before keeps running while the next one is rolled out.
#[test]
fn health_does_not_mind_a_migration_of_a_later_release() {
    let database = Database::migrated();
    database
        .connect()
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000001')")
        .unwrap();
    database.store.check().unwrap();
    assert_eq!(database.store.migrate().unwrap(), Vec::<String>::new());
}

#[test]
fn a_migration_that_fails_leaves_the_schema_as_it_was_and_says_which() {
    let database = Database::empty();
    let mut connection = database.connect();
    // In the way of the last table.
    connection.batch_execute("CREATE TABLE job_inputs (x)").unwrap();
    let error = database.store.migrate().unwrap_err();
    assert!(matches!(error, StartUpError::Migration { .. }), "{error:?}");
    assert!(error.to_string().contains("2026-11-23-000001_create_catalogue_and_jobs"), "{error}");
    assert_eq!(number(&mut connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'sources'"), 0);
    connection.batch_execute("DROP TABLE job_inputs").unwrap();
    database.store.migrate().unwrap();
}

/// Every `down.sql` takes back its `up.sql`, so that a release can be tried and left.
#[test]
fn migrations_can_be_reverted() {
    let database = Database::migrated();
    let mut connection = database.connect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let names: BTreeSet<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for migration in names.iter().rev() {
        connection.batch_execute(&std::fs::read_to_string(migration.join("down.sql")).unwrap()).unwrap();
    }
    let left = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' AND tbl_name NOT LIKE '\\_\\_diesel%' ESCAPE '\\'";
    assert_eq!(number(&mut connection, left), 0);
}
