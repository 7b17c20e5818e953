//! Migrations, when all goes well and when it does not.

use std::sync::Barrier;
use std::thread;

use prediction_domain::ports::{StoreFailure, StoreHealth as _};

use crate::test_database::TestDatabase;

/// Every migration, in order.
const ALL: [&str; 2] =
    ["2026-11-23-000001_create_catalogue_and_jobs", "2026-11-24-000001_keep_revisions_runs_and_predictions"];

#[test]
fn processes_that_start_together_all_come_up_and_migrate_once() {
    // One round hits the narrow moments only now and then.
    for _ in 0..10 {
        let database = TestDatabase::empty();
        let barrier = Barrier::new(4);
        let applied: Vec<Vec<String>> = thread::scope(|scope| {
            let start = || {
                let store = database.store();
                barrier.wait();
                let applied = store.migrate().unwrap();
                store.check().unwrap();
                applied
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(applied.concat(), ALL);
    }
}

#[test]
fn a_migrated_database_has_nothing_pending() {
    let database = TestDatabase::migrated();
    assert_eq!(database.store().pending_migrations().unwrap(), Vec::<String>::new());
    assert_eq!(database.store().migrate().unwrap(), Vec::<String>::new());
}

#[test]
fn a_store_without_its_migrations_cannot_do_its_work() {
    let database = TestDatabase::empty();
    let store = database.store();
    let assert_pending = || {
        let failure = store.check().unwrap_err();
        let StoreFailure::Unavailable(cause) = &failure else { panic!("{failure:?}") };
        assert_eq!(cause.to_string(), format!("migrations are not applied: {}", ALL.join(", ")));
    };
    assert_pending();
    assert_eq!(
        database.count("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        0,
        "looking changes nothing"
    );
    store.migrate().unwrap();
    store.check().unwrap();
    database.execute("DELETE FROM __diesel_schema_migrations");
    assert_pending();
}

#[test]
fn migrations_of_a_later_release_do_no_harm() {
    let database = TestDatabase::migrated();
    database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
    database.store().check().unwrap();
    assert_eq!(database.store().migrate().unwrap(), Vec::<String>::new());
}

#[test]
fn a_failing_migration_leaves_the_schema_as_it_was_and_says_so() {
    let database = TestDatabase::empty();
    database.execute("CREATE TABLE jobs (somebody_elses text)");
    let error = database.store().migrate().unwrap_err().to_string();
    assert_eq!(
        error,
        "migration 2026-11-23-000001_create_catalogue_and_jobs failed and left the schema as it was before: \
         relation \"jobs\" already exists"
    );
    let tables =
        database.texts("SELECT tablename::text AS value FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
    assert_eq!(tables, ["__diesel_schema_migrations", "jobs"]);
    assert_eq!(database.count("SELECT count(*) FROM __diesel_schema_migrations"), 0);

    database.execute("DROP TABLE jobs");
    assert_eq!(database.store().migrate().unwrap(), ALL);
}

#[test]
fn migrations_can_be_undone_by_hand() {
    let database = TestDatabase::migrated();
    for down in [
        include_str!("../../../../migrations/postgres/2026-11-24-000001_keep_revisions_runs_and_predictions/down.sql"),
        include_str!("../../../../migrations/postgres/2026-11-23-000001_create_catalogue_and_jobs/down.sql"),
    ] {
        database.execute(down);
    }
    database.execute("DELETE FROM __diesel_schema_migrations");
    assert_eq!(database.store().migrate().unwrap(), ALL);
}

#[test]
fn the_last_migration_can_be_undone_alone() {
    let database = TestDatabase::migrated();
    database.execute(include_str!(
        "../../../../migrations/postgres/2026-11-24-000001_keep_revisions_runs_and_predictions/down.sql"
    ));
    database.execute("DELETE FROM __diesel_schema_migrations WHERE version LIKE '20261124%'");
    assert_eq!(database.store().migrate().unwrap(), ALL[1..]);
}
