//! Runs with many values are stored and deleted in parts, and are there as a whole or not at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::{Settings, SqliteStore};
use prediction_domain::model::{Job, MAX_PREDICTIONS, Prediction, Run, RunStatus, Timestamp};
use prediction_domain::ports::{
    InsertRunError, Issued, PredictionQuery, ReplaceRunError, RunRepository, StoreFailure, WriteMode,
};
use prediction_domain_testkit::builders::{a_prediction, a_run_of, a_source};
use prediction_domain_testkit::values::micros_after;

use crate::test_database::{Database, LONG_WAIT, everything_of, number};

/// How many values a part has at the most.
const LONGEST_PART: usize = 1_024;
/// How often something is tried that needs others to come in between: mostly they do at once.
const TRIES: i64 = 200;

fn values_of(job: &Job, count: usize, value: f64) -> Vec<Prediction> {
    (0..i64::try_from(count).unwrap())
        .map(|later| a_prediction("risk", micros_after(job.created_at, later * 1_000_000), value))
        .collect()
}

fn run_at(job: &Job, values: &[Prediction], later: i64) -> Run {
    Run { issued_at: micros_after(job.created_at, later), ..a_run_of(job, values) }
}

/// Does something while others want to write all the time.
fn beside_writers<T>(database: &Database, work: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                database.sources().insert(&a_source(), WriteMode::Commit).unwrap();
            }
        });
        // Also when the work panics, or the test would not end.
        let _over = Over(&is_over);
        work()
    })
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Has whatever is begun in parts noted, and whatever is written meanwhile.
fn note_parts(database: &Database, what_happens_then: &str) {
    database
        .connect()
        .batch_execute(&format!(
            "CREATE TABLE noted (what TEXT);
             CREATE TRIGGER note_begin AFTER INSERT ON unfinished_runs BEGIN
                 INSERT INTO noted VALUES ('begun'); {what_happens_then}
             END;
             CREATE TRIGGER note_write AFTER INSERT ON sources WHEN EXISTS (SELECT 1 FROM unfinished_runs) BEGIN
                 INSERT INTO noted VALUES ('written');
             END;"
        ))
        .unwrap();
}

fn count(database: &Database, what: &str) -> i64 {
    number(&mut database.connect(), &format!("SELECT count(*) FROM {what}"))
}

/// Puts values where they are of no run, as a process leaves them that ends in the middle.
fn leave_values(database: &Database, job: &Job, values: &[Prediction], issued_at: Timestamp, seen_at: &str) {
    let mut connection = database.connect();
    let (organisation, id, issued_at) = (job.organisation_id, job.id, issued_at.as_micros());
    for value in values {
        let (at, value) = (value.at.as_micros(), value.value);
        connection
            .batch_execute(&format!(
                "INSERT INTO predictions (organisation_id, job_id, role, at, issued_at, value)
                 VALUES ('{organisation}', '{id}', 'risk', {at}, {issued_at}, {value})"
            ))
            .unwrap();
    }
    connection
        .batch_execute(&format!(
            "INSERT INTO unfinished_runs (organisation_id, job_id, issued_at, writer, seen_at)
             VALUES ('{organisation}', '{id}', {issued_at}, '7/7', {seen_at})"
        ))
        .unwrap();
}

const LONG_AGO: &str = "1";
const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

fn read(database: &Database, query: &PredictionQuery) -> Vec<f64> {
    database.runs().predictions(query).unwrap().values.iter().map(|value| value.prediction.value).collect()
}

#[test]
fn others_write_between_the_parts_of_a_large_run() {
    let (database, _, job) = Database::with_a_job();
    note_parts(&database, "");
    let values = values_of(&job, MAX_PREDICTIONS, 0.5);
    for later in 0..TRIES {
        let run = run_at(&job, &values, later);
        beside_writers(&database, || database.runs().insert(&run, &values, None).unwrap());
        assert_eq!(database.runs().find(run.organisation_id, run.job_id, run.id).unwrap(), Some(run));
        assert_eq!(read(&database, &everything_of(&job)).len(), MAX_PREDICTIONS);
        assert_eq!(count(&database, "unfinished_runs"), 0);
        if count(&database, "noted WHERE what = 'written'") > 0 {
            return;
        }
    }
    panic!("nobody wrote in between");
}

#[test]
fn a_run_with_few_values_is_stored_in_one_part() {
    let (database, _, job) = Database::with_a_job();
    note_parts(&database, "");
    let values = values_of(&job, LONGEST_PART, 0.5);
    let run = run_at(&job, &values, 0);
    database.runs().insert(&run, &values, None).unwrap();
    let delete = |run: &Run| {
        database.runs().delete(run.organisation_id, run.job_id, run.id, None, run.received_at, WriteMode::Commit)
    };
    assert_eq!(count(&database, "noted"), 0);
    assert_eq!(delete(&run).unwrap(), run);
    assert_eq!((count(&database, "predictions"), count(&database, "unfinished_runs")), (0, 0));
}

/// A part of it would cost others more than it.
#[test]
fn a_run_with_very_few_values_is_stored_at_once_though_others_wait() {
    let (database, _, job) = Database::with_a_job();
    note_parts(&database, "");
    let values = values_of(&job, 256, 0.5);
    beside_writers(&database, || {
        for later in 0..50 {
            database.runs().insert(&run_at(&job, &values, later), &values, None).unwrap();
        }
    });
    assert_eq!(count(&database, "noted WHERE what = 'begun'"), 0);
}

/// Whoever comes while a part is stored waits for the disk to take it; and the last part is one of which the disk has
/// all values already, since nobody may read the run before that.
#[test]
fn parts_are_short_also_when_nobody_waits() {
    let (database, _, job) = Database::with_a_job();
    database
        .connect()
        .batch_execute(
            "CREATE TABLE noted (stored INTEGER);
             CREATE TRIGGER note_part AFTER UPDATE ON unfinished_runs BEGIN
                 INSERT INTO noted SELECT count(*) FROM predictions;
             END;",
        )
        .unwrap();
    let values = values_of(&job, MAX_PREDICTIONS, 0.5);
    database.runs().insert(&run_at(&job, &values, 0), &values, None).unwrap();
    let longest = "(SELECT stored - lag(stored, 1, 0) OVER (ORDER BY stored) AS part FROM noted)";
    assert_eq!(count(&database, &format!("{longest} WHERE part > {LONGEST_PART}")), 0);
    assert_eq!(count(&database, &format!("noted WHERE stored = {MAX_PREDICTIONS}")), 1, "when the last one begins");
}

#[test]
fn values_that_are_of_no_run_are_not_read() {
    let (database, _, job) = Database::with_a_job();
    let values = values_of(&job, 3, 1.0);
    database.runs().insert(&run_at(&job, &values, 0), &values, None).unwrap();
    let failed = Run { status: RunStatus::Failed, ..run_at(&job, &[], 5) };
    database.runs().insert(&failed, &[], None).unwrap();
    for later in [5, 6] {
        leave_values(&database, &job, &values_of(&job, 4, 2.0), micros_after(job.created_at, later), NOW);
    }
    let all = everything_of(&job);
    let late = micros_after(job.created_at, 1_000_000_000);
    let last_run = database.runs().predictions(&all).unwrap().last_run;
    for query in [
        all.clone(),
        PredictionQuery { issued: Issued::Until(late), ..all.clone() },
        PredictionQuery {
            known_at: Some(Timestamp::from_micros(i64::from(u32::MAX) * 1_000_000).unwrap()),
            ..all.clone()
        },
        PredictionQuery { last_run: Some(last_run), ..all.clone() },
    ] {
        assert_eq!(read(&database, &query), [1.0, 1.0, 1.0], "{query:?}");
    }
    for later in [5, 6] {
        let query = PredictionQuery { issued: Issued::At(micros_after(job.created_at, later)), ..all.clone() };
        assert!(read(&database, &query).is_empty(), "{query:?}");
    }
}

#[test]
fn what_a_process_left_is_removed_by_the_same_report() {
    let (database, _, job) = Database::with_a_job();
    let values = values_of(&job, 3, 1.0);
    leave_values(&database, &job, &values_of(&job, 200, 2.0), job.created_at, LONG_AGO);
    database.runs().insert(&run_at(&job, &values, 0), &values, None).unwrap();
    assert_eq!(read(&database, &everything_of(&job)), [1.0, 1.0, 1.0]);
    assert_eq!((count(&database, "predictions"), count(&database, "unfinished_runs")), (3, 0));
}

/// The process is started again, and the report is sent again.
#[test]
fn what_the_process_before_left_is_removed_at_once() {
    let (database, _, job) = Database::with_a_job();
    let values = values_of(&job, 3, 1.0);
    leave_values(&database, &job, &values_of(&job, 200, 2.0), job.created_at, NOW);
    let run = run_at(&job, &values, 0);
    let store = SqliteStore::open(database.path(), LONG_WAIT).unwrap();
    RunRepository::insert(&store, &run, &values, None).unwrap();
    assert_eq!((count(&database, "predictions"), count(&database, "unfinished_runs")), (3, 0));
}

#[test]
fn what_a_process_left_is_removed_by_the_purge() {
    let (database, _, job) = Database::with_a_job();
    leave_values(&database, &job, &values_of(&job, 200, 2.0), job.created_at, LONG_AGO);
    leave_values(&database, &job, &values_of(&job, 3, 2.0), micros_after(job.created_at, 1), NOW);
    let purge = || database.retention().purge(job.created_at, 150).unwrap();
    let first = purge();
    assert_eq!((first.values, first.is_unfinished), (150, true));
    assert_eq!(count(&database, "unfinished_runs WHERE writer = ''"), 1, "whoever stored it is not to complete it");
    let second = purge();
    assert_eq!((second.values, second.is_unfinished), (50, false));
    assert_eq!((count(&database, "predictions"), count(&database, "unfinished_runs")), (3, 1), "that is under way");
}

/// By another process.
#[test]
fn a_run_waits_for_one_that_is_being_stored() {
    let (database, _, job) = Database::with_a_job();
    let settings = Settings { lock_wait: Duration::from_millis(50), ..LONG_WAIT };
    let store = SqliteStore::open(database.path(), settings).unwrap();
    leave_values(&database, &job, &values_of(&job, 200, 2.0), job.created_at, NOW);
    let values = values_of(&job, 3, 1.0);
    let run = run_at(&job, &values, 0);
    let refused = RunRepository::insert(&store, &run, &values, None).unwrap_err();
    assert!(matches!(refused, InsertRunError::Store(StoreFailure::Unavailable(_))), "{refused:?}");
    assert_eq!(count(&database, "predictions"), 200);
    let other = run_at(&job, &values, 1);
    RunRepository::insert(&store, &other, &values, None).unwrap();
    database.connect().batch_execute("DELETE FROM unfinished_runs; DELETE FROM predictions WHERE value = 2.0").unwrap();
    RunRepository::insert(&store, &run, &values, None).unwrap();
}

/// What is said of a large run when that is done between its parts, and nothing must be left of it.
fn refused_in_the_middle(what_happens_then: &str) -> InsertRunError {
    let (database, version, _) = Database::with_a_job();
    note_parts(&database, what_happens_then);
    for _ in 0..TRIES {
        let job = database.set_up_job(&version);
        let values = values_of(&job, MAX_PREDICTIONS, 0.5);
        let run = run_at(&job, &values, 0);
        let stored = beside_writers(&database, || database.runs().insert(&run, &values, None));
        if count(&database, "noted WHERE what = 'begun'") > 0 {
            assert_eq!((count(&database, "predictions"), count(&database, "unfinished_runs")), (0, 0));
            return stored.unwrap_err();
        }
        stored.unwrap();
        database.connect().batch_execute("DELETE FROM predictions; DELETE FROM runs").unwrap();
    }
    panic!("nobody wrote in between");
}

#[test]
fn a_large_run_of_a_job_that_is_deleted_meanwhile_leaves_nothing() {
    let refused = refused_in_the_middle("DELETE FROM jobs WHERE id = NEW.job_id;");
    assert!(matches!(refused, InsertRunError::JobMissing), "{refused:?}");
}

/// A release that does not know of parts stores a run of the same time in the meantime.
#[test]
fn a_large_run_whose_place_is_taken_meanwhile_leaves_nothing() {
    let refused = refused_in_the_middle(
        "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded,
             prediction_count, predictions_digest, received_at)
         SELECT organisation_id, id, NEW.issued_at, '77777777-7777-7777-7777-777777777777', 1, source_version_id, 1, 0,
             zeroblob(32), NEW.issued_at FROM jobs WHERE id = NEW.job_id;",
    );
    assert!(matches!(refused, InsertRunError::IssuedAtTaken(_)), "{refused:?}");
}

/// Of two that are told of the same run, one stores it.
#[test]
fn the_same_large_run_twice_is_stored_once() {
    let (database, _, job) = Database::with_a_job();
    let other = SqliteStore::open(database.path(), LONG_WAIT).unwrap();
    let values = values_of(&job, MAX_PREDICTIONS, 0.5);
    for later in 0..3 {
        let runs = [(); 3].map(|()| run_at(&job, &values, later));
        let stored: Vec<Result<(), InsertRunError>> = beside_writers(&database, || {
            thread::scope(|scope| {
                let stores = [&database.store, &database.store, &other];
                let values = &values;
                let reports: Vec<_> = stores.into_iter().zip(&runs).collect();
                let threads: Vec<_> = reports
                    .into_iter()
                    .map(|(store, run)| scope.spawn(move || RunRepository::insert(store, run, values, None)))
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            })
        });
        let taken = |answer: &Result<(), InsertRunError>| matches!(answer, Err(InsertRunError::IssuedAtTaken(_)));
        assert_eq!(stored.iter().filter(|answer| answer.is_ok()).count(), 1, "{stored:?}");
        assert_eq!(stored.iter().filter(|answer| taken(answer)).count(), 2, "{stored:?}");
        assert_eq!(read(&database, &everything_of(&job)).len(), MAX_PREDICTIONS);
        assert_eq!(count(&database, "predictions"), (later + 1) * i64::try_from(MAX_PREDICTIONS).unwrap());
        assert_eq!(count(&database, "unfinished_runs"), 0);
    }
}

#[test]
fn a_large_run_replaces_one_that_failed_as_a_whole() {
    let (database, _, job) = Database::with_a_job();
    note_parts(&database, "");
    let values = values_of(&job, MAX_PREDICTIONS, 0.5);
    let failed = Run { status: RunStatus::Failed, ..run_at(&job, &[], 0) };
    database.runs().insert(&failed, &[], None).unwrap();
    let run = Run { replaces: Some(failed.id), ..run_at(&job, &values, 0) };
    beside_writers(&database, || database.runs().replace(&run, &values, None).unwrap());
    assert_eq!(read(&database, &everything_of(&job)).len(), MAX_PREDICTIONS);
    let again = beside_writers(&database, || database.runs().replace(&run, &values, None));
    assert!(matches!(again, Err(ReplaceRunError::Gone)), "{again:?}");
    assert_eq!(count(&database, "unfinished_runs"), 0);
    let found = database.runs().find(run.organisation_id, run.job_id, run.id).unwrap();
    assert_eq!(found, Some(run));
}

#[test]
fn others_write_while_a_large_run_is_deleted() {
    let (database, _, job) = Database::with_a_job();
    let few = values_of(&job, 3, 1.0);
    database.runs().insert(&run_at(&job, &few, 0), &few, None).unwrap();
    note_parts(&database, "");
    let values = values_of(&job, MAX_PREDICTIONS, 0.5);
    for later in 1..TRIES {
        let run = run_at(&job, &values, later);
        database.runs().insert(&run, &values, None).unwrap();
        beside_writers(&database, || {
            let (organisation, id) = (run.organisation_id, run.job_id);
            database.runs().delete(organisation, id, run.id, None, run.received_at, WriteMode::Commit).unwrap();
        });
        assert_eq!(database.runs().find(run.organisation_id, run.job_id, run.id).unwrap(), None);
        assert_eq!(read(&database, &everything_of(&job)), [1.0, 1.0, 1.0]);
        assert_eq!((count(&database, "predictions"), count(&database, "unfinished_runs")), (3, 0));
        if count(&database, "noted WHERE what = 'written'") > 0 {
            return;
        }
    }
    panic!("nobody wrote in between");
}
