//! A run and its values are stored together.

use std::thread;

use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::SqliteStore;
use prediction_domain::model::{Prediction, PredictionsDigest, Run, RunStatus, RunSummary, Scope, Timestamp};
use prediction_domain::ports::{InsertRunError, Issued, PredictionQuery, RunRepository, StoreFailure};
use prediction_domain_testkit::builders::{a_prediction, a_run_of};
use prediction_domain_testkit::values::micros_after;

use crate::test_database::{Database, LONG_WAIT, everything_of, number};

#[test]
fn a_run_of_which_a_value_is_refused_is_not_stored() {
    let (database, _, job) = Database::with_a_job();
    let values = [a_prediction("risk", job.created_at, 0.5), a_prediction("risk", job.created_at, 0.75)];
    let run = a_run_of(&job, &values);
    let error = database.runs().insert(&run, &values, None).unwrap_err();
    assert!(matches!(error, InsertRunError::Store(StoreFailure::Internal(_))), "{error:?}");
    assert_eq!(database.runs().find(run.organisation_id, run.job_id, run.id).unwrap(), None);
    assert_eq!(number(&mut database.connect(), "SELECT count(*) FROM predictions"), 0);
    database.runs().insert(&run, &values[..1], None).unwrap();
}

/// By a release that does not know of summaries, for example.
#[test]
fn what_is_reported_behind_the_stores_back_adds_up() {
    let (database, _, job) = Database::with_a_job();
    database.runs().insert(&a_run_of(&job, &[]), &[], None).unwrap();
    let mut connection = database.connect();
    let mut report = |job_id: &str, later: i64, succeeded: i64| {
        let copied = format!(
            "INSERT INTO runs (organisation_id, job_id, issued_at, id, job_revision, source_version_id, succeeded, \
             message, prediction_count, predictions_digest, received_at) SELECT organisation_id, {job_id}, issued_at + {later}, \
             lower(printf('%s-7777-7777-7777-%s', hex(randomblob(4)), hex(randomblob(6)))), job_revision, \
             source_version_id, {succeeded}, message, 1, predictions_digest, received_at + {later} \
             FROM runs ORDER BY issued_at LIMIT 1"
        );
        connection.batch_execute(&copied).unwrap();
    };
    for later in [7, 5, 9] {
        report("job_id", later, 0);
    }
    report("job_id", 6, 1);
    report("'77777777-7777-7777-7777-777777777777'", 8, 1);
    let found = database.jobs().find_monitored(&[(Scope::Platform, job.id)]).unwrap().remove(0).unwrap();
    let first = number(&mut connection, "SELECT min(issued_at) FROM runs");
    let at = |later: i64| Timestamp::from_micros(first + later).unwrap();
    let expected = RunSummary {
        last_run: Some((at(9), RunStatus::Failed)),
        last_success_at: Some(at(6)),
        delivered_at: Some(at(6)),
        consecutive_failures: 2,
    };
    assert_eq!(found.monitoring.runs, expected);
    assert_eq!(number(&mut connection, "SELECT count(*) FROM run_summaries"), 1, "a run of no job is added nowhere");
    assert_eq!(number(&mut connection, "SELECT values_from FROM run_summaries"), first + 5);
}

#[test]
fn two_stores_that_are_told_of_one_run_store_it_once() {
    const RUNS: i64 = 20;
    let (database, _, job) = Database::with_a_job();
    let other = SqliteStore::open(database.path(), LONG_WAIT).unwrap();
    let report = |store: &SqliteStore, number: i64, value: f64| {
        let values: Vec<Prediction> =
            (0..5).map(|micros| a_prediction("risk", micros_after(job.created_at, micros), value)).collect();
        let run = Run { issued_at: micros_after(job.created_at, number), ..a_run_of(&job, &values) };
        match RunRepository::insert(store, &run, &values, None) {
            Ok(()) => run,
            Err(InsertRunError::IssuedAtTaken(taken)) => *taken,
            Err(error) => panic!("{error:?}"),
        }
    };
    let answers: Vec<Vec<Run>> = thread::scope(|scope| {
        let stores = [(&database.store, 1.0), (&other, 2.0)];
        let report = &report;
        let threads = stores
            .map(|(store, value)| scope.spawn(move || (0..RUNS).map(|number| report(store, number, value)).collect()));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers[0], answers[1]);
    for run in &answers[0] {
        let query = PredictionQuery { issued: Issued::At(run.issued_at), ..everything_of(&job) };
        let values: Vec<_> =
            database.runs().predictions(&query).unwrap().values.into_iter().map(|v| v.prediction).collect();
        assert_eq!(PredictionsDigest::of(&values), run.predictions_digest);
    }
}
