use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;
use prediction_adapters_sqlite::{SqliteStore, StartUpError};
use prediction_domain::model::RunStatus::{self, Failed, Succeeded};
use prediction_domain::model::{Job, Prediction, Run, RunOutcome, RunSummary, Scope, SourceVersion};
use prediction_domain::ports::{Purged, StoreFailure, StoreHealth as _, WriteMode};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_prediction, a_run_of};
use prediction_domain_testkit::values::{first_page, micros_after};

use crate::test_database::{Database, LONG_WAIT, number};

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
            let store = SqliteStore::open(&path, LONG_WAIT).unwrap();
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

/// A job that is active has been so since the revision that ended its last pause, or since it was set up.
#[test]
fn jobs_of_before_are_active_since_their_last_pause() {
    let (database, version, _) = Database::with_a_job();
    let stories: [(&[bool], Option<i64>); 9] = [
        (&[true], None),
        (&[false], None),
        (&[true, true], None),
        (&[true, false], None),
        (&[false, true], Some(1)),
        (&[false, true, true], Some(1)),
        (&[true, false, true, false], None),
        (&[true, true, false, false, true], Some(4)),
        (&[false, true, false, true, true, true], Some(3)),
    ];
    let jobs: Vec<Job> = stories.iter().map(|(story, _)| lived(&database, &version, story)).collect();
    migrate_again(&database);
    for (job, (story, since)) in jobs.iter().zip(stories) {
        let stored = database.jobs().find_many(&[(Scope::Platform, job.id)]).unwrap().remove(0).unwrap();
        let activated_at = since.map(|place| micros_after(job.created_at, place));
        assert_eq!(stored.activated_at, activated_at, "{story:?}");
        assert_eq!(stored, Job { activated_at, ..job.clone() }, "nothing else has changed");
        let revisions = database.jobs().revisions(job.organisation_id, job.id, &first_page(10)).unwrap().items;
        assert_eq!(revisions.len(), story.len(), "{story:?}");
    }
}

/// What is found to have been is what the trigger would have made of it.
#[test]
fn runs_of_before_are_added_up() {
    let (database, version, silent) = Database::with_a_job();
    let outcomes: [&[(RunStatus, usize)]; 7] = [
        &[(Succeeded, 2)],
        &[(Succeeded, 0)],
        &[(Failed, 0)],
        &[(Failed, 0), (Failed, 0), (Failed, 0)],
        &[(Failed, 0), (Succeeded, 0), (Succeeded, 1), (Succeeded, 1)],
        &[(Succeeded, 1), (Failed, 0), (Failed, 0)],
        &[(Failed, 0), (Succeeded, 3), (Failed, 0), (Succeeded, 1), (Failed, 0), (Failed, 0)],
    ];
    let jobs = outcomes.map(|runs| {
        let job = database.set_up_job(&version);
        report(&database, &job, runs);
        job
    });
    let mut connection = database.connect();
    let before = summaries(&mut connection);
    assert_eq!(before.len(), jobs.len());
    migrate_again(&database);
    assert_eq!(summaries(&mut connection), before);
    for (job, runs) in jobs.iter().zip(outcomes) {
        let added_up = (0..)
            .zip(runs)
            .map(|(place, (status, _))| RunOutcome::at_once(micros_after(job.created_at, place), *status));
        assert_eq!(added_up_runs(&database, job), RunSummary::of(added_up), "{runs:?}");
    }
    assert_eq!(added_up_runs(&database, &silent), RunSummary::default());
    assert_eq!(number(&mut connection, "SELECT count(*) FROM deleted_jobs"), 0);
}

#[test]
fn what_jobs_that_were_deleted_before_have_left_is_removed() {
    let (database, version, silent) = Database::with_a_job();
    let [deleted, failed, kept] = [(); 3].map(|()| database.set_up_job(&version));
    for (job, runs) in
        [(&deleted, &[(Succeeded, 2), (Failed, 0)][..]), (&failed, &[(Failed, 0)]), (&kept, &[(Succeeded, 1)])]
    {
        report(&database, job, runs);
    }
    for job in [&silent, &deleted, &failed] {
        database.jobs().delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).unwrap();
    }
    migrate_again(&database);
    let mut connection = database.connect();
    assert_eq!(number(&mut connection, "SELECT count(*) FROM deleted_jobs"), 2);
    assert_eq!(number(&mut connection, "SELECT count(*) FROM run_summaries"), 1);
    let purged = database.retention().purge(kept.created_at, 10).unwrap();
    assert_eq!(purged, Purged { values: 2, runs: 3, is_unfinished: false });
    for table in ["runs", "predictions"] {
        assert_eq!(number(&mut connection, &format!("SELECT count(*) FROM {table}")), 1, "what is left in {table}");
    }
}

/// Takes back the migrations from that one on, so that the database is as a release before would have it, and applies
/// them to what is there.
fn migrate_again(database: &Database) {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite");
    let names = std::fs::read_dir(&all).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.as_str() >= WATCH_JOBS).collect();
    names.sort();
    let mut connection = database.connect();
    for name in names.iter().rev() {
        connection.batch_execute(&std::fs::read_to_string(all.join(name).join("down.sql")).unwrap()).unwrap();
    }
    connection.batch_execute("DELETE FROM __diesel_schema_migrations WHERE version >= '20261125000001'").unwrap();
    assert_eq!(database.store.migrate().unwrap(), names);
}

const WATCH_JOBS: &str = "2026-11-25-000001_watch_jobs_and_purge_results";

/// A job that was active or not at each of its revisions, which are a microsecond apart. When it was activated is
/// unknown.
fn lived(database: &Database, version: &SourceVersion, story: &[bool]) -> Job {
    let mut job = Job { active: story[0], ..a_job_of(version) };
    database.set_up(&a_plan_for(job.clone()));
    for (place, active) in (0..).zip(story).skip(1) {
        let before = job.revision;
        let updated_at = micros_after(job.created_at, place);
        job = Job { active: *active, revision: before.next(), updated_at, ..job };
        database.jobs().update(&job, before, None, WriteMode::Commit).unwrap();
    }
    job
}

/// Runs that were issued a microsecond apart, each with so many values.
fn report(database: &Database, job: &Job, runs: &[(RunStatus, usize)]) {
    for (place, (status, count)) in (0..).zip(runs) {
        let values: Vec<Prediction> =
            (0..).take(*count).map(|number| a_prediction("risk", micros_after(job.created_at, number), 0.5)).collect();
        let issued_at = micros_after(job.created_at, place);
        let run = Run { issued_at, status: *status, ..a_run_of(job, &values) };
        database.runs().insert(&run, &values, None).unwrap();
    }
}

fn added_up_runs(database: &Database, job: &Job) -> RunSummary {
    database.jobs().find_monitored(&[(Scope::Platform, job.id)]).unwrap().remove(0).unwrap().monitoring.runs
}

/// Every column of every summary.
fn summaries(connection: &mut SqliteConnection) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        row: String,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "SELECT json_array(organisation_id, job_id, source_id, last_run_at, last_run_succeeded, last_success_at, \
         consecutive_failures, values_from) AS row FROM run_summaries ORDER BY organisation_id, job_id",
    )
    .load(connection)
    .unwrap();
    rows.into_iter().map(|row| row.row).collect()
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
    let left =
        "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' AND tbl_name NOT LIKE '\\_\\_%' ESCAPE '\\'";
    assert_eq!(number(&mut connection, left), 0);
}
