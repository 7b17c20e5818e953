//! Several stores on one file, as several processes have.

use std::thread;

use prediction_adapters_sqlite::SqliteStore;
use prediction_domain::model::{Job, Revision, Scope};
use prediction_domain::ports::{JobRepository as _, JobSetUpOutcome, UpdateJobError, WriteMode};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for};

use crate::test_database::{Database, LONG_WAIT, number};

#[test]
fn two_stores_that_write_at_the_same_time_lose_nothing() {
    const BATCHES: usize = 20;
    const PLANS: usize = 5;
    let (database, version, _) = Database::with_a_job();
    let other = SqliteStore::open(database.path(), LONG_WAIT).unwrap();
    thread::scope(|scope| {
        for store in [&database.store, &other, &database.store, &other] {
            scope.spawn(|| {
                for _ in 0..BATCHES {
                    let plans: Vec<_> = (0..PLANS).map(|_| a_plan_for(a_job_of(&version))).collect();
                    for outcome in store.set_up_many(&plans) {
                        assert_eq!(outcome.unwrap(), JobSetUpOutcome::Created);
                    }
                }
            });
        }
    });
    let stored = number(&mut database.connect(), "SELECT count(*) FROM jobs");
    assert_eq!(stored, i64::try_from(1 + 4 * BATCHES * PLANS).unwrap());
}

/// Read, change, write: a writer that was overtaken is told, and no change is lost.
#[test]
fn two_stores_that_change_one_job_lose_no_change() {
    const CHANGES: i64 = 25;
    let (database, _, job) = Database::with_a_job();
    let other = SqliteStore::open(database.path(), LONG_WAIT).unwrap();
    thread::scope(|scope| {
        for store in [&database.store, &other] {
            scope.spawn(|| {
                for _ in 0..CHANGES {
                    change(store, &job);
                }
            });
        }
    });
    let stored = database.store.find_many(&[(Scope::Platform, job.id)]).unwrap().remove(0).unwrap();
    assert_eq!(stored.revision, Revision::new(1 + 2 * CHANGES).unwrap());
}

fn change(store: &SqliteStore, job: &Job) {
    loop {
        let stored = store.find_many(&[(Scope::Platform, job.id)]).unwrap().remove(0).unwrap();
        let changed = Job { active: !stored.active, revision: stored.revision.next(), ..stored.clone() };
        match store.update(&changed, stored.revision, None, WriteMode::Commit) {
            Ok(()) => return,
            Err(UpdateJobError::Stale { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}
