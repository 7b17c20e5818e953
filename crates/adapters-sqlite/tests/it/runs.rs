//! A run and its values are stored together.

use std::thread;

use prediction_adapters_sqlite::SqliteStore;
use prediction_domain::model::{Prediction, PredictionsDigest, Run};
use prediction_domain::ports::{InsertRunError, Issued, PredictionQuery, RunRepository, StoreFailure};
use prediction_domain_testkit::builders::{a_prediction, a_run_of};
use prediction_domain_testkit::values::micros_after;

use crate::fixture::{Database, PATIENT, everything_of, number};

#[test]
fn a_run_of_which_a_value_is_refused_is_not_stored() {
    let (database, _, job) = Database::with_a_job();
    let values = [a_prediction("risk", job.created_at, 0.5), a_prediction("risk", job.created_at, 0.75)];
    let run = a_run_of(&job, &values);
    let error = database.runs().insert(&run, &values).unwrap_err();
    assert!(matches!(error, InsertRunError::Store(StoreFailure::Internal(_))), "{error:?}");
    assert_eq!(database.runs().find(run.organisation_id, run.job_id, run.id).unwrap(), None);
    assert_eq!(number(&mut database.connect(), "SELECT count(*) FROM predictions"), 0);
    database.runs().insert(&run, &values[..1]).unwrap();
}

#[test]
fn two_stores_that_are_told_of_one_run_store_it_once() {
    const RUNS: i64 = 20;
    let (database, _, job) = Database::with_a_job();
    let other = SqliteStore::open(database.path(), PATIENT).unwrap();
    let report = |store: &SqliteStore, number: i64, value: f64| {
        let values: Vec<Prediction> =
            (0..5).map(|micros| a_prediction("risk", micros_after(job.created_at, micros), value)).collect();
        let run = Run { issued_at: micros_after(job.created_at, number), ..a_run_of(&job, &values) };
        match RunRepository::insert(store, &run, &values) {
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
        let values: Vec<_> = database.runs().predictions(&query).unwrap().into_iter().map(|v| v.prediction).collect();
        assert_eq!(PredictionsDigest::of(&values), run.predictions_digest);
    }
}
