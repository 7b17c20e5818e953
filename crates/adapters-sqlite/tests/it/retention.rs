//! What no caller can read any more is removed, and writers are hardly held up by it.

use std::thread;
use std::time::Duration;

use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::{Settings, SqliteStore};
use prediction_domain::model::{Job, Prediction, ReplicaId, Run, Scope, Timestamp};
use prediction_domain::ports::{
    Lease, LeaseRepository as _, Purged, RetentionRepository, RunRepository, StoreFailure, WriteMode,
};
use prediction_domain_testkit::builders::{a_prediction, a_run_of};
use prediction_domain_testkit::values::{fresh_run_id, hours, micros_after};

use crate::test_database::{Database, LONG_WAIT, number};

#[test]
fn a_purge_of_nothing_does_not_wait_for_a_writer() {
    let (database, version, job) = Database::with_a_job();
    let settings = Settings { lock_wait: Duration::from_millis(50), ..Settings::default() };
    let store = SqliteStore::open(database.path(), settings).unwrap();
    report(&database, &job, 0, 1);
    database
        .connect()
        .immediate_transaction(|_| {
            assert_eq!(store.purge(job.created_at, 10).unwrap(), Purged::default());
            let failure = store.purge(expired(&job), 10).unwrap_err();
            assert!(matches!(failure, StoreFailure::Unavailable(_)), "{failure:?}");
            QueryResult::Ok(())
        })
        .unwrap();
    let other = database.set_up_job(&version);
    report(&database, &other, 0, 1);
    assert_eq!(store.purge(expired(&other), 10).unwrap(), Purged { values: 2, ..Purged::default() });
}

#[test]
fn a_lease_holds_for_all_processes() {
    let database = Database::migrated();
    let other = SqliteStore::open(database.path(), LONG_WAIT).unwrap();
    let [a, b] = [(); 2].map(|()| ReplicaId::from_uuid(fresh_run_id().as_uuid()).unwrap());
    let now = Timestamp::from_micros(1_000_000).unwrap();
    let until = micros_after(now, 10);
    assert!(database.store.hold(Lease::Purge, a, now, until).unwrap());
    assert!(!other.hold(Lease::Purge, b, now, until).unwrap());
    assert!(other.hold(Lease::Purge, b, until, micros_after(until, 10)).unwrap());
    assert!(!database.store.hold(Lease::Purge, a, until, micros_after(until, 10)).unwrap());
}

#[test]
fn where_values_begin_is_known_after_each_purge() {
    let (database, _, job) = Database::with_a_job();
    for minute in [0, 1, 2] {
        report(&database, &job, minute, 3);
    }
    let mut connection = database.connect();
    let mut values_from = || {
        let issued_at = number(&mut connection, "SELECT ifnull((SELECT values_from FROM run_summaries), 0)");
        Timestamp::from_micros(issued_at).filter(|_| issued_at != 0)
    };
    assert_eq!(values_from(), Some(minutes_after(job.created_at, 0)));
    for (limit, begin, is_unfinished) in [(2, Some(0), true), (3, Some(1), true), (1, Some(2), true), (4, None, false)]
    {
        let purged = database.retention().purge(minutes_after(expired(&job), 2), limit).unwrap();
        assert_eq!((purged.values, purged.is_unfinished), (u64::try_from(limit).unwrap().min(3), is_unfinished));
        assert_eq!(values_from(), begin.map(|minute| minutes_after(job.created_at, minute)));
    }
}

/// A step is short, however many jobs there are.
#[test]
fn a_purge_looks_at_some_jobs_and_the_next_one_at_others() {
    const JOBS: usize = 70;
    let (database, version, first) = Database::with_a_job();
    let jobs: Vec<Job> = (1..JOBS).map(|_| database.set_up_job(&version)).chain([first]).collect();
    for job in &jobs {
        report(&database, job, 0, 1);
    }
    let last = jobs.iter().map(expired).max().unwrap();
    let steps = |values: u64, runs: u64| {
        for (share, is_unfinished) in [(64, true), (6, false)] {
            let expected = Purged { values: values * share, runs: runs * share, is_unfinished };
            assert_eq!(database.retention().purge(last, 1_000).unwrap(), expected);
        }
        assert_eq!(database.retention().purge(last, 1_000).unwrap(), Purged::default());
    };
    steps(1, 0);
    for job in &jobs {
        database.jobs().delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).unwrap();
    }
    steps(0, 1);
    let mut connection = database.connect();
    for table in ["predictions", "runs", "run_summaries", "deleted_jobs"] {
        assert_eq!(number(&mut connection, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}

#[test]
fn stores_that_purge_while_others_report_delete_each_value_once() {
    const RUNS: i64 = 60;
    let (database, version, first) = Database::with_a_job();
    let jobs: Vec<Job> = (0..3).map(|_| database.set_up_job(&version)).chain([first]).collect();
    let other = SqliteStore::open(database.path(), LONG_WAIT).unwrap();
    // The later half of the values lasts.
    let now = jobs.iter().map(|job| minutes_after(expired(job), RUNS / 2 - 1)).max().unwrap();
    let purged: u64 = thread::scope(|scope| {
        let (database, jobs) = (&database, &jobs);
        scope.spawn(|| (0..RUNS).rev().for_each(|minute| jobs.iter().for_each(|job| report(database, job, minute, 3))));
        let purges = [&database.store, &other]
            .map(|store| scope.spawn(move || (0..RUNS).map(|_| store.purge(now, 7).unwrap().values).sum::<u64>()));
        purges.into_iter().map(|purges| purges.join().unwrap()).sum()
    });
    let rest: u64 = std::iter::from_fn(|| Some(other.purge(now, 50).unwrap()))
        .scan(true, |goes_on, step| std::mem::replace(goes_on, step.is_unfinished).then_some(step.values))
        .sum();
    let half = jobs.len() * 3 * usize::try_from(RUNS / 2).unwrap();
    assert_eq!(purged + rest, half as u64);
    let left = number(&mut database.connect(), "SELECT count(*) FROM predictions");
    assert_eq!(usize::try_from(left).unwrap(), half);
}

/// As one that was deleted before there were summaries.
#[test]
fn a_deleted_job_without_a_summary_goes_too() {
    let (database, _, job) = Database::with_a_job();
    report(&database, &job, 0, 3);
    database.jobs().delete(&Scope::Platform, job.id, job.revision, WriteMode::Commit).unwrap();
    database.connect().batch_execute("DELETE FROM run_summaries").unwrap();
    assert_eq!(
        database.retention().purge(job.created_at, 10).unwrap(),
        Purged { values: 3, runs: 1, is_unfinished: false }
    );
    assert_eq!(database.retention().purge(job.created_at, 10).unwrap(), Purged::default());
}

/// Reports a run that was issued so many minutes after the job was set up, with so many values.
fn report(database: &Database, job: &Job, minute: i64, values: i64) {
    let issued_at = minutes_after(job.created_at, minute);
    let values: Vec<Prediction> =
        (0..values).map(|number| a_prediction("risk", micros_after(job.created_at, number), 0.5)).collect();
    RunRepository::insert(&database.store, &Run { issued_at, ..a_run_of(job, &values) }, &values, None).unwrap();
}

/// When what was issued in the first minutes of the job has expired: its source keeps values for a year.
fn expired(job: &Job) -> Timestamp {
    job.created_at.plus(hours(24 * 365).as_time())
}

fn minutes_after(time: Timestamp, minutes: i64) -> Timestamp {
    micros_after(time, minutes * 60_000_000)
}
