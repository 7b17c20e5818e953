//! A store that cannot do its work says so soon, and to all callers that it concerns.

use std::thread;
use std::time::Duration;

use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use prediction_adapters_sqlite::{Settings, SqliteStore};
use prediction_domain::model::Job;
use prediction_domain::ports::{
    InsertSourceError, JobRepository as _, JobSetUpOutcome, JobSetUpRejected, SourceRepository, StoreFailure,
    StoreHealth as _, StoreStatistics as _, WriteMode,
};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_source};
use prediction_domain_testkit::values::job_name;

use crate::test_database::{Database, number};

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
                let first =
                    scope.spawn(|| SourceRepository::insert(&store, &a_source(), WriteMode::Commit).unwrap_err());
                while store.connections().busy == 0 {
                    assert!(!first.is_finished(), "it did not wait");
                    thread::yield_now();
                }
                let refused = SourceRepository::insert(&store, &a_source(), WriteMode::Commit).unwrap_err();
                assert!(matches!(refused, InsertSourceError::Store(StoreFailure::Unavailable(_))), "{refused:?}");
                assert!(!first.is_finished(), "the connection was free again");
            });
            QueryResult::Ok(())
        })
        .unwrap();
}

/// What SQLite says of a full disk and of a file that it may only read; the store is the same one afterwards.
#[test]
fn a_database_that_takes_no_writes_says_so() {
    let (database, _, _) = Database::with_a_job();
    let mut connection = database.connect();
    for complaint in ["database or disk is full", "attempt to write a readonly database"] {
        connection
            .batch_execute(&format!(
                "CREATE TRIGGER refuse BEFORE INSERT ON leases BEGIN SELECT RAISE(ROLLBACK, '{complaint}'); END"
            ))
            .unwrap();
        let failure = database.store.try_write().unwrap_err();
        assert!(matches!(failure, StoreFailure::NotWritable(_)), "{failure:?}");
        database.store.check().unwrap();
        connection.batch_execute("DROP TRIGGER refuse").unwrap();
        database.store.try_write().unwrap();
    }
}

#[test]
fn a_table_that_lost_a_column_is_noticed() {
    let database = Database::migrated();
    database.store.check().unwrap();
    let mut connection = database.connect();
    connection.batch_execute("ALTER TABLE job_revisions RENAME COLUMN updated_by TO renamed_by").unwrap();
    database.store.check().unwrap_err();
    connection.batch_execute("ALTER TABLE job_revisions RENAME COLUMN renamed_by TO updated_by").unwrap();
    database.store.check().unwrap();
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
        assert!(matches!(outcome, Err(JobSetUpRejected::Store(StoreFailure::NotWritable(_)))), "{outcome:?}");
    }
    assert_eq!(number(&mut connection, "SELECT count(*) FROM jobs"), 1);

    connection.batch_execute("DROP TRIGGER break_off").unwrap();
    for outcome in database.jobs().set_up_many(&plans) {
        assert_eq!(outcome.unwrap(), JobSetUpOutcome::Created);
    }
    assert_eq!(number(&mut connection, "SELECT count(*) FROM jobs"), 4);
}
