//! Migrations of a database that is in use.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use prediction_adapters_postgres::{MigrationPatience, StartUpError};
use prediction_domain::ports::StoreHealth as _;

use crate::test_database::{TestDatabase, migration_texts, texts};

/// What a release before left, with some thousand rows: the first so many migrations, applied as it did.
fn used_by_a_release_before(migrations: usize) -> TestDatabase {
    let database = TestDatabase::empty();
    database.execute(
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now())",
    );
    for (text, version) in
        migration_texts().iter().zip(["20261123000001", "20261124000001", "20261125000001"]).take(migrations)
    {
        database.execute(text);
        database.execute(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"));
    }
    database.execute(include_str!("release_before/catalogue_and_jobs.sql"));
    if migrations >= 2 {
        database.execute(include_str!("release_before/runs.sql"));
    }
    database
}

/// Impatient with each lock, and patient as a whole.
fn patience() -> MigrationPatience {
    MigrationPatience {
        lock_wait: Duration::from_millis(50),
        give_up_after: Duration::from_mins(5),
        first_pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(200),
    }
}

/// Reads as the service does, over and over; a reader that has to wait for a lock longer than that fails.
fn read_until(database: &TestDatabase, is_over: &AtomicBool) -> usize {
    let mut connection = database.connection();
    connection.batch_execute("SET lock_timeout = '10s'; SET statement_timeout = '20s'").unwrap();
    let mut rounds = 0;
    while !is_over.load(Ordering::SeqCst) {
        let counted = texts(
            &mut connection,
            "SELECT concat_ws(' ', (SELECT count(*) FROM sources), (SELECT count(*) FROM source_versions), \
             (SELECT count(*) FROM jobs)) AS value",
        );
        assert_eq!(counted, ["40 200 3000"]);
        let page = texts(&mut connection, "SELECT name AS value FROM jobs ORDER BY created_at, id LIMIT 50");
        assert_eq!(page.len(), 50);
        rounds += 1;
    }
    rounds
}

/// A backup reads every table, and holds on to that: whatever wants more than that waits.
fn begin_backup(database: &TestDatabase) -> PgConnection {
    let mut backup = database.connection();
    let tables = database
        .texts("SELECT string_agg(format('%I', tablename), ', ') AS value FROM pg_tables WHERE schemaname = 'public'");
    backup.batch_execute(&format!("BEGIN; LOCK TABLE {} IN ACCESS SHARE MODE", tables[0])).unwrap();
    backup
}

/// Readers are never in a queue for long, also not while something else keeps the migration waiting; and it gets through when that
/// has ended.
#[test]
fn every_migration_runs_beside_readers_and_waits_for_a_backup() {
    for migrations in 1..=3 {
        let database = used_by_a_release_before(migrations);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| read_until(&database, &is_over))).collect();
            let mut backup = Some(begin_backup(&database));
            let mut sentences = Vec::new();
            let applied = database.store().migrate_telling(&patience(), &mut |sentence| {
                sentences.push(sentence.to_owned());
                // Long enough that one that waited in the queue all the time would have made the readers wait.
                if sentences.iter().filter(|sentence| sentence.contains("are in the way")).count() == 4 {
                    backup = None;
                }
            });
            is_over.store(true, Ordering::SeqCst);
            drop(backup);
            let applied = applied.unwrap_or_else(|error| panic!("after {migrations}: {error}; {sentences:?}"));
            assert_eq!(applied.len(), migration_texts().len() - migrations, "{sentences:?}");
            for reader in readers {
                assert!(reader.join().unwrap() > 0);
            }
        });
        database.store().check().unwrap();
    }
}

/// It does not hang in the queue for ever either.
#[test]
fn a_migration_that_is_never_let_through_says_so_and_leaves_the_schema_as_it_was() {
    let database = used_by_a_release_before(1);
    let schema = "SELECT table_name || '.' || column_name AS value FROM information_schema.columns \
                  WHERE table_schema = 'public' ORDER BY 1";
    let before = database.texts(schema);
    let backup = begin_backup(&database);
    let impatient = MigrationPatience { give_up_after: Duration::from_millis(200), ..patience() };
    let error = database.store().migrate_telling(&impatient, &mut |_| ()).unwrap_err();
    assert!(matches!(error, StartUpError::MigrationFailed { .. }), "{error:?}");
    let error = error.to_string();
    assert!(error.starts_with("migration 2026-11-24-000001_keep_revisions_runs_and_predictions failed"), "{error}");
    assert!(error.contains("others were in the way for"), "{error}");
    assert_eq!(database.texts(schema), before);
    drop(backup);
    database.store().migrate().unwrap();
}

/// A step is gone on with, whoever begins it; the service is not ready before; and what the release before stores meanwhile counts.
#[test]
fn a_step_that_was_interrupted_is_gone_on_with() {
    let database = used_by_a_release_before(2);
    // Somebody holds a job of a later batch.
    let mut holder = database.connection();
    let mut hold = |sentence: &str| {
        if sentence.ends_with("begins") {
            let last = "SELECT FROM jobs ORDER BY organisation_id DESC, id DESC LIMIT 1 FOR UPDATE";
            holder.batch_execute(&format!("BEGIN; {last}")).unwrap();
        }
    };
    let impatient = MigrationPatience { give_up_after: Duration::from_millis(200), ..patience() };
    let error = database.store().migrate_telling(&impatient, &mut hold).unwrap_err();
    assert!(matches!(error, StartUpError::StepFailed { .. }), "{error:?}");
    assert!(error.to_string().starts_with("the step of a migration to add up the runs of jobs"), "{error}");
    let pending = database.store().pending_migrations().unwrap();
    assert_eq!(pending[0], "add up the runs of jobs that were there");
    let failure = format!("{:?}", database.store().check().unwrap_err());
    assert!(failure.contains("add up the runs of jobs that were there"), "{failure}");
    assert_eq!(
        database.count("SELECT count(*) FROM __migration_steps WHERE progress IS NOT NULL AND finished_at IS NULL"),
        1
    );

    // The trigger knows nothing of the runs before.
    drop(holder);
    database.execute(
        "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, message, \
         prediction_count, predictions_digest, received_at) \
         SELECT organisation_id, job_id, issued_at + interval '1 minute', gen_random_uuid(), job_revision, source_version_id, \
         false, 'late', 0, predictions_digest, received_at + interval '1 minute' FROM runs WHERE NOT succeeded",
    );
    assert_eq!(database.store().migrate().unwrap(), Vec::<String>::new());
    database.store().check().unwrap();
    let added_up = database.texts(
        "SELECT concat_ws(' ', count(*), sum(consecutive_failures), count(last_success_at), count(values_from)) AS value \
         FROM run_summaries",
    );
    let counted = database.texts(
        "SELECT concat_ws(' ', count(DISTINCT job_id), count(*) FILTER (WHERE NOT succeeded), \
         count(*) FILTER (WHERE succeeded), count(*) FILTER (WHERE prediction_count > 0)) AS value FROM runs",
    );
    assert_eq!(added_up, counted);
}

/// Several processes share the steps.
#[test]
fn processes_that_start_together_on_a_used_database_all_come_up() {
    let database = used_by_a_release_before(2);
    let applied: Vec<Vec<String>> = thread::scope(|scope| {
        let start = || {
            let store = database.store();
            let applied = store.migrate_telling(&patience(), &mut |_| ()).unwrap();
            store.check().unwrap();
            applied
        };
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(applied.concat().len(), migration_texts().len() - 2);
    assert_eq!(database.count("SELECT count(*) FROM run_summaries"), 3000);
}

/// What the release before sends goes on to work, word for word.
#[test]
fn the_release_before_goes_on_to_work() {
    let database = TestDatabase::migrated();
    database.execute(include_str!("release_before/statements.sql"));
    assert_eq!(database.texts("SELECT name AS value FROM jobs ORDER BY name"), ["a job", "another", "renamed"]);
    assert_eq!(database.count("SELECT count(*) FROM runs"), 2);
    assert_eq!(database.count("SELECT count(*) FROM predictions"), 2);
}
