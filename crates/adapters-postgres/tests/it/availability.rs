//! A server that is away, comes back, or has no time.

use std::net::TcpListener;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::result::Error;
use prediction_adapters_postgres::{PostgresStore, PostgresUrl, Settings};
use prediction_domain::model::{Job, PageRequest, Scope};
use prediction_domain::ports::{
    InsertSourceError, JobFilter, JobSetUpOutcome, JobSetUpRejected, StoreFailure, StoreHealth as _, WriteMode,
};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for, a_plan_for_everything, a_source};
use prediction_domain_testkit::values::job_name;

use crate::test_database::{TestDatabase, jobs, settings, sources};

/// Nothing here takes a second on a machine that has nothing else to do; what has no bound takes much longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Has every connection of the pool opened and used.
fn fill_pool(store: &PostgresStore) {
    let threads = usize::try_from(store.pool_state().max).unwrap();
    let deadline = Instant::now() + LONGEST_WAIT;
    while store.pool_state().connections < store.pool_state().max {
        assert!(Instant::now() < deadline, "{:?}", store.pool_state());
        let barrier = Barrier::new(threads);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..20 {
                        store.check().unwrap();
                    }
                });
            }
        });
    }
}

#[test]
fn every_call_survives_that_all_connections_died() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let plan = a_plan_for_everything();
    let version = plan.new_version.clone().unwrap();
    let scope = Scope::Platform;
    let page = PageRequest::new(10, None).unwrap();
    let job = a_job_of(&version);
    let renamed = Job { name: job_name("renamed"), revision: job.revision.next(), ..job.clone() };
    let calls: [(&str, &dyn Fn()); 7] = [
        ("a plan for everything", &|| {
            assert_eq!(
                jobs(&store).set_up_many(std::slice::from_ref(&plan)).remove(0).unwrap(),
                JobSetUpOutcome::Created
            );
        }),
        ("a small plan", &|| {
            assert_eq!(
                jobs(&store).set_up_many(&[a_plan_for(job.clone())]).remove(0).unwrap(),
                JobSetUpOutcome::Created
            );
        }),
        ("a read", &|| assert!(jobs(&store).find_many(&[(scope.clone(), plan.job.id)]).unwrap()[0].is_some())),
        ("a list", &|| assert_eq!(jobs(&store).list(&scope, &JobFilter::default(), &page).unwrap().items.len(), 2)),
        ("an insert", &|| sources(&store).insert(&a_source(), WriteMode::Commit).unwrap()),
        ("an update", &|| jobs(&store).update(&renamed, job.revision, None, WriteMode::Commit).unwrap()),
        ("a health check", &|| store.check().unwrap()),
    ];
    for (name, call) in calls {
        fill_pool(&store);
        database.end_all_connections();
        let start = Instant::now();
        call();
        assert!(start.elapsed() < LONGEST_WAIT, "{name} took {:?}", start.elapsed());
    }
}

#[test]
fn a_server_that_became_read_only_is_left_for_one_that_writes() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let name = database.name();
    database.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    fill_pool(&store);
    // The first connections were made before.
    database.end_all_connections();
    let tried = store.try_write();
    assert!(matches!(tried, Err(StoreFailure::NotWritable(_))), "{tried:?}");
    store.check().unwrap();
    let refused = sources(&store).insert(&a_source(), WriteMode::Commit);
    assert!(matches!(refused, Err(InsertSourceError::Store(StoreFailure::NotWritable(_)))), "{refused:?}");
    database.execute(&format!(
        "SET transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only"
    ));
    sources(&store).insert(&a_source(), WriteMode::Commit).unwrap();
}

#[test]
fn a_server_that_is_away_is_told_quickly() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store = PostgresStore::connect(settings(&format!("postgres://user:hush@127.0.0.1:{port}/db")));
    let start = Instant::now();
    let failure = store.check().unwrap_err();
    assert!(start.elapsed() < LONGEST_WAIT, "{:?}", start.elapsed());
    let StoreFailure::Unavailable(cause) = &failure else { panic!("{failure:?}") };
    assert!(cause.to_string().contains("Connection refused"), "{cause}");

    for error in [store.probe().unwrap_err(), store.migrate().unwrap_err()] {
        let message = error.to_string();
        assert!(message.starts_with(&format!("cannot reach PostgreSQL at 127.0.0.1:{port}: ")), "{message}");
        assert!(message.contains("Connection refused"), "{message}");
        assert!(!message.contains('\n') && !message.contains("hush"), "{message}");
    }
    assert!(!format!("{store:?}").contains("hush"));
}

#[test]
fn a_store_starts_before_its_database() {
    let database = TestDatabase::migrated();
    let name = database.name();
    let admin = TestDatabase::empty();
    admin.execute(&format!("ALTER DATABASE {name} RENAME TO {name}_away"));
    let store = database.store();
    assert!(store.check().is_err());
    admin.execute(&format!("ALTER DATABASE {name}_away RENAME TO {name}"));
    store.check().unwrap();
}

#[test]
fn a_table_that_lost_a_column_is_noticed() {
    let database = TestDatabase::migrated();
    let store = database.store();
    store.check().unwrap();
    database.execute("ALTER TABLE job_revisions RENAME COLUMN updated_by TO renamed_by");
    assert!(store.check().is_err());
    database.execute("ALTER TABLE job_revisions RENAME COLUMN renamed_by TO updated_by");
    store.check().unwrap();
}

#[test]
fn a_pool_whose_connections_are_all_busy_does_not_hang() {
    let database = TestDatabase::migrated();
    let url = PostgresUrl::parse(&database.url(), |_| None).unwrap();
    let store = PostgresStore::connect(Settings { pool_size: std::num::NonZeroU32::MIN, ..Settings::new(url) });
    store.check().unwrap();
    let source = a_source();
    let mut other = database.connection();
    let refused = other.transaction(|other| {
        // The insert holds the only connection while it waits for this lock.
        other.batch_execute("LOCK TABLE sources IN EXCLUSIVE MODE")?;
        thread::scope(|scope| {
            let insert = scope.spawn(|| sources(&store).insert(&source, WriteMode::Commit));
            database.wait_for_a_blocked_session();
            assert!(matches!(store.check(), Err(StoreFailure::Unavailable(_))));
            assert!(!insert.is_finished(), "the connection was free again");
            Ok::<_, Error>(insert.join().unwrap())
        })
    });
    let refused = refused.unwrap();
    assert!(matches!(refused, Err(InsertSourceError::Store(StoreFailure::Unavailable(_)))), "{refused:?}");
    sources(&store).insert(&source, WriteMode::Commit).unwrap();
}

#[test]
fn of_a_batch_only_the_plan_that_waits_for_a_lock_fails() {
    let database = TestDatabase::migrated();
    let store = database.store();
    let everything = a_plan_for_everything();
    jobs(&store).set_up_many(std::slice::from_ref(&everything)).remove(0).unwrap();
    let version = everything.new_version.unwrap();
    let planned: Vec<Job> = (0..4).map(|_| a_job_of(&version)).collect();
    let plans: Vec<_> = planned.iter().cloned().map(a_plan_for).collect();

    let mut other = database.connection();
    let answers = other.transaction(|other| {
        other.batch_execute(&format!(
            "INSERT INTO jobs SELECT '{}', gen_random_uuid(), source_id, source_version_id, '{}', active, role_bindings, \
             outputs, revision, created_at, updated_at FROM jobs",
            planned[2].organisation_id, planned[2].name
        ))?;
        Ok::<_, Error>(jobs(&store).set_up_many(&plans))
    });
    for (index, answer) in answers.unwrap().into_iter().enumerate() {
        if index == 2 {
            assert!(matches!(answer, Err(JobSetUpRejected::Store(StoreFailure::Unavailable(_)))), "{answer:?}");
        } else {
            assert_eq!(answer.unwrap(), JobSetUpOutcome::Created);
        }
    }
}
