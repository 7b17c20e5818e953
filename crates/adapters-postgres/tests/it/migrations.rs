//! Migrations, when all goes well and when it does not.

use std::path::Path;
use std::sync::Barrier;
use std::thread;

use prediction_domain::ports::{Purged, RetentionRepository as _, StoreFailure, StoreHealth as _};
use prediction_domain_testkit::values::at;

use crate::test_database::TestDatabase;

/// The names of all migrations, in order.
fn all() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Takes a migration back, by hand.
fn undo(database: &TestDatabase, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres").join(name);
    database.execute(&std::fs::read_to_string(folder.join("down.sql")).unwrap());
    let version = name.split('_').next().unwrap().replace('-', "");
    database.execute(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'"));
}

#[test]
fn processes_that_start_together_all_come_up_and_migrate_once() {
    // One round hits the narrow moments only now and then.
    for _ in 0..10 {
        let database = TestDatabase::empty();
        let barrier = Barrier::new(4);
        let start = || {
            let store = database.store();
            barrier.wait();
            let applied = store.migrate().unwrap();
            store.check().unwrap();
            applied
        };
        let start_all = || {
            thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            })
        };
        let applied = database.watched(start_all);
        let mut applied = applied.concat();
        applied.sort();
        assert_eq!(applied, all());
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
        assert_eq!(cause.to_string(), format!("migrations are not applied: {}", all().join(", ")));
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
    database.execute("CREATE TABLE jobs (of_another_program text)");
    let error = database.store().migrate().unwrap_err().to_string();
    // What the server says is in its language.
    let expected =
        "migration 2026-11-23-000001_create_catalogue_and_jobs failed and left the schema as it was before: ";
    assert!(error.strip_prefix(expected).is_some_and(|reason| reason.contains("jobs")), "{error}");
    let tables =
        database.texts("SELECT tablename::text AS value FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
    assert_eq!(tables, ["jobs"]);

    database.execute("DROP TABLE jobs");
    assert_eq!(database.store().migrate().unwrap(), all());
}

#[test]
fn migrations_can_be_undone_by_hand() {
    let database = TestDatabase::migrated();
    for name in all().iter().rev() {
        undo(&database, name);
    }
    assert_eq!(database.store().migrate().unwrap(), all());
}

#[test]
fn the_last_migration_can_be_undone_alone() {
    let database = TestDatabase::migrated();
    let last = all().pop().unwrap();
    undo(&database, &last);
    assert_eq!(database.store().migrate().unwrap(), [last]);
}

/// What was there before is taken up: jobs that were paused and activated again, runs, and runs whose job is gone.
#[test]
fn the_watch_begins_with_what_was_there() {
    let database = TestDatabase::empty();
    for up in [
        include_str!("../../../../migrations/postgres/2026-11-23-000001_create_catalogue_and_jobs/up.sql"),
        include_str!("../../../../migrations/postgres/2026-11-24-000001_keep_revisions_runs_and_predictions/up.sql"),
    ] {
        database.execute(up);
    }
    // In hours of one day: job 1 never changed, 2 was paused from 3 to 5, 3 was renamed after that, 4 is paused, and
    // job 5 is deleted.
    database.execute(
        "CREATE FUNCTION id(n int) RETURNS uuid LANGUAGE sql AS $$ SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid $$; \
         CREATE FUNCTION h(n int) RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '2026-06-01Z' + n * interval '1 hour' $$; \
         INSERT INTO sources VALUES (id(90), 'a', 'a', NULL, 60, 24, 1, h(0), h(0)); \
         INSERT INTO source_versions VALUES (id(91), id(90), '1', '1', NULL, '[]', '[{}]', 'sha256:' || repeat('0', 64), h(0)); \
         INSERT INTO jobs SELECT id(80), id(n), id(90), id(91), 'job ' || n, true, '[]', '[]', 1, h(1), h(1) FROM generate_series(1, 5) AS n; \
         UPDATE jobs SET active = false, revision = 2, updated_at = h(3) WHERE id IN (id(2), id(3), id(4)); \
         UPDATE jobs SET active = true, revision = 3, updated_at = h(5) WHERE id IN (id(2), id(3)); \
         UPDATE jobs SET name = 'renamed', revision = 4, updated_at = h(7) WHERE id = id(3); \
         INSERT INTO runs SELECT id(80), id(job), h(hour), gen_random_uuid(), 1, id(91), ok, NULL, CASE WHEN ok THEN 2 ELSE 0 END, \
           decode(repeat('00', 32), 'hex'), h(hour) FROM (VALUES (1, 8, true), (1, 9, false), (1, 10, false), (2, 8, false), \
           (2, 9, false), (3, 8, false), (3, 9, true), (5, 8, true)) AS reported (job, hour, ok); \
         DELETE FROM jobs WHERE id = id(5)",
    );
    database.execute(
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now()); \
         INSERT INTO __diesel_schema_migrations (version) VALUES ('20261123000001'), ('20261124000001')",
    );
    assert_eq!(database.store().migrate().unwrap(), all()[2..]);

    let hour = "extract(hour FROM %s AT TIME ZONE 'UTC')";
    let hours = |column: &str| format!("COALESCE({}::text, '-')", hour.replace("%s", column));
    let activated = database.texts(&format!(
        "SELECT right(id::text, 1) || ' ' || {} AS value FROM jobs ORDER BY id",
        hours("activated_at")
    ));
    assert_eq!(activated, ["1 -", "2 5", "3 5", "4 -"]);
    let summaries = database.texts(&format!(
        "SELECT right(job_id::text, 1) || ' ' || {} || ' ' || last_run_succeeded || ' ' || {} || ' ' || consecutive_failures \
         || ' ' || {} AS value FROM run_summaries ORDER BY job_id",
        hours("last_run_at"),
        hours("last_success_at"),
        hours("values_from")
    ));
    assert_eq!(summaries, ["1 10 false 8 2 8", "2 9 false - 2 -", "3 9 true 9 0 9"]);
    assert_eq!(database.texts("SELECT right(job_id::text, 1) AS value FROM deleted_jobs"), ["5"]);
    // And the orphan goes, though nothing is known of it but that.
    let purged = database.store().purge(at("2026-06-01T00:00:00Z"), 100).unwrap();
    assert_eq!(purged, Purged { values: 0, runs: 1, is_unfinished: false });
    assert_eq!(database.count("SELECT count(*) FROM deleted_jobs"), 0);
}
