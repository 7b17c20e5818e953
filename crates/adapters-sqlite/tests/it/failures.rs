//! A store that cannot do its work says so soon, and to everybody whom it concerns.

use std::thread;
use std::time::Duration;

use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::{Settings, SqliteStore};
use prediction_domain::model::Job;
use prediction_domain::ports::{
    InsertSourceError, JobRepository as _, JobSetUpOutcome, JobSetUpRejected, SourceRepository, StoreFailure,
    StoreStatistics as _,
};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_source};
use prediction_domain_testkit::values::job_name;

use crate::fixture::{Database, number};

#[test]
fn a_database_that_another_program_holds_is_not_available() {
    let (database, version, _) = Database::with_a_job();
    let settings = Settings { lock_wait: Duration::from_millis(50), ..Settings::default() };
    let store = SqliteStore::open(database.path(), settings).unwrap();
    let plans = [a_plan_for(a_job_of(&version)), a_plan_for(a_job_of(&version))];
    database
        .connect()
        .exclusive_transaction(|_| {
            for outcome in store.set_up_many(&plans) {
                let Err(JobSetUpRejected::Store(StoreFailure::Unavailable(cause))) = outcome else {
                    panic!("{outcome:?}");
                };
                assert_eq!(cause.to_string(), "database is locked");
            }
            QueryResult::Ok(())
        })
        .unwrap();
    for outcome in store.set_up_many(&plans) {
        assert_eq!(outcome.unwrap(), JobSetUpOutcome::Created);
    }
}

/// The one connection that writes is taken: who comes next is refused before the one who has it gives up.
#[test]
fn a_writer_does_not_wait_long_for_the_other_one() {
    let database = Database::migrated();
    let settings = Settings {
        connection_wait: Duration::from_millis(50),
        lock_wait: Duration::from_secs(2),
        ..Settings::default()
    };
    let store = SqliteStore::open(database.path(), settings).unwrap();
    database
        .connect()
        .exclusive_transaction(|_| {
            thread::scope(|scope| {
                let first = scope.spawn(|| SourceRepository::insert(&store, &a_source()).unwrap_err());
                while store.connections().busy == 0 {
                    assert!(!first.is_finished(), "it did not wait");
                    thread::yield_now();
                }
                let refused = SourceRepository::insert(&store, &a_source()).unwrap_err();
                assert!(matches!(refused, InsertSourceError::Store(StoreFailure::Unavailable(_))), "{refused:?}");
                assert!(!first.is_finished(), "the connection was free again");
            });
            QueryResult::Ok(())
        })
        .unwrap();
}

/// As on a full disk: SQLite rolls back the transaction in the middle of the batch, what came before included.
#[test]
fn a_transaction_that_breaks_off_fails_every_plan_of_the_batch() {
    let (database, version, _) = Database::with_a_job();
    let mut connection = database.connect();
    connection
        .batch_execute(
            "CREATE TRIGGER break_off BEFORE INSERT ON jobs WHEN NEW.name = 'the last straw'
             BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END",
        )
        .unwrap();
    let straw = Job { name: job_name("the last straw"), ..a_job_of(&version) };
    let plans = [a_plan_for(a_job_of(&version)), a_plan_for(straw), a_plan_for(a_job_of(&version))];
    for outcome in database.jobs().set_up_many(&plans) {
        assert!(matches!(outcome, Err(JobSetUpRejected::Store(StoreFailure::Unavailable(_)))), "{outcome:?}");
    }
    assert_eq!(number(&mut connection, "SELECT count(*) FROM jobs"), 1);

    connection.batch_execute("DROP TRIGGER break_off").unwrap();
    for outcome in database.jobs().set_up_many(&plans) {
        assert_eq!(outcome.unwrap(), JobSetUpOutcome::Created);
    }
    assert_eq!(number(&mut connection, "SELECT count(*) FROM jobs"), 4);
}
